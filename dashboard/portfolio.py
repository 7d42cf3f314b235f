"""The portfolio in words: each interface and workflow with its verdict and the measured reasons. Published rows in, rows out.

Not here: the rules (`models.portfolio`), drawing (`parts.portfolio`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import bottlenecks, channels, conformance, data
from dashboard.here import Here
from dashboard.pain import Pain, hours
from models import wording
from models.portfolio import Channel, Judged, Why, Workflow, of_channel, of_workflow

Row = dict[str, Any]

VERDICTS = {  # verdict → icon, word, tone; in the order in which to act
    "register": ("help", "register", "neutral"),
    "fix": ("build", "fix", "concern"),
    "retire": ("archive", "retire", "neutral"),
    "keep": ("check_circle", "keep", "improve"),
}
_DAY = 86_400


@dataclass(frozen=True)
class Entry:
    """One interface or workflow. `key` is `source/channel` or the workflow's id."""

    name: str
    key: str
    judged: Judged
    reasons: tuple[str, ...]
    owner: str | None
    is_channel: bool


def read(here: Here, found: Pain) -> list[Entry]:
    """Every interface and workflow of the place, those to act on first."""
    entries = [*_channels(here, found), *_workflows(here, found)]
    order = list(VERDICTS)
    return sorted(entries, key=lambda each: (order.index(each.judged.verdict), each.is_channel, each.name))


def _channels(here: Here, found: Pain) -> list[Entry]:
    rows = channels.channels(here)
    troubles = Counter((row["source"], row["channel"], row["kind"]) for row in channels.incidents(here, rows))
    lost = {(row["source"], row["channel"]): row["lost_hours"] for row in found.steps if not row["workflow"]}
    entries: list[Entry] = []
    for row in rows:
        key = (row["source"], row["channel"])
        kinds = {kind: n for (source, channel, kind), n in troubles.items() if (source, channel) == key}
        judged = of_channel(
            Channel(
                row["is_registered"],
                _quiet_days(here, row),
                row["silent"],
                row["rate"],
                lost.get(key),
                _weeks(here, row),
                kinds,
            )
        )
        failed = "passed on" if row["rate"] is None else f"{wording.percent(row['rate'])} failed for good"
        flowing = f"{wording.number(row['messages'])} messages, {failed}"
        reasons = _said(judged, kinds) or (flowing,)
        entries.append(
            Entry(f"{row['channel']} ({row['source']})", "/".join(key), judged, reasons, row["owner"], is_channel=True)
        )
    return entries


def _weeks(here: Here, row: Row) -> float:
    """Weeks of the window since the channel was first seen, at least one: a new channel has no others to be measured against."""
    first = row.get("first_seen_at")
    seen = (here.found.as_of - first).total_seconds() / _DAY / 7 if first else here.view.weeks
    return min(max(seen, 1.0), here.view.weeks)


def _quiet_days(here: Here, row: Row) -> float | None:
    last = row["last_message_at"] or row["last_seen_at"]
    return (here.found.as_of - last).total_seconds() / _DAY if row["is_seen"] and last else None


def _workflows(here: Here, found: Pain) -> list[Entry]:
    entries: list[Entry] = []
    whole = (found.total or {}).get("lost_hours") or 0.0
    for ident, name in bottlenecks.workflows(here).items():
        if ident == "message-delivery":
            continue  # its channels stand here one by one
        flow = bottlenecks.read(here, ident)
        rules = conformance.read(here, flow).rules
        in_time = {row["activity"]: share for row in rules if (share := conformance.within(row)) is not None}
        lost = sum(row["lost_hours"] for row in found.steps if row["workflow"] == ident)
        begun = data.rows(here.found, here.person, "process_summary", flow.where)
        cases = begun[0]["cases"] if begun else 0  # null where too few began to be told
        judged = of_workflow(Workflow(cases, lost / whole if whole else 0.0, in_time))
        owners = sorted({row["owner"] for row in rules if row["owner"]})
        reasons = _said(judged, {}) or (f"{wording.number(cases)} cases, every step in time nine times of ten",)
        entries.append(Entry(name, ident, judged, reasons, ", ".join(owners) or None, is_channel=False))
    return entries


def _said(judged: Judged, kinds: dict[str, int]) -> tuple[str, ...]:
    return tuple(_reason(why, amount, step, kinds) for why, amount, step in judged.why)


def _reason(why: Why, amount: float, step: str, kinds: dict[str, int]) -> str:
    """One measured reason in words."""
    others = ", ".join(
        f"{wording.INCIDENTS[kind]} × {n}" if n > 1 else wording.INCIDENTS[kind]
        for kind, n in sorted(kinds.items())
        if kind != "latency_shift"
    )
    quiet = wording.duration(amount * 24 * 60)
    said = {
        "unregistered": "seen in a log, not in registry.toml: nobody answers for it",
        "never_seen": "registered, and no log has ever shown it",
        "quiet": f"no message for {quiet}",
        "silent": f"silent for {quiet}",
        "failing": f"{wording.percent(amount)} of deliveries failed for good",
        "slow": "slower than in its own weeks before",
        "troubled": others,
        "lost": f"{hours(amount)} lost by patients",
        "lost_share": f"{wording.share(amount)} of all hours lost",
        "no_window": "no step that was seen here has a window in registry.toml",
        "no_case": "no case began in this period",
        "late": f"{step} in time {wording.share(amount)} of the times",
    }
    return said[why]


def counted(entries: Sequence[Entry]) -> str:
    """How many there are of each verdict, in a sentence."""
    number = Counter(each.judged.verdict for each in entries)
    parts = [f"{number[verdict]} to {word}" for verdict, (_, word, _) in VERDICTS.items() if number[verdict]]
    return f"Of {len(entries)} interfaces and workflows: {', '.join(parts)}."
