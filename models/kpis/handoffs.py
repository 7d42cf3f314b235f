"""Handoff KPIs, counted in `marts.handoff` (one row per handoff offered). No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, OpenAt, Requirement, Share

_DIMENSIONS = ("facility", "unit", "from_unit")
_SOURCE = "Joint Commission PC.02.02.01 (hand-off communication); I-PASS"

HANDOFF_ACCEPTANCE_TIME = Kpi(
    id="handoff_acceptance_time",
    title="Median time from handoff offered to accepted",
    short_title="Handoff acceptance time",
    definition="Minutes by which half of the handoffs offered in the period were accepted; one that was not accepted "
    "counts as waiting until it was closed or the data were cut (Kaplan-Meier).",
    source=_SOURCE,
    version="1",
    family="handoffs",
    matters_to="clinicians",
    on_overview=True,
    mart="handoff",
    case="handoff_key",
    measure=CompletionTime(duration="minutes_to_acceptance", finished="is_accepted", q=0.5),
    begins="offered_at",
    unit="minutes",
    improves="down",
    target=20.0,
    clock="offer",
    dimensions=_DIMENSIONS,
    owner="Nursing director",
    action="Find the receiving wards and hours with the longest waits; agree who accepts there at that time.",
    uses=("is_open",),
    caveats=("A handoff offered again after it was missed is a second handoff.",),
    open_when="is_open",
    resolution="resolution_minutes",
)
HANDOFF_MISSED_RATE = Kpi(
    id="handoff_missed_rate",
    title="Handoffs not accepted in time",
    short_title="Missed handoffs",
    definition="Share of handoffs not accepted by their accept-by time, of those that were accepted or closed or whose "
    "accept-by time has passed. Accepted late is missed.",
    source=_SOURCE,
    version="1",
    family="handoffs",
    matters_to="clinicians",
    on_overview=True,
    mart="handoff",
    case="handoff_key",
    measure=Share(nw.col("is_missed"), within="minutes_to_acceptance"),
    begins="offered_at",
    unit="percent",
    improves="down",
    target=0.1,
    clock="offer",
    dimensions=_DIMENSIONS,
    owner="Nursing director",
    action="Open the missed ones of the worst ward; ask who was told, when, and what stopped them.",
    uses=("is_missed", "is_settled", "is_in_time_known", "is_open"),
    exclusions=(
        Exclusion("still open, and its accept-by time has not passed", ~nw.col("is_settled")),
        Exclusion(
            "only exports prove when it was accepted, and its accept-by time lies in between",
            ~nw.col("is_in_time_known"),
            unknown="is_in_time_known",
        ),
    ),
    requires=(
        Requirement(
            "is_in_time_known",
            0.98,
            "Of some handoffs only successive exports prove when they were accepted, so whether that was in time is "
            "unknown; they are left out, and the handoffs that remain may not be typical.",
        ),
    ),
    open_when="is_open",
    resolution="resolution_minutes",
)
HANDOFFS_OPEN = Kpi(
    id="handoffs_open",
    title="Handoffs waiting for an answer",
    short_title="Open handoffs",
    definition="Handoffs offered and neither accepted nor closed at the end of the period (at the data cut for the "
    "last). The numerator is their total age in minutes: divided by the value it is their mean age.",
    source="WIP(t) = opened by t - closed by t",
    version="1",
    family="handoffs",
    matters_to="operations",
    on_overview=True,
    mart="handoff",
    case="handoff_key",
    measure=OpenAt(opened="offer", closed="closing"),
    unit="count",
    improves="down",
    clock="offer",
    dimensions=_DIMENSIONS,
    owner="House supervisor",
    action="Call the ward with the oldest one.",
    about_people=False,  # tasks waiting at an instant, usually a handful: hidden when small, it would never be seen
    resolution="resolution_minutes",
)

HANDOFFS = (HANDOFF_ACCEPTANCE_TIME, HANDOFF_MISSED_RATE, HANDOFFS_OPEN)
