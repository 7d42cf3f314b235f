-- Grain: one row per wait and stage of its news, in the order of the news' way; a stage that is not known is a row without a time.
-- stage: happened; recorded (the source system stored it); sent (the sender's own date of the message, MSH-7); hop (an engine's channel,
-- or its way to one destination, first had it); delivered (the system of record acknowledged the message); visible (it was shown to
-- somebody); acknowledged (a person said that they have it); acted. What people tell each other has no sent, hop and delivered.
-- occurred_at: by the clock in clock_id: a source of exports, `sender`, or an engine's; times of two clocks are not subtracted.
-- precision: how exactly it is written: s, ms, us or min; null where nothing says.
-- is_bound: it was then at the latest, and may have been before.
-- basis: what says so: the element of the resource, msh_7, or engine_log.
-- unknown_because: why there is no time: see `models.waits`.
-- source, channel, destination, message_key: of a hop and of the delivery, and of what was sent the message.
with fact as (
    select
        order_key as subject_key,
        'ServiceRequest.authoredOn' as basis,
        ordered_precision as precision,
        source
    from staging.order
    union all
    select
        observation_key as subject_key,
        'Observation.issued' as basis,
        issued_precision as precision,
        source
    from staging.observation
    where is_critical
    union all
    select
        task_key as subject_key,
        'Task.authoredOn' as basis,
        authored_precision as precision,
        source
    from staging.task
), told as (
    select
        wait_key,
        arg_min(message_key, event_order) as first_message_key,
        arg_min(struct_pack(
            occurred_at := occurred_at,
            time_precision := time_precision,
            clock_id := clock_id,
            source := source,
            channel := channel,
            destination := destination,
            message_key := message_key,
            file_id := file_id,
            line := line
        ), event_order) filter (where is_told) as delivered
    from marts.wait_step
    group by wait_key
), hop as (
    select
        wait_key,
        source,
        channel,
        destination,
        message_key,
        min(event_order) as event_order,
        arg_min(struct_pack(
            occurred_at := occurred_at,
            time_precision := time_precision,
            clock_id := clock_id,
            file_id := file_id,
            line := line
        ), event_order) as entered
    from marts.wait_step
    group by
        wait_key,
        source,
        channel,
        destination,
        message_key
), shown as (
    select
        focus_key as subject_key,
        min(authored_at) as occurred_at,
        arg_min(authored_precision, authored_at) as precision,
        arg_min(source, authored_at) as source,
        arg_min(file_id, authored_at) as file_id,
        arg_min(line, authored_at) as line
    from staging.task
    where task_kind = 'critical-result-ack'
        and authored_at is not null
    group by focus_key
), accepted as (
    select
        resource_key as subject_key,
        min(written_at) as occurred_at,
        arg_min(source, written_at) as source,
        arg_min(file_id, written_at) as file_id,
        arg_min(line, written_at) as line
    from staging.state_version
    where resource_type = 'Task'
        and status in ('received', 'accepted')
    group by resource_key
), known as (
    select
        wait.*,
        substr(wait.wait_key, length(wait.wait_kind) + 2) as subject_key,
        wait.msg_type is not null as is_carried,
        fact.basis,
        fact.precision,
        fact.source as record,
        told.first_message_key,
        told.delivered,
        coalesce(told.delivered.occurred_at, wait.acted_at, wait.until_at) as heard_by
    from marts.wait as wait
    left join fact
        on fact.subject_key = substr(wait.wait_key, length(wait.wait_kind) + 2)
    left join told
        on told.wait_key = wait.wait_key
), stage as (
    select
        wait_key,
        1 as place,
        0::bigint as event_order,
        'happened' as stage,
        began_at as occurred_at,
        precision,
        false as is_bound,
        coalesce(basis, 'several') as basis,
        record as clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        file_id,
        line,
        null as unknown_because
    from known
    union all
    select
        known.wait_key,
        2 as place,
        0 as event_order,
        'recorded' as stage,
        case when version.written_at between known.began_at and known.heard_by then version.written_at end as occurred_at,
        case when version.written_at between known.began_at and known.heard_by then 'ms' end as precision,
        not coalesce(version.is_first, false) as is_bound,
        'meta.lastUpdated' as basis,
        version.source as clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        version.file_id,
        version.line,
        case
            when known.basis is null then 'several_resources'
            when version.subject_key is null then 'no_version'
            when version.written_at > known.heard_by then 'later_version'
            when version.written_at < known.began_at then 'earlier_version'
        end as unknown_because
    from known
    left join staging.first_version as version
        on version.subject_key = known.subject_key
    union all
    select
        known.wait_key,
        3 as place,
        0 as event_order,
        'sent' as stage,
        message.sent_at as occurred_at,
        case when message.sent_at is null then null when epoch_us(message.sent_at) % 1000000 = 0 then 's' else 'ms' end as precision,
        false as is_bound,
        'msh_7' as basis,
        'sender' as clock_id,
        message.source,
        null as channel,
        null as destination,
        known.first_message_key as message_key,
        message.file_id,
        message.line,
        case when known.first_message_key is null then 'no_message' when message.sent_at is null then 'not_in_log' end as unknown_because
    from known
    left join staging.message as message
        on message.message_key = known.first_message_key
    where known.is_carried
    union all
    select
        wait_key,
        4 as place,
        event_order,
        'hop' as stage,
        entered.occurred_at,
        entered.time_precision as precision,
        false as is_bound,
        'engine_log' as basis,
        entered.clock_id,
        source,
        channel,
        destination,
        message_key,
        entered.file_id,
        entered.line,
        null as unknown_because
    from hop
    union all
    select
        wait_key,
        5 as place,
        0 as event_order,
        'delivered' as stage,
        delivered.occurred_at,
        delivered.time_precision as precision,
        false as is_bound,
        'engine_log' as basis,
        delivered.clock_id,
        delivered.source,
        delivered.channel,
        delivered.destination,
        delivered.message_key,
        delivered.file_id,
        delivered.line,
        case
            when first_message_key is null then 'no_message'
            when delivered is null then 'not_delivered'
        end as unknown_because
    from known
    where is_carried
    union all
    select
        known.wait_key,
        6 as place,
        0 as event_order,
        'visible' as stage,
        shown.occurred_at,
        shown.precision,
        false as is_bound,
        'Task.authoredOn' as basis,
        shown.source as clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        shown.file_id,
        shown.line,
        case
            when shown.occurred_at is not null then null
            when known.wait_kind = 'result_to_acknowledgement' then 'no_task'
            else 'not_told'
        end as unknown_because
    from known
    left join shown
        on shown.subject_key = known.subject_key
    union all
    select
        known.wait_key,
        7 as place,
        0 as event_order,
        'acknowledged' as stage,
        case
            when known.wait_kind in ('result_to_acknowledgement', 'handoff_to_acceptance') then known.acted_at
            else accepted.occurred_at
        end as occurred_at,
        case when known.wait_kind not in ('result_to_acknowledgement', 'handoff_to_acceptance') and accepted.occurred_at is not null then 'ms' end
            as precision,
        known.wait_kind not in ('result_to_acknowledgement', 'handoff_to_acceptance') as is_bound,
        'Task.status' as basis,
        coalesce(accepted.source, known.record) as clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        coalesce(accepted.file_id, known.file_id) as file_id,
        coalesce(accepted.line, known.line) as line,
        case
            when known.wait_kind not in ('result_to_acknowledgement', 'handoff_to_acceptance', 'bed_request_to_assignment') then 'not_told'
            when known.wait_kind = 'bed_request_to_assignment' and accepted.occurred_at is null then 'no_state'
            when known.wait_kind <> 'bed_request_to_assignment' and known.acted_at is null then 'not_yet'
        end as unknown_because
    from known
    left join accepted
        on accepted.subject_key = known.subject_key
        and known.wait_kind = 'bed_request_to_assignment'
    union all
    select
        wait_key,
        8 as place,
        0 as event_order,
        'acted' as stage,
        acted_at as occurred_at,
        null as precision,
        false as is_bound,
        'record' as basis,
        record as clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        file_id,
        line,
        case when acted_at is null then if(is_open, 'not_yet', 'not_recorded') end as unknown_because
    from known
)
select
    wait_key,
    cast(row_number() over (partition by wait_key order by place, event_order, channel, destination, message_key) as integer) as stage_no,
    stage,
    occurred_at,
    precision,
    case when unknown_because is null then is_bound end as is_bound,
    case when unknown_because is null then basis end as basis,
    case when unknown_because is null then clock_id end as clock_id,
    source,
    channel,
    destination,
    message_key,
    case when unknown_because is null then file_id end as file_id,
    case when unknown_because is null then line end as line,
    unknown_because
from stage
