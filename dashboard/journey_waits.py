"""The waits of one journey: their stretches, who acted meanwhile, and what became of alerts and messages. Rows in, rows out.

Here: which waits are drawn, sentences. Not here: how a wait is cut (`marts.wait_part`), who counts as acting (`models.waits`), drawing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dashboard import data, delays
from dashboard.data import Opening
from models import wording
from models.missing import ABOUT, Missing, never_arrived
from models.publication import Manifest
from models.waits import ACTORS, PARTS, STAGES, UNKNOWN, WAIT_KINDS, hand

Row = dict[str, Any]

AT_ONCE = 10
DROPPED = ("failed", "dead-lettered", "queued")
SAYS = {
    "msh_7": "MSH-7, by the sender's clock",
    "msa_1": "the answer of the receiver's application (AA)",
    "engine_log": "the engine's log",
    "record": "the record",
    "several": "several resources of the record",
}
"""What says when a stage was, by `basis`; others are the element of a resource."""
ALERTS = ("critical result shown", "critical result escalated")


def read(
    found: Manifest,
    waits: Opening,
    parts: Opening,
    stages: Opening | None,
    touches: Opening | None,
    events: Sequence[Row],
) -> list[Row]:
    """The waits of the journey's visits that lie in no other, each with `name`, `late` (minutes of interfaces), `stretches` and `stages`.

    A stretch has `hop`, `actor` in words, and `did`, what somebody did by hand, null where nobody did.
    """
    cases = tuple(sorted({event["case_key"] for event in events if event["case_key"]}))
    rows = data.opened_rows(
        waits, found, "wait", {"encounter_key": cases, "is_within": False}, order=("began_at", "wait_key")
    )
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
            | {"stages": [_reached(each) for each in way if each["wait_key"] == row["wait_key"]]}
        )
    return _numbered(listed)


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


def _reached(stage: Row) -> Row:
    """The stage with what it is called (`name`), `when` in words or why nobody knows, and what says so (`says`)."""
    title, hop = STAGES[stage["stage"]].title, delays.hop(stage) if stage["channel"] else ""
    at = stage["occurred_at"]
    if at is None:
        return stage | {"name": title, "when": "not known", "says": UNKNOWN[stage["unknown_because"]]}
    when = ("no later than " if stage["is_bound"] else "") + f"{at:%a %H:%M:%S}"
    name = f"{title}: {hop}" if stage["stage"] == "hop" else title
    return stage | {"name": name, "when": when, "says": SAYS.get(stage["basis"], stage["basis"])}


def marks(waits: Sequence[Row]) -> list[Row]:
    """Every stage whose time is known, with the `row` it stands in, the minutes `after` the wait began, and its sentence."""
    return [
        stage
        | {"row": wait["name"], "after": _after(wait, stage["occurred_at"])}
        | {"said": f"{wait['name']}: {stage['name'].lower()}, {stage['when']} ({stage['says']})"}
        for wait in waits
        for stage in wait["stages"]
        if stage["occurred_at"] is not None
    ]


def timeline(waits: Sequence[Row]) -> list[tuple[str, ...]]:
    """A row for each wait, a cell for each of `STAGES`: when it was, of the hops each, or a dash where nobody knows."""
    return [
        (
            wait["name"],
            *(
                "; ".join(_in_cell(each) for each in wait["stages"] if each["stage"] == stage) or wording.NONE
                for stage in STAGES
            ),
        )
        for wait in waits
        if wait["stages"]
    ]


def _in_cell(stage: Row) -> str:
    if stage["occurred_at"] is None:
        return "not known"
    return f"{delays.hop(stage)} {stage['occurred_at']:%H:%M:%S}" if stage["stage"] == "hop" else stage["when"]


def said_by(waits: Sequence[Row]) -> list[tuple[str, str]]:
    """Of each stage what says when it was, and why it is not known of so many waits."""
    told: list[tuple[str, str]] = []
    for stage, each in STAGES.items():
        known = Counter(
            one["says"] for wait in waits for one in wait["stages"] if one["stage"] == stage and one["occurred_at"]
        )
        lacks = Counter(
            one["says"] for wait in waits for one in wait["stages"] if one["stage"] == stage and not one["occurred_at"]
        )
        words = [*known, *(f"not known of {wording.number(n)}: {why}" for why, n in lacks.most_common())]
        if words:
            told.append((each.title, "; ".join(words)))
    return told


def _numbered(waits: list[Row]) -> list[Row]:
    """With `name`: the title, and a number where the journey has several of a kind."""
    total: dict[str, int] = {}
    for wait in waits:
        total[wait["title"]] = total.get(wait["title"], 0) + 1
    seen: dict[str, int] = {}
    for wait in waits:
        seen[wait["title"]] = seen.get(wait["title"], 0) + 1
        wait["name"] = f"{wait['title']} {seen[wait['title']]}" if total[wait["title"]] > 1 else wait["title"]
    return waits


def drawn(waits: Sequence[Row]) -> list[Row]:
    """The waits that are drawn, in order of time: those with the most late data, then the longest."""
    first = sorted(waits, key=lambda wait: (-wait["late"], -wait["minutes"]))[:AT_ONCE]
    return [wait for wait in waits if wait in first]


def bars(waits: Sequence[Row]) -> list[Row]:
    """Every stretch with the `row` it stands in, its `head` in words, and the minutes `after` the wait began.

    The stretch that kept the news longest has a `word` beside it.
    """
    found: list[Row] = []
    for wait in waits:
        kept = [each for each in wait["stretches"] if PARTS[each["part"]].cause != "people"]
        longest = max(kept, key=lambda each: each["minutes"], default=None)
        found += [
            each
            | {"row": wait["name"], "head": _head(wait), "after": _after(wait, each["from_at"])}
            | {"word": short(wait, each) if each is longest and each["minutes"] >= 1 else ""}
            for each in wait["stretches"]
        ]
    return found


def _head(wait: Row) -> str:
    """What was waited for, since when, how long."""
    began = wait["began_at"]
    return f"<b>{wait['name']}</b>, {began:%a} {began.day} {began:%b %H:%M}, {wording.duration(wait['minutes'])}"


def _after(wait: Row, instant: datetime) -> float:
    return (instant - wait["began_at"]).total_seconds() / 60


def short(wait: Row, stretch: Row) -> str:
    """A stretch in a few words: the hop, and what became of the message there; the missing one is named."""
    if stretch["part"] == "unknown":
        return f"no log has {WAIT_KINDS[wait['wait_kind']].news}"
    did = f", {stretch['did']}" if stretch["did"] else ""
    return f"{stretch['hop']}: {PARTS[stretch['part']].title.lower()}{did}"


def said(wait: Row, stretch: Row) -> str:
    """A stretch in one sentence, for the chart's hover and the list."""
    how: list[str] = []
    if stretch["did"]:
        how.append(stretch["did"])
    if stretch["is_estimated"]:
        how.append("estimated")
    if stretch["is_across_clocks"]:
        how.append("between two clocks")
    more = f" ({'; '.join(how)})" if how else ""
    where = f" in {stretch['hop']}" if stretch["hop"] else ""
    return (
        f"{wait['name']}: {PARTS[stretch['part']].title.lower()}{where}, {wording.duration(stretch['minutes'])}{more}"
    )


def headline(waits: Sequence[Row]) -> str:
    """How much of the journey's waits was late data, and where most of it was kept."""
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
        for wait in waits
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
