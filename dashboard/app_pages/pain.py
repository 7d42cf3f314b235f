"""Where is the pain, and what should be fixed first? Hours lost by cause, by facility, by what took them."""

import streamlit as st

from dashboard import pain, portfolio, priorities
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts import pain as parts
from dashboard.parts import portfolio as parts_portfolio
from dashboard.parts import priorities as parts_priorities
from dashboard.parts.head import draw_head, draw_path

now = here()
draw_head(now, "Where is the pain?", kpis=[])
if now.view.facility:
    draw_path(now)
found = pain.read(now)
markup.headline(*pain.headline(found))
if now.view.unit:
    st.caption("Lost hours are told by facility.")
if found.total is None:
    markup.empty(
        "No lost hour can be shown.",
        "Choose a longer period or all facilities; see wardflow status for what is missing.",
    )
    st.stop()
st.subheader("Three causes", anchor=False)
parts.draw_causes(found)
parts.draw_behind(now, found)
st.subheader("Reasons", anchor=False)
parts.draw_reasons(found)
st.subheader("Facilities", anchor=False)
parts.draw_facilities(now, found)
named = priorities.options(now)
st.subheader("What to fix first", anchor=False)
parts_priorities.draw_ranking(now, priorities.ranking(found, named))
if found.hidden_steps:
    st.caption(f"{found.hidden_steps} hops and steps of too few patients are hidden.")
st.caption(
    "In the order of sure hours by effort. Sure: the part of the hours that is measured, less where days differ much. An effort that "
    "nobody has supplied counts as the middle one of those in registry.toml."
)
st.subheader("Options, weighed", anchor=False)
parts_priorities.draw_choice(priorities.choice(now, found, named))
entries = portfolio.read(now, found)
st.subheader("Keep, fix, retire", anchor=False)
parts_portfolio.draw_portfolio(now, entries)
st.subheader("If one interface stops", anchor=False)
parts_priorities.draw_reach(now, priorities.reach(now))
st.caption(
    "An hour is lost when a step takes longer than the window that the registry gives it, or when the news of what has to be done is "
    "later than the window of a delivery. What interfaces took of a step is theirs; a minute that a patient loses to several things at "
    "once is shared between them, so that it counts once. Intervals draw whole days again. Not measured: steps without a window, "
    "the last step of a case that is still open, imaging beyond its messages, results that nobody opened, and every other access to the "
    "record, of which no source tells when it was asked for. Openings are told by audit trails, only as sums, and only where enough people "
    "opened results."
)
