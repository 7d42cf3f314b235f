"""KPIs of messages that a person sent again: whether they arrived then, and how long after the failure."""

import narwhals.stable.v2 as nw

from models.kpi import Exclusion, Kpi, Quantile, Requirement, Share

_BY = ("facility", "unit", "channel", "destination", "role")
_OTHERS = Exclusion("other work by hand than sending again", ~nw.col("is_replay"))
_ONE_BY_ONE = "A message that was sent again twice counts twice: the first time, it may not have arrived."

REPLAY_SUCCESS_RATE = Kpi(
    id="replay_success_rate",
    title="Messages sent again that arrived",
    short_title="Replays that arrived",
    definition="Share of the times that a person sent a message again after which each of its deliveries arrived, of those that ended.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="intervention",
    case="intervention_key",
    measure=Share(nw.col("is_recovered")),
    unit="percent",
    improves="up",
    target=0.9,
    clock="occurred",
    dimensions=_BY,
    owner="Integration lead",
    action="What fails again has a cause that sending does not cure: look at its error before the next try.",
    uses=("is_recovered", "is_replay", "is_replay_settled", "is_replay_open"),
    exclusions=(_OTHERS, Exclusion("still queued or in flight", ~nw.col("is_replay_settled"))),
    caveats=(_ONE_BY_ONE,),
    open_when="is_replay_open",
    about_people=False,
    paired_with="operator_interventions",
)
REPLAY_RECOVERY_TIME = Kpi(
    id="replay_recovery_time",
    title="Time from failure to delivery, of messages sent again",
    short_title="Failure to recovery",
    definition="Median minutes from the first failure of a message to its delivery, of messages that a person sent again and that "
    "arrived then; both times from one clock.",
    source="Industry practice; time to restore of a single message",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="intervention",
    case="intervention_key",
    measure=Quantile(column="minutes_to_recover", q=0.5),
    unit="minutes",
    improves="down",
    target=120.0,
    clock="occurred",
    dimensions=_BY,
    owner="Integration lead",
    action="Most of it is waiting until somebody looks: agree who looks at dead letters in every shift.",
    uses=("is_recovered", "is_replay", "is_recovery_known"),
    exclusions=(
        _OTHERS,
        Exclusion("did not arrive, or not yet", ~nw.col("is_recovered")),
        Exclusion("no failure before it by the same clock", ~nw.col("is_recovery_known"), unknown="is_recovery_known"),
    ),
    requires=(
        Requirement(
            "is_recovery_known",
            0.9,
            "Some messages that were sent again have no logged failure before, or one by another clock; they are left out.",
        ),
    ),
    caveats=(_ONE_BY_ONE, "What nobody sent again is not in it; open dead letters show that."),
    about_people=False,
    paired_with="replay_success_rate",
)

REPLAYS = (REPLAY_SUCCESS_RATE, REPLAY_RECOVERY_TIME)
