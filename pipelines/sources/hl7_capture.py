"""HL7 v2 messages with their acknowledgements, from files and MLLP captures, the envelope only.

Here: which files are captures, the order of work, and the events that a message and an acknowledgement prove. Not here: finding
messages (`hl7_messages`), their fields (`hl7_columns`). A link from one application to another is a flow whose one destination is the
receiver: a message is an attempt to deliver it, an acknowledgement the outcome. Which message an acknowledgement answers is told by
its control id only, and its message may lie in another file: `staging.acknowledgement` finds it.

What it cannot know: what happened inside an engine; attempts that were repeated unchanged, where nothing says when each was captured;
whether the sender will try again after a refusal; whose clock ran wrong, where only MSH-7 tells the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records, hl7_columns, hl7_keys, log_times
from pipelines.sources.error_text import reduce_error
from pipelines.sources.events import COLUMNS
from pipelines.sources.hl7_messages import START, messages
from pipelines.sources.reading_ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_LOOKED_AT = 4096
_REFUSALS = {"AE": "Error", "CE": "Error", "AR": "Rejected", "CR": "Rejected"}


class Hl7Capture:
    """HL7 v2 messages and acknowledgements."""

    kind = "hl7"
    suffixes = (".hl7", ".mllp", ".er7")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """A message or a batch begins at the start of a line or of a frame, near the file's beginning."""
        return START.search(head.start[:_LOOKED_AT]) is not None

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All captures of a source load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a block of messages."""
        source = files[0].source
        engine_records.prepare(session, source)
        facts = _refusals()
        for envelope in _envelopes(session, source, files):
            with lent(session.db, envelope=envelope), planning.briefly(session.db, len(envelope)):
                for statement in (LINKS, RECORDS):
                    session.db.execute(statement, {"source": source.name})
            zone = engine_records.zone_for(session, source, files, _ZONELESS)
            with lent(session.db, error_facts=facts), planning.briefly(session.db, len(envelope)):
                statement = EVENTS_ON_A_NIGHT if _is_on_a_night(session, zone) else EVENTS
                session.db.execute(statement, {"source": source.name, "zone": zone})
            session.db.execute(_FINDINGS)
            engine_records.close_chunk(session)


def _envelopes(session: Session, source: SourceSettings, files: Sequence[Intake]) -> Iterator[pa.Table]:
    """The envelopes of each block of messages, while those of the next one are being read: NumPy, Arrow and Polars let Python go on.

    What is noted in the session meanwhile is flushed while nobody reads.
    """
    blocks = (hl7_columns.columns(found, source) for found in messages(session, files))
    return ahead((hl7_keys.hashed(block, source, session.key) for block in blocks), session.flush)


def _is_on_a_night(session: Session, zone: str | None) -> bool:
    """Whether the clocks of the zone may change about some local time of the block: seldom, and telling it costs a third more."""
    ((first, last),) = session.db.execute(
        """
        select least(min(local_time), min(sent_local)), greatest(max(local_time), max(sent_local))
        from engine_record where rule is null
        """
    ).fetchall()
    return zone is not None and first is not None and log_times.clock_changes(zone, first, last)


def _refusals() -> pa.Table:
    """What may be kept of a refusal, by acknowledgement code."""
    facts = {code: reduce_error(f"NACK sent from receiver. ({word})") for code, word in _REFUSALS.items()}
    rows = [(code, each.error_class, each.template, each.fingerprint) for code, each in facts.items()]
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=["refusal", "error_class", "error_template", "error_fingerprint"])


LINKS = """
create or replace temp table hl7_link as
with link as (
    select link, any_value(parties) as parties from envelope group by link
), part as (
    select link, place, nullif(trim(split_part(split_part(parties, '|', place), '^', 1)), '') as x
    from (select *, unnest([1, 2, 3, 4]) as place from link)
), told as (
    select link, place, named(if(place % 2 = 1, 'application', 'facility'), x, keyed('node', $source, x)) as name
    from part where x is not null
)
select
    link,
    coalesce(string_agg(name, '/' order by place) filter (where place <= 2), '-') as sender,
    coalesce(string_agg(name, '/' order by place) filter (where place > 2), '-') as receiver
from link left join told using (link) group by link
"""
"""Of each distinct MSH-3 to MSH-6 (`link` is its number in the block), what sender and receiver are called: application and facility."""

_CAPTURED = r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?)"


def _is_set(instant: str, local: str) -> str:
    """Whether a time is that of a clock that was set."""
    return f"coalesce({instant} >= timestamptz '1971-01-01 00:00:00+00', {local} >= timestamp '1971-01-01 00:00:00')"


RECORDS = f"""
create or replace temp table engine_record as
with written as (
    select *,
        replace(split_part(sent, '^', 1), ' ', '') as sent_text,
        case when capture is not null then iso_of(regexp_extract(capture, '{_CAPTURED}', 1)) end as capture_iso
    from envelope
), read as (
    select *,
        case when length(sent_text) <> 14 or ends_with(sent_text, '60') then iso_of(sent_text) end as sent_iso,
        case when length(sent_text) = 14 then try_strptime(sent_text, '%Y%m%d%H%M%S') end as sent_seconds
    from written
), timed as (
    select * exclude (sent_iso, capture_iso),
        iso_instant(capture_iso) as capture_at,
        iso_local(capture_iso) as capture_local,
        case when sent_iso is not null then iso_instant(sent_iso) end as sent_at,
        coalesce(sent_seconds, case when sent_iso is not null then iso_local(sent_iso) end) as sent_local,
        capture_iso is not null as is_captured,
        case when capture_iso is not null then iso_precision(capture_iso) when sent_iso is null then 's'
            when regexp_matches(sent_text, '^\\d{{12}}([^\\d.]|$)') then 'min' else iso_precision(sent_iso) end as time_precision
    from read
), judged as (
    select *,
        coalesce(split_part(processing, '^', 1) <> 'P', false) as is_test,
        coalesce({_is_set("sent_at", "sent_local")}
            and coalesce(sent_at < timestamptz '9000-01-01 00:00:00+00', sent_local < timestamp '9000-01-01 00:00:00'), false) as is_sent,
        case
            when not is_readable then 'not_utf8'
            when coalesce(if(is_captured, {_is_set("capture_at", "capture_local")}, {_is_set("sent_at", "sent_local")}), false)
                then null
            when is_date_only(sent_text) then 'date_only'
            when sent_at is not null or sent_local is not null then 'unset_time'
            else 'no_time'
        end as rule
    from timed
)
select
    file_id, line, byte_offset, rule, is_test as is_ignored, is_answer, is_captured, time_precision,
    if(is_captured, capture_at, sent_at) as instant,
    if(is_captured, capture_local, sent_local) as local_time,
    case when is_captured and is_sent then sent_at end as sent_at,
    case when is_captured and is_sent then sent_local end as sent_local,
    is_captured and not is_sent as is_sent_unreadable,
    case when rule is not null then keyed('line', $source, concat_ws('|', parties, sent, control_id)) end as line_hash,
    link, type, trigger, shape,
    case when ack in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR') then ack end as ack,
    case when regexp_full_match(split_part(error, '^', 1), '\\d{{1,3}}') then split_part(error, '^', 1) end as error_code,
    message, batch, correlation_key, control_key, mrn_key, prior_mrn_key, visit_key, placer_key, filler_key, accession_key, is_unmapped
from judged
"""

_ZONELESS = """
    select file_id, line from engine_record
    where rule is null and not is_ignored and (local_time is not null or (sent_local is not null and instant is null))
"""

_FINDINGS = """
    insert into file_finding by name
    select file_id, 'test_traffic' as rule, count(*) as n from engine_record where rule is null and is_ignored group by all
"""


def _ctes(*, on_a_night: bool) -> str:
    """Events of records: each with its instant, and whether its local time comes twice or never."""

    def placed(local: str) -> str:
        return f"placed({local}, $zone)" if on_a_night else f"timezone($zone, {local})"

    return f"""
with record as (
    select engine_record.*, sender, receiver,
        coalesce(instant, {placed("local_time")}) as occurred_at,
        $source || ':' || message as message_uid,
        if(is_answer, receiver || ' > ' || sender, sender || ' > ' || receiver) as flow,
        coalesce(sent_at, {placed("sent_local")}) as sender_time,
        {"falls_twice(local_time, $zone)" if on_a_night else "false"} as twice,
        {"is_skipped(local_time, $zone)" if on_a_night else "false"} as skipped
    from engine_record join hl7_link using (link)
    where rule is null and not is_ignored
), told as (
    select *, unnest(case
        when not is_answer then ['received', 'attempt_started']
        when ack is null then ['unknown']
        when ack in ('AA', 'CA') then ['delivered']
        else ['nack_received', 'failed'] end) as e
    from record
), known as (
    select *, e = 'received' as is_source, e in ('nack_received', 'failed') as is_bad from told
)
"""


_COLUMNS = {
    "event_uid": "uid_of(concat_ws('|', 'hl7', message_uid, e, epoch_us(occurred_at)))",
    "source": "$source",
    "source_kind": "'event'",
    "native_type": "case when e = 'unknown' then '<redacted>' end",
    "occurred_at": "occurred_at",
    "time_basis": "if(instant is not null, 'offset', 'site_zone')",
    "time_precision": "time_precision",
    "time_ambiguous": "twice",
    "clock_id": "$source || ':' || if(is_captured, 'capture', sender)",
    "event_type": "e",
    "flow_id": "flow",
    "flow_name": "flow",
    "node_id": "if(is_source, '', 'receiver')",
    "node_name": "case when not is_source then if(is_answer, sender, receiver) end",
    "node_role": "if(is_source, 'source', 'destination')",
    "direction": "if(is_source, 'inbound', 'outbound')",
    "message_uid": "case when not is_answer then message_uid end",
    "parent_message_uid": "case when not is_answer then $source || ':' || batch end",
    "root_message_uid": "case when not is_answer then message_uid end",
    "correlation_key": "correlation_key",
    "control_key": "case when is_source then control_key end",
    "msg_standard": "'hl7v2'",
    "msg_type": "case when not is_answer then type end",
    "msg_trigger": "case when not is_answer then trigger end",
    "mrn_key": "case when not is_answer then mrn_key end",
    "prior_mrn_key": "case when not is_answer then prior_mrn_key end",
    "visit_key": "case when not is_answer then visit_key end",
    "placer_key": "case when not is_answer then placer_key end",
    "filler_key": "case when is_source then filler_key end",
    "accession_key": "case when is_source then accession_key end",
    "attempts_exact": "case when not is_source then is_captured end",
    "ack_code": "ack",
    "ack_level": "case when ack is not null then if(starts_with(ack, 'C'), 'commit', 'application') end",
    "error_class": "case when is_bad then error_facts.error_class end",
    "error_code": "case when is_bad then coalesce(error_code, ack) end",
    "error_template": "case when is_bad then error_facts.error_template end",
    "error_fingerprint": "case when is_bad then error_facts.error_fingerprint end",
    "sent_at": "case when is_source then sender_time end",
    "msg_shape": "case when is_source then shape end",
    "file_id": "file_id",
    "line": "line",
    "quality_flags": """list_concat(if(is_captured, [], ['time_of_sender']), case
        when correlation_key is not null and not is_unmapped and not is_sent_unreadable and e <> 'unknown' and not skipped and not twice
            then []
        else list_filter([
            if(correlation_key is null, 'no_control_id', null), if(is_unmapped and is_source, 'unmapped_assigner', null),
            if(e = 'unknown', 'unknown_status', null), if(is_source and is_sent_unreadable, 'sent_at_unreadable', null),
            if(skipped, 'time_in_gap', null), if(twice, 'time_ambiguous', null)], lambda f: f is not null) end)""",
}
_FROM = "known left join error_facts on error_facts.refusal = known.ack"
EVENTS, EVENTS_ON_A_NIGHT = (
    engine_records.staging(_ctes(on_a_night=on_a_night), _COLUMNS, _FROM) for on_a_night in (False, True)
)
