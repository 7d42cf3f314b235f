"""The SQL of Azure: fields out of records of six services, and the events that they prove.

Here: statements and macros. Not here: who runs them (`azure`). A record is one of a diagnostic setting or a row of a table of a Log
Analytics workspace, which calls the same fields otherwise. Records never change. One with an id of its own (a run and its
action, an invocation, an operation) is known by that; any other by a keyed hash of the fields that are read, in whatever order it
has them, and its place among equal ones.
"""

from __future__ import annotations

import json

from pipelines.sources.engine_records import staging

_SHAPES: dict[str, dict] = {"lower": {}, "upper": {}}
"""Which fields are read, by how the last part of their path begins: DuckDB takes `Time` and `time` of one structure for the same."""


def _field(*paths: str) -> str:
    """The first of these paths that a record has, as text."""
    found: list[str] = []
    for path in paths:
        parts = path.split(".")[1:]
        side = "upper" if parts[-1][0].isupper() else "lower"
        place = _SHAPES[side]
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = "VARCHAR"
        found.append(f"nullif({side}." + ".".join(f'"{part}"' for part in parts) + ", '')")
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def _property(name: str) -> str:
    """A field of `properties`, or one that a newer table has at the top, in either spelling."""
    upper = name[0].upper() + name[1:]
    return _field(f"$.properties.{name}", f"$.properties.{upper}", f"$.{name}", f"$.{upper}")


# A workspace's table says what a record is; `Category` is then the service's own, and of `AzureDiagnostics` all there is.
_CATEGORY = f"coalesce({_field('$.category')}, nullif({_field('$.Type')}, 'AzureDiagnostics'), {_field('$.Category', '$.type')})"
_ERROR = (
    "coalesce("
    + ", ".join(
        (
            _field("$.properties.error.message"),
            _field("$.ErrorMessage", "$.properties.ErrorMessage", "$.Error", "$.error_message_s"),
            _field("$.properties.lastError.message", "$.LastErrorMessage"),
            _field("$.properties.lastError.reason", "$.LastErrorReason"),
            _property("exceptionMessage"),
            _field("$.OuterMessage", "$.InnermostMessage"),
            f"regexp_extract({_field('$.message', '$.properties.message', '$.Message')}, 'outcome=([A-Za-z]+)', 1)",
        )
    )
    + ")"
)
_FIELDS = {
    "category": _CATEGORY,
    "metric": _field("$.metricName", "$.MetricName"),
    "resource": _field("$.resourceId", "$.ResourceId", "$._ResourceId"),
    "operation": _field("$.operationName", "$.OperationName"),
    "time": _field("$.time", "$.Time", "$.EventTimestamp", "$.EventTimeString", "$.TimeGenerated", "$.timestamp"),
    "started": _field("$.properties.startTime", "$.StartTime", "$.startTime_t"),
    "ended": _field("$.properties.endTime", "$.EndTime", "$.endTime_t"),
    "run": _field("$.properties.resource.runId", "$.RunId", "$.resource_runId_s"),
    "origin": _field("$.properties.resource.originRunId", "$.OriginRunId", "$.resource_originRunId_s"),
    "workflow": _field("$.properties.resource.workflowName", "$.WorkflowName", "$.resource_workflowName_s"),
    "action": _field("$.properties.resource.actionName", "$.ActionName", "$.resource_actionName_s"),
    "tracking": _field(
        "$.properties.correlation.actionTrackingId",
        "$.ActionTrackingId",
        "$.correlation_actionTrackingId_g",
        "$.correlation_actionTrackingId_s",
    ),
    "client_tracking": _field(
        "$.properties.correlation.clientTrackingId", "$.ClientTrackingId", "$.correlation_clientTrackingId_s"
    ),
    "code": _field("$.properties.code", "$.Code", "$.code_s"),
    "status": _field("$.properties.status", "$.Status", "$.properties.Status", "$.status_s"),
    "entity": _field("$.EntityName", "$.properties.EntityName"),
    "counted": _field("$.ErrorCount", "$.Count", "$.properties.ErrorCount", "$.properties.Count"),
    "deepest": _field("$.maximum", "$.Maximum", "$.total", "$.average"),
    "summed": _field("$.total", "$.Total"),
    "correlation": _property("correlationId"),
    "api": _property("apiId"),
    "backend": _property("backendId"),
    "answered": _property("responseCode"),
    "backend_answered": _property("backendResponseCode"),
    "duration": f"coalesce({_property('durationMs')}, {_field('$.TotalTime')})",
    "last_error": _field(
        "$.properties.lastError.reason", "$.properties.lastError.message", "$.LastErrorReason", "$.LastErrorMessage"
    ),
    "subscription": _property("eventSubscriptionName"),
    "function_name": _property("functionName"),
    "invocation": _property("functionInvocationId"),
    "happening": _property("eventName"),
    "level": _property("level"),
    "app": _property("appRoleName"),
    "operation_id": _property("operationId"),
    "own_id": _field("$.Id", "$.properties.Id"),
    "target": _property("target"),
    "success": _property("success"),
    "result": _property("resultCode"),
    "activity": _property("activityId"),
    "outcome": _property("operationResult"),
    "remark": _field("$.message", "$.properties.message", "$.Message"),
}
_CONTENT = f"""to_json([{", ".join(f"{name}_" for name in _FIELDS)}, error_])::varchar"""
_HTTP = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
_CODES = " ".join(f"when '{name}' then {status}" for status, name in _HTTP.items())
_LOWER, _UPPER = (json.dumps(_SHAPES[side]) for side in ("lower", "upper"))
_READ = f"""
    valid as (select *, json_valid(text) as is_json from chunk),
    found as (
        select *, try(json_transform(text, '{_LOWER}')) as lower, try(json_transform(text, '{_UPPER}')) as upper from valid
    )
"""

MACROS = (
    # ISO 8601 with any number of decimals, and the American texts of Service Bus.
    """create or replace temp macro azure_instant(x) as after_1970(coalesce(instant_of(x), try_strptime(x,
            ['%-m/%-d/%Y %-I:%M:%S %p %z', '%-m/%-d/%Y %-I:%M:%S.%g %p %z', '%-m/%-d/%Y %-I:%M:%S.%f %p %z'])::timestamptz))""",
    r"""create or replace temp macro whole_number(x) as case when regexp_full_match(x, '\d{1,9}(\.\d+)?')
            then try_cast(split_part(x, '.', 1) as bigint) end""",
)

ERROR_TEXTS = f"with {_READ} select {_ERROR} from found"

RECORDS = f"""
create or replace temp table engine_record as
with {_READ}, read as (
    select file_id, line, byte_offset, ends_open, text, is_json, {", ".join(f"{sql} as {name}_" for name, sql in _FIELDS.items())},
        {_ERROR} as error_
    from found
), typed as (
    select *, case
            when metric_ is not null then 'metric'
            when category_ in ('WorkflowRuntime', 'LogicAppWorkflowRuntime') then 'logic'
            when category_ in ('GatewayLogs', 'ApiManagementGatewayLogs') then 'gateway'
            when category_ in ('DiagnosticErrorLogs', 'OperationalErrorLogs', 'AZMSDiagnosticErrorLogs') then 'bus error'
            when category_ in ('RuntimeAuditLogs', 'AZMSRunTimeAuditLogs') then 'bus audit'
            when category_ in ('DeliveryFailures', 'PublishFailures', 'AegDeliveryFailureLogs', 'AegPublishFailureLogs') then 'grid'
            when category_ = 'FunctionAppLogs' then 'function'
            when category_ = 'AppRequests' then 'request'
            when category_ = 'AppDependencies' then 'dependency'
            when category_ = 'AppExceptions' then 'exception'
            when category_ is not null then 'other'
        end as kind,
        upper(regexp_extract(resource_, '([^/]+)/*$', 1)) as resource_name,  -- a workspace writes it small
        regexp_extract(operation_, '([A-Za-z]+)$', 1) as step
    from read
), judged as (
    select *,
        case kind
            when 'logic' then run_
            when 'gateway' then correlation_
            when 'function' then invocation_
            when 'request' then operation_id_
            when 'dependency' then operation_id_
            when 'exception' then operation_id_
        end as message,
        case kind
            when 'metric' then metric_ not in ('DeadletteredMessages', 'ActiveMessages', 'ScheduledMessages')
                and (metric_ not in ('DeadLetteredCount', 'DroppedEventCount') or coalesce(whole_number(summed_), 0) = 0)
            when 'logic' then step not in ('workflowRunStarted', 'workflowRunCompleted', 'workflowActionStarted', 'workflowActionCompleted')
            when 'bus audit' then lower(status_) in ('success', 'succeeded')
            when 'function' then coalesce(happening_, '') not in ('FunctionStarted', 'FunctionCompleted')
                and coalesce(level_, '') not in ('Error', 'Critical')
            when 'other' then true
            else false
        end as is_aside
    from typed
), timed as (
    select *, azure_instant(time_) as time_at, local_of(time_) as time_local, azure_instant(started_) as started_at from judged
)
select
    file_id, line, byte_offset,
    case
        when not is_json then if(ends_open, 'truncated', 'unparseable')
        when kind is null then 'untyped'
        when is_aside then null
        when time_at is null and time_local is null and started_at is null then 'no_time'
        when kind in ('logic', 'gateway', 'request', 'dependency') and message is null then 'no_id'
        when kind = 'function' and coalesce(happening_, '') in ('FunctionStarted', 'FunctionCompleted') and message is null then 'no_id'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    coalesce(rule is null and is_aside, false) as is_ignored,
    kind, step,
    case when kind = 'function' and happening_ in ('FunctionStarted', 'FunctionCompleted') then happening_ end as happening,
    $source || ':' || engine_id($source, message) as message_uid,
    $source || ':' || engine_id($source, case when origin_ <> run_ then origin_ end) as origin_uid,
    keyed('control', $source, case when client_tracking_ <> run_ then client_tracking_ end) as correlation_key,
    handed_on($trace, case kind
        when 'logic' then case when client_tracking_ <> run_ then client_tracking_ end
        when 'gateway' then correlation_
        else operation_id_
    end) as trace_key,
    case kind
        when 'logic' then named('workflow', workflow_, keyed('node', $source, workflow_))
        when 'gateway' then named('api', api_, keyed('node', $source, api_))
        when 'function' then named('function', function_name_, keyed('node', $source, function_name_))
        when 'request' then named('app', app_, keyed('node', $source, app_))
        when 'dependency' then named('app', app_, keyed('node', $source, app_))
        when 'exception' then named('app', app_, keyed('node', $source, app_))
        else coalesce(
            named('queue', entity_, keyed('node', $source, entity_)),
            named('resource', resource_name, keyed('node', $source, resource_name)))
    end as flow,
    case kind
        when 'logic' then named('action', action_, keyed('node', $source, action_))
        when 'gateway' then coalesce(named('backend', backend_, keyed('node', $source, backend_)), 'backend')
        when 'grid' then named('subscription', subscription_, keyed('node', $source, subscription_))
        when 'dependency' then named('target', coalesce(target_, 'target'), keyed('node', $source, target_))
        when 'metric' then case when ends_with(metric_, 'Messages') then named('metric', metric_, keyed('node', $source, metric_)) end
    end as node,
    coalesce(
        case when kind = 'logic' then keyed('node', $source, coalesce(tracking_, started_)) end,
        case when kind in ('request', 'dependency') then keyed('node', $source, own_id_) end,
        ''
    ) as own_key,
    case when kind not in ('logic', 'gateway', 'request', 'dependency') and happening is null
        then keyed('line', $source, {_CONTENT}) end as content,
    time_at,
    time_local,
    coalesce(started_at, time_at) as started_at,
    azure_instant(ended_) as ended_at,
    case when try_cast(duration_ as double) between 0 and 1e9 then try_cast(duration_ as double) end as duration_ms,
    case when kind = 'logic' then status_ end in ('Failed', 'Cancelled', 'Aborted', 'TimedOut') as has_failed,
    case when kind = 'logic' and status_ in (
        'Succeeded', 'Failed', 'Cancelled', 'Aborted', 'TimedOut', 'Skipped', 'Running', 'Waiting', 'Faulted', 'Ignored'
    ) then status_ end as status,
    case when status_ in ('NotSpecified', 'Paused', 'Suspended') then status_ end as other_status,
    case when kind = 'logic' then case code_ {_CODES} end else whole_number(coalesce(backend_answered_, result_)) end as http,
    whole_number(answered_) as http_up,
    last_error_ is not null as has_error,
    lower(success_) = 'false' as is_unsuccessful,
    coalesce(level_, '') in ('Error', 'Critical') as is_error_level,
    whole_number(if(kind = 'metric', summed_, counted_)) as counted,
    whole_number(deepest_) as depth,
    case metric_ when 'DeadLetteredCount' then 'dead_lettered' when 'DroppedEventCount' then 'discarded' else 'queue_sample' end
        as measured,
    case when metric_ = 'DeadletteredMessages' then 'dead_letter' end as measured_queue,
    md5(error_) as error_id
from timed
"""

RETRIES = """
create or replace temp table azure_retry as
select file_id, byte_offset, azure_instant(t.startTime) as started_at, azure_instant(t.endTime) as ended_at, place
from (
    select file_id, byte_offset, unnest(history) as t, generate_subscripts(history, 1) as place
    from (
        select chunk.file_id, chunk.byte_offset, try(json_transform(
            coalesce(chunk.text->'$.properties.retryHistory', chunk.text->>'$.RetryHistory', chunk.text->>'$.retryHistory_s')::json,
            '[{"startTime": "VARCHAR", "endTime": "VARCHAR"}]')) as history
        from chunk semi join (
            select file_id, byte_offset from engine_record where kind = 'logic' and rule is null and not is_ignored
        ) as logic using (file_id, byte_offset)
    )
) where t is not null
"""

ZONELESS = """
    select file_id, line from engine_record where rule is null and not is_ignored and time_at is null and time_local is not null
"""

_EVENTS = """
with record as (
    select * replace (
        coalesce(time_at, placed(time_local, $zone)) as time_at, coalesce(started_at, placed(time_local, $zone)) as started_at)
    from engine_record where rule is null and not is_ignored
), timed as (
    select *, coalesce(ended_at, time_at) as done_at, time_at + to_microseconds((duration_ms * 1000)::bigint) as answered_at,
        kind = 'logic' and starts_with(step, 'workflowRun') as is_run, kind = 'logic' and starts_with(step, 'workflowAction') as is_action,
        ends_with(step, 'Completed') as is_completed
    from record
), proven as (
    select file_id, byte_offset, 'source' as role, 0 as place, unnest([
        {'t': 'received', 'at': case when is_run or kind in ('gateway', 'request') or happening = 'FunctionStarted' then started_at end},
        {'t': 'replayed', 'at': case when is_run and origin_uid is not null then started_at end},
        {'t': 'transformed', 'at': case when is_run and is_completed and status = 'Succeeded'
            or happening = 'FunctionCompleted' and not is_error_level then done_at end},
        {'t': 'failed', 'at': case when is_run and is_completed and has_failed
            or happening = 'FunctionCompleted' and is_error_level then done_at end},
        {'t': case when coalesce(http_up, http) >= 400 or is_unsuccessful then 'nack_sent' else 'ack_sent' end,
            'at': case when kind in ('gateway', 'request') then answered_at end},
        {'t': 'unknown', 'at': case when is_run and is_completed and status is null then done_at end}
    ]) as e from timed
    union all
    select file_id, byte_offset, 'destination', 0, unnest([
        {'t': 'attempt_started', 'at': case
            when is_action and coalesce(status, '') <> 'Skipped' or kind = 'dependency'
                or kind = 'gateway' and (http is not null or has_error) then started_at end},
        {'t': 'filtered', 'at': case when is_action and is_completed and status = 'Skipped' then done_at end},
        {'t': 'delivered', 'at': case
            when is_action and is_completed and status = 'Succeeded' then done_at
            when kind = 'dependency' and not coalesce(is_unsuccessful, false) then answered_at
            when kind = 'gateway' and http < 400 then answered_at end},
        {'t': 'nack_received', 'at': case when kind = 'gateway' and http between 400 and 499 then answered_at end},
        {'t': 'expired', 'at': case when is_action and is_completed and status = 'TimedOut' then done_at end},
        {'t': 'failed', 'at': case
            when is_action and is_completed and status in ('Failed', 'Cancelled', 'Aborted', 'Faulted') then done_at
            when kind = 'dependency' and is_unsuccessful then answered_at
            when kind = 'gateway' and (http >= 400 or http is null and has_error) then answered_at end},
        {'t': 'unknown', 'at': case when is_action and is_completed and status is null then done_at end}
    ]) from timed
    union all
    select file_id, byte_offset, 'destination', place, unnest([
        {'t': 'attempt_started', 'at': case when place > 1 then azure_retry.started_at end},
        {'t': 'attempt_failed', 'at': azure_retry.ended_at}
    ]) from azure_retry
    union all
    select file_id, byte_offset, 'system', 0, {'t': 'attempt_failed', 'at': time_at}
    from timed where kind in ('bus error', 'bus audit', 'grid', 'exception') or kind = 'function' and happening is null
    union all
    select file_id, byte_offset, if(measured = 'queue_sample', 'queue', 'system'), 0, {'t': measured, 'at': time_at}
    from timed where kind = 'metric'
), told as (
    select proven.*, timed.* exclude (file_id, byte_offset),
        e.t in ('failed', 'attempt_failed', 'nack_received', 'nack_sent', 'expired') as is_bad,
        case when time_at <> e.at then null else time_local end as written,
        case when content is not null then row_number() over (partition by file_id, content, e.t order by byte_offset) end as ordinal
    from proven join timed using (file_id, byte_offset) where e.at is not null
)
"""

EVENTS = staging(
    _EVENTS,
    {
        "event_uid": "uid_of(concat_ws('|', 'azure', $source, kind, message_uid, role, e.t, place, coalesce(content, "
        "if(role = 'source', '', own_key || coalesce(node, ''))), ordinal))",
        "source": "$source",
        "source_kind": "if(kind in ('bus error', 'bus audit', 'metric'), 'aggregate', 'event')",
        "native_type": "case when e.t = 'unknown' then coalesce(other_status, '<redacted>') "
        "when kind = 'logic' and e.t = 'failed' then status when kind = 'metric' then measured_queue end",
        "occurred_at": "e.at",
        "time_basis": "if(written is null, 'offset', 'site_zone')",
        "time_precision": "'us'",
        "time_ambiguous": "falls_twice(written, $zone)",
        "clock_id": "$source || ':'",
        "event_type": "e.t",
        "flow_id": "coalesce(flow, $source)",
        "node_id": "if(role = 'source', '', coalesce(node, ''))",
        "node_name": "case when role <> 'source' then node end",
        "node_role": "role",
        "direction": "if(role = 'destination', 'outbound', 'inbound')",
        "message_uid": "case when role <> 'queue' then message_uid end",
        "root_message_uid": "case when role <> 'queue' then coalesce(origin_uid, message_uid) end",
        "replay_of_uid": "origin_uid",
        "correlation_key": "correlation_key",
        "trace_key": "trace_key",
        "attempts_exact": "case when role = 'destination' then true end",
        "ack_level": "case when kind in ('gateway', 'request', 'dependency') and e.t in ('ack_sent', 'nack_sent', 'delivered') "
        "then 'transport' end",
        "error_class": "case when is_bad then case when kind = 'bus audit' then 'auth' when e.t = 'expired' then 'timeout' "
        "when coalesce(error_facts.error_class, 'unknown') = 'unknown' then http_class(coalesce(http, http_up)) "
        "else error_facts.error_class end end",
        "error_code": "case when is_bad and coalesce(http, http_up) >= 400 then coalesce(http, http_up)::varchar end",
        "error_template": "case when is_bad then error_facts.error_template end",
        "error_fingerprint": "case when is_bad then error_facts.error_fingerprint end",
        "queue_depth": "case when role = 'queue' then depth end",
        "event_count": "case when kind in ('bus error', 'bus audit') or kind = 'metric' and role = 'system' then counted end",
        "file_id": "file_id",
        "line": "line",
        "quality_flags": """list_filter([
        if(e.t = 'unknown', 'unknown_status', null), if(is_skipped(written, $zone), 'time_in_gap', null),
        if(falls_twice(written, $zone), 'time_ambiguous', null)
    ], lambda f: f is not null)""",
    },
    "told left join error_facts using (error_id)",
)
