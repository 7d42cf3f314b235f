"""The sidebar: the hospital's name and the role in its head, then the questions. Links keep place and period."""

from html import escape

import streamlit as st

from dashboard.access import SEES, Person
from dashboard.here import Here

GROUPS = (
    (None, ("overview",)),
    ("Patients", ("emergency",)),
    ("Clinical work", ("turnaround", "backlog", "bottlenecks", "exceptions")),
    ("Improvement", ("pain", "pilots")),
    ("Interfaces", ("interfaces", "delays")),
    ("Trust", ("data-quality", "dictionary")),
)


def draw_side(here: Here) -> None:
    """Name, role, questions."""
    with st.sidebar:
        st.html(f'<p class="wf-site">{escape(here.site)}</p>')
        _role(here.person)
        for group, names in GROUPS:
            with st.container(gap="xxsmall"):
                if group:
                    st.html(f'<p class="wf-group">{group}</p>')
                for name in names:
                    here.link(name, here.pages[name].title, here.view.scope, width="stretch")


def role_in_force(person: Person) -> Person:
    """The person in the role they chose to look as; kept for the session."""
    return person.viewing_as(st.session_state.get("view-as"))


def _role(person: Person) -> None:
    if len(person.may_view_as) > 1:
        st.selectbox(
            "View as",
            person.may_view_as[::-1],
            index=person.may_view_as[::-1].index(person.role),
            format_func=str.capitalize,
            key="view-as",
            help="; ".join(f"{role.capitalize()} sees {SEES[role]}" for role in person.may_view_as) + ".",
        )
    else:
        st.caption(f"{person.role.capitalize()}: sees {SEES[person.role]}")
    if person.by_login:
        st.caption(person.name)
        st.button("Log out", on_click=st.logout, icon=":material/logout:", type="tertiary")
