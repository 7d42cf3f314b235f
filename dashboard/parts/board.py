"""The board of channels, and one channel by itself: what came, what failed, what waits, who answers for it."""

from collections.abc import Callable
from datetime import timedelta
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import channels, words
from dashboard.channels import STATES, Row
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.channel_history import draw_breakdown, draw_history
from dashboard.parts.deciding import draw_deciding, draw_decisions
from dashboard.parts.incidents import draw_courses, draw_incidents
from dashboard.parts.markup import Cell, Hours, Lines, chip
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording

HEADS = (
    "Channel",
    "State",
    "Last 24 hours",
    "Messages",
    "Failed for good",
    "Waiting",
    "ACK 50, 95, 99 %",
    "Hop 50, 95, 99 %",
    "Last message",
    "Owner",
)
LEGEND = (
    '<p class="wf-legend">Last 24 whole hours before the data cut: <span class="wf-swatch wf-bar"></span>messages of an hour, '
    '<span class="wf-swatch wf-usual"></span>what is usual at that hour of the week (median of the weeks around it), '
    '<span class="wf-swatch wf-band"></span>where four of five such weeks lie; nothing drawn: the log knows nothing of that hour. '
    "ACK: from the last attempt to its acknowledgement; hop: from routing "
    "to it; median, then 95 % and 99 %. Unknown: two clocks, or no time in the log.</p>"
)


def draw_board(here: Here, rows: list[Row]) -> None:
    """One line a channel, the worst first; the name opens it."""
    hours = channels.last_day(here)
    draw_rows(
        "channel",
        HEADS,
        [
            ListedRow(_link(here, row), _cells(here, row, hours.get((row["source"], row["channel"]), [])))
            for row in rows
        ],
        (1.15, 1.35, 1.05, 1.0, 1.3, 0.85, 0.85, 1.2, 1.2),
    )
    st.html(LEGEND)


def _link(here: Here, row: Row) -> Callable[[], None]:
    def draw() -> None:
        here.link("interfaces", f"**{row['name']}**", here.view.to_channel(_id(row)), icon="", help="")
        where = row["facility"] if row["is_registered"] else row["source"]
        st.html(f'<span class="wf-under">{escape(where)}</span>')

    return draw


def draw_channel(here: Here, row: Row) -> None:
    """One channel: its state in a sentence, its numbers, its registration, decisions about it."""
    icon, word, tone = STATES[row["state"]]
    failed = f"{wording.number(row['failed_final'])} of {wording.number(row['deliveries'])} deliveries failed for good"
    dead = f"; {_given_up(row)}, given up and not resolved" if row["dead_letters_open"] else ""
    markup.headline(
        f"{row['channel']} is {word}.", f"{failed}; {wording.number(row['queue_depth'])} wait in its queue{dead}."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<p class="wf-verdict">{chip(icon, word, tone)}</p>', width="content")
        draw_deciding(here, "interface", row["channel"])
    draw_history(here, row)
    draw_breakdown(here, row)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("In this period", anchor=False)
        markup.facts(_numbers(here, row))
    with right:
        st.subheader("As registered", anchor=False)
        markup.facts(_registered(row))
    st.subheader("Incidents, as the data show them", anchor=False)
    draw_incidents(here, [row])
    draw_courses(here, [row])
    view = here.view.to(facility=row["facility"], unit=row["channel"]) if row["is_registered"] else here.view
    for kpi in ("interface_final_failure_rate", "interface_ack_latency", "interface_messages"):
        here.link("kpi", f"{words.kpi_title(kpi)} of this channel", view.to_kpi(kpi), icon=":material/chevron_right:")
    draw_decisions(here, "interface", row["channel"])


def _cells(here: Here, row: Row, hours: list[Row]) -> list[Cell | Lines | Hours]:
    return [
        STATES[row["state"]],
        _hours(hours),
        Lines(wording.number(row["messages"]), _usual(row)),
        _failed(row),
        Lines(_queue(row), (_dead(row), *_engine_queue(row))),
        _latency(row, "ack"),
        _latency(row, "hop"),
        Lines(_last_message(here, row), (_limit(row),)),
        row["owner"] or "nobody",
    ]


def _failed(row: Row) -> Lines | str:
    if not row["deliveries"]:
        return wording.NONE
    return Lines(
        channels.rate(row),
        (f"at first {wording.percent(row['first_rate'])}", f"retried {wording.percent(row['retry_rate'])}"),
    )


def _last_message(here: Here, row: Row) -> str:
    """The weekday and the hour within a week before the data cut, else the whole day."""
    last = row["last_message_at"] or row["last_seen_at"]
    if last is None or here.found.as_of - last > timedelta(days=6):
        return words.short_time(here.found, last)
    return f"{last.astimezone(ZoneInfo(here.found.zone)):%a %H:%M}"


def _hours(hours: list[Row]) -> Hours | str:
    if not hours:
        return wording.NONE
    came = sum(hour["messages"] for hour in hours)
    known = [hour["expected_messages"] for hour in hours if hour["expected_messages"] is not None]
    usual = f", {wording.number(sum(known))} are usual" if len(known) == len(hours) else ""
    drawn = [(h["messages"], h["expected_low"], h["expected_messages"], h["expected_high"]) for h in hours]
    missing = [(None, None, None, None)] * (24 - len(drawn))  # the log ends before the data cut
    return Hours(tuple(drawn + missing), f"{wording.number(came)} messages in {len(hours)} hours{usual}")


def _latency(row: Row, kind: str) -> Lines:
    """Median first, then 95 and 99 of a hundred, and the share of deliveries of which nobody can know it."""
    unknown, delivered = row[f"{kind}_unknown"], row["delivered"]
    share = (f"{wording.percent(unknown / delivered)} unknown",) if unknown else ()
    if row[f"{kind}_p50_ms"] is None:
        return Lines(wording.NONE, share)
    high, higher = (wording.milliseconds(row[f"{kind}_{level}_ms"]) for level in ("p95", "p99"))
    return Lines(wording.milliseconds(row[f"{kind}_p50_ms"]), (high, higher, *share))


def _limit(row: Row) -> str:
    limit = row["silence_limit_minutes"]
    if limit is None:
        return "any silence"
    return f"{'at most' if row['silence_basis'] == 'registered' else 'learned'} {wording.duration(limit)}"


def _numbers(here: Here, row: Row) -> list[tuple[str, str]]:
    return [
        ("Messages received", ", ".join((wording.number(row["messages"]), *_usual(row)))),
        ("Silent", wording.duration(row["silent_minutes"])),
        ("In an unusual format", wording.number(row["drifted"])),
        ("Deliveries", wording.number(row["deliveries"])),
        ("First attempt failed", f"{wording.number(row['failed_first'])} ({wording.percent(row['first_rate'])})"),
        ("Retried", f"{wording.number(row['retried'])} ({wording.percent(row['retry_rate'])})"),
        ("Failed for good", f"{wording.number(row['failed_final'])} ({channels.rate(row)})"),
        ("Put into a dead-letter queue", wording.number(row["dead_lettered"])),
        ("Given up and not resolved, now", _given_up(row)),
        ("Handled by hand", wording.number(row["handled_by_hand"])),
        ("Queue now", _queue(row)),
        ("Queue by the engine's own word", _said_by_engine(here, row)),
        ("ACK: median, 95 %, 99 %", _percentiles(row, "ack")),
        ("ACK that cannot be known", _unknown(row, "ack")),
        ("Hop: median, 95 %, 99 %", _percentiles(row, "hop")),
        ("Hop that cannot be known", _unknown(row, "hop")),
        ("Last message", words.local(here.found, row["last_message_at"])),
        ("Last seen", words.local(here.found, row["last_seen_at"])),
    ]


def _registered(row: Row) -> list[tuple[str, str]]:
    if not row["is_registered"]:
        return [("Registered", "no: add it to registry.toml with an owner"), ("May be silent for", _may_be_silent(row))]
    return [
        ("Facility", row["facility"]),
        ("Engine", row["source"]),
        ("Owner", row["owner"] or "nobody"),
        ("Protocol", row["protocol"] or wording.NONE),
        ("Carries", row["data_domain"] or wording.NONE),
        ("Criticality", row["criticality"] or wording.NONE),
        ("May be silent for", _may_be_silent(row)),
    ]


def _may_be_silent(row: Row) -> str:
    limit = row["silence_limit_minutes"]
    if limit is None:
        return "any time: none is registered, and too few days have passed to learn one"
    why = {
        "registered": "as registered",
        "learned": "learned from its own gaps at the hours of its last message",
    }
    return f"{wording.duration(limit)} ({why[row['silence_basis']]})"


def _said_by_engine(here: Here, row: Row) -> str:
    if row["engine_queue_depth"] is None:
        return "its log does not say"
    return f"{wording.number(row['engine_queue_depth'])}, {words.short_time(here.found, row['engine_queue_at'])}"


def _usual(row: Row) -> tuple[str, ...]:
    usual = row["throughput_ratio"]
    return () if usual is None else (f"{wording.share(usual)} of usual",)


def _dead(row: Row) -> str:
    if not row["dead_letters_open"]:
        return "no dead letter"
    oldest = row["oldest_dead_letter_minutes"]
    since = "by the engine's count" if oldest is None else wording.duration(oldest)
    return f"{wording.number(row['dead_letters_open'])} dead, {since}"


def _given_up(row: Row) -> str:
    oldest = row["oldest_dead_letter_minutes"]
    since = f", the oldest for {wording.duration(oldest)}" if row["dead_letters_open"] and oldest is not None else ""
    return f"{wording.number(row['dead_letters_open'])}{since}"


def _queue(row: Row) -> str:
    if not row["queue_depth"]:
        return "0 queued"
    return f"{wording.number(row['queue_depth'])} queued, {wording.duration(row['oldest_queued_minutes'])}"


def _engine_queue(row: Row) -> tuple[str, ...]:
    depth = row["engine_queue_depth"]
    return () if depth is None else (f"engine: {wording.number(depth)}",)


def _percentiles(row: Row, kind: str) -> str:
    said = ", ".join(wording.milliseconds(row[f"{kind}_{level}_ms"]) for level in ("p50", "p95", "p99"))
    return said if row[f"{kind}_p50_ms"] is not None else wording.NONE


def _unknown(row: Row, kind: str) -> str:
    if not row["delivered"]:
        return wording.NONE
    share = wording.percent(row[f"{kind}_unknown"] / row["delivered"])
    return f"{share} of {wording.number(row['delivered'])}"


def _id(row: Row) -> str:
    return f"{row['source']}/{row['channel']}"
