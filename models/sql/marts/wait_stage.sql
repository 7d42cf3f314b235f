-- Grain: one row per wait and stage of its news, in the order of the news' way; a stage that is not known is a row without a time.
-- stage: happened; recorded (the source system stored it); sent (the sender's own date of the message, MSH-7); hop (an engine's channel,
-- or its way to one destination, first had it); delivered (the system of record acknowledged the message); visible (it stood where those
-- see it who have to act); acknowledged (a person said that they have it); acted. What people tell each other has no sent, hop and delivered.
-- recorded: a version of the resource that was stored before the receiver heard; where exports bring later ones only, or one that need not
-- be the first and is younger, the message about it: a system sends what it has stored. visible: the task that shows it; of what a message brings, the answer of the receiver's
-- application (AA), which has taken it in; of a handoff, which is a task itself, when that was stored.
-- occurred_at: by the clock in clock_id: a source of exports, `sender`, or an engine's; times of two clocks are not subtracted.
-- precision: how exactly it is written: s, ms, us or min; null where nothing says.
-- is_bound: it was then at the latest, and may have been before.
-- basis: what says so: the element of the resource, msh_7, msa_1, or engine_log.
-- unknown_because: why there is no time: see `models.waits`.
-- source, channel, destination, message_key: of a hop and of the delivery, and of what was sent the message.
with told as (
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
            ack_code := ack_code,
            file_id := file_id,
            line := line
        ), event_order) filter (where is_told) as delivered,
        arg_min(struct_pack(
            occurred_at := occurred_at,
            time_precision := time_precision,
            clock_id := clock_id,
            file_id := file_id,
            line := line
        ), event_order) as entered
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
        told.wait_key is not null as is_seen,
        fact.basis,
        fact.precision,
        fact.source as record,
        fact.stored_at,
        fact.is_first,
        fact.stored_source,
        fact.file_id as stored_file_id,
        fact.line as stored_line,
        told.first_message_key,
        told.delivered,
        told.entered,
        message.sent_at,
        message.source as sent_source,
        message.file_id as sent_file_id,
        message.line as sent_line,
        coalesce(told.delivered.occurred_at, wait.acted_at, wait.until_at) as heard_by,
        coalesce(
            fact.stored_at between wait.began_at and heard_by
            and (fact.is_first or told.wait_key is null or fact.stored_at <= coalesce(message.sent_at, told.entered.occurred_at)),
            false
        ) as is_stored_by_version
    from marts.wait as wait
    inner join marts.wait_record as fact
        on fact.wait_key = wait.wait_key
    left join told
        on told.wait_key = wait.wait_key
    left join staging.message as message
        on message.message_key = told.first_message_key
), recorded as (
    select
        wait_key,
        stored_at as occurred_at,
        'ms' as precision,
        not is_first as is_bound,
        'meta.lastUpdated' as basis,
        stored_source as clock_id,
        null as message_key,
        stored_file_id as file_id,
        stored_line as line,
        null as unknown_because
    from known
    where is_stored_by_version
    union all
    select
        wait_key,
        coalesce(sent_at, entered.occurred_at) as occurred_at,
        case when sent_at is null then entered.time_precision when epoch_us(sent_at) % 1000000 = 0 then 's' else 'ms' end as precision,
        true as is_bound,
        if(sent_at is null, 'engine_log', 'msh_7') as basis,
        if(sent_at is null, entered.clock_id, 'sender') as clock_id,
        first_message_key as message_key,
        coalesce(sent_file_id, entered.file_id) as file_id,
        coalesce(sent_line, entered.line) as line,
        case
            when is_seen then null
            when basis is null then 'several_resources'
            when stored_at is null then 'no_version'
            when stored_at > heard_by then 'later_version'
            else 'earlier_version'
        end as unknown_because
    from known
    where not is_stored_by_version
), visible as (
    select
        known.wait_key,
        shown.occurred_at,
        shown.precision,
        false as is_bound,
        'Task.authoredOn' as basis,
        shown.source as clock_id,
        shown.file_id,
        shown.line,
        if(shown.occurred_at is null, 'no_task', null) as unknown_because
    from known
    left join shown
        on shown.subject_key = known.subject_key
    where known.wait_kind = 'result_to_acknowledgement'
    union all
    select
        wait_key,
        stored_at as occurred_at,
        'ms' as precision,
        true as is_bound,
        'meta.lastUpdated' as basis,
        stored_source as clock_id,
        stored_file_id as file_id,
        stored_line as line,
        case
            when stored_at between began_at and heard_by then null
            when stored_at is null then 'no_version'
            when stored_at > heard_by then 'later_version'
            else 'earlier_version'
        end as unknown_because
    from known
    where wait_kind = 'handoff_to_acceptance'
    union all
    select
        wait_key,
        delivered.occurred_at,
        delivered.time_precision as precision,
        true as is_bound,
        'msa_1' as basis,
        delivered.clock_id,
        delivered.file_id,
        delivered.line,
        case
            when not is_carried then 'not_told'
            when not is_seen then 'no_message'
            when delivered is null then 'not_delivered'
            when delivered.occurred_at > coalesce(acted_at, until_at) then 'told_otherwise'
            when delivered.ack_code is null then 'no_answer_kept'
            when delivered.ack_code <> 'AA' then 'only_stored'
        end as unknown_because
    from known
    where wait_kind not in ('result_to_acknowledgement', 'handoff_to_acceptance')
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
        wait_key,
        2 as place,
        0 as event_order,
        'recorded' as stage,
        occurred_at,
        precision,
        is_bound,
        basis,
        clock_id,
        null as source,
        null as channel,
        null as destination,
        message_key,
        file_id,
        line,
        unknown_because
    from recorded
    union all
    select
        wait_key,
        3 as place,
        0 as event_order,
        'sent' as stage,
        sent_at as occurred_at,
        case when epoch_us(sent_at) % 1000000 = 0 then 's' when sent_at is not null then 'ms' end as precision,
        false as is_bound,
        'msh_7' as basis,
        'sender' as clock_id,
        sent_source as source,
        null as channel,
        null as destination,
        first_message_key as message_key,
        sent_file_id as file_id,
        sent_line as line,
        case when first_message_key is null then 'no_message' when sent_at is null then 'not_in_log' end as unknown_because
    from known
    where is_carried
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
        wait_key,
        6 as place,
        0 as event_order,
        'visible' as stage,
        occurred_at,
        precision,
        is_bound,
        basis,
        clock_id,
        null as source,
        null as channel,
        null as destination,
        null as message_key,
        file_id,
        line,
        unknown_because
    from visible
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
    case when unknown_because is null then occurred_at end as occurred_at,
    case when unknown_because is null then precision end as precision,
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
