"""Where the time of waits went, as the warehouse says, beside what truly happened: for the tests and for the benchmark."""

from datetime import datetime
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import polars as pl

from models.kpis import KPIS
from models.waits import MOST_UNCERTAIN
from pipelines.aggregates import time_shares

CELL = ("facility", "wait_kind", "week")
FEWEST_HOURS = 10
"""Hours waited in a cell below which a share is a matter of single cases."""


def off_by(db, truth):
    """Cells of facility, kind of wait and week with the largest difference of any part's share, in percentage points."""
    rows = db.execute(
        """
        select wait.facility, wait.wait_kind, wait.begin_week::varchar as week, part.part, sum(part.minutes) as minutes,
            sum(part.minutes_uncertain) as unsure
        from marts.wait_part as part inner join marts.wait as wait on wait.wait_key = part.wait_key
        where wait.msg_type is not null and wait.began_at::date >= $start::date and wait.began_at::date < $end::date
        group by all
        """,
        {"start": truth["start"], "end": truth["end"]},
    ).fetchall()
    return _differences(
        pl.DataFrame(truth["waits"]), pl.DataFrame(rows, schema=(*CELL, "part", "minutes", "unsure"), orient="row")
    )


def times_off_by(db, truth):
    """The same of KPIs whose cases wait for several things: cells of facility, KPI and week of the KPI's clock."""
    as_of = datetime.fromisoformat(truth["as_of"]).astimezone(ZoneInfo(truth["zone"]))
    true = pl.DataFrame(truth["times"])
    time_shares.lay(db)
    found = []
    for kpi_id in true["kpi"].unique(maintain_order=True):
        kpi = KPIS[kpi_id]
        time_shares.cut(db, kpi, nw.from_native(db.table(kpi.table)), as_of=as_of)
        found += db.execute(
            """
            select part_case.facility, part_case.subject, date_trunc('week', part_case.day)::date::varchar, part,
                sum(part_piece.minutes), sum(part_piece.minutes_uncertain)
            from part_piece inner join part_case on part_case.case_no = part_piece.case_no
            where part_case.began_at::date >= $start::date group by all
        """,
            {"start": truth["start"]},
        ).fetchall()
    time_shares.clear(db)
    return _differences(
        true.rename({"kpi": "wait_kind"}),
        pl.DataFrame(found, schema=(*CELL, "part", "minutes", "unsure"), orient="row"),
    )


def _differences(true, found):
    """By cell the largest difference of any part's share, the largest first; only those with hours enough. What the parts are of a
    cell with `is_withheld` nobody is told.
    """
    both = _shares(true).join(_shares(found), on=[*CELL, "part"], how="full", coalesce=True, suffix="_found")
    return (
        both.with_columns(points=100 * (pl.col("share").fill_null(0) - pl.col("share_found").fill_null(0)).abs())
        .group_by(CELL)
        .agg(
            pl.col("points").max(),
            hours=pl.col("minutes").sum() / 60,
            found_hours=pl.col("minutes_found").cast(pl.Float64).sum() / 60,
            is_withheld=pl.col("unsure").sum() > MOST_UNCERTAIN * pl.col("minutes_found").sum(),
        )
        .filter(pl.col("hours") >= FEWEST_HOURS)
        .sort("points", descending=True)
    )


def _shares(parts):
    return parts.with_columns(share=pl.col("minutes") / pl.col("minutes").sum().over(CELL))


def cost_of_outages(db, truth):
    """Of each planted outage of admissions: what Wardflow found its incident to have cost, from how much to how much (null with
    too few weeks to compare), and what it truly did, in minutes; all by the waits for a bed that began while the incident lasted, as
    Wardflow dates it.
    """
    found = []
    for planted in truth["planted"]:
        if planted["kind"] == "adt_outage" and planted["from"]:
            rows = db.execute(
                """
                select impact.lost_late_minutes, impact.lost_late_low, impact.lost_late_high, incident.started_at, incident.ended_at
                from marts.incident_impact as impact
                inner join marts.interface_incident as incident on incident.incident_id = impact.incident_id
                where incident.kind = 'outage' and impact.facility = $facility and impact.wait_kind = 'bed_request_to_assignment'
                    and incident.started_at < $to::timestamptz and incident.ended_at > $from::timestamptz
                """,
                {"facility": planted["facility"], "from": planted["from"], "to": planted["to"]},
            ).fetchall()
            for minutes, low, high, begin, end in rows:
                true = sum(
                    wait["minutes"]
                    for wait in truth["late_waits"]
                    if wait["facility"] == planted["facility"]
                    and wait["wait_kind"] == "bed_request_to_assignment"
                    and begin <= datetime.fromisoformat(wait["began"]) < end
                )
                found.append((minutes, low, high, true))
    return list(dict.fromkeys(found))
