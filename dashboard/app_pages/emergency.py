"""Where do patients wait? The waits of a visit side by side, then the department, then its beds, then its places."""

import streamlit as st

from dashboard import families, readings
from dashboard.flow import WAITS, wait_steps, worst_wait
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.measure import draw_caveats
from dashboard.parts.places import draw_places
from dashboard.parts.waits import draw_waits

now = here()
found = readings.readings(now.found, now.person, now.view)
beds = families.of(found, "beds")
department = ("ed_arrivals", "ed_left_before_seen", "ed_four_hour_performance", "handoff_missed_rate")
draw_head(now, "Where do patients wait?", kpis=[*WAITS, *department[:3], *(each.kpi.id for each in beds)])
draw_path(now)
steps = wait_steps(now)
markup.headline(*worst_wait(found, steps))
st.subheader("The waits of a visit", anchor=False)
draw_waits(steps)
st.subheader("The department", anchor=False)
draw_cards(now, [found[k] for k in department if found[k].look != "none"])
st.subheader("Beds and discharge", anchor=False)
draw_cards(now, [each for each in beds if each.look != "none"], columns=3)
st.subheader("By unit" if now.view.facility else "By facility", anchor=False)
draw_places(now, ("ed_length_of_stay", "ed_boarding_ed2", "lab_turnaround", "handoff_acceptance_time"))
draw_caveats([found[k] for k in (*WAITS, *department)])
