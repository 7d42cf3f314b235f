"""The events that Mirth's rows prove: one message's mutable rows exploded into what happened, each event with its own time.

Here: the rules of explosion and the identity of each event, whatever road the rows came by. Not here: XML (`mirth_rows`),
extracts of the tables (`mirth_extract`). A later export of the same row proves more events and repeats none: an event's identity
is made only of facts that the row will still show then, and that every road shows alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from pipelines import keys, planning, shared_ids
from pipelines.lending import lent
from pipelines.sources.events import insert_events

if TYPE_CHECKING:
    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Session

_ID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9]{1,5}"
MACROS = (
    # An id of a channel or server, and of a message, as Mirth makes them; any other hashed.
    f"""create or replace temp macro mirth_id(source, x) as
            case when x is null or regexp_full_match(x, '{_ID}') then x else keyed('node', source, x) end""",
    f"""create or replace temp macro mirth_uid(source, x) as
            case when x is null or regexp_full_match(x, '(?:{_ID}):[0-9]{{1,19}}') then x else keyed('message', source, x) end""",
)
STATUSES = frozenset({"RECEIVED", "FILTERED", "TRANSFORMED", "SENT", "QUEUED", "ERROR", "PENDING"})

_MESSAGE = (
    ("message_no", pa.int64()),
    ("file_id", pa.int32()),
    ("line", pa.int64()),
    ("byte_offset", pa.int64()),
    ("channel_id", pa.string()),
    ("message_id", pa.string()),
    ("incarnation_ms", pa.int64()),
    ("received_ms", pa.int64()),
    ("parent_message_uid", pa.string()),
    ("root_message_uid", pa.string()),
    ("replay_of_uid", pa.string()),
    ("is_import", pa.bool_()),
    ("channel_name", pa.string()),
    ("control_id", pa.string()),
    ("application", pa.string()),
    ("facility", pa.string()),
    ("msg_type", pa.string()),
    ("msg_trigger", pa.string()),
    ("mrn", pa.string()),
    ("mrn_authority", pa.string()),
    ("prior_mrn", pa.string()),
    ("prior_mrn_authority", pa.string()),
    ("visit", pa.string()),
    ("visit_authority", pa.string()),
    ("placer", pa.string()),
    ("placer_authority", pa.string()),
    ("filler", pa.string()),
    ("filler_authority", pa.string()),
    ("accession", pa.string()),
    ("accession_authority", pa.string()),
    ("sent", pa.string()),
    ("shape", pa.string()),
    ("flags", pa.list_(pa.string())),
)
_CONNECTOR = (
    ("message_no", pa.int64()),
    ("node", pa.int32()),
    ("node_name", pa.string()),
    ("flow_name", pa.string()),
    ("server_id", pa.string()),
    ("received_ms", pa.int64()),
    ("status", pa.string()),
    ("attempts", pa.int32()),
    ("send_ms", pa.int64()),
    ("response_ms", pa.int64()),
    ("ack_code", pa.string()),
    ("error_class", pa.string()),
    ("error_code", pa.string()),
    ("error_template", pa.string()),
    ("is_nack", pa.bool_()),
    ("error_bits", pa.int32()),
)
_NUMBERS = {
    "mrn": "mrn",
    "prior_mrn": "mrn",
    "visit": "visit",
    "placer": "placer",
    "filler": "filler",
    "accession": "accession",
}
"""The kind that each number of a message is hashed as."""


@dataclass
class Rows:
    """Messages and their connectors, gathered for one explosion. Identifiers are as written: they exist in memory only."""

    messages: list[tuple[Any, ...]] = field(default_factory=list)
    connectors: list[tuple[Any, ...]] = field(default_factory=list)


def _table(rows: list[tuple[Any, ...]], form: tuple[tuple[str, pa.DataType], ...]) -> pa.Table:
    arrays = [pa.array(column, kind) for column, (_, kind) in zip(zip(*rows, strict=True), form, strict=True)]
    return pa.table(arrays, names=[name for name, _ in form])


def _hashed(messages: pa.Table, source: SourceSettings, key: bytes) -> pa.Table:
    """The messages with keyed hashes in place of identifiers and of the sender's name: null where there is none."""
    control = pl.col("control_id")
    sender = shared_ids.sender(pl.col("application"), pl.col("facility"))
    texts = {
        "correlation_key": keys.under("control", source.name, control),
        "control_key": keys.under(
            "control", sender.fill_null(pl.lit(source.authorities.get("control"), pl.String)), control
        ),
    } | {f"{name}_key": keys.under(kind, pl.col(f"{name}_authority"), pl.col(name)) for name, kind in _NUMBERS.items()}
    return (
        pl.DataFrame(pl.from_arrow(messages))
        .with_columns(keys.digest(key, text).alias(name) for name, text in texts.items())
        .with_columns(pl.coalesce("placer_key", "filler_key").alias("placer_key"))
        .drop("control_id", "application", "facility", *_NUMBERS, *(f"{name}_authority" for name in _NUMBERS))
        .to_arrow()
    )


def explode(session: Session, source: SourceSettings, rows: Rows) -> None:
    """Insert the events of these rows and give a verdict on each message."""
    if not rows.messages:
        return
    db = session.db
    messages = _hashed(_table(rows.messages, _MESSAGE), source, session.key)
    with lent(db, mirth_message=messages, mirth_connector=_table(rows.connectors, _CONNECTOR)):
        said = {"source": source.name, "zone": session.zone or source.zone}
        with planning.briefly(db, len(rows.connectors)):
            db.execute(exploding(_ROWS_OF_XML), said)
        db.execute("create or replace temp table record_staged as select file_id, line, byte_offset from mirth_message")
        insert_events(session)


# Per row: the events it proves as (type, milliseconds, whether the attempt's number belongs to its identity).
_PROVEN = """
    case when node = 0 then [
        {'t': 'received', 'ms': received_ms, 'n': false},
        {'t': 'filtered', 'ms': case when status = 'FILTERED' then received_ms end, 'n': false},
        {'t': 'failed', 'ms': case when status = 'ERROR' then coalesce(response_ms, received_ms) end, 'n': false},
        {'t': 'acknowledged', 'ms': case when attempts > 0 then response_ms end, 'n': false},
        {'t': 'replayed',
            'ms': case when incarnation_ms > message_received_ms or (replay_of_uid is not null and not is_import)
                then received_ms end, 'n': false},
        {'t': 'unknown', 'ms': case when status = 'UNKNOWN' then received_ms end, 'n': false}
    ] else [
        {'t': 'routed', 'ms': received_ms, 'n': false},
        {'t': 'filtered', 'ms': case when status = 'FILTERED' then received_ms end, 'n': false},
        {'t': 'queued', 'ms': case when status = 'QUEUED' then received_ms end, 'n': false},
        {'t': 'attempt_started', 'ms': send_ms, 'n': true},
        {'t': 'attempt_failed', 'ms': case when status = 'QUEUED' and attempts > 0 then coalesce(response_ms, send_ms) end, 'n': true},
        {'t': 'response_received', 'ms': case when status = 'PENDING' then response_ms end, 'n': true},
        {'t': 'delivered', 'ms': case when status = 'SENT' then coalesce(response_ms, send_ms, received_ms) end, 'n': true},
        {'t': 'nack_received',
            'ms': case when status = 'ERROR' and is_nack then coalesce(response_ms, send_ms, received_ms) end, 'n': true},
        {'t': 'failed', 'ms': case when status = 'ERROR' then coalesce(response_ms, send_ms, received_ms) end, 'n': true},
        {'t': 'unknown', 'ms': case when status = 'UNKNOWN' then received_ms end, 'n': false}
    ] end
"""


def named_connector(name: str) -> str:
    """The SQL of a connector's name where it may be kept, else of its number (`node`); empty where it has none."""
    return f"coalesce(label({name}), if(coalesce({name}, '') = '', '', 'connector ' || node))"


_ROWS_OF_XML = f"""
with message as (
    select * replace (
            mirth_id($source, channel_id) as channel_id,
            mirth_uid($source, parent_message_uid) as parent_message_uid,
            mirth_uid($source, root_message_uid) as root_message_uid,
            mirth_uid($source, replay_of_uid) as replay_of_uid),
        mirth_uid($source, channel_id || ':' || message_id) as message_uid,
        hl7_instant(sent, $zone) as sent_at
    from mirth_message
), connector as (
    select m.* exclude (received_ms, channel_name), m.received_ms as message_received_ms,
        c.* exclude (message_no, flow_name) replace (
            mirth_id($source, server_id) as server_id, {named_connector("node_name")} as node_name),
        label(coalesce(c.flow_name, m.channel_name)) as flow_name,
        'epoch' as time_basis, 'ms' as time_precision, false as is_local, []::varchar[] as row_flags
    from mirth_connector as c join message as m using (message_no)
)
"""

_BITS = """nullif(concat_ws(', ', if(error_bits & 1 > 0, 'processing error', null),
        if(error_bits & 2 > 0, 'postprocessor error', null), if(error_bits & 4 > 0, 'response error', null)), '')"""
"""What ERROR_CODE says where there is no text."""


def exploding(rows: str) -> str:
    """The statement that makes `event_staged` of rows of connectors with what their messages say. `rows` are CTEs, the last of which is
    called `connector`; `$source` is the source's name, `$zone` that in which local times (`is_local`) were read.
    """
    return f"""
create or replace temp table event_staged as
{rows}, judged as (
    select * replace (
        coalesce(nullif(error_class, ''), if({_BITS} is not null, 'unknown', null)) as error_class,
        coalesce(nullif(error_template, ''), {_BITS}) as error_template)
    from connector
), proven as (
    select *, unnest({_PROVEN}) as e from judged
), told as (
    select *,
        node > 0 and e.t in ('attempt_started', 'attempt_failed', 'response_received', 'delivered', 'nack_received', 'failed')
            as is_attempt,
        error_class is not null and e.t in ('attempt_failed', 'nack_received', 'failed') as is_error,
        make_timestamptz(e.ms * 1000) as occurred_at,
        is_local and falls_twice(timezone($zone, occurred_at), $zone) as is_ambiguous
    from proven where e.ms is not null
)
select
    uid_of(concat_ws('|', 'mirth', $source, message_uid, incarnation_ms, node, e.t, e.ms, if(e.n, attempts, null))) as event_uid,
    $source as source,
    'snapshot' as source_kind,
    status as native_type,
    occurred_at,
    time_basis,
    time_precision,
    is_ambiguous as time_ambiguous,
    $source || ':' || coalesce(server_id, '') as clock_id,
    case
        when e.t <> 'acknowledged' then e.t
        when ack_code in ('AE', 'AR', 'CE', 'CR') then 'nack_sent'
        else 'ack_sent'
    end as event_type,
    channel_id as flow_id,
    flow_name,
    node::varchar as node_id,
    node_name,
    if(node = 0, 'source', 'destination') as node_role,
    if(node = 0, 'inbound', 'outbound') as direction,
    message_uid,
    incarnation_ms::varchar as incarnation,
    parent_message_uid,
    root_message_uid,
    replay_of_uid,
    correlation_key,
    case when e.t = 'received' then control_key end as control_key,
    null::varchar as trace_key,
    case when msg_type is not null then 'hl7v2' end as msg_standard,
    msg_type,
    msg_trigger,
    mrn_key,
    prior_mrn_key,
    visit_key,
    placer_key,
    case when e.t = 'received' then filler_key end as filler_key,
    case when e.t = 'received' then accession_key end as accession_key,
    case when is_attempt then attempts end as attempt_no,
    case when is_attempt then attempts <= 1 end as attempts_exact,
    case when e.t in ('acknowledged', 'delivered', 'nack_received', 'response_received') then ack_code end as ack_code,
    case when e.t in ('acknowledged', 'delivered', 'nack_received', 'response_received') and ack_code is not null
        then if(starts_with(ack_code, 'C'), 'commit', 'application') end as ack_level,
    case when is_error then error_class end as error_class,
    case when is_error then error_code end as error_code,
    case when is_error then error_template end as error_template,
    case when is_error then left(sha256(concat_ws('|', error_class, error_template)), 16) end as error_fingerprint,
    case when e.t = 'received' then sent_at end as sent_at,
    case when e.t = 'received' then shape end as msg_shape,
    null::varchar as actor_key,
    null::varchar as actor_role,
    null::bigint as queue_depth,
    null::bigint as event_count,
    file_id,
    line,
    byte_offset,
    list_sort(list_concat(row_flags, if(e.t = 'received', flags, []), if(e.t = 'unknown', ['unknown_status'], []),
        if(is_ambiguous, ['time_ambiguous'], []))) as quality_flags
from told
"""
