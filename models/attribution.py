"""The time of a KPI's cases, from begin to end, so that it can be laid over what they waited for meanwhile.

Here: which cases, from when, for how long, in which period, and by which key their waits are found. Everything follows from the
KPI's declaration. Not here: what a case waited for (`models/sql/marts/wait.sql`, `wait_part.sql`), laying the one over the other
(`pipelines/aggregates/kpi_delays.py`), what the parts are called (`models.waits`).
"""

from datetime import datetime
from typing import Literal

import narwhals.stable.v2 as nw

from models.kpi import Kpi
from models.measures import Frame

Link = Literal["visit", "order", "case"]
_LINKS: dict[str, Link] = {"encounter_key": "visit", "order_key": "order"}


def link(kpi: Kpi) -> Link:
    """Whose waits are a case's: of a visit all of its, of an order those of the order, else only the wait that the case itself is."""
    return _LINKS.get(kpi.case, "case")


def intervals(kpi: Kpi, mart: Frame, *, as_of: datetime) -> Frame:
    """The time of each case that counts towards `kpi`, open cases with what they have taken so far.

    A case counts in the period of the KPI's clock. Where that has not struck, because it is the case's end and the case is open, it
    counts on the day of the data cut. An open case counts also where the KPI leaves it out until it has ended.

    Returns:
        One row per case, in no order: `case_key`, `patient_key` (null where the mart has none), `facility`, `unit`, `day`
        (local), `began_at`, `minutes` (null where the case lasts until the data cut), `is_open`. Cases of which the begin or
        the end is not known are left out.
    """
    is_open = nw.col(kpi.open_when).fill_null(value=False) if kpi.open_when else nw.lit(value=False)
    counts = nw.lit(value=True)
    for exclusion in kpi.exclusions:
        counts = counts & ~exclusion.when.fill_null(value=False)
    day = nw.col(f"{kpi.clock}_date")
    today = nw.when(is_open).then(nw.lit(as_of.date()))
    patient = nw.col("patient_key") if "patient_key" in mart.collect_schema() else nw.lit(None, nw.String)
    found = mart.filter(counts | is_open).select(
        nw.col(str(kpi.case)).alias("case_key"),
        patient.alias("patient_key"),
        "facility",
        "unit",
        nw.when(~day.is_null()).then(day).otherwise(today).alias("day"),
        nw.col(str(kpi.begins)).alias("began_at"),
        nw.col(str(kpi.duration)).cast(nw.Float64).alias("minutes"),
        is_open.alias("is_open"),
    )
    known = (
        ~nw.col("day").is_null() & ~nw.col("began_at").is_null() & (nw.col("is_open") | ~nw.col("minutes").is_null())
    )
    return found.filter(known)
