"""What incidents cost the people who waited meanwhile, for the aggregates folder.

Here: `marts.incident_impact` with small numbers of patients hidden. Not here: the arithmetic (`models/sql/marts/incident_impact.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NUMBERS = (
    "waits", "patients", "delayed_patients", "late_minutes", "usual_late_minutes", "lost_late_minutes", "lost_late_low", "lost_late_high",
    "minutes", "usual_minutes", "lost_minutes", "lost_low", "lost_high",
)  # fmt: skip


def fill(db: duckdb.DuckDBPyConnection, suppress_below: int) -> None:
    """Make `aggregate_incident_impact`: the mart's rows; where fewer patients waited than are shown, every number of the row is null.

    How many of them were delayed is null by itself where these are fewer, or all but fewer: the others could be counted by subtraction.
    """
    shown = ", ".join(
        f"case when patients >= $least then {name} end as {name}" for name in NUMBERS if name != "delayed_patients"
    )
    db.execute(
        f"""
        create or replace temp table aggregate_incident_impact as
        select incident_id, wait_kind, facility, weeks, {shown},
            case
                when patients >= $least
                    and (delayed_patients = 0 or delayed_patients >= $least)
                    and (delayed_patients = patients or patients - delayed_patients >= $least)
                    then delayed_patients
            end as delayed_patients
        from marts.incident_impact
        """,
        {"least": suppress_below},
    )
