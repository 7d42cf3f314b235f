"""Laboratory KPIs, counted in `marts.lab_order` (one row per laboratory order). No arithmetic of its own.

The whole way, ordered to verified, and its three legs. A leg counts every order that entered it; one that is still in
it counts as waiting until the data cut (Kaplan-Meier), so unfinished work cannot make the laboratory look fast.
"""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, Requirement

_DIMENSIONS = ("facility", "unit", "priority")
_CAP = "CAP Q-Probes laboratory turnaround: order, collection, receipt, verification"
_REVOKED = Exclusion("revoked", nw.col("is_revoked"))
_VERIFIED_UNKNOWN = Exclusion(
    "the verified time was sent as a day without a time",
    ~nw.col("is_verified_time_known"),
    unknown="is_verified_time_known",
)
_VERIFIED_KNOWN = Requirement(
    "is_verified_time_known",
    1.0,
    "Some results were sent with the day they were verified but not the time; they are left out, "
    "and the orders that remain may not be typical.",
)
_COLLECTED_UNKNOWN = Exclusion(
    "the time of collection is not known", ~nw.col("is_collected_time_known"), unknown="is_collected_time_known"
)
_COLLECTED_KNOWN = Requirement(
    "is_collected_time_known",
    0.98,
    "Some orders got past collection and no time says when; they are left out, and the orders that remain may not be "
    "typical.",
)
_RECEIVED_UNKNOWN = Exclusion(
    "the time of receipt at the laboratory is not known",
    ~nw.col("is_received_time_known"),
    unknown="is_received_time_known",
)
_RECEIVED_KNOWN = Requirement(
    "is_received_time_known",
    0.98,
    "Some orders got past the laboratory's receipt and no time says when; they are left out, and the orders that "
    "remain may not be typical.",
)

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
    begins="ordered_at",
    unit="minutes",
    improves="down",
    target=90.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Laboratory manager",
    action="Split by priority, then open the slowest orders: for collection, for transport, or on the analyser?",
    uses=("is_revoked", "is_verified_time_known", "is_open"),
    exclusions=(_REVOKED, _VERIFIED_UNKNOWN),
    requires=(_VERIFIED_KNOWN,),
    caveats=("Not estimable while fewer than 90 % of a period's orders have finished and the rest are still young.",),
    open_when="is_open",
)
LAB_TURNAROUND_MEDIAN = Kpi(
    id="lab_turnaround_median",
    title="Laboratory turnaround, ordered to verified (median)",
    short_title="Lab turnaround, median",
    definition="Minutes by which half of the laboratory orders of the period were verified; orders not verified by the "
    "data cut count as still waiting (Kaplan-Meier).",
    source=_CAP,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_verified", finished="is_verified", q=0.5),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Laboratory manager",
    action="Read it beside the 90 % completion: a good middle with a long tail is a night or a transport problem.",
    uses=("is_revoked", "is_verified_time_known", "is_open"),
    exclusions=(_REVOKED, _VERIFIED_UNKNOWN),
    requires=(_VERIFIED_KNOWN,),
    caveats=("The middle says nothing of the patient who waits longest.",),
    open_when="is_open",
    paired_with="lab_turnaround",
)
LAB_TURNAROUND_STAT = Kpi(
    id="lab_turnaround_stat",
    title="Laboratory turnaround of stat orders, ordered to verified (90 % completion)",
    short_title="Stat lab turnaround, 90 %",
    definition="Minutes by which 90 % of the stat laboratory orders of the period were verified; orders not verified "
    "by the data cut count as still waiting (Kaplan-Meier).",
    source=_CAP,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_verified", finished="is_verified", q=0.9),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    target=60.0,
    clock="order",
    dimensions=("facility", "unit"),
    owner="Laboratory manager",
    action="Open the slowest stat orders the same day: who collected, how was it carried, was the analyser free?",
    uses=("priority", "is_revoked", "is_verified_time_known", "is_stat_open"),
    exclusions=(
        Exclusion("not ordered as stat", ~(nw.col("priority") == "stat").fill_null(value=False)),
        _REVOKED,
        _VERIFIED_UNKNOWN,
    ),
    requires=(_VERIFIED_KNOWN,),
    caveats=("When everything is ordered as stat, nothing is: watch the number of orders beside it.",),
    open_when="is_stat_open",
    paired_with="lab_turnaround",
)
LAB_ORDER_TO_COLLECTION = Kpi(
    id="lab_order_to_collection",
    title="Median time from laboratory order to collection",
    short_title="Order to collection",
    definition="Minutes by which half of the laboratory orders of the period had a sample collected; orders without one "
    "by the data cut count as still waiting (Kaplan-Meier).",
    source=_CAP,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_collected", finished="is_collected", q=0.5),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    target=15.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Nursing director",
    action="Compare the hours of the morning round with the others; move collectors to where orders wait.",
    uses=("is_revoked", "is_collected_time_known", "is_waiting_for_collection"),
    exclusions=(_REVOKED, _COLLECTED_UNKNOWN),
    requires=(_COLLECTED_KNOWN,),
    caveats=("A timed order is placed early on purpose; its wait is counted all the same.",),
    open_when="is_waiting_for_collection",
)
LAB_COLLECTION_TO_RECEIPT = Kpi(
    id="lab_collection_to_receipt",
    title="Median time from collection to receipt at the laboratory",
    short_title="Collection to receipt",
    definition="Minutes by which half of the collected samples were received at the laboratory, by the day of the order; "
    "samples on the way at the data cut count as still waiting (Kaplan-Meier).",
    source=_CAP,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_collected_to_received", finished="is_received", q=0.5),
    begins="collected_at",
    unit="minutes",
    improves="down",
    target=15.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Laboratory manager",
    action="Compare units: one slow unit is its tube or its porter, all slow is the laboratory's front desk.",
    uses=("is_revoked", "is_collected", "is_collected_time_known", "is_received_time_known", "is_in_transport"),
    exclusions=(
        _REVOKED,
        Exclusion("no sample was collected yet", ~nw.col("is_collected")),
        _COLLECTED_UNKNOWN,
        _RECEIVED_UNKNOWN,
    ),
    requires=(_COLLECTED_KNOWN, _RECEIVED_KNOWN),
    caveats=("Collection is when the collector said it was; a batch signed afterwards makes transport look short.",),
    open_when="is_in_transport",
)
LAB_RECEIPT_TO_VERIFICATION = Kpi(
    id="lab_receipt_to_verification",
    title="Median time from receipt at the laboratory to verification",
    short_title="Receipt to verification",
    definition="Minutes by which half of the samples received were verified, by the day of the order; samples in the "
    "laboratory at the data cut count as still waiting (Kaplan-Meier).",
    source=_CAP,
    version="1",
    family="results",
    matters_to="clinicians",
    mart="lab_order",
    case="order_key",
    measure=CompletionTime(duration="minutes_received_to_verified", finished="is_verified", q=0.5),
    begins="received_at",
    unit="minutes",
    improves="down",
    target=45.0,
    clock="order",
    dimensions=_DIMENSIONS,
    owner="Laboratory manager",
    action="Split by priority and hour: analyser queue, manual verification, or nights with one technologist?",
    uses=("is_revoked", "is_received", "is_received_time_known", "is_verified_time_known", "is_in_laboratory"),
    exclusions=(
        _REVOKED,
        Exclusion("no sample was received yet", ~nw.col("is_received")),
        _RECEIVED_UNKNOWN,
        _VERIFIED_UNKNOWN,
    ),
    requires=(_RECEIVED_KNOWN, _VERIFIED_KNOWN),
    caveats=("Verification is the first final report; a correction afterwards does not count again.",),
    open_when="is_in_laboratory",
)

LABORATORY = (
    LAB_TURNAROUND,
    LAB_TURNAROUND_MEDIAN,
    LAB_TURNAROUND_STAT,
    LAB_ORDER_TO_COLLECTION,
    LAB_COLLECTION_TO_RECEIPT,
    LAB_RECEIPT_TO_VERIFICATION,
)
