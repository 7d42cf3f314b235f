"""The SQL of OpenHIM: records out of documents, steps out of records, and the events that both prove.

Here: statements only. Not here: who runs them (`openhim`). A later export of a transaction proves more events and repeats
none: an event's identity is made of the transaction, the step, what happened and the millisecond that proves it.
"""

from __future__ import annotations

import json

from pipelines.sources.engine_records import staging

_CALL = {
    "name": "VARCHAR",
    "request": {"timestamp": "JSON"},
    "response": {"status": "JSON", "timestamp": "JSON"},
    "error": {"message": "VARCHAR"},
}
HANDED_ON = ("x-openhim-transactionid", "x-correlation-id", "x-request-id", "traceparent")
"""Headers that name a message to the next system, in the order of preference: the only ones that are read."""
_SHAPE = json.dumps(
    {
        "_id": "JSON",
        "channelID": "JSON",
        "parentID": "JSON",
        "status": "VARCHAR",
        "autoRetry": "VARCHAR",
        "autoRetryAttempt": "JSON",
        "request": {"timestamp": "JSON", "method": "VARCHAR", "headers": dict.fromkeys(HANDED_ON, "VARCHAR")},
        "response": _CALL["response"],
        "error": _CALL["error"],
        "routes": [_CALL],
        "orchestrations": [_CALL],
        "user": "VARCHAR",
        "created": "JSON",
        "transactions": [{"tid": "JSON"}],
    }
)
STATUSES = ("Processing", "Pending Async", "Successful", "Completed", "Completed with error(s)", "Failed")
"""A transaction's states, as OpenHIM writes them."""

_READ = f"select *, json_valid(text) as is_json, try(json_transform(text, '{_SHAPE}')) as r from chunk"

ERROR_TEXTS = f"""
    with read as ({_READ})
    select r.error.message from read
    union all select unnest(r.routes).error.message from read
    union all select unnest(r.orchestrations).error.message from read
"""

RECORDS = f"""
create or replace temp table engine_record as
with parsed as ({_READ}), read as (
    select
        file_id, line, byte_offset, ends_open, text, is_json,
        said(r._id) as id,
        said(r.channelID) as channel,
        said(r.parentID) as parent,
        r.status as status,
        coalesce(lower(r.autoRetry) = 'true', false) as is_retried,
        coalesce(try_cast(said(r.autoRetryAttempt) as integer), 0) as retry,
        upper(r.request.method) in ('GET', 'HEAD') as is_question,
        said(r.request.timestamp) as received,
        said(r.response.timestamp) as answered,
        try_cast(said(r.response.status) as integer) as http,
        coalesce({", ".join(f'r.request.headers."{name}"' for name in HANDED_ON)}, said(r._id)) as handed,
        r.error.message as error,
        r.transactions is not null and r.request is null and r.status is not null and r.created is not null as is_task,
        r.user as who,
        said(r.created) as created,
        list_distinct(list_filter(list_transform(r.transactions, lambda t: said(t.tid)), lambda t: t is not null)) as tids
    from parsed
), timed as (
    select *, instant_of(if(is_task, created, received)) as received_at, local_of(if(is_task, created, received)) as received_local
    from read
)
select
    file_id, line, byte_offset,
    case
        when not is_json then if(ends_open, 'truncated', 'unparseable')
        when coalesce(try(json_type(text)), '') <> 'OBJECT' or (not is_task and status is null and received is null) then 'untyped'
        when id is null then 'no_id'
        when received_at is null and received_local is null then 'no_time'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    coalesce(rule is null and is_task and (coalesce(who, '') in ('', 'internal') or len(tids) = 0), false) as is_ignored,
    is_task,
    handed_on($trace, handed) as trace_key,
    $source || ':' || engine_id($source, id) as message_uid,
    $source || ':' || engine_id($source, parent) as parent_uid,
    coalesce(engine_id($source, channel), $source) as flow_id,
    case when status in {STATUSES} then status end as status,
    is_retried,
    retry,
    coalesce(is_question, false) as is_question,
    received_at,
    received_local,
    instant_of(answered) as answered_at,
    local_of(answered) as answered_local,
    http,
    md5(error) as error_id,
    coalesce(contains(error, 'OpenHIM crashed'), false) as is_crash,
    keyed('user', $source, who) as actor_key,
    case when is_task then list_transform(tids, lambda t: $source || ':' || engine_id($source, t)) end as task_uids
from timed
"""

STEPS = f"""
create or replace temp table openhim_step as
with parsed as ({_READ}), called as (
    select file_id, byte_offset, 'route' as kind, unnest(r.routes) as c, generate_subscripts(r.routes, 1) as place from parsed
    union all
    select file_id, byte_offset, 'orchestration', unnest(r.orchestrations), generate_subscripts(r.orchestrations, 1) from parsed
), read as (
    select
        file_id, byte_offset, kind, place, coalesce(c.name, '') as name, keyed('node', $source, coalesce(c.name, '')) as name_key,
        said(c.request.timestamp) as started, said(c.response.timestamp) as ended, said(c.response.status) as status,
        c.error.message as error
    from called where c is not null
)
select
    file_id, byte_offset, kind, place,
    kind || ':' || left(name_key, 12) as node_id,
    named(kind, name, name_key) as node_name,
    instant_of(started) as started_at,
    local_of(started) as started_local,
    instant_of(ended) as ended_at,
    local_of(ended) as ended_local,
    try_cast(status as integer) as http,
    error is not null as has_error,
    md5(error) as error_id
from read
"""

ZONELESS = """
    select file_id, line from engine_record
    where rule is null and (received_local is not null or answered_local is not null)
    union all
    select file_id, record.line from openhim_step join engine_record as record using (file_id, byte_offset)
    where rule is null and (started_local is not null or ended_local is not null)
"""

FINDINGS = """
    insert into file_finding by name
    select file_id, 'step_without_time' as rule, count(*) as n
    from openhim_step join engine_record using (file_id, byte_offset)
    where rule is null and coalesce(started_at, placed(started_local, $zone), ended_at, placed(ended_local, $zone)) is null
    group by all
"""

_ANSWER = """case
        when {http} between 400 and 499 and not ({http} in (404, 410) and {is_question}) then 'refused'
        when {http} >= 500 then 'failed'
        when {http} between 100 and 499 then 'delivered'
    end"""

_EVENTS = f"""
with record as (
    select * replace (
        coalesce(received_at, placed(received_local, $zone)) as received_at,
        coalesce(answered_at, placed(answered_local, $zone)) as answered_at)
    from engine_record where rule is null and not is_ignored
), step as (
    select file_id, byte_offset, 'primary' as kind, 1 as place, 'primary' as node_id, 'primary' as node_name, 'destination' as role,
        received_at as started_at, received_local as started_local, answered_at as ended_at, answered_local as ended_local,
        http, error_id,
        case status
            when 'Successful' then 'delivered'
            when 'Failed' then if(is_retried, 'attempt_failed', 'given up')
            when 'Completed' then {_ANSWER.format(http="http", is_question="is_question")}
            when 'Completed with error(s)' then {_ANSWER.format(http="http", is_question="is_question")}
        end as outcome
    from record where not is_task
    union all by name
    select step.* exclude (has_error, started_at, ended_at, http, error_id), step.http, step.error_id,
        coalesce(step.started_at, placed(started_local, $zone), step.ended_at, placed(ended_local, $zone)) as started_at,
        coalesce(step.ended_at, placed(ended_local, $zone)) as ended_at,
        if(kind = 'route', 'destination', 'transform') as role,
        case when has_error then 'failed' else {_ANSWER.format(http="step.http", is_question="is_question")} end as outcome
    from openhim_step as step join record using (file_id, byte_offset)
), proven as (
    select file_id, byte_offset, '' as kind, '' as node_id, null as node_name, 'source' as role, null as http, null as error_id,
        message_uid as of_uid, received_local as local_time, answered_local as local_end,
        unnest([
            {{'t': 'received', 'at': received_at}},
            {{'t': if(http >= 400, 'nack_sent', 'ack_sent'), 'at': answered_at}},
            {{'t': 'replayed', 'at': case when parent_uid is not null and retry = 0 then received_at end}},
            {{'t': 'unknown', 'at': case when status is null then received_at end}}
        ]) as e, 1 as place
    from record where not is_task
    union all by name
    select file_id, byte_offset, kind, node_id, node_name, role, http, error_id,
        message_uid as of_uid, started_local as local_time, ended_local as local_end,
        unnest([
            {{'t': 'routed', 'at': case when role = 'destination' then started_at end}},
            {{'t': 'attempt_started', 'at': started_at}},
            {{'t': 'delivered', 'at': case when outcome = 'delivered' then coalesce(ended_at, started_at) end}},
            {{'t': 'attempt_failed', 'at': case when outcome = 'attempt_failed' then coalesce(ended_at, started_at) end}},
            {{'t': 'nack_received', 'at': case when outcome = 'refused' then coalesce(ended_at, started_at) end}},
            {{'t': 'failed', 'at': case when outcome in ('refused', 'failed', 'given up') then coalesce(ended_at, started_at) end}},
            {{'t': 'dead_lettered', 'at': case when outcome = 'given up' then coalesce(ended_at, started_at) end}}
        ]) as e, place
    from step join (select file_id, byte_offset, message_uid from record) using (file_id, byte_offset)
    union all by name
    select file_id, byte_offset, '' as kind, '' as node_id, null as node_name, 'source' as role, null as http, null as error_id,
        unnest(task_uids) as of_uid, received_local as local_time, null as local_end,
        {{'t': 'replay_requested', 'at': received_at}} as e, 1 as place
    from record where is_task
), told as (
    select proven.*, line, parent_uid, trace_key, flow_id, retry, is_task, is_crash, actor_key,
        engine.message_uid as record_uid,
        e.t in ('attempt_failed', 'nack_received', 'failed', 'dead_lettered') as is_bad,
        e.t in ('ack_sent', 'nack_sent', 'delivered', 'attempt_failed', 'nack_received', 'failed', 'dead_lettered') as is_end,
        if(is_end, local_end, local_time) as written,
        row_number() over (partition by file_id, byte_offset, node_id, e.t, e.at, of_uid order by place) as ordinal
    from proven join record as engine using (file_id, byte_offset) where e.at is not null
)
"""

EVENTS = staging(
    _EVENTS,
    {
        "event_uid": "uid_of(concat_ws('|', 'openhim', $source, of_uid, node_id, e.t, epoch_ms(e.at), ordinal, "
        "if(is_task, record_uid, null)))",
        "source": "$source",
        "source_kind": "'snapshot'",
        "native_type": "case when e.t = 'unknown' then '<redacted>' end",
        "occurred_at": "e.at",
        "time_basis": "if(written is null, 'offset', 'site_zone')",
        "time_precision": "'ms'",
        "time_ambiguous": "falls_twice(written, $zone)",
        "clock_id": "$source || if(kind = 'orchestration', ':mediator', ':')",
        "event_type": "e.t",
        "flow_id": "flow_id",
        "node_id": "node_id",
        "node_name": "node_name",
        "node_role": "role",
        "direction": "if(role = 'source', 'inbound', 'outbound')",
        "message_uid": "of_uid",
        "incarnation": "case when not is_task and retry > 0 then retry::varchar end",
        "root_message_uid": "if(is_task, of_uid, coalesce(parent_uid, of_uid))",
        "replay_of_uid": "case when not is_task then parent_uid end",
        "trace_key": "case when not is_task then trace_key end",
        "attempts_exact": "case when role <> 'source' then true end",
        "ack_level": "case when e.t in ('ack_sent', 'nack_sent', 'delivered', 'nack_received') then 'transport' end",
        "error_class": "case when is_bad then if(coalesce(error_facts.error_class, 'unknown') = 'unknown', http_class(http), "
        "error_facts.error_class) end",
        "error_code": "case when is_bad then coalesce(error_facts.error_code, case when http >= 400 then http::varchar end) end",
        "error_template": "case when is_bad then error_facts.error_template end",
        "error_fingerprint": "case when is_bad then error_facts.error_fingerprint end",
        "actor_key": "case when is_task then actor_key end",
        "file_id": "file_id",
        "line": "line",
        "quality_flags": """list_filter([
        if(e.t = 'unknown', 'unknown_status', null), if(is_crash and kind = 'primary' and e.t = 'failed', 'engine_crashed', null),
        if(is_skipped(written, $zone), 'time_in_gap', null), if(falls_twice(written, $zone), 'time_ambiguous', null)
    ], lambda f: f is not null)""",
    },
    "told left join error_facts using (error_id)",
)
