"""The board of channels, and one channel by itself: what came, what failed, what waits, who answers for it."""

from collections.abc import Callable

import streamlit as st

from dashboard import channels, words
from dashboard.channels import STATES, Row
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.deciding import draw_deciding, draw_decisions
from dashboard.parts.markup import Cell, chip
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording


def draw_board(here: Here, rows: list[Row]) -> None:
    """One line a channel, the worst first; the name opens it."""
    heads = (
        "Channel",
        "State",
        "Where",
        "Messages, of usual",
        "Failed for good",
        "Queue",
        "Dead letters",
        "ACK, 95 %",
        "Last seen",
    )
    draw_rows(
        "channel",
        heads,
        [ListedRow(_link(here, row), _cells(here, row)) for row in rows],
        (1.25, 1.3, 1.2, 1.5, 0.9, 1.1, 0.8, 1.3),
    )


def draw_incidents(here: Here, rows: list[Row], most: int = 8) -> None:
    """What the data show of these channels in the period, whether or not anybody noticed: the newest first."""
    found = channels.incidents(here, rows)
    if not found:
        st.caption("No feed fell silent, no retries stormed and no format changed in this period.")
        return
    markup.table(
        "What happened to the feeds, newest first",
        ("From", "Until", "Channel", "What"),
        [
            (
                words.short_time(here.found, row["started_at"]),
                words.short_time(here.found, row["ended_at"]),
                f"{row['channel']} ({row['source']})",
                row["said"],
            )
            for row in found[:most]
        ],
        key="incidents",
    )
    if len(found) > most:
        st.caption(f"{len(found) - most} earlier ones are not shown: open a channel, or choose a shorter period.")


def _link(here: Here, row: Row) -> Callable[[], None]:
    return lambda: here.link("interfaces", f"**{row['name']}**", here.view.to_channel(_id(row)), icon="", help="")


def draw_channel(here: Here, row: Row) -> None:
    """One channel: its state in a sentence, its numbers, its registration, decisions about it."""
    icon, word, tone = STATES[row["state"]]
    failed = f"{wording.number(row['failed_final'])} of {wording.number(row['deliveries'])} deliveries failed for good"
    markup.headline(
        f"{row['channel']} is {word}.", f"{failed}; {wording.number(row['queue_depth'])} wait in its queue."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<p class="wf-verdict">{chip(icon, word, tone)}</p>', width="content")
        draw_deciding(here, "interface", row["channel"])
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("In this period", anchor=False)
        markup.facts(_numbers(here, row))
    with right:
        st.subheader("As registered", anchor=False)
        markup.facts(_registered(row))
    st.subheader("What the data show", anchor=False)
    draw_incidents(here, [row])
    view = here.view.to(facility=row["facility"], unit=row["channel"]) if row["is_registered"] else here.view
    for kpi in ("interface_final_failure_rate", "interface_ack_latency", "interface_messages"):
        here.link("kpi", f"{words.kpi_title(kpi)} of this channel", view.to_kpi(kpi), icon=":material/chevron_right:")
    draw_decisions(here, "interface", row["channel"])


def _cells(here: Here, row: Row) -> list[Cell]:
    return [
        STATES[row["state"]],
        row["facility"] if row["is_registered"] else row["source"],
        _messages(row),
        f"{wording.number(row['failed_final'])} of {wording.number(row['deliveries'])} ({channels.rate(row)})",
        _queue(row),
        _dead(row),
        wording.milliseconds(row["ack_p95_ms"]),
        words.short_time(here.found, row["last_seen_at"]),
    ]


def _numbers(here: Here, row: Row) -> list[tuple[str, str]]:
    return [
        ("Messages received, of usual", _messages(row)),
        ("Silent", wording.duration(row["silent_minutes"])),
        ("In an unusual format", wording.number(row["drifted"])),
        ("Deliveries", wording.number(row["deliveries"])),
        ("First attempt failed", wording.number(row["failed_first"])),
        ("Retried", wording.number(row["retried"])),
        ("Failed for good", f"{wording.number(row['failed_final'])} ({channels.rate(row)})"),
        ("Dead-lettered", wording.number(row["dead_lettered"])),
        ("Dead letters now", _dead(row)),
        ("Handled by hand", wording.number(row["handled_by_hand"])),
        ("Queue now", _queue(row)),
        ("ACK, median and 95 %", _both(row["ack_p50_ms"], row["ack_p95_ms"])),
        ("Hop, median and 95 %", _both(row["hop_p50_ms"], row["hop_p95_ms"])),
        ("Last seen", words.local(here.found, row["last_seen_at"])),
    ]


def _registered(row: Row) -> list[tuple[str, str]]:
    if not row["is_registered"]:
        return [("Registered", "no: add it to registry.toml with an owner")]
    silence = row["max_silence_minutes"]
    return [
        ("Facility", row["facility"]),
        ("Engine", row["source"]),
        ("Owner", row["owner"] or wording.NONE),
        ("Protocol", row["protocol"] or wording.NONE),
        ("Carries", row["data_domain"] or wording.NONE),
        ("Criticality", row["criticality"] or wording.NONE),
        ("May be silent for", wording.duration(silence) if silence else "any time"),
    ]


def _messages(row: Row) -> str:
    usual = row["throughput_ratio"]
    return wording.number(row["messages"]) + (f" ({wording.whole_percent(usual)})" if usual is not None else "")


def _dead(row: Row) -> str:
    if not row["dead_letters_open"]:
        return "0"
    return f"{wording.number(row['dead_letters_open'])}, oldest {wording.duration(row['oldest_dead_letter_minutes'])}"


def _queue(row: Row) -> str:
    if not row["queue_depth"]:
        return "0"
    return f"{wording.number(row['queue_depth'])}, oldest {wording.duration(row['oldest_queued_minutes'])}"


def _both(median: float | None, high: float | None) -> str:
    return f"{wording.milliseconds(median)}, {wording.milliseconds(high)}"


def _id(row: Row) -> str:
    return f"{row['source']}/{row['channel']}"
