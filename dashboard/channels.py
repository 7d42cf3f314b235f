"""The interface channels of a window: which are in trouble, in what words, worst first. Published rows in, rows out."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import data, readings
from dashboard.here import Here
from models import wording
from models.waits import WAIT_KINDS

Row = dict[str, Any]

STATES = {  # state → icon, word, tone; in the order of urgency
    "silent": ("notifications_off", "silent", "concern"),
    "queueing": ("hourglass_top", "queueing", "concern"),
    "failing": ("error", "failing", "concern"),
    "unregistered": ("help", "not registered", "neutral"),
    "flowing": ("check_circle", "flowing", "improve"),
    "unseen": ("remove", "never seen", "quiet"),
}
NEEDY = ("silent", "queueing", "failing")
LONG_WAIT = 15.0  # minutes: a message that waits shorter is on its way
FAILING = 0.01  # of deliveries in the window: beyond it somebody should look, whatever the target


def channels(here: Here) -> list[Row]:
    """Channels of the place in the window, with `state`, the failure `rate` and `name`; worst first."""
    where = readings.in_window(here.found, here.view)
    if here.view.facility:
        where["facility"] = (here.view.facility, "Unregistered")
    found = [judged(row) for row in data.rows(here.found, here.person, "interface_channel", where)]
    order = list(STATES)
    return sorted(found, key=lambda row: (order.index(row["state"]), -row["failed_final"], row["channel"]))


def last_day(here: Here) -> dict[tuple[str, str], list[Row]]:
    """The last 24 whole hours of every channel before the data cut, oldest first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in data.rows(here.found, here.person, "interface_hour", {"is_last_day": True}, order=("began_at",)):
        found.setdefault((row["source"], row["channel"]), []).append(row)
    return found


def incidents(here: Here, rows: Sequence[Row]) -> list[Row]:
    """What the data show of these channels in the window, the newest first, each with `said` and `cost` in words."""
    start, end = readings.whole_weeks(here.found, here.view.weeks)
    shown = {(row["source"], row["channel"]) for row in rows}
    costs = _costs(here)
    found = [
        row
        | {
            "said": wording.incident(row["kind"], row["minutes"], row["seen"], row["expected"]),
            "cost": costs.get(row["incident_id"], []),
        }
        for row in data.rows(here.found, here.person, "interface_incident")
        if (row["source"], row["channel"]) in shown and row["ended_date"] >= start and row["started_date"] < end
    ]
    return sorted(found, key=lambda row: (row["started_at"], row["channel"]), reverse=True)


def _costs(here: Here) -> dict[str, list[str]]:
    """By incident, what it cost those who waited meanwhile, a sentence for each kind of wait."""
    found: dict[str, list[str]] = {}
    for row in data.rows(here.found, here.person, "incident_impact", order=("wait_kind", "facility")):
        title, least = WAIT_KINDS[row["wait_kind"]].title, here.suppress_below
        hidden = row["waits"] is None
        said = wording.incident_cost(
            title, row["delayed_patients"], row["lost_late_minutes"], row["lost_late_low"], row["lost_late_high"], least
        )
        found.setdefault(row["incident_id"], []).append(
            f"{title}: {wording.suppressed(least)} patients" if hidden else said
        )
    return found


def course(here: Here, incident: Row) -> list[Row]:
    """What was seen around an incident step by step, with local `period`, and when it `started` and `ended`."""
    zone = ZoneInfo(here.found.zone)
    local = {name: incident[f"{name}_at"].astimezone(zone).replace(tzinfo=None) for name in ("started", "ended")}
    found = data.rows(
        here.found, here.person, "incident_course", {"incident_id": incident["incident_id"]}, order=("step",)
    )
    return [row | local | {"period": row["began_at"].astimezone(zone).replace(tzinfo=None)} for row in found]


def headline(rows: Sequence[Row]) -> tuple[str, str]:
    """How many channels need somebody, and what matters most: failed for good, waiting now, given up and unresolved."""
    trouble = [row for row in rows if row["state"] in NEEDY]
    failed, deliveries = sum(r["failed_final"] for r in rows), sum(r["deliveries"] for r in rows)
    queued, dead = (sum(r[name] or 0 for r in rows) for name in ("queue_depth", "dead_letters_open"))
    calm = "The one channel flows." if len(rows) == 1 else f"All {len(rows)} channels flow."
    needy = "One of {} channels needs" if len(trouble) == 1 else f"{len(trouble)} of {{}} channels need"
    lead = f"{needy.format(len(rows))} somebody." if trouble else calm
    of = f"{wording.number(failed)} of {wording.number(deliveries)} deliveries failed for good"
    unresolved = f"; {wording.number(dead)} dead letter{' is' if dead == 1 else 's are'} unresolved" if dead else ""
    strange = sum(row["is_seen"] and not row["is_registered"] for row in rows)
    unknown = f" {wording.number(strange)} {'is' if strange == 1 else 'are'} not registered." if strange else ""
    return lead, f"{of}; {wording.number(queued)} wait in a queue{unresolved}.{unknown}"


def rate(row: Row) -> str:
    """The share of deliveries that failed for good, or a dash when nothing was delivered."""
    return wording.percent(row["rate"])


def judged(row: Row) -> Row:
    """A published channel with its `state`, the shares of its deliveries that failed, and its `name`."""
    deliveries = row["deliveries"]
    share, first, again = (
        row[name] / deliveries if deliveries else None for name in ("failed_final", "failed_first", "retried")
    )
    if not row["is_seen"]:
        state = "silent" if row["silent"] else "unseen"
    elif row["silent"]:
        state = "silent"
    elif row["queue_depth"] and row["oldest_queued_minutes"] > LONG_WAIT:
        state = "queueing"
    elif share is not None and share > FAILING:
        state = "failing"
    else:
        state = "flowing" if row["is_registered"] else "unregistered"
    return row | {"state": state, "rate": share, "first_rate": first, "retry_rate": again, "name": f"{row['channel']}"}
