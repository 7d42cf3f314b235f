"""Whether cases went as the hospital registered, on cases that can be counted by hand."""

CASES = """
workflow_case_key | encounter_key | workflow         | case_date  | is_on_path | is_settled | is_path_known | is_open
c1                | v1            | ed-to-bed        | 2026-04-06 | yes        | yes        | yes           | no
c2                | v2            | ed-to-bed        | 2026-04-06 | no         | yes        | yes           | yes
c3                | v3            | discharge        | 2026-04-07 | yes        | yes        | yes           | no
c4                | v4            | discharge        | 2026-04-07 | no         | no         | yes           | yes
c5                | v5            | discharge        | 2026-04-08 | no         | yes        | no            | no
m1                | v1            | message-delivery | 2026-04-06 | yes        | yes        | yes           | no
"""


def test_a_case_that_left_the_path_counts_as_soon_as_that_shows(spec):
    # c1 and c3 of c1 c2 c3; c4 may still keep to it, of c5 a step has no time, m1 is a message
    assert spec.value("cases_on_path_rate", CASES) == (2 / 3, 2, 3, 2)
    assert spec.excluded("cases_on_path_rate", CASES) == [1, 1, 1]
    assert spec.value("cases_on_path_rate", CASES, where={"workflow": ("discharge",)}) == (1, 1, 1, 1)


def test_steps_without_a_time_make_it_biased(spec):
    verdict = spec.readiness("cases_on_path_rate", CASES)  # 1 of c1 c2 c3 c5
    assert verdict.state == "biased"


WAITS = """
step_wait_key | encounter_key | workflow         | activity     | wait_date  | is_within | is_settled | is_path_known | is_open
w1            | v1            | ed-to-bed        | triaged      | 2026-04-06 | yes       | yes        | yes           | no
w2            | v1            | ed-to-bed        | in a room    | 2026-04-06 | no        | yes        | yes           | no
w3            | v2            | ed-to-bed        | triaged      | 2026-04-07 | no        | yes        | yes           | yes
w4            | v3            | discharge        | bed clean    | 2026-04-07 | no        | no         | yes           | yes
w5            | v4            | discharge        | left the ward | 2026-04-08 | no       | yes        | no            | no
w6            | v1            | message-delivery | delivered    | 2026-04-06 | yes       | yes        | yes           | no
"""


def test_a_wait_whose_window_has_passed_is_late_whether_or_not_it_is_over(spec):
    # w1 of w1 w2 w3; the window of w4 has not passed, w5 is of a case with an unknown time, w6 is a message
    assert spec.value("steps_in_window_rate", WAITS) == (1 / 3, 1, 3, 2)
    assert spec.excluded("steps_in_window_rate", WAITS) == [1, 1, 1]
    assert spec.value("steps_in_window_rate", WAITS, where={"activity": ("triaged",)}) == (1 / 2, 1, 2, 1)
