"""How numbers are said to people: durations, shares, changes, times. Used by the dashboard and the command line alike.

Only formatting: no number is computed here. The minus sign is a real one, a missing value an en dash, and a duration
is said as people say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date, datetime

    from models.kpi import Unit

NONE: Final = "–"
MINUS: Final = "−"
_HOUR, _DAY = 60, 60 * 24
_LITTLE, _LEAST, _ALMOST_ALL, _ROUNDING = 0.01, 0.0001, 0.9995, 1e-9


def number(value: float | None) -> str:
    """A whole number with its thousands separated: `1,234`."""
    return NONE if value is None else _signed(f"{round(value):,}")


def percent(share: float | None) -> str:
    """A fraction (0 to 1) in percent with one decimal: `11.8 %`; below one percent with two: `0.17 %`."""
    if share is None:
        return NONE
    decimals = 2 if 0 < abs(round(share * 100, 2)) < 1 else 1
    return _signed(f"{share * 100:.{decimals}f} %")


def share(part: float) -> str:
    """A fraction (0 to 1) in whole percent; with decimals where it is almost nothing or almost all, so that little is not nothing."""
    if 0 < part < _LEAST:
        return f"under {percent(_LEAST)}"
    if _ALMOST_ALL <= part < 1 - _ROUNDING:
        return "over 99.9 %"
    is_near = 0 < part < _LITTLE or 1 - _LITTLE < part < _ALMOST_ALL
    return percent(part) if is_near else f"{part * 100:.0f} %"


def known_within(minutes: float | None) -> str:
    """How exactly the times behind a number are known, in a sentence; empty where they are exact or have no resolution."""
    if not minutes:
        return ""
    return f"Its times are known to within {duration(minutes)} on average: of some changes only exports prove when they were."


def duration(minutes: float | None) -> str:
    """Minutes as people say them: `under 1 s`, `45 s`, `58 min`, `3 h 52`, `3 d 4 h`."""
    if minutes is None:
        return NONE
    if minutes < 0:
        return MINUS + duration(-minutes)
    if minutes > 0 and round(minutes * 60) < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{round(minutes * 60) or 'under 1'} s"
    whole = round(minutes)
    if whole < _HOUR:
        return f"{whole} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR:02d}"
    hours = round(minutes / _HOUR)
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def hours(minutes: float | None) -> str:
    """Minutes as hours, for sums: `200 h`; below ten with one decimal, below one as a duration: `1.5 h`, `45 min`."""
    if minutes is None:
        return NONE
    if 0 < abs(minutes) < _HOUR:
        return duration(minutes)
    amount = minutes / _HOUR
    return _signed(f"{amount:,.1f} h" if 0 < abs(round(amount, 1)) < 10 else f"{amount:,.0f} h")  # noqa: PLR2004 - few enough for a decimal


def milliseconds(amount: float | None) -> str:
    """Milliseconds: `840 ms`, from a second on `1.2 s`, from a minute on as a duration."""
    if amount is None:
        return NONE
    if round(abs(amount)) < 1000:  # noqa: PLR2004 - a second
        return _signed(f"{round(amount)} ms")
    if round(abs(amount) / 1000, 1) < 60:  # noqa: PLR2004 - a minute
        return _signed(f"{amount / 1000:.1f} s")
    return duration(amount / 60_000)


def value(amount: float | None, unit: Unit) -> str:
    """A KPI's value in its unit."""
    match unit:
        case "percent":
            return percent(amount)
        case "minutes":
            return duration(amount)
        case "milliseconds":
            return milliseconds(amount)
        case "ratio":
            return NONE if amount is None else _signed(f"{amount:.2f}")
        case _:
            return number(amount)


def change(difference: float | None, unit: Unit) -> str:
    """A difference between two values with its sign; of shares in points: `+3.1 pts`, `−12 min`, `±0`."""
    if difference is None:
        return NONE
    if unit == "percent":
        points = round(difference * 100, 1)
        return f"{_sign(points)}{abs(points):.1f} pts"
    said = value(abs(difference), unit)
    return f"{_sign(difference if any(digit in said for digit in '123456789') else 0)}{said}"


def day(when: date) -> str:
    """A day with its weekday: `Mon 4 May 2026`."""
    return f"{when:%a} {when.day} {when:%b %Y}"


def week(when: date) -> str:
    """A week by its Monday: `week of 4 May`."""
    return f"week of {when.day} {when:%b}"


def local_time(when: datetime) -> str:
    """A local hospital time with its day of the week: `Mon 4 May 2026, 06:40`. The caller has set the zone."""
    return f"{day(when)}, {when:%H:%M}"


INCIDENTS: Final = {
    "silent": "silent",
    "outage": "outage",
    "retry_storm": "retry storm",
    "error_burst": "error burst",
    "backlog": "backlog",
    "latency_shift": "slow answers",
    "schema_drift": "other format",
}
"""What each kind of incident is called."""


def incident(kind: str, minutes: float, seen: float | None, expected: float | None) -> str:
    """What happened to a flow, against what is usual: `silent for 3 h 00; about 42 messages did not come`.

    `seen` and `expected` are those of `marts.interface_incident`; null where nothing is known.
    """
    missing = f"; about {number(expected)} messages did not come" if expected else ""
    said = {
        "silent": f"silent for {duration(minutes)}{missing}",
        "outage": f"nothing got through for {duration(minutes)}",
        "retry_storm": f"each message tried {number(seen)} times on average",
        "error_burst": f"{percent(seen)} of tries failed; up to {percent(expected)} is usual",
        "backlog": f"up to {number(seen)} messages waited longer than 20 min",
        "latency_shift": f"answers took {milliseconds(seen)}; {milliseconds(expected)} is usual",
        "schema_drift": f"{number(seen)} messages in an unusual format",
    }
    return said[kind]


def incident_cost(
    title: str, patients: int | None, lost: float | None, low: float | None, high: float | None, least: int
) -> str:
    """What an incident cost those who waited meanwhile: `Bed request to assigned bed: 5 h 53 late in all (5 h 40 to 6 h 05), 12 patients`.

    `patients` whose data came late, null where they are fewer than are shown (`least`); `lost` minutes beyond the usual, null where
    nothing is usual or the number is hidden; the 95 % interval, null where too few weeks can be compared.
    """
    if lost is None:
        return f"{title}: not known"
    if low is not None and low <= 0:
        return f"{title}: no later than usual"
    within = "" if low is None or high is None else f" ({duration(low)} to {duration(high)})"
    whom = f"{number(patients)} patients" if patients else f"{suppressed(least)} patients"
    return f"{title}: {duration(lost)} late in all{within}, {whom}"


_STEPS = {
    "ack_sent": "acknowledged to its sender",
    "nack_sent": "refused to its sender",
    "routed": "sent on its way",
    "filtered": "not wanted",
    "queued": "put into the queue",
    "attempt_started": "attempt",
    "attempt_failed": "attempt failed",
    "response_received": "answered",
    "nack_received": "refused by the receiver",
    "dead_lettered": "dead-lettered",
    "replay_requested": "asked to be sent again",
    "replayed": "sent again",
}


def message_step(event_type: str) -> str:
    """What happened to a message on its way: `received`, `put into the queue`, `dead-lettered`."""
    return _STEPS.get(event_type, event_type.replace("_", " "))


def waiting(source: str, encounters: int, files: int) -> str:
    """What is held back until an export is whole: `ehr: 3 encounters wait for the rest of their export; files missing: 2`."""
    who = (
        "1 encounter waits for the rest of its"
        if encounters == 1
        else f"{number(encounters)} encounters wait for the rest of their"
    )
    return f"{source}: {who} export; files missing: {number(files)}"


def suppressed(threshold: int) -> str:
    """What stands where a number is hidden: `fewer than 5`."""
    return f"fewer than {threshold}"


def _sign(amount: float) -> str:
    if amount == 0:
        return "±"
    return "+" if amount > 0 else MINUS


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
