"""Where the time of waits went, and of the cases of any measure, in words: how much in which channel, how much with people.

Published rows in, rows out.

Here: which rows are shown and in what order, sentences. Not here: counting (done when they were published), what the parts mean
(`models.waits`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from dashboard import data, readings
from dashboard.here import Here
from models import wording
from models.kpi import Kpi
from models.kpis import KPIS
from models.waits import CARE, MOST_UNCERTAIN, TIME_PARTS, WAIT_KINDS, WaitKind

Row = dict[str, Any]

BY_DAY_UP_TO = 4  # weeks; longer windows are drawn by week
HOUR = 60
WEEK = 7
LITTLE = 0.01
LEAST = 0.0001


@dataclass(frozen=True)
class Delays:
    """One kind of wait, or the cases of a measure, at a place over a period. `whole` is None where there were none; hidden rows carry no
    numbers.
    """

    kind: WaitKind | Kpi
    start: date
    end: date
    whole: Row | None
    parts: Sequence[Row] = ()
    hops: Sequence[Row] = ()
    steps: Sequence[Row] = field(default=(), repr=False)  # days or weeks, each with `minutes` by part
    grain: str = "week"
    hidden: int = 0  # of the steps
    kinds: Sequence[Row] = ()  # of a measure's cases: what was waited for, null `wait_kind` for nothing
    withheld: int = 0  # of the steps
    since: date | None = None  # the first day or week of which anything is known

    @property
    def is_hidden(self) -> bool:
        """Too few patients waited for any number to be shown."""
        return self.whole is not None and bool(self.whole["suppressed"])

    def share(self, minutes: float | None) -> float:
        """A part of the whole, 0 to 1."""
        return (minutes or 0) / self.whole["minutes"] if self.whole and self.whole["minutes"] else 0.0

    def minutes(self, *causes: str) -> float:
        """What the parts of these causes took."""
        return sum(row["minutes"] for row in self.parts if TIME_PARTS[row["part"]].cause in causes)


def of_url(here: Here) -> WaitKind | Kpi:
    """What the URL asks about: a kind of wait, else the measure that is open, else orders to the laboratory."""
    return WAIT_KINDS.get(here.view.wait or "") or KPIS.get(here.view.kpi or "") or WAIT_KINDS["order_to_result"]


def choices() -> dict[str, WaitKind | Kpi]:
    """All that can be asked about, by a name that no other has: kinds of wait, then measures of time."""
    kinds = {f"Wait: {kind.title}": kind for kind in WAIT_KINDS.values()}
    return kinds | {f"Measure: {kpi.title}": kpi for kpi in KPIS.values() if kpi.counts_no_time is None}


def read(here: Here, kind: WaitKind | Kpi) -> Delays:
    """The published rows of a kind of wait or a measure: over the window of the view, or of the day or week that it opens."""
    view = here.view
    start, end = readings.whole_weeks(here.found, view.weeks)
    is_kpi = isinstance(kind, Kpi)
    grain = "week" if view.weeks > BY_DAY_UP_TO or (is_kpi and view.unit) else "day"
    place = {"kpi" if is_kpi else "wait_kind": kind.id, "facility": view.facility, "unit": view.unit}
    by_step = _rows(here, kind, place | {"grain": grain})
    by_step = [row for row in by_step if start <= row["period"] and row["period_end"] <= end]
    opened = next((row for row in by_step if row["period"].isoformat() == view.on), None)
    if opened is not None:
        start, end = opened["period"], opened["period_end"]
        rows = [row for row in by_step if row["period"] == start]
    else:
        rows = _rows(here, kind, place | readings.in_window(here.found, view))
    whole = next((row for row in rows if row["split"] == "all"), None)
    steps = _steps(by_step)
    shown = [] if whole is None or whole["suppressed"] or whole["is_withheld"] else rows
    by_part = {row["part"]: row for row in shown if row["split"] == "part"}
    return Delays(
        kind,
        start,
        end,
        whole,
        [by_part[part] for part in TIME_PARTS if part in by_part],
        named([row for row in shown if row["split"] == "hop"]),
        [step for step in steps if not step["suppressed"] and not step["is_withheld"]],
        grain,
        sum(step["suppressed"] for step in steps),
        sorted((row for row in shown if row["split"] == "kind"), key=lambda row: -row["minutes"]),
        sum(step["is_withheld"] for step in steps),
        min((step["period"] for step in steps), default=None),
    )


def _rows(here: Here, kind: WaitKind | Kpi, where: Mapping[str, object]) -> list[Row]:
    """The published rows; a measure's cases stand as the waits of a kind do."""
    if isinstance(kind, WaitKind):
        return data.rows(here.found, here.person, "delay_part", where, order=("period",))
    rows = data.rows(here.found, here.person, "kpi_delay", where, order=("period",))
    return [row | {"waits": row["cases"], "open_waits": row["open_cases"]} for row in rows]


def _steps(rows: Sequence[Row]) -> list[Row]:
    """One row a day or week, with what each part took in it."""
    found: dict[date, Row] = {}
    for row in rows:
        step = found.setdefault(row["period"], {"period": row["period"], "parts": {}})
        if row["split"] == "all":
            step |= row
        elif row["split"] == "part" and row["minutes"] is not None:
            step["parts"][row["part"]] = row["minutes"]
    return list(found.values())


def named(hops: Sequence[Row]) -> list[Row]:
    """The hops with their `name`, the costliest first; those of one name in several engines say which."""
    names = Counter(hop(row) for row in hops)
    with_names = [row | {"name": hop(row) + (f" ({row['source']})" if names[hop(row)] > 1 else "")} for row in hops]
    return sorted(with_names, key=lambda row: (-row["minutes"], row["name"]))


def hop(row: Mapping[str, Any]) -> str:
    """A hop in words: `LAB-OUT → EHR`; the channel alone where the message had not left it."""
    return f"{row['channel']} → {row['destination']}" if row["destination"] else str(row["channel"])


def span(found: Delays) -> str:
    """The period in words: a day by its name, a week by its Monday, longer ones by their weeks, or since the data begin."""
    days = (found.end - found.start).days
    if days == 1:
        return f"on {wording.day(found.start)}"
    if found.since is not None and found.since > found.start:
        return f"since {wording.day(found.since)}"
    return f"in the {wording.week(found.start)}" if days == WEEK else f"in the last {days // WEEK} weeks"


def headline(found: Delays, threshold: int) -> tuple[str, str]:
    """How much of the delay was in which channel and how much with people, of how many patients."""
    title = f"{found.kind.title}, {span(found)}"
    if found.whole is None:
        return "Nothing waited here.", f"{title}: choose a longer period or a larger part of the hospital."
    if found.is_hidden:
        return (
            f"This is hidden: {wording.suppressed(threshold)} patients, or it would give such a number away.",
            "Choose a longer period or all facilities.",
        )
    if found.whole["is_withheld"]:
        unsure = wording.share(found.share(found.whole["minutes_uncertain"]))
        return (
            "What this time was made of is withheld.",
            (
                f"{title}: {_of(found)}. People acted before the message came, and how long they had known can only be estimated: "
                f"{unsure} of the time may well belong elsewhere, and more than {wording.share(MOST_UNCERTAIN)} is not shown. "
                "Choose a longer period."
            ),
        )
    if isinstance(found.kind, Kpi):
        return where_it_went(found), f"{title}: {_of(found)}."
    people = f"{wording.share(found.share(found.minutes('people')))} was with people"
    if found.hops and found.minutes("interface"):
        first = found.hops[0]
        others = found.minutes("interface") - first["minutes"]
        more = f", {wording.share(found.share(others))} elsewhere on the way" if found.share(others) >= LEAST else ""
        lead = f"{wording.share(found.share(first['minutes']))} of the delay was in {first['name']}{more}; {people}."
    else:
        lead = f"{people[0].upper()}{people[1:]}: none of it was in a channel."
    unknown = found.minutes("unknown")
    parts = [f"{title}: {_of(found)}"]
    if unknown:
        parts.append(f"of {wording.share(found.share(unknown))} it is not known")
    return lead, "; ".join(parts) + "."


def where_it_went(found: Delays) -> str:
    """Of the time of a measure's cases: what messages held up and where, what was with people, and in what nothing was awaited."""
    told: list[str] = []
    late, care = found.share(found.minutes("interface")), found.share(found.minutes(CARE.cause))
    if late >= LEAST:
        names = [row["name"] for row in found.hops]
        where = f" ({'most ' if len(names) > 1 else ''}in {names[0]})" if names else ""
        told.append(f"{wording.share(late)} was messages held up or on their way{where}")
    if found.minutes("people"):
        told.append(f"{wording.share(found.share(found.minutes('people')))} was with people")
    if found.minutes("unknown"):
        told.append(f"of {wording.share(found.share(found.minutes('unknown')))} nobody knows where the news was")
    if care and not told:
        return "No message and no answer that is followed here was awaited: all of this time was care and work itself."
    if care:
        told.append(f"in {wording.share(care)} nothing was awaited: care and work itself")
    return f"Of this time {', '.join(told)}." if told else "These cases took no time."


def _of(found: Delays) -> str:
    """How many cases of how many patients took how long, and how many of them are still open."""
    whole = found.whole or {}
    one = "cases" if isinstance(found.kind, Kpi) else "waits"
    people = f" of {wording.number(whole['patients'])} patients" if whole["patients"] else ""
    hours = f"{wording.number(whole['minutes'] / HOUR)} {'patient-' if people else ''}hours"
    still = f"; {wording.number(whole['open_waits'])} {'is' if whole['open_waits'] == 1 else 'are'} still open"
    nobody = "" if people else " (no patient is named by these)"
    return f"{wording.number(whole['waits'])} {one}{people} took {hours}{still if whole['open_waits'] else ''}{nobody}"


def of_edge(here: Here, workflow: str, edge: Mapping[str, Any]) -> list[Row]:
    """Where the time between two steps of a workflow went: one row a part, with `minutes`, and `name` of its costliest hop."""
    where: dict[str, object] = {"workflow": workflow, "facility": here.view.facility}
    where |= readings.in_window(here.found, here.view)
    where |= {name: edge[name] for name in ("activity", "next_activity")}
    rows = [row for row in data.rows(here.found, here.person, "delay_edge", where) if not row["suppressed"]]
    found: list[Row] = []
    for part in TIME_PARTS:
        mine = named([row for row in rows if row["part"] == part])
        if mine:
            first = mine[0]["name"] if mine[0]["channel"] else ""
            found.append({"part": part, "minutes": sum(row["minutes"] for row in mine), "name": first})
    return found


def edge_headline(parts: Sequence[Row], minutes: float) -> str:
    """What of an edge's time messages took and what people, and what no wait covers."""
    if not parts or not minutes:
        return ""
    late = [row for row in parts if TIME_PARTS[row["part"]].cause == "interface"]
    told = [f"{wording.share(_sum(late) / minutes)} went on messages on their way"] if late else []
    if late:
        first = max(late, key=lambda row: row["minutes"])
        told[0] += f" (most in {first['name']}: {TIME_PARTS[first['part']].title.lower()})" if first["name"] else ""
    for cause, words in (("people", "with people"), ("unknown", "nobody knows where")):
        mine = [row for row in parts if TIME_PARTS[row["part"]].cause == cause]
        if mine:
            told.append(f"{wording.share(_sum(mine) / minutes)} {words}")
    left = 1 - _sum(parts) / minutes
    rest = f" In the other {wording.share(left)} nobody had been asked to act." if left >= LITTLE else ""
    return f"Of this time {', '.join(told)}.{rest}"


def _sum(rows: Sequence[Row]) -> float:
    return sum(row["minutes"] for row in rows)


def said(found: Delays, step: Row) -> str:
    """One day or week in a sentence, for the chart's hover and alternative text."""
    when = wording.day(step["period"]) if found.grain == "day" else wording.week(step["period"])
    total = step["minutes"] or 1
    parts = "; ".join(
        f"{TIME_PARTS[part].title.lower()} {wording.hours(step['parts'][part])} ({wording.share(step['parts'][part] / total)})"
        for part in TIME_PARTS
        if step["parts"].get(part)
    )
    return f"{when}: {wording.number(step['waits'])} waits, {wording.hours(step['minutes'])}. {parts}"


def unknowns(found: Delays) -> list[tuple[str, str]]:
    """What the numbers cannot know, each as a name and a sentence."""
    if found.whole is None or not found.parts:
        return []
    whole = found.whole
    unknown, across, estimated, unsure = (
        wording.share(found.share(minutes))
        for minutes in (
            found.minutes("unknown"),
            *(whole[f"minutes_{name}"] for name in ("across_clocks", "estimated", "uncertain")),
        )
    )
    listed = [
        ("Not known", f"{unknown}: {TIME_PARTS['unknown'].meaning}"),
        (
            "Between two clocks",
            (
                f"{across} began by an engine's clock and ended by the record's, or the other way round; "
                "a difference of the clocks moves time between the parts, the sum stays"
            ),
        ),
    ]
    if whole["minutes_estimated"]:
        unsure = (
            f"{estimated}: people acted before the message came; they are taken to have needed as long as is usual there, "
            f"so that {unsure} may well belong to another part"
        )
        listed.append(("Estimated", unsure))
    if whole["open_waits"]:
        listed.append(
            ("Still open", f"{wording.number(whole['open_waits'])}, counted with what they have waited so far")
        )
    one = {"day": "day", "week": "week"}[found.grain]
    for name, steps, why in (
        ("Hidden", found.hidden, "of too few patients"),
        ("Withheld", found.withheld, "of which too much is estimated"),
    ):
        if steps:
            listed.append((name, f"{steps} {one}{'s' if steps > 1 else ''} {why}"))
    return listed


def days(found: Delays) -> tuple[date, ...]:
    """Every local day of the period."""
    return tuple(found.start + timedelta(days=n) for n in range((found.end - found.start).days))
