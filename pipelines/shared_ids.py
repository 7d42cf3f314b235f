"""Ids of messages that several engines log: under whose authority each is hashed, and how it is written before (decision 52).

A control id (MSH-10) is its sender's, MSH-3 and MSH-4. An id that systems hand on has no owner where its form makes it the only one of
its kind in the world; a W3C `traceparent` holds such an id. Each rule exists as a DuckDB macro, as an expression over a whole column
and, for a person, in Python; tests hold them equal. Here: these rules. Not here: hashing (`keys`), which field holds an id (`sources`).
"""

from __future__ import annotations

import re

import polars as pl

from pipelines import keys

_PARENT = "[0-9a-fA-F]{2}-([0-9a-fA-F]{32})-[0-9a-fA-F]{16}-[0-9a-fA-F]{2}"
_UNIQUE = "[0-9a-f]{24}|[0-9a-f]{32}"
_NONE = "0+"

MACROS = (
    r"""create or replace temp macro party_of(x) as nullif(nullif(coalesce(nullif(trim(split_part(x, '^', 1)), ''),
            trim(split_part(x, '^', 2))), ''), '""')""",
    """create or replace temp macro sender_of(application, facility) as case
            when party_of(application) is not null or party_of(facility) is not null
                then 'msh:' || coalesce(party_of(application), '') || '/' || coalesce(party_of(facility), '') end""",
    f"""create or replace temp macro trace_text(x) as
            replace(lower(if(regexp_full_match(x, '{_PARENT}'), x[4:35], x)), '-', '')""",
    f"""create or replace temp macro handed_on(authority, x) as case
            when regexp_full_match(trace_text(x), '{_NONE}') then null
            when regexp_full_match(trace_text(x), '{_UNIQUE}') then keyed('trace', '', trace_text(x))
            else keyed('trace', authority, nullif(x, '')) end""",
)
"""`sender_of`: the authority of a message's control id. `handed_on`: the key of an id that systems hand on."""


def sender(application: pl.Expr, facility: pl.Expr) -> pl.Expr:
    """The authority of control ids, of columns that hold MSH-3 and MSH-4; null where both say nothing."""
    parties = [_party(application), _party(facility)]
    return pl.when(pl.any_horizontal(each.is_not_null() for each in parties)).then(
        pl.concat_str(pl.lit("msh:"), parties[0].fill_null(""), pl.lit("/"), parties[1].fill_null(""))
    )


def handed_on(authority: str | None, written: pl.Expr) -> pl.Expr:
    """What the key of an id that systems hand on is a hash of; null of none, and of one of no authority that is not unique."""
    parent = written.str.extract(f"^{_PARENT}$")
    plain = parent.fill_null(written).str.to_lowercase().str.replace_all("-", "", literal=True)
    return (
        pl.when(plain.str.contains(f"^{_NONE}$"))
        .then(None)
        .when(plain.str.contains(f"^({_UNIQUE})$"))
        .then(keys.under("trace", "", plain))
        .otherwise(keys.under("trace", authority, written))
    )


def unique(written: str) -> str | None:
    """An id that systems hand on as it is hashed under no authority: the digits of a `traceparent`'s trace or of a UUID; else null."""
    parent = re.fullmatch(_PARENT, written)
    plain = (parent[1] if parent else written).lower().replace("-", "")
    return plain if re.fullmatch(_UNIQUE, plain) else None


def _party(name: pl.Expr) -> pl.Expr:
    """The first component of an HD, else the second; null for none and for HL7's own null."""
    parts = [name.str.split("^").list.get(place, null_on_oob=True).str.strip_chars() for place in (0, 1)]
    said = pl.when(parts[0] != "").then(parts[0]).otherwise(parts[1])
    return pl.when(~said.is_in(["", '""'])).then(said)
