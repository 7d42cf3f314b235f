"""Why work waits, as one bar a step cut into five reasons, and who hands over to whom, as a matrix of roles."""

import streamlit as st

from dashboard import waiting, waiting_chart
from dashboard.bottlenecks import HOUR, Workflow, duration, hours
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from dashboard.waiting import Waiting
from models import wording
from models.waiting import REASONS


def draw_reasons(found: Waiting, of: Workflow) -> None:
    """The five reasons of each step of which it is recorded who does it and when they began; of the others, what would tell."""
    _draw_known(found, of)
    if not (found.steps or found.unknown):
        return
    markup.table(
        "Who or what each step waits for",
        ("Step", "Waited", "Waits for", "Recorded in, or what would tell"),
        [
            (step["activity"], hours(step["wait_seconds"]), step["doer"].who or "not recorded", step["doer"].field)
            for step in (*found.steps, *found.unknown)
        ],
        numeric=("Waited",),
    )


def _draw_known(found: Waiting, of: Workflow) -> None:
    rest = ""
    if found.unknown_seconds:
        rest = (
            f"Of {'the other' if found.steps else 'these'} steps nobody recorded who does them or when they began: their "
            f"{wording.number(found.unknown_seconds / HOUR)} {of.unit} are extraneous as far as anyone can tell."
        )
    if not found.steps:
        markup.empty("The reasons of these waits cannot be told apart.", rest or "Too few cases, or none.")
        return
    for step in found.steps:
        markup.sentence(waiting.said(step))
    draw_picture(
        waiting_chart.reasons(found.steps, waiting.parts, _hover),
        key="reasons",
        alt="Each step's wait until somebody began it, cut into five reasons.",
        heads=("Step", "Waited", *(reason.capitalize() for reason in REASONS)),
        rows=[
            (step["activity"], hours(step["wait_seconds"]), *(hours(seconds) for _, seconds in waiting.parts(step)))
            for step in found.steps
        ],
        numeric=("Waited", *(reason.capitalize() for reason in REASONS)),
    )
    markup.table(
        "The five reasons, and what they took of all these waits",
        ("Reason", "Share", "Time"),
        [
            (
                markup.Swatch(f"reason-{reason}", reason.capitalize(), waiting.MEANING[reason]),
                wording.share(share),
                hours(seconds),
            )
            for reason, seconds, share in waiting.in_all(found.steps)
        ],
        numeric=("Share", "Time"),
    )
    st.caption(
        "Counted is all recorded work of the kind from when it could begin until it began, also work that no case of this workflow asked "
        "for: the hours are not those of the map. How many hands there are, and at which hours, is learnt from the same work, "
        "and how many places from the record's list of them, else from how many were ever taken at once; what a team does beside its "
        f"recorded work is not seen, and no person is told apart. {rest}"
    )


def _hover(step: waiting.Row, reason: str, seconds: float) -> str:
    share = wording.share(seconds / step["wait_seconds"]) if step["wait_seconds"] else wording.NONE
    return f"{step['activity']}: {hours(seconds)} {reason}, {share}: {waiting.MEANING[reason]}"


def draw_handovers(found: Waiting) -> None:
    """A row for each role that hands over, a column for each that takes over: how often, and how long half of them took."""
    if not found.handovers:
        markup.empty("No handover between roles.", "Every step has the same owner in registry.toml, or none.")
        return
    givers, takers = waiting.roles(found.handovers)
    cells = {(row["owner"], row["next_owner"]): row for row in found.handovers}
    markup.table(
        "Who hands over to whom: how often, and half within",
        ("From", *(f"to {taker}" for taker in takers)),
        [(giver, *(_cell(cells.get((giver, taker))) for taker in takers)) for giver in givers],
        numeric=[f"to {taker}" for taker in takers],
    )
    hidden = f" {found.hidden} rows of too few cases are hidden." if found.hidden else ""
    st.caption(
        "How often a step of the one is followed by a step of the other, and within what time half of them are. A role is what the task "
        f"says (Task.performerType): of {waiting.recorded(found.handovers)} both are recorded so; else it is who answers for the step by "
        f"the registry. No person is told apart.{hidden}"
    )


def _cell(row: waiting.Row | None) -> markup.Lines | str:
    if row is None:
        return wording.NONE
    return markup.Lines(wording.number(row["count"]), (f"half within {duration(row['wait_median_seconds'])}",))
