# ruff: noqa: E501 - a row of a literal table is one line
"""The emergency KPIs on visits that can be counted by hand."""

from datetime import date

import pytest

VISITS = """
encounter_key | acuity | arrival_mode | arrival_date | departure_date | minutes_in_department | boarding_minutes | is_admitted | left_before_seen | is_departure_known | is_open | is_boarding | boarding_began_at   | departed_at
v1            | 2      | ambulance    | 2026-01-05   | 2026-01-05     | 100                   | -                | no          | no               | yes                | no      | no          | -                   | 2026-01-05T12:00
v2            | 3      | walk-in      | 2026-01-05   | 2026-01-05     | 200                   | -                | no          | no               | yes                | no      | no          | -                   | 2026-01-05T13:00
v3            | 3      | walk-in      | 2026-01-05   | 2026-01-06     | 500                   | 300              | yes         | no               | yes                | no      | no          | 2026-01-06T01:00    | 2026-01-06T06:00
v4            | 5      | walk-in      | 2026-01-06   | 2026-01-06     | 40                    | -                | no          | yes              | yes                | no      | no          | -                   | 2026-01-06T09:00
v5            | 4      | walk-in      | 2026-01-06   | 2026-01-06     | -                     | -                | no          | no               | no                 | no      | no          | -                   | -
v6            | 2      | ambulance    | 2026-01-06   | 2026-01-06     | 600                   | -30              | yes         | no               | yes                | no      | no          | 2026-01-06T23:00    | 2026-01-06T22:30
v7            | 2      | ambulance    | 2026-01-12   | -              | -                     | -                | no          | no               | no                 | yes     | yes         | 2026-01-12T20:00    | -
"""
MONDAY, NEXT_MONDAY = date(2026, 1, 5), date(2026, 1, 12)


def test_arrivals_count_every_visit_on_the_day_it_began(spec):
    assert spec.value("ed_arrivals", VISITS) == (7, 7, 7, 0)
    assert spec.rows("ed_arrivals", VISITS, grain="day") == [
        (date(2026, 1, 5), 3, 3, 3, 0),  # v1 v2 v3
        (date(2026, 1, 6), 3, 3, 3, 0),  # v4 v5 v6
        (date(2026, 1, 12), 1, 1, 1, 0),  # v7
    ]


def test_no_arrivals_are_zero_not_nothing(spec):
    assert spec.value("ed_arrivals", VISITS, start=date(2027, 1, 1)) == (0, 0, 0, 0)


def test_length_of_stay_is_the_median_of_visits_whose_departure_is_known(spec):
    # 40 100 200 500 600: v5's departure is unknown, v7 is still open
    assert spec.value("ed_length_of_stay", VISITS) == (200, 5, 5, 1)
    assert spec.excluded("ed_length_of_stay", VISITS) == [1]


def test_a_visit_counts_on_the_day_it_ended_and_the_end_date_is_not_included(spec):
    # v3 arrived on the 5th and left on the 6th: 40 500 600
    assert spec.value("ed_length_of_stay", VISITS, start=date(2026, 1, 6), end=date(2026, 1, 7)) == (500, 3, 3, 1)
    assert spec.value("ed_length_of_stay", VISITS, end=date(2026, 1, 6)) == ((100 + 200) / 2, 2, 2, 1)


def test_visits_still_open_stand_beside_every_period(spec):
    assert spec.rows("ed_length_of_stay", VISITS, grain="week") == [(MONDAY, 200, 5, 5, 1)]


def test_left_before_seen_counts_visits_whose_departure_is_unknown_too(spec):
    assert spec.value("ed_left_before_seen", VISITS) == (1 / 6, 1, 6, 1)


def test_boarding_is_the_median_of_admitted_visits_decided_before_they_left(spec):
    # v3 waited 300; v6 was decided 30 minutes after it left
    assert spec.value("ed_boarding_ed2", VISITS) == (300, 1, 1, 1)
    # not admitted: v1 v2 v4 v5; departure unknown: none of the rest; no decision: none; decided later: v6
    assert spec.excluded("ed_boarding_ed2", VISITS) == [4, 0, 0, 1]


def test_a_breakdown_has_one_row_a_value_and_parts_add_up(spec):
    assert spec.rows("ed_arrivals", VISITS, by=("arrival_mode",)) == [
        ("ambulance", 3, 3, 3, 0),
        ("walk-in", 4, 4, 4, 0),
    ]


@pytest.mark.parametrize(("wanted", "expected"), [(("2",), 3), (("3", "5"), 3), (("' or 1=1 --",), 0), ("2", 3)])
def test_a_filter_is_any_of_its_values_and_never_sql(spec, wanted, expected):
    assert spec.value("ed_arrivals", VISITS, where={"acuity": wanted})[0] == expected


def test_a_visit_without_acuity_can_be_asked_for(spec):
    table = VISITS.replace("v1            | 2", "v1            | -")
    assert spec.value("ed_arrivals", table, where={"acuity": (None,)})[0] == 1
    assert spec.value("ed_arrivals", table, where={"acuity": (None, "5")})[0] == 2
    assert [row[:2] for row in spec.rows("ed_arrivals", table, by=("acuity",)) if row[0] is None] == [(None, 1)]


def test_unknown_locations_turn_length_of_stay_biased_but_not_who_left(spec):
    verdict = spec.readiness("ed_length_of_stay", VISITS)
    assert (verdict.state, verdict.inputs[0].completeness) == ("biased", 5 / 6)
    assert verdict.why[0].endswith("Known for 5 of 6, 100 % are needed.")
    assert spec.readiness("ed_left_before_seen", VISITS).state == "ready"


def test_each_case_leads_back_to_its_file_and_line(spec):
    found = spec.cases("ed_length_of_stay", VISITS, start=MONDAY, end=date(2026, 1, 6))
    assert {key: (row["value"], row["file_id"], row["line"]) for key, row in found.items()} == {
        "v1": (100, 7, 1),
        "v2": (200, 7, 2),
    }
    assert spec.cases("ed_left_before_seen", VISITS)["v4"]["flag"] is True
    assert spec.cases("ed_arrivals", VISITS)["v7"]["journey_key"] == "v7"


WAITS = """
encounter_key | acuity | arrival_mode | arrival_date | minutes_to_room | minutes_to_provider | is_room_known | is_waiting_for_room | is_waiting_for_provider | contact_resolution_minutes
v1            | 2      | ambulance    | 2026-01-05   | 10              | 15                  | yes           | no                  | no                      | 0
v2            | 3      | walk-in      | 2026-01-05   | 50              | 70                  | yes           | no                  | no                      | 0
v3            | 3      | walk-in      | 2026-01-05   | 90              | 95                  | yes           | no                  | no                      | 0
v4            | 5      | walk-in      | 2026-01-05   | -               | -                   | yes           | no                  | no                      | -
v5            | 4      | walk-in      | 2026-01-06   | -               | 30                  | no            | no                  | no                      | 0
v6            | 3      | walk-in      | 2026-01-06   | -               | -                   | yes           | yes                 | yes                     | -
"""


def test_door_to_room_is_the_median_of_those_who_had_a_room(spec):
    assert spec.value("ed_door_to_room", WAITS) == (50, 3, 3, 1)  # 10 50 90; v6 waits
    assert spec.excluded("ed_door_to_room", WAITS) == [1, 2]  # v5 went where no one knows; v4 left, v6 waits


def test_a_place_nobody_explained_turns_door_to_room_biased_but_not_door_to_provider(spec):
    verdict = spec.readiness("ed_door_to_room", WAITS)
    assert (verdict.state, verdict.inputs[0].completeness) == ("biased", 3 / 4)  # v1 v2 v3 of those and v5
    assert spec.readiness("ed_door_to_provider", WAITS).state == "ready"


def test_door_to_provider_is_the_median_of_those_who_were_seen(spec):
    assert spec.value("ed_door_to_provider", WAITS) == ((30 + 70) / 2, 4, 4, 1)  # 15 30 70 95; v6 waits
    assert spec.excluded("ed_door_to_provider", WAITS) == [2]  # v4 left, v6 waits


FOUR_HOURS = """
encounter_key | acuity | arrival_mode | departure_date | minutes_in_department | is_departure_known | is_open
v1            | 2      | ambulance    | 2026-01-05     | 239.5                 | yes                | no
v2            | 3      | walk-in      | 2026-01-05     | 240                   | yes                | no
v3            | 3      | walk-in      | 2026-01-06     | 240.1                 | yes                | no
v4            | 4      | walk-in      | 2026-01-06     | -                     | no                 | no
v5            | 2      | ambulance    | -              | -                     | no                 | yes
"""


def test_leaving_at_exactly_four_hours_counts_as_within(spec):
    assert spec.value("ed_four_hour_performance", FOUR_HOURS) == (2 / 3, 2, 3, 1)  # v1 v2 of v1 v2 v3
    assert spec.excluded("ed_four_hour_performance", FOUR_HOURS) == [1]  # v4
    assert spec.readiness("ed_four_hour_performance", FOUR_HOURS).state == "biased"
