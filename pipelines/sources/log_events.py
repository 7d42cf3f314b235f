"""The SQL of a mapped log: records out of the fields that were read, events out of records.

Here: statements and macros only. Not here: reading fields (`log_records`), times (`log_times`), who runs them
(`mapped_log`). Identifiers are hashed in the statement that reads them; an error text leaves it as its hash, which
`error_facts` turns into what may be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.log_mapping import NOTHING, Proof, TimeFormat
from pipelines.sources.log_times import quoted, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.log_mapping import LogMapping
    from pipelines.settings import Numbered

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
_LATER_FIELDS = ("shape", "actor", "role", "prior_mrn", "size")
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
EARLIEST, LATEST = "1971-01-01", "9000-01-01"
"""A time before the one is a clock that was never set; one after the other says never. Neither is when something happened."""

MACROS = (
    "create or replace temp macro plain(x) as case when regexp_full_match(x, '[A-Za-z0-9][A-Za-z0-9 ._:/#-]{0,79}') then x end",
    # A word that nobody mapped, where it is made of harmless words.
    """create or replace temp macro redacted_word(x) as if(
        list_has_all(getvariable('vocabulary'), list_filter(string_split_regex(lower(x), '[^a-z0-9]+'), lambda w: w <> '')),
        plain(x), '<redacted>')""",
)


def stage_records(mapping: LogMapping, record: str, assigners: Mapping[Numbered, Mapping[str, str]]) -> str:
    """The statement that makes `log_record`: of every line its fields, hashed or reduced, and the rule that keeps it out, if any.

    One row a line; of a snapshot one a line and proof. `record` is what `log_records` says of the lines' fields.
    A value that is not there is not hashed: asking for the hash of nothing costs a tenth of a second a million records each.
    `instant` is set where the text says its offset; `local_time` where it does not. `assigners`: of each kind of number, what
    the names of those who give it out stand for.
    """

    def assigned(kind: Numbered) -> str:
        if f"{kind}_assigner" not in mapping.fields:
            return f"${kind}"
        known = " ".join(
            f"when {quoted(name)} then {quoted(system)}" for name, system in assigners.get(kind, {}).items()
        )
        named = (
            f"case {kind}_assigner_ {known} else $source || '/' || {kind}_assigner_ end"
            if known
            else f"$source || '/' || {kind}_assigner_"
        )
        return f"coalesce({named}, ${kind})"

    kinds: tuple[Numbered, ...] = ("mrn", "visit", "placer")
    unmapped = [
        f"({kind}_ is not null and {kind}_assigner_ is not null"
        + (
            f" and {kind}_assigner_ not in ({', '.join(map(quoted, names))}))"
            if (names := assigners.get(kind, {}))
            else ")"
        )
        for kind in kinds
        if f"{kind}_assigner" in mapping.fields
    ]
    proofs = mapping.proves if mapping.rows == "snapshots" else (Proof(time=""),)
    proven = "\nunion all\n".join(_proven(mapping, number, proof) for number, proof in enumerate(proofs))
    worst = "found"
    if mapping.rows == "snapshots":  # one spoiled time keeps out the record, and so does the lack of any
        worst = """coalesce(max(found) over (partition by file_id, byte_offset),
            if(count(time_) over (partition by file_id, byte_offset) = 0 and not is_ignored, 'no_time', null))"""
    roles = ", ".join(quoted(role) for role in _ROLES)
    keep = " ".join(f"when {quoted(word)} then {quoted(word)}" for word in mapping.events)
    native = f"case event_ {keep} else redacted_word(event_) end" if keep else "redacted_word(event_)"
    native = native if "event" in mapping.fields else "null::varchar"
    scope = "coalesce(plain(flow_), '') || ':'" if mapping.message_scope == "flow" else "''"
    sent = reading("sent_at_", mapping.written("sent_at"), "sent_iso")
    whole = ", ".join(f"{field}_" for field in _FIELDS)
    return f"""
    create or replace temp table log_record as
    with record as ({record}), proven as ({proven}), found as (
        select *, case
            when is_ignored then null
            when not is_record then if(ends_open, 'truncated', 'unparseable')
            when event_ is null and fixed_type is null then 'untyped'
            when message_ is null then 'no_id'
            when record_id_ is null and {str(mapping.format == "cloudevents").lower()} then 'no_id'
            when instant is null and local_time is null and is_date_only(time_) then 'date_only'
            when instant is null and local_time is null and (time_ is not null or not is_proof) then 'no_time'
            when coalesce(instant, local_time::timestamptz)
                not between timestamptz '{EARLIEST} 00:00:00+00' and timestamptz '{LATEST} 00:00:00+00' then 'unset_time'
        end as found
        from proven
    ), judged as (
        select *, {worst} as rule, {sent.iso} as sent_iso from found
    )
    select file_id, line, byte_offset, is_ignored, rule, instant, local_time, fixed_type,
        rule is null and not is_ignored and (time_ is not null or not is_proof) and mapped_type <> '{NOTHING}' as is_event,
        case when rule is not null then keyed('line', $source, text) end as line_hash,
        case when instant is null then 'site_zone' when from_epoch then 'epoch' else 'offset' end as time_basis,
        time_precision,
        md5(time_) as time_id,
        coalesce(plain(clock_), '') as clock,
        coalesce(plain(flow_), '') as flow,
        case when fixed_type is null then {native} end as native_type,
        mapped_type,
        is_proof,
        if(of_message, '', coalesce(plain(destination_), '')) as destination,
        keyed('message', $source, {scope} || message_) as message,
        case when parent_ is not null then keyed('message', $source, {scope} || parent_) end as parent,
        case when control_id_ is not null then keyed('control', $source, control_id_) end as correlation_key,
        nullif(regexp_extract(type_, '^([A-Z][A-Z0-9]{{2}})', 1), '') as msg_type,
        nullif(regexp_extract(type_, '^[A-Z][A-Z0-9]{{2}}[^A-Z0-9]([A-Z][A-Z0-9]{{2}})', 1), '') as msg_trigger,
        case when mrn_ is not null then keyed('mrn', {assigned("mrn")}, mrn_) end as mrn_key,
        case when prior_mrn_ is not null then keyed('mrn', {assigned("mrn")}, prior_mrn_) end as prior_mrn_key,
        case when visit_ is not null then keyed('visit', {assigned("visit")}, visit_) end as visit_key,
        case when placer_ is not null then keyed('placer', {assigned("placer")}, placer_) end as placer_key,
        {" or ".join(unmapped) or "false"} as is_unmapped,
        case when not of_message then try_cast(attempt_ as integer) end as attempt_no,
        case when fixed_type is null and upper(ack_) in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR') then upper(ack_) end as ack_code,
        shape_of(shape_) as msg_shape,
        case when actor_ is not null then keyed('user', $source, actor_) end as actor_key,
        case when lower(role_) in ({roles}) then lower(role_) when role_ is not null then 'other' end as actor_role,
        case when try_cast(size_ as bigint) >= 0 then try_cast(size_ as bigint) end as size_bytes,
        case when fixed_type is null then md5(error_ || '|' || coalesce(destination_, '')) end as error_id,
        {sent.instant} as sent_instant,
        {sent.local} as sent_local,
        sent_at_ is not null as is_sent_at_given,
        md5(record_id_) as record_id,
        case when record_id_ is null then md5(row({whole})::varchar) end as content_id
    from judged
    """


def _proven(mapping: LogMapping, number: int, proof: Proof) -> str:
    """The records with the one time of theirs that is looked at, and what happened then."""
    is_proof = bool(proof.time)
    text = f"proof_{number}_" if is_proof else "time_"
    written = mapping.written("time")
    if proof.format is not None:
        written = TimeFormat(format=proof.format, zone=written.zone, fraction=written.fraction)
    found = reading(text, written)
    known = " ".join(f"when {quoted(word)} then {quoted(event)}" for word, event in mapping.events.items())
    constant = mapping.constants.get("event")
    fixed = proof.event or (constant if "event" not in mapping.fields else None)
    mapped = quoted(fixed) if fixed else f"case event_ {known} else 'unknown' end" if known else "'unknown'"
    time = f"{text} as time_" if is_proof else "time_"
    return f"""
        select * exclude (time_, iso), {time}, {str(is_proof).lower()} as is_proof,
            {str(is_proof and proof.node == "message").lower()} as of_message,
            {quoted(proof.event) if proof.event else "null::varchar"} as fixed_type,
            {mapped} as mapped_type,
            {found.instant} as instant, {found.local} as local_time,
            {found.precision} as time_precision, {found.from_epoch} as from_epoch
        from (select *, {found.iso} as iso from record)"""


def _placed(*, needs_zone: bool, on_a_night: bool, needs_ordinal: bool) -> str:
    """The events of `log_record` at their instants: `instants`."""
    ordinal = (
        "coalesce(seen.n, 0) + row_number() over (partition by file_id, content_id order by line)"
        if needs_ordinal
        else "null::bigint"
    )
    before = (
        "left join (select file_id, content_id, sum(n) as n from log_seen group by all) as seen using (file_id, content_id)"
        if needs_ordinal
        else ""
    )
    if not on_a_night:
        instant = "coalesce(instant, timezone($zone, local_time))" if needs_zone else "instant"
        return f"""
with instants as (
    select * replace ({instant} as instant), false as twice, false as in_gap, {ordinal} as ordinal
    from log_record {before} where is_event
)"""
    return f"""
with placed as (
    select *, instant is null and coalesce(falls_twice(local_time, $zone), false) as twice
    from log_record where is_event
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
        instant is null and timezone($zone, timezone($zone, local_time)) <> local_time as in_gap,
        {ordinal} as ordinal
    from ordered {before}
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
    uid_of({identity}) as event_uid,
    $source as source,
    '{source_kind}' as source_kind,
    native_type,
    instant as occurred_at,
    if(time_basis = 'site_zone' and $zone in ('UTC', 'Etc/UTC'), 'utc', time_basis) as time_basis,
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
    not is_proof or coalesce(attempt_no, 1) <= 1 as attempts_exact,
    ack_code,
    case when ack_code is not null then if(starts_with(ack_code, 'C'), 'commit', 'application') end as ack_level,
    case when event_type in ('nack_received', 'nack_sent') and error_class is not null then 'nack' else error_class end as error_class,
    error_code,
    error_template,
    error_fingerprint,
    coalesce(sent_instant, timezone($sent_zone, sent_local)) as sent_at,
    case when event_type = 'received' and destination = '' then msg_shape end as msg_shape,
    actor_key,
    actor_role,
    size_bytes,
    file_id,
    line,
    byte_offset,
    list_filter([
        if(in_gap, 'time_in_gap', null), if(event_type = 'unknown', 'unknown_event', null), if(twice, 'time_ambiguous', null),
        if(is_unmapped, 'unmapped_assigner', null),
        if(is_sent_at_given and sent_instant is null and (sent_local is null or $sent_zone is null), 'sent_at_unreadable', null)
    ], lambda f: f is not null) as quality_flags
from typed left join error_facts using (error_id)
"""

_IDENTITY = {
    # A CloudEvent is its source and id, whatever else a second delivery says.
    "cloudevents": "concat_ws('|', 'cloudevent', $source, record_id)",
    # A snapshot proves an event by its time and the number of attempts until then.
    "snapshots": """concat_ws('|', 'snapshot', $source, clock, message, destination, event_type, coalesce(native_type, ''),
        epoch_ms(instant)::varchar, coalesce(attempt_no, 0)::varchar)""",
    "events": """concat_ws('|', 'log', $source, clock, message, destination, coalesce(native_type, mapped_type),
        if(record_id is null, content_id || '|' || ordinal::varchar, record_id || '|' || time_id))""",
}


def stage_events(mapping: LogMapping, *, needs_zone: bool, on_a_night: bool, needs_ordinal: bool) -> str:
    """The statement that makes `event_staged` of `log_record`.

    `needs_zone` where some time has to be placed in a zone, `on_a_night` where its clocks change meanwhile,
    `needs_ordinal` where a record has no id of its own.
    """
    kind = mapping.rows if mapping.rows == "snapshots" or mapping.format != "cloudevents" else mapping.format
    rest = _STAGE_EVENTS.format(identity=_IDENTITY[kind], source_kind=mapping.rows.removesuffix("s"))
    placed = _placed(needs_zone=needs_zone, on_a_night=on_a_night, needs_ordinal=needs_ordinal and kind == "events")
    return f"create or replace temp table event_staged as {placed}{rest}"


def verdicts(mapping: LogMapping) -> tuple[str, str]:
    """The statements that account for records which bring no event, and that list the others as `record_staged`."""
    of_records = "log_record"
    if mapping.rows == "snapshots":
        of_records = """(
            select file_id, line, byte_offset, bool_or(is_event) as is_event, any_value(rule) as rule, any_value(line_hash) as line_hash
            from log_record group by all)"""
    return (
        f"""
        insert into line_verdict by name
        select file_id, line, byte_offset, if(rule is null, 'ignored', 'quarantined') as verdict, rule, line_hash
        from {of_records} where not is_event
        """,
        f"""
        create or replace temp table record_staged as
        select file_id, line, byte_offset from {of_records} where is_event
        """,
    )


SEEN = "create or replace temp table log_seen (file_id integer, content_id varchar, n bigint)"
REMEMBER = """
    insert into log_seen
    select file_id, content_id, count(*) from log_record
    where content_id is not null and is_event and file_id = (select max(file_id) from log_record) group by all
"""
"""How often each record without an id came so far in the file that may go on in the next chunk."""
