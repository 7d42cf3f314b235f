"""The head of a page: the question with freshness and checks under it, the filters beside it, then the drill path."""

from html import escape

import streamlit as st

from dashboard import readings, words
from dashboard.filters import ALL_FACILITIES, View, draw_filters
from dashboard.here import Here
from dashboard.parts.markup import chip, notice
from models.kpis import FAMILIES, KPIS


def draw_head(here: Here, title: str, *, kpis: list[str] | None = None, filters: bool = True) -> None:
    """Title, status line, filters, what the link asks for in vain, and a banner when a check that concerns `kpis` (None: any) failed."""
    left, right = st.columns([1, 1], vertical_alignment="top") if filters else (st.container(), None)
    with left:
        st.html(f'<h1 class="wf-title">{escape(title)}</h1>{_status(here)}')
    if right is not None:
        with right:
            draw_filters(here.view, here.places)
    if here.not_found:
        notice(" ".join(here.not_found))
    failed = readings.failed_checks(here.found, kpis)
    if failed and here.page not in ("overview", "data-quality"):
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        st.html(
            f'<div class="wf-banner" role="status"><strong>A check failed{more}.</strong> {escape(failed[0].why)}</div>'
        )


def draw_path(here: Here, *steps: tuple[str, str, View]) -> None:
    """All facilities › Northfield › … : each part a link (page, label, view); the last one is where you are. Nothing at the top."""
    view = here.view
    home = "overview" if here.page in ("kpi", "case", "message") else here.page
    board = view.board if home == "overview" else None
    first = {"pilots": "All pilots", "dictionary": "All measures and tables"}.get(home, ALL_FACILITIES)
    path = [(home, first, View(weeks=view.weeks, board=board))]
    if view.facility:
        path.append((home, view.facility, View(view.facility, weeks=view.weeks, board=board)))
    if view.unit:
        path.append((home, words.unit_name(view.facility, view.unit), view.scope.to(board=board)))
    path += steps
    if len(path) == 1:
        return
    with st.container(horizontal=True, key="path"):
        for number, (page, label, to) in enumerate(path):
            if number:
                st.html('<span aria-hidden="true">›</span>', width="content")
            here.link(page, label, to, icon="", help="")


def draw_not_found(asked: str | None, found: object, what: str, instead: str) -> None:
    """A line where the link asks for something and nothing was found; its words never hold what the link holds."""
    if asked and not found:
        notice(f"The link names {what} that is not known here: {instead}.")


def kpi_steps(here: Here, kpi_id: str | None) -> list[tuple[str, str, View]]:
    """The steps of the path down to a KPI: its family's page, then itself; none for an unknown KPI."""
    kpi = KPIS.get(kpi_id or "")
    if kpi is None:
        return []
    family = (words.FAMILY_PAGES[kpi.family], FAMILIES[kpi.family], here.view.scope)
    return [family, ("kpi", kpi.short_title, here.view.to_kpi(kpi.id))]


def _status(here: Here) -> str:
    """Data to …, how many sources are fresh, how the checks went: words with icons, each part unbroken."""
    found = here.found
    late = [source.source for source in found.sources if source.is_late]
    fresh = f"{len(found.sources) - len(late)} of {len(found.sources)} sources fresh"
    sources = chip("schedule", f"late: {', '.join(late)}", "concern") if late else escape(fresh)
    failed = len(found.checks.failed)
    checks = (
        chip("warning", f"{failed} of {failed + found.checks.passed} checks failed", "concern")
        if failed
        else chip("check_circle", "checks passed", "improve")
    )
    parts = (f"Data to <strong>{escape(words.local(found, found.as_of))}</strong>", sources, checks)
    return '<p class="wf-status">' + " · ".join(f"<span>{part}</span>" for part in parts) + "</p>"
