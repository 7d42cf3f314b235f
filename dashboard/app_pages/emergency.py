"""Where do patients wait? The waits of a visit side by side, then the department, then its places."""

import streamlit as st

from dashboard import readings
from dashboard.flow import WAITS, wait_steps, worst_wait
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.places import draw_places
from dashboard.parts.waits import draw_waits

now = here()
draw_head(now, "Where do patients wait?", kpis=[*WAITS, "ed_arrivals", "ed_left_before_seen"])
draw_path(now)
found = readings.readings(now.found, now.person, now.view)
steps = wait_steps(now)
markup.headline(*worst_wait(found, steps))
st.subheader("The waits of a visit", anchor=False)
draw_waits(steps)
st.subheader("The department", anchor=False)
cards = [found[k] for k in ("ed_arrivals", "ed_left_before_seen", "handoffs_open", "handoff_missed_rate")]
draw_cards(now, [card for card in cards if card.look != "none"])
st.subheader("By unit" if now.view.facility else "By facility", anchor=False)
draw_places(now, ("ed_length_of_stay", "ed_boarding_ed2", "lab_turnaround", "handoff_acceptance_time"))
st.caption(" ".join(c for k in ("ed_length_of_stay", "ed_boarding_ed2") for c in found[k].kpi.caveats))
