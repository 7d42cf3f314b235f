-- Grain: one row per stay of an Encounter at a Location.
-- Looked up in identity: location_id.
-- Planned and reserved stays are left out: the patient was not there.
-- segment_no: the stay's place in the resource, from 1; time order is started_at's.
with segment as (
    select
        encounter_key,
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
        file_id,
        line
    from segment
)
select
    encounter_key,
    segment_no,
    location_id,
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
where coalesce(status, '') not in ('planned', 'reserved')
