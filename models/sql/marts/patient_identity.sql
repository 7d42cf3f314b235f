-- Grain: one row per patient key.
-- Who a patient key stands for at the data cut. A key that was merged into another counts as that one in every mart; the raw rows
-- keep the key that was delivered. A merge that was taken back leaves the key on its own again.
-- surviving_key: the key that this person's journeys carry.
-- since_at: from when on that was known; null where the key stands for itself.
-- basis: Patient.link or the ADT event that merged; null where the key stands for itself.
-- is_circular: the statements went round in a circle, and the oldest of them was left out.
-- is_delivered: a Patient with this key was delivered; otherwise only a merge names it.
-- file_id, line: the statement that merged it; else the Patient.
with patient as (
    select
        patient_key,
        max(file_id) as file_id,
        arg_max(line, (file_id, line)) as line
    from raw.fhir_patient
    group by patient_key
), merged as (
    select *
    from staging.identity
    where basis <> 'identifier'
), person as (
    select patient_key
    from patient
    union
    select alias_key as patient_key
    from merged
    union
    select key as patient_key
    from merged
)
select
    person.patient_key,
    coalesce(merged.key, person.patient_key) as surviving_key,
    merged.key is not null as is_merged,
    merged.since_at,
    merged.basis,
    coalesce(merged.is_circular, false) as is_circular,
    patient.patient_key is not null as is_delivered,
    coalesce(merged.file_id, patient.file_id) as file_id,
    coalesce(merged.line, patient.line) as line
from person
left join patient
    on patient.patient_key = person.patient_key
left join merged
    on merged.alias_key = person.patient_key
