-- Grain: one row per thing of which two records tell and of which at least one says that it is done: the records may be of two systems.
-- The pairs are declared below; what clinical records say is record_status, what messages say is told here.
-- Only where the facility shows both kinds of record, so that one that it never keeps is not missing.
-- A message is missing only in the time for which the log has messages of its kind, and while no number of its channel is missing there.
-- pair: laboratory, imaging, task, discharge or move, see record_status.
-- disagreement: what the two say, or said too long; null where they agreed in time.
-- first_done_at: when the first of the two was done. agree_by_at: the hospital's status_settle_minutes later.
-- agreed_at: when the second was; null while they disagree.
-- is_disagreeing: agree_by_at has passed, and the second was not done by then.
-- is_settled: both are done, or agree_by_at has passed by the time up to which the silent record is known.
-- is_open: they disagree at the data cut.
-- is_time_known: the times of what is done are known to the instant.
-- owner: of the system of record for the pair's domain.
with declared as (
    select *
    from (
        values
        ('laboratory', 'order', 'report', 'results', 'order completed, no final report', 'order still active, its report is final', ''),
        ('imaging', 'order', 'report', 'imaging', 'order completed, no final report', 'order still active, its report is final', ''),
        ('task', 'task', 'order', 'orders', 'task completed, its order still active', 'order completed, its task still active', 'task:'),
        ('discharge', 'visit', 'A03', 'encounters', 'visit over, no discharge message', 'discharge message sent, the visit goes on', ''),
        ('move', 'visit', 'A02', 'encounters', 'moved, no transfer message', 'transfer message sent, no such move', '')
    ) as declared (pair, first_record, second_record, domain, first_only, second_only, key_prefix)
), sent as (
    select
        message.message_key,
        message.encounter_key,
        message.facility,
        message.source,
        message.channel,
        message.msg_trigger,
        message.received_at,
        message.file_id,
        message.line
    from marts.message as message
    where message.msg_type = 'ADT'
        and message.msg_trigger in ('A02', 'A03', 'A13')
), reach as (
    select
        facility,
        msg_trigger as record,
        min(received_at) as first_at,
        max(received_at) as last_at
    from sent
    group by
        facility,
        msg_trigger
), gap as (
    select distinct
        sent.facility,
        sent.msg_trigger as record,
        gap.from_at,
        gap.until_at
    from (select distinct facility, msg_trigger, source, channel from sent) as sent
    inner join marts.log_gap as gap
        on gap.source = sent.source
        and gap.channel = sent.channel
    where gap.from_at is not null
), taken_back as (
    select
        encounter_key,
        max(received_at) as until_at
    from sent
    where msg_trigger = 'A13'
    group by encounter_key
), discharge_message as (
    select
        sent.encounter_key,
        min(sent.received_at) as done_at,
        arg_min(sent.file_id, sent.received_at) as file_id,
        arg_min(sent.line, sent.received_at) as line
    from sent
    left join taken_back
        on taken_back.encounter_key = sent.encounter_key
    where sent.msg_trigger = 'A03'
        and sent.received_at > coalesce(taken_back.until_at, timestamptz '-infinity')
    group by sent.encounter_key
), transfer_message as (
    select
        sent.*,
        place.subject_key
    from sent
    left join marts.record_status as place
        on place.pair = 'move'
        and place.encounter_key = sent.encounter_key
        and place.done_at between sent.received_at - $status_settle_minutes * interval '1 minute'
            and sent.received_at + $status_settle_minutes * interval '1 minute'
    where sent.msg_trigger = 'A02'
    qualify row_number() over (
        partition by sent.message_key
        order by abs(date_diff('microsecond', place.done_at, sent.received_at)), place.subject_key
    ) = 1
), said as (
    select
        pair,
        subject_key,
        record,
        status,
        is_done,
        done_at,
        is_time_known,
        is_due,
        order_key,
        encounter_key,
        patient_key,
        facility,
        unit,
        file_id,
        line
    from marts.record_status
    union all
    select
        'discharge' as pair,
        visit.subject_key,
        'A03' as record,
        'sent' as status,
        true as is_done,
        message.done_at,
        true as is_time_known,
        true as is_due,
        null as order_key,
        visit.encounter_key,
        visit.patient_key,
        visit.facility,
        visit.unit,
        message.file_id,
        message.line
    from discharge_message as message
    inner join marts.record_status as visit
        on visit.pair = 'discharge'
        and visit.encounter_key = message.encounter_key
    union all
    select
        'move' as pair,
        coalesce(message.subject_key, message.encounter_key || ':' || message.message_key) as subject_key,
        'A02' as record,
        'sent' as status,
        true as is_done,
        min(message.received_at) as done_at,
        true as is_time_known,
        true as is_due,
        null as order_key,
        visit.encounter_key,
        visit.patient_key,
        visit.facility,
        visit.unit,
        arg_min(message.file_id, message.received_at) as file_id,
        arg_min(message.line, message.received_at) as line
    from transfer_message as message
    inner join marts.record_status as visit
        on visit.pair = 'discharge'
        and visit.encounter_key = message.encounter_key
    group by
        coalesce(message.subject_key, message.encounter_key || ':' || message.message_key),
        visit.encounter_key,
        visit.patient_key,
        visit.facility,
        visit.unit
), of_pair as (
    select
        declared.pair,
        said.subject_key,
        any_value(declared.domain) as domain,
        any_value(declared.key_prefix) as key_prefix,
        any_value(declared.first_record) as first_record,
        any_value(declared.second_record) as second_record,
        any_value(declared.first_only) as first_only,
        any_value(declared.second_only) as second_only,
        coalesce(bool_or(said.is_done) filter (where said.record = declared.first_record), false) as is_first_done,
        coalesce(bool_or(said.is_done) filter (where said.record = declared.second_record), false) as is_second_done,
        coalesce(bool_or(said.status = 'revoked'), false) as is_revoked,
        bool_or(said.is_done and said.is_due) as is_due,
        bool_and(said.is_time_known) as is_time_known,
        min(said.done_at) as first_done_at,
        arg_min(said.record = declared.first_record, said.done_at) as is_first_earlier,
        max(said.done_at) as last_done_at,
        any_value(said.order_key) as order_key,
        any_value(said.encounter_key) as encounter_key,
        any_value(said.patient_key) as patient_key,
        any_value(said.facility) as facility,
        any_value(said.unit) as unit,
        arg_min(said.file_id, case when said.record = declared.first_record then 1 else 2 end) filter (where said.is_done) as file_id,
        arg_min(said.line, case when said.record = declared.first_record then 1 else 2 end) filter (where said.is_done) as line
    from declared
    inner join said
        on said.pair = declared.pair
        and said.record in (declared.first_record, declared.second_record)
    group by
        declared.pair,
        said.subject_key
), known as (
    select max(known_until_at) as until_at
    from marts.record_status
), judged as (
    select
        of_pair.*,
        first_done_at + $status_settle_minutes * interval '1 minute' as agree_by_at,
        is_first_done and is_second_done as is_agreed,
        is_first_done and is_second_done
        and not coalesce(last_done_at > first_done_at + $status_settle_minutes * interval '1 minute', false) as is_agreed_in_time,
        count_if(is_first_done) over (partition by of_pair.facility, of_pair.pair) as firsts,
        count_if(is_second_done) over (partition by of_pair.facility, of_pair.pair) as seconds
    from of_pair
), reached as (
    select
        judged.*,
        coalesce(case when judged.is_first_done and not judged.is_second_done then reach.last_at end, known.until_at) as known_until_at
    from judged
    cross join known
    left join reach
        on reach.facility = judged.facility
        and reach.record = judged.second_record
    where (judged.is_agreed or (judged.is_due and judged.is_first_done <> judged.is_second_done))
        and judged.firsts > 0
        and judged.seconds > 0
        and (
            judged.is_agreed
            or judged.is_second_done
            or reach.first_at is null
            or (
                judged.first_done_at >= reach.first_at
                and not exists (
                    select 1
                    from gap
                    where gap.facility = judged.facility
                        and gap.record = judged.second_record
                        and judged.first_done_at <= gap.until_at
                        and judged.agree_by_at >= gap.from_at
                )
            )
        )
)
select
    reached.key_prefix || reached.subject_key as pair_key,
    reached.order_key,
    reached.encounter_key,
    reached.patient_key,
    reached.facility,
    reached.unit,
    reached.pair,
    system.owner,
    case
        when reached.is_agreed_in_time then null
        when case when reached.is_agreed then reached.is_first_earlier else reached.is_first_done end then reached.first_only
        when reached.is_revoked then replace(reached.second_only, 'still active', 'revoked')
        else reached.second_only
    end as disagreement,
    reached.first_done_at,
    reached.agree_by_at,
    case when reached.is_agreed then reached.last_done_at end as agreed_at,
    coalesce(
        reached.agree_by_at <= case when reached.is_agreed then reached.last_done_at - interval 1 microsecond else reached.known_until_at end,
        false
    ) as is_disagreeing,
    reached.is_agreed or coalesce(reached.agree_by_at <= reached.known_until_at, false) as is_settled,
    not reached.is_agreed as is_open,
    reached.is_time_known,
    date_trunc('hour', reached.first_done_at::timestamp) as done_hour,
    reached.first_done_at::date as done_date,
    date_trunc('week', reached.first_done_at::date)::date as done_week,
    date_trunc('month', reached.first_done_at::date)::date as done_month,
    reached.file_id,
    reached.line
from reached
left join staging.registry_record as record
    on record.domain = reached.domain
left join staging.registry_system as system
    on system.system = record.system
