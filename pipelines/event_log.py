"""An event log in a CSV file, as the relation of events that `models.process` reads.

Here: finding the columns, times, begins and ends, and an account of the rows that could not be read. Not here: what the
log says (`models.process`); the logs of integration engines (`pipelines.sources`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from models.errors import did_you_mean
from pipelines.errors import ConfigurationError, PipelineError, UnreadableFile
from pipelines.lending import append

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

EVENTS = "event"
"""The relation that `read` leaves behind."""

_DELIMITERS = ",;\t|"
_READ = """
create or replace temp table log_row as
select {columns}, null::bigint as line from read_csv(
    $path, columns = {names}, auto_detect = false, header = false, skip = 1, delim = $delimiter, quote = '"', escape = '"'
)
"""
_TABLE = """
create or replace temp table log_row (
    case_key varchar, activity varchar, at_text varchar, order_text varchar, lifecycle varchar, line bigint
)
"""
_COLUMNS = ("case_key", "activity", "at_text", "order_text", "lifecycle")
_BATCH = 100_000
_ROWS = """
create or replace temp table log_event as
select
    case_key,
    activity,
    try_cast(at_text as timestamptz) as occurred_at,
    {tie} as tie,
    lower(trim(lifecycle)) as lifecycle
from log_row
where case_key is not null and activity is not null and try_cast(at_text as timestamptz) is not null
"""
_EVENTS = """
create or replace temp table event as
with placed as (
    select
        *,
        row_number() over (partition by case_key, activity, lifecycle order by occurred_at, tie) as turn
    from log_event
    where lifecycle in ('start', 'complete')
)
select
    done.case_key,
    done.activity,
    done.occurred_at,
    done.tie,
    begun.occurred_at as started_at
from placed as done
left join placed as begun
    on begun.case_key = done.case_key and begun.activity = done.activity and begun.turn = done.turn
    and begun.lifecycle = 'start' and begun.occurred_at <= done.occurred_at
where done.lifecycle = 'complete'
"""
_UNFINISHED = """
select case_key
from log_event
group by case_key, activity
having count(*) filter (where lifecycle = 'start') > count(*) filter (where lifecycle = 'complete')
"""
_BAD = {
    "no case": ("case_key is null", "Fill in the case."),
    "no activity": ("activity is null", "Fill in the activity."),
    "no time": ("at_text is null", "Fill in the time."),
    "no readable time": (
        "at_text is not null and try_cast(at_text as timestamptz) is null",
        "Write times as 2026-04-13 08:05:00 or 2026-04-13T08:05:00+02:00.",
    ),
}
_HAS_OFFSET = r"regexp_matches(at_text, '\d(Z|[+-]\d{2}(:?\d{2})?)$')"


@dataclass(frozen=True)
class Columns:
    """The names of the log's columns; `order` tells which of two events at the same time came first."""

    case: str
    activity: str
    occurred_at: str
    order: str | None = None
    lifecycle: str | None = None


@dataclass(frozen=True)
class BadRows:
    """Rows left out under one rule; `line` is the file's line of the first of them."""

    rule: str
    count: int
    line: int
    cure: str


@dataclass(frozen=True)
class EventLog:
    """What was read: rows of the file, those left out, and what a reader of the numbers must know.

    `unfinished` are the cases with a step that was begun and not completed; null where begins are not told.
    """

    rows: int
    bad: tuple[BadRows, ...]
    notes: tuple[str, ...]
    unfinished: frozenset[str] | None


def read(db: duckdb.DuckDBPyConnection, path: Path, columns: Columns, zone: str | None = None) -> EventLog:
    """Load the log into the relation `event`. Times without an offset are read in `zone`, else as they are written.

    Raises:
        ConfigurationError: a column is not there, or the lifecycle column never says "complete".
        UnreadableFile: the file cannot be opened, or is empty.
        PipelineError: no row of it could be read.
    """
    db.execute(f"set timezone = '{ZoneInfo(zone or 'UTC').key}'")
    delimiter, header = _header(path, columns)
    unread = _load(db, path, columns, delimiter, header)
    ((loaded,),) = db.execute("select count(*) from log_row").fetchall()
    rows = loaded + sum(each.count for each in unread)
    bad = tuple(sorted([*unread, *_unusable(db)], key=lambda each: each.line))
    if rows == sum(each.count for each in bad):
        first = f" Line {bad[0].line}: {bad[0].rule}. {bad[0].cure}" if bad else " It holds a header only."
        raise PipelineError(f"{path}: no row could be read.{first}")
    _keep_good_rows(db, columns)
    notes = _notes(db, columns, zone)
    if columns.lifecycle is None:
        db.execute("create or replace temp view event as select *, null::timestamptz as started_at from log_event")
        return EventLog(rows, bad, notes, None)
    _check_lifecycle(db, path, columns.lifecycle)
    db.execute(_EVENTS)
    unfinished = frozenset(case for (case,) in db.execute(_UNFINISHED).fetchall())
    return EventLog(rows, bad, notes, unfinished)


def _header(path: Path, columns: Columns) -> tuple[str, list[str]]:
    """The delimiter under which every named column is in the first line, and that line's names."""
    try:
        with path.open("rb") as stream:
            first = stream.readline().decode("utf-8-sig", errors="replace").rstrip("\r\n")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}. Name a CSV file that you may read.") from error
    if not first.strip():
        raise UnreadableFile(f"{path} is empty. An event log is a CSV file with a header and one event a line.")
    wanted = [name for name in vars(columns).values() if name is not None]
    headers = {delimiter: next(csv.reader([first], delimiter=delimiter)) for delimiter in _DELIMITERS}
    best = max(
        _DELIMITERS, key=lambda delimiter: (sum(name in headers[delimiter] for name in wanted), len(headers[delimiter]))
    )
    for name in wanted:
        if headers[best].count(name) != 1:
            how = "twice" if name in headers[best] else "not"
            cure = "Rename one of them." if name in headers[best] else did_you_mean(name, headers[best]).strip()
            raise ConfigurationError(f"{path}: the column {name!r} is {how} in its header. {cure}")
    return best, headers[best]


def _load(
    db: duckdb.DuckDBPyConnection, path: Path, columns: Columns, delimiter: str, header: Sequence[str]
) -> list[BadRows]:
    """Fill `log_row`; returns what could not be read as rows. A file without a fault is read by DuckDB, in parallel;
    one with any fault row by row, because only then the line of the fault is known.
    """
    wanted = (columns.case, columns.activity, columns.occurred_at, columns.order, columns.lifecycle)
    places = [None if name is None else header.index(name) for name in wanted]
    listed = ", ".join(
        f"{'null::varchar' if place is None else f'c{place}'} as {name}"
        for name, place in zip(_COLUMNS, places, strict=True)
    )
    names = "{" + ", ".join(f"'c{number}': 'varchar'" for number in range(len(header))) + "}"
    try:
        db.execute(_READ.format(columns=listed, names=names), {"path": str(path), "delimiter": delimiter})
    except duckdb_error():
        return _load_row_by_row(db, path, delimiter, len(header), places)
    anything = " or ".join(condition for condition, _ in _BAD.values())
    ((is_faulty,),) = db.execute(f"select exists(select 1 from log_row where {anything})").fetchall()
    return _load_row_by_row(db, path, delimiter, len(header), places) if is_faulty else []


def duckdb_error() -> type[Exception]:
    """DuckDB's own error, which takes the library's import to name."""
    import duckdb

    return duckdb.Error


def _load_row_by_row(
    db: duckdb.DuckDBPyConnection, path: Path, delimiter: str, width: int, places: Sequence[int | None]
) -> list[BadRows]:
    found: dict[str, list[int]] = {}
    batch: list[list[str | int | None]] = []
    db.execute(_TABLE)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        next(reader)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error:
                found.setdefault("quotes", []).append(line)
                continue
            if len(fields) != width:
                if fields:
                    found.setdefault("width", []).append(line)
                continue
            row = [None if place is None else fields[place] or None for place in places]
            if any(value is not None and not _is_utf8(value) for value in row):
                found.setdefault("text", []).append(line)
                continue
            batch.append([*row, line])
            if len(batch) == _BATCH:
                _insert(db, batch)
                batch = []
    _insert(db, batch)
    rules = {
        "quotes": ("quotes that do not close", "Close every quoted field, and double a quote inside one."),
        "width": (f"not {width} fields like the header", "Quote fields that hold the delimiter or a line break."),
        "text": ("text that is not UTF-8", "Save the file as UTF-8."),
    }
    return [BadRows(rules[kind][0], len(lines), lines[0], rules[kind][1]) for kind, lines in found.items()]


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _insert(db: duckdb.DuckDBPyConnection, batch: list[list[str | int | None]]) -> None:
    import pyarrow as pa

    if batch:
        *texts, lines = zip(*batch, strict=True)
        arrays = [*(pa.array(each, pa.string()) for each in texts), pa.array(lines, pa.int64())]
        append(db, "log_row", pa.table(arrays, names=[*_COLUMNS, "line"]))


def _keep_good_rows(db: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    tie = "rowid"  # a table keeps the order of the file it was filled from
    if columns.order:
        ((is_number,),) = db.execute(
            "select bool_and(try_cast(order_text as double) is not null) from log_row where order_text is not null"
        ).fetchall()
        tie = "try_cast(order_text as double)" if is_number else "order_text"
    db.execute(_ROWS.format(tie=tie))


def _unusable(db: duckdb.DuckDBPyConnection) -> list[BadRows]:
    """Rows without a case, an activity or a time, each under the first rule that it breaks."""
    rules = " ".join(f"when {condition} then '{rule}'" for rule, (condition, _) in _BAD.items())
    found = db.execute(
        f"select case {rules} end as rule, count(*), min(line) from log_row group by 1 having rule is not null"
    ).fetchall()
    return [BadRows(rule, count, line, _BAD[rule][1]) for rule, count, line in found]


def _notes(db: duckdb.DuckDBPyConnection, columns: Columns, zone: str | None) -> tuple[str, ...]:
    ((local, days),) = db.execute(
        f"""select count(*) filter (where not {_HAS_OFFSET}), count(*) filter (where length(trim(at_text)) <= 10)
        from log_row where try_cast(at_text as timestamptz) is not null"""
    ).fetchall()
    notes: list[str] = []
    if local and zone is None:
        notes.append(
            f"{local:,} times carry no offset and were taken as written: a wait across a clock change is an hour out. Give --zone."
        )
    if days:
        notes.append(
            f"{days:,} times are days without an hour; they count as midnight, so waits beside them are no measurement."
        )
    if columns.lifecycle:
        ((other,),) = db.execute(
            "select count(*) from log_event where coalesce(lifecycle, '') not in ('start', 'complete')"
        ).fetchall()
        if other:
            notes.append(f"{other:,} rows are neither start nor complete in {columns.lifecycle!r}; they are not steps.")
    return tuple(notes)


def _check_lifecycle(db: duckdb.DuckDBPyConnection, path: Path, column: str) -> None:
    found = dict(db.execute("select lifecycle, count(*) from log_event group by 1 order by 2 desc limit 5").fetchall())
    if "complete" not in found:
        seen = ", ".join(repr(each) for each in found)
        raise ConfigurationError(
            f"{path}: the column {column!r} never says 'complete'. It says: {seen}. Name another --lifecycle."
        )
