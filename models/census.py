"""Who was there: intervals open over time, counted by signed events and prefix sums, never by a join of ranges.

One algorithm for everything that begins and ends: stays, handoffs, orders, beds to clean. A case is +1 in the bin in
which it opens and -1 in the one in which it closes; running sums over the bins give who is there at each bin's end, how
long they have been there, and the time-average in between, exact to the millisecond. Cases still open count.

Sums are of whole milliseconds: sums of fractions of seconds would leave a rest where nobody is.

Here: the algorithm over instants as seconds since 1970; rows are aggregated on any engine, their few sums in Polars.
Not here: what a local day is (`backlog`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import narwhals.stable.v2 as nw

from models.measures import Frame, number_of_rows

Label = int | date | datetime
"""What a bin is called: its number, or its local day or hour. Labels of one census are of one kind and in order."""
Table = nw.DataFrame[Any]
"""A small result in memory."""

HOUR = timedelta(hours=1)
_MINUTE = 60.0
_MILLISECONDS = 1_000
_BEFORE, _WITHIN, _AFTER = -1, 0, 1
_FLOW = ("entered", "entered_at", "left", "left_at", "left_since")
_EVERYBODY = "_everybody"


@dataclass(frozen=True)
class Little:
    """Little's law over a window: L = arrivals a second x mean stay holds when as much age leaves as enters.

    `held` is all case-seconds of the window (L times its length) and equals `left_stays + age_at_end - age_at_start`,
    always. `gap` is the part of `held` that completed stays do not explain, 0 for a ward in balance: near 1 when ends
    are missing, far below 0 when starts are; null when nobody was there.
    """

    held: float
    left_stays: float
    age_at_start: float
    age_at_end: float

    @property
    def gap(self) -> float | None:
        """The share (of L) by which L and arrivals x stay differ."""
        return (self.held - self.left_stays) / self.held if self.held else None


def bins_of(labels: Sequence[Label], begins: Sequence[float], ends: Sequence[float]) -> Table:
    """Bins in order, each from `begin` to `end` in seconds since the census's origin."""
    instants = {
        "begin": [round(at * _MILLISECONDS) for at in begins],
        "end": [round(at * _MILLISECONDS) for at in ends],
    }
    table = nw.from_dict({"bin": list(labels), **instants}, backend="polars")
    return table.with_columns(nw.col("begin", "end").cast(nw.Int64))


def flows(
    rows: Frame,
    opened: str,
    closed: str,
    *,
    by: Sequence[str],
    entered_in: nw.Expr,
    left_in: nw.Expr,
    origin: float = 0.0,
) -> Table:
    """What changes in each group and bin: one aggregation of the openings, one of the closings.

    `opened` and `closed` are columns of seconds since 1970; `entered_in` and `left_in` give the bin of each. A row that
    never opened is nobody; a null `left_in` is still open.

    Returns:
        Rows `{*by, bin, entered, entered_at, left, left_at, left_since}`, up to two a group and bin: cases that came and
        went, the sums of the instants at which they did (milliseconds since `origin`), and of those at which those who
        left had come.
    """
    since, until = (((nw.col(name) - origin) * _MILLISECONDS).round().cast(nw.Int64) for name in (opened, closed))
    rows = rows.filter(~nw.col(opened).is_null())
    sides = (
        (entered_in, {"entered": number_of_rows(), "entered_at": _total("_since")}),
        (left_in, {"left": number_of_rows(), "left_at": _total("_until"), "left_since": _total("_since")}),
    )
    found = [
        rows.with_columns(_since=since, _until=until, bin=label)
        .filter(~nw.col("bin").is_null())
        .group_by(*by, "bin")
        .agg(**sums)
        .collect("polars")
        for label, sums in sides
    ]
    return nw.concat([_complete(table, by) for table in found])


def _total(column: str) -> nw.Expr:
    return nw.col(column).sum().cast(nw.Int64)


def _complete(table: Table, by: Sequence[str]) -> Table:
    """All columns of a flow, those it lacks as zeros."""
    zeros = {name: nw.lit(0) for name in _FLOW if name not in table.columns}
    return table.with_columns(**zeros).select(*by, "bin", *(nw.col(name).cast(nw.Int64) for name in _FLOW))


def standings(changes: Table, bins: Table, *, by: Sequence[str], groups: Table | None = None) -> Table:
    """Prefix sums of each group over the bins; what changed before the first bin is who was there already.

    Returns:
        Rows `{*by, bin, begin, end, entered, left, held, n, age}` for every group (of `groups`, else of the changes)
        and bin, sorted: `held` is case-seconds within the bin; `n` cases and their `age` (seconds, all together) stand
        at its end.
    """
    if not by:
        by = (_EVERYBODY,)
        changes = changes.with_columns(nw.lit(1).alias(_EVERYBODY))
        groups = nw.from_dict({_EVERYBODY: [1]}, backend="polars")
        groups = groups.with_columns(nw.col(_EVERYBODY).cast(changes.schema[_EVERYBODY]))
    groups = changes.select(*by).unique() if groups is None else groups
    grid = groups.join(bins.select(nw.col("bin").cast(changes.schema["bin"])), how="cross")
    table = nw.concat([changes.select(*by, "bin", *_FLOW), _complete(grid, by)])
    table = table.group_by(*by, "bin").agg(*(nw.col(name).sum() for name in _FLOW))
    net, net_since = nw.col("entered") - nw.col("left"), nw.col("entered_at") - nw.col("left_since")
    table = table.with_columns(
        n=net.cum_sum().over(*by, order_by="bin"), _since=net_since.cum_sum().over(*by, order_by="bin")
    )
    known = bins.with_columns(nw.col("bin").cast(changes.schema["bin"]))
    before, end = nw.col("n") - net, nw.col("end")
    return (
        table.join(known, on="bin", how="inner")
        .with_columns(
            held=_seconds(before * (end - nw.col("begin")) + net * end - nw.col("entered_at") + nw.col("left_at")),
            age=_seconds(nw.col("n") * end - nw.col("_since")),
        )
        .sort(*by, "bin")
        .drop(_EVERYBODY, strict=False)
    )


def _seconds(milliseconds: nw.Expr) -> nw.Expr:
    return milliseconds.cast(nw.Float64) / _MILLISECONDS


def census(
    rows: Frame,
    opened: str,
    closed: str,
    *,
    between: tuple[datetime, datetime],
    width: timedelta = HOUR,
    by: Sequence[str] = (),
    ages: Sequence[timedelta] = (),
    ignore_open: bool = False,
) -> Frame:
    """Arrivals, departures, mean occupancy and who is there, in bins of equal width over a stretch of time.

    Args:
        rows: intervals on any engine.
        opened: column, seconds since 1970; a row without it is left out.
        closed: column, seconds since 1970; null is still open.
        between: the first instant of the first bin, and the end, which is rounded up to whole bins; with zones.
        width: length of a bin in elapsed time: an hour stays an hour when clocks change.
        by: columns to group by.
        ages: for each, how many of those there at a bin's end have been there longer.
        ignore_open: leave out cases without an end, as some census tools do. Never for a backlog.

    Returns:
        Polars rows `{*by, bin_start, arrivals, departures, occupancy, open_cases, mean_age_minutes,
        open_<minutes>_minutes...}` by group and bin: occupancy is the time-average; a bin's end is the moment just
        before it, so that who leaves then is still there; mean age is null where nobody is.
    """
    if ignore_open:
        rows = rows.filter(~nw.col(closed).is_null())
    origin, seconds = between[0].timestamp(), width.total_seconds()
    number = math.ceil((between[1].timestamp() - origin) / seconds)
    begins = [i * seconds for i in range(number + 1)]
    bins = bins_of(range(number), begins[:-1], begins[1:])

    def changes(rows: Frame, opened: str) -> Table:
        entered_in, left_in = (
            ((nw.col(name) - origin) / seconds).floor().cast(nw.Int64).clip(-1, number) for name in (opened, closed)
        )
        return flows(rows, opened, closed, by=by, entered_in=entered_in, left_in=left_in, origin=origin)

    whole = changes(rows, opened)
    groups = whole.select(*by).unique() if by else None
    found = standings(whole, bins, by=by)
    count = nw.col("n").cast(nw.Int64)
    result = found.select(
        *by,
        bin_start=nw.lit(between[0]) + nw.col("bin") * nw.lit(width),
        arrivals=nw.col("entered").cast(nw.Int64),
        departures=nw.col("left").cast(nw.Int64),
        occupancy=nw.col("held") / seconds,
        open_cases=count,
        mean_age_minutes=nw.when(nw.col("n") > 0).then(nw.col("age") / nw.col("n") / _MINUTE),
    )
    for age in ages:
        # Open for over c at t  <=>  open at t in the census of intervals that begin c later and still have a length.
        later = nw.col(opened) + age.total_seconds()
        shifted = rows.with_columns(_later=later).filter(nw.col(closed).is_null() | (nw.col(closed) > later))
        old = standings(changes(shifted, "_later"), bins, by=by, groups=groups).select(count)["n"]
        result = result.with_columns(old.alias(f"open_{age.total_seconds() / _MINUTE:g}_minutes"))
    return result.lazy()


def little(rows: Frame, opened: str, closed: str, *, start: datetime, end: datetime) -> Little:
    """Little's law between two instants (with a zone): what was held, and how much of it completed stays explain."""
    begin, until = start.timestamp(), end.timestamp()

    def side(column: str) -> nw.Expr:
        instant = nw.col(column)
        inside = nw.when(instant < until).then(nw.lit(_WITHIN)).otherwise(nw.lit(_AFTER))
        return nw.when(~instant.is_null()).then(nw.when(instant < begin).then(nw.lit(_BEFORE)).otherwise(inside))

    changes = flows(rows, opened, closed, by=(), entered_in=side(opened), left_in=side(closed), origin=begin)
    ((held, age),) = (
        standings(changes, bins_of([_WITHIN], [0.0], [until - begin]), by=()).select("held", "age").iter_rows()
    )
    left = changes.filter(nw.col("bin") == _WITHIN)
    left_stays = (left["left_at"].sum() - left["left_since"].sum()) / _MILLISECONDS
    return Little(held, left_stays, age + left_stays - held, age)
