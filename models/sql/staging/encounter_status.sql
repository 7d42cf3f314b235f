-- Grain: one row per status that an Encounter has had.
-- From the Encounter itself (R4, R4B) and from the records of its history (R5); both in R4's words.
-- step_no: its place in the resource or, of R5, in time, from 1; R5's come after.
with step as (
    select
        encounter_key,
        zone_of(source, $zones) as zone,
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
        zone,
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
        zone_of(source, $zones) as zone,
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
    instant_in(period_start, zone) as started_at,
    precision_in(period_start, zone) as started_precision,
    instant_in(period_end, zone) as ended_at,
    precision_in(period_end, zone) as ended_precision,
    file_id,
    line
from delivered
