-- Grain: one row per wait: which resource of the record tells of what happened, and when a server first stored it, as far as is known.
-- Not published: wait_stage says what it means.
-- resource_key: the order, task or critical result that is waited for; of a visit that waits, the order that began the wait; null where
-- the begin is worked out from several resources.
-- basis, precision, source: the element that says when it happened, how exactly it is written, and whose export it is.
-- stored_at: of the earliest version that was delivered (meta.lastUpdated). is_first: none came before it.
-- stored_source, file_id, line: where that version came from.
with fact as (
    select
        order_key as subject_key,
        order_key as resource_key,
        null as happened_at,
        'ServiceRequest.authoredOn' as basis,
        ordered_precision as precision,
        source
    from staging.order
    union all
    select
        encounter_key as subject_key,
        min(order_key) as resource_key,
        ordered_at as happened_at,
        'ServiceRequest.authoredOn' as basis,
        min(ordered_precision) as precision,
        min(source) as source
    from staging.order
    where order_kind in ('admission', 'discharge')
        and encounter_key is not null
        and ordered_at is not null
    group by
        encounter_key,
        ordered_at
    union all
    select
        observation_key as subject_key,
        observation_key as resource_key,
        null as happened_at,
        'Observation.issued' as basis,
        issued_precision as precision,
        source
    from staging.observation
    where is_critical
    union all
    select
        task_key as subject_key,
        task_key as resource_key,
        null as happened_at,
        'Task.authoredOn' as basis,
        authored_precision as precision,
        source
    from staging.task
)
select
    wait.wait_key,
    fact.resource_key,
    fact.basis,
    fact.precision,
    fact.source,
    version.written_at as stored_at,
    coalesce(version.is_first, false) as is_first,
    version.source as stored_source,
    version.file_id,
    version.line
from marts.wait as wait
left join fact
    on fact.subject_key = substr(wait.wait_key, length(wait.wait_kind) + 2)
    and coalesce(fact.happened_at, wait.began_at) = wait.began_at
left join staging.first_version as version
    on version.subject_key = fact.resource_key
