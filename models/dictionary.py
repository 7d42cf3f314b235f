"""The data dictionary: written from the SQL files, the schema they build and the KPI declarations, never by hand.

`python -m models.dictionary` writes `models/DATA_DICTIONARY.md`; a test fails when that file is stale.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from models import published, times
from models.catalog import Table, build_order, tables
from models.declaration import Kpi
from models.kpis import KPIS
from models.measures import CompletionTime, Count, Mean, Quantile, Rate, Share, Total
from models.raw import RAW_TABLES

PATH = Path(__file__).parent / "DATA_DICTIONARY.md"

Schema = dict[str, tuple[tuple[str, str], ...]]
"""Columns of each table: name and DuckDB type."""

_COMMON_COLUMNS = {
    "facility": "the hospital, by its Organization's name",
    "unit": "the ward, department or channel",
    "file_id": "the delivered file this row comes from (account.file)",
    "line": "the line in that file, from 1",
    "encounter_key": "keyed hash of the encounter's id",
    "patient_key": "keyed hash of the patient's id",
    "order_key": "keyed hash of the order's id",
    "source": "the source system, by its name in wardflow.toml",
}
_SUFFIXES = {
    "_hour": "local hour of the clock `{}`",
    "_week": "Monday of the local week of the clock `{}`",
    "_month": "first day of the local month of the clock `{}`",
    "_precision": "how exactly the time was sent: instant, zoneless or day",
}


def generate() -> str:
    """The dictionary as Markdown."""
    schema = built_schema()
    parts = [
        "# Data dictionary",
        "",
        "Generated from `models/sql`, the schema it builds and `models/kpis` by `python -m models.dictionary`.",
        "Instants are UTC; columns `_date`, `_hour`, `_week`, `_month` are local calendar. Fractions are 0 to 1.",
        "",
        "## KPIs",
        "",
        *(line for kpi in KPIS.values() for line in _kpi(kpi)),
        "## Tables",
        "",
    ]
    parts += [
        "### published",
        "",
        "Totals and lineage of a snapshot, with small numbers hidden; the marts below are published as cases.",
        "",
        *(line for name in published.TABLES for line in _published(name)),
    ]
    for layer in ("marts", "staging"):
        for table in tables():
            if table.layer == layer:
                parts += _table(table, schema[table.full_name])
    parts += ["### raw", "", "As delivered, every version, with file and line; what staging relies on.", ""]
    parts += _rows(("table", "columns"), [(f"`{name}`", _listed(schema[f"raw.{name}"])) for name in RAW_TABLES])
    return "\n".join(parts).rstrip() + "\n"


def built_schema() -> Schema:
    """The columns of every table, found by building all of them on empty raw tables."""
    parameters: dict[str, Any] = {
        "as_of": datetime(2026, 1, 1, tzinfo=UTC),
        "clinical_as_of": datetime(2026, 1, 1, tzinfo=UTC),
        "critical_ack_minutes": 60,
        "handoff_accept_minutes": 30,
        "message_stuck_minutes": 60,
        "result_open_minutes": 60,
        "status_settle_minutes": 240,
        "task_trigger_minutes": 60,
        "zones": {"key": [], "value": []},
    }
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        for layer in ("raw", "staging", "marts"):
            db.execute(f"create schema {layer}")
        for statement in (*times.MACROS, *RAW_TABLES.values()):
            db.execute(statement)
        for table in build_order():
            bound = {name: parameters[name] for name in table.parameters}
            db.execute(f"create table {table.full_name} as {table.query}", bound)
        names = [f"raw.{name}" for name in RAW_TABLES] + [table.full_name for table in tables()]
        return {
            name: tuple((str(row[0]), str(row[1])) for row in db.execute(f"describe {name}").fetchall())
            for name in names
        }


def measure_in_words(kpi: Kpi) -> str:
    """How a KPI's value is made, in one line."""
    measure = kpi.measure
    match measure:
        case Share():
            words = "share of the counted rows"
        case Rate(events=events, exposure=exposure):
            words = f"sum of `{events}` by sum of `{exposure}`"
        case Quantile(column=column, q=q):
            words = f"{q:.0%} quantile of `{column}`, linear interpolation"
        case Mean(column=column):
            words = f"mean of `{column}`"
        case Total(column=column):
            words = f"sum of `{column}`"
        case Count():
            words = "number of rows"
        case CompletionTime(duration=duration, q=q):
            words = f"time by which {q:.0%} are finished, `{duration}`, Kaplan-Meier (nearest rank when none is open)"
        case _:
            words = f"open at the end of the period: after `{measure.opened}`, before `{measure.closed}`"
    return words


def _kpi(kpi: Kpi) -> Iterator[str]:
    yield from (f"### {kpi.title}", "", f"`{kpi.id}`, version {kpi.version}. {kpi.definition}", "")
    target = "no target" if kpi.target is None else f"{kpi.target:g}"
    facts = [
        ("measure", measure_in_words(kpi)),
        ("unit", kpi.unit),
        ("better", {"up": "higher", "down": "lower", "neither": "neither"}[kpi.improves]),
        ("target", target),
        ("counted in", f"`{kpi.table}`, by the local day of `{kpi.clock}`"),
        ("broken down by", ", ".join(f"`{name}`" for name in kpi.dimensions)),
        ("left out, in order", "; ".join(each.rule for each in kpi.exclusions) or "nothing"),
        ("requires", "; ".join(f"`{each.column}` for {each.at_least:.0%}" for each in kpi.requires) or "nothing"),
        ("its times are", f"known to within `{kpi.resolution}`" if kpi.resolution else "recorded"),
        ("still open", f"`{kpi.open_when}`" if kpi.open_when else "does not apply"),
        ("small numbers", "hidden" if kpi.about_people else "shown: it counts messages or tasks, not people"),
        ("owner", kpi.owner),
        ("when it is off target", kpi.action),
        ("source", kpi.source),
        ("know that", " ".join(kpi.caveats) or "-"),
    ]
    yield from _rows(("", ""), facts)


def _table(table: Table, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from (f"### {table.full_name}", "", f"{table.grain[0].upper()}{table.grain[1:]} {table.description}".rstrip())
    yield from ("", f"Reads {', '.join(f'`{name}`' for name in sorted(table.reads))}.", "")
    notes = table.column_notes
    yield from _rows(
        ("column", "type", "meaning"),
        [(f"`{name}`", kind.lower(), notes.get(name) or _usual_meaning(name)) for name, kind in columns],
    )


def _published(name: str) -> Iterator[str]:
    grain, columns = published.TABLES[name]
    yield from (f"#### {name}", "", grain, "")
    yield from _rows(("column", "meaning"), [(f"`{column}`", published.MEANINGS[column]) for column in columns.split()])


def _usual_meaning(column: str) -> str:
    """What a column's name says by the project's own rules; nothing where it says it all itself."""
    for suffix, meaning in _SUFFIXES.items():
        if column.endswith(suffix):
            return meaning.format(column.removesuffix(suffix))
    return _COMMON_COLUMNS.get(column, "")


def _listed(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"`{name}` {kind.lower()}" for name, kind in columns)


def _rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table and an empty line."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    yield ""


if __name__ == "__main__":  # pragma: no cover - the command that writes what generate() returns
    PATH.write_text(generate(), encoding="utf-8")
