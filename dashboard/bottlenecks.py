"""A workflow's edges, paths and totals in words: which wait costs most, what stands on the map. Published rows in, rows out.

Here: which edges are shown, where the steps of the map lie, sentences. Not here: counting (done when they were published),
drawing (`map_chart`).
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard import data, readings
from dashboard.here import Here
from models import wording

Row = dict[str, Any]

WORKFLOWS = {  # id → name, what an hour of waiting is an hour of
    "ed-to-bed": ("From the door to a bed", "patient-hours"),
    "order-to-acknowledged-result": ("From an order to a result", "order-hours"),
    "discharge": ("From a discharge order to a clean bed", "bed-hours"),
    "message-delivery": ("From a message in to a message out", "message-hours"),
}
OTHER_UNIT = "case-hours"
"""Of a workflow of a process engine nobody says what its cases are."""
AT_FIRST = 15
MOST = 60
HOT = 0.2  # of all that is lost: an edge with this share stands out
HOUR = 3600
ARCS = 2
LABEL_WIDTH = 44
"""Letters in a line of the map: as many as a phone has room for."""


@dataclass(frozen=True)
class Workflow:
    """One workflow of the place in the window. `total` is None where nothing began; hidden rows carry no numbers.

    `where` selects the published rows of the same workflow, place and window.
    """

    id: str
    total: Row | None
    edges: list[Row]
    paths: list[Row]
    hidden_edges: int
    where: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def unit(self) -> str:
        """What an hour of waiting is an hour of."""
        return WORKFLOWS.get(self.id, (self.id, OTHER_UNIT))[1]

    @property
    def cost(self) -> str:
        """The column by which waits are ranked: time beyond the window where any window is set, else all time."""
        has_target = any(edge["lost_seconds"] is not None for edge in self.edges)
        return "lost_seconds" if has_target else "wait_total_seconds"


def workflows(here: Here) -> dict[str, str]:
    """Every workflow of the snapshot by its id, with its name: Wardflow's own, then those of process engines."""
    told = data.rows(here.found, here.person, "process_summary", {"grain": "all", "facility": None})
    others = sorted({row["workflow"] for row in told} - WORKFLOWS.keys())
    return {each: name for each, (name, _) in WORKFLOWS.items()} | {each: f"Process {each}" for each in others}


def read(here: Here, workflow: str) -> Workflow:
    """The published rows of a workflow, the costliest wait and the most usual path first."""
    where = {"workflow": workflow, "facility": here.view.facility, **readings.in_window(here.found, here.view)}
    total, edges, paths = (
        data.rows(here.found, here.person, f"process_{table}", where) for table in ("summary", "edge", "variant")
    )
    shown = [edge for edge in edges if not edge["suppressed"]]
    shown.sort(key=lambda edge: (-(edge["lost_seconds"] or 0), -edge["wait_total_seconds"], name(edge)))
    known = [path for path in paths if not path["suppressed"]]
    known.sort(key=lambda path: (-path["cases"], path["path"] is None, path["path"] or []))
    return Workflow(
        workflow,
        total[0] if total and not total[0]["suppressed"] else None,
        [edge | {"name": name(edge)} for edge in shown],
        known,
        len(edges) - len(shown),
        where,
    )


def name(edge: Mapping[str, Any]) -> str:
    """An edge in words, which is also its name in the URL."""
    return f"{edge['activity']} → {edge['next_activity']}"


def headline(found: Workflow) -> tuple[str, str]:
    """Between which two steps most of the time is lost, and how long a case takes."""
    if found.total is None:
        return "Nothing can be told here.", "Too few cases began in this period, or none."
    cost = sum(edge[found.cost] or 0 for edge in found.edges)
    if not cost:
        lead = "Every wait is within its window." if found.cost == "lost_seconds" else "Nothing waits."
    else:
        worst = max(found.edges, key=lambda edge: edge[found.cost] or 0)
        lost = "lost beyond the windows" if found.cost == "lost_seconds" else "waited"
        share = (worst[found.cost] or 0) / cost
        lead = (
            f"Of {wording.number(cost / HOUR)} {found.unit} {lost}, {wording.share(share)} were between "
            f"{worst['activity']} and {worst['next_activity']}."
        )
    total = found.total
    half = f"Half of {wording.number(total['cases'])} cases took longer than {duration(total['throughput_median_seconds'])}"
    return lead, f"{half}; {wording.number(total['open_cases'])} are still open."


def duration(seconds: float | None) -> str:
    """Seconds as people say them; messages take milliseconds."""
    if seconds is not None and 0 < seconds < 1:
        return wording.milliseconds(seconds * 1000)
    return wording.duration(None if seconds is None else seconds / 60)


def hours(seconds: float | None) -> str:
    """Seconds as hours, for sums."""
    return wording.hours(None if seconds is None else seconds / 60)


def chosen(edges: Sequence[Row], most: int) -> list[Row]:
    """The `most` edges that carry most of the steps and most of the waiting, costliest first as they came."""
    steps = sum(edge["count"] for edge in edges) or 1
    waited = sum(edge["wait_total_seconds"] for edge in edges) or 1
    weight = {id(edge): edge["count"] / steps + edge["wait_total_seconds"] / waited for edge in edges}
    kept = {id(edge) for edge in sorted(edges, key=lambda edge: -weight[id(edge)])[:most]}
    return [edge for edge in edges if id(edge) in kept]


def rows_of(edges: Sequence[Row]) -> dict[str, int]:
    """The row of the map on which each step stands, from 0, so that little of the volume goes back up.

    Steps that nothing follows are taken off at the bottom and steps that follow nothing at the top, one by one; in a
    loop the step that gives most more than it takes goes up (Eades, Lin and Smyth 1993). Equal ones by name.
    """
    flow = Counter[tuple[str, str]]()
    for edge in edges:
        if edge["activity"] != edge["next_activity"]:
            flow[edge["activity"], edge["next_activity"]] += edge["count"]
    left = {step for edge in edges for step in (edge["activity"], edge["next_activity"])}
    above: list[str] = []
    below: list[str] = []
    while left:
        gives, takes = Counter[str](), Counter[str]()
        for (start, end), count in flow.items():
            if start in left and end in left:
                gives[start] += count
                takes[end] += count
        last = [step for step in left if not gives[step]]
        first = [step for step in left if not takes[step]]
        if last:
            step = min(last, key=lambda each: (takes[each], each))
            below.append(step)
        else:
            step = min(first or left, key=lambda each: (takes[each] - gives[each], each))
            above.append(step)
        left.remove(step)
    return {step: row for row, step in enumerate([*above, *reversed(below)])}


def said(edge: Row) -> str:
    """An edge in one sentence, for the chart's hover and the table."""
    lost = (
        ""
        if edge["lost_seconds"] is None
        else f", {hours(edge['lost_seconds'])} beyond {duration(edge['target_seconds'])}"
    )
    return (
        f"{edge['name']}: {wording.number(edge['count'])} times, half within {duration(edge['wait_median_seconds'])}, "
        f"nine of ten within {duration(edge['wait_p90_seconds'])}, {hours(edge['wait_total_seconds'])} waited{lost}"
    )


def labels(edges: Sequence[Row], rows: Mapping[str, int]) -> dict[str, list[str]]:
    """What stands under each step of the map: the figures of the line to the next row, then of its two largest arcs."""
    found: dict[str, list[str]] = {}
    for step, row in rows.items():
        mine = sorted((edge for edge in edges if edge["activity"] == step), key=lambda edge: -edge["count"])
        arcs = [edge for edge in mine if rows[edge["next_activity"]] != row + 1]
        lines = [_figures(edge) for edge in mine if rows[edge["next_activity"]] == row + 1]
        for edge in arcs[:ARCS]:
            whole = f"⤷ {edge['next_activity']}: {_figures(edge)}"
            split = [*textwrap.wrap(f"⤷ {edge['next_activity']}:", LABEL_WIDTH), _figures(edge)]
            lines += [whole] if len(whole) <= LABEL_WIDTH else split
        found[step] = [*lines, f"and to {len(arcs) - ARCS} more"] if len(arcs) > ARCS else lines
    return found


def _figures(edge: Row) -> str:
    """Volume, median, nine of ten, hours lost, on one line."""
    median, most = duration(edge["wait_median_seconds"]), duration(edge["wait_p90_seconds"])
    lost = f" · {hours(edge['lost_seconds'])} lost" if (edge["lost_seconds"] or 0) >= HOUR else ""
    return f"{wording.number(edge['count'])} · {median} · 90 % {most}{lost}".replace(" ", "\u00a0")


def hot(found: Workflow) -> set[str]:
    """The names of the edges that carry a good part of the cost."""
    cost = sum(edge[found.cost] or 0 for edge in found.edges)
    return {edge["name"] for edge in found.edges if cost and (edge[found.cost] or 0) >= HOT * cost}


def happy(found: Workflow) -> tuple[list[str], float] | None:
    """The most usual path and its share of the cases; None where it is hidden."""
    usual = next((path for path in found.paths if path["path"]), None)
    if usual is None or found.total is None or not found.total["cases"]:
        return None
    return usual["path"], usual["cases"] / found.total["cases"]
