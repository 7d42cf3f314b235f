"""Hours lost, by what took them: the published table `lost_total`, of the newest windows.

Here: sums of `marts.lost_time`, and of late openings of results (`marts.result_opening`), over places and causes, how sure they are, and
small numbers hidden. Not here: what counts as lost (`models/sql/marts/lost_time.sql`), what to do about it (`models.priorities`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from models.disclosure import Cell, suppress
from models.resampling import drawn_sums, middle_95

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb

    from pipelines.aggregates.periods import Window

NAME = "lost_total"
UNKNOWN = "unknown"

Row = dict[str, Any]
Measured = Mapping[str, "frozenset[str | None] | None"]
"""Causes of which hours can be counted, and at which facilities (null: all together); None where at every one."""

_NUMBERS = ("lost_hours", "hours_waited", "estimated_hours", "stretches", "patients")

_LEVELS = {
    "all": (),
    "cause": ("cause",),
    "reason": ("cause", "reason"),
    "step": ("cause", "source", "channel", "workflow", "activity"),
}
"""What is told apart at each level: everything together, by cause, by reason, by hop or step."""
_LABELS = ("facility", "cause", "reason", "source", "channel", "workflow", "activity")
_COLUMNS = """
    round(sum(minutes::decimal(18, 6)) / 60, 6) as lost_hours,
    round(sum(minutes_waited::decimal(18, 6)) / 60, 6) as hours_waited,
    round(coalesce(sum(minutes::decimal(18, 6)) filter (where is_estimated), 0) / 60, 6) as estimated_hours,
    count(*) as stretches,
    count(distinct coalesce(patient_key, encounter_key, lost_key)) as patients,
    list_sort(list(distinct wait_kind) filter (where wait_kind is not null)) as wait_kinds
"""
_STRETCHES = """
create or replace temp table lost_stretch as
select
    lost_key, patient_key, encounter_key, facility, cause, reason, wait_kind, workflow, activity, source, channel, minutes,
    minutes_waited, is_estimated, lost_date
from marts.lost_time
where lost_date >= $start and lost_date < $end
union all
select
    'opening:' || order_key, patient_key, encounter_key, facility, 'record', 'access', null, 'order-to-acknowledged-result',
    'result opened', null, null, minutes_lost, minutes_late, false, lost_date
from marts.result_opening
where minutes_lost > 0
    and lost_date >= $start and lost_date < $end
    and facility in (
        select facility from marts.result_opening
        where minutes_lost > 0 and lost_date >= $start and lost_date < $end
        group by facility having count(distinct opener) >= $people
    )
"""
"""What was lost in a window. Of late openings nothing leaves the warehouse but sums, and of a facility only where enough people opened
results.
"""
_MEASURED = """
select 'integration' as cause where exists (from marts.wait_part where part not in ('people', 'unknown'))
union all
select distinct case when is_record then 'record' else 'workflow' end
from staging.registry_step where window_minutes is not null and workflow <> 'message-delivery'
"""
"""Causes of which hours can be counted here: a cause that lost none has a row of zero, one that cannot be counted has none."""
_AUDITED = "select facility from marts.result_opening group by facility having count(distinct opener) >= $people"
"""Facilities of which audit trails tell enough to measure the record."""
_OWNERS = """
select source, channel, cast(null as varchar) as workflow, cast(null as varchar) as activity, owner
from staging.registry_interface
union all
select null, null, workflow, activity, nullif(owner, '') from staging.registry_step
"""
_SHAPE = {
    "breakdown": pl.String,
    **dict.fromkeys(_LABELS, pl.String),
    "owner": pl.String,
    "grain": pl.String,
    "period": pl.Date,
    "period_end": pl.Date,
    "lost_hours": pl.Float64,
    "lost_low": pl.Float64,
    "lost_high": pl.Float64,
    "share": pl.Float64,
    "share_low": pl.Float64,
    "share_high": pl.Float64,
    "hours_waited": pl.Float64,
    "estimated_hours": pl.Float64,
    "unknown_hours": pl.Float64,
    "stretches": pl.Int64,
    "patients": pl.Int64,
    "wait_kinds": pl.List(pl.String),
    "suppressed": pl.Boolean,
}
_SHOWN = ("breakdown", *_LABELS, "owner", "grain", "period", "period_end", "suppressed")


def lost_total(db: duckdb.DuckDBPyConnection, windows: Sequence[Window], suppress_below: int) -> pl.DataFrame:
    """One row per window, facility (null: all), level and cause, reason, hop or step; where `suppressed` is true every number is null.

    Windows without a first day are left out. Shares are of what was lost at the place; unknown hours are never part of that.
    """
    owners = {tuple(row[:4]): row[4] for row in db.execute(_OWNERS).fetchall()}
    people = {"people": suppress_below}
    measured: dict[str, frozenset[str | None] | None] = dict.fromkeys(
        sorted(row[0] for row in db.execute(_MEASURED).fetchall())
    )
    if "record" not in measured and (audited := [row[0] for row in db.execute(_AUDITED, people).fetchall()]):
        measured["record"] = frozenset([None, *audited])
    found: list[Row] = []
    for window in windows:
        if window.start is None or window.end is None:
            continue
        db.execute(_STRETCHES, people | {"start": window.start, "end": window.end})
        of_window = _of_window(db, window.start, window.end, measured)
        span = {"grain": window.name, "period": window.start, "period_end": window.end}
        found += [
            row | span | {"owner": owners.get((row["source"], row["channel"], row["workflow"], row["activity"]))}
            for row in of_window
        ]
    return pl.DataFrame(hidden(found, suppress_below), schema=_SHAPE, orient="row")


def hidden(found: Sequence[Row], suppress_below: int) -> list[Row]:
    """The rows without the numbers of too few patients, and without those by which another row would tell what is hidden.

    Stretches and hours add up, over facilities and from steps and from reasons to their cause and to all; patients, who may be in several
    causes, do not. So sums are guarded by stretches, and patients say which are small. A share tells its whole, and unknown hours are a
    row of their own.
    """
    cells = suppress([_cell(row) for row in found], suppress_below, guard_all=True)
    gone = {_place(row) for row, cell in zip(found, cells, strict=True) if cell.suppressed}
    rows: list[Row] = []
    for row, cell in zip(found, cells, strict=True):
        named = {name: row.get(name) for name in _SHAPE} | {"suppressed": cell.suppressed}
        whole = {name: None for name in _LABELS if name != "facility"} | {"breakdown": "all"}
        unknown = {"cause": UNKNOWN, "reason": None, "source": None, "channel": None}
        unknown["breakdown"] = "step" if row["activity"] else "cause"
        taken = [name for name in _SHAPE if cell.suppressed and name not in _SHOWN]
        taken += ["share", "share_low", "share_high"] if _place(row | whole) in gone else []
        taken += ["unknown_hours"] if _place(row | unknown) in gone else []
        rows.append(named | dict.fromkeys(taken))
    return rows


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("grain", "period", "period_end", "breakdown", *_LABELS))


def _cell(row: Row) -> Cell:
    """A row where sums can be seen: by facility, cause, reason and step. What is unknown is in no total, so it stands apart."""
    step = "\n".join(str(row[name]) for name in _LABELS[3:]) if row["breakdown"] == "step" else None
    apart = UNKNOWN if row["cause"] == UNKNOWN else "lost"
    place = (row["facility"], apart, row["cause"], row["reason"], step)
    return Cell(place, row["grain"], row["period"], row["period_end"], row["stretches"], people=row["patients"])


def _of_window(db: duckdb.DuckDBPyConnection, start: date, end: date, measured: Measured) -> list[Row]:
    rows: list[Row] = []
    for level, labels in _LEVELS.items():
        rows += _sums(db, level, labels, f"cause <> '{UNKNOWN}'", start)
        if level in ("cause", "step"):
            rows += _sums(db, level, labels, f"cause = '{UNKNOWN}'", start)
    known = {(row["facility"], row["cause"]) for row in rows if row["breakdown"] == "cause"}
    rows += [
        dict.fromkeys(_LABELS)
        | dict.fromkeys(_NUMBERS, 0)
        | {"breakdown": "cause", "facility": place, "cause": cause, "daily": {}}
        for place in [row["facility"] for row in rows if row["breakdown"] == "all"]
        for cause, places in measured.items()
        if (place, cause) not in known and (places is None or place in places)
    ]
    rows.sort(key=lambda row: [(row[name] is not None, row[name] or "") for name in ("breakdown", *_LABELS)])
    drawn = drawn_sums([row.pop("daily") for row in rows], (end - start).days)
    whole = {
        row["facility"]: (row["lost_hours"], sums)
        for row, sums in zip(rows, drawn, strict=True)
        if row["breakdown"] == "all"
    }
    unknown = {
        (row["facility"], row["workflow"], row["activity"]): row["lost_hours"]
        for row in rows
        if row["cause"] == UNKNOWN
    }
    for row, sums in zip(rows, drawn, strict=True):
        row["lost_low"], row["lost_high"] = middle_95(sums) or (None, None)
        total = whole.get(row["facility"])
        if row["cause"] != UNKNOWN and total is not None and total[0]:
            row["share"] = round(row["lost_hours"] / total[0], 6)
            shares = [part / of for part, of in zip(sums, total[1], strict=True) if of]
            row["share_low"], row["share_high"] = middle_95(shares) or (None, None)
        row["unknown_hours"] = unknown.get((row["facility"], row["workflow"], row["activity"]), 0.0)
    return rows


def _sums(db: duckdb.DuckDBPyConnection, level: str, labels: tuple[str, ...], condition: str, start: date) -> list[Row]:
    """The sums of a level, for each facility and for all, with `daily`: hours by number of the day in the window."""
    names = [name for name in _LABELS if name == "facility" or name in labels]
    listed = ", ".join(names)
    grouped = f"group by grouping sets (({listed}), ({', '.join(labels)}))"
    source = f"from lost_stretch where {condition}"
    rows = db.sql(f"select {listed}, {_COLUMNS} {source} {grouped}").pl().to_dicts()
    by_day: dict[tuple[Any, ...], dict[int, float]] = {}
    days = f"select {listed}, lost_date - $start::date as day_no, sum(minutes::decimal(18, 6)) / 60 as lost_hours"
    with_day = f"group by grouping sets (({listed}, lost_date), ({', '.join((*labels, 'lost_date'))}))"
    for day in db.sql(f"{days} {source} {with_day}", params={"start": start}).pl().sort("day_no").to_dicts():
        by_day.setdefault(tuple(day[name] for name in names), {})[day["day_no"]] = day["lost_hours"]
    return [
        dict.fromkeys(_LABELS) | row | {"breakdown": level, "daily": by_day.get(tuple(row[name] for name in names), {})}
        for row in rows
    ]
