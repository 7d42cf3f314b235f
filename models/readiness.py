"""Whether a KPI's number may be believed: ready, biased or withheld, and why in sentences.

Three things decide: how complete the columns are that the KPI requires, measured on the very cohort it counts; how
exactly the times are known that it measures; and the content checks that failed on tables it is made from. Running
checks is `data_quality`'s work; here are only verdicts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals.stable.v2 as nw

from models import wording
from models.catalog import upstream
from models.kpi import CompletionTime, Kpi, OpenAt, Selection, Span, cohort, dated
from models.kpis import KPIS
from models.measures import Frame, Quantile, number_of, number_of_rows

State = Literal["ready", "biased", "withheld"]

TOO_WIDE = 0.1
"""Times known less exactly than this share of what is measured, on average, make a number biased."""

DAY_MINUTES = 24 * 60.0

_WORST_FIRST: tuple[State, ...] = ("withheld", "biased")


@dataclass(frozen=True)
class FailedCheck:
    """A content check that did not pass: where, what it means in one sentence, and what it makes of a KPI."""

    table: str
    column: str | None
    sentence: str
    effect: Literal["biased", "withheld"] = "biased"


@dataclass(frozen=True)
class Input:
    """How complete a required column is on the KPI's cohort; `completeness` is 0 to 1, null for an empty cohort."""

    table: str
    column: str
    completeness: float | None


@dataclass(frozen=True)
class Readiness:
    """The verdict, the reasons for it (none when ready), and the completeness of every required column.

    `resolution_minutes`: within how many minutes the times of the cases are known, on average; 0 when all were recorded,
    null where the KPI declares no resolution or none of these times has come.
    """

    state: State
    why: tuple[str, ...]
    inputs: tuple[Input, ...]
    resolution_minutes: float | None = None


def depends_on(kpi: Kpi, table: str, column: str | None) -> bool:
    """Whether a fault in this table (and column; None = the whole table) can change the KPI's value.

    Of its own mart a KPI depends on the columns it reads; of the tables the mart is made from, on all.
    """
    if table == kpi.table:
        return column is None or column in kpi.columns
    return table in upstream(kpi.table)


def affected_kpis(table: str, column: str | None) -> tuple[str, ...]:
    """The ids of the KPIs that a fault in this table (and column) can change."""
    return tuple(kpi.id for kpi in KPIS.values() if depends_on(kpi, table, column))


def assess(kpi: Kpi, mart: Frame, selection: Selection, failed_checks: Sequence[FailedCheck] = ()) -> Readiness:
    """The readiness of `kpi` for the selected rows and time.

    The cohort of a requirement is every selected row that the KPI counts, and those it leaves out only because this
    very column is not true. Times that are known to within more than TOO_WIDE of what is measured (the mean duration; of
    counts and shares, a day) bias the KPI. A cohort without rows withholds it, unless it is a count or a backlog of a mart
    that has rows: there zero is an answer.

    Raises:
        UnknownDimension: the selection filters by a column the KPI does not declare.
    """
    rows = cohort(kpi, mart, Selection(where=selection.where, start=selection.start, end=selection.end))
    (found,) = rows.select(**_counts(kpi)).collect("pyarrow").rows(named=True)
    return _verdict(kpi, found, failed_checks, is_filled=_is_filled(kpi, mart))


def assess_each(
    kpi: Kpi,
    mart: Frame,
    by: tuple[str, ...],
    groups: Sequence[tuple[str, ...]],
    spans: Sequence[Span],
    failed_checks: Sequence[FailedCheck] = (),
    *,
    found: Frame | None = None,
) -> dict[tuple[int, tuple[str, ...]], Readiness]:
    """The readiness of `kpi` for each span and each of these combinations of `by`, in one query: as `assess` of each.
    `found` are the `cohorts` of these spans, where the caller has them already.

    Returns:
        A verdict by the number of the span and the group.

    Raises:
        UnknownDimension: `by` names a column the KPI does not declare.
    """
    counts = dated(kpi, mart, by, spans, found).group_by("span", *by).agg(**_counts(kpi))
    counted = {
        (row["span"], tuple(row[name] for name in by)): row for row in counts.collect("pyarrow").rows(named=True)
    }
    is_filled = _is_filled(kpi, mart)
    return {
        (n, group): _verdict(kpi, counted.get((n, group), {}), failed_checks, is_filled=is_filled)
        for n in range(len(spans))
        for group in groups
    }


def _counts(kpi: Kpi) -> dict[str, nw.Expr]:
    """What a verdict rests on, counted over a cohort."""
    columns = {"_rows": number_of_rows()}
    for i, requirement in enumerate(kpi.requires):
        forgiven = [n for n, exclusion in enumerate(kpi.exclusions) if exclusion.unknown == requirement.column]
        relevant = nw.col("_excluded_by").is_in([-1, *forgiven])
        columns[f"_of_{i}"] = number_of(relevant)
        columns[f"_known_{i}"] = number_of(relevant & nw.col(requirement.column).fill_null(value=False))
    return columns | _width(kpi)


def _verdict(kpi: Kpi, found: Mapping[str, Any], failed_checks: Sequence[FailedCheck], *, is_filled: bool) -> Readiness:
    """What the counts say; those of a cohort without rows may be missing."""
    reasons: list[tuple[State, str]] = []
    inputs: list[Input] = []
    if found.get("_rows", 0) == 0 and not (is_filled and (kpi.unit == "count" or isinstance(kpi.measure, OpenAt))):
        reasons.append(("withheld", "There are no data for this selection."))
    for i, requirement in enumerate(kpi.requires):
        of, known = int(found.get(f"_of_{i}", 0)), int(found.get(f"_known_{i}", 0))
        completeness = known / of if of else None
        inputs.append(Input(kpi.table, requirement.column, completeness))
        if completeness is not None and completeness < requirement.at_least:
            missing = (
                f"{requirement.missing} Known for {known:,} of {of:,}, {requirement.at_least * 100:.0f} % are needed."
            )
            reasons.append((requirement.below, missing))
    resolution = found.get("_interval")
    if resolution is not None:
        resolution = round(resolution, 6)  # a mean differs in its last digit with the order of its rows
        if resolution > TOO_WIDE * (found["_duration"] or 0):
            reasons.append(("biased", wording.known_within(resolution)))
    reasons.extend(
        (check.effect, check.sentence)
        for check in failed_checks
        if depends_on(kpi, check.table, check.column)
    )  # fmt: skip
    return Readiness(
        _worst(state for state, _ in reasons),
        tuple(dict.fromkeys(why for _, why in reasons)),
        tuple(inputs),
        resolution,
    )


def _width(kpi: Kpi) -> dict[str, nw.Expr]:
    """The mean interval in which the counted cases' times are known to lie, and the mean of what is measured of them.

    Of a backlog that is how long its cases were open: what arrives while an interval lasts is counted too long, which is
    to the backlog as the interval is to that time (Little's law). A count or share of a day's cases is measured by the day.
    """
    if kpi.resolution is None:
        return {}
    counted = (nw.col("_excluded_by") == -1) & ~nw.col(kpi.resolution).is_null()
    match kpi.measure:
        case CompletionTime(duration=duration, finished=finished):
            counted, measured = counted & nw.col(finished).fill_null(value=False), nw.col(duration)
        case Quantile(column=column):
            measured = nw.col(column)
        case OpenAt(opened=opened, closed=closed):
            measured = (nw.col(f"{closed}_epoch") - nw.col(f"{opened}_epoch")) / 60
        case _:
            measured = nw.lit(DAY_MINUTES)
    columns = {"_interval": nw.col(kpi.resolution), "_duration": measured}
    return {name: nw.when(counted).then(each.cast(nw.Float64)).mean() for name, each in columns.items()}


def _is_filled(kpi: Kpi, mart: Frame) -> bool:
    """A count or backlog of nobody is a number, provided that the mart was filled at all."""
    return len(mart.select(kpi.case).head(1).collect("pyarrow")) > 0


def _worst(states: Iterable[State]) -> State:
    found = set(states)
    for state in _WORST_FIRST:
        if state in found:
            return state
    return "ready"
