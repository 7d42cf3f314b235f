-- Grain: one row per statement that two patient keys are one person, or no longer are.
-- From Patient.link (replaced-by, replaces) where it appears or disappears between two versions, and from ADT messages that merge
-- (A18, A34, A36, A39, A40, A47) or unlink (A37). A message's numbers stand for the patients that carry them; a number that nobody
-- carries stands for itself, one that several carry for none of them. Links that only refer say nothing about journeys.
-- merged_key: the patient key, or medical record number, that gave way.
-- surviving_key: the one that both are known by.
-- is_merge: false where the statement takes an earlier one back.
-- said_at: when the version was updated, else first or last seen; or when the message came.
-- basis: Patient.link, or the message's event.
with version as (
    select
        patient_key,
        last_updated,
        seen_from,
        seen_to,
        coalesce(replaced_by_keys, []) as replaced_by_keys,
        coalesce(replaces_keys, []) as replaces_keys,
        mrn_keys,
        source,
        file_id,
        line,
        row_number() over (
            partition by patient_key
            order by coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_patient
    where not is_deleted
), claim as (
    select distinct
        patient_key,
        unnest(replaced_by_keys) as other_key,
        true as is_replaced
    from version
    union all
    select distinct
        patient_key,
        unnest(replaces_keys) as other_key,
        false as is_replaced
    from version
), sighting as (
    select
        *,
        coalesce(last_updated, unnest([seen_from, seen_to])) as said_at
    from version
), stated as (
    select
        claim.*,
        sighting.said_at,
        sighting.source,
        sighting.file_id,
        sighting.line,
        list_contains(case when is_replaced then sighting.replaced_by_keys else sighting.replaces_keys end, claim.other_key) as is_merge
    from claim
    inner join sighting
        on sighting.patient_key = claim.patient_key
), changed as (
    select
        *,
        coalesce(
            lag(is_merge) over (
                partition by patient_key, other_key, is_replaced order by said_at nulls first, file_id, line
            ),
            false
        ) as was_merge
    from stated
), carrier as (
    select distinct
        unnest(mrn_keys) as mrn_key,
        patient_key
    from version
    where recency = 1
), message as (
    select
        root_message_uid,
        source,
        msg_trigger,
        mrn_key,
        prior_mrn_key,
        min(occurred_at) as said_at,
        arg_min(file_id, (occurred_at, file_id, line)) as file_id,
        arg_min(line, (occurred_at, file_id, line)) as line
    from raw.interface_event
    where prior_mrn_key is not null
        and mrn_key is not null
        and msg_trigger in ('A18', 'A34', 'A36', 'A37', 'A39', 'A40', 'A47')
    group by
        root_message_uid,
        source,
        msg_trigger,
        mrn_key,
        prior_mrn_key
), surviving as (
    select
        mrn_key,
        min(patient_key) as patient_key,
        count(*) as carriers
    from carrier
    group by mrn_key
), told as (
    select
        coalesce(prior.patient_key, message.prior_mrn_key) as merged_key,
        coalesce(surviving.patient_key, message.mrn_key) as surviving_key,
        message.*
    from message
    left join surviving
        on surviving.mrn_key = message.mrn_key
    left join carrier as prior
        on prior.mrn_key = message.prior_mrn_key
        and prior.patient_key is distinct from surviving.patient_key
    where coalesce(surviving.carriers, 1) = 1
), statement as (
    select
        case when is_replaced then patient_key else other_key end as merged_key,
        case when is_replaced then other_key else patient_key end as surviving_key,
        is_merge,
        said_at,
        'Patient.link' as basis,
        source,
        file_id,
        line
    from changed
    where is_merge <> was_merge
    union all
    select
        merged_key,
        surviving_key,
        msg_trigger <> 'A37' as is_merge,
        said_at,
        'ADT ' || msg_trigger as basis,
        source,
        file_id,
        line
    from told
    union all
    select
        surviving_key as merged_key,
        merged_key as surviving_key,
        false as is_merge,
        said_at,
        'ADT ' || msg_trigger as basis,
        source,
        file_id,
        line
    from told
    where msg_trigger = 'A37'
)
select *
from statement
where merged_key <> surviving_key
