"""Critical-result KPIs, counted in `marts.critical_result` (one row per critical result), and the results family as a
whole: laboratory first, imaging and all orders together last. No arithmetic of its own.
"""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, Requirement, Share
from models.kpis.imaging import IMAGING
from models.kpis.laboratory import LABORATORY
from models.kpis.orders import ORDERS

_DIMENSIONS = ("facility", "unit", "priority")
_SOURCE = "Joint Commission NPSG.02.03.01: the hospital sets the window"
_TIME_UNKNOWN = Exclusion(
    "the result's time was sent as a day without a time",
    ~nw.col("is_result_time_known"),
    unknown="is_result_time_known",
)
_TIME_KNOWN = Requirement(
    "is_result_time_known",
    1.0,
    "Some critical results were sent without the time they were issued, so whether they were acknowledged "
    "in time is unknown; they are left out.",
)
_IN_TIME_UNKNOWN = Exclusion(
    "only exports prove when it was acknowledged, and the end of its window lies in between",
    ~nw.col("is_in_time_known"),
    unknown="is_in_time_known",
)
_IN_TIME_KNOWN = Requirement(
    "is_in_time_known",
    0.98,
    "Of some critical results only successive exports prove when they were acknowledged, so whether that was in time is "
    "unknown; they are left out, and the results that remain may not be typical.",
)

CRITICAL_RESULT_ACKNOWLEDGED = Kpi(
    id="critical_result_acknowledged",
    title="Critical results acknowledged within the hospital's window",
    short_title="Critical results in time",
    definition="Share of critical results (flag HH or LL) acknowledged within the hospital's window of being issued, "
    "of those acknowledged or whose window has closed. Exactly at the window counts as within.",
    source=_SOURCE,
    version="1",
    family="results",
    matters_to="clinicians",
    on_overview=True,
    mart="critical_result",
    case="observation_key",
    measure=Share(nw.col("acknowledged_in_window"), within="minutes_to_acknowledgement"),
    begins="issued_at",
    unit="percent",
    improves="up",
    target=0.95,
    clock="result",
    dimensions=_DIMENSIONS,
    owner="Chief medical officer",
    action="Open each late one the same day: was the message late, or the person it reached?",
    uses=("acknowledged_in_window", "is_window_closed", "is_result_time_known", "is_in_time_known"),
    exclusions=(
        _TIME_UNKNOWN,
        Exclusion("not acknowledged, and its window has not closed yet", ~nw.col("is_window_closed")),
        _IN_TIME_UNKNOWN,
    ),
    requires=(_TIME_KNOWN, _IN_TIME_KNOWN),
    caveats=(
        "Acknowledgement is what the record system was told; a telephone call it was not told of is not counted.",
    ),
    open_when="is_open",
    resolution="resolution_minutes",
)
CRITICAL_ACKNOWLEDGEMENT_TIME = Kpi(
    id="critical_acknowledgement_time",
    title="Median time from critical result to acknowledgement",
    short_title="Result to acknowledgement",
    definition="Minutes by which half of the critical results of the period were acknowledged, from being issued; one "
    "that nobody acknowledged counts as waiting until the data cut (Kaplan-Meier).",
    source=_SOURCE,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="critical_result",
    case="observation_key",
    measure=CompletionTime(duration="minutes_to_acknowledgement", finished="is_acknowledged", q=0.5),
    begins="issued_at",
    unit="minutes",
    improves="down",
    target=30.0,
    clock="result",
    dimensions=_DIMENSIONS,
    owner="Chief medical officer",
    action="Split by unit: does the message come late, or does nobody on duty have to answer it?",
    uses=("is_result_time_known", "is_open"),
    exclusions=(_TIME_UNKNOWN,),
    requires=(_TIME_KNOWN,),
    caveats=("The clock starts when the laboratory issued the result, not when someone could first see it.",),
    open_when="is_open",
    paired_with="critical_result_acknowledged",
    resolution="resolution_minutes",
)
ESCALATION_LATENCY = Kpi(
    id="escalation_latency",
    title="Median time from a missed window to the escalation",
    short_title="Escalation latency",
    definition="Of critical results that were not acknowledged within the hospital's window: minutes from the end of "
    "the window by which half were escalated. An escalation before the window ended counts as 0; a result that was "
    "never escalated counts as waiting until it was acknowledged or the data were cut (Kaplan-Meier).",
    source="Escalation sent minus (trigger plus allowed wait); industry practice",
    version="1",
    family="results",
    matters_to="operations",
    mart="critical_result",
    case="observation_key",
    measure=CompletionTime(duration="minutes_to_escalation", finished="is_escalated", q=0.5),
    begins="window_closes_at",
    unit="minutes",
    improves="down",
    target=5.0,
    clock="result",
    dimensions=_DIMENSIONS,
    owner="Chief medical officer",
    action="Open the ones that were never escalated: was the rule switched off, or did it go to someone not on duty?",
    uses=("is_escalation_due", "is_result_time_known", "is_in_time_known", "is_escalation_open"),
    exclusions=(
        _TIME_UNKNOWN,
        Exclusion("acknowledged within the window, or its window has not closed yet", ~nw.col("is_escalation_due")),
        _IN_TIME_UNKNOWN,
    ),
    requires=(_TIME_KNOWN, _IN_TIME_KNOWN),
    caveats=("Few results miss their window, so a single week says little.",),
    open_when="is_escalation_open",
    paired_with="critical_result_acknowledged",
    resolution="resolution_minutes",
)

RESULTS = (
    *LABORATORY,
    CRITICAL_RESULT_ACKNOWLEDGED,
    CRITICAL_ACKNOWLEDGEMENT_TIME,
    ESCALATION_LATENCY,
    *IMAGING,
    *ORDERS,
)
