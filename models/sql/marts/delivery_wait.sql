-- Grain: one row per time in which more messages than usual waited too long for one destination.
-- started_at: when the first of them was ready to be sent. detected_at: when so many of them were overdue as a rule asks.
-- restored_at: when they no longer were; null while they are.
-- most_overdue: the longest queue of overdue messages; usual_overdue: of a usual day.
-- first_success_at: the first delivery after it began. is_blocked: nothing got through for most of it.
-- is_judged: the flow is old enough to say that so many are more than usual.
-- A delivery without an end that was under way when the log itself went missing is not waiting: its end was not recorded.
-- Not published: what is an incident is in interface_incident.
with span as (
    select
        source,
        channel,
        destination,
        min(entered_at) as first_at
    from marts.message_delivery
    group by
        source,
        channel,
        destination
), waited as (
    select
        delivery.source,
        delivery.channel,
        delivery.destination,
        delivery.entered_at + rule.wait_minutes * interval 1 minute as overdue_at,
        delivery.settled_at
    from marts.message_delivery as delivery
    cross join marts.incident_rule as rule
    where coalesce(delivery.settled_at, greatest($as_of, delivery.entered_at))
    > delivery.entered_at + rule.wait_minutes * interval 1 minute
        and not exists (
            select 1
            from staging.registry_downtime as downtime
            where downtime.source = delivery.source
                and coalesce(downtime.channel, delivery.channel) = delivery.channel
                and downtime.starts_at < coalesce(delivery.settled_at, $as_of)
                and downtime.ends_at > delivery.entered_at
        )
), step as (
    select
        source,
        channel,
        destination,
        overdue_at as changed_at,
        1 as change
    from waited
    union all
    select
        source,
        channel,
        destination,
        settled_at as changed_at,
        -1 as change
    from waited
    where settled_at is not null
), moment as (
    select
        source,
        channel,
        destination,
        changed_at,
        sum(change) as change
    from step
    group by
        source,
        channel,
        destination,
        changed_at
), queue as (
    select
        *,
        changed_at::date as changed_date,
        sum(change) over line as overdue,
        lead(changed_at) over line as until_at
    from moment
    window line as (
        partition by source, channel, destination
        order by changed_at
    )
), day as (
    select
        source,
        channel,
        destination,
        changed_date,
        max(overdue) as most_overdue
    from queue
    group by
        source,
        channel,
        destination,
        changed_date
), usual as (
    select
        source,
        channel,
        destination,
        changed_date,
        case
            when lag(changed_date, 15) over line >= changed_date - 28 then median(most_overdue) over past
            else 0.0
        end as usual_overdue
    from day
    window past as (
        partition by source, channel, destination
        order by changed_date
        rows between 28 preceding and 1 preceding
    ), line as (
        partition by source, channel, destination
        order by changed_date
    )
), judged as (
    select
        queue.*,
        usual.usual_overdue,
        queue.overdue >= greatest(rule.wait_fewest, rule.wait_margin * usual.usual_overdue) as is_long,
        coalesce(lag(queue.overdue) over (
            partition by queue.source, queue.channel, queue.destination
            order by queue.changed_at
        ), 0) <= usual.usual_overdue as is_fresh,
        rule.wait_minutes,
        rule.merge_minutes
    from queue
    inner join usual
        on usual.source = queue.source
        and usual.channel = queue.channel
        and usual.destination = queue.destination
        and usual.changed_date = queue.changed_date
    cross join marts.incident_rule as rule
), begun as (
    select
        *,
        max(case when is_fresh then changed_at end) over (
            partition by source, channel, destination
            order by changed_at
            rows unbounded preceding
        ) - wait_minutes * interval 1 minute as fresh_at
    from judged
), long_queue as (
    select
        *,
        lag(until_at) over (partition by source, channel, destination order by changed_at) as before_until_at
    from begun
    where is_long
), parted as (
    select
        *,
        sum(case
            when before_until_at is null then 1
            when changed_at > before_until_at + merge_minutes * interval 1 minute then 1
            else 0
        end) over (
            partition by source, channel, destination
            order by changed_at
            rows unbounded preceding
        ) as part
    from long_queue
), wait as (
    select
        source,
        channel,
        destination,
        min(fresh_at) as started_at,
        min(changed_at) as detected_at,
        case when bool_and(until_at is not null) then max(until_at) end as restored_at,
        max(overdue)::bigint as most_overdue,
        arg_min(usual_overdue, changed_at) as usual_overdue
    from parted
    group by
        source,
        channel,
        destination,
        part
), passed as (
    select
        wait.source,
        wait.channel,
        wait.destination,
        wait.started_at,
        min(slot.first_success_at) as first_success_at
    from wait
    inner join marts.delivery_slot as slot
        on slot.source = wait.source
        and slot.channel = wait.channel
        and slot.destination = wait.destination
    cross join marts.incident_rule as rule
    where slot.first_success_at > wait.started_at + rule.slot_seconds * interval 1 second
    group by
        wait.source,
        wait.channel,
        wait.destination,
        wait.started_at
)
select
    wait.*,
    passed.first_success_at,
    coalesce(
        passed.first_success_at >= wait.started_at
        + 0.8 * date_diff('second', wait.started_at, wait.restored_at) * interval 1 second,
        passed.first_success_at is null
    ) as is_blocked,
    wait.detected_at >= span.first_at + rule.usual_fewest_days * interval 1 day as is_judged
from wait
inner join span
    on span.source = wait.source
    and span.channel = wait.channel
    and span.destination = wait.destination
left join passed
    on passed.source = wait.source
    and passed.channel = wait.channel
    and passed.destination = wait.destination
    and passed.started_at = wait.started_at
cross join marts.incident_rule as rule
