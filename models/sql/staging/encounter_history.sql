-- Grain: one row per EncounterHistory of R5: what an Encounter was during one period.
-- Looked up in identity: encounter_key.
-- The latest version of each that was not entered in error and says which Encounter it is about.
-- status: in R4's words: who has arrived, was triaged or is on leave is in-progress in R5, which says so in the subject's status;
-- on-hold is onleave; discharged, completed and discontinued are finished.
with version as (
    select
        *,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by encounter_history_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_encounter_history
    window resource as (partition by encounter_history_key)
)
select
    encounter_history_key,
    encounter_key,
    case
        when status = 'in-progress' and subject_status_code in ('arrived', 'triaged') then subject_status_code
        when status = 'in-progress' and subject_status_code = 'on-leave' then 'onleave'
        when status = 'on-hold' then 'onleave'
        when status in ('discharged', 'completed', 'discontinued') then 'finished'
        else status
    end as status,
    class_code,
    period_start,
    period_end,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
    and encounter_key is not null
