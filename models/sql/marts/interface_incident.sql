-- Grain: one row per time in which one flow was in one kind of trouble, as the data show it.
-- kind: silent (its sender sends nothing), outage (nothing gets through to a destination), retry_storm (the engine tries
-- without a pause), error_burst (many more fail than usual), backlog (messages wait although some get through),
-- latency_shift (the destination answers more slowly, and stays so), schema_drift (messages in an unusual format).
-- destination: null where the channel itself is in trouble.
-- A trouble that follows from a worse one at the same destination is not told again: the queue behind an outage, for instance.
-- An outage that a queue shows before the first try fails is the same outage, and began with that queue.
-- started_at: the message with which it began: the last one before a silence, the first that failed, was slow or had to wait.
-- detected_at: when the rules could first have known, from what was known then; null for schema_drift, which is only known
-- when the format did not stay.
-- restored_at: when it was over; null while it is not known to be.
-- ended_at: the same, or the data cut while it is open.
-- messages_affected: messages that should have come (silent), that were under way (outage, retry_storm, backlog), failed
-- at first or for good (error_burst), were slow (latency_shift) or had the unusual format.
-- seen, expected: what was seen against what is usual: messages (silent), failed tries, failed tries a message
-- (retry_storm), the share of tries that failed (error_burst), overdue messages at once (backlog), median milliseconds
-- (latency_shift), messages. Null where nothing is usual.
with named as (
    select
        trouble.*,
        rule.usual_fewest_days,
        case
            when trouble.measure = 'slow' then 'latency_shift'
            when trouble.bad >= trouble.failing_messages * rule.storm_blind_tries then 'retry_storm'
            when trouble.answered * 2 >= trouble.bad then 'error_burst'
            when trouble.blocked_share >= rule.blocked_share
                and coalesce(trouble.unblocked_at, trouble.ended_at)
                >= trouble.blocked_at + rule.trouble_minutes * interval 1 minute then 'outage'
            when trouble.bad >= trouble.failing_messages * rule.storm_tries then 'retry_storm'
            else 'error_burst'
        end as kind
    from marts.delivery_trouble as trouble
    cross join marts.incident_rule as rule
), found as (
    select
        source,
        channel,
        null as destination,
        'silent' as kind,
        1 as rank,
        started_at,
        detected_at,
        restored_at,
        0.0 as seen,
        expected
    from marts.channel_silence
    union all
    select
        source,
        channel,
        destination,
        kind,
        case kind when 'outage' then 1 when 'retry_storm' then 2 when 'error_burst' then 3 else 6 end as rank,
        case kind when 'outage' then blocked_at else started_at end as started_at,
        detected_at,
        case kind when 'outage' then unblocked_at else restored_at end as restored_at,
        case kind
            when 'outage' then bad::double
            when 'retry_storm' then bad / failing_messages::double
            when 'error_burst' then bad / (bad + successes)::double
        end as seen,
        usual_share as expected
    from named
    where kind <> 'error_burst'
        or (days >= usual_fewest_days and failing_messages >= 3)
    union all
    select
        wait.source,
        wait.channel,
        wait.destination,
        case when wait.is_blocked then 'outage' else 'backlog' end as kind,
        case when wait.is_blocked then 4 else 5 end as rank,
        wait.started_at,
        wait.detected_at,
        case when wait.is_blocked then wait.first_success_at else wait.restored_at end as restored_at,
        wait.most_overdue::double as seen,
        wait.usual_overdue as expected
    from marts.delivery_wait as wait
    where wait.is_judged
        or wait.is_blocked
), lined as (
    select
        *,
        row_number() over (order by source, channel, destination, kind, started_at) as number
    from found
), ranked as (
    select
        lined.*,
        worse.number as worse_number,
        worse.kind = lined.kind as is_same
    from lined
    cross join marts.incident_rule as rule
    left join lined as worse
        on worse.source = lined.source
        and worse.channel = lined.channel
        and worse.destination = lined.destination
        and worse.rank < lined.rank
        and lined.started_at <= coalesce(worse.restored_at, greatest($as_of, worse.started_at))
        + rule.follow_after_minutes * interval 1 minute
        and (
            lined.started_at >= worse.started_at - rule.follow_before_minutes * interval 1 minute
            or (worse.kind = lined.kind and coalesce(lined.restored_at, greatest($as_of, lined.started_at)) >= worse.started_at)
        )
), earlier as (
    select
        worse_number as number,
        min(started_at) as started_at,
        min(detected_at) as detected_at
    from ranked
    where is_same
    group by worse_number
), told as (
    select ranked.* replace (
        least(ranked.started_at, earlier.started_at) as started_at,
        least(ranked.detected_at, earlier.detected_at) as detected_at
    )
    from ranked
    left join earlier
        on earlier.number = ranked.number
    where ranked.worse_number is null
), touched as (
    select
        told.number,
        count(*) as under_way,
        count(*) filter (where delivery.is_first_attempt_failed) as failing,
        count(*) filter (
            where delivery.is_latency_known
                and delivery.delivered_at >= told.started_at
                and delivery.ack_latency_ms > day.slow_ms
        ) as slow,
        median(delivery.ack_latency_ms) filter (
            where delivery.is_latency_known
                and delivery.delivered_at >= told.started_at
        ) as median_ms,
        any_value(day.usual_ms) as usual_ms
    from told
    inner join marts.message_delivery as delivery
        on delivery.source = told.source
        and delivery.channel = told.channel
        and delivery.destination = told.destination
        and delivery.entered_at <= coalesce(told.restored_at, greatest($as_of, told.started_at))
        and coalesce(delivery.settled_at, delivery.last_event_at) >= told.started_at
    left join marts.latency_day as day
        on day.source = told.source
        and day.channel = told.channel
        and day.destination = told.destination
        and day.delivered_date = told.started_at::date
    group by told.number
), drift as (
    select
        source,
        channel,
        began_at,
        drifted_messages,
        lag(began_at) over (partition by source, channel order by began_at) as before_at
    from marts.channel_hour
    where drifted_messages > 0
), stretch as (
    select
        *,
        sum(case when before_at is null or began_at > before_at + interval 4 hour then 1 else 0 end) over (
            partition by source, channel
            order by began_at
            rows unbounded preceding
        ) as part
    from drift
), incident as (
    select
        told.source,
        told.channel,
        told.destination,
        told.kind,
        told.started_at,
        told.detected_at,
        told.restored_at,
        case told.kind
            when 'silent' then round(told.expected)::bigint
            when 'error_burst' then coalesce(touched.failing, 0)
            when 'latency_shift' then coalesce(touched.slow, 0)
            else coalesce(touched.under_way, 0)
        end as messages_affected,
        case told.kind when 'latency_shift' then touched.median_ms else told.seen end as seen,
        case told.kind
            when 'latency_shift' then touched.usual_ms
            when 'outage' then null
            when 'retry_storm' then null
            else told.expected
        end as expected
    from told
    left join touched
        on touched.number = told.number
    union all
    select
        source,
        channel,
        null as destination,
        'schema_drift' as kind,
        min(began_at) as started_at,
        null as detected_at,
        max(began_at) + interval 1 hour as restored_at,
        sum(drifted_messages)::bigint as messages_affected,
        sum(drifted_messages)::double as seen,
        0.0 as expected
    from stretch
    group by
        source,
        channel,
        part
)
select
    incident.source || ':' || incident.channel || ':' || coalesce(incident.destination, '') || ':' || incident.kind || ':'
    || date_diff('second', timestamptz '1970-01-01 00:00:00+00', incident.started_at)::varchar as incident_id,
    incident.source,
    incident.channel,
    incident.destination,
    coalesce(interface.facility, 'Unregistered') as facility,
    incident.kind,
    incident.started_at,
    incident.detected_at,
    incident.restored_at,
    coalesce(incident.restored_at, greatest($as_of, incident.started_at)) as ended_at,
    incident.restored_at is null as is_open,
    incident.started_at::date as started_date,
    coalesce(incident.restored_at, greatest($as_of, incident.started_at))::date as ended_date,
    date_diff(
        'second',
        incident.started_at,
        coalesce(incident.restored_at, greatest($as_of, incident.started_at))
    ) / 60.0 as minutes,
    incident.messages_affected,
    incident.seen,
    incident.expected
from incident
left join staging.registry_interface as interface
    on interface.source = incident.source
    and interface.channel = incident.channel
