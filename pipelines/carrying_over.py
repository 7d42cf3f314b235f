"""Decisions about exceptions and cases follow them to a new site key: the journal gets the same decisions under the new numbers.

Here: which number of the former warehouse is which of the new one, by the line of the delivered file that both were made of.
Not here: the rotation itself (`rotation`), the format of an entry (`models.journal`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from models.errors import BadJournalEntry
from models.journal import Decision

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

_CASES = {"staging.encounter": "encounter_key", "staging.order": "order_key", "staging.task": "task_key"}
_LINES = """
select {key} as subject, {more} as what, file.path, row.line
from {schema}{table} as row
inner join {schema}account.file as file using (file_id)
"""
_PAIRS = """
with before as (
    from ({former}) qualify count(*) over (partition by what, path, line) = 1
), after as (
    from ({following}) qualify count(*) over (partition by what, path, line) = 1
)
select before.subject, after.subject from before inner join after using (what, path, line)
"""


class Carried(NamedTuple):
    """Entries for the journal, and how many decisions are about something that the new warehouse does not show under a known line."""

    lines: list[str]
    left: int


def carried_over(db: duckdb.DuckDBPyConnection, journal: Path) -> Carried:
    """The decisions about exceptions and cases again, under the numbers that these have in `db`, to which the former warehouse is attached.

    A decision keeps its time, its author and its words. One whose number the warehouse `former` does not know is left as it is: it was
    about something that is over, or of a key before that one.
    """
    told = [entry for entry in _entries(journal) if entry.subject_kind in ("exception", "case")]
    if not told:
        return Carried([], 0)
    numbers = {
        "exception": _numbers(db, "marts.work_exception", "exception_key", "row.kind || ':' || row.what"),
        "case": {
            former: following for table, key in _CASES.items() for former, following in _numbers(db, table, key).items()
        },
    }
    lines = [
        replace(entry, subject=following).to_line()
        for entry in told
        if (following := numbers[entry.subject_kind].get(entry.subject)) not in (None, entry.subject)
    ]
    kept = sum(entry.subject in numbers[entry.subject_kind].values() for entry in told)
    return Carried(lines, len(told) - len(lines) - kept)


def _entries(journal: Path) -> list[Decision]:
    """Every entry that can be read, once; a spoiled line is the ingest's to tell of."""
    found: dict[str, Decision] = {}
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines() if journal.is_file() else ():
        try:
            entry = Decision.from_line(line)
        except BadJournalEntry:
            continue
        found.setdefault(entry.decision_id, entry)
    return list(found.values())


def _numbers(db: duckdb.DuckDBPyConnection, table: str, key: str, more: str = "''") -> dict[str, str]:
    """The new number of each former one, where one line of one file tells which."""
    sides = {
        side: _LINES.format(key=key, more=more, schema=schema, table=table)
        for side, schema in (("former", "former."), ("following", ""))
    }
    return dict(db.execute(_PAIRS.format(**sides)).fetchall())
