-- Grain: one row per status that an Encounter has had.
-- From the Encounter itself (R4, R4B) and from the records of its history (R5); both in R4's words.
-- step_no: its place in the resource or, of R5, in time, from 1; R5's come after.
with step as (
    select
        encounter_key,
        file_id,
        line,
        unnest(range(1, len(status_history) + 1)) as step_no,
        unnest(status_history) as spell
    from staging.encounter
), told as (
    select
        encounter_key,
        1 as teller,
        step_no as place,
        spell.status as status,
        spell.start as period_start,
        spell."end" as period_end,
        file_id,
        line
    from step
    union all
    select
        encounter_key,
        2 as teller,
        row_number() over (partition by encounter_key order by period_start, file_id, line) as place,
        status,
        period_start,
        period_end,
        file_id,
        line
    from staging.encounter_history
), delivered as (
    select
        * exclude (teller, place),
        row_number() over (partition by encounter_key order by teller, place) as step_no
    from told
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
