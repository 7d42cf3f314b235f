"""Columns that many resource types have in common, so that each projection says only what is its own.

Here: making a column from an element's path. Not here: which elements are kept (`fhir_projection` and the families that it
joins), the macros behind the expressions (`fhir_elements`).
"""

from __future__ import annotations

from pipelines.sources.fhir_elements import (
    CODINGS_TYPE,
    Column,
    all_codes,
    first_code,
    keys,
    reference_key,
    snake,
    time,
)

WORD = '"VARCHAR"'
ORDER = "ServiceRequest"


def key(element: str, wanted: str, name: str = "") -> Column:
    """What a reference points to, as a key of that type."""
    return reference_key(name or f"{kind(wanted)}_key", kind(wanted), f"r.{element}", wanted)


def key_list(references: str, wanted: str, name: str = "") -> Column:
    """What an expression's list of references points to, as keys of one type; others are left out."""
    return Column(name or f"{kind(wanted)}_keys", "varchar[]", keys(kind(wanted), references, wanted))


def first_key(references: str, wanted: str) -> Column:
    """The first of a list of references that points to this type."""
    return Column(f"{kind(wanted)}_key", "varchar", f"first_of({keys(kind(wanted), references, wanted)})")


def first_place(references: str) -> Column:
    """The first location in a list of references."""
    made = f"first_of(list_transform({references}, lambda x: case when contains(x.reference, 'Location') then place_of(x, 'Location') end))"
    return Column("location_id", "varchar", made)


def kind(resource: str) -> str:
    """Under which word ids of this type are hashed."""
    return {"ServiceRequest": "order", "DiagnosticReport": "report"}.get(resource, snake(resource))


def codings(name: str, element: str) -> Column:
    """The codes of a concept with their systems."""
    return Column(name, CODINGS_TYPE, f"codings(r.{element}.coding)")


def code_list(name: str, element: str) -> Column:
    """The codes of a list of concepts."""
    return Column(name, "varchar[]", all_codes(f"r.{element}"))


def concept(name: str, element: str) -> Column:
    """The first code of a concept."""
    return Column(name, "varchar", first_code(element))


def word_list(name: str, element: str) -> Column:
    """A list of bare codes."""
    return Column(
        name, "varchar[]", f"list_filter(list_transform(r.{element}, lambda x: word(x)), lambda x: x is not null)"
    )


def flag(name: str, element: str) -> Column:
    """A boolean."""
    return Column(name, "boolean", f"r.{element}")


def address(name: str, element: str) -> Column:
    """A canonical URL: which form, measure or rule it was."""
    return Column(name, "varchar", f"uri(r.{element})")


def time_or_start(name: str, element: str) -> Column:
    """`<element>DateTime`, else the start of `<element>Period`."""
    return time(name, f'coalesce(r.{element}DateTime, r.{element}Period."start")')


def time_or_end(name: str, element: str) -> Column:
    """`<element>DateTime`, else the end of `<element>Period`."""
    return time(name, f'coalesce(r.{element}DateTime, r.{element}Period."end")')
