"""Which weeks a control chart has."""

from datetime import date, timedelta

import polars as pl

from models.kpis import KPIS
from pipelines.aggregates.signals import kpi_signals

MONDAY = date(2026, 1, 5)
WEEKS = (MONDAY - timedelta(weeks=20), MONDAY + timedelta(weeks=4))


def charted(first_day: date) -> list[date]:
    """The weeks on the chart of a count of 10 a day, which begins on this day and goes on for four weeks from MONDAY."""
    last = MONDAY + timedelta(weeks=4)
    days = [first_day + timedelta(days=n) for n in range((last - first_day).days)]
    weeks = [MONDAY + timedelta(weeks=n) for n in range(-1, 4)]
    counts = {week: 10.0 * sum(week <= day < week + timedelta(weeks=1) for day in days) for week in weeks}
    values = pl.DataFrame(
        [("day", day, 10.0) for day in days] + [("week", week, count) for week, count in counts.items() if count],
        schema={"grain": pl.String, "period": pl.Date, "value": pl.Float64},
        orient="row",
    ).with_columns(facility=pl.lit(None, pl.String), unit=pl.lit(None, pl.String))
    return kpi_signals(KPIS["ed_arrivals"], values, WEEKS, {}, {})["week"].to_list()


def test_a_week_in_the_middle_of_which_the_data_begin_is_no_point_of_the_chart():
    whole = [MONDAY + timedelta(weeks=n) for n in range(4)]
    assert charted(MONDAY - timedelta(days=3)) == whole
    assert charted(MONDAY) == whole
    assert charted(MONDAY - timedelta(days=7)) == [MONDAY - timedelta(weeks=1), *whole]
