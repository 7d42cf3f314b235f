"""A source's rules for telling what kind of visit an Encounter is: their form in wardflow.toml, and into `raw.visit_rule`.

Here: form, validation and the table. Not here: the kinds and the defaults (`models.visits`), how a rule is applied
(`models/sql/marts/visit.sql`). Rules are data: changing one needs another run, and no new ingest.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from models.visits import KINDS, default_rules
from pipelines.lending import append
from pipelines.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

TABLES = {
    "raw.visit_rule": """
        create table if not exists raw.visit_rule (
            source varchar, rule_no integer not null, class_codes varchar[], type_codes varchar[],
            service_type_codes varchar[], profiles varchar[], has_parent boolean, place varchar, visit_kind varchar not null
        )""",
}


class VisitRule(BaseModel):
    """The first rule whose conditions all hold decides. Of a list, one value has to be met; what is not given is not asked.

    `place`: the visit has a stay at such a place. `has_parent`: the Encounter is part of another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    classes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    service_types: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    has_parent: bool | None = None
    place: Literal["inpatient", "emergency"] | None = None

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        if kind not in KINDS:
            close = get_close_matches(kind, KINDS, n=1)
            raise ValueError(
                f"{kind!r} is no kind of visit. "
                + (f"Did you mean {close[0]!r}?" if close else f"Write one of {', '.join(KINDS)}.")
            )
        return kind

    @model_validator(mode="after")
    def _asks_something(self) -> VisitRule:
        if not (self.classes or self.types or self.service_types or self.profiles or self.place) and (
            self.has_parent is None
        ):
            raise ValueError("a rule without a condition would take every visit; give it classes or another condition")
        return self


def take_in(db: duckdb.DuckDBPyConnection, rules: Mapping[str, Sequence[VisitRule]]) -> None:
    """Replace `raw.visit_rule` by these: each source's rules in their order, then the defaults."""
    own = [
        {
            "source": source,
            "rule_no": number,
            "class_codes": list(rule.classes) or None,
            "type_codes": list(rule.types) or None,
            "service_type_codes": list(rule.service_types) or None,
            "profiles": list(rule.profiles) or None,
            "has_parent": rule.has_parent,
            "place": rule.place,
            "visit_kind": rule.kind,
        }
        for source, said in rules.items()
        for number, rule in enumerate(said, 1)
    ]
    columns = [row[0] for row in db.execute("describe raw.visit_rule").fetchall()]
    rows = [{name: row.get(name) for name in columns} for row in [*own, *default_rules()]]
    texts = pa.list_(pa.string())
    types = [pa.string(), pa.int32(), texts, texts, texts, texts, pa.bool_(), pa.string(), pa.string()]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(zip(columns, types, strict=True))))
    with transaction(db):
        db.execute("delete from raw.visit_rule")
        append(db, "raw.visit_rule", table)
