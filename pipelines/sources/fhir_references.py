"""What refers to what: the references among the columns of every projection, read off the expressions that make them.

Here: which columns hold references, to which type, and two views of the raw tables, of all references and of all resources.
Not here: how a reference is read (`fhir_elements`), what becomes of it (`marts.reference_match`). A new column is in the views
without another word, so that none can be forgotten.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.fhir_elements import Projection

_MADE = re.compile(r"\b(?:keys?|place|id)_of\(")
_WANTED = re.compile(r"(?<!'), '([A-Z][A-Za-z]+)'\)")
_ELEMENT = re.compile(r"\br\.\"?([a-z][A-Za-z]*)")
_TYPED = "struct(resource_type varchar, resource_key varchar"
_FIELD = re.compile(r"struct\((\w+)")


class Reference(NamedTuple):
    """A column that holds references: of which element, to which type (an SQL expression), and its keys as an SQL list."""

    element: str
    refers_to: str
    keys: str


def references(projection: Projection) -> Iterator[Reference]:
    """The references of a resource type, column by column."""
    told: dict[str, list[str]] = {}
    for column in projection.columns[1:]:
        if not _MADE.search(column.made):
            continue
        element = "/".join(dict.fromkeys(_ELEMENT.findall(column.made)))
        wanted = _WANTED.search(column.made)
        refers_to = f"'{wanted.group(1)}'" if wanted else column.name.replace("_key", "_type")
        inner = _FIELD.match(column.type)
        if _TYPED in column.type:  # whose types no column before has
            others = ", ".join(told.get(element, ["''"]))
            spells = f"list_filter({column.name}, lambda x: x.resource_type not in ({others}))"
            refers_to = f"unnest(list_transform({spells}, lambda x: x.resource_type))"
            keys = f"list_transform({spells}, lambda x: x.resource_key)"
        elif inner:
            keys = f"list_transform({column.name}, lambda x: x.{inner.group(1)})"
        else:
            keys = column.name if column.type.endswith("[]") else f"[{column.name}]"
        told.setdefault(element, []).append(refers_to)
        yield Reference(element, refers_to, keys)


def _views() -> Iterator[tuple[str, str]]:
    tables = {projection.table: projection for projection in reversed(PROJECTIONS.values())}
    yield (
        "raw.reference",
        " union all ".join(
            f"select source, '{each.resource}' as resource, '{found.element}' as element, {found.refers_to} as refers_to, "
            f"unnest({found.keys}) as key from {table} where not is_deleted"
            for table, each in tables.items()
            for found in references(each)
        ),
    )
    yield (
        "raw.resource",
        " union all ".join(
            f"select '{each.resource}' as resource, {each.key} as key, is_deleted, seen_to, last_updated from {table}"
            for table, each in tables.items()
        ),
    )


VIEWS: dict[str, str] = {name: f"create or replace view {name} as {query}" for name, query in _views()}
"""Every reference that any version makes, and every version and deletion of any resource. `build` makes them for who reads them."""


def behind_views(reads: frozenset[str]) -> frozenset[str]:
    """The tables that are read: a view stands for every table of FHIR resources."""
    if reads.isdisjoint(VIEWS):
        return reads
    return reads - VIEWS.keys() | {projection.table for projection in PROJECTIONS.values()}
