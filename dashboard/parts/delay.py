"""Delays on a page: the choice of a kind of wait, its bars, its parts with their meanings, its hops, and its longest waits."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import charts, data, delay_charts, delays, words
from dashboard.data import Row
from dashboard.delays import Delays, percent
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.cases import source_files
from dashboard.parts.opening import further_opening, opening
from dashboard.parts.picture import draw_picture
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording
from models.waits import PARTS, WAIT_KINDS

LISTED = 15


def draw_choice(here: Here) -> str:
    """The kinds of wait; the chosen one stands in the URL, the measure's own where one is open."""
    of_kpi = delays.of_kpi(here.view.kpi or "")
    usual = of_kpi.id if of_kpi else "order_to_result"
    chosen = here.view.wait if here.view.wait and here.view.wait in WAIT_KINDS else usual
    st.session_state["wait"] = chosen
    st.selectbox(
        "What is waited for",
        list(WAIT_KINDS),
        key="wait",
        format_func=lambda kind: WAIT_KINDS[kind].title,
        on_change=_choose,
        width=420,
        label_visibility="collapsed",
    )
    return chosen


def _choose() -> None:
    st.query_params["wait"] = st.session_state["wait"]


def draw_bars(here: Here, found: Delays) -> None:
    """What each day or week lost, by part; a bar that is clicked opens its period."""
    if not found.steps:
        why = "Days and weeks are told by facility." if here.view.unit else "Too few patients waited in each of them."
        markup.empty(f"No {found.grain} can be shown.", why)
        return
    one = {"day": "Day", "week": "Week of"}[found.grain]
    shown = [part for part in PARTS if any(step["parts"].get(part) for step in found.steps)]
    chosen = draw_picture(
        delay_charts.by_step(found.steps, lambda step: delays.said(found, step), wording.hours),
        key=f"delays-{found.kind.id}-{found.grain}-{found.start}",
        alt=f"{found.kind.title}: patient-hours by {found.grain} in which the wait began, people at the foot, what interfaces took on top.",
        heads=(one, "Waits", "Patients", "All", *(PARTS[part].title for part in shown)),
        rows=[
            (
                f"{step['period'].day} {step['period']:%b}",
                wording.number(step["waits"]),
                wording.number(step["patients"]),
                wording.hours(step["minutes"]),
                *(wording.hours(step["parts"].get(part, 0.0)) for part in shown),
            )
            for step in found.steps
        ],
        numeric=("Waits", "Patients", "All", *(PARTS[part].title for part in shown)),
        choose=True,
    )
    if chosen and chosen[0]:
        st.switch_page(
            here.pages["delays"], query_params=here.view.to(facility=here.view.facility, on=chosen[0][0]).params
        )


def draw_parts(found: Delays) -> None:
    """The parts with their looks, their meanings and what they took: legend and breakdown in one."""
    markup.table(
        f"{found.kind.title} by part",
        ("Part", "Share", "Time", "Waits", "Patients"),
        [
            (
                markup.Swatch(f"part-{row['part']}", PARTS[row["part"]].title, PARTS[row["part"]].meaning),
                percent(found.share(row["minutes"])),
                wording.hours(row["minutes"]),
                wording.number(row["waits"]),
                wording.number(row["patients"]),
            )
            for row in found.parts
        ],
        numeric=("Share", "Time", "Waits", "Patients"),
    )


def draw_hops(here: Here, found: Delays) -> None:
    """The hops, the costliest first; each opens its channel."""
    if not found.hops:
        markup.empty(
            "No channel carried it.",
            "No message should carry the news of this, or no log has one: people tell each other.",
        )
        return
    draw_rows(
        "hop",
        ("Hop", "Engine", "Lost", "Share", "Waits", "Patients"),
        [
            ListedRow(
                _to_channel(here, row),
                [
                    row["source"],
                    wording.hours(row["minutes"]),
                    percent(found.share(row["minutes"])),
                    wording.number(row["waits"]),
                    wording.number(row["patients"]),
                ],
            )
            for row in found.hops
        ],
        (1.6, 1, 1, 1, 1),
    )
    st.caption(
        "Of every wait whose news passed there, also those in which it took no time. A channel by itself: until it had sent the news on."
    )


def _to_channel(here: Here, row: Row) -> Callable[[], object]:
    view = here.view.to_channel(f"{row['source']}/{row['channel']}")
    return lambda: here.link("interfaces", f"**{delays.hop(row)}**", view, icon="", help="")


def draw_edge(here: Here, workflow: str, edge: Row) -> None:
    """Where the time between two steps went, on the page of the workflow; nothing where no wait is told of them."""
    parts = delays.of_edge(here, workflow, edge)
    minutes = edge["wait_total_seconds"] / 60
    if not parts or not minutes:
        return
    st.subheader("Late data, or late people?", anchor=False)
    st.markdown(markup.unbroken(delays.edge_headline(parts, minutes)))
    st.plotly_chart(
        delay_charts.one_bar(parts, lambda row: f"{PARTS[row['part']].title}: {wording.hours(row['minutes'])}"),
        width="stretch", config=charts.CONFIG, key="edge-delay", alt="The same parts as one bar; the table below says each.",
    )  # fmt: skip
    markup.table(
        "What the time between the two steps was made of",
        ("Part", "Share", "Time", "Most of it in"),
        [
            (
                markup.Swatch(f"part-{row['part']}", PARTS[row["part"]].title, PARTS[row["part"]].meaning),
                percent(row["minutes"] / minutes),
                wording.hours(row["minutes"]),
                row["name"] or wording.NONE,
            )
            for row in parts
        ],
        numeric=("Share", "Time"),
    )


def draw_longest(here: Here, found: Delays) -> None:
    """The longest waits of the selection, for a purpose; each opens its journey."""
    view = here.view
    asked = f"{found.kind.id} where {words.place_params(view.facility, view.unit)}, {found.start} to {found.end}"
    opened = opening(here, "wait", asked)
    if opened is None:
        return
    where: dict[str, object] = {"wait_kind": found.kind.id, "begin_date": delays.days(found)}
    where |= {name: value for name, value in (("facility", view.facility), ("unit", view.unit)) if value}
    waits = data.opened_rows(opened, here.found, "wait", where, order=("-minutes", "wait_key"), limit=LISTED)
    if not waits:
        markup.empty("Nothing waited here.", "Choose a longer period or a larger part of the hospital.")
        return
    cut = further_opening(here, "wait_part", asked)
    keys = tuple(row["wait_key"] for row in waits)
    parts = data.opened_rows(cut, here.found, "wait_part", {"wait_key": keys}) if cut else []
    files = source_files(here, asked)
    lines = ("Source file and line",) if files else ()
    draw_rows(
        "case",
        ("Case", "Began", "Where", "Waited", "Longest stretch", *lines),
        [ListedRow(_to_case(here, row), _wait_cells(row, parts, files)) for row in waits],
        (1.2, 1.6, 0.9, 1.8, 2.2)[: 4 + len(lines)],
    )


def _to_case(here: Here, row: Row) -> Callable[[], object]:
    key = row["encounter_key"]
    if not key:
        return lambda: st.html(f"<span>{escape(row['wait_key'].partition(':')[2][:8])}</span>")
    return lambda: here.link("case", f"**Case {key[:8]}**", here.view.scope.to_case(key), icon="", help="")


def _wait_cells(row: Row, parts: Sequence[Row], files: Mapping[int, str]) -> list[markup.Cell | markup.Lines | None]:
    mine = [part for part in parts if part["wait_key"] == row["wait_key"]]
    longest = max(mine, key=lambda part: part["minutes"], default=None)
    stretch = wording.NONE
    if longest:
        where = f", {delays.hop(longest)}" if longest["channel"] else ""
        stretch = f"{wording.duration(longest['minutes'])} {PARTS[longest['part']].title.lower()}{where}"
    waited = wording.duration(row["minutes"])
    cells: list[markup.Cell | markup.Lines | None] = [
        f"{row['began_at']:%a %-d %b, %H:%M}",
        f"{row['facility']}, {words.unit_name(row['facility'], row['unit'])}",
        markup.Lines(waited, ("still open",)) if row["is_open"] else waited,
        stretch,
    ]
    return [*cells, f"{files.get(row['file_id'], row['file_id'])}:{row['line']}"] if files else cells
