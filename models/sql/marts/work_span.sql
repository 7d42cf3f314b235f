-- Grain: one row per piece of work of which it is recorded when it could have begun and which team does such work.
-- Not published: the waits of the workflows' steps are cut into their reasons by it.
-- activity: the step of the workflow that waits for the work. Cleaning of beds counts whether or not a discharge asked for it: it keeps
-- the same people busy.
-- team: a pool of people, never one person: the cleaners of a facility, the receiving ward.
-- started_at: null while nobody has begun. Work that was given up before anyone began is left out.
-- ended_at: null while it goes on, or where nobody wrote it down.
-- asked_date: local day of enabled_at.
select
    'discharge' as workflow,
    'bed clean' as activity,
    facility,
    'bed clean ' || facility as team,
    bed_clean_key as item,
    requested_at as enabled_at,
    started_at,
    cleaned_at as ended_at,
    requested_at::date as asked_date
from marts.bed_clean
where requested_at is not null
    and (started_at is not null or is_open)
union all
select
    'ed-to-bed' as workflow,
    'handoff accepted' as activity,
    handoff.facility,
    'handoff accepted ' || handoff.facility || ' ' || handoff.unit as team,
    handoff.handoff_key as item,
    handoff.offered_at as enabled_at,
    handoff.accepted_at as started_at,
    task.execution_ended_at as ended_at,
    handoff.offered_at::date as asked_date
from marts.handoff as handoff
left join staging.task as task
    on task.task_key = handoff.handoff_key
where handoff.offered_at is not null
    and (handoff.accepted_at is not null or handoff.is_open)
