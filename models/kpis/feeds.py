"""KPIs of the feeds themselves: whether they flow as usual, keep their form, and how often people must step in."""

import narwhals.stable.v2 as nw

from models.kpi import Count, Exclusion, Kpi, Rate, Requirement, Share, Total

_HOURS = "Counted from the log's first message to its last: when a whole log stops, that is shown as a late source."

SILENT_FEED_MINUTES = Kpi(
    id="silent_feed_minutes",
    title="Minutes in which a feed was silent",
    short_title="Silent feed minutes",
    definition="Minutes that channels were silent beyond the longest silence in registry.toml; of a channel without "
    "one, each whole hour in which nothing came although five messages or more are usual at that hour of the week.",
    source="Industry practice; an interface that fails without an error says nothing",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="channel_hour",
    case="channel_hour_key",
    measure=Total("silent_minutes"),
    unit="minutes",
    improves="down",
    clock="began",
    dimensions=("facility", "unit", "channel"),
    owner="Integration lead",
    action="Ask the sender before it asks you: a silent feed looks like a quiet day until somebody misses something.",
    caveats=(
        _HOURS,
        "Usual is the median of that hour in the four weeks before and after, at least two of them.",
        "A router and the channel behind it are two feeds: when the sender stops, both are silent.",
    ),
    about_people=False,
    paired_with="interface_throughput_ratio",
)
INTERFACE_THROUGHPUT_RATIO = Kpi(
    id="interface_throughput_ratio",
    title="Messages against what is usual at that hour",
    short_title="Messages against usual",
    definition="Messages received by channels, divided by what is usual: for each hour the median of the same hour of "
    "the week in the four weeks before and after.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="channel_hour",
    case="channel_hour_key",
    measure=Rate("messages", "expected_messages"),
    unit="percent",
    improves="neither",
    clock="began",
    dimensions=("facility", "unit", "channel"),
    owner="Integration lead",
    action="Far below 100 percent, look for a sender that lost some of its news; far above, for one that repeats it.",
    uses=("is_baseline_known",),
    exclusions=(
        Exclusion(
            "fewer than two other weeks to compare with", ~nw.col("is_baseline_known"), unknown="is_baseline_known"
        ),
    ),
    requires=(
        Requirement(
            "is_baseline_known",
            0.9,
            "Some hours have fewer than two other weeks of the log to compare with; they are left out.",
        ),
    ),
    caveats=(
        _HOURS,
        "Holidays are compared with ordinary weeks.",
        "A feed of a few messages an hour stands somewhat above 100 percent: a median of small numbers is low.",
    ),
    about_people=False,
    paired_with="silent_feed_minutes",
)
SCHEMA_DRIFT_RATE = Kpi(
    id="schema_drift_rate",
    title="Messages in an unusual format",
    short_title="Messages out of format",
    definition="Share of messages whose version and segments came on fewer than a quarter of the days on which their "
    "channel carried their type.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message",
    case="message_key",
    measure=Share(nw.col("is_drifted")),
    unit="percent",
    improves="down",
    target=0.001,
    clock="received",
    dimensions=("facility", "unit", "channel", "msg_type", "msg_trigger"),
    owner="Integration lead",
    action="Ask the sender what was installed; check that what the new segment replaces still arrives.",
    uses=("is_drifted", "is_shape_known"),
    exclusions=(
        Exclusion("the log does not tell the message's format", ~nw.col("is_shape_known"), unknown="is_shape_known"),
    ),
    requires=(
        Requirement(
            "is_shape_known",
            0.95,
            "Some messages were logged without their format; they are left out, and may be the ones that changed.",
        ),
    ),
    caveats=(
        "A new format that stays counts as unusual until it has been there for a quarter of all days.",
        "Only versions and the names of segments are compared, never their content.",
    ),
    about_people=False,
)
OPERATOR_INTERVENTIONS = Kpi(
    id="operator_interventions",
    title="Messages handled by hand",
    short_title="Handled by hand",
    definition="Number of times that a person sent a message again, threw it away, released or changed it, and the log shows that "
    "it was done.",
    source="Industry practice",
    version="2",
    family="interfaces",
    matters_to="it",
    mart="intervention",
    case="intervention_key",
    measure=Count(),
    unit="count",
    improves="down",
    clock="occurred",
    dimensions=("facility", "unit", "channel", "destination", "kind", "role"),
    owner="Integration lead",
    action="Work that is done by hand every week is a rule that the engine lacks: write it, and give it an owner.",
    uses=("is_of_message", "is_confirmed"),
    exclusions=(
        Exclusion("a channel stopped or started, no message", ~nw.col("is_of_message")),
        Exclusion("asked for, and no effect seen within five minutes", ~nw.col("is_confirmed")),
    ),
    caveats=(
        "Mirth's message log tells that a message was sent again, not by whom, and not what was thrown away.",
        "Mirth's event log tells what was asked for, not that it was done.",
    ),
    about_people=False,
    paired_with="dead_letters_open",
)

FEEDS = (SILENT_FEED_MINUTES, INTERFACE_THROUGHPUT_RATIO, SCHEMA_DRIFT_RATE, OPERATOR_INTERVENTIONS)
