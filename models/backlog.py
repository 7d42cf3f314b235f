"""Work that is open at the end of local periods: the census of `models.census`, over a mart's calendar columns.

For everything that waits: handoffs, orders, beds, messages. Because cases are counted by the mart's calendar columns,
no instant is compared with a local midnight except for ages.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw

from models.census import Label, Table, bins_of, flows, standings
from models.errors import ZoneMissing
from models.measures import Frame

Grain = Literal["hour", "day", "week", "month"]

CALENDAR: dict[Grain, str] = {"hour": "hour", "day": "date", "week": "week", "month": "month"}
"""The suffix of the calendar column that a grain reads: `<clock>_<suffix>`."""

Period = date | datetime

_MINUTE = 60.0
_BY_THEN, _LATER = 0, 1


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
    zone = as_of.tzinfo
    if grain is None:
        entered_in, left_in = (_by_then(f"{clock}_date", end) for clock in (opened, closed))
    else:
        entered_in, left_in = (nw.col(f"{clock}_{CALENDAR[grain]}") for clock in (opened, closed))
    changes = flows(
        rows,
        f"{opened}_epoch",
        f"{closed}_epoch",
        by=by,
        entered_in=entered_in,
        left_in=left_in,
        origin=as_of.timestamp(),
    )
    labels: list[Label] = []
    ends: list[datetime] = []
    if grain is None:
        labels, ends = [_BY_THEN], [as_of if end is None else min(as_of, _midnight(end, zone))]
    elif (first := start or _first_day(changes)) is not None:
        last = as_of.date() if end is None else min(end - timedelta(days=1), as_of.date())
        for label, until in _periods(first, last, grain, as_of):
            labels.append(label)
            ends.append(until)
    bins = bins_of(labels, [0.0] * len(labels), [until.timestamp() - as_of.timestamp() for until in ends])
    count = nw.col("n").cast(nw.Int64)
    return (
        standings(changes, bins, by=by)
        .select(
            *by,
            *(() if grain is None else (nw.col("bin").alias("period"),)),
            value=nw.col("n").cast(nw.Float64),
            numerator=nw.col("age") / _MINUTE,
            denominator=count,
            open_cases=count,
        )
        .lazy()
    )


def _by_then(column: str, end: date | None) -> nw.Expr:
    """Whether it happened before the local day `end`, or at all when there is none; null where it did not."""
    day = nw.col(column)
    by_then = nw.lit(_BY_THEN)
    if end is not None:
        by_then = nw.when(day < end).then(by_then).otherwise(nw.lit(_LATER))
    return nw.when(~day.is_null()).then(by_then)


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


def _first_day(changes: Table) -> date | None:
    """The local day of the first opening or closing of any group; None where there is none."""
    first = changes["bin"].min()
    return first.date() if isinstance(first, datetime) else first
