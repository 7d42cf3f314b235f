"""The SQL of Mirth's extracts: what a row says of a message and of one of its connectors.

Here: statements and the names of columns. Not here: files (`mirth_extract`), what rows prove (`mirth_events`). Identifiers are hashed
in the statement that reads them; what it leaves behind holds no text of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.mirth_events import STATUSES, named_connector

if TYPE_CHECKING:
    from pipelines.settings import MetadataColumns

TIMES = ("message_received_date", "source_received_date", "received_date", "send_date", "response_date")
COLUMNS = frozenset(
    """
    channel_id channel_name message_id original_id import_id import_channel_id metadata_id connector_name server_id status
    send_attempts error_code ack_code error_class hl7_error error_template is_nack has_content
    source_channel_id source_message_id root_channel_id root_message_id msh_7
    """.split()  # noqa: SIM905 -- one a line would fill a page
) | frozenset(TIMES)
"""The columns that are read, beside the custom ones that the source's settings name; no other leaves the file."""

_LETTERS = {each[0]: each for each in sorted(STATUSES)}
_STATUS = " ".join(f"when '{letter}' then '{word}' when '{word}' then '{word}'" for letter, word in _LETTERS.items())
_CLASSES = "'timeout', 'auth', 'connect', 'capacity', 'transform', 'route', 'config', 'validate', 'nack', 'unknown'"
SAFE_ID = "[A-Za-z0-9._:-]{1,80}"
_NUMBER = "[0-9]{1,19}"
_EARLIEST = "timestamp '1971-01-01 00:00:00'"


def text(name: str, present: frozenset[str]) -> str:
    """The SQL of a column's text; null for what a database writes for no value: nothing, NULL (SQL Server), backslash N (COPY)."""
    return f"case when trim({name}) not in ('', 'NULL', '\\N') then trim({name}) end" if name in present else "null"


def number(name: str, present: frozenset[str]) -> str:
    """The SQL of a whole number's digits: a program that knows no empty integer writes 11 as 11.0."""
    return f"regexp_replace({text(name, present)}, '\\.0+$', '')" if name in present else "null::varchar"


def local(written: str) -> str:
    """The SQL of a local time that needs a zone; null where the text has an offset, or an unset clock wrote it."""
    return f"case when local_of({written}) >= {_EARLIEST} then local_of({written}) end"


def records(present: frozenset[str], named: MetadataColumns) -> str:
    """The statement that makes `engine_record`: of every row what it says, or the rule that keeps it out.

    Times are both: `<name>_at` where the text says its offset, `<name>_local` where it does not. A row without an incarnation (the
    time its source received it) takes the message's.
    """
    custom = {
        "control_id": named.control_id,
        "type": named.type,
        "mrn": named.mrn,
        "visit": named.visit,
        "placer": named.placer,
    }

    numbers = ("message_id", "original_id", "import_id", "metadata_id", "send_attempts", "error_code")
    more_numbers = ("source_message_id", "root_message_id")
    words = sorted(COLUMNS - {*numbers, *more_numbers})
    said = [f"{number(name, present)} as {name}_" for name in (*numbers, *more_numbers)]
    said += [f"({text(name, present)})::varchar as {name}_" for name in words]
    said += [f"({text(column.lower(), present)})::varchar as custom_{name}" for name, column in custom.items()]
    times = [f"instant_of({name}_) as {name}_at, {local(f'{name}_')} as {name}_local" for name in TIMES]
    keyed = [
        f"""case when custom_{kind} is not null then keyed('{kind}',
            if({kind}_as.written is null, ${kind}, {kind}_as.authority), if({kind}_as.written is null, custom_{kind}, {kind}_as.value))
        end as {kind}_key"""
        for kind in ("mrn", "visit", "placer")
    ]
    joins = [
        f"left join assigned as {kind}_as on {kind}_as.kind = '{kind}' and {kind}_as.written = custom_{kind}"
        for kind in ("mrn", "visit", "placer")
    ]
    return f"""
create or replace temp table engine_record as
with said as (select file_id, line, byte_offset, ends_open, is_record, text, {", ".join(said)} from chunk),
timed as (select *, {", ".join(times)} from said)
select
    file_id, line, byte_offset,
    coalesce(is_record and regexp_full_match(channel_id_, '-+'), false) as is_ignored, -- what sqlcmd draws under its header
    case
        when not is_record then if(ends_open, 'truncated', 'unparseable')
        when is_ignored then null
        when not coalesce(regexp_full_match(channel_id_, '{SAFE_ID}') and regexp_full_match(message_id_, '{_NUMBER}'), false)
            then 'no_id'
        when coalesce(source_received_date_at, message_received_date_at) is null
            and coalesce(source_received_date_local, message_received_date_local) is null then 'no_time'
    end as rule,
    case when rule is not null then keyed('line', $source, coalesce(text, concat_ws('|', channel_id_, message_id_, metadata_id_))) end
        as line_hash,
    mirth_id($source, channel_id_) as channel_id,
    mirth_uid($source, channel_id_ || ':' || message_id_) as message_uid,
    mirth_id($source, server_id_) as server_id,
    label(channel_name_) as flow_name, -- a channel without one shows as its id
    coalesce(try_cast(metadata_id_ as integer), 0) as node,
    {named_connector("connector_name_")} as node_name,
    case when metadata_id_ is null then 'RECEIVED' else case upper(status_) {_STATUS} else 'UNKNOWN' end end as status,
    coalesce(case when regexp_full_match(send_attempts_, '[0-9]{{1,5}}') then send_attempts_::integer end, 0) as attempts,
    coalesce(case when regexp_full_match(error_code_, '[0-9]{{1,5}}') then error_code_::integer end, 0) as error_bits,
    case when regexp_full_match(original_id_, '{_NUMBER}') then
        mirth_uid($source, channel_id_ || ':' || original_id_) end as original_uid,
    case when regexp_full_match(import_id_, '{_NUMBER}') and original_uid is null then
        mirth_uid($source, if(regexp_full_match(import_channel_id_, '{SAFE_ID}'), import_channel_id_, channel_id_) || ':' || import_id_)
        end as import_uid,
    coalesce(original_uid, import_uid) as replay_of_uid,
    import_uid is not null as is_import,
    {_uid("source")} as parent_message_uid,
    coalesce({_uid("root")}, parent_message_uid, replay_of_uid, message_uid) as root_message_uid,
    case when custom_control_id is not null then keyed('control', $source, custom_control_id) end as correlation_key,
    case when custom_control_id is not null then keyed('control', $control, custom_control_id) end as control_key,
    nullif(regexp_extract(custom_type, '[A-Z][A-Z0-9]{{2}}'), '') as msg_type,
    nullif(regexp_extract(custom_type, '[A-Z][A-Z0-9]{{2}}.*?([A-Z][A-Z0-9]{{2}})', 1), '') as msg_trigger,
    {", ".join(keyed)},
    case when upper(ack_code_) in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR') then upper(ack_code_) end as ack_code,
    status in ('ERROR', 'QUEUED') as is_bad,
    case when is_bad and lower(error_class_) in ({_CLASSES}) then lower(error_class_)
        when is_bad and error_class_ is not null then 'unknown' end as error_class,
    case when is_bad and regexp_full_match(hl7_error_, '[0-9]{{1,3}}|[AC][AER]') then hl7_error_ end as error_code,
    case when is_bad then template.kept end as error_template,
    is_bad and coalesce(lower(is_nack_) in ('1', 't', 'true', 'y', 'yes'), false) as is_nack,
    list_filter([
        if(lower(has_content_) in ('0', 'f', 'false', 'n', 'no'), 'content_purged', null),
        if(custom_control_id is null, 'no_control_id', null),
        if(mrn_as.is_unmapped or visit_as.is_unmapped or placer_as.is_unmapped, 'unmapped_assigner', null)
    ], lambda f: f is not null) as flags,
    case when regexp_full_match(msh_7_, '[0-9.+-]{{4,30}}') then msh_7_ end as sent,
    {", ".join(f"{name}_at, {name}_local" for name in TIMES)}
from timed left join template on template.written = error_template_ {" ".join(joins)}
"""


def _uid(which: str) -> str:
    channel, number = f"{which}_channel_id_", f"{which}_message_id_"
    is_one = f"regexp_full_match({channel}, '{SAFE_ID}') and regexp_full_match({number}, '{_NUMBER}')"
    return f"case when {is_one} then mirth_uid($source, {channel} || ':' || {number}) end"


ZONELESS = f"""
    select file_id, line from engine_record
    where rule is null and not is_ignored and coalesce({", ".join(f"{name}_local" for name in TIMES)}) is not null
"""

_PLACED = ", ".join(f"epoch_ms(coalesce({name}_at, placed({name}_local, $zone))) as {name}_ms" for name in TIMES)

CONNECTORS = f"""
with placed as (
    select * exclude (received_date_ms, message_received_date_ms),
        coalesce(received_date_ms, incarnation_ms) as received_ms,
        coalesce(message_received_date_ms, incarnation_ms) as message_received_ms,
        send_date_ms as send_ms,
        response_date_ms as response_ms
    from (
        select *, {_PLACED}, coalesce(source_received_date_ms, message_received_date_ms) as incarnation_ms
        from engine_record where rule is null and not is_ignored
    )
), connector as (
    select *,
        null::varchar as prior_mrn_key,
        null::varchar as filler_key,
        null::varchar as accession_key,
        hl7_instant(sent, $zone) as sent_at,
        null::varchar as shape,
        coalesce({", ".join(f"{name}_local" for name in TIMES)}) is not null as is_local,
        case when not is_local then 'offset' when $zone = 'UTC' then 'utc' else 'site_zone' end as time_basis,
        -- MySQL keeps whole seconds.
        if(received_ms % 1000 + incarnation_ms % 1000 + coalesce(send_ms % 1000, 0) + coalesce(response_ms % 1000, 0) = 0, 's', 'ms')
            as time_precision,
        if({" or ".join(f"is_skipped({name}_local, $zone)" for name in TIMES)}, ['time_in_gap'], []::varchar[]) as row_flags
    from placed
)
"""
"""The rows of `engine_record` as `mirth_events.exploding` wants them."""
