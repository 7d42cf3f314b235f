"""The only module of the dashboard that opens files: the current snapshot, the two journals, nothing else.

What a role may open is enforced here, by the audience of each published table. Cases and lineage are read through an
`Opening`, which exists only once its line stands in the access log. Nothing is computed here but filters and orders;
suppressed numbers are already null in what was published. Reads are cached by snapshot id, so they never go stale.
"""

import fcntl
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import narwhals.stable.v2 as nw
import streamlit as st

from dashboard.access import Person
from models import publication
from models.errors import UnknownTable
from models.exception_counts import open_counts
from models.journal import Access, Decision, with_pending
from models.kpi import Kpi, Selection
from models.kpi import cases as cases_of
from models.publication import Manifest

Row = dict[str, Any]
MOST_CASES = 200
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Forbidden(Exception):
    """A role asked for what it may not see. The message names the role, the rule and the cure."""


@dataclass(frozen=True)
class Opening:
    """Proof that opening `what` was written to the access log by `person` for `purpose`; made by `open_cases` alone."""

    person: Person
    what: str
    purpose: str


def home() -> Path:
    """The hospital's folder, from WARDFLOW_HOME."""
    return Path(os.environ.get("WARDFLOW_HOME", "wardflow-home"))


def snapshot() -> Manifest:
    """The current snapshot's manifest; read again only when `current.json` was swapped.

    Raises:
        PublicationError: nothing is published, or the manifest cannot be read.
    """
    published = home() / "published"
    try:
        state = (published / publication.CURRENT).stat()
    except OSError:
        return publication.load_current(published)  # says what is missing
    return _manifest(str(published), state.st_mtime_ns, state.st_ino)


@st.cache_resource(max_entries=8, show_spinner=False)
def _manifest(published: str, _changed: int, _inode: int) -> Manifest:
    return publication.load_current(Path(published))


def rows(
    found: Manifest,
    person: Person,
    table: str,
    where: Mapping[str, object] | None = None,
    order: Sequence[str] = (),
    limit: int = 20_000,
) -> list[Row]:
    """Rows of an aggregate table where every named column has the value (None: is null; a tuple: any of).

    Raises:
        Forbidden: the table is not an aggregate, or the role may not open aggregates.
    """
    if table not in found.tables:
        return []  # an older snapshot: the page shows its empty state
    if found.table(table).audience != "aggregates":
        raise Forbidden(f"{table} holds cases or files. It opens for a purpose, with an entry in the access log.")
    _check(found, person, table)
    return _rows(str(home()), found.id, found.zone, _files(found, table), _pairs(where), tuple(order), limit)


def may_open(found: Manifest, person: Person, table: str) -> bool:
    """Whether the person's role may open the table at all; also false when the snapshot has no such table."""
    return table in found.tables and publication.may_open(person.role, found.table(table).audience)


def open_cases(found: Manifest, person: Person, table: str, asked: str, purpose: str) -> Opening:
    """Write who opens what, when and why to the access log, and return the proof. Nothing opens if writing fails.

    Raises:
        Forbidden: the role may not open the table; nothing is written.
        BadJournalEntry: no purpose was given.
    """
    _check(found, person, table)
    what = f"{table}: {asked}"
    entry = Access(
        opened_at=datetime.now(UTC),
        actor=person.name,
        role=person.role,
        what=what,
        purpose=purpose.strip(),
        way="dashboard",
        snapshot=found.id,
    )
    _append(home() / "access" / "access.ndjson", entry.to_line())
    return Opening(person, what, purpose)


def opened_rows(
    opening: Opening,
    found: Manifest,
    table: str,
    where: Mapping[str, object] | None = None,
    order: Sequence[str] = (),
    limit: int = 5_000,
) -> list[Row]:
    """Rows of a table of cases or of lineage, for an opening of that very table.

    Raises:
        Forbidden: the opening is of something else, or the role may not open the table.
    """
    _check_opening(opening, found, table)
    return _rows(str(home()), found.id, found.zone, _files(found, table), _pairs(where), tuple(order), limit)


def kpi_cases(opening: Opening, found: Manifest, kpi: Kpi, selection: Selection) -> list[Row]:
    """The cases that count towards a KPI's value, the ones to look at first on top, at most `MOST_CASES`.

    Raises:
        Forbidden: the opening is of something else, or the role may not open cases.
    """
    _check_opening(opening, found, kpi.mart)
    where = tuple((k, tuple(v)) for k, v in selection.where.items())
    return _kpi_cases(
        str(home()), found.id, found.zone, _files(found, kpi.mart), kpi.id, where, selection.start, selection.end, kpi
    )


def open_exceptions(
    opening: Opening, found: Manifest, table: str, left: frozenset[str], suppress_below: int
) -> list[Row]:
    """How many exceptions of each kind and facility wait for somebody, those in `left` not counted, small numbers null.

    Raises:
        Forbidden: the opening is of something else, or the role may not open cases.
    """
    _check_opening(opening, found, table)
    return _open_exceptions(found.zone, _files(found, table), left, found.as_of.date(), suppress_below)


def decisions(found: Manifest, person: Person) -> list[Row]:
    """The decision journal, newest first: published entries, and those written since (`is_pending`)."""
    path = home() / "decisions" / "journal.ndjson"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
    return with_pending(rows(found, person, "decision", order=("-decided_at",)), lines)


def write_decision(decision: Decision) -> None:
    """Append a decision to the journal; it reaches the numbers with the next run."""
    _append(home() / "decisions" / "journal.ndjson", decision.to_line())


def _append(path: Path, line: str) -> None:
    """Append one line, whole and on disk before this returns; writers in other processes wait their turn."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, (line + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(found: Manifest, person: Person, table: str) -> None:
    if table not in found.tables:
        raise UnknownTable(table, found.tables)
    audience = found.table(table).audience
    if not publication.may_open(person.role, audience):
        raise Forbidden(f"The role {person.role} does not open {audience}. Ask an informatician or engineer to look.")


def _check_opening(opening: Opening, found: Manifest, table: str) -> None:
    _check(found, opening.person, table)
    if not opening.what.startswith(f"{table}: "):
        raise Forbidden(f"This was opened: {opening.what}. Open {table} for a purpose of its own.")


def _files(found: Manifest, table: str) -> tuple[str, ...]:
    return tuple(str(home() / "published" / file) for file in found.table(table).files)


def _pairs(where: Mapping[str, object] | None) -> tuple[tuple[str, object], ...]:
    return tuple(sorted((where or {}).items()))


@st.cache_resource(show_spinner=False)
def _engine() -> duckdb.DuckDBPyConnection:
    """One in-memory DuckDB for all sessions: it holds nothing, files are read where they lie."""
    return duckdb.connect(config={"threads": 2, "memory_limit": "400MB", "autoinstall_known_extensions": False})


def _cursor(zone: str) -> duckdb.DuckDBPyConnection:
    cursor = _engine().cursor()
    cursor.execute(f"set timezone = '{ZoneInfo(zone).key}'")  # a zone that exists cannot carry SQL
    return cursor


@st.cache_data(max_entries=512, show_spinner=False)
def _rows(
    _home: str,
    _snapshot: str,
    zone: str,
    files: tuple[str, ...],
    where: tuple[tuple[str, object], ...],
    order: tuple[str, ...],
    limit: int,
) -> list[Row]:
    conditions, values = [], []
    for column, value in where:
        if isinstance(value, tuple):
            conditions.append(f"list_contains(?, {_quoted(column)})")
            values.append(list(value))
        else:
            conditions.append(f"{_quoted(column)} is not distinct from ?")
            values.append(value)
    filtered = f" where {' and '.join(conditions)}" if conditions else ""
    sorted_by = [f"{_quoted(c.removeprefix('-'))}{' desc' if c.startswith('-') else ''} nulls last" for c in order]
    ordered = f" order by {', '.join(sorted_by)}" if order else ""
    found = _cursor(zone).execute(
        f"select * from read_parquet(?){filtered}{ordered} limit {limit:d}",  # noqa: S608 — names are checked, values bound
        [list(files), *values],
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Kpi: lambda kpi: kpi.id})
def _kpi_cases(
    _home: str,
    _snapshot: str,
    zone: str,
    files: tuple[str, ...],
    kpi_id: str,  # noqa: ARG001 — part of the cache's key
    where: tuple[tuple[str, tuple[object, ...]], ...],
    start: date | None,
    end: date | None,
    _kpi: Kpi,
) -> list[Row]:
    mart = nw.from_native(_cursor(zone).read_parquet(list(files)))
    found = cases_of(_kpi, mart, Selection(where=dict(where), start=start, end=end))
    worst_flag_first = _kpi.improves != "up"
    ordered = found.sort("flag", "value", descending=[worst_flag_first, True], nulls_last=True).head(MOST_CASES)
    return list(ordered.collect("pyarrow").rows(named=True))


@st.cache_data(max_entries=64, show_spinner=False)
def _open_exceptions(zone: str, files: tuple[str, ...], left: frozenset[str], today: date, threshold: int) -> list[Row]:
    return open_counts(nw.from_native(_cursor(zone).read_parquet(list(files))), left, today, threshold)


def _quoted(column: str) -> str:
    if not _NAME.fullmatch(column):
        raise ValueError(f"{column!r} is no column's name. Columns are lower-case words.")
    return f'"{column}"'
