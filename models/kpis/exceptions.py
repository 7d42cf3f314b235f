"""KPIs of what did not happen: each kind of exception as a share of what should have, or as a number. No arithmetic of its own.

Kinds that others count already: missed handoffs (`handoff_missed_rate`), silent feeds (`silent_feed_minutes`), messages that were
given up (`dead_letters_open`).
"""

import narwhals.stable.v2 as nw

from models.kpi import Count, Exclusion, Kpi, Requirement, Share

_PRACTICE = "Industry practice; no regulator defines it"
_NOT_DUE = Exclusion("its time has not passed yet", ~nw.col("is_settled"))

TRIGGER_WITHOUT_TASK_RATE = Kpi(
    id="trigger_without_task_rate",
    title="Triggers without their task in time",
    short_title="Triggers without a task",
    definition="Share of decisions to admit without a bed request, critical results without a task to acknowledge them and beds "
    "that were left without a cleaning request, within the window that the registry gives the step, of those whose task was made "
    "or whose window has passed. Made late is missing.",
    source=_PRACTICE,
    version="1",
    family="exceptions",
    matters_to="operations",
    mart="task_trigger",
    case="trigger_key",
    measure=Share(nw.col("is_missing")),
    unit="percent",
    improves="down",
    clock="trigger",
    dimensions=("facility", "unit", "trigger"),
    owner="Chief operating officer",
    action="Split by trigger: who or what should have made the task, and did its message come?",
    uses=("is_missing", "is_settled", "is_open"),
    exclusions=(_NOT_DUE,),
    caveats=(
        "Where a facility never makes such tasks, their triggers are not counted.",
        "Work that was done without a task is a trigger without a task.",
    ),
    open_when="is_open",
    paired_with="tasks_created",
)
CRITICAL_UNANSWERED_RATE = Kpi(
    id="critical_unanswered_rate",
    title="Critical results neither acknowledged nor escalated",
    short_title="Critical unanswered",
    definition="Share of critical results that were neither acknowledged nor escalated within the hospital's window of being "
    "issued, of those acknowledged or whose window has closed.",
    source="Joint Commission NPSG.02.03.01: the hospital sets the window",
    version="1",
    family="exceptions",
    matters_to="patients",
    mart="critical_result",
    case="observation_key",
    measure=Share(nw.col("is_unanswered")),
    unit="percent",
    improves="down",
    target=0.0,
    clock="result",
    dimensions=("facility", "unit", "priority"),
    owner="Chief medical officer",
    action="Telephone about each open one now; then ask why no rule escalated it.",
    uses=("is_unanswered", "is_window_closed", "is_result_time_known", "is_in_time_known", "is_open"),
    exclusions=(
        Exclusion(
            "the result's time was sent as a day without a time",
            ~nw.col("is_result_time_known"),
            unknown="is_result_time_known",
        ),
        Exclusion("not acknowledged, and its window has not closed yet", ~nw.col("is_window_closed")),
        Exclusion(
            "only exports prove when it was acknowledged, and the end of its window lies in between",
            ~nw.col("is_in_time_known"),
            unknown="is_in_time_known",
        ),
    ),
    requires=(
        Requirement(
            "is_result_time_known",
            1.0,
            "Some critical results were sent without the time they were issued, so whether anybody answered in time is unknown; "
            "they are left out.",
        ),
        Requirement(
            "is_in_time_known",
            0.98,
            "Of some critical results only successive exports prove when they were acknowledged, so whether that was in time is "
            "unknown; they are left out, and the results that remain may not be typical.",
        ),
    ),
    open_when="is_open",
    paired_with="critical_result_acknowledged",
    resolution="resolution_minutes",
)
MESSAGE_NEVER_SEEN_RATE = Kpi(
    id="message_never_seen_rate",
    title="Orders and results without a message",
    short_title="Messages never seen",
    definition="Share of laboratory orders and of results verified at a known time of which no message came to the facility's "
    "engine within the time after which a message counts as stuck, in the time that the engine's log covers.",
    source=_PRACTICE,
    version="1",
    family="exceptions",
    matters_to="it",
    mart="expected_message",
    case="expectation_key",
    measure=Share(nw.col("is_missing")),
    unit="percent",
    improves="down",
    target=0.0,
    clock="due",
    dimensions=("facility", "unit", "what"),
    owner="Integration lead",
    action="Open one order: was the message never sent, or sent around the engine?",
    uses=("is_missing", "is_settled", "is_open"),
    exclusions=(_NOT_DUE,),
    caveats=(
        "An order that is meant to go around the engine looks like one whose message is missing.",
        "Orders that were revoked are not counted.",
    ),
    open_when="is_open",
    paired_with="interface_final_failure_rate",
)
HANDOVER_LOST_RATE = Kpi(
    id="handover_lost_rate",
    title="Messages lost between channels",
    short_title="Lost between channels",
    definition="Share of messages that one channel delivered to another channel, of the same engine or of another one, and that the "
    "other did not receive within the time after which a message counts as stuck.",
    source=_PRACTICE,
    version="2",
    family="exceptions",
    matters_to="it",
    mart="handover",
    case="handover_key",
    measure=Share(nw.col("is_lost")),
    unit="percent",
    improves="down",
    target=0.0,
    clock="handed",
    dimensions=("facility", "unit", "next_channel"),
    owner="Integration lead",
    action="Send the lost ones again from the channel that delivered them; then look at what stood between the two.",
    uses=("is_lost", "is_settled", "is_open"),
    exclusions=(_NOT_DUE,),
    caveats=(
        "Between two engines only messages count that carry an id by which their logs join, and only hours that both logs cover.",
    ),
    open_when="is_open",
    about_people=False,
    paired_with="interface_final_failure_rate",
)
STATUS_DISAGREEMENT_RATE = Kpi(
    id="status_disagreement_rate",
    title="Records of one thing that disagree",
    short_title="Statuses that disagree",
    definition="Share of pairs of records of one thing of which one says that it is done and the other does not, for longer than the "
    "hospital allows, of those done on either side: an order and its report, an order and the task to fulfil it, a visit and its "
    "discharge message, a move to another ward and its transfer message.",
    source=_PRACTICE,
    version="2",
    family="exceptions",
    matters_to="clinicians",
    mart="status_pair",
    case="pair_key",
    measure=Share(nw.col("is_disagreeing")),
    unit="percent",
    improves="down",
    clock="done",
    dimensions=("facility", "unit", "pair"),
    owner="Clinical informatics",
    action="Ask the system of record which of the two is right; then why the other was not told.",
    uses=("is_disagreeing", "is_settled", "is_time_known", "is_open"),
    exclusions=(
        Exclusion("one side is done, and the time for the other has not passed yet", ~nw.col("is_settled")),
        Exclusion(
            "the time of one side is not known to the instant", ~nw.col("is_time_known"), unknown="is_time_known"
        ),
    ),
    requires=(
        Requirement(
            "is_time_known",
            1.0,
            "Of some pairs no record says to the instant when one side was done; they are left out, and those that remain "
            "may not be typical.",
        ),
    ),
    caveats=(
        "A facility that never shows one of the two kinds of record lacks none of them.",
        "A message is missing only in the time that the engine's log covers.",
    ),
    open_when="is_open",
    paired_with="order_to_fulfilment",
)
TASK_BOUNCE_RATE = Kpi(
    id="task_bounce_rate",
    title="Tasks that bounced",
    short_title="Tasks that bounced",
    definition="Share of the tasks of the work queues created in the period that were passed on for a second time after they were "
    "first assigned, or came back (rejected or opened again) for a second time.",
    source=_PRACTICE,
    version="1",
    family="exceptions",
    matters_to="clinicians",
    mart="work_task",
    case="task_key",
    measure=Share(nw.col("is_bounced")),
    unit="percent",
    improves="down",
    clock="creation",
    dimensions=("facility", "unit", "queue"),
    owner="Operations manager",
    action="Read the course of one: who thought whose it was? Then name one owner for that kind.",
    uses=("is_bounced", "is_history_known", "is_open"),
    exclusions=(Exclusion("no change of it was recorded", ~nw.col("is_history_known"), unknown="is_history_known"),),
    requires=(
        Requirement(
            "is_history_known",
            0.98,
            "Of some tasks the hospital sent no record of who changed them; they are left out, and the tasks that remain may not be "
            "typical.",
        ),
    ),
    open_when="is_open",
    about_people=False,
    paired_with="task_rework_rate",
)
PROCESS_INCIDENTS = Kpi(
    id="process_incidents",
    title="Processes that an engine could not go on with",
    short_title="Process incidents",
    definition="Incidents of process engines (a job or an external task that failed for good, or another reason why a process waits for a "
    "person) that were raised in the period, resolved or not.",
    source="Camunda 7 and Operaton: history of incidents",
    version="1",
    family="exceptions",
    matters_to="it",
    mart="process_incident",
    case="incident_key",
    measure=Count(),
    unit="count",
    improves="down",
    clock="raised",
    dimensions=("facility", "unit", "incident_type", "activity"),
    owner="Integration lead",
    action="Repair what the step calls, and retry the job; split by step to see what fails again and again.",
    uses=("is_open",),
    caveats=("Retries before an incident was raised are no history, and why a job failed is never read.",),
    open_when="is_open",
    about_people=False,
)
WAITS_WITHOUT_OWNER = Kpi(
    id="waits_without_owner",
    title="Waits for a step that nobody owns",
    short_title="Waits nobody owns",
    definition="Waits of cases that began in the period, for a step that the hospital's registry lists without an owner; waits that "
    "are over and waits that go on.",
    source="The hospital's own registry of workflows",
    version="1",
    family="exceptions",
    matters_to="operations",
    mart="unowned_wait",
    case="wait_key",
    measure=Count(),
    unit="count",
    improves="down",
    clock="wait",
    dimensions=("facility", "unit", "workflow", "activity"),
    owner="Chief operating officer",
    action="Name an owner for the step in registry.toml.",
    uses=("is_open",),
    caveats=("Of an open case the wait is for the step that the registry expects next.",),
    open_when="is_open",
    about_people=False,
)

EXCEPTIONS = (
    CRITICAL_UNANSWERED_RATE,
    TRIGGER_WITHOUT_TASK_RATE,
    MESSAGE_NEVER_SEEN_RATE,
    HANDOVER_LOST_RATE,
    STATUS_DISAGREEMENT_RATE,
    TASK_BOUNCE_RATE,
    PROCESS_INCIDENTS,
    WAITS_WITHOUT_OWNER,
)
