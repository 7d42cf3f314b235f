"""What the records of a mapped log say, a column at a time: the mapping's fields, with every identifier as its keyed hash.

Here: empty values, constants, fields made of several, who gave a number out, hashes, and what makes a record that record. Not
here: reading the fields (`log_records`), what they mean (`log_events`). A whole column is hashed at once, each value of it
once: a function that is called for two thousand rows at a time costs twice as much (decision 30).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from pipelines import keys, shared_ids
from pipelines.log_mapping import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from pipelines.log_mapping import LogMapping
    from pipelines.settings import Numbered, SourceSettings

READ = ("time", "clock", "flow", "type", "event", "destination", "attempt", "ack", "sent_at", "shape", "role", "size")
"""The fields that go on as they were read, as `<field>_`."""
HASHED = {
    "message": "message",
    "parent": "message",
    "control_id": "control",
    "mrn": "mrn",
    "prior_mrn": "mrn",
    "visit": "visit",
    "placer": "placer",
    "filler": "filler",
    "accession": "accession",
    "actor": "user",
}
"""The fields that go on as hashes only, as `<field>_key`: of each the kind that it is hashed as."""
_LATER = (
    *("shape", "actor", "role", "prior_mrn", "size", "mrn_assigner", "visit_assigner", "placer_assigner"),
    *("filler", "accession", "sending_application", "sending_facility", "trace"),
)
"""Fields that were added when logs had been read already: no part of a record's identity, or each would look new."""
SHARED = ("control_key", "trace_key")
"""The hashes under which other engines' logs name the same message (decision 52)."""
_NUMBERED: tuple[Numbered, ...] = ("mrn", "visit", "placer", "filler", "accession")
_PLACE = ("file_id", "line", "byte_offset", "ends_open", "is_record")


class Said(NamedTuple):
    """The records of a chunk, `errors` the error texts in them: each with its id and what its destination is called.

    `records` has the place of each record, `<field>_` and `<field>_key` of the mapped fields, `proof_<n>_`, and where they apply
    `is_ignored`, `is_unmapped` (somebody unknown gave a number out), `error_id`, `record_uid` and, without an id of its own,
    `content_id`.
    """

    records: pa.Table
    errors: Sequence[tuple[str, str, str | None]]


def said(fields: pa.Table, mapping: LogMapping, source: SourceSettings, key: bytes) -> Said:
    """What the records say whose values are the columns `c0, c1, …`, the mapping's paths in order of their names."""
    places = {path: f"c{i}" for i, path in enumerate(sorted(mapping.paths))}
    frame = pl.DataFrame(pl.from_arrow(fields)).with_columns(
        [pl.when(pl.col(name) != "").then(pl.col(name)) for name in places.values()]
    )
    values = {name: each for name in FIELDS if (each := _value(mapping, name, places)) is not None}
    hashed = {f"{name}_key": text for name in HASHED if (text := _to_hash(name, values, mapping, source)) is not None}
    hashed |= _shared(values, source)
    uid, content = _identity(mapping, values, source.name)
    hashed |= {"record_uid": uid} if uid is not None else {}
    error, destination = values.get("error"), values.get("destination", pl.lit(None, pl.String))
    if error is not None:
        hashed["error_id"] = pl.concat_str(pl.lit("error|"), error, pl.lit("|"), destination.fill_null(""))
    if content is not None and (uid is None or _lacks(frame, values["record_id"])):
        hashed["content_id"] = content if uid is None else pl.when(values["record_id"].is_null()).then(content)
    records = frame.select(
        *_PLACE,
        *(values[name].alias(f"{name}_") for name in READ if name in values),
        *(pl.col(places[each.time]).alias(f"proof_{i}_") for i, each in enumerate(mapping.proves)),
        *_flags(mapping, values, source, places),
        *(keys.digest(key, text).alias(name) for name, text in hashed.items()),
    )
    texts = [] if error is None else _errors(frame.select(error=error, destination=destination), records)
    return Said(records.to_arrow(compat_level=pl.CompatLevel.newest()), texts)


def _value(mapping: LogMapping, name: str, places: dict[str, str]) -> pl.Expr | None:
    """A field's value; null where the mapping says nothing of it."""
    given, constant = mapping.fields.get(name), mapping.constants.get(name)
    if given is None:
        return None if constant is None else pl.lit(constant)
    if isinstance(given, str):
        found = pl.col(places[given])
        return found if constant is None else found.fill_null(constant)
    parts = [pl.col(places[path]) for path in given]
    return pl.concat_str([pl.concat_str(each.str.len_chars(), pl.lit(":"), each) for each in parts], separator="|")


def _to_hash(name: str, values: dict[str, pl.Expr], mapping: LogMapping, source: SourceSettings) -> pl.Expr | None:
    """What a field's hash is of: `kind|authority|value`."""
    if name not in values:
        return None
    kind, value = HASHED[name], values[name]
    if kind not in _NUMBERED:
        if kind == "message" and mapping.message_scope == "flow":
            value = pl.concat_str(values.get("flow", pl.lit("")).fill_null(""), pl.lit(":"), value)
        return keys.under(kind, source.name, value)
    assigner = values.get(f"{kind}_assigner")
    if assigner is None:
        return keys.under(kind, source.authority_of(kind), value)
    own = pl.concat_str(pl.lit(f"{source.name}/"), assigner)
    named = assigner.replace_strict(source.assigners.get(kind, {}), default=own, return_dtype=pl.String)
    return keys.under(kind, named.fill_null(source.authority_of(kind)), value)


def _shared(values: dict[str, pl.Expr], source: SourceSettings) -> dict[str, pl.Expr]:
    """What the hashes are of by which a message is known in other logs: null where nobody says whose id it is."""
    found: dict[str, pl.Expr] = {}
    nothing = pl.lit(None, pl.String)
    if "control_id" in values and (
        values.keys() & {"sending_application", "sending_facility"} or "control" in source.authorities
    ):
        sender = shared_ids.sender(*(values.get(f"sending_{name}", nothing) for name in ("application", "facility")))
        authority = sender.fill_null(pl.lit(source.authorities.get("control"), pl.String))
        found["control_key"] = keys.under("control", authority, values["control_id"])
    if "trace" in values:
        found["trace_key"] = shared_ids.handed_on(source.authorities.get("trace"), values["trace"])
    return found


def _identity(mapping: LogMapping, values: dict[str, pl.Expr], source: str) -> tuple[pl.Expr | None, pl.Expr | None]:
    """What makes a record with an id that record, and what one without an id; null where nothing does.

    A CloudEvent is its source and id, whatever else a second delivery says. What a snapshot proves is known by its time.
    """
    if mapping.rows == "snapshots":
        return None, None
    if mapping.format == "cloudevents":
        return keys.under("cloudevent", source, values["record_id"]), None
    whole = [values[name] for name in FIELDS if name in values and name not in _LATER]
    content = pl.concat_str(
        pl.lit(f"record|{source}"),
        *(pl.concat_str(each.str.len_chars(), pl.lit(":"), each).fill_null("-") for each in whole),
        separator="|",
    )
    if "record_id" not in values:
        return None, content
    facts = [values[name] for name in ("clock", "message", "destination", "event") if name in values]
    return pl.concat_str(
        pl.lit(f"log|{source}"),
        *(each.fill_null("") for each in facts),
        values["record_id"],
        values["time"],
        separator="|",
    ), content


def _flags(
    mapping: LogMapping, values: dict[str, pl.Expr], source: SourceSettings, places: dict[str, str]
) -> list[pl.Expr]:
    ignored = [pl.col(places[each.field]).is_in(each.values).fill_null(value=False) for each in mapping.ignore]
    unmapped = [
        (
            values[kind].is_not_null() & ~values[f"{kind}_assigner"].is_in(list(source.assigners.get(kind, {})))
        ).fill_null(value=False)
        for kind in _NUMBERED
        if kind in values and f"{kind}_assigner" in values
    ]
    found = {"is_ignored": ignored, "is_unmapped": unmapped}
    return [pl.any_horizontal(several).alias(name) for name, several in found.items() if several]


def _lacks(frame: pl.DataFrame, value: pl.Expr) -> bool:
    return frame.select(value.is_null().any()).item()


def _errors(texts: pl.DataFrame, records: pl.DataFrame) -> list[tuple[str, str, str | None]]:
    """Every distinct error text with its destination."""
    numbered = texts.with_columns(records["error_id"]).drop_nulls("error_id").unique("error_id")
    return numbered.select("error_id", "error", "destination").rows()
