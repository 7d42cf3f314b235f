"""The waits of one journey: their stretches, who acted meanwhile, and what became of alerts and messages. Rows in, rows out.

Here: which waits are drawn, sentences. Not here: how a wait is cut (`marts.wait_part`), who counts as acting (`models.waits`), drawing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dashboard import data, delays
from dashboard.data import Opening
from dashboard.journey_stages import after, reached
from models import wording
from models.missing import ABOUT, Missing, never_arrived
from models.publication import Manifest
from models.waits import ACTORS, PARTS, WAIT_KINDS, doubts, hand

Row = dict[str, Any]

AT_ONCE = 10
WITHIN = "↳"
"""Stands before the name of a wait that lies within the one above it."""
DROPPED = ("failed", "dead-lettered", "queued")
ALERTS = ("critical result shown", "critical result escalated")


def read(
    found: Manifest,
    waits: Opening,
    parts: Opening,
    stages: Opening | None,
    touches: Opening | None,
    events: Sequence[Row],
) -> list[Row]:
    """The waits of the journey's visits, each with `name`, `late` (minutes of interfaces), `stretches` and `stages`.

    `outer` is the wait that one lies within and follows, null for one that lies within none: sums are over those. A stretch has `hop`,
    `actor` in words, and `did`, what somebody did by hand, null where nobody did.
    """
    cases = tuple(sorted({event["case_key"] for event in events if event["case_key"]}))
    rows = placed(data.opened_rows(waits, found, "wait", {"encounter_key": cases}, order=("began_at", "wait_key")))
    keys = tuple(row["wait_key"] for row in rows)
    cut = data.opened_rows(parts, found, "wait_part", {"wait_key": keys}, order=("part_no",)) if keys else []
    way = (
        data.opened_rows(stages, found, "wait_stage", {"wait_key": keys}, order=("stage_no",))
        if keys and stages
        else []
    )
    hands = done(found, touches, events)
    stretches: dict[str, list[Row]] = {}
    for stretch in cut:
        stretches.setdefault(stretch["wait_key"], []).append(_told(stretch, hands))
    listed: list[Row] = []
    for row in rows:
        mine = stretches.get(row["wait_key"], [])
        late = sum(each["minutes"] for each in mine if PARTS[each["part"]].cause == "interface")
        listed.append(
            row
            | {"title": WAIT_KINDS[row["wait_kind"]].title, "late": late, "stretches": mine}
            | {"stages": [reached(each) for each in way if each["wait_key"] == row["wait_key"]]}
        )
    return _numbered(listed)


def placed(waits: Sequence[Row]) -> list[Row]:
    """The waits with their `outer`, each followed by those that begin within it, of the same order where it is one of an order."""
    whole: list[Row] = [wait | {"outer": None} for wait in waits if not wait["is_within"]]
    inner: dict[str, list[Row]] = {}
    for wait in waits:
        if wait["is_within"]:
            outer = next((each for each in whole if _holds(each, wait)), None)
            inner.setdefault(outer["wait_key"] if outer else "", []).append(wait | {"outer": outer})
    firsts = sorted([*whole, *inner.pop("", [])], key=lambda wait: (wait["began_at"], wait["wait_key"]))
    return [wait for first in firsts for wait in (first, *inner.get(first["wait_key"], []))]


def _holds(outer: Row, wait: Row) -> bool:
    return outer["order_key"] == wait["order_key"] and outer["began_at"] <= wait["began_at"] <= outer["until_at"]


def done(found: Manifest, touches: Opening | None, events: Sequence[Row]) -> list[Row]:
    """What people did by hand to the journey's messages, in order of time."""
    messages = tuple(sorted({event["message_key"] for event in events if event.get("message_key")}))
    if touches is None or not messages:
        return []
    return data.opened_rows(touches, found, "intervention", {"message_key": messages}, order=("occurred_at",))


def missing(found: Manifest, exceptions: Opening | None, events: Sequence[Row]) -> list[Missing]:
    """The messages about the journey that should have come and never did."""
    names = dict(zip(ABOUT, ("case_key", "order_key", "message_key"), strict=True))
    keys = {column: {event[name] for event in events if event.get(name)} for column, name in names.items()}
    rows = [
        row
        for column, some in keys.items()
        if exceptions and some
        for row in data.opened_rows(exceptions, found, "work_exception", {column: tuple(sorted(some))})
    ]
    return never_arrived(rows, set[str]().union(*keys.values()))


def _told(stretch: Row, hands: Sequence[Row]) -> Row:
    touch = hand(stretch, hands)
    did = _did(touch) if touch else None
    hop = delays.hop(stretch) if stretch["channel"] else ""
    return stretch | {"hop": hop, "actor": ACTORS[PARTS[stretch["part"]].actor], "did": did}


def _numbered(waits: list[Row]) -> list[Row]:
    """With `name`: the title, a number where the journey has several of a kind, and before it a sign of one that lies within another."""
    total: dict[str, int] = {}
    for wait in waits:
        total[wait["title"]] = total.get(wait["title"], 0) + 1
    seen: dict[str, int] = {}
    for wait in waits:
        seen[wait["title"]] = seen.get(wait["title"], 0) + 1
        name = f"{wait['title']} {seen[wait['title']]}" if total[wait["title"]] > 1 else wait["title"]
        wait["name"] = f"{WITHIN} {name}" if wait["outer"] else name
    return waits


def drawn(waits: Sequence[Row]) -> list[Row]:
    """The waits that are drawn, in order of time: those with the most late data, then the longest, and what lies within them."""
    first = sorted(outermost(waits), key=lambda wait: (-wait["late"], -wait["minutes"]))[:AT_ONCE]
    names = {wait["wait_key"] for wait in first}
    return [wait for wait in waits if (wait["outer"] or wait)["wait_key"] in names]


def outermost(waits: Sequence[Row]) -> list[Row]:
    """Those that lie within no other: their times add up."""
    return [wait for wait in waits if wait["outer"] is None]


def bars(waits: Sequence[Row]) -> list[Row]:
    """Every stretch with the `row` it stands in, its `head` in words, and the minutes `after` (see `journey_stages.after`).

    The stretch that kept the news longest has a `word` beside it.
    """
    found: list[Row] = []
    for wait in waits:
        kept = [each for each in wait["stretches"] if PARTS[each["part"]].cause != "people"]
        longest = max(kept, key=lambda each: each["minutes"], default=None)
        found += [
            each
            | {"row": wait["name"], "head": _head(wait), "after": after(wait, each["from_at"])}
            | {"word": short(wait, each) if each is longest and each["minutes"] >= 1 else ""}
            for each in wait["stretches"]
        ]
    return found


def _head(wait: Row) -> str:
    """What was waited for, since when, how long; the day of one within another stands above it."""
    began = wait["began_at"]
    day = "" if wait["outer"] else f"{began:%a} {began.day} {began:%b} "
    return f"<b>{wait['name']}</b>, {day}{began:%H:%M}, {wording.duration(wait['minutes'])}"


def short(wait: Row, stretch: Row) -> str:
    """A stretch in a few words: the hop, and what became of the message there; the missing one is named."""
    if stretch["part"] == "unknown":
        return f"no log has {WAIT_KINDS[wait['wait_kind']].news}"
    did = f", {stretch['did']}" if stretch["did"] else ""
    return f"{stretch['hop']}: {PARTS[stretch['part']].title.lower()}{did}"


def said(wait: Row, stretch: Row) -> str:
    """A stretch in one sentence, for the chart's hover and the list."""
    how = [*([stretch["did"]] if stretch["did"] else []), *doubts(stretch)]
    more = f" ({'; '.join(how)})" if how else ""
    where = f" in {stretch['hop']}" if stretch["hop"] else ""
    return (
        f"{wait['name']}: {PARTS[stretch['part']].title.lower()}{where}, {wording.duration(stretch['minutes'])}{more}"
    )


def headline(waits: Sequence[Row]) -> str:
    """How much of the journey's waits was late data, and where most of it was kept."""
    waits = outermost(waits)
    if not waits:
        return ""
    late, total = sum(wait["late"] for wait in waits), sum(wait["minutes"] for wait in waits)
    if not late:
        return f"Of {wording.hours(total)} in {len(waits)} waits nothing is known to have been late data."
    kept = [(wait, each) for wait in waits for each in wait["stretches"] if PARTS[each["part"]].cause == "interface"]
    wait, worst = max(kept, key=lambda pair: pair[1]["minutes"])
    return (
        f"Of {wording.hours(total)} in {len(waits)} waits {wording.hours(late)} were late data, most in {short(wait, worst)} "
        f"({wording.duration(worst['minutes'])})."
    )


def questions(
    waits: Sequence[Row], events: Sequence[Row], hands: Sequence[Row], never: Sequence[Missing] = ()
) -> list[tuple[str, str]]:
    """Did the alert fire, was a message dropped (or `never` came), did somebody override? Each with what the journey knows of it."""
    dropped = {
        (each["from_at"], each["hop"]): f"{_at(each['from_at'])} {each['hop']}, for {wording.duration(each['minutes'])}"
        + (f", then {each['did']}" if each["did"] else "")
        for wait in outermost(waits)
        for each in wait["stretches"]
        if each["part"] == "unacknowledged"
    }
    alerts = [event for event in events if event["what"] in ALERTS]
    lost = [event for event in events if event["kind"] == "message" and event["what"].endswith(DROPPED)]
    return [
        ("Did an alert fire?", _listed([f"{_at(each['occurred_at'])} {each['what']}" for each in alerts], "no critical result was shown")),
        (
            "Was a message dropped?",
            _listed(
                [
                    *(f"by {_at(each.since)} {each.where}, {each.what}" for each in never),
                    *dropped.values(),
                    *(f"{_at(each['occurred_at'])} {each['what']}, {each['place']}" for each in lost),
                ],
                "every message that is known arrived",
            ),
        ),
        (
            "Did somebody step in?",
            _listed(
                [f"{_at(each['occurred_at'])} {_did(each)}, {each['channel']}" for each in hands],
                "no log shows it",
            ),
        ),
    ]  # fmt: skip


def _did(touch: Mapping[str, Any]) -> str:
    who = "somebody whom the log does not name" if touch["role"] == "Unknown" else touch["role"]
    return f"{wording.message_step(touch['kind'])} by {who}"


def _listed(told: Sequence[str], none: str, most: int = 3) -> str:
    if not told:
        return f"No: {none}."
    more = f"; and {len(told) - most} more" if len(told) > most else ""
    return f"Yes: {'; '.join(told[:most])}{more}."


def _at(instant: datetime) -> str:
    return f"{instant:%a %H:%M}"
