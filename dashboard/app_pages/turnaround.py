"""How long do orders take? Every order's wait side by side, then each measure, then its places."""

import streamlit as st

from dashboard import families, flow, readings, words
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.measure import draw_caveats
from dashboard.parts.places import draw_places
from dashboard.parts.waits import draw_waits

now = here()
mine = families.of(readings.readings(now.found, now.person, now.view), "results")
draw_head(now, "How long do orders take?", kpis=[each.kpi.id for each in mine])
draw_path(now)
markup.headline(*words.answer(mine))
st.subheader("The waits of an order", anchor=False)
draw_waits(flow.wait_steps(now, {each.kpi.id: each.kpi.short_title for each in mine if each.kpi.unit == "minutes"}))
st.subheader("Each measure", anchor=False)
draw_cards(now, [each for each in mine if each.look != "none"])
st.subheader("By unit" if now.view.facility else "By facility", anchor=False)
draw_places(now, [each.kpi.id for each in mine][:5])
draw_caveats(mine)
