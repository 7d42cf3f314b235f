"""Occupancy KPIs, counted in `marts.unit_hour` (one row per ward and hour). No arithmetic of its own."""

import narwhals.stable.v2 as nw

from models.kpi import Exclusion, Kpi, Quantile, Rate

_DIMENSIONS = ("facility", "unit")
_NO_BEDS = Exclusion("a ward for which the hospital sent no beds", nw.col("staffed_beds") == 0)
_BEDS_EXIST = "Beds are those the hospital sent as locations: one that is closed for lack of staff still counts."

OCCUPANCY_MIDNIGHT = Kpi(
    id="occupancy_midnight",
    title="Bed occupancy at midnight",
    short_title="Occupancy at midnight",
    definition="Patients on the wards at local midnight, by beds, summed over the midnights that end the days of the "
    "period.",
    source="NHS England KH03, bed availability and occupancy",
    version="1",
    family="beds",
    matters_to="operations",
    mart="unit_hour",
    case="unit_hour_key",
    measure=Rate(events="midnight_occupied_beds", exposure="midnight_staffed_beds"),
    unit="percent",
    improves="down",
    target=0.92,
    clock="census",
    dimensions=_DIMENSIONS,
    owner="Chief operating officer",
    action="Compare with the mean and the peak: a hospital that is full at noon can look well at midnight.",
    uses=("staffed_beds",),
    exclusions=(_NO_BEDS,),
    caveats=(
        "Midnight is the emptiest moment of a bed's day: it hides the overlap of comings and goings.",
        _BEDS_EXIST,
    ),
    about_people=False,
    paired_with="occupancy_peak",
)
OCCUPANCY_MEAN = Kpi(
    id="occupancy_mean",
    title="Mean hourly bed occupancy",
    short_title="Mean occupancy",
    definition="Time that patients spent on the wards, by the time that beds stood there, over all hours of the period.",
    source="Time-average census: bed hours occupied by bed hours available",
    version="1",
    family="beds",
    matters_to="operations",
    mart="unit_hour",
    case="unit_hour_key",
    measure=Rate(events="occupied_bed_hours", exposure="staffed_bed_hours"),
    unit="percent",
    improves="down",
    target=0.92,
    clock="census",
    dimensions=_DIMENSIONS,
    owner="Chief operating officer",
    action="Above the target for two weeks: open beds or move planned admissions; look at who is ready to leave.",
    uses=("staffed_beds",),
    exclusions=(_NO_BEDS,),
    caveats=("A bed that is being cleaned or held for somebody counts as free.", _BEDS_EXIST),
    about_people=False,
)
OCCUPANCY_PEAK = Kpi(
    id="occupancy_peak",
    title="Highest hourly occupancy of any ward",
    short_title="Peak ward occupancy",
    definition="The highest occupancy, averaged over one hour, that any single ward reached in the period.",
    source="Maximum of the hourly census by ward",
    version="1",
    family="beds",
    matters_to="clinicians",
    mart="unit_hour",
    case="unit_hour_key",
    measure=Quantile(column="occupancy", q=1.0),
    unit="percent",
    improves="down",
    target=1.0,
    clock="census",
    dimensions=_DIMENSIONS,
    owner="House supervisor",
    action="Open the ward and hour: where did its patients lie, and who was ready to leave?",
    uses=("staffed_beds",),
    exclusions=(_NO_BEDS,),
    caveats=(
        "It is one ward's worst hour, not the hospital's: small wards reach it most easily.",
        "A longer period can only raise it: compare periods of equal length.",
    ),
    about_people=False,
)

OCCUPANCY = (OCCUPANCY_MEAN, OCCUPANCY_MIDNIGHT, OCCUPANCY_PEAK)
