"""KPIs of dead letters: deliveries that the engine gave up, so that only a person can bring them to their destination."""

import narwhals.stable.v2 as nw

from models.kpi import Exclusion, Kpi, OpenAt, Share

_BY = ("facility", "unit", "channel", "destination", "msg_type", "error_class")
_AGAIN = (
    "A sender that sends the same news as a new message is not seen as having resolved the old one.",
    "Mirth's log tells what was sent again, not what was thrown away: there, only what arrives is resolved.",
)

DEAD_LETTERS_OPEN = Kpi(
    id="dead_letters_open",
    title="Dead letters that nobody has resolved",
    short_title="Open dead letters",
    definition="Deliveries that the engine gave up, and that were neither delivered after all nor discarded on purpose, "
    "at the end of the period (at the data cut for the last). The numerator is their total age in minutes: divided by "
    "the value it is their mean age.",
    source="WIP(t) = given up by t - resolved by t",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=OpenAt(opened="given_up", closed="resolved"),
    unit="count",
    improves="down",
    clock="given_up",
    dimensions=_BY,
    owner="Integration lead",
    action="Send the oldest again or discard it, and tell who was waiting for it.",
    caveats=_AGAIN,
    about_people=False,
    paired_with="dead_letters_resolved",
)
DEAD_LETTERS_RESOLVED = Kpi(
    id="dead_letters_resolved",
    title="Dead letters resolved within a day",
    short_title="Dead letters resolved",
    definition="Share of the deliveries that the engine gave up that were delivered after all or discarded on purpose "
    "within 24 hours, of those that were resolved or are older than that.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=Share(nw.col("is_resolved_in_a_day")),
    unit="percent",
    improves="up",
    target=0.9,
    clock="given_up",
    dimensions=_BY,
    owner="Integration lead",
    action="Agree who looks at dead letters in every shift; what nobody owns, nobody resolves.",
    uses=("is_resolved_in_a_day", "is_resolution_due", "is_unresolved"),
    exclusions=(Exclusion("given up less than a day before the data cut", ~nw.col("is_resolution_due")),),
    caveats=_AGAIN,
    open_when="is_unresolved",
    about_people=False,
    paired_with="dead_letters_open",
)

DEAD_LETTERS = (DEAD_LETTERS_OPEN, DEAD_LETTERS_RESOLVED)
