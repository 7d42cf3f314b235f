"""The kinds of measure a KPI can be, each with its arithmetic as Narwhals expressions.

A measure knows how to aggregate the rows it is given: it knows nothing of filters, dates, groups or data sources.
`counted` is always a boolean expression that says which rows of a group are part of the cohort. Which rows those are
is decided in `models.kpi`. Backlog (`OpenAt`) is not an aggregation of rows: its algorithm is in `models.backlog`.

Every measure gives `value`, `numerator` and `denominator`; `value` is null where nothing was at risk.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

Frame = nw.LazyFrame[Any]
"""Rows of a mart on any engine."""

_TOLERANCE = 1e-9
"""How far a survival share may stand above its threshold: sums of logarithms are not exact, 0.9 x 10 must be 9."""

_LOG_OF_NOBODY_LEFT = -1e6
"""Stands for log(0) when the last row at risk finishes: DuckDB refuses ln(0), sums of infinities are no numbers."""


def number_of(condition: nw.Expr) -> nw.Expr:
    """Rows where `condition` holds, 0 for none: a sum over no rows is null on DuckDB and 0 on Polars."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).sum().cast(nw.Int64).fill_null(0)


def number_of_rows() -> nw.Expr:
    """All rows, as a whole number of one kind on every engine."""
    return nw.len().cast(nw.Int64)


def ratio(numerator: str, denominator: str) -> nw.Expr:
    """Null, not infinity or an error, where nothing was at risk."""
    return nw.when(nw.col(denominator) > 0).then(nw.col(numerator).cast(nw.Float64) / nw.col(denominator))


@dataclass(frozen=True)
class Share:
    """Rows where `of` holds, as a fraction (0 to 1) of all rows; an unknown `of` does not hold. Additive.

    `within` is the column of minutes that `of` judges, where it judges how long something took.
    """

    of: nw.Expr
    within: str | None = None

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator: rows where it holds; denominator: all rows."""
        return {"numerator": number_of(counted & self.of.fill_null(value=False)), "denominator": number_of(counted)}

    def value(self) -> nw.Expr:
        """Numerator by denominator."""
        return ratio("numerator", "denominator")


@dataclass(frozen=True)
class Rate:
    """Sum of `events` by sum of `exposure`, both columns of the mart. Additive."""

    events: str
    exposure: str

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator: events; denominator: exposure, in the columns' own units."""
        return {
            name: nw.when(counted).then(nw.col(column)).sum().cast(nw.Float64).fill_null(0.0)
            for name, column in (("numerator", self.events), ("denominator", self.exposure))
        }

    def value(self) -> nw.Expr:
        """Events by exposure."""
        return ratio("numerator", "denominator")


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """The `q`-quantile of `column`, by linear interpolation; rows without a value are left out. Not additive."""

    column: str
    q: float = 0.5

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator: rows with a value, the same as the denominator: a quantile is no quotient."""
        amount = nw.when(counted).then(nw.col(self.column)).cast(nw.Float64)
        return {
            "quantile": amount.quantile(self.q, interpolation="linear"),
            "numerator": amount.count().cast(nw.Int64),
            "denominator": amount.count().cast(nw.Int64),
        }

    def value(self) -> nw.Expr:
        """The quantile itself."""
        return nw.col("quantile")


@dataclass(frozen=True)
class Mean:
    """The mean of `column`; rows without a value are left out. Additive through numerator and denominator."""

    column: str

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator: sum of the values; denominator: rows with a value."""
        amount = nw.when(counted).then(nw.col(self.column)).cast(nw.Float64)
        return {"numerator": amount.sum().fill_null(0.0), "denominator": amount.count().cast(nw.Int64)}

    def value(self) -> nw.Expr:
        """Sum by number."""
        return ratio("numerator", "denominator")


@dataclass(frozen=True)
class Total:
    """The sum of `column`: 0, not null, where there are no rows. Additive."""

    column: str

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator: the sum; denominator: the rows."""
        amount = nw.when(counted).then(nw.col(self.column)).cast(nw.Float64)
        return {"numerator": amount.sum().fill_null(0.0), "denominator": number_of(counted)}

    def value(self) -> nw.Expr:
        """The sum."""
        return nw.col("numerator")


@dataclass(frozen=True)
class Count:
    """The number of rows: 0, not null, where there are none. Additive."""

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Numerator and denominator are both the count."""
        return {"numerator": number_of(counted), "denominator": number_of(counted)}

    def value(self) -> nw.Expr:
        """The count."""
        return nw.col("numerator")


@dataclass(frozen=True, kw_only=True)
class CompletionTime:
    """The time by which a share `q` of cases is finished, with unfinished cases censored (Kaplan-Meier).

    `duration` is the time to the end for a finished case and the time waited so far for an open one; `finished` says
    which. With nothing open the value is the nearest-rank quantile, always an observed duration (the laboratory
    reading of "90 % completion time"). Null, "not estimable", where too few cases have finished. Not additive.
    """

    duration: str
    finished: str
    q: float

    def ranked(self, rows: Frame, keys: Sequence[str], counted: nw.Expr) -> Frame:
        """Add `_log_survival` to counted rows with a duration: the log of the share still waiting after this row.

        Rows are ranked within `keys` by duration, finished before open at the same duration. Each finished row
        multiplies the share still waiting by 1 - 1 / (rows at risk), so equal durations give the usual product.
        """
        rows = rows.with_columns(
            _one=nw.lit(1),
            _measured=counted & ~nw.col(self.duration).is_null(),
            _is_censored=(~nw.col(self.finished).fill_null(value=False)).cast(nw.Int64),
        )
        group = (*keys, "_measured")
        order = (self.duration, "_is_censored")
        rows = rows.with_columns(
            _rank=nw.col("_one").cum_sum().over(*group, order_by=order), _size=nw.col("_one").sum().over(*group)
        )
        rows = rows.with_columns(_at_risk=(nw.col("_size") - nw.col("_rank") + 1).cast(nw.Float64))
        # The guard keeps log() away from 1 - 1/1 = 0 also on an engine that evaluates both branches.
        share_left = 1 - 1 / nw.when(nw.col("_at_risk") > 1).then(nw.col("_at_risk")).otherwise(nw.lit(2.0))
        step = (
            nw.when(nw.col("_is_censored") == 1)
            .then(nw.lit(0.0))
            .otherwise(nw.when(nw.col("_at_risk") > 1).then(share_left.log()).otherwise(nw.lit(_LOG_OF_NOBODY_LEFT)))
        )
        rows = rows.with_columns(_step=step)
        return rows.with_columns(_log_survival=nw.col("_step").cum_sum().over(*group, order_by=order))

    def aggregations(self, counted: nw.Expr) -> dict[str, nw.Expr]:
        """Over `ranked` rows. Numerator: finished; denominator: all, finished or open, that have a duration."""
        measured = counted & nw.col("_measured")
        finished = measured & (nw.col("_is_censored") == 0)
        reached = nw.col("_log_survival") <= math.log(1 - self.q + _TOLERANCE)
        return {
            "quantile": nw.when(finished & reached).then(nw.col(self.duration).cast(nw.Float64)).min(),
            "numerator": number_of(finished),
            "denominator": number_of(measured),
        }

    def value(self) -> nw.Expr:
        """The quantile itself."""
        return nw.col("quantile")


@dataclass(frozen=True)
class OpenAt:
    """Cases open at the end of a period: opened by then and not closed (null `closed` = still open).

    `opened` and `closed` are clocks of the mart: each has columns `<clock>_at` (instant) and `<clock>_hour`, `_date`,
    `_week`, `_month` (local calendar). Value and denominator: how many; numerator: their total age in minutes.
    """

    opened: str
    closed: str


Aggregation = Share | Rate | Quantile | Mean | Total | Count | CompletionTime
"""What is computed from the rows of a group."""

Measure = Aggregation | OpenAt
