# ruff: noqa: E501 - a row of a literal table is one line
"""The bed and discharge KPIs on stays and beds that can be counted by hand."""

from datetime import date

STAYS = """
encounter_key | unit    | order_date | departure_date | minutes_of_stay | minutes_to_departure | left_before_noon | discharge_ordered_at | departed_at      | is_departed | is_waiting_to_leave | is_open
s1            | 4 North | 2026-01-05 | 2026-01-05     | 1000            | 60                   | yes              | 2026-01-05T10:00     | 2026-01-05T11:00 | yes         | no                  | no
s2            | 4 North | 2026-01-05 | 2026-01-05     | 3000            | 180                  | no               | 2026-01-05T10:00     | 2026-01-05T13:00 | yes         | no                  | no
s3            | 5 South | 2026-01-06 | 2026-01-06     | 5000            | -30                  | no               | 2026-01-06T14:30     | 2026-01-06T14:00 | yes         | no                  | no
s4            | 5 South | -          | 2026-01-06     | 8000            | -                    | no               | -                    | 2026-01-06T15:00 | yes         | no                  | no
s5            | 5 South | 2026-01-06 | -              | -               | 600                  | -                | 2026-01-06T14:00     | -                | no          | yes                 | yes
s6            | 5 South | -          | -              | -               | -                    | -                | -                    | -                | no          | no                  | yes
"""


def test_length_of_stay_is_the_median_of_stays_that_ended(spec):
    assert spec.value("inpatient_length_of_stay", STAYS) == ((3000 + 5000) / 2, 4, 4, 2)  # 1000 3000 5000 8000
    assert spec.rows("inpatient_length_of_stay", STAYS, grain="day") == [
        (date(2026, 1, 5), (1000 + 3000) / 2, 2, 2, 2),
        (date(2026, 1, 6), (5000 + 8000) / 2, 2, 2, 2),
    ]


def test_before_noon_is_a_share_of_stays_that_ended(spec):
    assert spec.value("discharge_before_noon", STAYS) == (1 / 4, 1, 4, 2)
    assert spec.rows("discharge_before_noon", STAYS, by=("unit",)) == [
        ("4 North", 1 / 2, 1, 2, 0),
        ("5 South", 0, 0, 2, 2),
    ]


def test_who_was_told_to_go_and_is_still_here_counts_as_waiting(spec):
    # 60 and 180 left, 600 still here: S(60) = 2/3, S(180) = 2/3 x 1/2 = 1/3
    assert spec.value("discharge_order_to_departure", STAYS) == (180, 2, 3, 1)
    assert spec.excluded("discharge_order_to_departure", STAYS) == [1]  # s3 had gone before the order


def test_a_stay_without_a_discharge_order_has_no_wait(spec):
    assert set(spec.cases("discharge_order_to_departure", STAYS)) == {"s1", "s2", "s5"}


BEDS = """
bed_clean_key | request_date | cleaned_date | minutes_to_start | minutes_cleaning | minutes_to_clean | is_started | is_cleaned | is_waiting | is_open
b1            | 2026-01-05   | 2026-01-05   | 10               | 30               | 40               | yes        | yes        | no         | no
b2            | 2026-01-05   | 2026-01-05   | 20               | 40               | 60               | yes        | yes        | no         | no
b3            | 2026-01-05   | 2026-01-06   | 60               | 25               | 85               | yes        | yes        | no         | no
b4            | 2026-01-06   | -            | 15               | -                | 90               | yes        | no         | no         | yes
b5            | 2026-01-06   | -            | 50               | -                | 50               | no         | no         | yes        | yes
"""


def test_a_bed_nobody_has_begun_to_clean_counts_as_waiting(spec):
    # 10, 15, 20 begun: S = 4/5, 3/5, 2/5
    assert spec.value("bed_clean_response", BEDS) == (20, 4, 5, 1)


def test_cleaning_can_be_told_by_priority(spec):
    table = (
        BEDS.replace("is_open\n", "is_open | priority\n")
        .replace("| no\n", "| no | stat\n")
        .replace("| yes\n", "| yes | routine\n")
    )
    assert spec.rows("bed_clean_response", table, by=("priority",)) == [("routine", 15, 1, 2, 1), ("stat", 20, 3, 3, 0)]


def test_cleaning_time_is_of_beds_that_are_clean_on_the_day_they_were(spec):
    assert spec.value("bed_clean_duration", BEDS) == (30, 3, 3, 2)  # 25 30 40
    assert spec.value("bed_clean_duration", BEDS, start=date(2026, 1, 6)) == (25, 1, 1, 2)


def test_turnaround_is_from_request_to_clean_with_both_legs(spec):
    # 40 clean, 50 waiting, 60 clean, 85 clean, 90 open: S(40) = 4/5, S(60) = 4/5 x 2/3 = 8/15, S(85) = 8/15 x 1/2
    assert spec.value("bed_turnaround", BEDS) == (85, 3, 5, 2)


HOURS = """
unit_hour_key | unit    | census_date | staffed_beds | occupied_bed_hours | staffed_bed_hours | occupancy | midnight_occupied_beds | midnight_staffed_beds
a22           | 4 North | 2026-01-05  | 10           | 9                  | 10                | 0.9       | 0                      | 0
a23           | 4 North | 2026-01-05  | 10           | 7.5                | 10                | 0.75      | 6                      | 10
b22           | ICU     | 2026-01-05  | 4            | 5                  | 4                 | 1.25      | 0                      | 0
b23           | ICU     | 2026-01-05  | 4            | 2.5                | 4                 | 0.625     | 3                      | 4
c23           | Day     | 2026-01-05  | 0            | 2                  | 0                 | -         | 2                      | 0
"""


def test_mean_occupancy_is_patients_time_by_beds_time(spec):
    assert spec.value("occupancy_mean", HOURS) == ((9 + 7.5 + 5 + 2.5) / (10 + 10 + 4 + 4), 24, 28, 0)
    assert spec.rows("occupancy_mean", HOURS, by=("unit",), where={"unit": ("ICU",)}) == [("ICU", 7.5 / 8, 7.5, 8, 0)]


def test_occupancy_at_midnight_counts_whoever_is_there_then(spec):
    assert spec.value("occupancy_midnight", HOURS) == (9 / 14, 9, 14, 0)


def test_the_peak_is_one_wards_worst_hour(spec):
    assert spec.value("occupancy_peak", HOURS) == (1.25, 4, 4, 0)


def test_a_ward_without_beds_has_no_occupancy(spec):
    assert spec.excluded("occupancy_mean", HOURS) == [1]
    assert spec.value("occupancy_mean", HOURS, where={"unit": ("Day",)}) == (None, 0, 0, 0)
