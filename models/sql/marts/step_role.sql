-- Grain: one row per workflow, case and step of which a task says in what role it is done.
-- Not published: who hands over to whom is counted by it.
-- role_code: as sent with the task (performerType); of several tasks for one step the first that has one.
with asked as (
    select
        'ed-to-bed' as workflow,
        encounter_key as case_key,
        case task_kind when 'handoff' then 'handoff accepted' else 'bed assigned' end as activity,
        performer_role_code,
        authored_at,
        task_key
    from staging.task
    where task_kind in ('handoff', 'bed-request')
    union all
    select
        'order-to-acknowledged-result' as workflow,
        result.order_key as case_key,
        case task.task_kind
            when 'critical-result-ack' then 'critical result acknowledged'
            else 'critical result escalated'
        end as activity,
        task.performer_role_code,
        task.authored_at,
        task.task_key
    from staging.task as task
    inner join marts.critical_result as result
        on result.observation_key = task.focus_key
    where task.task_kind in ('critical-result-ack', 'critical-result-escalation')
)
select
    workflow,
    case_key,
    activity,
    performer_role_code as role_code
from asked
where performer_role_code is not null
    and case_key is not null
qualify row_number() over (partition by workflow, case_key, activity order by authored_at, task_key) = 1
