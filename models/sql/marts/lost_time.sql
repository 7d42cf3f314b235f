-- Grain: one row per stretch of a patient's time that was lost to one cause.
-- cause: integration (the news of what has to be done was late, wrong or missing), workflow (a step took longer than its registered window
-- although the news was there), record (the same of a step that the registry calls one of documentation or access), unknown (beyond a
-- window, but a message should have carried the news and no log has one: never counted as lost).
-- reason: late (with the sender, moving, queued, tried again), wrong (refused by the receiver or not fit to be sent), missing (nobody had
-- it); handoff, rework (back to a step that the case had been through), queue (any other step); documentation; unknown.
-- Of an interface, time counts from the window that the registry gives the step delivered of message-delivery, else from 5 minutes; of
-- a step, what lies beyond its window after taking off what interfaces took of it. Rework has no window: all of it is lost.
-- workflow and activity: the step that was waited for, null of integration. source, channel, destination: the hop, null of others.
-- wait_kind: of integration, the kind of wait, see `models.waits`; null of others.
-- minutes_waited: from begin to end. minutes: the same, each minute that the patient lost to several things at once shared between them,
-- so that sums count no minute of a patient twice; unknown minutes are shared among themselves.
-- is_estimated: when the receiver would have acted is taken from what is usual, see `wait_part`.
with allowance as (
    select coalesce(max(window_minutes), 5) as minutes
    from staging.registry_step
    where workflow = 'message-delivery'
        and activity = 'delivered'
), held as (
    select
        wait.wait_key || ':' || part.part_no as lost_key,
        wait.wait_kind,
        wait.patient_key,
        wait.encounter_key,
        wait.order_key,
        wait.facility,
        wait.unit,
        wait.file_id,
        wait.line,
        part.part,
        part.source,
        part.channel,
        part.destination,
        part.from_at,
        part.until_at,
        part.is_estimated,
        coalesce(
            sum(part.minutes) over (
                partition by wait.wait_key
                order by part.part_no
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as minutes_before
    from marts.wait as wait
    inner join marts.wait_part as part
        on part.wait_key = wait.wait_key
    where not wait.is_within
        and part.part <> 'people'
), late as (
    select
        held.*,
        case
            when held.part = 'unknown' then held.from_at
            else greatest(held.from_at, held.from_at + to_microseconds(cast((allowance.minutes - held.minutes_before) * 6e7 as bigint)))
        end as lost_from
    from held
    cross join allowance
), refused as (
    select distinct late.lost_key
    from late
    inner join marts.message as message
        on message.encounter_key = late.encounter_key
        and (late.order_key is null or message.order_key = late.order_key)
    inner join staging.interface_event as event
        on event.root_message_uid = message.message_key
        and event.channel = late.channel
        and event.source = late.source
        and event.occurred_at between late.from_at and late.until_at
    where late.part in ('retry', 'unacknowledged')
        and event.error_class in ('nack', 'transform', 'route', 'validate')
), step as (
    select
        *,
        occurred_at + to_microseconds(cast(wait_minutes * 6e7 as bigint)) as next_at,
        coalesce(lead(times) over (partition by workflow, case_key order by step_no) > 1, false) as is_rework
    from (
        select
            *,
            row_number() over (partition by workflow, case_key, activity order by step_no) as times
        from marts.workflow_event
        where workflow <> 'message-delivery'
    )
), overdue as (
    select
        *,
        case when is_rework then 0 else window_minutes end as allowed_minutes
    from step
    where next_activity is not null
        and (is_rework or lost_minutes > 0)
), explained as (
    select
        overdue.workflow,
        overdue.case_key,
        overdue.step_no,
        coalesce(sum(date_diff('microsecond', greatest(late.lost_from, overdue.occurred_at), least(late.until_at, overdue.next_at)))
            filter (where late.part <> 'unknown') / 6e7, 0) as interface_minutes,
        coalesce(sum(date_diff('microsecond', greatest(late.lost_from, overdue.occurred_at), least(late.until_at, overdue.next_at)))
            filter (where late.part = 'unknown') / 6e7, 0) as unknown_minutes
    from overdue
    inner join late
        on late.encounter_key = overdue.encounter_key
        and (late.order_key is null or late.order_key = overdue.case_key)
        and late.lost_from < overdue.next_at
        and late.until_at > overdue.occurred_at
        and late.until_at > late.lost_from
    group by
        overdue.workflow,
        overdue.case_key,
        overdue.step_no
), beyond as (
    select
        overdue.*,
        greatest(overdue.wait_minutes - overdue.allowed_minutes - coalesce(explained.interface_minutes, 0), 0) as beyond_minutes,
        least(
            greatest(overdue.wait_minutes - overdue.allowed_minutes - coalesce(explained.interface_minutes, 0), 0),
            coalesce(explained.unknown_minutes, 0)
        ) as unknown_minutes,
        coalesce(registered.is_record, false) as is_record,
        visit.patient_key
    from overdue
    left join explained
        on explained.workflow = overdue.workflow
        and explained.case_key = overdue.case_key
        and explained.step_no = overdue.step_no
    left join staging.registry_step as registered
        on registered.workflow = overdue.workflow
        and registered.activity = overdue.next_activity
    left join marts.visit as visit
        on visit.encounter_key = overdue.encounter_key
), stretch as (
    select
        late.lost_key,
        late.patient_key,
        late.encounter_key,
        late.facility,
        late.unit,
        'integration' as cause,
        case
            when refused.lost_key is not null then 'wrong'
            when late.part = 'unacknowledged' then 'missing'
            else 'late'
        end as reason,
        late.wait_kind,
        cast(null as varchar) as workflow,
        cast(null as varchar) as activity,
        late.source,
        late.channel,
        late.destination,
        late.lost_from as from_at,
        late.until_at,
        late.is_estimated,
        late.file_id,
        late.line
    from late
    left join refused
        on refused.lost_key = late.lost_key
    where late.part <> 'unknown'
    union all
    select
        workflow || ':' || case_key || ':' || step_no as lost_key,
        patient_key,
        encounter_key,
        facility,
        unit,
        case when is_record then 'record' else 'workflow' end as cause,
        case
            when is_record then 'documentation'
            when is_rework then 'rework'
            when next_activity in ('handoff offered', 'handoff accepted') then 'handoff'
            else 'queue'
        end as reason,
        cast(null as varchar) as wait_kind,
        workflow,
        next_activity as activity,
        cast(null as varchar) as source,
        cast(null as varchar) as channel,
        cast(null as varchar) as destination,
        next_at - to_microseconds(cast((beyond_minutes - unknown_minutes) * 6e7 as bigint)) as from_at,
        next_at as until_at,
        false as is_estimated,
        file_id,
        line
    from beyond
    union all
    select
        workflow || ':' || case_key || ':' || step_no || ':unknown' as lost_key,
        patient_key,
        encounter_key,
        facility,
        unit,
        'unknown' as cause,
        'unknown' as reason,
        cast(null as varchar) as wait_kind,
        workflow,
        next_activity as activity,
        cast(null as varchar) as source,
        cast(null as varchar) as channel,
        cast(null as varchar) as destination,
        next_at - to_microseconds(cast(beyond_minutes * 6e7 as bigint)) as from_at,
        next_at - to_microseconds(cast((beyond_minutes - unknown_minutes) * 6e7 as bigint)) as until_at,
        false as is_estimated,
        file_id,
        line
    from beyond
), lost as (
    select
        *,
        coalesce(patient_key, encounter_key, lost_key) as person,
        cause = 'unknown' as is_unknown
    from stretch
    where until_at > from_at
), change as (
    select
        person,
        is_unknown,
        changed_at,
        sum(step) as step
    from (
        select person, is_unknown, from_at as changed_at, 1 as step from lost
        union all
        select person, is_unknown, until_at as changed_at, -1 as step from lost
    )
    group by
        person,
        is_unknown,
        changed_at
), course as (
    select
        person,
        is_unknown,
        changed_at,
        date_diff('microsecond', changed_at, lead(changed_at) over timeline)
        // nullif(sum(step) over (timeline rows between unbounded preceding and current row), 0) as shared_us
    from change
    window timeline as (partition by person, is_unknown order by changed_at)
), clock as (
    select
        person,
        is_unknown,
        changed_at,
        coalesce(
            sum(shared_us) over (
                partition by person, is_unknown
                order by changed_at
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as shared_us
    from course
)
select
    lost.lost_key,
    lost.patient_key,
    lost.encounter_key,
    lost.facility,
    lost.unit,
    lost.cause,
    lost.reason,
    lost.wait_kind,
    lost.workflow,
    lost.activity,
    lost.source,
    lost.channel,
    lost.destination,
    lost.from_at,
    lost.until_at,
    date_diff('microsecond', lost.from_at, lost.until_at) / 6e7 as minutes_waited,
    (closing.shared_us - opening.shared_us) / 6e7 as minutes,
    lost.is_estimated,
    lost.from_at::date as lost_date,
    lost.file_id,
    lost.line
from lost
inner join clock as opening
    on opening.person = lost.person
    and opening.is_unknown = lost.is_unknown
    and opening.changed_at = lost.from_at
inner join clock as closing
    on closing.person = lost.person
    and closing.is_unknown = lost.is_unknown
    and closing.changed_at = lost.until_at
