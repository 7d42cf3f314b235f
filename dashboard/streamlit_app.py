"""The shell: who is looking, at which snapshot, at what; then the page. Started by `dashboard.serve`."""

from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from dashboard import data, filters, readings
from dashboard.access import AccessError, Person, is_loopback, local_person, logged_in_person
from dashboard.here import Here, put
from dashboard.parts import markup
from dashboard.parts.side import draw_side, role_in_force
from dashboard.parts.style import draw_style
from models.errors import PublicationError
from models.kpis import KPIS
from models.publication import Manifest

# Pages that are drawn anew when another snapshot is published, without anybody asking: they hold no form to fill in.
# (A comment: Streamlit draws a string that stands by itself.)
LIVE = ("interfaces",)
LOOK_EVERY_SECONDS = 15
PAGES = Path(__file__).with_name("app_pages")
QUESTIONS = {  # name in the URL → file, question, icon
    "overview": ("overview.py", "How are we doing?", ":material/dashboard:"),
    "emergency": ("emergency.py", "Where do patients wait?", ":material/emergency:"),
    "bottlenecks": ("bottlenecks.py", "Where is work stuck?", ":material/account_tree:"),
    "delays": ("delays.py", "How late was the data?", ":material/timeline:"),
    "turnaround": ("turnaround.py", "How long do orders take?", ":material/labs:"),
    "backlog": ("backlog.py", "Is work being picked up?", ":material/assignment:"),
    "exceptions": ("exceptions.py", "What did not happen?", ":material/rule:"),
    "pain": ("pain.py", "Where is the pain?", ":material/healing:"),
    "pilots": ("pilots.py", "Did the pilot work?", ":material/science:"),
    "interfaces": ("interfaces.py", "Is data flowing?", ":material/lan:"),
    "data-quality": ("data_quality.py", "Can I trust the data?", ":material/verified:"),
    "dictionary": ("dictionary.py", "What do numbers mean?", ":material/menu_book:"),
    "kpi": ("kpi.py", "One measure", ":material/monitoring:"),
    "message": ("message.py", "One message", ":material/mail:"),
    "case": ("case.py", "One journey", ":material/route:"),
}


def person(found: Manifest) -> Person:
    """Who is looking. On an address other than loopback, whoever has logged in; the page stops until somebody has."""
    access = found.settings.get("access") or {}
    if is_loopback(st.get_option("server.address")):
        return local_person(access)
    if not _has_login():
        raise AccessError(
            "This address needs a log-in and none is set up. Start with `wardflow dashboard` on 127.0.0.1."
        )
    if not st.user.is_logged_in:
        st.title("Wardflow", anchor=False)
        st.button("Log in", on_click=st.login, type="primary", icon=":material/login:")
        st.stop()
    return logged_in_person(str(st.user.get("email") or ""), access)


def _has_login() -> bool:
    """Whether a log-in is set up; without any secrets file Streamlit raises instead of answering."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def main() -> None:
    """One run."""
    st.set_page_config(
        page_title="Wardflow", page_icon=":material/monitor_heart:", layout="wide", initial_sidebar_state=226
    )
    pages = {
        name: st.Page(PAGES / file, title=title, icon=icon, url_path=name, default=name == "overview")
        for name, (file, title, icon) in QUESTIONS.items()
    }
    page = st.navigation(list(pages.values()), position="hidden")
    draw_style()
    try:
        found = data.snapshot()
        who = role_in_force(person(found))
    except (PublicationError, AccessError) as error:
        st.title("Wardflow", anchor=False)
        markup.empty("There is nothing to show.", str(error))
        return
    name = next(name for name, each in pages.items() if each == page)
    places = readings.places(found, who)
    known = readings.places(found, who, KPIS.get(st.query_params.get("kpi", ""))) if name == "kpi" else places
    view = filters.read_view(st.query_params, known)
    here = Here(found, who, view, places, pages, name, filters.not_found(st.query_params, known))
    put(here)
    draw_side(here)
    try:
        if st.session_state.get("_page") == name:
            st.empty()  # in the skeleton's place: what is drawn anew does not move down and up again
            page.run()
        else:
            st.session_state["_page"] = name
            with st.skeleton(height=480):  # shown only when a page takes noticeably long
                page.run()
    except data.Forbidden as error:
        markup.empty("This is not open to you.", str(error))
    if name in LIVE:
        _follow(found.id)


@st.fragment(run_every=LOOK_EVERY_SECONDS)
def _follow(shown: str) -> None:
    """Draw the page anew once another snapshot than the one it shows is published; otherwise nothing moves."""
    with suppress(PublicationError):
        if data.snapshot().id != shown:
            st.rerun()


main()
