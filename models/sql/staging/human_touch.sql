-- Grain: one row per touch of a record by a person or a system, as audit trails tell it.
-- AuditEvents (the latest version of each) and ATNA audit messages. For the warehouse only: no table that is published reads it, and
-- nothing is counted by person; of when results were first opened, sums alone leave it (docs/privacy.md).
-- order_keys and report_keys: the orders and reports that an AuditEvent names; ATNA names none.
-- kind: override where the purpose was an emergency or breaking the glass, else access where something was read, change where it was
-- created, updated or deleted, else other.
-- act_key: one for the two accounts that client and server give of the same request, where they name it.
-- user_hashes: of who asked for it; a hash says nothing but that it was the same person.
-- patient_key and encounter_key come from FHIR, mrn_key and visit_key from ATNA; both lead to a journey.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by audit_event_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_audit_event
    window resource as (partition by audit_event_key)
), touch as (
    select
        audit_event_key as touch_key,
        coalesce(list_extract(request_hashes, 1), audit_event_key) as act_key,
        source,
        instant_in(recorded, zone) as occurred_at,
        precision_in(recorded, zone) as occurred_precision,
        type_code,
        subtype_codes,
        action,
        outcome,
        purpose_codes,
        list_concat(practitioner_keys, user_hashes) as user_hashes,
        role_codes,
        system_hash,
        patient_key,
        encounter_key,
        order_keys,
        report_keys,
        null::varchar as mrn_key,
        null::varchar as visit_key,
        null::varchar as correlation_key,
        file_id,
        line
    from version
    where recency = 1
        and not is_deleted
        and (deleted_at is null or alive_at > deleted_at)
    union all
    select
        touch_uid as touch_key,
        touch_uid as act_key,
        source,
        occurred_at,
        time_precision as occurred_precision,
        event_code as type_code,
        type_codes as subtype_codes,
        action,
        outcome,
        purpose_codes,
        user_hashes,
        role_codes,
        system_hash,
        null::varchar as patient_key,
        null::varchar as encounter_key,
        null::varchar[] as order_keys,
        null::varchar[] as report_keys,
        mrn_key,
        visit_key,
        correlation_key,
        file_id,
        line
    from raw.human_touch
)
select
    touch_key,
    act_key,
    source,
    occurred_at,
    occurred_precision,
    case
        when list_has_any(coalesce(purpose_codes, []), ['BTG', 'ETREAT', 'ERTREAT', 'EMRGTRTMNT']) then 'override'
        when action in ('C', 'U', 'D') then 'change'
        when action = 'R' or list_has_any(coalesce(subtype_codes, []), ['read', 'vread', 'search', 'search-type']) then 'access'
        else 'other'
    end as kind,
    type_code,
    subtype_codes,
    action,
    outcome,
    outcome = '0' as is_done,
    purpose_codes,
    user_hashes,
    role_codes,
    system_hash,
    patient_key,
    encounter_key,
    order_keys,
    report_keys,
    mrn_key,
    visit_key,
    correlation_key,
    file_id,
    line
from touch
