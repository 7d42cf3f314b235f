# ruff: noqa: E501 - a row of a literal table is one line
"""The laboratory and critical-result KPIs on orders that can be counted by hand."""

from datetime import date

ORDERS = """
order_key | encounter_key | priority | order_date | minutes_to_verified | is_verified | is_revoked | is_verified_time_known | is_open
o1        | v1            | stat     | 2026-01-05 | 10                  | yes         | no         | yes                    | no
o2        | v1            | stat     | 2026-01-05 | 20                  | yes         | no         | yes                    | no
o3        | v2            | routine  | 2026-01-05 | 30                  | yes         | no         | yes                    | no
o4        | v2            | routine  | 2026-01-05 | 40                  | yes         | no         | yes                    | no
o5        | v3            | routine  | 2026-01-05 | 5                   | no          | yes        | yes                    | no
o6        | v3            | routine  | 2026-01-05 | -                   | yes         | no         | no                     | no
"""
FIVE_FINISHED = "\n".join(
    [
        "order_key | priority | order_date | minutes_to_verified | is_verified | is_revoked | is_verified_time_known | is_open",
        *(f"o{n} | stat | 2026-01-05 | {n * 10} | yes | no | yes | no" for n in range(1, 11)),
    ]
)
LEGS = """
order_key | priority | order_date | minutes_to_collected | minutes_collected_to_received | minutes_received_to_verified | is_collected | is_received | is_verified | is_revoked | is_collected_time_known | is_received_time_known | is_verified_time_known | is_waiting_for_collection | is_in_transport | is_in_laboratory
o1        | stat     | 2026-01-05 | 5                    | 4                             | 30                           | yes          | yes         | yes         | no         | yes                     | yes                    | yes                    | no                        | no              | no
o2        | routine  | 2026-01-05 | 10                   | 8                             | 50                           | yes          | yes         | yes         | no         | yes                     | yes                    | yes                    | no                        | no              | no
o3        | routine  | 2026-01-05 | 20                   | 12                            | 90                           | yes          | yes         | no          | no         | yes                     | yes                    | yes                    | no                        | no              | yes
o4        | routine  | 2026-01-05 | 30                   | 70                            | -                            | yes          | no          | no          | no         | yes                     | yes                    | yes                    | no                        | yes             | no
o5        | routine  | 2026-01-05 | 80                   | -                             | -                            | no           | no          | no          | no         | yes                     | yes                    | yes                    | yes                       | no              | no
o6        | routine  | 2026-01-05 | 3                    | -                             | -                            | no           | no          | no          | yes        | yes                     | yes                    | yes                    | no                        | no              | no
o7        | routine  | 2026-01-05 | -                    | -                             | 40                           | yes          | yes         | yes         | no         | no                      | yes                    | yes                    | no                        | no              | no
o8        | routine  | 2026-01-05 | 12                   | 6                             | -                            | yes          | yes         | yes         | no         | yes                     | yes                    | no                     | no                        | no              | no
"""
ESCALATIONS = """
observation_key | result_date | minutes_to_acknowledgement | is_acknowledged | minutes_to_escalation | is_escalation_due | is_escalated | is_escalation_open | is_result_time_known | is_open | is_in_time_known
r1              | 2026-01-05  | 20                         | yes             | -                     | no                | no           | no                 | yes                  | no      | yes
r2              | 2026-01-05  | 90                         | yes             | 0                     | yes               | yes          | no                 | yes                  | no      | yes
r3              | 2026-01-05  | 75                         | yes             | 15                    | yes               | no           | no                 | yes                  | no      | yes
r4              | 2026-01-05  | 100                        | yes             | 25                    | yes               | yes          | no                 | yes                  | no      | yes
r5              | 2026-01-05  | 300                        | no              | 240                   | yes               | no           | yes                | yes                  | yes     | yes
r6              | 2026-01-05  | 30                         | no              | -                     | no                | no           | no                 | yes                  | yes     | yes
r7              | 2026-01-05  | -                          | yes             | -                     | no                | no           | no                 | no                   | no      | yes
"""
EXAMINATIONS = """
order_key | priority | modality | order_date | minutes_to_exam | minutes_exam_to_report | minutes_to_final | is_examined | is_final | is_revoked | is_exam_time_known | is_final_time_known | is_open | is_waiting_for_exam | is_waiting_for_report
i1        | stat     | CT       | 2026-01-05 | 20              | 40                     | 60               | yes         | yes      | no         | yes                | yes                 | no      | no                  | no
i2        | routine  | CT       | 2026-01-05 | 30              | 90                     | 120              | yes         | yes      | no         | yes                | yes                 | no      | no                  | no
i3        | routine  | DX       | 2026-01-05 | 50              | 200                    | 250              | yes         | no       | no         | yes                | yes                 | yes     | no                  | yes
i4        | routine  | DX       | 2026-01-05 | 70              | -                      | 70               | no          | no       | no         | yes                | yes                 | yes     | yes                 | no
i5        | routine  | DX       | 2026-01-05 | 5               | -                      | 5                | no          | no       | yes        | yes                | yes                 | no      | no                  | no
i6        | routine  | US       | 2026-01-05 | -               | -                      | 300              | yes         | yes      | no         | no                 | yes                 | no      | no                  | no
i7        | routine  | US       | 2026-01-05 | 25              | -                      | -                | yes         | yes      | no         | yes                | no                  | no      | no                  | no
"""
PLACED = """
order_key | priority | order_kind | order_date | minutes_to_fulfilment | is_fulfilled | is_revoked | is_fulfilment_time_known | is_open | resolution_minutes
s1        | stat     | lab        | 2026-01-05 | 40                    | yes          | no         | yes                      | no      | 0
s2        | routine  | lab        | 2026-01-05 | 90                    | yes          | no         | yes                      | no      | 0
s3        | routine  | imaging    | 2026-01-05 | 300                   | yes          | no         | yes                      | no      | 60
s4        | routine  | imaging    | 2026-01-05 | 500                   | no           | no         | yes                      | yes     | -
s5        | routine  | other      | 2026-01-05 | 20                    | no           | yes        | yes                      | no      | -
s6        | routine  | other      | 2026-01-05 | -                     | yes          | no         | no                       | no      | -
"""
RESULTS = """
observation_key | order_key | encounter_key | priority | result_date | acknowledged_in_window | is_window_closed | is_result_time_known | is_open | is_in_time_known
r1              | o1        | v1            | stat     | 2026-01-05  | yes                    | yes              | yes                  | no      | yes
r2              | o2        | v1            | stat     | 2026-01-05  | no                     | yes              | yes                  | no      | yes
r3              | o3        | v2            | stat     | 2026-01-05  | no                     | yes              | yes                  | yes     | yes
r4              | o4        | v2            | stat     | 2026-01-06  | no                     | no               | yes                  | yes     | yes
r5              | o5        | v2            | stat     | 2026-01-06  | no                     | yes              | no                   | no      | yes
"""


def test_ninety_percent_completion_is_the_nearest_rank_when_all_are_finished(spec):
    # rank ceil(0.9 x 10) = 9, an observed value; interpolation would say 91
    assert spec.value("lab_turnaround", FIVE_FINISHED) == (90, 10, 10, 0)


def test_revoked_and_date_only_orders_are_left_out_and_counted(spec):
    # o1 to o4: rank ceil(0.9 x 4) = 4
    assert spec.value("lab_turnaround", ORDERS) == (40, 4, 4, 0)
    assert spec.excluded("lab_turnaround", ORDERS) == [1, 1]


def test_an_order_still_waiting_moves_the_completion_time_up(spec):
    # o2 has waited 25 minutes and is not done: S(10) = 9/10, then o2 leaves the risk set after S(20) ...
    table = FIVE_FINISHED.replace("o9 | stat | 2026-01-05 | 90 | yes", "o9 | stat | 2026-01-05 | 90 | no").replace(
        "o9 | stat | 2026-01-05 | 90 | no | no | yes | no", "o9 | stat | 2026-01-05 | 90 | no | no | yes | yes"
    )
    # ranks 1 to 8 finish: S = 2/10 at 80; o9 is censored; o10 is alone at risk: S = 0 at 100
    assert spec.value("lab_turnaround", table) == (100, 9, 10, 1)


def test_a_completion_time_that_too_few_have_reached_is_not_estimable(spec):
    table = FIVE_FINISHED.replace("100 | yes | no | yes | no", "100 | no | no | yes | yes").replace(
        "90 | yes | no | yes | no", "90 | no | no | yes | yes"
    )
    assert spec.value("lab_turnaround", table) == (None, 8, 10, 2)


def test_each_period_has_its_own_completion_time(spec):
    table = ORDERS.replace("stat     | 2026-01-05", "stat     | 2026-01-12")
    assert spec.rows("lab_turnaround", table, grain="week") == [
        (date(2026, 1, 5), 40, 2, 2, 0),  # 30 40
        (date(2026, 1, 12), 20, 2, 2, 0),  # 10 20
    ]


def test_date_only_results_turn_turnaround_biased_before_they_are_left_out(spec):
    verdict = spec.readiness("lab_turnaround", ORDERS)
    assert (verdict.state, verdict.inputs[0].completeness) == ("biased", 4 / 5)  # o5 is revoked: it does not count


def test_critical_results_count_once_acknowledged_or_their_window_closed(spec):
    # r4 may still be in time; r5's time is unknown
    assert spec.value("critical_result_acknowledged", RESULTS) == (1 / 3, 1, 3, 2)
    assert spec.excluded("critical_result_acknowledged", RESULTS) == [1, 1, 0]


def test_a_critical_result_acknowledged_around_the_end_of_its_window_is_left_out(spec):
    late = RESULTS.replace(
        "no                     | yes              | yes                  | no      | yes",
        "no                     | yes              | yes                  | no      | no",
    )
    assert spec.value("critical_result_acknowledged", late) == (1 / 2, 1, 2, 2)  # r1 of r1 r3; r2 is not known
    assert spec.excluded("critical_result_acknowledged", late) == [1, 1, 1]


def test_the_cases_of_a_share_say_for_each_whether_it_holds(spec):
    found = spec.cases("critical_result_acknowledged", RESULTS)
    assert {key: row["flag"] for key, row in found.items()} == {"r1": True, "r2": False, "r3": False}
    assert found["r3"]["is_open"] is True


def test_the_median_is_the_time_by_which_half_are_verified(spec):
    # o1 to o4: 10 20 30 40; rank ceil(0.5 x 4) = 2
    assert spec.value("lab_turnaround_median", ORDERS) == (20, 4, 4, 0)


def test_only_stat_orders_count_and_only_they_are_open(spec):
    table = """
    order_key | priority | order_date | minutes_to_verified | is_verified | is_revoked | is_verified_time_known | is_stat_open
    o1        | stat     | 2026-01-05 | 10                  | yes         | no         | yes                    | no
    o2        | stat     | 2026-01-05 | 50                  | yes         | no         | yes                    | no
    o3        | routine  | 2026-01-05 | 20                  | yes         | no         | yes                    | no
    o4        | routine  | 2026-01-05 | 99                  | no          | no         | yes                    | no
    o5        | -        | 2026-01-05 | 20                  | yes         | no         | yes                    | no
    """
    assert spec.value("lab_turnaround_stat", table) == (50, 2, 2, 0)
    assert spec.excluded("lab_turnaround_stat", table) == [3, 0, 0]


def test_every_order_waits_for_collection_until_it_is_collected(spec):
    # o6 is revoked, o7's time is unknown. 5 10 12 20 30 and o5 still waiting: S = 3/6 at the third
    assert spec.value("lab_order_to_collection", LEGS) == (12, 5, 6, 1)
    assert spec.excluded("lab_order_to_collection", LEGS) == [1, 1]
    assert spec.readiness("lab_order_to_collection", LEGS).state == "biased"  # 6 of 7 known


def test_a_sample_on_its_way_counts_as_waiting_for_receipt(spec):
    # 4 6 8 12 received, o4 on its way for 70: S = 4/5, 3/5, 2/5 at the third
    assert spec.value("lab_collection_to_receipt", LEGS) == (8, 4, 5, 1)
    assert spec.excluded("lab_collection_to_receipt", LEGS) == [1, 1, 1, 0]


def test_an_order_in_the_laboratory_counts_as_waiting_for_verification(spec):
    # 30 40 50 verified, o3 in the laboratory for 90, o8 verified on a day: S = 3/4, 2/4 at the second
    assert spec.value("lab_receipt_to_verification", LEGS) == (40, 3, 4, 1)
    assert spec.excluded("lab_receipt_to_verification", LEGS) == [1, 2, 0, 1]


def test_a_critical_result_nobody_acknowledged_counts_as_waiting(spec):
    # 20 acknowledged, r6 has waited 30, then 75: S = 5/6, then 5/6 x 3/4, then at 90 x 2/3 = 0.417
    assert spec.value("critical_acknowledgement_time", ESCALATIONS) == (90, 4, 6, 2)


def test_escalation_counts_from_the_end_of_the_missed_window(spec):
    # r2 before the window ended: 0; r3 acknowledged late after 15, never escalated; r4 after 25; r5 still nobody
    # S = 3/4 at 0, then r3 leaves, S = 3/4 x 1/2 at 25
    assert spec.value("escalation_latency", ESCALATIONS) == (25, 2, 4, 1)
    assert spec.excluded("escalation_latency", ESCALATIONS) == [1, 2, 0]


def test_imaging_turnaround_waits_for_the_final_report(spec):
    # 60 120 300 reported; i4 has waited 70 and i3 250: S = 4/5, 4/5 x 2/3, 0 at 300
    assert spec.value("imaging_turnaround", EXAMINATIONS) == (300, 3, 5, 2)
    assert spec.excluded("imaging_turnaround", EXAMINATIONS) == [1, 1]
    assert spec.readiness("imaging_turnaround", EXAMINATIONS).state == "biased"


def test_an_order_not_yet_examined_counts_as_waiting_for_its_examination(spec):
    # 20 25 30 50 examined, i4 waits since 70: S = 4/5, 3/5, 2/5 at the third
    assert spec.value("imaging_order_to_exam", EXAMINATIONS) == (30, 4, 5, 1)
    assert spec.excluded("imaging_order_to_exam", EXAMINATIONS) == [1, 1]


def test_an_examination_without_a_final_report_counts_as_waiting_for_it(spec):
    # 40 90 reported, i3 waits since 200: S = 2/3, 1/3 at the second
    assert spec.value("imaging_exam_to_report", EXAMINATIONS) == (90, 2, 3, 1)
    assert spec.rows("imaging_exam_to_report", EXAMINATIONS, by=("modality",)) == [
        ("CT", 40, 2, 2, 0),
        ("DX", None, 0, 1, 1),
        ("US", None, 0, 0, 0),
    ]


def test_an_order_of_any_kind_waits_until_it_is_fulfilled(spec):
    # 40 90 300 fulfilled, s4 waits for 500: S = 3/4, 2/4 at the second; s5 was revoked, of s6 nothing says when
    assert spec.value("order_to_fulfilment", PLACED) == (90, 3, 4, 1)
    assert spec.excluded("order_to_fulfilment", PLACED) == [1, 1]
    assert spec.rows("order_to_fulfilment", PLACED, by=("order_kind",))[0] == (
        "imaging",
        300,
        1,
        2,
        1,
    )  # s3, while s4 waits


def test_order_to_fulfilment_says_how_exactly_its_ends_are_known(spec):
    known = PLACED.replace("| no         | no                       |", "| yes        | no                       |")
    verdict = spec.readiness("order_to_fulfilment", known)  # 60 minutes over three orders of 430 in all
    assert (verdict.state, verdict.resolution_minutes) == ("biased", 20)
    assert verdict.why == (
        "Its times are known to within 20 min on average: of some changes only exports prove when they were.",
    )
