"""A workflow on the page: the choice of one, its map, its waits ranked, its paths, and the cases behind one wait."""

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from dashboard import bottlenecks, data, map_chart, readings, words
from dashboard.bottlenecks import AT_FIRST, MOST, Row, Workflow, duration, hours
from dashboard.filters import View
from dashboard.here import Here
from dashboard.parts import delay, markup, spectrum
from dashboard.parts.cases import source_files
from dashboard.parts.opening import opening
from dashboard.parts.picture import draw_picture
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording

CASES = 15
LISTED = 8


def draw_choice(here: Here) -> str:
    """The workflows side by side; the chosen one, which stands in the URL."""
    names = bottlenecks.workflows(here)
    chosen = here.view.workflow if here.view.workflow in names else next(iter(names))
    st.session_state["workflow"] = chosen
    st.pills(
        "Workflow",
        list(names),
        key="workflow",
        format_func=lambda each: names[each],
        on_change=_choose,
        label_visibility="collapsed",
    )
    return chosen


def _choose() -> None:
    st.query_params.pop("step", None)
    if st.session_state["workflow"]:
        st.query_params["workflow"] = st.session_state["workflow"]


def draw_map(here: Here, found: Workflow) -> None:
    """The map of the edges that carry most, and how many it leaves out; an arrow that is clicked opens its wait."""
    most = AT_FIRST
    if len(found.edges) > AT_FIRST:
        most = st.slider("Steps on the map", 5, min(len(found.edges), MOST), AT_FIRST, key="most-edges")
    shown = bottlenecks.chosen(found.edges, most)
    rows = bottlenecks.rows_of(shown)
    st.caption(
        "Under a step: how often the next one follows, half within, 90 % within, hours lost. An arrow opens its wait."
    )
    labels = bottlenecks.labels(shown, rows)
    chosen = draw_picture(
        map_chart.process_map(shown, rows, bottlenecks.hot(found), labels, bottlenecks.said),
        key="map",
        alt="Which step follows which: how often, half within, nine of ten within, and hours lost beyond the window.",
        heads=("From", "To", "Times", "Half within", "Nine of ten within", "Waited", "Lost"),
        rows=[
            (
                edge["activity"],
                edge["next_activity"],
                wording.number(edge["count"]),
                duration(edge["wait_median_seconds"]),
                duration(edge["wait_p90_seconds"]),
                hours(edge["wait_total_seconds"]),
                hours(edge["lost_seconds"]),
            )
            for edge in shown
        ],
        numeric=("Times", "Half within", "Nine of ten within", "Waited", "Lost"),
        choose=True,
    )
    if chosen and chosen[0]:
        st.switch_page(here.pages["bottlenecks"], query_params=_opened(here, found, chosen[0][0]).params)
    st.caption(_left_out(found, shown))


def _left_out(found: Workflow, shown: list[Row]) -> str:
    parts = [f"Dotted lines go back. Orange: {wording.share(bottlenecks.HOT)} or more of all that is lost."]
    if len(shown) < len(found.edges):
        waited = sum(edge["wait_total_seconds"] for edge in shown) / (
            sum(edge["wait_total_seconds"] for edge in found.edges) or 1
        )
        parts.append(
            f"{wording.number(len(found.edges) - len(shown))} of {wording.number(len(found.edges))} steps are left out; "
            f"the ones shown carry {wording.share(waited)} of all waiting."
        )
    if found.hidden_edges:
        parts.append(f"{found.hidden_edges} steps of too few cases are hidden.")
    return " ".join(parts)


def draw_waits(here: Here, found: Workflow) -> None:
    """The waits, the costliest first; each opens its cases."""
    cost = sum(edge[found.cost] or 0 for edge in found.edges)
    has_queue = any(edge["queue_total_seconds"] is not None for edge in found.edges)
    first = "Lost" if found.cost == "lost_seconds" else "Waited"
    heads = ("Wait for", "After", first, "Share", "Half within", "90 % within", "Window", "Answers for it")
    draw_rows(
        "wait",
        (*heads, "In queue") if has_queue else heads,
        [
            ListedRow(_to_edge(here, found, edge), _wait_cells(edge, found.cost, cost)[: len(heads) - 1 + has_queue])
            for edge in found.edges[:LISTED]
        ],
        (1.4, 0.6, 0.7, 0.75, 0.75, 0.65, 2, 0.6)[: len(heads) - 1 + has_queue],
    )


def _to_edge(here: Here, found: Workflow, edge: Row) -> Callable[[], None]:
    view = _opened(here, found, edge["name"])
    return lambda: here.link("bottlenecks", f"**{edge['next_activity']}**", view, icon="", help="")


def _opened(here: Here, found: Workflow, name: str) -> View:
    return here.view.scope.to(workflow=found.id, step=name)


def _wait_cells(edge: Row, cost_column: str, cost: float) -> list[markup.Cell | None]:
    share = (edge[cost_column] or 0) / cost if cost else 0.0
    queue, total = edge["queue_total_seconds"], edge["wait_total_seconds"]
    percent = wording.share(share)
    return [
        edge["activity"],
        hours(edge[cost_column]),
        ("priority_high", percent, "concern") if share >= bottlenecks.HOT else percent,
        duration(edge["wait_median_seconds"]),
        duration(edge["wait_p90_seconds"]),
        duration(edge["target_seconds"]),
        edge["owner"] or "nobody",
        None if queue is None or not total else wording.share(queue / total),
    ]


def draw_paths(found: Workflow) -> None:
    """How cases go: the usual path with its share, the others, and how many repeat a step."""
    usual, total = bottlenecks.happy(found), found.total
    if total is None:
        return
    if usual is None:
        markup.empty(
            "The paths are hidden.", "Too few cases took one of them. Choose a longer period or all facilities."
        )
        return
    again = f"A step recurs in {wording.number(total['rework_cases'])} of {wording.number(total['cases'])} cases."
    markup.sentence(f"**{wording.percent(usual[1])}** take the most usual path. {again}")
    markup.table(
        "The paths that cases take",
        ("Cases", "Share", "Path"),
        [
            (
                wording.number(path["cases"]),
                wording.percent(path["cases"] / total["cases"]),
                " → ".join(path["path"]) if path["path"] else "every other path",
            )
            for path in found.paths[:10]
        ],
        numeric=("Cases", "Share"),
    )


def draw_edge(here: Here, found: Workflow, edge: Row) -> None:
    """One wait: its numbers, and the cases that waited longest."""
    markup.headline(f"{edge['name']}.", bottlenecks.said(edge).partition(": ")[2] + ".")
    queue, service = edge["queue_total_seconds"], edge["service_total_seconds"]
    markup.facts([
        ("Window", duration(edge["target_seconds"])),
        ("Answers for it", edge["owner"] or "nobody"),
        ("In queue, before anyone began", hours(queue) if queue is not None else "not recorded"),
        ("In service", hours(service) if service is not None else "not recorded"),
    ])  # fmt: skip
    delay.draw_edge(here, found.id, edge)
    spectrum.draw_weeks(here, found, edge)
    asked = f"{found.id}, {edge['name']}, {words.place_params(here.view.facility, None)}, last {here.view.weeks} weeks"
    opened = opening(here, "workflow_event", asked)
    if opened is None:
        return
    start, end = readings.whole_weeks(here.found, here.view.weeks)
    where = {"workflow": found.id, "activity": edge["activity"], "next_activity": edge["next_activity"]}
    where |= {"facility": here.view.facility} if here.view.facility else {}
    spectrum.draw_lines(here, opened, edge, where)
    st.subheader("The longest waits", anchor=False)
    window = where | {"case_date": tuple(start + timedelta(days=day) for day in range((end - start).days))}
    cases = data.opened_rows(
        opened, here.found, "workflow_event", window, order=("-wait_minutes", "case_key"), limit=CASES
    )
    files = source_files(here, asked, cases)
    lines = ("Source file and line",) if files else ()
    draw_rows(
        "case",
        ("Case", "Day", "Where", "Waited", *lines),
        [ListedRow(_to_case(here, row), _case_cells(row, files)) for row in cases],
        (1, 2.5, 0.7, 2.5)[: 3 + len(lines)],
    )


def _to_case(here: Here, row: Row) -> Callable[[], object]:
    key = row["encounter_key"]
    if not key:
        return lambda: st.html(f"<span>{row['case_key'][:8]}</span>")
    return lambda: here.link("case", f"**Case {key[:8]}**", here.view.scope.to_case(key), icon="", help="")


def _case_cells(row: Row, files: dict[int, str]) -> list[markup.Cell | None]:
    cells: list[markup.Cell | None] = [
        wording.day(row["case_date"]),
        f"{row['facility']}, {words.unit_name(row['facility'], row['unit'])}",
        duration(row["wait_minutes"] * 60),
    ]
    return [*cells, f"{files.get(row['file_id'], row['file_id'])}:{row['line']}"] if files else cells
