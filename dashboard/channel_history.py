"""One channel over time: its periods, destinations, errors, names, gaps and clocks. Published rows in, rows and words out."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dashboard import data, readings, words
from dashboard.here import Here
from models import wording

Row = dict[str, Any]
DAYS_UP_TO = 4  # weeks: up to here every day is drawn, beyond every week


def history(here: Here, channel: Row) -> list[Row]:
    """The days or weeks of the chosen period, oldest first, each a `period`; one of which nothing is known is there, without numbers."""
    start, end = readings.whole_weeks(here.found, here.view.weeks)
    step = timedelta(days=1 if here.view.weeks <= DAYS_UP_TO else 7)
    where = {**_of(channel), "grain": "day" if step.days == 1 else "week"}
    rows = data.rows(here.found, here.person, "interface_history", where, order=("period",))
    known = {row["period"]: _shares(row) for row in rows if start <= row["period"] < end}
    if not known:
        return []
    begin = max(start, min(known))
    periods = [begin + step * n for n in range((end - begin) // step)]
    return [known.get(period, {"period": period, **dict.fromkeys(_NUMBERS)}) for period in periods]


def in_window(here: Here, table: str, channel: Row, order: str) -> list[Row]:
    """Rows of the channel in the chosen window, the largest first."""
    where = {**_of(channel), **readings.in_window(here.found, here.view)}
    return data.rows(here.found, here.person, table, where, order=(f"-{order}",))


def names(here: Here, channel: Row) -> list[Row]:
    """The names that the channel bore, the newest first."""
    return data.rows(here.found, here.person, "interface_flow", _of(channel), order=("-valid_from",))


def gaps(here: Here, channel: Row) -> list[Row]:
    """What the log lacks by the numbers of messages and by the engine's own counters, and resets of those, the newest first."""
    found = [
        row | {"why": "pruned by the engine" if row["is_pruned"] else "their numbers are not in what was delivered"}
        for row in data.rows(here.found, here.person, "log_gap", _of(channel))
    ]
    said = {
        "missing": "counted by the engine, not in what was delivered",
        "reset": "a counter was set back: what it counted is lost",
    }
    found += [
        row | {"why": said[row["kind"]]} for row in data.rows(here.found, here.person, "counter_gap", _of(channel))
    ]
    return sorted(found, key=lambda row: row["until_at"], reverse=True)


def clocks(here: Here, channel: Row) -> list[Row]:
    """The newest day's estimate of every clock that the channel's engine was compared with."""
    rows = data.rows(here.found, here.person, "clock_skew", {"source": channel["source"]}, order=("-seen_date",))
    newest: dict[str, Row] = {}
    for row in rows:
        mine = row["other_clock_id"] == f"sender of {channel['channel']}"
        if mine or not row["other_clock_id"].startswith("sender of "):
            newest.setdefault(row["other_clock_id"], row)
    return sorted(newest.values(), key=lambda row: (not row["is_both_ways"], row["other_clock_id"]))


def said_of_clock(row: Row) -> tuple[str, str]:
    """How far the other clock is off, and how well that is known."""
    amount = wording.milliseconds(abs(row["ahead_ms"]))
    side = "ahead" if row["ahead_ms"] > 0 else "behind"
    if row["is_both_ways"] and abs(row["ahead_ms"]) <= row["within_ms"]:
        return "no difference", f"within {wording.milliseconds(row['within_ms'])}, seen both ways"
    if row["is_both_ways"]:
        return f"{amount} {side}", f"within {wording.milliseconds(row['within_ms'])}, seen both ways"
    if not row["ahead_ms"]:
        return "not seen to be off", "seen one way only: it can be off by less than a message takes"
    return f"at least {amount} {side}", "seen one way only"


def said_of_gap(here: Here, row: Row) -> tuple[str, str, str]:
    """From when to when, how many messages as far as that is known, and why as far as the engine says it."""
    begin = words.short_time(here.found, row["from_at"]) if row["from_at"] else "before the log begins"
    missing = row["missing_messages"]
    return (
        f"{begin} – {words.short_time(here.found, row['until_at'])}",
        "not known" if missing is None else wording.number(missing),
        row["why"],
    )


def period_name(here: Here, period: date) -> str:
    """A day with its weekday, or a week by its Monday."""
    return wording.day(period) if here.view.weeks <= DAYS_UP_TO else wording.week(period)


_NUMBERS = (
    "messages", "expected_messages", "failed_share", "first_share", "deliveries", "ack_p50_ms", "ack_p95_ms", "ack_p99_ms",
    "counted_messages", "hours", "missing_hours", "missing_messages", "drifted", "silent_minutes",
)  # fmt: skip


def _shares(row: Row) -> Row:
    deliveries = row["deliveries"]
    return row | {
        "failed_share": row["failed_final"] / deliveries if deliveries else None,
        "first_share": row["failed_first"] / deliveries if deliveries else None,
    }


def _of(channel: Row) -> dict[str, object]:
    return {"source": channel["source"], "channel": channel["channel"]}


def with_gap(rows: Sequence[Row]) -> list[date]:
    """The periods of which the log lacks hours or messages, or knows nothing."""
    return [row["period"] for row in rows if row["messages"] is None or row["missing_hours"]]
