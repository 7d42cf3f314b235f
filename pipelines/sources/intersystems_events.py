"""The SQL of InterSystems: records out of rows of three tables, and the events that they prove.

Here: statements only. Not here: who runs them (`intersystems`). A session is the message as it first came in: its first header's
id is the session's. Every other request header is a leg of it, a message of its own below that root; a response header is what
became of the leg that it answers. Rows change until a leg is done; an event's identity is its header, what happened, and when.
"""

from __future__ import annotations

import json

from pipelines.sources.engine_records import staging

COLUMNS = frozenset(
    """
    id sessionid supersession type status iserror errorstatus description resent timecreated timeprocessed
    sourceconfigname targetconfigname sourcebusinesstype targetbusinesstype correspondingmessageid messagebodyclassname
    timelogged configname messageid text alerttime lastactiontime isopen escalationlevel currentowner
    """.split()  # noqa: SIM905 -- one a line would fill a page
)
"""The columns that are read, in lower case; no other leaves the file."""

_SHAPE = json.dumps(dict.fromkeys(sorted({*COLUMNS, "table"}), "VARCHAR"))
_READ = f"select *, json_transform(text, '{_SHAPE}') as r from chunk"


def _coded(column: str, *words: tuple[str, ...]) -> str:
    """A code, or the words that an extract writes for it; null for any other."""
    named = " ".join(f"when lower({column}) in {(*each, each[0])} then {code}" for code, each in enumerate(words, 1))
    return f"case when regexp_full_match({column}, '[0-9]') then try_cast({column} as integer) {named} end"


_STATUS = _coded(
    "r.status",
    ("created",),
    ("queued",),
    ("delivered",),
    ("discarded",),
    ("suspended",),
    ("deferred",),
    ("aborted",),
    ("error", "errored"),
    ("completed",),
)
_TYPE = _coded("r.type", ("request",), ("response",), ("terminate",))
_LEVEL = _coded("r.type", ("assert",), ("error",), ("warning",), ("info", "information"), ("trace",), ("alert",))
_SOURCE_IS = _coded("r.sourcebusinesstype", ("service",), ("process",), ("operation",))
_TARGET_IS = _coded("r.targetbusinesstype", ("service",), ("process",), ("operation",))
_TEXT = "replace(case r.table when 'header' then r.errorstatus when 'log' then r.text end, '<Ens>', '')"
_TIME = "case r.table when 'header' then r.timecreated when 'log' then r.timelogged else r.alerttime end"
_LATER = "case r.table when 'header' then r.timeprocessed else r.lastactiontime end"

ERROR_TEXTS = f"with read as ({_READ}) select {_TEXT} from read"

RECORDS = f"""
create or replace temp table engine_record as
with read as ({_READ}), coded as (
    select
        file_id, line, byte_offset, text,
        r.table as kind, r.id as id,
        case when r.table = 'header' then {_TYPE} when r.table = 'log' then {_LEVEL} end as type,
        {_STATUS} as status,
        coalesce(lower(r.iserror) in ('1', 'true', 'yes', 'y'), false) as is_error,
        coalesce(lower(r.isopen) in ('0', 'false', 'no', 'n'), false) as is_closed,
        coalesce(r.sessionid, case when r.table = 'header' then r.id end) as session,
        r.supersession as supersession, r.correspondingmessageid as answered, r.messageid as about,
        regexp_extract(r.description, '^Resent ([0-9]{{1,18}})$', 1) as resent_id,
        coalesce(lower(r.resent) not in ('', '0', 'no', 'false'), false)
            or coalesce(starts_with(r.description, 'Resent '), false) as is_resent,
        {_SOURCE_IS} as source_is, {_TARGET_IS} as target_is,
        coalesce(r.sourceconfigname, r.configname) as sender, r.targetconfigname as receiver,
        case
            when starts_with(r.messagebodyclassname, 'EnsLib.HL7.') then 'hl7v2'
            when starts_with(r.messagebodyclassname, 'HS.FHIR') then 'fhir'
            when starts_with(r.messagebodyclassname, 'EnsLib.EDI.X12.') then 'x12'
            when starts_with(r.messagebodyclassname, 'EnsLib.DICOM.') then 'dicom'
        end as msg_standard,
        {_TIME} as first_text, {_LATER} as later_text, {_TEXT} as error,
        try_cast(r.escalationlevel as integer) as level, r.currentowner as owner
    from read
), timed as (
    select *, instant_of(first_text) as first_at, local_of(first_text) as first_local from coded
)
select
    file_id, line, byte_offset,
    case
        when kind = 'unknown' or (kind <> 'alert' and type is null) then 'untyped'
        when id is null or (kind = 'header' and type = 2 and answered is null) then 'no_id'
        when first_at is null and first_local is null then 'no_time'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    coalesce(rule is null and (kind = 'header' and type = 3 or kind = 'log' and type not in (2, 6)), false) as is_ignored,
    kind, type, status, is_error, is_closed, is_resent, source_is, target_is, msg_standard,
    keyed('message', $source, id) as id_key,
    $source || ':' || keyed('message', $source, if(kind = 'header', if(type = 2, answered, id), coalesce(about, session))) as message_uid,
    $source || ':' || keyed('message', $source, session) as session_uid,
    $source || ':' || keyed('message', $source, nullif(resent_id, '')) as resent_uid,
    keyed('control', $source, supersession) as correlation_key,
    handed_on($trace, supersession) as trace_key,
    coalesce(id = session, false) as is_first,
    named('item', sender, keyed('node', $source, sender)) as sender,
    named('item', receiver, keyed('node', $source, receiver)) as receiver,
    first_at, first_local,
    instant_of(later_text) as later_at, local_of(later_text) as later_local,
    md5(error) as error_id,
    nullif(regexp_extract(error, '#([0-9]{{3,5}})', 1), '') as error_number,
    level,
    keyed('user', $source, owner) as owner_key
from timed
"""

ZONELESS = """
    select file_id, line from engine_record
    where rule is null and not is_ignored and (first_local is not null or later_local is not null)
"""

_EVENTS = """
with record as (
    select * replace (
        coalesce(first_at, placed(first_local, $zone)) as first_at, coalesce(later_at, placed(later_local, $zone)) as later_at)
    from engine_record where rule is null and not is_ignored
), request as (
    select *, coalesce(later_at, first_at) as touched_at, status = 8 or is_error as has_failed,
        if(target_is in (1, 2), 'route', 'destination') as role
    from record where kind = 'header' and type = 1
), proven as (
    select file_id, byte_offset, sender as flow, '' as node, 'source' as role, unnest([
        {'t': 'received', 'at': case when is_first then first_at end},
        {'t': 'unknown', 'at': case when status is null then first_at end}
    ]) as e from request
    union all
    select file_id, byte_offset, receiver, '', 'source', {'t': 'received', 'at': case when role = 'route' then later_at end} from request
    union all
    select file_id, byte_offset, sender, receiver, role, unnest([
        {'t': 'routed', 'at': first_at},
        {'t': 'replayed', 'at': case when is_resent then first_at end},
        {'t': 'queued', 'at': case when status = 2 then first_at end},
        {'t': 'attempt_started', 'at': case when status >= 3 then later_at end},
        {'t': 'expired', 'at': case when status = 4 then touched_at end},
        {'t': 'held', 'at': case when status = 5 then touched_at end},
        {'t': 'discarded', 'at': case when status = 7 then touched_at end},
        {'t': 'failed', 'at': case when has_failed then touched_at end},
        {'t': 'delivered', 'at': case when status = 9 and not has_failed then touched_at end}
    ]) from request
    union all
    select file_id, byte_offset, receiver, sender, if(source_is in (1, 2), 'route', 'destination'), unnest([
        {'t': 'failed', 'at': case when status = 8 or is_error then first_at end},
        {'t': 'delivered', 'at': case when not (coalesce(status = 8, false) or is_error) then first_at end}
    ]) from record where kind = 'header' and type = 2
    union all
    select file_id, byte_offset, receiver, '', 'source', {'t': if(status = 8 or is_error, 'nack_sent', 'ack_sent'), 'at': first_at}
    from record where kind = 'header' and type = 2 and target_is = 1
    union all
    select file_id, byte_offset, sender, '', 'system', {'t': if(type = 2, 'attempt_failed', 'alert_raised'), 'at': first_at}
    from record where kind = 'log'
    union all
    select file_id, byte_offset, sender, '', 'system', unnest([
        {'t': 'alert_raised', 'at': first_at},
        {'t': 'escalated', 'at': case when level > 0 then first_at end},
        {'t': 'assigned', 'at': case when owner_key is not null then first_at end},
        {'t': 'alert_closed', 'at': case when is_closed then later_at end}
    ]) from record where kind = 'alert'
), told as (
    select proven.*, record.* exclude (file_id, byte_offset, first_local, later_local),
        coalesce(e.t not in ('received', 'routed', 'replayed', 'queued', 'unknown') and later_at = e.at, false) as is_later,
        if(is_later, later_local, first_local) as written,
        e.t in ('failed', 'attempt_failed', 'expired', 'nack_sent') as is_bad
    from proven join record using (file_id, byte_offset) where e.at is not null
)
"""

EVENTS = staging(
    _EVENTS,
    {
        "event_uid": "uid_of(concat_ws('|', 'intersystems', $source, kind, id_key, node, role, e.t, epoch_ms(e.at), "
        "case e.t when 'escalated' then level::varchar when 'assigned' then owner_key end))",
        "source": "$source",
        "source_kind": "if(kind = 'log', 'event', 'snapshot')",
        "native_type": "case when e.t = 'unknown' then '<redacted>' end",
        "occurred_at": "e.at",
        "time_basis": "case when written is null then 'offset' when $zone = 'UTC' then 'utc' else 'site_zone' end",
        "time_precision": "'ms'",
        "time_ambiguous": "falls_twice(written, $zone)",
        # When a request without an answer was done is not recorded: no earlier than it was taken off the queue, so nothing is subtracted.
        "clock_id": "$source || if(type = 1 and kind = 'header' and e.t = 'delivered', ':completion', ':')",
        "event_type": "e.t",
        "flow_id": "coalesce(flow, $source)",
        "node_id": "coalesce(node, '')",
        "node_name": "nullif(node, '')",
        "node_role": "role",
        "direction": "if(role in ('source', 'system'), 'inbound', 'outbound')",
        "message_uid": "message_uid",
        "parent_message_uid": "case when kind = 'header' and message_uid <> session_uid then session_uid end",
        "root_message_uid": "session_uid",
        "replay_of_uid": "case when type = 1 and kind = 'header' then resent_uid end",
        "correlation_key": "correlation_key",
        "trace_key": "trace_key",
        "msg_standard": "msg_standard",
        "attempts_exact": "case when role = 'destination' then false end",
        "error_class": "case when is_bad then coalesce(error_facts.error_class, if(e.t = 'expired', 'timeout', 'unknown')) end",
        "error_code": "case when is_bad then error_number end",
        "error_template": "case when is_bad then error_facts.error_template end",
        "error_fingerprint": "case when is_bad then error_facts.error_fingerprint end",
        "actor_key": "case when e.t = 'assigned' then owner_key end",
        "file_id": "file_id",
        "line": "line",
        "quality_flags": """list_filter([
        if(e.t = 'unknown', 'unknown_status', null), if(e.t in ('escalated', 'assigned'), 'time_of_alert', null),
        if(is_skipped(written, $zone), 'time_in_gap', null), if(falls_twice(written, $zone), 'time_ambiguous', null)
    ], lambda f: f is not null)""",
    },
    "told left join error_facts using (error_id)",
)
