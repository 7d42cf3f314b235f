"""One channel over time, drawn: volume, failures and latencies by day or week; then destinations, errors, names, gaps, clocks."""

from collections.abc import Callable

import streamlit as st

from dashboard import channel_history, charts, words
from dashboard.channel_history import Row
from dashboard.here import Here
from dashboard.parts import markup
from models import wording

Axis = Callable[[float | None], str]
Lines = tuple[tuple[str, str, str], ...]
PICTURES: tuple[tuple[str, Lines, Axis], ...] = (
    (
        "Messages",
        (("messages", "received", "strong"), ("expected_messages", "usual", "usual"), ("counted_messages", "counted", "quiet")),
        wording.number,
    ),
    ("Failed deliveries", (("failed_share", "for good", "strong"), ("first_share", "at first", "quiet")), wording.percent),
    (
        "ACK latency",
        (("ack_p50_ms", "median", "strong"), ("ack_p95_ms", "95 %", "quiet"), ("ack_p99_ms", "99 %", "usual")),
        wording.milliseconds,
    ),
    ("Unusual format", (("drifted", "messages", "strong"),), wording.number),
)  # fmt: skip
SELDOM = {"counted_messages": None, "drifted": 0}
"""Fields that are drawn only where a period has another value: the engine's own count where it was read, drift where there was any."""


def draw_history(here: Here, channel: Row) -> None:
    """Pictures under each other, time to the right: what came, what failed, how long it took, what came in an unusual format."""
    rows = channel_history.history(here, channel)
    if not rows:
        markup.empty("Nothing is known of this period.", "Choose a longer period, or deliver the engine's log of it.")
        return
    is_daily = here.view.weeks <= channel_history.DAYS_UP_TO
    pictures = _worth_drawing(rows)
    for title, lines, axis in pictures:
        st.caption(f"{title}, {'day by day' if is_daily else 'week by week'}")
        _picture(here, rows, title, lines, axis)
    lacking = channel_history.with_gap(rows)
    if lacking:
        st.caption(
            f":material/report: Shaded: the log lacks hours of {len(lacking)} of these {'days' if is_daily else 'weeks'}. "
            "What came then is not known; it is not zero."
        )
    if any("drifted" in (field for field, _, _ in lines) for _, lines, _ in pictures):
        st.caption("An unusual format: one that fewer than a quarter of the flow's days have.")
    with st.expander("The same as a table", icon=":material/table:"):
        _table(rows, pictures)


def draw_breakdown(here: Here, channel: Row) -> None:
    """Where it goes, what went wrong, what it was called, what its log lacks, and how far its clocks are apart."""
    _destinations(here, channel)
    _errors(here, channel)
    _names(here, channel)
    _gaps(here, channel)
    _clocks(here, channel)


def _worth_drawing(rows: list[Row]) -> list[tuple[str, Lines, Axis]]:
    """The pictures with their lines, without those that would say nothing."""

    def has_something(field: str) -> bool:
        return field not in SELDOM or any(row.get(field) not in (None, SELDOM[field]) for row in rows)

    drawn = [(title, tuple(line for line in lines if has_something(line[0])), axis) for title, lines, axis in PICTURES]
    return [each for each in drawn if each[1]]


def _picture(here: Here, rows: list[Row], title: str, lines: Lines, axis: Axis) -> None:
    def said(row: Row) -> str:
        told = ", ".join(f"{word} {axis(row[field])}" for field, word, _ in lines)
        return f"{channel_history.period_name(here, row['period'])}: {told}"

    st.plotly_chart(
        charts.history(rows, lines, said, axis, channel_history.with_gap(rows)),
        width="stretch",
        config=charts.CONFIG,
        key=f"history-{title}",
        alt=f"{title} over {len(rows)} periods; newest {said(rows[-1])}",
    )


def _table(rows: list[Row], pictures: list[tuple[str, Lines, Axis]]) -> None:
    columns = [
        (field, f"{title.partition(' ')[0]}: {word}", axis)
        for title, lines, axis in pictures
        for field, word, _ in lines
    ]
    heads = ("From", *(name for _, name, _ in columns), "Hours lacking")
    markup.table(
        "The periods, the newest first",
        heads,
        [
            (
                wording.day(row["period"]),
                *(axis(row[field]) for field, _, axis in columns),
                wording.number(row["missing_hours"]),
            )
            for row in reversed(rows)
        ],
        numeric=heads[1:],
        key="history",
    )


def _destinations(here: Here, channel: Row) -> None:
    st.subheader("Where it goes", anchor=False)
    rows = channel_history.in_window(here, "interface_destination", channel, "deliveries")
    if not rows:
        st.caption("Nothing of this period was sent on to a destination.")
        return
    heads = (
        "Destination",
        "Deliveries",
        "Failed for good",
        "Failed at first",
        "Retried",
        "Waiting",
        "ACK 50 %",
        "95 %",
        "99 %",
        "Unknown",
    )
    markup.table(
        "Deliveries of this period by destination",
        heads,
        [
            (
                row["destination"],
                wording.number(row["deliveries"]),
                f"{wording.number(row['failed_final'])} ({wording.percent(row['failed_final'] / row['deliveries'])})",
                wording.number(row["failed_first"]),
                wording.number(row["retried"]),
                wording.number(row["queue_depth"]),
                *(wording.milliseconds(row[f"ack_{level}_ms"]) for level in ("p50", "p95", "p99")),
                wording.percent(row["ack_unknown"] / row["delivered"]) if row["delivered"] else wording.NONE,
            )
            for row in rows
        ],
        numeric=heads[1:],
        key="destinations",
    )  # fmt: skip


def _errors(here: Here, channel: Row) -> None:
    st.subheader("What went wrong", anchor=False)
    rows = channel_history.in_window(here, "interface_error", channel, "n")
    if not rows:
        st.caption("No error is in the log of this period.")
        return
    heads = ("Class", "Text", "Destination", "Times", "Messages", "First", "Last")
    markup.table_in_parts(
        "Errors of this period by class and text, the most frequent first",
        heads,
        [
            (
                row["error_class"],
                row["error_template"] or wording.NONE,
                row["destination"] or wording.NONE,
                wording.number(row["n"]),
                wording.number(row["messages"]),
                words.short_time(here.found, row["first_at"]),
                words.short_time(here.found, row["last_at"]),
            )
            for row in rows
        ],
        numeric=("Times", "Messages"),
        rest="errors",
        key="errors",
    )


def _names(here: Here, channel: Row) -> None:
    rows = channel_history.names(here, channel)
    if len(rows) < 2:  # noqa: PLR2004 - a name and the one before
        return
    st.subheader("What it was called", anchor=False)
    markup.table(
        "The names of this flow, the newest first",
        ("Name", "Id in the engine", "From", "Until"),
        [
            (
                row["name"],
                row["flow_id"] + (" (joined by registry.toml)" if row["is_alias"] else ""),
                words.local(here.found, row["valid_from"]),
                words.local(here.found, row["valid_to"]) if row["valid_to"] else "now",
            )
            for row in rows
        ],
        key="names",
    )


def _gaps(here: Here, channel: Row) -> None:
    rows = channel_history.gaps(here, channel)
    if not rows:
        return
    st.subheader("What its log lacks", anchor=False)
    st.caption(
        "The engine numbers its messages, and counts them where its counters are read. What it has and the log lacks was pruned or never "
        "exported: such times are gaps, not zeros."
    )
    markup.table_in_parts(
        "What the engine has and the log lacks, the newest first",
        ("When", "Messages", "Why"),
        [channel_history.said_of_gap(here, row) for row in rows],
        numeric=("Messages",),
        rest="gaps",
        key="gaps",
    )


def _clocks(here: Here, channel: Row) -> None:
    rows = channel_history.clocks(here, channel)
    if not rows:
        return
    st.subheader("How far its clocks are apart", anchor=False)
    markup.table(
        "Clocks beside the engine's own, at the newest day on which messages passed",
        ("Clock", "Against the engine's", "Known", "Messages", "Day"),
        [
            (
                row["other_clock_id"],
                *channel_history.said_of_clock(row),
                wording.number(row["messages"]),
                wording.day(row["seen_date"]),
            )
            for row in rows
        ],
        numeric=("Messages",),
        key="clocks",
    )
    st.caption(
        "Estimated from the quickest message of the day each way. No time is corrected by it: a latency between two clocks is "
        "left unknown, and counted as such above."
    )
