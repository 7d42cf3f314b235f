"""The identifiers of HL7 v2 envelopes as keyed hashes, a column at a time.

Here: what each hash is of. Not here: cutting fields out of messages (`hl7_columns`), the hash itself (`keys`). What is hashed goes no
further: neither a number nor a sender's name reaches a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines import keys, shared_ids

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.settings import SourceSettings

_NUMBERS = {
    "mrn": "mrn",
    "prior": "mrn",
    "visit": "visit",
    "placer": "placer",
    "filler": "filler",
    "accession": "accession",
}
"""The kind that each number is hashed as: the one that gives way is a patient's too."""
_KEPT = (
    *(
        "file_id",
        "line",
        "byte_offset",
        "is_readable",
        "link",
        "parties",
        "sent",
        "control_id",
        "processing",
        "ack",
        "error",
    ),
    *("capture", "type", "trigger", "shape", "is_answer", "is_unmapped"),
)
_MESSAGE = ("parties", "sent", "type", "trigger", "control_id", "ack", "answered", "numbers")


def hashed(envelopes: pa.Table, source: SourceSettings, key: bytes) -> pa.Table:
    """`envelopes` of `hl7_columns.columns`, with hashes in place of numbers: `message` (what is the same message again),
    `batch`, `correlation_key`, `control_key` and a key of each number, null where there is none or nobody says whose it is;
    `is_answer` and `is_unmapped`. `parties`, `sent` and `control_id` stay, for the hash of a message that is set aside.
    """
    frame = pl.DataFrame(pl.from_arrow(envelopes))
    parties = pl.col("parties").str.split("|")
    sender = shared_ids.sender(*(parties.list.get(place, null_on_oob=True) for place in (0, 1)))
    issuers = frame.unique("link").select(
        "link", issuer=sender.fill_null(pl.lit(source.authorities.get("control"), pl.String))
    )
    placers = pl.when(pl.col("placer_place").is_not_null())
    frame = frame.join(issuers, on="link", how="left", maintain_order="left").with_columns(
        is_answer=pl.any_horizontal(pl.col("ack", "answered").is_not_null()),
        is_unmapped=pl.any_horizontal(
            *(pl.col(f"{name}_is_unmapped").fill_null(False) for name in ("mrn", "prior", "visit")),
            placers.then("placer_is_unmapped").otherwise("filler_is_unmapped").fill_null(False),
        ),
        numbers=pl.when(pl.col("control_id").is_null()).then(_joined(pl.col("mrn", "visit", "placer", "filler"))),
    )
    made = {
        "message": keys.under("message", source.name, _joined(pl.col(_MESSAGE))),
        "batch": keys.under("message", source.name, pl.col("batch")),
        "correlation_key": keys.under(
            "control", source.name, pl.when("is_answer").then("answered").otherwise("control_id")
        ),
        "control_key": keys.under("control", pl.col("issuer"), pl.when(~pl.col("is_answer")).then("control_id")),
    } | {f"{name}_key": _number(name, kind) for name, kind in _NUMBERS.items()}
    found = frame.select(*_KEPT, *(keys.digest(key, text).alias(name) for name, text in made.items()))
    return (
        found.rename({"prior_key": "prior_mrn_key"})
        .with_columns(pl.coalesce("placer_key", "filler_key").alias("placer_key"))
        .to_arrow()
    )


def _joined(texts: pl.Expr) -> pl.Expr:
    return pl.concat_str(texts, separator="|", ignore_nulls=True)


def _number(name: str, kind: str) -> pl.Expr:
    """The number to take of a field: of the repetition that was chosen, the first component."""
    repetition = pl.col(name).str.split("~").list.get(pl.col(f"{name}_place"), null_on_oob=True)
    value = repetition.str.split("^").list.first().str.strip_chars(" ")
    return keys.under(kind, pl.col(f"{name}_authority"), pl.when(~value.is_in(["", '""'])).then(value))
