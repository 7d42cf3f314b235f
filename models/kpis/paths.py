"""KPIs of whether cases went as the hospital registered: the path, and the time that each step may take. No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import Exclusion, Kpi, Requirement, Share

_MESSAGES = Exclusion(
    "deliveries of messages, which the interfaces' own measures count", nw.col("workflow") == "message-delivery"
)
_UNKNOWN = Exclusion(
    "a step of the case was sent without its time of day or its place",
    ~nw.col("is_path_known"),
    unknown="is_path_known",
)
_KNOWN = Requirement(
    "is_path_known",
    1.0,
    "Some cases have a step that was sent without its time of day, or at a place that no export explains; they are left out, and the "
    "cases that remain may not be typical.",
)
_REGISTERED = "The hospital's own registry of workflows"
_MIXED = "Most cases are laboratory orders: split by workflow before comparing places."

CASES_ON_PATH_RATE = Kpi(
    id="cases_on_path_rate",
    title="Cases that kept to the registered path",
    short_title="Kept to the path",
    definition="Share of cases of the registered workflows that began in the period and took every step that is always expected, once "
    "and in order, and none that is for exceptions or not registered, of those that are finished or have left the path already.",
    source=_REGISTERED,
    version="1",
    family="exceptions",
    matters_to="operations",
    mart="workflow_case",
    case="workflow_case_key",
    measure=Share(nw.col("is_on_path")),
    unit="percent",
    improves="up",
    clock="case",
    dimensions=("facility", "unit", "workflow"),
    owner="Chief operating officer",
    action="Open the workflow on the bottlenecks page: which step is skipped or happens again?",
    uses=("is_on_path", "is_settled", "is_open", "is_path_known"),
    exclusions=(
        _MESSAGES,
        Exclusion("still open, and nothing shows yet that it left the path", ~nw.col("is_settled")),
        _UNKNOWN,
    ),
    requires=(_KNOWN,),
    caveats=(_MIXED, "A step that was done and not recorded looks like one that was skipped."),
    open_when="is_open",
    paired_with="steps_in_window_rate",
)
STEPS_IN_WINDOW_RATE = Kpi(
    id="steps_in_window_rate",
    title="Steps that came within their window",
    short_title="Steps in their window",
    definition="Share of waits that began in the period, for a step to which the registry gives a window, that ended within it, of those "
    "that are over or whose window has passed. Exactly at the window counts as within.",
    source=_REGISTERED,
    version="1",
    family="exceptions",
    matters_to="operations",
    mart="step_wait",
    case="step_wait_key",
    measure=Share(nw.col("is_within")),
    unit="percent",
    improves="up",
    clock="wait",
    dimensions=("facility", "unit", "workflow", "activity"),
    owner="Chief operating officer",
    action="Split by step: the one with the lowest share, and whoever answers for it.",
    uses=("is_within", "is_settled", "is_open", "is_path_known"),
    exclusions=(
        _MESSAGES,
        Exclusion("it has not come, and its window has not passed yet", ~nw.col("is_settled")),
        _UNKNOWN,
    ),
    requires=(_KNOWN,),
    caveats=(_MIXED, "A step without a window in registry.toml is not counted."),
    open_when="is_open",
    paired_with="cases_on_path_rate",
)

PATHS = (CASES_ON_PATH_RATE, STEPS_IN_WINDOW_RATE)
