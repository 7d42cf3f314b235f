"""What is being looked at: the view, which lives in the URL alone. Turns URLs into views and back, and draws the filters.

A URL restores a view: `/kpi?kpi=ed_length_of_stay&facility=Northfield+General&weeks=4`. What the snapshot does not know
(a facility that was renamed, a period that is not offered) falls back to everything, so an old link never breaks, and
`not_found` says so in a line. Its words never hold what the link holds: that can be anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

WEEKS = (4, 13, 26)  # the windows that a publication holds
BOARDS = {None: "All", "stakeholder": "By stakeholder"}  # how the front page is laid out
ALL_FACILITIES, ALL_UNITS = "All facilities", "All units"


@dataclass(frozen=True)
class View:
    """One view: the part of the hospital, the last whole weeks before the data cut, and what is opened in it."""

    facility: str | None = None
    unit: str | None = None
    weeks: int = 13
    kpi: str | None = None
    case: str | None = None
    channel: str | None = None
    board: str | None = None
    pilot: str | None = None
    table: str | None = None
    find: str | None = None
    workflow: str | None = None
    step: str | None = None
    message: str | None = None
    wait: str | None = None
    on: str | None = None

    @property
    def params(self) -> dict[str, str]:
        """The view as URL parameters; what is at its default is left out."""
        named = {
            k: getattr(self, k)
            for k in (
                "facility",
                "unit",
                "kpi",
                "case",
                "channel",
                "board",
                "pilot",
                "table",
                "find",
                "workflow",
                "step",
                "message",
                "wait",
                "on",
            )
        }
        weeks = {} if self.weeks == View.weeks else {"weeks": str(self.weeks)}
        return {k: v for k, v in named.items() if v} | weeks

    @property
    def place(self) -> str:
        """Where, in words."""
        parts = [p for p in (self.facility, self.unit) if p]
        return ", ".join(parts) if parts else "all facilities"

    @property
    def scope(self) -> "View":
        """The same place and period with nothing opened: what a link to another question carries along."""
        return View(self.facility, self.unit, self.weeks)

    def to_kpi(self, kpi: str) -> "View":
        """The same place and period with a KPI opened."""
        return replace(self.scope, kpi=kpi)

    def to_case(self, case: str) -> "View":
        """The same view with a journey opened."""
        return replace(self, case=case)

    def to_message(self, message: str) -> "View":
        """The same view with a message's hops opened."""
        return replace(self, message=message)

    def to_channel(self, channel: str) -> "View":
        """The same place and period with an interface channel opened."""
        return replace(self.scope, channel=channel)

    def to(self, **changes: object) -> "View":
        """The view after a step; leaving a facility also leaves its unit."""
        if "facility" in changes and "unit" not in changes:
            changes["unit"] = None
        return replace(self, **changes)  # type: ignore[arg-type] # checked by the tests of the round trip


def read_view(params: Mapping[str, str], places: Mapping[str, Sequence[str]]) -> View:
    """The view that URL `params` ask for, kept to the `places` (facility → its units) that the snapshot knows."""
    facility = params.get("facility")
    facility = facility if facility in places else None
    units = places[facility] if facility else ()
    unit = params.get("unit")
    weeks = params.get("weeks", "")
    return View(
        facility=facility,
        unit=unit if unit in units else None,
        weeks=int(weeks) if weeks.isdecimal() and int(weeks) in WEEKS else View.weeks,
        kpi=params.get("kpi") or None,
        case=params.get("case") or None,
        channel=params.get("channel") or None,
        pilot=params.get("pilot") or None,
        table=params.get("table") or None,
        find=params.get("find") or None,
        workflow=params.get("workflow") or None,
        step=params.get("step") or None,
        message=params.get("message") or None,
        wait=params.get("wait") or None,
        on=params.get("on") or None,
        board=params.get("board") if params.get("board") in BOARDS else None,
    )


def not_found(params: Mapping[str, str], places: Mapping[str, Sequence[str]]) -> list[str]:
    """What URL `params` ask for that `read_view` had to replace: a sentence each, that says what is shown instead."""
    view = read_view(params, places)
    lost = {name for name in ("facility", "unit", "weeks", "board") if params.get(name)}
    lost -= {name for name in lost if str(getattr(view, name)) == params[name]}
    said = {
        "facility": "The link names a facility that is not known here: all facilities are shown.",
        "unit": f"The link names a unit that is not known {'there' if view.facility else 'without its facility'}: all units are shown.",
        "weeks": f"The link names a period that is not offered: the {_period(view.weeks).lower()} are shown.",
        "board": "The link names a layout that is not offered: all measures are shown.",
    }
    return [said[name] for name in said if name in lost]


def draw_filters(view: View, places: Mapping[str, Sequence[str]]) -> None:
    """The filters: a row on a wide screen, folded into one button on a narrow one (style.css shows one of the two)."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="filters-wide"):
        _boxes(view, places, "wide")
    with st.container(key="filters-narrow"):
        label = f"{view.facility or ALL_FACILITIES} · {view.unit or ALL_UNITS} · {view.weeks} weeks"
        with st.popover(label, icon=":material/tune:", width="stretch"):
            _boxes(view, places, "narrow")


def draw_boards(view: View) -> None:
    """The switch of the front page; like every filter it lives in the URL."""
    names = list(BOARDS.values())
    st.session_state["board"] = BOARDS[view.board]
    st.segmented_control("Layout", names, key="board", label_visibility="collapsed", on_change=_choose_board)


def draw_find(view: View) -> None:
    """A box that finds by words; what is looked for lives in the URL too."""
    st.session_state["find"] = view.find or ""
    st.text_input("Find a measure or a table by a word", key="find", max_chars=80, on_change=_choose_find)


def _choose_find() -> None:
    words = str(st.session_state["find"]).strip()
    if words:
        st.query_params["find"] = words
    else:
        st.query_params.pop("find", None)


def _choose_board() -> None:
    chosen = next((board for board, name in BOARDS.items() if name == st.session_state["board"]), None)
    if chosen is None:
        st.query_params.pop("board", None)
    else:
        st.query_params["board"] = chosen


def _boxes(view: View, places: Mapping[str, Sequence[str]], where: str) -> None:
    hidden = "collapsed" if where == "wide" else "visible"
    # On the page of a measure of interfaces the place can be a channel, and its facility that of the unregistered ones.
    facilities = dict.fromkeys((ALL_FACILITIES, *places, view.facility or ALL_FACILITIES))
    units = dict.fromkeys((ALL_UNITS, *places.get(view.facility or "", ()), view.unit or ALL_UNITS))
    _box("Facility", list(facilities), view.facility or ALL_FACILITIES, where, 172, hidden)
    _box("Unit", list(units), view.unit or ALL_UNITS, where, 138, hidden, cut=view.facility or "")
    _box("Period", [_period(w) for w in WEEKS], _period(view.weeks), where, 146, hidden)


def _box(label: str, options: list[str], now: str, where: str, width: int, visibility: str, cut: str = "") -> None:
    key = f"{label.lower()}-{where}"
    st.session_state[key] = now  # the URL is the truth; the box shows it
    st.selectbox(
        label,
        options,
        key=key,
        on_change=_choose,
        args=(key,),
        label_visibility=visibility,  # type: ignore[arg-type]
        width=width if where == "wide" else "stretch",
        disabled=len(options) == 1,
        format_func=lambda option: option.removeprefix(cut).strip() or option,
    )


def _choose(key: str) -> None:
    """Write a box's new value into the URL; what is at its default leaves the URL."""
    what, chosen = key.partition("-")[0], st.session_state[key]
    if what == "period":
        what, chosen = "weeks", chosen.removeprefix("Last ").removesuffix(" weeks")
    if what == "facility":
        st.query_params.pop("unit", None)
    if chosen in (ALL_FACILITIES, ALL_UNITS, str(View.weeks)):
        st.query_params.pop(what, None)
    else:
        st.query_params[what] = chosen


def _period(weeks: int) -> str:
    return f"Last {weeks} weeks"
