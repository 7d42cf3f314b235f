"""One measure: its number, its trend with limits, its parts, its cases, and how it is counted."""

import streamlit as st

from dashboard import charts, readings, words
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import about
from dashboard.parts.cases import draw_cases
from dashboard.parts.deciding import draw_deciding, draw_decisions, notes
from dashboard.parts.delay import draw_time
from dashboard.parts.head import draw_head, draw_path, kpi_steps
from dashboard.parts.meanings import draw_kpis
from dashboard.parts.measure import draw_breakdown, draw_counting, draw_pair, draw_verdicts, trend_rows
from dashboard.parts.picture import draw_picture
from models import wording
from models.kpis import KPIS

now = here()
asked = KPIS.get(now.view.kpi or "")
if asked is None:
    draw_head(now, "One measure", kpis=[])
    draw_path(now)
    lead = "There is no such measure." if now.view.kpi else "No measure is chosen."
    markup.headline(lead, f"Choose one of these {len(KPIS)}.")
    draw_kpis(now, list(KPIS.values()))
    st.stop()
kpi = asked
found = readings.readings(now.found, now.person, now.view)
reading = found[kpi.id]
draw_head(now, kpi.title, kpis=[kpi.id])
draw_path(now, *kpi_steps(now, kpi.id))
markup.headline(*words.kpi_headline(reading, now.suppress_below))
with st.container(horizontal=True, vertical_alignment="center"):
    draw_verdicts(reading)
    draw_deciding(now, "kpi", kpi.id)
draw_pair(now, found, kpi)

if reading.weeks and reading.look != "withheld":
    st.subheader("Week by week", anchor=False)
    aim = (reading.target, words.target(reading)) if reading.target is not None else None
    draw_picture(
        charts.trend(
            reading.weeks,
            aim,
            lambda row: words.weekly(kpi, row),
            lambda v: wording.value(v, kpi.unit),
            notes(now, kpi.id),
            is_time=kpi.unit == "minutes",
        ),
        key="trend",
        alt=words.spark_alt(reading),
        heads=("Week", "Value", "Mean", "Lower limit", "Upper limit", "Signal"),
        rows=trend_rows(reading),
        numeric=("Value", "Mean", "Lower limit", "Upper limit"),
    )
    for warning in reading.warnings:
        st.caption(f":material/info: {warning}")
elif reading.look != "withheld":
    markup.empty(
        "No weeks to draw yet.", "A trend needs whole weeks before the data cut; the next publication adds one."
    )

draw_breakdown(now, reading)
if reading.look != "withheld":
    draw_time(now, kpi)
st.subheader("Cases", anchor=False)
draw_cases(now, reading)
st.subheader("How it is counted", anchor=False)
draw_counting(now, reading)
markup.facts(about(reading))
now.link("dictionary", "What do numbers mean?", now.view.scope.to(find=kpi.id), icon=":material/menu_book:")
draw_decisions(now, "kpi", kpi.id)
