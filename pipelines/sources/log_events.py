"""The SQL of a mapped log: records out of the fields that were read, events out of records.

Here: statements and macros only. Not here: fields and hashes (`log_fields`), times (`log_times`), who runs them
(`mapped_log`). Identifiers and error texts arrive as hashes; `error_facts` has what may be kept of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.log_mapping import NOTHING, Proof, TimeFormat
from pipelines.sources.log_fields import HASHED, READ, SHARED
from pipelines.sources.log_times import quoted, reading

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipelines.log_mapping import LogMapping

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
    # What a chunk's statements have in common; a view takes no parameters.
    *(
        f"create or replace temp macro log_{name}() as getvariable('log_{name}')::varchar"
        for name in ("source", "zone", "sent_zone")
    ),
)


def stage_records(mapping: LogMapping, present: Collection[str]) -> str:
    """The statement that makes `log_record` of `chunk`: of every record its fields, reduced, and the rule that keeps it out, if any.

    One row a record; of a snapshot one a record and proof. `present` are the columns of `chunk`: `log_fields.Said.records`.
    `instant` is set where the text says its offset; `local_time` where it does not.
    """
    listed = ", ".join(name if name in present else f"{absent} as {name}" for name, absent in _RECORD.items())
    proofs = mapping.proves if mapping.rows == "snapshots" else (Proof(time=""),)
    proof_times = "".join(f", proof_{i}_" for i in range(len(mapping.proves)))
    proven = "\nunion all\n".join(_proven(mapping, number, proof) for number, proof in enumerate(proofs))
    worst = "found"
    if mapping.rows == "snapshots":  # one spoiled time keeps out the record, and so does the lack of any
        worst = """coalesce(max(found) over (partition by file_id, byte_offset),
            if(count(time_) over (partition by file_id, byte_offset) = 0 and not is_ignored, 'no_time', null))"""
    roles = ", ".join(quoted(role) for role in _ROLES)
    keep = " ".join(f"when {quoted(word)} then {quoted(word)}" for word in mapping.events)
    native = f"case event_ {keep} else redacted_word(event_) end" if keep else "redacted_word(event_)"
    native = native if "event" in mapping.fields else "null::varchar"
    sent = reading("sent_at_", mapping.written("sent_at"), "sent_iso")
    return f"""
    create or replace temp table log_record as
    with record as (select file_id, line, byte_offset, ends_open, is_record, {listed}{proof_times} from chunk),
    proven as ({proven}), found as (
        select *, case
            when is_ignored then null
            when not is_record then if(ends_open, 'truncated', 'unparseable')
            when event_ is null and fixed_type is null then 'untyped'
            when message_key is null then 'no_id'
            when record_uid is null and {str(mapping.format == "cloudevents").lower()} then 'no_id'
            when instant is null and local_time is null and is_date_only(time_) then 'date_only'
            when instant is null and local_time is null and (time_ is not null or not is_proof) then 'no_time'
            when coalesce(instant, local_time::timestamptz)
                not between timestamptz '{EARLIEST} 00:00:00+00' and timestamptz '{LATEST} 00:00:00+00' then 'unset_time'
        end as found
        from proven
    ), judged as (
        select *, {worst} as rule, {sent.iso} as sent_iso from found
    )
    select file_id, line, byte_offset, rule, instant, local_time,
        rule is null and not is_ignored and (time_ is not null or not is_proof) and mapped_type <> '{NOTHING}' as is_event,
        case when instant is null then 'site_zone' when from_epoch then 'epoch' else 'offset' end as time_basis,
        time_precision,
        {_named("clock")} as clock,
        {_named("flow")} as flow,
        case when fixed_type is null then {native} end as native_type,
        mapped_type,
        is_proof,
        if(of_message, '', {_named("destination")}) as destination,
        message_key,
        parent_key,
        control_id_key,
        control_key,
        trace_key,
        nullif(regexp_extract(type_, '^([A-Z][A-Z0-9]{{2}})', 1), '') as msg_type,
        nullif(regexp_extract(type_, '^[A-Z][A-Z0-9]{{2}}[^A-Z0-9]([A-Z][A-Z0-9]{{2}})', 1), '') as msg_trigger,
        mrn_key,
        prior_mrn_key,
        visit_key,
        placer_key,
        filler_key,
        accession_key,
        is_unmapped,
        case when not of_message then try_cast(attempt_ as integer) end as attempt_no,
        case when fixed_type is null and upper(ack_) in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR') then upper(ack_) end as ack_code,
        shape_of(shape_) as msg_shape,
        actor_key,
        case when lower(role_) in ({roles}) then lower(role_) when role_ is not null then 'other' end as actor_role,
        case when try_cast(size_ as bigint) >= 0 then try_cast(size_ as bigint) end as size_bytes,
        case when fixed_type is null then error_id end as error_id,
        {sent.instant} as sent_instant,
        {sent.local} as sent_local,
        sent_at_ is not null as is_sent_at_given,
        record_uid,
        content_id
    from judged
    """


def _named(field: str) -> str:
    """The SQL of a field that names part of the engine: empty where it says nothing."""
    return (
        f"case when {field}_ is null then '' else named('{field}', {field}_, keyed('node', log_source(), {field}_)) end"
    )


_RECORD = {
    "is_ignored": "false",
    "is_unmapped": "false",
    **dict.fromkeys((f"{name}_" for name in READ), "null::varchar"),
    **dict.fromkeys((f"{name}_key" for name in HASHED), "null::varchar"),
    **dict.fromkeys(SHARED, "null::varchar"),
    **dict.fromkeys(("error_id", "record_uid", "content_id"), "null::varchar"),
}
"""The columns of a record, with what stands for each that the mapping does not fill."""


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
        instant = "coalesce(instant, timezone(log_zone(), local_time))" if needs_zone else "instant"
        return f"""
with instants as (
    select log_record.* replace ({instant} as instant), log_record.rowid as place, false as twice, false as in_gap, {ordinal} as ordinal
    from log_record {before} where is_event
)"""
    return f"""
with placed as (
    select *, rowid as place, instant is null and falls_twice(local_time, log_zone()) as twice
    from log_record where is_event
), ordered as (
    select *,
        -- A step back of the clock inside the doubled hour: from there on the file is in its second pass.
        sum(case when twice and before - local_time > interval 15 minute then 1 else 0 end)
            over (partition by file_id order by line rows unbounded preceding) as steps_back
    from (select *, lag(local_time) over (partition by file_id order by line) as before from placed)
), instants as (
    select * replace (coalesce(instant,
            case when not twice then timezone(log_zone(), local_time)
                 when steps_back > 0 then greatest(timezone(log_zone(), local_time), later(local_time, log_zone()))
                 else least(timezone(log_zone(), local_time), earlier(local_time, log_zone())) end) as instant),
        instant is null and timezone(log_zone(), timezone(log_zone(), local_time)) <> local_time as in_gap,
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
    place,
    {identity} as event_uid,
    log_source() as source,
    '{source_kind}' as source_kind,
    native_type,
    instant as occurred_at,
    if(time_basis = 'site_zone' and log_zone() in ('UTC', 'Etc/UTC'), 'utc', time_basis) as time_basis,
    time_precision,
    twice as time_ambiguous,
    log_source() || ':' || clock as clock_id,
    event_type,
    if(flow = '', log_source(), flow) as flow_id,
    if(flow = '', log_source(), flow) as flow_name,
    destination as node_id,
    nullif(destination, '') as node_name,
    if(destination = '', 'source', 'destination') as node_role,
    if(destination = '' or event_type = 'received', 'inbound', 'outbound') as direction,
    log_source() || ':' || message_key as message_uid,
    null::varchar as incarnation,
    log_source() || ':' || parent_key as parent_message_uid,
    log_source() || ':' || coalesce(parent_key, message_key) as root_message_uid,
    null::varchar as replay_of_uid,
    control_id_key as correlation_key,
    control_key,
    trace_key,
    case when msg_type is not null then 'hl7v2' end as msg_standard,
    msg_type,
    msg_trigger,
    mrn_key,
    prior_mrn_key,
    visit_key,
    coalesce(placer_key, filler_key) as placer_key,
    filler_key,
    accession_key,
    attempt_no,
    not is_proof or coalesce(attempt_no, 1) <= 1 as attempts_exact,
    ack_code,
    case when ack_code is not null then if(starts_with(ack_code, 'C'), 'commit', 'application') end as ack_level,
    case when event_type in ('nack_received', 'nack_sent') and error_class is not null then 'nack' else error_class end as error_class,
    error_code,
    error_template,
    error_fingerprint,
    coalesce(sent_instant, timezone(log_sent_zone(), sent_local)) as sent_at,
    case when event_type = 'received' and destination = '' then msg_shape end as msg_shape,
    actor_key,
    actor_role,
    size_bytes,
    file_id,
    line,
    byte_offset,
    case
        when not (in_gap or twice or is_unmapped or event_type = 'unknown' or (is_sent_at_given and sent_at is null)) then []
        else list_filter([
            if(in_gap, 'time_in_gap', null), if(event_type = 'unknown', 'unknown_event', null), if(twice, 'time_ambiguous', null),
            if(is_unmapped, 'unmapped_assigner', null),
            if(is_sent_at_given and sent_at is null, 'sent_at_unreadable', null)
        ], lambda f: f is not null)
    end as quality_flags
from typed left join error_facts using (error_id)
"""

_IDENTITY = {
    # A snapshot proves an event by its time and the number of attempts until then.
    "snapshots": """uid_of(concat_ws('|', 'snapshot', log_source(), clock, message_key, destination, event_type,
        coalesce(native_type, ''), epoch_ms(instant)::varchar, coalesce(attempt_no, 0)::varchar))""",
    "events": "record_uid",
    "ordinals": "coalesce(record_uid, uid_of(concat_ws('|', 'log', log_source(), content_id, ordinal)))",
}


def stage_events(mapping: LogMapping, *, needs_zone: bool, on_a_night: bool, needs_ordinal: bool) -> tuple[str, str]:
    """What makes events of `log_record`, and its name: a view, or a table where rows are told by those around them.

    `needs_zone` where some time has to be placed in a zone, `on_a_night` where its clocks change meanwhile,
    `needs_ordinal` where a record has no id of its own.
    """
    kind = "snapshots" if mapping.rows == "snapshots" else "ordinals" if needs_ordinal else "events"
    source_kind = mapping.rows.removesuffix("s")
    rest = _STAGE_EVENTS.format(identity=_IDENTITY[kind], source_kind=source_kind)
    placed = _placed(needs_zone=needs_zone, on_a_night=on_a_night, needs_ordinal=needs_ordinal)
    made, name = ("table", "log_event_placed") if on_a_night or needs_ordinal else ("view", "log_event")
    return f"create or replace temp {made} {name} as {placed}{rest}", name


def verdicts(mapping: LogMapping) -> str:
    """The statement that accounts for records which bring no event. What is kept out is told by the hash of its `text` in `chunk_text`."""
    return f"""
        insert into line_verdict by name
        with silent as (select * from {_records(mapping)} where not is_event)
        select file_id, line, byte_offset, 'ignored' as verdict, rule, null::varchar as line_hash from silent where rule is null
        union all
        select file_id, silent.line, byte_offset, 'quarantined', rule, keyed('line', log_source(), text)
        from silent join chunk_text using (file_id, byte_offset) where rule is not null
        """


def readable(mapping: LogMapping) -> str:
    """The statement that lists the records which bring events as `record_staged`."""
    return f"""
        create or replace temp table record_staged as
        select file_id, line, byte_offset from {_records(mapping)} where is_event
        """


def _records(mapping: LogMapping) -> str:
    """`log_record`, one row a record."""
    if mapping.rows == "events":
        return "log_record"
    return """(
        select file_id, line, byte_offset, bool_or(is_event) as is_event, any_value(rule) as rule from log_record group by all)"""


SEEN = "create or replace temp table log_seen (file_id integer, content_id varchar, n bigint)"
REMEMBER = """
    insert into log_seen
    select file_id, content_id, count(*) from log_record
    where content_id is not null and is_event and file_id = (select max(file_id) from log_record) group by all
"""
"""How often each record without an id came so far in the file that may go on in the next chunk."""
