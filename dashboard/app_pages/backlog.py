"""Is work being picked up? What waits and how long, whether as much is finished as comes in, then each measure and place."""

import streamlit as st

from dashboard import backlogs, families, readings
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.backlog import draw_backlog
from dashboard.parts.card import draw_cards
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.places import draw_places

now = here()
mine = families.of(readings.readings(now.found, now.person, now.view), "handoffs", "tasks")
draw_head(now, "Is work being picked up?", kpis=[each.kpi.id for each in mine])
draw_path(now)
found = [each for r in families.backlogs(mine) if (each := backlogs.backlog(now, r.kpi))]
markup.headline(*backlogs.headline(found, now.view.weeks))
for each in found:
    draw_backlog(each)
st.subheader("Each measure", anchor=False)
draw_cards(now, [each for each in mine if each.look != "none"])
st.subheader("By unit" if now.view.facility else "By facility", anchor=False)
draw_places(now, [each.kpi.id for each in mine][:5])
