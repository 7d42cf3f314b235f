"""Imaging KPIs, counted in `marts.imaging_order` (one row per imaging order). No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, Requirement

_DIMENSIONS = ("facility", "unit", "priority", "modality")
_SOURCE = (
    "Order to complete, complete to report: radiology turnaround as the Canadian Wait Time Alliance names its legs"
)
_REVOKED = Exclusion("revoked", nw.col("is_revoked"))
_EXAM_UNKNOWN = Exclusion(
    "the time of the examination is not known", ~nw.col("is_exam_time_known"), unknown="is_exam_time_known"
)
_EXAM_KNOWN = Requirement(
    "is_exam_time_known",
    0.98,
    "Some orders have a report and no time of their examination; they are left out, and the orders that remain may "
    "not be typical.",
)
_FINAL_UNKNOWN = Exclusion(
    "the time of the final report was sent as a day without a time",
    ~nw.col("is_final_time_known"),
    unknown="is_final_time_known",
)
_FINAL_KNOWN = Requirement(
    "is_final_time_known",
    1.0,
    "Some final reports were sent with the day but not the time; they are left out, and the orders that remain may "
    "not be typical.",
)

IMAGING_TURNAROUND = Kpi(
    id="imaging_turnaround",
    title="Imaging turnaround, ordered to final report (90 % completion)",
    short_title="Imaging turnaround, 90 %",
    definition="Minutes by which 90 % of the imaging orders of the period had a final report; orders without one by the "
    "data cut count as still waiting (Kaplan-Meier). A preliminary report does not end the wait.",
    source=_SOURCE,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="imaging_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_final", finished="is_final", q=0.9),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    target=240.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Radiology manager",
    action="Split by modality and hour: a full room, nobody to read, or reports that wait unsigned until the morning?",
    uses=("is_revoked", "is_final_time_known", "is_open"),
    exclusions=(_REVOKED, _FINAL_UNKNOWN),
    requires=(_FINAL_KNOWN,),
    caveats=("Examinations planned for another day count from their order.",),
    open_when="is_open",
)
IMAGING_ORDER_TO_EXAM = Kpi(
    id="imaging_order_to_exam",
    title="Median time from imaging order to the start of the examination",
    short_title="Order to examination",
    definition="Minutes by which half of the imaging orders of the period were being examined; orders not examined by "
    "the data cut count as still waiting (Kaplan-Meier).",
    source=_SOURCE,
    version="1",
    family="results",
    matters_to="patients",
    mart="imaging_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_exam", finished="is_examined", q=0.5),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    target=60.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Radiology manager",
    action="Compare modalities: one that waits is a room, all that wait are porters.",
    uses=("is_revoked", "is_exam_time_known", "is_waiting_for_exam"),
    exclusions=(_REVOKED, _EXAM_UNKNOWN),
    requires=(_EXAM_KNOWN,),
    open_when="is_waiting_for_exam",
    paired_with="imaging_turnaround",
)
IMAGING_EXAM_TO_REPORT = Kpi(
    id="imaging_exam_to_report",
    title="Median time from examination to final report",
    short_title="Examination to report",
    definition="Minutes from the start of the examination by which half had a final report, by the day of the order; "
    "examinations without one by the data cut count as still waiting (Kaplan-Meier).",
    source=_SOURCE,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="imaging_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_exam_to_report", finished="is_final", q=0.5),
    begins="examined_at",
    unit="minutes",
    improves="down",
    target=60.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Radiology manager",
    action="Look at the hours after ten at night first: who reads, and who signs before the morning?",
    uses=("is_revoked", "is_examined", "is_exam_time_known", "is_final_time_known", "is_waiting_for_report"),
    exclusions=(
        _REVOKED,
        Exclusion("not examined yet", ~nw.col("is_examined")),
        _EXAM_UNKNOWN,
        _FINAL_UNKNOWN,
    ),
    requires=(_EXAM_KNOWN, _FINAL_KNOWN),
    open_when="is_waiting_for_report",
    paired_with="imaging_turnaround",
)

IMAGING = (IMAGING_TURNAROUND, IMAGING_ORDER_TO_EXAM, IMAGING_EXAM_TO_REPORT)
