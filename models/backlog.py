"""Work that is open at an instant: signed events and prefix sums, never a join of ranges.

One algorithm for everything that waits: handoffs, orders, beds, messages. A case is +1 in the local period it was
opened and -1 in the one it was closed; the running sum over periods is what was open at each period's end. Because the
events are counted by the mart's calendar columns, no instant is compared with a local midnight except for ages.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw

from models.errors import ZoneMissing
from models.measures import Frame, number_of, number_of_rows

Grain = Literal["hour", "day", "week", "month"]

CALENDAR: dict[Grain, str] = {"hour": "hour", "day": "date", "week": "week", "month": "month"}
"""The suffix of the calendar column that a grain reads: `<clock>_<suffix>`."""

Period = date | datetime
Key = tuple[object, ...]
Change = tuple[int, float]
"""Cases opened minus closed, and the sum of their opening times (seconds since 1970)."""

_MINUTE = 60.0


def columns(clock: str) -> set[str]:
    """The mart columns of a clock that opens or closes cases: its local calendar, and the instant as an epoch."""
    return {f"{clock}_{suffix}" for suffix in CALENDAR.values()} | {f"{clock}_epoch"}


def is_open(opened: str, closed: str, end: date | None) -> nw.Expr:
    """Open at the end of the local day before `end`, or at the data cut when `end` is None."""
    closing, opening = nw.col(f"{closed}_date"), nw.col(f"{opened}_date")
    if end is None:
        return ~opening.is_null() & closing.is_null()
    return (opening < end).fill_null(value=False) & (closing.is_null() | (closing >= end))


def open_at(
    rows: Frame,
    opened: str,
    closed: str,
    *,
    by: Sequence[str],
    grain: Grain | None,
    start: date | None,
    end: date | None,
    as_of: datetime,
) -> Frame:
    """Cases open at the end of each local period, or at the end of the selected time when there is no grain.

    Every group has every period from `start` (else the first opening of any group) to `end` or the data cut,
    whichever is first; the last one is evaluated at the data cut when that comes before its end.

    Returns:
        Polars rows `{*by, period?, value, numerator, denominator, open_cases}`: value, denominator and open cases are
        how many; numerator is their total age in minutes.

    Raises:
        ZoneMissing: `as_of` has no named time zone.
    """
    if not isinstance(as_of.tzinfo, ZoneInfo):
        raise ZoneMissing(as_of)
    if grain is None:
        found = _open_now(rows, is_open(opened, closed, end), opened, by)
        until = as_of if end is None else min(as_of, _midnight(end, as_of.tzinfo))
        return _frame(by, [(key, None, n, seconds, until) for key, (n, seconds) in found.items()], dated=False)
    changes = _changes(rows, opened, closed, by, grain)
    first = start or min((_day(period) for group in changes.values() for period in group), default=None)
    last = as_of.date() if end is None else min(end - timedelta(days=1), as_of.date())
    table: list[tuple[Key, Period | None, int, float, datetime]] = []
    periods = list(_periods(first, last, grain, as_of)) if first is not None else []
    for key, group in sorted(changes.items(), key=lambda item: tuple(map(str, item[0]))):
        pending = sorted(group.items(), key=lambda item: item[0], reverse=True)
        n, seconds = 0, 0.0
        for period, until in periods:
            while pending and pending[-1][0] <= period:  # pyright: ignore[reportOperatorIssue] - one kind per grain
                _, (more, their_seconds) = pending.pop()
                n, seconds = n + more, seconds + their_seconds
            table.append((key, period, n, seconds, until))
    return _frame(by, table, dated=True)


def _open_now(rows: Frame, is_waiting: nw.Expr, opened: str, by: Sequence[str]) -> dict[Key, Change]:
    """How many rows of each group wait, and the sum of their opening times; a group where none does has 0."""
    rows = rows.with_columns(_waits=is_waiting)
    totals = {
        "n": number_of(nw.col("_waits")),
        "seconds": nw.when(nw.col("_waits")).then(nw.col(f"{opened}_epoch")).sum().fill_null(0.0),
    }
    grouped = rows.group_by(*by).agg(**totals).sort(*by) if by else rows.select(**totals)
    return {
        tuple(row[key] for key in by): (int(row["n"]), float(row["seconds"]))
        for row in grouped.collect("pyarrow").rows(named=True)
    }


def _changes(rows: Frame, opened: str, closed: str, by: Sequence[str], grain: Grain) -> dict[Key, dict[Period, Change]]:
    """Net change per group and period: one aggregation for the openings, one for the closings."""
    net: dict[Key, dict[Period, Change]] = defaultdict(dict)
    if not by:
        net[()] = {}
    for clock, sign in ((opened, 1), (closed, -1)):
        period = nw.col(f"{clock}_{CALENDAR[grain]}")
        events = (
            rows.filter(~nw.col(f"{opened}_epoch").is_null() & ~period.is_null())
            .with_columns(period=period)
            .group_by(*by, "period")
            .agg(n=number_of_rows(), seconds=nw.col(f"{opened}_epoch").sum())
        )
        for row in events.collect("pyarrow").rows(named=True):
            group = net[tuple(row[key] for key in by)]
            n, seconds = group.get(row["period"], (0, 0.0))
            group[row["period"]] = (n + sign * int(row["n"]), seconds + sign * float(row["seconds"]))
    return net


def _frame(
    by: Sequence[str], table: Sequence[tuple[Key, Period | None, int, float, datetime]], *, dated: bool
) -> Frame:
    """The result's columns; ages are counted to `until`."""
    result: dict[str, list[object]] = {name: [row[0][i] for row in table] for i, name in enumerate(by)}
    if dated:
        result["period"] = [row[1] for row in table]
    counts: list[object] = [row[2] for row in table]
    ages: list[object] = [(row[2] * row[4].timestamp() - row[3]) / _MINUTE for row in table]
    result |= {"value": counts, "numerator": ages, "denominator": counts, "open_cases": counts}
    whole, real = nw.Int64, nw.Float64
    schema = {"value": real, "numerator": real, "denominator": whole, "open_cases": whole}
    return (
        nw.from_dict(result, backend="polars")
        .with_columns(**{name: nw.col(name).cast(kind) for name, kind in schema.items()})
        .lazy()
    )


def _periods(first: date, last: date, grain: Grain, as_of: datetime) -> Iterator[tuple[Period, datetime]]:
    """Each local period from the one that holds `first` to the one that holds `last`, with the instant it ends.

    The last ends at the data cut when that comes first. A local hour that the clock skips in spring does not exist;
    the one it repeats in autumn is one period of two hours.
    """
    zone = as_of.tzinfo
    if grain == "hour":
        instant = _midnight(first, zone).astimezone(UTC)
        stop = min(as_of, _midnight(last + timedelta(days=1), zone))
        while instant < stop:
            label = instant.astimezone(zone).replace(tzinfo=None, fold=0)
            while instant.astimezone(zone).replace(tzinfo=None, fold=0) == label:
                instant += timedelta(hours=1)
            yield label, min(instant, as_of)
        return
    period = _start_of(first, grain)
    while period <= last and _midnight(period, zone) < as_of:
        following = _following(period, grain)
        yield period, min(_midnight(following, zone), as_of)
        period = following


def _start_of(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _following(period: date, grain: Grain) -> date:
    if grain == "month":
        return (period.replace(day=28) + timedelta(days=4)).replace(day=1)
    return period + timedelta(days=7 if grain == "week" else 1)


def _midnight(day: date, zone: object) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)  # pyright: ignore[reportArgumentType] - checked in open_at


def _day(period: Period) -> date:
    return period.date() if isinstance(period, datetime) else period
