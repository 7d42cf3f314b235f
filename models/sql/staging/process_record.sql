-- Grain: one row per process instance, person's task or incident of a process engine (Camunda 7, Operaton).
-- The latest account of each: what is over stays over.
-- kind: instance, task or incident.
-- case_key: the process instance. root_key: the one that called it, over others too; its own where none did.
-- visit_key, placer_key, encounter_key: the business key, as the number that the settings say it is.
-- assignee_hash, owner_hash: who a task was last assigned to and who owns it; a hash says nothing but that it was the same person.
-- outcome: of an instance its state; of a task completed, deleted or other; of an incident resolved or deleted; null while it goes on.
with account as (
    select
        *,
        row_number() over (
            partition by kind, record_key
            order by ended_at is not null desc, occurred_at desc, file_id desc, line desc
        ) as recency
    from raw.process_record
)
select
    record_key,
    kind,
    process_key as case_key,
    coalesce(root_key, process_key) as root_key,
    source,
    process_definition,
    activity,
    activity_key,
    encounter_key,
    visit_key,
    placer_key,
    has_business_key,
    assignee_hash,
    owner_hash,
    outcome,
    incident_type,
    due_at,
    started_at,
    ended_at,
    file_id,
    line
from account
where recency = 1
