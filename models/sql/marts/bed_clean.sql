-- Grain: one row per bed to be cleaned.
-- A request that was cancelled or rejected before anyone began is left out.
-- bed_clean_key: the Task.
-- unit: the ward of the bed.
-- priority: routine as sent or where nothing was sent; stat when somebody waits for this bed.
-- minutes_to_start: request to the start of cleaning, or to the data cut while nobody has begun.
-- minutes_cleaning: start to end of cleaning, null until it has ended.
-- minutes_to_clean: request to the end of cleaning, or to the data cut while it has not ended.
with request as (
    select
        *,
        coalesce(status, '') not in ('completed', 'failed', 'cancelled', 'rejected') as is_open
    from staging.task
    where task_kind = 'bed-clean'
        and (coalesce(status, '') not in ('cancelled', 'rejected') or execution_started_at is not null)
), cleaning as (
    select
        request.task_key as bed_clean_key,
        coalesce(ward.facility, bed.facility, 'Unknown') as facility,
        coalesce(ward.unit, bed.unit, 'Unknown') as unit,
        coalesce(request.priority, 'routine') as priority,
        coalesce(request.focus_location_id, request.location_id) as bed_id,
        request.authored_at as requested_at,
        request.execution_started_at as started_at,
        case when not request.is_open then request.execution_ended_at end as cleaned_at,
        case when not request.is_open then coalesce(request.execution_ended_at, request.modified_at) end as closed_at,
        request.is_open,
        request.file_id,
        request.line
    from request
    left join marts.location as ward
        on ward.location_id = request.location_id
    left join marts.location as bed
        on bed.location_id = request.focus_location_id
)
select
    bed_clean_key,
    facility,
    unit,
    bed_id,
    priority,
    requested_at,
    started_at,
    cleaned_at,
    date_diff('microsecond', requested_at, coalesce(started_at, closed_at, $as_of)) / 6e7 as minutes_to_start,
    date_diff('microsecond', started_at, cleaned_at) / 6e7 as minutes_cleaning,
    date_diff('microsecond', requested_at, coalesce(closed_at, $as_of)) / 6e7 as minutes_to_clean,
    started_at is not null as is_started,
    cleaned_at is not null as is_cleaned,
    is_open and started_at is null as is_waiting,
    is_open,
    date_trunc('hour', requested_at::timestamp) as request_hour,
    requested_at::date as request_date,
    date_trunc('week', requested_at::date)::date as request_week,
    date_trunc('month', requested_at::date)::date as request_month,
    date_trunc('hour', cleaned_at::timestamp) as cleaned_hour,
    cleaned_at::date as cleaned_date,
    date_trunc('week', cleaned_at::date)::date as cleaned_week,
    date_trunc('month', cleaned_at::date)::date as cleaned_month,
    file_id,
    line
from cleaning
