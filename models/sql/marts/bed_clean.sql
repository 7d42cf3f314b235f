-- Grain: one row per bed to be cleaned.
-- A request that was cancelled or rejected before anyone began is left out.
-- bed_clean_key: the Task.
-- unit: the ward of the bed.
-- priority: routine as sent or where nothing was sent; stat when somebody waits for this bed.
-- minutes_to_start: request to the start of cleaning, or to the data cut while nobody has begun.
-- minutes_cleaning: start to end of cleaning, null until it has ended.
-- started_at and cleaned_at: where the task does not say when it was executed, the first sign of its being under way and completed.
-- start_resolution_minutes, clean_resolution_minutes: how exactly these are known, 0 where the task says so (see task_progress);
-- cleaning_resolution_minutes: both together.
-- minutes_to_clean: request to the end of cleaning, or to the data cut while it has not ended.
with request as (
    select
        task.*,
        coalesce(task.execution_started_at, progress.started_by) as started_at,
        case when task.execution_started_at is not null then 0 else progress.started_within_minutes end as started_within_minutes,
        coalesce(task.execution_ended_at, case when task.status = 'completed' then progress.closed_by end) as cleaned_at,
        case when task.execution_ended_at is not null then 0 else progress.closed_within_minutes end as cleaned_within_minutes,
        progress.closed_by,
        coalesce(task.status, '') not in ('completed', 'failed', 'cancelled', 'rejected') as is_open
    from staging.task as task
    left join marts.task_progress as progress
        on progress.task_key = task.task_key
    where task.task_kind = 'bed-clean'
        and (
            coalesce(task.status, '') not in ('cancelled', 'rejected')
            or task.execution_started_at is not null
            or progress.started_by is not null
        )
), cleaning as (
    select
        request.task_key as bed_clean_key,
        coalesce(ward.facility, bed.facility, 'Unknown') as facility,
        coalesce(ward.unit, bed.unit, 'Unknown') as unit,
        coalesce(request.priority, 'routine') as priority,
        coalesce(request.focus_location_id, request.location_id) as bed_id,
        request.authored_at as requested_at,
        request.started_at,
        case when not request.is_open then request.cleaned_at end as cleaned_at,
        case when not request.is_open then coalesce(request.cleaned_at, request.modified_at, request.closed_by) end as closed_at,
        coalesce(
            request.started_within_minutes,
            date_diff('microsecond', request.authored_at, request.started_at) / 6e7
        ) as start_resolution_minutes,
        case
            when not request.is_open
                then coalesce(
                    request.cleaned_within_minutes,
                    date_diff('microsecond', request.authored_at, request.cleaned_at) / 6e7
                )
        end as clean_resolution_minutes,
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
    case when started_at is not null then start_resolution_minutes end as start_resolution_minutes,
    case when cleaned_at is not null then clean_resolution_minutes end as clean_resolution_minutes,
    case when cleaned_at is not null then start_resolution_minutes + clean_resolution_minutes end as cleaning_resolution_minutes,
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
