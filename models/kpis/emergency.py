"""Emergency department KPIs, counted in `marts.ed_attendance` (one row per ED attendance). No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import Count, Exclusion, Kpi, Quantile, Requirement, Share

FOUR_HOURS = 240.0
"""Minutes."""

_DIMENSIONS = ("facility", "unit", "acuity", "arrival_mode")
_DEPARTURE_UNKNOWN = Exclusion(
    "departure unknown: a stay at a location whose type the hospital did not send",
    ~nw.col("is_departure_known"),
    unknown="is_departure_known",
)
_DEPARTURE_KNOWN = Requirement(
    "is_departure_known",
    1.0,
    "Some visits passed through locations whose type was never sent, so when they left is unknown; "
    "they are left out, and the visits that remain may not be typical.",
)

ED_ARRIVALS = Kpi(
    id="ed_arrivals",
    title="Emergency department arrivals",
    short_title="ED arrivals",
    definition="Number of emergency visits, by the start of the first stay at an emergency department location "
    "(the encounter's start where no such stay was sent).",
    source="CMS1244 (ECAT), edArrivalTime; NHS England A&E attendances",
    version="1",
    family="emergency",
    matters_to="operations",
    on_overview=True,
    mart="ed_attendance",
    case="encounter_key",
    measure=Count(),
    unit="count",
    improves="neither",
    clock="arrival",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Compare with staffing for the same hours; open the surge plan when two weeks run above the limit.",
    caveats=("A person who comes twice is two visits.",),
)
ED_LENGTH_OF_STAY = Kpi(
    id="ed_length_of_stay",
    title="Median time in the emergency department",
    short_title="ED length of stay",
    definition="Median minutes from arrival to departure of the visits that ended in the period; departure is the last "
    "end of a stay at an emergency department location.",
    source="CMS1244 (ECAT), edArrivalTime and edDepartureTime; CMS32 (OP-18)",
    version="1",
    family="emergency",
    matters_to="patients",
    on_overview=True,
    mart="ed_attendance",
    case="encounter_key",
    measure=Quantile(column="minutes_in_department", q=0.5),
    unit="minutes",
    improves="down",
    target=240.0,
    clock="departure",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Open the slowest unit's cases, longest first; look for waits on beds, results and handoffs.",
    uses=("is_departure_known", "is_open"),
    exclusions=(_DEPARTURE_UNKNOWN,),
    requires=(_DEPARTURE_KNOWN,),
    caveats=("Visits count on the day they end, so a crowded night shows on the next day.",),
    open_when="is_open",
)
ED_LEFT_BEFORE_SEEN = Kpi(
    id="ed_left_before_seen",
    title="Left the emergency department before being seen",
    short_title="Left before being seen",
    definition="Share of ended emergency visits whose disposition is left without being seen (SNOMED 21541000119102).",
    source="OP-22 (LWBS); CMS1244 criterion 2",
    version="1",
    family="emergency",
    matters_to="patients",
    on_overview=True,
    mart="ed_attendance",
    case="encounter_key",
    measure=Share(nw.col("left_before_seen")),
    unit="percent",
    improves="down",
    target=0.05,
    clock="departure",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Look at the hours people left and the wait to first contact in them; move triage staff to those hours.",
    uses=("left_before_seen", "is_open"),
    caveats=(
        "Leaving against advice after being seen is not counted.",
        "A visit whose departure is unknown counts on the day its encounter was closed.",
    ),
    open_when="is_open",
)
ED_BOARDING = Kpi(
    id="ed_boarding_ed2",
    title="Boarding: admit decision to leaving the department (ED-2)",
    short_title="Boarding after decision",
    definition="Median minutes from the first admit decision (where no order was sent, from the begin of the inpatient visit) to "
    "departure from the emergency department, of admitted visits that ended in the period.",
    source="CMS111v11 (ED-2)",
    version="11",
    family="emergency",
    matters_to="patients",
    on_overview=True,
    mart="ed_attendance",
    case="encounter_key",
    measure=Quantile(column="boarding_minutes", q=0.5),
    unit="minutes",
    improves="down",
    target=240.0,
    clock="departure",
    dimensions=_DIMENSIONS,
    owner="Patient flow coordinator",
    action="Open the longest waits and see which step is missing: bed request, clean bed, accepted handoff.",
    uses=("is_admitted", "is_departure_known", "boarding_began_at", "departed_at", "is_boarding"),
    exclusions=(
        Exclusion("not admitted", ~nw.col("is_admitted")),
        _DEPARTURE_UNKNOWN,
        Exclusion("no admit decision was recorded", nw.col("boarding_began_at").is_null()),
        Exclusion("the decision is later than the departure", nw.col("boarding_began_at") > nw.col("departed_at")),
    ),
    requires=(_DEPARTURE_KNOWN,),
    caveats=("The clock starts at the decision, not at the bed request or the bed assignment.",),
    open_when="is_boarding",
)
ED_DOOR_TO_ROOM = Kpi(
    id="ed_door_to_room",
    title="Median time from arrival to a treatment room",
    short_title="Door to room",
    definition="Median minutes from arrival to the first stay in a treatment room, of visits that arrived in the period.",
    source="CMS1244 (ECAT), edArrivalTime and treatment room location",
    version="1",
    family="emergency",
    matters_to="patients",
    mart="ed_attendance",
    case="encounter_key",
    measure=Quantile(column="minutes_to_room", q=0.5),
    unit="minutes",
    improves="down",
    target=30.0,
    clock="arrival",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Look at the hours with the longest waits: were rooms full, or empty and not staffed?",
    uses=("is_room_known", "minutes_to_room", "is_waiting_for_room"),
    exclusions=(
        Exclusion(
            "room unknown: a stay at a location whose type the hospital did not send",
            ~nw.col("is_room_known"),
            unknown="is_room_known",
        ),
        Exclusion("had no treatment room, or not yet", nw.col("minutes_to_room").is_null()),
    ),
    requires=(
        Requirement(
            "is_room_known",
            1.0,
            "Some visits passed through locations whose type was never sent, so whether and when they had a treatment "
            "room is unknown; they are left out, and the visits that remain may not be typical.",
        ),
    ),
    caveats=(
        "Who left before a room was free is not in it: read it with those who left before being seen.",
        "Who still waits at the data cut counts once a room is free.",
    ),
    open_when="is_waiting_for_room",
    paired_with="ed_left_before_seen",
)
ED_DOOR_TO_PROVIDER = Kpi(
    id="ed_door_to_provider",
    title="Median time from arrival to the first clinician",
    short_title="Door to provider",
    definition="Median minutes from arrival to the encounter's first status in-progress, when a clinician takes the "
    "patient on, of visits that arrived in the period.",
    source="OP-20 (door to diagnostic evaluation); FHIR Encounter.statusHistory",
    version="1",
    family="emergency",
    matters_to="patients",
    mart="ed_attendance",
    case="encounter_key",
    measure=Quantile(column="minutes_to_provider", q=0.5),
    unit="minutes",
    improves="down",
    target=30.0,
    clock="arrival",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Compare the hours with long waits with the doctors' roster of those hours.",
    uses=("minutes_to_provider", "is_waiting_for_provider"),
    exclusions=(Exclusion("not seen by a clinician, or not yet", nw.col("minutes_to_provider").is_null()),),
    caveats=(
        "Who left before being seen is not in it: read it with those who left before being seen.",
        "Who still waits at the data cut counts once seen.",
    ),
    open_when="is_waiting_for_provider",
    paired_with="ed_left_before_seen",
    resolution="contact_resolution_minutes",
)
ED_FOUR_HOUR = Kpi(
    id="ed_four_hour_performance",
    title="Left the emergency department within four hours",
    short_title="Within four hours",
    definition="Share of visits that ended in the period and left the department within 240 minutes of arrival; "
    "exactly 240 minutes is within.",
    source="NHS England, A&E attendances and emergency admissions: guidance",
    version="1",
    family="emergency",
    matters_to="patients",
    mart="ed_attendance",
    case="encounter_key",
    measure=Share(nw.col("minutes_in_department") <= FOUR_HOURS),
    unit="percent",
    improves="up",
    target=0.95,
    clock="departure",
    dimensions=_DIMENSIONS,
    owner="Emergency department manager",
    action="Open the visits just above four hours: what were they waiting for at three?",
    uses=("minutes_in_department", "is_departure_known", "is_open"),
    exclusions=(_DEPARTURE_UNKNOWN,),
    requires=(_DEPARTURE_KNOWN,),
    caveats=(
        "Admitted, transferred, sent home and left without being seen all count.",
        "A target at a fixed minute invites departures just before it: look at the whole length of stay beside it.",
    ),
    open_when="is_open",
    paired_with="ed_length_of_stay",
)

EMERGENCY = (
    ED_ARRIVALS,
    ED_DOOR_TO_ROOM,
    ED_DOOR_TO_PROVIDER,
    ED_FOUR_HOUR,
    ED_LENGTH_OF_STAY,
    ED_LEFT_BEFORE_SEEN,
    ED_BOARDING,
)
