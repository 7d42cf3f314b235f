-- Grain: one row per activity of a process instance in a process engine (Camunda 7, Operaton).
-- The latest account of each: what is over stays over.
-- workflow: the key of the process definition; one that is called like a workflow of Wardflow's own is set apart by a prefix.
-- activity: its id in the model of the process.
-- is_automatic: the engine did it, so that its start is when work on it began; of a person's task that is when it was offered.
-- is_work: something was done; gateways, scopes and what was cancelled are none.
-- is_case_open: something in the process instance still goes on.
with account as (
    select
        *,
        row_number() over (
            partition by activity_key
            order by ended_at is not null desc, occurred_at desc, file_id desc, line desc
        ) as recency
    from raw.process_activity
)
select
    activity_key,
    process_key as case_key,
    source,
    case
        when process_definition in ('ed-to-bed', 'order-to-acknowledged-result', 'discharge', 'message-delivery')
            then 'process ' || process_definition
        else process_definition
    end as workflow,
    activity,
    activity_type,
    started_at,
    ended_at,
    coalesce(activity_type, '') not in ('userTask', 'manualTask', 'receiveTask', 'callActivity') as is_automatic,
    not is_canceled
    and coalesce(activity_type, '') not in ('subProcess', 'multiInstanceBody', 'transaction')
    and not contains(lower(coalesce(activity_type, '')), 'gateway') as is_work,
    bool_or(ended_at is null and not is_canceled) over (partition by process_key) as is_case_open,
    file_id,
    line
from account
where recency = 1
