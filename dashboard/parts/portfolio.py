"""The portfolio on the page: each interface and workflow with its verdict, the measured reasons and who answers for it."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import portfolio
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.markup import Lines
from dashboard.parts.rows import ListedRow, draw_rows
from dashboard.portfolio import VERDICTS, Entry
from models import wording
from models.portfolio import FAILING, IN_TIME, LOST_A_WEEK, LOST_SHARE, QUIET_DAYS


def draw_portfolio(here: Here, entries: Sequence[Entry]) -> None:
    """Every interface and workflow, those to act on first; each opens its page."""
    markup.sentence(portfolio.counted(entries))
    draw_rows(
        "portfolio",
        ("Interface or workflow", "Verdict", "Because", "Answers for it"),
        [
            ListedRow(
                _to_entry(here, each),
                (VERDICTS[each.judged.verdict], Lines(each.reasons[0], each.reasons[1:]), each.owner or "nobody"),
            )
            for each in entries
        ],
        (0.6, 2.2, 2),
    )
    st.caption(
        f"Retire: no message for {QUIET_DAYS:g} days. Fix: silent, over {wording.share(FAILING)} failed for good, slower than in "
        f"its own weeks before, more than one trouble in four weeks, over {LOST_A_WEEK:g} patient-hour lost a week; of a workflow, "
        f"{wording.share(LOST_SHARE)} of all hours lost, or a step in time less often than {wording.share(IN_TIME)} of the "
        "times. The rules are the same for all; what to do is for people to decide."
    )


def _to_entry(here: Here, each: Entry) -> Callable[[], None]:
    view = here.view.scope
    if each.is_channel:
        return lambda: here.link("interfaces", each.name, view.to_channel(each.key), icon="", help="")
    return lambda: here.link("bottlenecks", each.name, view.to(workflow=each.key), icon="", help="")
