"""A journey drawn as a list in time: the hour, what happened where, how long it took, and for engineers the source line."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from dashboard import charts, words
from dashboard.here import Here
from dashboard.parts import markup
from models import wording

SHORTEST = 1 / 60  # minutes: what took less than a second is said to take no time
KINDS = {  # kind → icon, tone, what a screen reader says
    "clinical": ("local_hospital", "quiet", "care"),
    "human": ("person", "improve", "a person's step"),
    "message": ("mail", "neutral", "a message"),
}


NAMES = {"clinical": "Care", "human": "People", "message": "Messages"}


def draw_lanes(events: Sequence[Mapping[str, Any]]) -> None:
    """The journey as a picture: care, people and messages under each other. The list below it is its table."""
    st.plotly_chart(
        charts.lanes(
            [dict(e) for e in events], NAMES, lambda e: f"{e['occurred_at']:%a %H:%M}: {e['what']}, {e['place']}"
        ),
        width="stretch",
        config=charts.CONFIG,
        key="lanes",
        alt=f"The journey in time: {len(events)} events of care, people and messages; the list below says each.",
    )


def draw_timeline(here: Here, events: Sequence[Mapping[str, Any]], files: Mapping[int, str]) -> None:
    """The events in order, with a line for each new day. `files` are the paths that this role may see, else empty."""
    if not events:
        markup.empty("Nothing of that kind happened.", "Choose another kind above.")
        return
    markup.in_time(events, lambda event: _item(event, files))
    st.caption(
        f"Times are local ({here.found.zone}). A time span is how long the step took until the next one it waits for."
    )


def _item(event: Mapping[str, Any], files: Mapping[int, str]) -> str:
    icon, tone, said = KINDS.get(event["kind"], KINDS["clinical"])
    concern = event["kind"] == "message" and any(w in event["what"] for w in ("failed", "dead", "queued"))
    took = event["minutes"] if event["minutes"] and event["minutes"] >= SHORTEST else None
    wait = f' <span class="wf-wait">{escape(wording.duration(took))}</span>' if took else ""
    where = words.unit_name(event["facility"], event["place"]) if event["place"] else ""
    place = where if where not in event["what"] else ""
    source = markup.source_line(event, files)
    return (
        f'<li><time datetime="{event["occurred_at"].isoformat()}">{event["occurred_at"]:%H:%M:%S}</time>'
        f'<span class="wf-mark wf-{"concern" if concern else tone}"><span class="wf-icon" aria-hidden="true">{icon}</span>'
        f'<span class="wf-only-read">{said}</span></span>'
        f'<span class="wf-what">{escape(_capital(event["what"]))}{wait}</span>'
        f'<span class="wf-where">{escape(place)}</span><span class="wf-where">{escape(source)}</span></li>'
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
