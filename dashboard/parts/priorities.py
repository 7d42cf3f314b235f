"""What to fix first on the page: the ranked list, the options with their sensitivity, what stops when a channel stops."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import pain, priorities
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.rows import ListedRow, draw_rows
from dashboard.priorities import LISTED, Choice, Ranked, Row
from models import wording


def draw_ranking(here: Here, found: Sequence[Ranked]) -> None:
    """The losses in the order in which to fix them; each opens its page."""
    markup.sentence(priorities.first_to_fix(found))
    draw_rows(
        "rank",
        ("What", "Cause", "Hours lost", "95 % interval", "Share", "Patients", "Sure", "Effort", "Answers for it"),
        [ListedRow(_to_page(here, each.row), _rank_cells(each)) for each in found[:LISTED]],
        (0.8, 0.7, 1.1, 0.6, 0.6, 0.5, 0.8, 1.5),
    )


def _to_page(here: Here, row: Row) -> Callable[[], None]:
    view = here.view.scope
    if row["workflow"]:
        return lambda: here.link(
            "bottlenecks", f"**{row['name']}**", view.to(workflow=row["workflow"]), icon="", help=""
        )
    channel = view.to_channel(f"{row['source']}/{row['channel']}")
    return lambda: here.link("interfaces", f"**{row['name']}**", channel, icon="", help="")


def _rank_cells(each: Ranked) -> list[markup.Cell | None]:
    row, rank = each.row, each.rank
    return [
        pain.CAUSES[row["cause"]][0],
        pain.hours(row["lost_hours"]),
        pain.interval(row["lost_low"], row["lost_high"]),
        wording.percent(row["share"]),
        wording.number(row["patients"]),
        wording.share(rank.confidence),
        priorities.days(rank.effort) if rank.is_effort_supplied else "not supplied",
        row["owner"] or "nobody",
    ]


def draw_choice(found: Choice) -> None:
    """The options by their weighted score, what each criterion gives, and how far a weight must move to turn the order."""
    if found.missing:
        markup.empty("No options are weighed.", found.missing)
        return
    markup.sentence(priorities.verdict(found))
    criteria = list(found.weights)
    heads = [f"{priorities.criterion(each)} (×\u00a0{found.weights[each]:g})" for each in criteria]
    markup.table(
        "Options by their weighted score",
        ("Option", "Score", "First with", *heads, "Answers for it"),
        [
            (
                priorities.title(row),
                f"{each.score:.2f}",
                wording.share(each.wins),
                *(priorities.value(name, found.values[each.id].values.get(name, 0.0)) for name in criteria),
                row["owner"] or "nobody",
            )
            for row, each in found.options
        ],
        numeric=("Score", "First with", *heads),
    )
    st.caption(
        "Score: each value by the best of its column (of effort the least by the value), times its weight. First with: the share of all "
        "possible weights with which the option is first. Hours, patients and sureness are measured; effort, the part that it saves, "
        "the other columns and the weights are the hospital's own, from registry.toml."
    )
    markup.table(
        "How far a weight must move before another option is first",
        ("Weight of", "Now", "Another is first"),
        priorities.sensitivity(found),
        numeric=("Now",),
    )


def draw_reach(here: Here, rows: Sequence[Row]) -> None:
    """What stops when one channel stops, those first of which most patients would feel it."""
    if not rows:
        markup.empty("No channel carried a message here.", "Deliver an engine's logs, or choose a longer period.")
        return
    markup.sentence(priorities.if_it_stops(rows))
    draw_rows(
        "reach",
        (
            "If it stops",
            "Messages a day",
            "Kinds",
            "Do not reach",
            "Which keep the record of",
            "What would wait",
            "Waits a day",
            "Patients a day",
        ),
        [ListedRow(_to_channel(here, row), _reach_cells(row)) for row in rows],
        (0.7, 0.7, 1, 1.3, 1.9, 0.5, 0.6),
    )


def _to_channel(here: Here, row: Row) -> Callable[[], None]:
    view = here.view.to_channel(f"{row['source']}/{row['channel']}")
    return lambda: here.link("interfaces", f"**{row['channel']}** ({row['source']})", view, icon="", help="")


def _reach_cells(row: Row) -> list[markup.Cell | markup.Lines | None]:
    waits = priorities.waiting(row)
    return [
        priorities.a_day(row, "messages"),
        ", ".join(row["msg_types"] or ()) or None,
        ", ".join(row["destinations"] or ()) or None,
        ", ".join(row["domains"] or ()) or None,
        markup.Lines(waits[0], waits[1:]) if waits else "nobody, as far as is known",
        priorities.a_day(row, "waits"),
        priorities.a_day(row, "patients"),
    ]
