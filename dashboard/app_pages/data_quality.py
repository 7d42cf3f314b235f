"""Can I trust the data? Which numbers may be believed and why, which checks failed, and what became of every line."""

import streamlit as st

from dashboard import readings
from dashboard.here import here
from dashboard.parts import delivered, markup, matches, trust
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.lineage import draw_lineage

now = here()
draw_head(now, "Can I trust the data?")
if now.view.facility:
    draw_path(now)
found = list(readings.readings(now.found, now.person, now.view).values())
markup.headline(*trust.headline(now, found))

st.subheader("May each number be believed?", anchor=False)
trust.draw_readiness(now, found)

st.subheader("How fresh is each source?", anchor=False)
trust.draw_freshness(now)

st.subheader("Has every export come whole?", anchor=False)
trust.draw_completion(now)

st.subheader("What did the checks find?", anchor=False)
trust.draw_checks(now)

st.subheader("What became of every line?", anchor=False)
trust.draw_ledger(now)

st.subheader("What was kept out, and what to do?", anchor=False)
delivered.draw_quarantine(now)

st.subheader("What looks wrong in what was loaded?", anchor=False)
delivered.draw_findings(now)

st.subheader("How much was held against FHIR's definitions?", anchor=False)
delivered.draw_validation(now)

st.subheader("Did the exports change?", anchor=False)
delivered.draw_drift(now)

st.subheader("Which messages belong to a patient's case?", anchor=False)
matches.draw_matches(now)

st.subheader("Files, quarantined lines and lineage", anchor=False)
draw_lineage(now)
