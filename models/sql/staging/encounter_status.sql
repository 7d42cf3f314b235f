-- Grain: one row per status that an Encounter has had.
with step as (
    select
        encounter_key,
        file_id,
        line,
        unnest(range(1, len(status_history) + 1)) as step_no,
        unnest(status_history) as spell
    from staging.encounter
), delivered as (
    select
        encounter_key,
        step_no,
        spell.status as status,
        spell.start as period_start,
        spell."end" as period_end,
        file_id,
        line
    from step
)
select
    encounter_key,
    step_no,
    status,
    case when regexp_matches(period_start, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(period_start as timestamptz) end as started_at,
    case
        when period_start is null then null
        when not regexp_matches(period_start, 'T') then 'day'
        when not regexp_matches(period_start, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as started_precision,
    case when regexp_matches(period_end, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(period_end as timestamptz) end as ended_at,
    case
        when period_end is null then null
        when not regexp_matches(period_end, 'T') then 'day'
        when not regexp_matches(period_end, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as ended_precision,
    file_id,
    line
from delivered
