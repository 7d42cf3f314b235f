"""The order KPI, counted in `marts.order_fulfilment` (one row per order for a service). No arithmetic of its own.

When an order was fulfilled is read from the ledger of transitions: an order itself has no history of its states.
"""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, Requirement

ORDER_TO_FULFILMENT = Kpi(
    id="order_to_fulfilment",
    title="Median time from order to fulfilment",
    short_title="Order to fulfilment",
    definition="Minutes by which half of the orders for a service placed in the period had come to be completed; orders that "
    "have not by the data cut count as still waiting (Kaplan-Meier). Decisions to admit or discharge are no such orders.",
    source="FHIR ServiceRequest, active to completed; industry practice, no regulator defines it",
    version="1",
    family="results",
    matters_to="operations",
    mart="order_fulfilment",
    case="order_key",
    measure=CompletionTime(duration="minutes_to_fulfilment", finished="is_fulfilled", q=0.5),
    begins="ordered_at",
    unit="minutes",
    improves="down",
    clock="order",
    dimensions=("facility", "unit", "priority", "order_kind"),
    owner="Chief operating officer",
    action="Split by kind: the one that waits has a bottleneck of its own, which its own turnaround shows step by step.",
    uses=("is_revoked", "is_fulfilment_time_known", "is_open"),
    exclusions=(
        Exclusion("revoked", nw.col("is_revoked")),
        Exclusion(
            "nothing says when it was completed",
            ~nw.col("is_fulfilment_time_known"),
            unknown="is_fulfilment_time_known",
        ),
    ),
    requires=(
        Requirement(
            "is_fulfilment_time_known",
            0.98,
            "Of some completed orders neither a record nor an export says when that was; they are left out, and the orders "
            "that remain may not be typical.",
        ),
    ),
    caveats=(
        "Orders of all kinds together: a week with more imaging looks slower.",
        "An order is completed when the record system says so, which may be some time after the work was done.",
    ),
    open_when="is_open",
    paired_with="lab_turnaround",
    resolution="resolution_minutes",
)

ORDERS = (ORDER_TO_FULFILMENT,)
