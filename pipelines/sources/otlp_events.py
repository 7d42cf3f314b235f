"""The SQL of OpenTelemetry: spans and log records out of documents, and the events that they prove.

Here: statements and macros. Not here: who runs them (`otlp`). A span never changes, so an event's identity is its trace, its
span and which edge of the span it is.
"""

from __future__ import annotations

import json

from pipelines.sources.engine_records import staging

_ATTRIBUTES = [{"key": "VARCHAR", "value": {"stringValue": "VARCHAR", "intValue": "VARCHAR"}}]
_SPAN = {
    "traceId": "VARCHAR",
    "spanId": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "startTimeUnixNano": "VARCHAR",
    "endTimeUnixNano": "VARCHAR",
    "attributes": _ATTRIBUTES,
    "events": [{"attributes": _ATTRIBUTES}],
    "links": [{"traceId": "VARCHAR"}],
    "status": {"code": "VARCHAR", "message": "VARCHAR"},
}
_LOG = {
    "timeUnixNano": "VARCHAR",
    "observedTimeUnixNano": "VARCHAR",
    "severityNumber": "VARCHAR",
    "severityText": "VARCHAR",
    "traceId": "VARCHAR",
    "spanId": "VARCHAR",
    "body": {"stringValue": "VARCHAR"},
    "attributes": _ATTRIBUTES,
}
_RESOURCE = {"attributes": _ATTRIBUTES}
_SPANS = [{"spans": [_SPAN]}]
_SHAPE = json.dumps(
    {
        "resourceSpans": [{"resource": _RESOURCE, "scopeSpans": _SPANS, "instrumentationLibrarySpans": _SPANS}],
        "resourceLogs": [{"resource": _RESOURCE, "scopeLogs": [{"logRecords": [_LOG]}]}],
    }
)

MACROS = (
    """create or replace temp macro attribute_of(attributes, name) as nullif(coalesce(
            list_filter(attributes, lambda a: a.key = name)[1].value.stringValue,
            list_filter(attributes, lambda a: a.key = name)[1].value.intValue), '')""",
    # Whole nanoseconds, as text or as a number, cut to microseconds; never through a floating point number.
    r"""create or replace temp macro nano_of(x) as case when regexp_full_match(x, '\d{16,19}')
            then after_1970(make_timestamptz(try_cast(x[:-4] as bigint))) end""",
    r"""create or replace temp macro trace_of(source, x) as case
            when regexp_full_match(x, '[0-9a-fA-F]{32}') and not regexp_full_match(x, '0+') then lower(x)
            when x <> '' and not regexp_full_match(x, '0+') then keyed('message', source, x) end""",
)

_DOCUMENTS = f"""
    document as (select file_id, line, byte_offset, try(json_transform(text, '{_SHAPE}')) as r from chunk),
    traced as (select file_id, line, byte_offset, unnest(r.resourceSpans) as of_resource from document),
    scoped as (
        select file_id, line, byte_offset, of_resource.resource.attributes as resource,
            unnest(list_concat(coalesce(of_resource.scopeSpans, []), coalesce(of_resource.instrumentationLibrarySpans, []))) as scope
        from traced
    ),
    logged as (select file_id, line, byte_offset, unnest(r.resourceLogs) as of_resource from document),
    scoped_log as (
        select file_id, line, byte_offset, of_resource.resource.attributes as resource, unnest(of_resource.scopeLogs) as scope from logged
    ),
    span as (
        select file_id, line, byte_offset, resource, s, s.attributes as attributes,
            list_filter(flatten(list_transform(s.events, lambda e: e.attributes)), lambda a: starts_with(a.key, 'exception.')) as thrown
        from (select file_id, line, byte_offset, resource, unnest(scope.spans) as s from scoped)
    ),
    log as (
        select file_id, line, byte_offset, resource, l,
            list_filter(l.attributes, lambda a: starts_with(a.key, 'exception.')) as thrown,
            coalesce(try_cast(l.severityNumber as integer) >= 17, false)
                or upper(l.severityText) in ('ERROR', 'FATAL', 'CRITICAL') as is_error
        from (select file_id, line, byte_offset, resource, unnest(scope.logRecords) as l from scoped_log)
    )
"""
_THROWN = (
    "nullif(concat_ws(': ', attribute_of(thrown, 'exception.type'), attribute_of(thrown, 'exception.message')), '')"
)
_SPAN_ERROR = f"coalesce(nullif(s.status.message, ''), {_THROWN}, attribute_of(attributes, 'error.type'))"
_LOG_ERROR = f"coalesce({_THROWN}, l.body.stringValue)"

ERROR_TEXTS = f"""
    with {_DOCUMENTS}
    select {_SPAN_ERROR} from span union all select {_LOG_ERROR} from log where is_error
"""

_WHERE = """
        attribute_of(resource, 'service.name') as service,
        coalesce(attribute_of(resource, 'host.name'), attribute_of(resource, 'service.instance.id'),
            attribute_of(resource, 'service.name'), '') as host"""

SPANS = f"""
create or replace temp table otlp_span as
with {_DOCUMENTS}, read as (
    select file_id, line, byte_offset, false as is_log, true as is_error_log, {_WHERE},
        trace_of($source, s.traceId) as trace, s.traceId as trace_written, trace_of($source, s.spanId) as span_id,
        case when s.kind in ('2', 'SPAN_KIND_SERVER') then 'server' when s.kind in ('3', 'SPAN_KIND_CLIENT') then 'client'
            when s.kind in ('4', 'SPAN_KIND_PRODUCER') then 'producer' when s.kind in ('5', 'SPAN_KIND_CONSUMER') then 'consumer'
            else 'internal' end as kind,
        nano_of(s.startTimeUnixNano) as started_at, nano_of(s.endTimeUnixNano) as ended_at,
        s.status.code in ('2', 'STATUS_CODE_ERROR') as has_failed,
        try_cast(coalesce(attribute_of(attributes, 'http.response.status_code'), attribute_of(attributes, 'http.status_code'))
            as integer) as http,
        lower(coalesce(attribute_of(attributes, 'messaging.operation.type'), attribute_of(attributes, 'messaging.operation.name'),
            attribute_of(attributes, 'messaging.operation'))) as operation,
        coalesce(attribute_of(attributes, 'messaging.destination.name'), attribute_of(attributes, 'server.address'),
            attribute_of(attributes, 'peer.service'), attribute_of(attributes, 'net.peer.name'), s.name, '') as destination,
        coalesce(attribute_of(attributes, 'messaging.message.conversation_id'),
            attribute_of(attributes, 'messaging.message.id')) as control,
        attribute_of(attributes, 'hl7.message.control_id') as control_id,
        sender_of(attribute_of(attributes, 'hl7.sending_application'), attribute_of(attributes, 'hl7.sending_facility')) as sender,
        list_distinct(list_filter(list_transform(s.links, lambda k: trace_of($source, k.traceId)), lambda t: t is not null)) as linked,
        {_SPAN_ERROR} as error, null as content
    from span
    union all by name
    select file_id, line, byte_offset, true as is_log, is_error as is_error_log, {_WHERE},
        trace_of($source, l.traceId) as trace, l.traceId as trace_written, trace_of($source, l.spanId) as span_id, 'log' as kind,
        coalesce(nano_of(l.timeUnixNano), nano_of(l.observedTimeUnixNano)) as started_at,
        {_LOG_ERROR} as error, keyed('line', $source, l::varchar || resource::varchar) as content
    from log
)
select
    file_id, line, byte_offset, is_log, kind, trace, span_id, started_at, ended_at, http,
    started_at is null or (not is_log and (trace is null or span_id is null)) as is_lost,
    is_log and not is_error_log or kind = 'internal' and not coalesce(has_failed, false)
        or kind in ('client', 'consumer') and coalesce(operation in ('settle', 'ack', 'nack'), false)
        or kind = 'client' and coalesce(operation in ('receive', 'poll'), false) as is_aside,
    coalesce(has_failed, false) or (kind in ('server', 'client') and coalesce(http >= 400, false)) as has_failed,
    named('service', service, keyed('node', $source, service)) as flow,
    $source || ':' || left(keyed('node', $source, host), 12) as clock_id,
    case when kind in ('client', 'producer') then 'to:' || left(keyed('node', $source, destination), 12) else '' end as node_id,
    case when kind in ('client', 'producer') then named('destination', destination, keyed('node', $source, destination)) end as node_name,
    keyed('control', $source, control) as correlation_key,
    keyed('control', coalesce(sender, $control), control_id) as control_key,
    handed_on($trace, trace_written) as trace_key,
    case when kind = 'consumer' and len(linked) = 1 and linked[1] <> trace then $source || ':' || linked[1] end as parent_uid,
    md5(error) as error_id,
    content
from read
"""

RECORDS = """
create or replace temp table engine_record as
select
    file_id, line, byte_offset,
    case
        when not json_valid(text) then if(ends_open, 'truncated', 'unparseable')
        when not (json_exists(text, '$.resourceSpans') or json_exists(text, '$.resourceLogs') or json_exists(text, '$.resourceMetrics'))
            then 'untyped'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    rule is null and not exists (
        select 1 from otlp_span as span
        where span.file_id = chunk.file_id and span.byte_offset = chunk.byte_offset and not is_lost and not is_aside
    ) as is_ignored
from chunk
"""

FINDINGS = """
    insert into file_finding by name
    select file_id, 'span_not_placed' as rule, count(*) as n from otlp_span where is_lost and not is_aside group by all
"""

_EVENTS = """
with told as (
    select *,
        case e.t when 'ended' then case
            when kind = 'server' then if(has_failed, 'nack_sent', 'ack_sent')
            when kind in ('client', 'producer') then if(has_failed, 'failed', 'delivered')
            when has_failed then 'failed'
        end when 'logged' then 'attempt_failed' else e.t end as event_type,
        row_number() over (partition by file_id, byte_offset, content, e.t) as ordinal
    from (
        select *, unnest([
            {'t': 'received', 'at': case when kind in ('server', 'consumer') then started_at end},
            {'t': 'attempt_started', 'at': case when kind in ('client', 'producer') then started_at end},
            {'t': 'ended', 'at': case when not is_log then ended_at end},
            {'t': 'logged', 'at': case when is_log then started_at end}
        ]) as e
        from otlp_span where not is_lost and not is_aside
    ) where e.at is not null
), placed_event as (
    select *, event_type in ('failed', 'attempt_failed', 'nack_sent') as is_bad from told where event_type is not null
)
"""

EVENTS = staging(
    _EVENTS,
    {
        "event_uid": "uid_of(concat_ws('|', 'otlp', $source, "
        "if(is_log, content || '|' || ordinal, trace || '|' || span_id || '|' || e.t)))",
        "source": "$source",
        "source_kind": "'event'",
        "occurred_at": "e.at",
        "time_basis": "'epoch'",
        "time_precision": "'us'",
        "time_ambiguous": "false",
        "clock_id": "clock_id",
        "event_type": "event_type",
        "flow_id": "coalesce(flow, $source)",
        "node_id": "node_id",
        "node_name": "node_name",
        "node_role": "case when is_log then 'system' when kind in ('server', 'consumer') then 'source' "
        "when kind in ('client', 'producer') then 'destination' else 'transform' end",
        "direction": "if(kind in ('client', 'producer'), 'outbound', 'inbound')",
        "message_uid": "$source || ':' || trace",
        "parent_message_uid": "parent_uid",
        "root_message_uid": "coalesce(parent_uid, $source || ':' || trace)",
        "correlation_key": "correlation_key",
        "control_key": "control_key",
        "trace_key": "trace_key",
        "attempts_exact": "case when kind in ('client', 'producer') then true end",
        "ack_level": "case when event_type in ('ack_sent', 'nack_sent', 'delivered') then 'transport' end",
        "error_class": "case when is_bad then if(coalesce(error_facts.error_class, 'unknown') = 'unknown', http_class(http), "
        "error_facts.error_class) end",
        "error_code": "case when is_bad then coalesce(error_facts.error_code, case when http >= 400 then http::varchar end) end",
        "error_template": "case when is_bad then error_facts.error_template end",
        "error_fingerprint": "case when is_bad then error_facts.error_fingerprint end",
        "file_id": "file_id",
        "line": "line",
        "quality_flags": "[]::varchar[]",
    },
    "placed_event left join error_facts using (error_id)",
)
