"""The SQL of a mapped log: records out of lines, instants out of texts, events out of records.

Here: statements and macros only. Not here: who runs them (`ndjson_log`). Identifiers are hashed in the statement that
reads them; an error text leaves it as its hash, which `error_facts` turns into what may be kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.settings import LogMapping

_FIELDS = (
    "record_id",
    "time",
    "clock",
    "flow",
    "message",
    "parent",
    "control_id",
    "type",
    "event",
    "destination",
    "attempt",
    "ack",
    "error",
    "mrn",
    "visit",
    "placer",
    "sent_at",
)
_LATER_FIELDS = ("shape", "actor", "role", "prior_mrn")
"""Fields that were added when logs had been read already: no part of a record's identity, or each would look new."""
_ROLES = (
    "integration analyst",
    "interface analyst",
    "integration lead",
    "service desk",
    "help desk",
    "administrator",
    "operator",
    "support",
    "developer",
    "vendor",
    "system",
)
"""Roles that may be kept of who did something; any other is `other`."""

MACROS = (
    r"create or replace temp macro has_offset(x) as regexp_matches(x, '\d[T ]?\d{2}:?\d{2}.*(Z|[+-]\d{2}:?\d{2})$')",
    # Seconds, milliseconds or microseconds since 1970, told apart by their size.
    r"""create or replace temp macro epoch_of(x) as case
        when contains(x, '-') then null
        when regexp_full_match(x, '\d{9,16}(\.\d+)?') then make_timestamptz(
            case when length(split_part(x, '.', 1)) <= 10 then (try_cast(x as decimal(24, 6)) * 1000000)::bigint
                 when length(split_part(x, '.', 1)) <= 13 then (try_cast(x as decimal(24, 6)) * 1000)::bigint
                 else try_cast(split_part(x, '.', 1) as bigint) end) end""",
    # The later instant of a local time that comes twice, and the shifted one of a local time that never comes, as ICU
    # reads them.
    """create or replace temp macro falls_twice(local_time, zone) as
            timezone(zone, timezone(zone, local_time) - interval 1 hour) = local_time
            or timezone(zone, timezone(zone, local_time) + interval 1 hour) = local_time""",
    r"""create or replace temp macro precision_of(x) as case
            when contains(x, '.') then if(length(regexp_extract(x, '\.(\d+)', 1)) > 3, 'us', 'ms')
            when not contains(x, ':') then if(length(x) > 13, 'us', if(length(x) > 11, 'ms', 's'))
            else if(regexp_matches(x, '\d{2}:\d{2}:\d{2}'), 's', 'min') end""",
    r"create or replace temp macro plain(x) as case when regexp_full_match(x, '[A-Za-z0-9][A-Za-z0-9 ._:/#-]{0,79}') then x end",
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _shape(mapping: LogMapping) -> str:
    names = {getattr(mapping, field) for field in (*_FIELDS, *_LATER_FIELDS)}
    return _quoted(json.dumps(dict.fromkeys(sorted(names - {""}), "VARCHAR")))


def _read(mapping: LogMapping, field: str) -> str:
    name = getattr(mapping, field)
    return f"nullif(r[{_quoted(name)}], '')" if name else "null::varchar"


def stage_records(mapping: LogMapping) -> str:
    """The statement that makes `log_record`: one row a line, its fields read, hashed or reduced, and the rule that keeps it out, if any.

    `instant` is set where the text says its offset; `local_time` where it does not, and then `needs_zone`.
    """
    fields = ", ".join(f"{_read(mapping, field)} as {field}_" for field in (*_FIELDS, *_LATER_FIELDS))
    roles = ", ".join(_quoted(role) for role in _ROLES)
    known = " ".join(f"when {_quoted(word)} then {_quoted(event)}" for word, event in mapping.events.items())
    keep = " ".join(f"when {_quoted(word)} then {_quoted(word)}" for word in mapping.events)
    parse = "null::timestamptz"
    local = "try_cast(time_ as timestamp)"
    if mapping.time_format:
        form = _quoted(mapping.time_format)
        parse = f"try_strptime(time_, {form})::timestamptz" if "%z" in mapping.time_format else parse
        local = f"try_strptime(time_, {form})::timestamp" if "%z" not in mapping.time_format else "null::timestamp"
    scope = "coalesce(plain(flow_), '') || ':'" if mapping.message_scope == "flow" else "''"
    return f"""
    create or replace temp table log_record as
    with parsed as (
        select file_id, line, byte_offset, ends_open, text, json_valid(text) as is_json,
            case when json_valid(text) then json_transform(text, {_shape(mapping)}) end as r
        from chunk
    ), read as (
        select file_id, line, byte_offset, ends_open, text, is_json, {fields} from parsed
    ), looked_at as (
        select *, coalesce(has_offset(time_), false) as says_zone, epoch_of(time_) as epoch from read
    ), timed as (
        select *,
            coalesce({parse}, case when says_zone then try_cast(time_ as timestamptz) end, epoch) as instant,
            case when not says_zone and epoch is null then {local} end as local_time
        from looked_at
    ), judged as (
        select *, case
            when not is_json then if(ends_open, 'truncated', 'unparseable')
            when event_ is null then 'untyped'
            when message_ is null then 'no_id'
            when instant is null and local_time is null then 'no_time'
        end as rule
        from timed
    )
    select file_id, line, byte_offset, rule, instant, local_time, instant is null as needs_zone,
        case when rule is not null then keyed('line', $source, text) end as line_hash,
        case when epoch is not null then 'epoch' when instant is not null then 'offset' else 'site_zone' end as time_basis,
        precision_of(time_) as time_precision,
        md5(time_) as time_id,
        coalesce(plain(clock_), '') as clock,
        coalesce(plain(flow_), '') as flow,
        case event_ {keep} else if(
            list_has_all(getvariable('vocabulary'), list_filter(string_split_regex(lower(event_), '[^a-z0-9]+'), lambda w: w <> '')),
            plain(event_), '<redacted>') end as native_type,
        case event_ {known} else 'unknown' end as mapped_type,
        coalesce(plain(destination_), '') as destination,
        keyed('message', $source, {scope} || message_) as message,
        keyed('message', $source, {scope} || parent_) as parent,
        keyed('control', $source, control_id_) as correlation_key,
        nullif(regexp_extract(type_, '^([A-Z][A-Z0-9]{{2}})', 1), '') as msg_type,
        nullif(regexp_extract(type_, '^[A-Z][A-Z0-9]{{2}}[^A-Z0-9]([A-Z][A-Z0-9]{{2}})', 1), '') as msg_trigger,
        keyed('mrn', $mrn, mrn_) as mrn_key,
        keyed('mrn', $mrn, prior_mrn_) as prior_mrn_key,
        keyed('visit', $visit, visit_) as visit_key,
        keyed('placer', $placer, placer_) as placer_key,
        try_cast(attempt_ as integer) as attempt_no,
        case when upper(ack_) in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR') then upper(ack_) end as ack_code,
        shape_of(shape_) as msg_shape,
        keyed('user', $source, actor_) as actor_key,
        case when lower(role_) in ({roles}) then lower(role_) when role_ is not null then 'other' end as actor_role,
        md5(error_) || coalesce(destination_, '') as error_id,
        case when has_offset(sent_at_) then try_cast(sent_at_ as timestamptz) end as sent_instant,
        case when not coalesce(has_offset(sent_at_), false) then try_cast(sent_at_ as timestamp) end as sent_local,
        md5(record_id_) as record_id,
        case when record_id_ is null then md5(row({", ".join(f"{field}_" for field in _FIELDS)})::varchar) end as content_id
    from judged
    """


_ALL_PLACED = """
with instants as (
    select *, false as twice, false as in_gap,
        case when record_id is null then row_number() over (partition by file_id, content_id order by line) end as ordinal
    from log_record where rule is null
)"""

_PLACED_BY_ZONE = """
with placed as (
    select *, coalesce(falls_twice(local_time, $zone), false) and needs_zone as twice
    from log_record where rule is null
), ordered as (
    select *,
        -- A step back of the clock inside the doubled hour: from there on the file is in its second pass.
        sum(case when twice and before - local_time > interval 15 minute then 1 else 0 end)
            over (partition by file_id order by line rows unbounded preceding) as steps_back
    from (select *, lag(local_time) over (partition by file_id order by line) as before from placed)
), instants as (
    select * replace (coalesce(instant,
            case when not twice then timezone($zone, local_time)
                 when steps_back > 0 then greatest(timezone($zone, local_time), later(local_time, $zone))
                 else least(timezone($zone, local_time), earlier(local_time, $zone)) end) as instant),
        needs_zone and timezone($zone, timezone($zone, local_time)) <> local_time as in_gap,
        row_number() over (partition by file_id, content_id order by line) as ordinal
    from ordered
)"""

_STAGE_EVENTS = """
, typed as (
    select *, case
        when mapped_type = 'ack_sent' and ack_code in ('AE', 'AR', 'CE', 'CR') then 'nack_sent'
        when mapped_type = 'delivered' and ack_code in ('AE', 'AR', 'CE', 'CR') then 'nack_received'
        else mapped_type end as event_type
    from instants
)
select
    uid_of(concat_ws('|', 'log', $source, clock, message, destination, coalesce(native_type, mapped_type),
        if(record_id is null, content_id || '|' || ordinal::varchar, record_id || '|' || time_id))) as event_uid,
    $source as source,
    'event' as source_kind,
    native_type,
    instant as occurred_at,
    time_basis,
    time_precision,
    twice as time_ambiguous,
    $source || ':' || clock as clock_id,
    event_type,
    if(flow = '', $source, flow) as flow_id,
    if(flow = '', $source, flow) as flow_name,
    destination as node_id,
    nullif(destination, '') as node_name,
    if(destination = '', 'source', 'destination') as node_role,
    if(destination = '' or event_type = 'received', 'inbound', 'outbound') as direction,
    $source || ':' || message as message_uid,
    null::varchar as incarnation,
    $source || ':' || parent as parent_message_uid,
    $source || ':' || coalesce(parent, message) as root_message_uid,
    null::varchar as replay_of_uid,
    correlation_key,
    case when msg_type is not null then 'hl7v2' end as msg_standard,
    msg_type,
    msg_trigger,
    mrn_key,
    prior_mrn_key,
    visit_key,
    placer_key,
    attempt_no,
    true as attempts_exact,
    ack_code,
    case when ack_code is not null then if(starts_with(ack_code, 'C'), 'commit', 'application') end as ack_level,
    case when event_type in ('nack_received', 'nack_sent') and error_class is not null then 'nack' else error_class end as error_class,
    error_code,
    error_template,
    error_fingerprint,
    coalesce(sent_instant, timezone($zone, sent_local)) as sent_at,
    case when event_type = 'received' and destination = '' then msg_shape end as msg_shape,
    actor_key,
    actor_role,
    null::bigint as queue_depth,
    null::bigint as event_count,
    file_id,
    line,
    byte_offset,
    list_filter([
        if(in_gap, 'time_in_gap', null), if(event_type = 'unknown', 'unknown_event', null), if(twice, 'time_ambiguous', null)
    ], lambda f: f is not null) as quality_flags
from typed left join error_facts using (error_id)
"""


def stage_events(*, needs_zone: bool) -> str:
    """The statement that makes `event_staged` of `log_record`; `needs_zone` where some time has to be placed in a zone."""
    return (
        "create or replace temp table event_staged as"
        + (_PLACED_BY_ZONE if needs_zone else _ALL_PLACED)
        + _STAGE_EVENTS
    )


QUARANTINE = """
    insert into line_verdict by name
    select file_id, line, byte_offset, 'quarantined' as verdict, rule, line_hash from log_record where rule is not null
"""

MACROS = (
    *MACROS,
    """create or replace temp macro later(local_time, zone) as
            case when timezone(zone, timezone(zone, local_time) + interval 1 hour) = local_time
                then timezone(zone, local_time) + interval 1 hour else timezone(zone, local_time) end""",
    """create or replace temp macro earlier(local_time, zone) as
            case when timezone(zone, timezone(zone, local_time) - interval 1 hour) = local_time
                then timezone(zone, local_time) - interval 1 hour else timezone(zone, local_time) end""",
)
