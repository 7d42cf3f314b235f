-- Grain: one row per stay of an Encounter at a Location.
-- Looked up in identity: location_id.
-- Planned and reserved stays are left out: the patient was not there.
-- segment_no: the stay's place in the resource, from 1; time order is started_at's.
with segment as (
    select
        encounter_key,
        zone_of(source, $zones) as zone,
        file_id,
        line,
        unnest(range(1, len(locations) + 1)) as segment_no,
        unnest(locations) as stay
    from staging.encounter
), delivered as (
    select
        encounter_key,
        segment_no,
        stay.location_id as location_id,
        stay.status as status,
        stay.start as period_start,
        stay."end" as period_end,
        zone,
        file_id,
        line
    from segment
)
select
    encounter_key,
    segment_no,
    location_id,
    status,
    instant_in(period_start, zone) as started_at,
    precision_in(period_start, zone) as started_precision,
    instant_in(period_end, zone) as ended_at,
    precision_in(period_end, zone) as ended_precision,
    file_id,
    line
from delivered
where coalesce(status, '') not in ('planned', 'reserved')
