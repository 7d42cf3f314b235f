# ruff: noqa: E501 - a row of a literal table is one line
"""The KPIs of what did not happen, on cases that can be counted by hand."""

from datetime import date

TRIGGERS = """
trigger_key | encounter_key | trigger            | trigger_date | is_missing | is_settled | is_open
g1          | v1            | admission-decision | 2026-04-06   | no         | yes        | no
g2          | v2            | bed-left           | 2026-04-06   | yes        | yes        | no
g3          | v3            | bed-left           | 2026-04-07   | yes        | yes        | yes
g4          | v4            | critical-result    | 2026-04-12   | no         | no         | yes
"""


def test_a_trigger_lacks_its_task_when_it_was_made_late_or_not_at_all(spec):
    # g2 late, g3 never, of the settled g1 g2 g3; g4's time is not over
    assert spec.value("trigger_without_task_rate", TRIGGERS) == (2 / 3, 2, 3, 2)
    assert spec.excluded("trigger_without_task_rate", TRIGGERS) == [1]
    assert spec.value("trigger_without_task_rate", TRIGGERS, where={"trigger": ("bed-left",)}) == (1, 2, 2, 1)


CRITICALS = """
observation_key | encounter_key | priority | result_date | is_unanswered | is_window_closed | is_result_time_known | is_in_time_known | is_open | resolution_minutes
o1              | v1            | stat     | 2026-04-06  | no            | yes              | yes                  | yes              | no      | 0
o2              | v2            | stat     | 2026-04-06  | no            | yes              | yes                  | yes              | yes     | -
o3              | v3            | routine  | 2026-04-07  | yes           | yes              | yes                  | yes              | yes     | -
o4              | v4            | routine  | 2026-04-12  | no            | no               | yes                  | yes              | yes     | -
o5              | v5            | routine  | 2026-04-08  | no            | yes              | no                   | yes              | no      | 0
"""


def test_a_critical_result_that_was_escalated_in_time_is_answered(spec):
    # o2 was escalated and waits, o3 neither; o4's window is open, o5's time is not known: o3 of o1 o2 o3
    assert spec.value("critical_unanswered_rate", CRITICALS) == (1 / 3, 1, 3, 3)
    assert spec.excluded("critical_unanswered_rate", CRITICALS) == [1, 1, 0]


EXPECTED = """
expectation_key | encounter_key | what   | due_date   | is_missing | is_settled | is_open
x1              | v1            | order  | 2026-04-06 | no         | yes        | no
x2              | v1            | result | 2026-04-06 | yes        | yes        | yes
x3              | v2            | order  | 2026-04-07 | yes        | yes        | no
x4              | v3            | order  | 2026-04-07 | no         | yes        | no
x5              | v4            | order  | 2026-04-12 | no         | no         | yes
"""


def test_a_message_is_missing_while_none_came_in_time(spec):
    # x2 never, x3 late, of x1 x2 x3 x4; the log ends before x5 is due
    assert spec.value("message_never_seen_rate", EXPECTED) == (2 / 4, 2, 4, 2)
    assert spec.rows("message_never_seen_rate", EXPECTED, by=("what",)) == [
        ("order", 1 / 3, 1, 3, 1),
        ("result", 1, 1, 1, 1),
    ]


HANDOVERS = """
handover_key | encounter_key | unit   | next_channel | handed_date | is_lost | is_settled | is_open
m1           | v1            | ROUTER | ADT-OUT      | 2026-04-06  | no      | yes        | no
m2           | v2            | ROUTER | ADT-OUT      | 2026-04-06  | yes     | yes        | yes
m3           | v3            | ROUTER | BILLING      | 2026-04-06  | no      | yes        | no
m4           | v4            | ROUTER | ADT-OUT      | 2026-04-12  | no      | no         | yes
"""


def test_a_handover_is_lost_when_the_next_channel_never_received_it(spec):
    # m2 of m1 m2 m3; m4 may still arrive
    assert spec.value("handover_lost_rate", HANDOVERS) == (1 / 3, 1, 3, 2)
    assert spec.value("handover_lost_rate", HANDOVERS, where={"next_channel": ("BILLING",)}) == (0, 0, 1, 0)


PAIRS = """
pair_key  | encounter_key | pair       | done_date  | is_disagreeing | is_settled | is_time_known | is_open
r1        | v1            | laboratory | 2026-04-06 | no             | yes        | yes           | no
r2        | v2            | laboratory | 2026-04-06 | yes            | yes        | yes           | no
r3        | v3            | imaging    | 2026-04-07 | yes            | yes        | yes           | yes
r4        | v4            | imaging    | 2026-04-07 | no             | yes        | yes           | no
r5        | v5            | laboratory | 2026-04-12 | no             | no         | yes           | yes
r6        | v6            | laboratory | 2026-04-08 | yes            | yes        | no            | no
"""


def test_records_disagree_when_the_second_is_done_too_late_or_not(spec):
    # r2 late, r3 not yet, of r1 r2 r3 r4; r5 is fresh, of r6 nobody knows when
    assert spec.value("status_disagreement_rate", PAIRS) == (2 / 4, 2, 4, 2)
    assert spec.excluded("status_disagreement_rate", PAIRS) == [1, 1]
    assert spec.readiness("status_disagreement_rate", PAIRS).state == "biased"


BOUNCED = """
task_key | encounter_key | queue               | creation_date | is_bounced | is_history_known | is_open
t1       | v1            | order-clarification | 2026-04-06    | yes        | yes              | yes
t2       | v2            | order-clarification | 2026-04-06    | no         | yes              | no
t3       | v3            | registration-review | 2026-04-07    | no         | yes              | no
t4       | v4            | registration-review | 2026-04-07    | no         | no               | no
"""


def test_tasks_that_bounced_are_counted_where_their_changes_were_recorded(spec):
    assert spec.value("task_bounce_rate", BOUNCED) == (1 / 3, 1, 3, 1)  # t1 of t1 t2 t3


INCIDENTS = """
incident_key | encounter_key | unit             | incident_type | raised_date | is_open
i1           | v1            | discharge-letter | failedJob     | 2026-04-06  | no
i2           |               | referral         | other         | 2026-04-08  | yes
"""


def test_every_incident_of_a_process_engine_counts_on_the_day_it_was_raised_resolved_or_not(spec):
    assert spec.value("process_incidents", INCIDENTS) == (2, 2, 2, 1)
    assert [row[:2] for row in spec.rows("process_incidents", INCIDENTS, grain="day")] == [
        (date(2026, 4, 6), 1),
        (date(2026, 4, 8), 1),
    ]


WAITS = """
wait_key | encounter_key | workflow  | activity           | wait_date  | is_open
w1       | v1            | discharge | cleaning requested | 2026-04-06 | no
w2       | v2            | discharge | cleaning requested | 2026-04-08 | no
w3       | v3            | ed-to-bed | bed requested      | 2026-04-08 | yes
"""


def test_every_wait_for_a_step_that_nobody_owns_counts_on_the_day_it_began(spec):
    assert spec.value("waits_without_owner", WAITS) == (3, 3, 3, 1)
    assert [row[:2] for row in spec.rows("waits_without_owner", WAITS, grain="day")] == [
        (date(2026, 4, 6), 1),
        (date(2026, 4, 8), 2),
    ]
