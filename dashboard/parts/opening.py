"""The purpose prompt: cases and files open for a stated purpose, and each opening is written down before it shows."""

import streamlit as st

from dashboard import data
from dashboard.data import Opening
from dashboard.here import Here
from dashboard.parts import markup

PURPOSES = (
    "Care of these patients",
    "Operational review",
    "Incident review",
    "Data quality",
    "Pilot evaluation",
)


def opening(here: Here, table: str, asked: str) -> Opening | None:
    """The proof that `asked` of `table` may be shown now; None after drawing why not, or the prompt."""
    if table not in here.found.tables:
        markup.empty("Nothing to open.", "The snapshot holds no such table. Run `wardflow run` to publish again.")
        return None
    if not data.may_open(here.found, here.person, table):
        markup.empty(
            f"The role {here.person.role} sees totals only.",
            "Somebody with the role informatics or engineer can open the cases behind this number.",
        )
        return None
    purpose = st.session_state.get("purpose")
    if not purpose:
        _prompt(table)
        return None
    _stated(purpose)
    return _written(here, table, asked, purpose)


def further_opening(here: Here, table: str, asked: str) -> Opening | None:
    """The opening of one more table for the purpose that was stated; None without a purpose or the right role."""
    purpose = st.session_state.get("purpose")
    return _written(here, table, asked, purpose) if purpose and data.may_open(here.found, here.person, table) else None


def _written(here: Here, table: str, asked: str, purpose: str) -> Opening:
    """One line in the log for each thing opened in this session, not for each time the page is drawn."""
    done: dict[tuple[str, ...], Opening] = st.session_state.setdefault("_openings", {})
    key = (here.found.id, here.person.role, table, asked, purpose)
    if key not in done:
        done[key] = data.open_cases(here.found, here.person, table, asked, purpose)
    return done[key]


def _prompt(table: str) -> None:
    with st.form(f"purpose-{table}", border=True):
        st.markdown("**What do you open these for?** Your name, the time and this purpose are recorded.")
        chosen = st.selectbox("Purpose", PURPOSES, index=None, placeholder="Choose a purpose")
        detail = st.text_input(
            "In your words (optional)", max_chars=200, placeholder="for example: missed handoffs of Tuesday"
        )
        if st.form_submit_button("Open and record", icon=":material/lock_open:"):
            if chosen is None:
                st.error("Choose a purpose. Cases open only for one.")
            else:
                st.session_state["purpose"] = f"{chosen}: {detail.strip()}" if detail.strip() else chosen
                st.rerun()


def _stated(purpose: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/lock_open: Opened for: {purpose}. Recorded in the access log.")
        if st.button("Change the purpose", type="tertiary"):
            del st.session_state["purpose"]
            st.rerun()
