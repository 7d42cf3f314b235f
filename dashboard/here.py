"""What every page is given: the snapshot, the person, the view and the pages that can be linked to. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.access import Person
from dashboard.filters import View
from models.kpi import Kpi
from models.publication import Manifest

_KEY = "_here"


@dataclass(frozen=True)
class Here:
    """One run of one page for one person."""

    found: Manifest
    person: Person
    view: View
    places: Mapping[str, Sequence[str]]
    pages: Mapping[str, StreamlitPage]
    page: str  # the name of the page that runs
    not_found: Sequence[str] = ()  # what the link asks for that is not there, a sentence each

    @property
    def suppress_below(self) -> int:
        """Numbers of people below this are hidden."""
        return int(self.found.settings.get("suppress_below", 5))

    @property
    def site(self) -> str:
        """The hospital's name."""
        return str(self.found.settings.get("site") or self.found.home_name)

    def link(self, page: str, label: str, view: View, **options: object) -> None:
        """A link to a page with a view; the only way pages point at each other. A channel is a unit on the page of a measure alone."""
        if page != "kpi":
            facility = view.facility if view.facility in self.places else None
            unit = view.unit if facility and view.unit in self.places[facility] else None
            view = view.to(facility=facility, unit=unit)
        st.page_link(self.pages[page], label=label, query_params=view.params, **options)  # type: ignore[arg-type]

    def link_to_kpi(self, kpi: Kpi, label: str | None = None, view: View | None = None) -> None:
        """A link to a KPI's page as it stands in cards, lists and tables: without an icon, by default its short title in bold."""
        self.link("kpi", label or f"**{kpi.short_title}**", (view or self.view).to_kpi(kpi.id), icon="", help="")


def put(here: Here) -> None:
    """Hand over to the page that runs next."""
    st.session_state[_KEY] = here


def here() -> Here:
    """What the shell handed over to this run."""
    return st.session_state[_KEY]
