"""The waits of a journey as a waterfall: each a row of stretches in time, and what kept the news; then the three questions."""

from collections.abc import Sequence

import streamlit as st

from dashboard import delay_charts, journey_stages, journey_waits
from dashboard.data import Row
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.opening import further_opening
from dashboard.parts.picture import draw_picture
from models import wording
from models.waits import PARTS, STAGES


def draw_waits(here: Here, events: Sequence[Row], asked: str) -> None:
    """The waterfall of the visit's waits, for the purpose that was stated; nothing where the snapshot knows no waits."""
    waits, parts, stages, touches, exceptions = (
        further_opening(here, table, asked) if table in here.found.tables else None
        for table in ("wait", "wait_part", "wait_stage", "intervention", "work_exception")
    )
    st.subheader("What was waited for, and where the time went", anchor=False)
    found = journey_waits.read(here.found, waits, parts, stages, touches, events) if waits and parts else []
    if found:
        _draw(found)
    else:
        markup.empty(
            "No wait is known of this visit.",
            "Nothing that somebody had to act on was recorded, or not both of its ends.",
        )
    hands = journey_waits.done(here.found, touches, events)
    never = journey_waits.missing(here.found, exceptions, events)
    markup.facts(journey_waits.questions(found, events, hands, never))


def _draw(found: Sequence[Row]) -> None:
    drawn = journey_waits.drawn(found)
    names = {wait["wait_key"]: wait for wait in drawn}
    markup.sentence(journey_waits.headline(found))
    st.caption(
        "Each wait from its own begin; a thin line is a stage that the news reached, a ring one by another clock than the begin's: "
        "it may stand off by as much as the clocks differ."
        + (
            f" {journey_waits.WITHIN} lies within the wait above it and is in no sum."
            if len(journey_waits.outermost(drawn)) < len(drawn)
            else ""
        )
    )
    draw_picture(
        delay_charts.waterfall(
            journey_waits.bars(drawn),
            lambda each: journey_waits.said(names[each["wait_key"]], each),
            journey_stages.marks(drawn),
        ),
        key="waterfall",
        alt=f"{len(drawn)} waits of the visit in time, each cut into what messages took and what people took; the table says each.",
        heads=("Wait", "Part", "Hop", "From", "Took", "Who acted"),
        rows=[
            (
                wait["name"],
                PARTS[each["part"]].title,
                each["hop"] or wording.NONE,
                f"{each['from_at']:%a %H:%M:%S}",
                wording.duration(each["minutes"]),
                each["did"] or each["actor"],
            )
            for wait in drawn
            for each in wait["stretches"]
        ],
    )
    shown = [part for part in PARTS if any(each["part"] == part for wait in drawn for each in wait["stretches"])]
    markup.legend([(f"part-{part}", f"{PARTS[part].title}: {PARTS[part].meaning}") for part in shown])
    if timeline := journey_stages.timeline(drawn):
        with st.expander("Every stage, from happened to acted on", icon=":material/timeline:"):
            st.caption(
                "Each time is by the clock of what says it: two stages of two clocks may stand in the wrong order "
                "by as much as the clocks differ."
            )
            heads = ("Wait", *(stage.title for stage in STAGES.values()))
            markup.table("The stages of each wait", heads, timeline)
            markup.facts(journey_stages.said_by(drawn))
    left = [wait for wait in journey_waits.outermost(found) if wait["wait_key"] not in names]
    if left:
        hours = wording.hours(sum(wait["minutes"] for wait in left))
        st.caption(f"{len(left)} shorter waits of {hours} are not drawn.")
