-- Grain: one row per Encounter and keyed visit number.
with identifier as (
    select
        encounter_key,
        unnest(visit_keys) as visit_key
    from staging.encounter
)
select distinct
    encounter_key,
    visit_key
from identifier
