"""Which incidents of flows are told, each once when it begins and once when it is over.

Here: comparing what the data show now with what was told. Not here: what an incident is (`models/sql/marts/interface_incident.sql`), where
an alert goes (`alerts`).

A trouble is a flow, a destination and a kind: its beginning may be dated more exactly as more of the log comes in, and it stays the
same trouble. What lies before the first look is history, and only what is still open of it is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import wording
from pipelines import alerts

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home
    from pipelines.settings import Settings

TABLES = {
    "account.told_incident": """
        create table if not exists account.told_incident (
            incident_id varchar not null, source varchar not null, channel varchar not null, destination varchar, kind varchar not null,
            started_at timestamptz not null, is_over boolean not null
        )""",
    "account.incidents_told": "create table if not exists account.incidents_told (until_at timestamptz not null)",
}
"""What was told, and up to which data cut the incidents were looked at."""

_SAME = """
    told.source = incident.source and told.channel = incident.channel and told.kind = incident.kind
    and told.destination is not distinct from incident.destination
"""
_NEW = f"""
select incident.*
from marts.interface_incident as incident
where (incident.is_open or incident.ended_at > (select max(until_at) from account.incidents_told))
    and not exists (
        select 1 from account.told_incident as told
        where {_SAME}
            and (not told.is_over or told.started_at between incident.started_at - interval 1 hour and incident.ended_at)
    )
order by incident.started_at, incident.incident_id
"""
_OVER = f"""
select told.*, max(incident.restored_at) as restored_at, arg_max(incident.messages_affected, incident.started_at) as messages_affected
from account.told_incident as told
left join marts.interface_incident as incident
    on {_SAME}
    and incident.ended_at >= told.started_at
where not told.is_over
group by all
having not coalesce(bool_or(incident.is_open), false)
order by told.started_at
"""


def tell(db: duckdb.DuckDBPyConnection, home: Home, settings: Settings, as_of: datetime) -> list[alerts.Alert]:
    """Send an alert for each incident that is new, and for each that was told and is over; what was sent.

    It is noted after it was sent: a run that dies in between tells it again rather than never.
    """
    zone = ZoneInfo(settings.zone)
    sent: list[alerts.Alert] = []
    for row in _rows(db, _OVER):
        sent.append(_over(row, zone))
        alerts.send(settings, home, sent[-1])
        db.execute(
            "update account.told_incident set is_over = true where incident_id = $id", {"id": row["incident_id"]}
        )
    for row in _rows(db, _NEW):
        sent.append(_began(row, zone))
        alerts.send(settings, home, sent[-1])
        db.execute(
            """
            insert into account.told_incident
            select incident_id, source, channel, destination, kind, started_at, not is_open
            from marts.interface_incident where incident_id = $id
            """,
            {"id": row["incident_id"]},
        )
    db.execute("delete from account.incidents_told")
    db.execute("insert into account.incidents_told values ($as_of)", {"as_of": as_of})
    return sent


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return db.sql(query).pl().to_dicts()


def _began(row: dict[str, Any], zone: ZoneInfo) -> alerts.Alert:
    said = wording.incident(row["kind"], row["minutes"], row["seen"], row["expected"])
    until = "still open" if row["is_open"] else f"over at {_local(row['ended_at'], zone)}"
    return _alert("incident_began", row, f"{said}. Since {_local(row['started_at'], zone)}, {until}.")


def _over(row: dict[str, Any], zone: ZoneInfo) -> alerts.Alert:
    what = wording.INCIDENTS[row["kind"]]
    if row["restored_at"] is None:
        return _alert("incident_over", row, f"{what}: what was told is no longer what the log shows.")
    affected = f"{wording.number(row['messages_affected'])} messages affected"
    return _alert("incident_over", row, f"{what} over at {_local(row['restored_at'], zone)}; {affected}.")


def _alert(kind: alerts.Kind, row: dict[str, Any], said: str) -> alerts.Alert:
    flow = f"{row['channel']} to {row['destination']}" if row["destination"] else row["channel"]
    return alerts.Alert(
        kind=kind,
        job="",
        steps=(),
        message=f"{flow} ({row['source']}): {said}",
        raised_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %-d %b %Y %H:%M}"
