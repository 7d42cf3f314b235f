"""Delays on a page: the choice of a kind of wait, its bars, its parts with their meanings, its hops, and its longest waits."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import charts, data, delay_charts, delays, words
from dashboard.data import Row
from dashboard.delays import Delays
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.cases import source_files
from dashboard.parts.opening import further_opening, opening
from dashboard.parts.picture import draw_picture
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording
from models.kpi import Kpi
from models.waits import CARE, TIME_PARTS, WAIT_KINDS, WaitKind

LISTED = 15


def draw_choice(here: Here) -> WaitKind | Kpi:
    """Kinds of wait and measures of time; the chosen one stands in the URL."""
    asked = delays.of_url(here)
    if isinstance(asked, Kpi) and asked.counts_no_time:
        return asked
    choices = delays.choices()
    st.session_state["wait"] = next(name for name, each in choices.items() if each is asked)
    st.selectbox(
        "What is waited for",
        list(choices),
        key="wait",
        on_change=_choose,
        width=520,
        label_visibility="collapsed",
    )
    return asked


def _choose() -> None:
    chosen = delays.choices()[st.session_state["wait"]]
    named = {"kpi": chosen.id, "wait": ""} if isinstance(chosen, Kpi) else {"wait": chosen.id, "kpi": ""}
    for name, value in named.items():
        st.query_params.pop(name, None)
        if value:
            st.query_params[name] = value


def draw_bars(here: Here, found: Delays) -> None:
    """What each day or week lost, by part; a bar that is clicked opens its period."""
    if not found.steps:
        is_by_facility = here.view.unit and isinstance(found.kind, WaitKind)
        longer = "Choose a longer period or all facilities."
        why = (
            "Days and weeks are told by facility."
            if is_by_facility
            else f"Too few patients waited in each of them. {longer}"
        )
        markup.empty(f"No {found.grain} can be shown.", why)
        return
    one = {"day": "Day", "week": "Week of"}[found.grain]
    cases = _counted(found)[0]
    shown = [part for part in TIME_PARTS if any(step["parts"].get(part) for step in found.steps)]
    chosen = draw_picture(
        delay_charts.by_step(found.steps, lambda step: delays.said(found, step), wording.hours),
        key=f"delays-{found.kind.id}-{found.grain}-{found.start}",
        alt=f"{found.kind.title}: hours by {found.grain}, people at the foot, what interfaces took on top.",
        heads=(
            one,
            "Cases" if isinstance(found.kind, Kpi) else "Waits",
            "Patients",
            "All",
            *(TIME_PARTS[part].title for part in shown),
        ),
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
        numeric=(cases, "Patients", "All", *(TIME_PARTS[part].title for part in shown)),
        choose=True,
    )
    markup.legend([(f"part-{part}", TIME_PARTS[part].title) for part in shown])
    if chosen and chosen[0]:
        st.switch_page(
            here.pages["delays"], query_params=here.view.to(facility=here.view.facility, on=chosen[0][0]).params
        )


def draw_parts(found: Delays) -> None:
    """The parts with their looks, their meanings and what they took: legend and breakdown in one."""
    counted = _counted(found)
    markup.table(
        f"{found.kind.title} by part",
        ("Part", "Share", "Time", *counted),
        [
            (
                markup.Swatch(f"part-{row['part']}", TIME_PARTS[row["part"]].title, TIME_PARTS[row["part"]].meaning),
                wording.share(found.share(row["minutes"])),
                wording.hours(row["minutes"]),
                *(wording.number(row[name.lower()]) for name in counted),
            )
            for row in found.parts
        ],
        numeric=("Share", "Time", *counted),
    )


def _counted(found: Delays) -> tuple[str, ...]:
    """What stands beside the time of a part: how many cases or waits, and of how many patients where that is told."""
    counted = "Cases" if isinstance(found.kind, Kpi) else "Waits"
    return (counted, "Patients") if any(row["patients"] is not None for row in found.parts) else (counted,)


def draw_kinds(found: Delays) -> None:
    """What the cases of a measure waited for; nothing where they waited for one thing or none."""
    if len(found.kinds) < 2:  # noqa: PLR2004 -- one row compares nothing
        return
    st.subheader("What was waited for", anchor=False)
    markup.table(
        f"{found.kind.title} by what was waited for",
        ("Waited for", "Share", "Time", "Cases"),
        [
            (
                WAIT_KINDS[row["wait_kind"]].title if row["wait_kind"] else CARE.title,
                wording.share(found.share(row["minutes"])),
                wording.hours(row["minutes"]),
                wording.number(row["cases"]),
            )
            for row in found.kinds
        ],
        numeric=("Share", "Time", "Cases"),
    )
    st.caption(
        "A moment in which several of them ran is shared equally; a visit's own wait, such as boarding, goes first."
    )


def draw_time(here: Here, kpi: Kpi) -> None:
    """Where the time of a measure went, on its own page: a sentence, one bar, its parts; or why there is no time to tell apart."""
    if kpi.counts_no_time:
        st.caption(f"Where did the time go? {kpi.counts_no_time}")
        return
    st.subheader("Where did this time go?", anchor=False)
    found = delays.read(here, kpi)
    lead, rest = delays.headline(found, here.suppress_below)
    if not found.parts:
        markup.empty(lead, rest)
        return
    markup.sentence(lead)
    _one_bar(found.parts, "kpi-delay")
    draw_parts(found)
    st.caption(markup.unbroken(rest))
    late = here.view.to_kpi(kpi.id)
    here.link("delays", "How late was the data, and how late were people?", late, icon=":material/timeline:")


def _one_bar(parts: Sequence[Row], key: str) -> None:
    st.plotly_chart(
        delay_charts.one_bar(parts, lambda row: f"{TIME_PARTS[row['part']].title}: {wording.hours(row['minutes'])}"),
        width="stretch", config=charts.CONFIG, key=key, alt="The same parts as one bar; the table below says each.",
    )  # fmt: skip


def draw_hops(here: Here, found: Delays) -> None:
    """The hops, the costliest first; each opens its channel."""
    if not found.hops:
        markup.empty(
            "No channel carried it.",
            "No message should carry the news of this, or no log has one: people tell each other.",
        )
        return
    counted = _counted(found)
    draw_rows(
        "hop",
        ("Hop", "Engine", "Lost", "Share", *counted),
        [
            ListedRow(
                _to_channel(here, row),
                [
                    row["source"],
                    wording.hours(row["minutes"]),
                    wording.share(found.share(row["minutes"])),
                    *(wording.number(row[name.lower()]) for name in counted),
                ],
            )
            for row in found.hops
        ],
        (1.6, 1, 1, 1, 1)[: 3 + len(counted)],
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
    markup.sentence(delays.edge_headline(parts, minutes))
    _one_bar(parts, "edge-delay")
    markup.table(
        "What the time between the two steps was made of",
        ("Part", "Share", "Time", "Most of it in"),
        [
            (
                markup.Swatch(f"part-{row['part']}", TIME_PARTS[row["part"]].title, TIME_PARTS[row["part"]].meaning),
                wording.share(row["minutes"] / minutes),
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
    files = source_files(here, asked, waits)
    lines = ("Source file and line",) if files else ()
    draw_rows(
        "case",
        ("Case", "Began", "Where", "Waited", "Longest stretch", *lines),
        [ListedRow(_to_case(here, row), _wait_cells(row, parts, files)) for row in waits],
        (1.4, 2.1, 0.8, 1.9, 2.3)[: 4 + len(lines)],
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
        stretch = f"{wording.duration(longest['minutes'])} {TIME_PARTS[longest['part']].title.lower()}{where}"
    waited = wording.duration(row["minutes"])
    cells: list[markup.Cell | markup.Lines | None] = [
        f"{row['began_at']:%a %-d %b, %H:%M}",
        f"{row['facility']}, {words.unit_name(row['facility'], row['unit'])}",
        markup.Lines(waited, ("still open",)) if row["is_open"] else waited,
        stretch,
    ]
    return [*cells, f"{files.get(row['file_id'], row['file_id'])}:{row['line']}"] if files else cells
