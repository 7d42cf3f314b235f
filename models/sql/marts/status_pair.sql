-- Grain: one row per laboratory or imaging order that its order or its report calls done.
-- The order is done when it is completed, its report when it is final: two records, often of two systems, of one thing.
-- Only of kinds of orders for which the facility makes final reports.
-- pair: laboratory or imaging.
-- disagreement: what the two say; null where they agree.
-- first_done_at: when the first of the two was done. agree_by_at: the hospital's status_settle_minutes later.
-- agreed_at: when the second was; null while they disagree.
-- is_disagreeing: agree_by_at has passed, and the second was not done by then.
-- is_settled: both are done, or agree_by_at has passed by the data cut.
-- is_open: they disagree at the data cut.
-- is_time_known: the times of what is done are known to the instant.
-- owner: of the system of record for results or imaging.
with report as (
    select
        unnest(order_keys) as order_key,
        issued_at,
        file_id,
        line
    from staging.diagnostic_report
    where is_final
), final_report as (
    select
        order_key,
        min(issued_at) as final_at,
        count(issued_at) = count(*) as is_time_known,
        min(file_id) as file_id,
        arg_min(line, file_id) as line
    from report
    group by order_key
), paired as (
    select
        requested.order_key,
        requested.encounter_key,
        requested.patient_key,
        requested.facility,
        requested.unit,
        case requested.order_kind when 'lab' then 'laboratory' else 'imaging' end as pair,
        requested.is_fulfilled,
        requested.is_revoked,
        final_report.order_key is not null as is_final,
        case when requested.is_fulfilled then requested.fulfilled_at end as fulfilled_at,
        final_report.final_at,
        (not requested.is_fulfilled or coalesce(requested.resolution_minutes = 0, false))
        and coalesce(final_report.is_time_known, true) as is_time_known,
        count(final_report.order_key) over (partition by requested.facility, requested.order_kind) as reports,
        case when requested.is_fulfilled then requested.file_id else final_report.file_id end as file_id,
        case when requested.is_fulfilled then requested.line else final_report.line end as line
    from marts.order_fulfilment as requested
    left join final_report
        on final_report.order_key = requested.order_key
    where requested.order_kind in ('lab', 'imaging')
), timed as (
    select
        *,
        least(fulfilled_at, final_at) as first_done_at,
        least(fulfilled_at, final_at) + $status_settle_minutes * interval '1 minute' as agree_by_at,
        case when is_fulfilled and is_final then greatest(fulfilled_at, final_at) end as agreed_at
    from paired
    where (is_fulfilled or is_final)
        and reports > 0
)
select
    timed.order_key,
    timed.encounter_key,
    timed.patient_key,
    timed.facility,
    timed.unit,
    timed.pair,
    system.owner,
    case
        when timed.is_fulfilled and timed.is_final then null
        when timed.is_fulfilled then 'completed without a final report'
        when timed.is_revoked then 'revoked with a final report'
        else 'active with a final report'
    end as disagreement,
    timed.first_done_at,
    timed.agree_by_at,
    timed.agreed_at,
    coalesce(timed.agree_by_at <= coalesce(timed.agreed_at - interval 1 microsecond, $as_of), false) as is_disagreeing,
    (timed.is_fulfilled and timed.is_final) or coalesce(timed.agree_by_at <= $as_of, false) as is_settled,
    not (timed.is_fulfilled and timed.is_final) as is_open,
    timed.is_time_known,
    date_trunc('hour', timed.first_done_at::timestamp) as done_hour,
    timed.first_done_at::date as done_date,
    date_trunc('week', timed.first_done_at::date)::date as done_week,
    date_trunc('month', timed.first_done_at::date)::date as done_month,
    timed.file_id,
    timed.line
from timed
left join staging.registry_record as record
    on record.domain = case timed.pair when 'laboratory' then 'results' else 'imaging' end
left join staging.registry_system as system
    on system.system = record.system
