"""The sentences of the dashboard: readings in, plain words out. Formatting of single numbers is `models.wording`.

Every meaning has one icon and one word, used everywhere: a colour never stands alone. Hospital words, no superlatives.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.readings import Reading
from models import wording
from models.kpi import CompletionTime, Kpi, OpenAt, Quantile
from models.kpis import KPIS
from models.publication import Manifest

Row = Mapping[str, Any]

VARIATION = {  # meaning → (icon, word, tone)
    "concern": ("trending_up", "concern", "concern"),
    "improvement": ("trending_down", "improving", "improve"),
    "common_cause": ("trending_flat", "steady", "quiet"),
    "neutral_high": ("north_east", "higher", "neutral"),
    "neutral_low": ("south_east", "lower", "neutral"),
    "none": ("more_horiz", "too few weeks", "quiet"),
}
ASSURANCE = {
    "pass": ("check_circle", "meets target", "improve"),
    "fail": ("cancel", "misses target", "concern"),
    "hit_or_miss": ("help", "hit or miss", "quiet"),
}
MISSED_NOW = ("help", "hit or miss, now missed", "concern")
PARTS_OF_TEN = {0.5: "Half", 0.9: "Nine of ten", 0.95: "95 %", 0.99: "99 %"}
COUNTED = {  # mart → one, many
    "ed_attendance": ("visit", "visits"),
    "inpatient_stay": ("stay", "stays"),
    "bed_clean": ("bed", "beds"),
    "unit_hour": ("bed-hour", "bed-hours"),
    "lab_order": ("order", "orders"),
    "work_task": ("task", "tasks"),
    "imaging_order": ("examination", "examinations"),
    "order_fulfilment": ("order", "orders"),
    "critical_result": ("critical result", "critical results"),
    "handoff": ("handoff", "handoffs"),
    "task_trigger": ("trigger", "triggers"),
    "expected_message": ("expected message", "expected messages"),
    "handover": ("handover", "handovers"),
    "status_pair": ("pair of records", "pairs of records"),
    "process_incident": ("incident", "incidents"),
    "unowned_wait": ("wait", "waits"),
    "workflow_case": ("case", "cases"),
    "step_wait": ("wait", "waits"),
    "message": ("message", "messages"),
    "message_delivery": ("delivery", "deliveries"),
    "intervention": ("intervention", "interventions"),
    "channel_hour": ("channel hour", "channel hours"),
}
COUNTED_APART = {  # KPI whose denominator is not the rows of its mart → one, many
    "occupancy_midnight": ("bed at midnight", "beds at midnight"),
    "occupancy_peak": ("hour of a ward", "hours of wards"),
}
RULES = {
    "outside": "outside the limits",
    "trend": "part of a trend of seven",
    "two_in_three": "two of three near a limit",
    "shift": "part of a run of seven on one side",
    "common_cause": "ordinary variation",
}
STATES = {
    "ready": ("check_circle", "ready", "improve"),
    "biased": ("warning", "biased", "concern"),
    "withheld": ("block", "withheld", "concern"),
}
VERDICTS = {  # of a pilot → icon, word, tone
    "improved": ("check_circle", "improved", "improve"),
    "not_improved": ("do_not_disturb_on", "no improvement", "neutral"),
    "worse": ("cancel", "worse", "concern"),
    "cannot_tell": ("help", "cannot tell", "quiet"),
}
GUARDRAILS = {
    "kept": ("check_circle", "kept", "improve"),
    "harmed": ("cancel", "harmed", "concern"),
    "cannot_tell": ("help", "cannot tell", "quiet"),
}
FAMILY_PAGES = {
    "emergency": "emergency",
    "beds": "emergency",
    "results": "turnaround",
    "handoffs": "backlog",
    "tasks": "backlog",
    "exceptions": "exceptions",
    "interfaces": "interfaces",
}


def variation(reading: Reading) -> tuple[str, str, str]:
    """Is it changing: icon, word, tone. The arrow shows the direction of the value, not whether that is good."""
    icon, word, tone = VARIATION.get(reading.variation, VARIATION["none"])
    if reading.variation in ("concern", "improvement"):
        rises = (reading.variation == "improvement") == (reading.kpi.improves == "up")
        icon = "trending_up" if rises else "trending_down"
    return icon, word, tone


def assurance(reading: Reading) -> tuple[str, str, str] | None:
    """Is it good enough: icon, word, tone; none where there is no target. What may go either way says when this time it missed."""
    if reading.assurance == "hit_or_miss" and reading.misses:
        return MISSED_NOW
    return ASSURANCE.get(reading.assurance)


def value(reading: Reading, threshold: int) -> str:
    """The value, or what stands in its place: each of the four looks its own words."""
    match reading.look:
        case "value":
            return wording.value(reading.value, reading.kpi.unit)
        case "withheld":
            return "withheld"
        case "suppressed":
            return wording.suppressed(threshold)
        case _:
            return wording.NONE


def target(reading: Reading) -> str:
    """The target with the side that is good, or that there is none."""
    if reading.target is None:
        return "no target"
    sign = "≥" if reading.kpi.improves == "up" else "≤"
    return f"target {sign} {wording.value(reading.target, reading.kpi.unit)}"


def counted(kpi: Kpi, n: float | None) -> str:
    """`4,812 visits`."""
    one, many = COUNTED_APART.get(kpi.id) or COUNTED.get(kpi.mart, ("case", "cases"))
    return f"{wording.number(n)} {one if n == 1 else many}"


def denominator(reading: Reading) -> str:
    """What the number is of, and what is still open."""
    kpi, parts = reading.kpi, []
    if reading.look == "suppressed":
        return "a smaller number could name somebody"
    if kpi.id == "handoffs_open":
        if reading.value:
            return f"mean age {wording.duration((reading.numerator or 0) / reading.value)}"
        parts.append("waiting for an answer")
    elif kpi.unit == "count":
        parts.append(span(reading))
    elif reading.denominator is not None:
        parts.append(f"of {counted(kpi, reading.denominator)}")
    if reading.open_cases and not isinstance(kpi.measure, OpenAt):
        parts.append(f"{wording.number(reading.open_cases)} open")
    return " · ".join(parts)


def span(reading: Reading) -> str:
    """The time that was counted: `in 13 weeks`, or since when where the data begin later; of what is open, the data cut."""
    if isinstance(reading.kpi.measure, OpenAt):
        return "at the data cut"
    if reading.counted_from > reading.start:
        return f"since {wording.day(reading.counted_from)}"
    return f"in {(reading.end - reading.start).days // 7} weeks"


def unit_name(facility: str | None, unit: str | None) -> str:
    """A unit without its facility's name in front: where both are said, once is enough."""
    short = (unit or wording.NONE).removeprefix(facility or "").strip(" ,-")
    return short or (unit or wording.NONE)


def change(reading: Reading) -> str:
    """The difference to the equal window before, as people say it; empty when not known."""
    return "" if reading.change is None else wording.change(reading.change, reading.kpi.unit)


def weekly(kpi: Kpi, row: Row) -> str:
    """The sentence of one point: `week of 4 May: 11.8 % of 92 visits, outside the limits`."""
    said = f"{wording.week(row['week'])}: {wording.value(row['value'], kpi.unit)}"
    if row.get("denominator") is not None and kpi.unit != "count":
        said += f" of {counted(kpi, row['denominator'])}"
    if row.get("rule") and row["rule"] != "common_cause":
        said += f", {RULES.get(row['rule'], row['rule'])}"
    return said


def spark_alt(reading: Reading) -> str:
    """What a sparkline shows, in one sentence."""
    if not reading.weeks:
        return f"{reading.kpi.title}: no weekly values yet."
    word = VARIATION.get(reading.variation, VARIATION["none"])[1]
    first, last = reading.weeks[0], reading.weeks[-1]
    return (
        f"{reading.kpi.title}: {len(reading.weeks)} weekly values from {wording.week(first['week'])}, "
        f"the last {wording.value(last['value'], reading.kpi.unit)}; {word}."
    )


def overview(readings: Sequence[Reading], place: str) -> tuple[str, str]:
    """The headline of the overview: how many need attention, and the two numbers that matter most."""
    known = [r for r in readings if r.look == "value"]
    attention = sorted((r for r in known if r.needs_attention), key=_urgency)
    unusable = [r for r in readings if r.look == "withheld"]
    if not known:
        return "No measure can be shown.", "Can I trust the data? says what is missing."
    if not attention:
        lead = f"Nothing at {place} needs attention." if place != "all facilities" else "Nothing needs attention."
        first = [r for r in known if r.target is not None][:2] or known[:2]
    else:
        verb = "needs" if len(attention) == 1 else "need"
        lead = f"{_spelled(len(attention)).capitalize()} of {_spelled(len(known))} measures {verb} attention."
        first = attention[:2]
    said = [_clause(r) for r in first]
    rest = "; ".join(said) + "." if said else ""
    biased = [r for r in known if r.state == "biased"]
    if biased:
        rest += f" {_spelled(len(biased)).capitalize()} of the numbers {'is' if len(biased) == 1 else 'are'} biased."
    if unusable:
        rest += f" {_spelled(len(unusable)).capitalize()} withheld."
    return lead, _capital(rest)


def answer(readings: Sequence[Reading]) -> tuple[str, str]:
    """The headline of a family's page: its first number in words, then those that need attention."""
    known = [r for r in readings if r.look == "value"]
    if not known:
        return "Nothing is known here.", "Choose a longer period or a larger part of the hospital."
    attention = sorted((r for r in known[1:] if r.needs_attention), key=_urgency)
    if attention:
        verb = "needs" if len(attention) == 1 else "need"
        others = f"{_spelled(len(attention))} of {_spelled(len(known) - 1)} others {verb} attention"
        rest = f"{others}: {'; '.join(_clause(r) for r in attention[:2])}."
    else:
        rest = "Nothing else needs attention." if len(known) > 1 else ""
    return _capital(_clause(known[0])) + ".", _capital(rest)


def kpi_headline(reading: Reading, threshold: int) -> tuple[str, str]:
    """The headline of one KPI: the number of what, then change and target."""
    shown = value(reading, threshold)
    if reading.look == "withheld":
        return "This number is withheld.", " ".join(reading.why)
    if reading.look == "suppressed":
        return f"The number is hidden: {shown} {COUNTED[reading.kpi.mart][1]}.", "A smaller number could name somebody."
    if reading.look == "none":
        return "There is nothing to count here.", "Choose a longer period or a larger part of the hospital."
    weeks = (reading.end - reading.start).days // 7
    when = span(reading).replace("in ", "in the last ")
    part = _part(reading.kpi)
    if part and reading.denominator is not None:
        lead = f"{part} of {counted(reading.kpi, reading.denominator)} took no longer than {shown} {when}"
    elif reading.kpi.unit != "count" and reading.denominator is not None:
        lead = f"{shown} {when}, of {counted(reading.kpi, reading.denominator)}"
    else:
        lead = f"{shown} {when}"
    rest = []
    if reading.change is not None:
        rest.append(f"{change(reading)} against the {weeks} weeks before")
    rest.append(target(reading) + (f", {assurance(reading)[1]}" if assurance(reading) else ""))  # type: ignore[index]
    if reading.open_cases and not isinstance(reading.kpi.measure, OpenAt):
        rest.append(f"{wording.number(reading.open_cases)} still open")
    return lead + ".", _capital("; ".join(rest) + ".")


def _part(kpi: Kpi) -> str | None:
    """Which part of the cases a measure of time speaks of: half, nine of ten; none for another measure."""
    is_time = kpi.unit in ("minutes", "milliseconds") and isinstance(kpi.measure, Quantile | CompletionTime)
    return PARTS_OF_TEN.get(kpi.measure.q) if is_time else None  # type: ignore[union-attr] # both have q


def _clause(reading: Reading) -> str:
    """`boarding after decision: 3 h 52 (+14 min), target ≤ 4 h`."""
    moved = f" ({change(reading)})" if reading.change is not None else ""
    aim = f", {target(reading)}" if reading.target is not None else ""
    title = reading.kpi.short_title
    title = title if title[:2].isupper() else title[0].lower() + title[1:]
    return f"{title}: {wording.value(reading.value, reading.kpi.unit)}{moved}{aim}"


def _urgency(reading: Reading) -> tuple[int, int]:
    """Missing and getting worse before one of the two, certain before possible, people before messages."""
    worsening, failing = reading.variation == "concern", reading.assurance == "fail"
    about_people = 0 if reading.kpi.about_people else 1
    return (-(4 * worsening + 2 * failing + reading.misses), about_people)


def _spelled(n: int) -> str:
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return small[n] if n < len(small) else f"{n}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def local(found: Manifest, when: datetime | None) -> str:
    """A time in the hospital's zone with its weekday."""
    return wording.NONE if when is None else wording.local_time(when.astimezone(ZoneInfo(found.zone)))


def short_time(found: Manifest, when: datetime | None) -> str:
    """A local time without its year where that is the data cut's: for columns."""
    if when is None:
        return wording.NONE
    return local(found, when).replace(f" {found.as_of.astimezone(ZoneInfo(found.zone)).year},", ",")


def period(start: date, end: date) -> str:
    """The days of a window, both ends named: `12 Jan to 12 Apr 2026`."""
    last = end - timedelta(days=1)
    return f"{start.day} {start:%b} to {last.day} {last:%b} {last.year}"


def place_params(facility: str | None, unit: str | None) -> str:
    """The place of a selection, for the access log."""
    return f"facility={facility or 'all'}, unit={unit or 'all'}"


def kpi_title(kpi_id: str) -> str:
    """The short title of a KPI, or its id when this version does not know it."""
    return KPIS[kpi_id].short_title if kpi_id in KPIS else kpi_id
