"""Laboratory and result KPIs, counted in `marts.lab_order` and `marts.critical_result`. No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, Requirement, Share

LAB_TURNAROUND = Kpi(
    id="lab_turnaround",
    title="Laboratory turnaround, ordered to verified (90 % completion)",
    short_title="Lab turnaround, 90 %",
    definition="Minutes by which 90 % of the laboratory orders of the period were verified; orders not verified by the "
    "data cut count as still waiting (Kaplan-Meier), so unfinished work cannot make the laboratory look fast.",
    source="CAP Q-Probes turnaround; 90 % completion time by nearest rank",
    version="1",
    family="results",
    matters_to="clinicians",
    on_overview=True,
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_verified", finished="is_verified", q=0.9),
    unit="minutes",
    improves="down",
    target=90.0,
    clock="order",
    dimensions=("facility", "unit", "priority"),
    owner="Laboratory manager",
    action="Split by priority, then open the slowest orders: for collection, for transport, or on the analyser?",
    uses=("is_revoked", "is_verified_time_known", "is_open"),
    exclusions=(
        Exclusion("revoked", nw.col("is_revoked")),
        Exclusion(
            "the verified time was sent as a day without a time",
            ~nw.col("is_verified_time_known"),
            unknown="is_verified_time_known",
        ),
    ),
    requires=(
        Requirement(
            "is_verified_time_known",
            1.0,
            "Some results were sent with the day they were verified but not the time; they are left out, "
            "and the orders that remain may not be typical.",
        ),
    ),
    caveats=("Not estimable while fewer than 90 % of a period's orders have finished and the rest are still young.",),
    open_when="is_open",
)
CRITICAL_RESULT_ACKNOWLEDGED = Kpi(
    id="critical_result_acknowledged",
    title="Critical results acknowledged within the hospital's window",
    short_title="Critical results in time",
    definition="Share of critical results (flag HH or LL) acknowledged within the hospital's window of being issued, "
    "of those acknowledged or whose window has closed. Exactly at the window counts as within.",
    source="Joint Commission NPSG.02.03.01: the hospital sets the window",
    version="1",
    family="results",
    matters_to="clinicians",
    on_overview=True,
    mart="critical_result",
    case="observation_key",
    measure=Share(nw.col("acknowledged_in_window")),
    unit="percent",
    improves="up",
    target=0.95,
    clock="result",
    dimensions=("facility", "unit", "priority"),
    owner="Chief medical officer",
    action="Open each late one the same day: was the message late, or the person it reached?",
    uses=("acknowledged_in_window", "is_window_closed", "is_result_time_known"),
    exclusions=(
        Exclusion(
            "the result's time was sent as a day without a time",
            ~nw.col("is_result_time_known"),
            unknown="is_result_time_known",
        ),
        Exclusion("not acknowledged, and its window has not closed yet", ~nw.col("is_window_closed")),
    ),
    requires=(
        Requirement(
            "is_result_time_known",
            1.0,
            "Some critical results were sent without the time they were issued, so whether they were acknowledged "
            "in time is unknown; they are left out.",
        ),
    ),
    caveats=(
        "Acknowledgement is what the record system was told; a telephone call it was not told of is not counted.",
    ),
    open_when="is_open",
)

RESULTS = (LAB_TURNAROUND, CRITICAL_RESULT_ACKNOWLEDGED)
