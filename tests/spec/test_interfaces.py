# ruff: noqa: E501 - a row of a literal table is one line
"""The interface KPIs on messages that can be counted by hand."""

from datetime import date

import pytest

MESSAGES = """
message_key | encounter_key | channel | msg_type | msg_trigger | state     | received_date
m1          | v1            | ROUTER  | ADT      | A01         | delivered | 2026-01-05
m2          | v1            | RESULTS | ORU      | R01         | failed    | 2026-01-05
m3          | -             | ROUTER  | ADT      | A08         | queued    | 2026-01-06
"""
DELIVERIES = """
delivery_key | channel | destination | msg_type | error_class | received_date | is_failed | is_settled | is_delivered | is_latency_known | is_open | ack_latency_ms
d1           | ADT     | LIS         | ADT      | -           | 2026-01-05    | no        | yes        | yes          | yes              | no      | 100
d2           | ADT     | BED-MGMT    | ADT      | -           | 2026-01-05    | no        | yes        | yes          | yes              | no      | 300
d3           | RESULTS | EHR         | ORU      | nack        | 2026-01-05    | yes       | yes        | no           | no               | no      | -
d4           | ADT     | LIS         | ADT      | connect     | 2026-01-06    | no        | no         | no           | no               | yes     | -
d5           | ADT     | LIS         | ADT      | -           | 2026-01-06    | no        | yes        | yes          | no               | no      | -
"""


def test_messages_count_where_they_came_in(spec):
    assert spec.rows("interface_messages", MESSAGES, by=("channel",)) == [
        ("RESULTS", 1, 1, 1, 0),
        ("ROUTER", 2, 2, 2, 0),
    ]


def test_the_final_failure_rate_leaves_the_queue_out_and_shows_it(spec):
    # d3 of d1 d2 d3 d5
    assert spec.value("interface_final_failure_rate", DELIVERIES) == (1 / 4, 1, 4, 1)
    assert spec.excluded("interface_final_failure_rate", DELIVERIES) == [1]


def test_ack_latency_interpolates_between_deliveries_stamped_by_one_clock(spec):
    # 100 + 0.95 x (300 - 100)
    assert spec.value("interface_ack_latency", DELIVERIES) == (290, 2, 2, 1)
    assert spec.excluded("interface_ack_latency", DELIVERIES) == [2, 1]


def test_a_share_of_nothing_is_unknown_not_zero(spec):
    assert spec.value("interface_final_failure_rate", DELIVERIES, where={"channel": ("NONE",)}) == (None, 0, 0, 0)
    assert spec.value("interface_ack_latency", DELIVERIES, where={"channel": ("RESULTS",)}) == (None, 0, 0, 0)


def test_deliveries_without_a_latency_turn_it_biased(spec):
    verdict = spec.readiness("interface_ack_latency", DELIVERIES)
    assert (verdict.state, verdict.inputs[0].completeness) == ("biased", 2 / 3)


COURSES = """
delivery_key | channel | destination | msg_type | error_class | received_date | attempts | is_first_attempt_failed | is_retried | is_settled | is_open
d1           | ADT     | LIS         | ADT      | -           | 2026-01-05    | 1        | no                      | no         | yes        | no
d2           | ADT     | LIS         | ADT      | connect     | 2026-01-05    | 4        | yes                     | yes        | yes        | no
d3           | RESULTS | EHR         | ORU      | nack        | 2026-01-05    | 1        | yes                     | no         | yes        | no
d4           | ADT     | LIS         | ADT      | connect     | 2026-01-06    | 3        | yes                     | yes        | no         | yes
"""


def test_a_first_attempt_that_failed_is_counted_also_when_a_later_one_succeeded(spec):
    # d2 was delivered at the fourth attempt, d3 was refused at once; d4 is not over
    assert spec.value("interface_first_attempt_failure_rate", COURSES) == (2 / 3, 2, 3, 1)


def test_a_delivery_given_up_at_once_was_not_retried(spec):
    assert spec.value("interface_retry_rate", COURSES) == (1 / 3, 1, 3, 1)


def test_attempts_are_counted_of_deliveries_that_are_over(spec):
    # one, four and one attempts of three deliveries; d4 is not over
    assert spec.value("interface_attempts_per_delivery", COURSES) == (2, 6, 3, 1)
    assert spec.value("interface_attempts_per_delivery", COURSES, where={"channel": ("RESULTS",)}) == (1, 1, 1, 0)


HOPS = """
delivery_key | channel | destination | msg_type | received_date | is_hop_known | hop_elapsed_ms | is_delivered | is_open
d1           | ADT     | LIS         | ADT      | 2026-01-05    | yes          | 100            | yes          | no
d2           | ADT     | LIS         | ADT      | 2026-01-05    | yes          | 200            | yes          | no
d3           | ADT     | LIS         | ADT      | 2026-01-05    | yes          | 150            | no           | yes
d4           | ADT     | LIS         | ADT      | 2026-01-05    | yes          | 900            | yes          | no
d5           | ADT     | LIS         | ADT      | 2026-01-05    | no           | -              | yes          | no
"""


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        # still under way after 100 ms: 3/4; d3 leaves the row at 150; after 200 ms 3/4 x 1/2 = 3/8; after 900 ms none
        ("interface_hop_latency_p50", 200),
        ("interface_hop_latency_p95", 900),
        ("interface_hop_latency_p99", 900),
    ],
)
def test_what_is_still_under_way_takes_at_least_as_long_as_it_has(spec, kpi, value):
    assert spec.value(kpi, HOPS) == (value, 3, 4, 1)
    assert spec.excluded(kpi, HOPS) == [1]
    assert spec.readiness(kpi, HOPS).state == "biased"


def test_a_percentile_that_never_arrives_is_not_estimable(spec):
    never = HOPS.replace("900            | yes", "900            | no ")
    # still under way after 200 ms: 3/8, more than 5 and than 1 percent
    assert spec.value("interface_hop_latency_p95", never) == (None, 2, 4, 1)


QUEUE = """
delivery_key | channel | destination | msg_type | received_date | is_queue_wait_known | queue_elapsed_ms | is_queue_wait_over | is_open | entered_at       | settled_at
d1           | ADT     | LIS         | ADT      | 2026-01-05    | yes                 | 1                | yes                | no      | 2026-01-05T10:00 | 2026-01-05T10:00
d2           | ADT     | LIS         | ADT      | 2026-01-05    | yes                 | 60000            | yes                | no      | 2026-01-05T10:00 | 2026-01-05T10:01
d3           | ADT     | LIS         | ADT      | 2026-01-05    | yes                 | 90000            | no                 | yes     | 2026-01-05T22:30 | -
d4           | ADT     | LIS         | ADT      | 2026-01-05    | no                  | -                | yes                | no      | 2026-01-05T10:00 | 2026-01-06T10:00
"""


def test_the_wait_in_the_queue_counts_those_who_still_wait(spec):
    # of three, d1 is over after 1 ms and d2 after 60 s: one third is still waiting, which is more than 5 percent
    assert spec.value("interface_queue_wait", QUEUE) == (None, 2, 3, 1)
    # without d3 the second of two
    assert spec.value("interface_queue_wait", QUEUE.replace("90000", "-    ")) == (60000, 2, 2, 1)
    assert spec.excluded("interface_queue_wait", QUEUE) == [1]


def test_the_depth_of_the_queue_is_what_was_routed_and_not_settled_at_the_end_of_the_day(spec):
    asked = {"start": date(2026, 1, 5), "end": date(2026, 1, 7), "grain": "day"}
    assert spec.rows("interface_queue_depth", QUEUE, **asked) == [
        (date(2026, 1, 5), 2, 14 * 60 + 90, 2, 2),  # d4 for 14 hours, d3 for an hour and a half
        (date(2026, 1, 6), 1, 24 * 60 + 90, 1, 1),  # d3
    ]


DEAD = """
delivery_key | channel | destination | msg_type | error_class | given_up_at      | resolved_at      | is_resolved_in_a_day | is_resolution_due | is_unresolved
d1           | ADT     | LIS         | ADT      | nack        | 2026-01-05T10:00 | 2026-01-05T11:00 | yes                  | yes               | no
d2           | ADT     | LIS         | ADT      | nack        | 2026-01-05T12:00 | 2026-01-07T12:00 | no                   | yes               | no
d3           | ADT     | LIS         | ADT      | connect     | 2026-01-05T18:00 | -                | no                   | yes               | yes
d4           | ADT     | LIS         | ADT      | connect     | 2026-01-07T23:00 | -                | no                   | no                | yes
d5           | ADT     | LIS         | ADT      | -           | -                | -                | no                   | no                | no
"""


def test_dead_letters_wait_from_giving_up_to_delivery_or_discarding(spec):
    asked = {"start": date(2026, 1, 5), "end": date(2026, 1, 8), "grain": "day"}
    assert spec.rows("dead_letters_open", DEAD, **asked) == [
        (date(2026, 1, 5), 2, (12 + 6) * 60, 2, 2),  # d2 and d3
        (date(2026, 1, 6), 2, (36 + 30) * 60, 2, 2),
        (date(2026, 1, 7), 2, (54 + 1) * 60, 2, 2),  # d3 and d4
    ]


def test_dead_letters_of_the_last_day_are_not_held_against_anyone_yet(spec):
    # d1 of d1 d2 d3; d4 still has time
    assert spec.value("dead_letters_resolved", DEAD) == (1 / 3, 1, 3, 2)
    assert spec.excluded("dead_letters_resolved", DEAD) == [1]


SHAPES = """
message_key | channel | msg_type | msg_trigger | received_date | is_shape_known | is_drifted
m1          | RESULTS | ORU      | R01         | 2026-01-05    | yes            | no
m2          | RESULTS | ORU      | R01         | 2026-01-06    | yes            | yes
m3          | RESULTS | ORU      | R01         | 2026-01-06    | no             | no
"""
BY_HAND = """
intervention_key | kind             | occurred_date | is_of_message | is_confirmed | is_replay | is_replay_settled | is_replay_open | is_recovered | is_recovery_known | minutes_to_recover
i1               | replayed         | 2026-01-05    | yes           | yes          | yes       | yes               | no             | yes          | yes               | 30
i2               | replayed         | 2026-01-05    | yes           | yes          | yes       | yes               | no             | yes          | yes               | 50
i3               | replayed         | 2026-01-06    | yes           | yes          | yes       | yes               | no             | no           | no                | -
i4               | replayed         | 2026-01-06    | yes           | yes          | yes       | no                | yes            | no           | no                | -
i5               | discarded        | 2026-01-06    | yes           | yes          | no        | no                | no             | no           | no                | -
i6               | replay_requested | 2026-01-06    | yes           | no           | no        | no                | no             | no           | no                | -
i7               | flow_stopped     | 2026-01-06    | no            | yes          | no        | no                | no             | no           | no                | -
i8               | replayed         | 2026-01-06    | yes           | yes          | yes       | yes               | no             | yes          | no                | -
"""


def test_a_message_out_of_its_usual_format_is_drift(spec):
    # m2 of m1 m2; the format of m3 was not logged
    assert spec.value("schema_drift_rate", SHAPES) == (1 / 2, 1, 2, 0)
    assert spec.excluded("schema_drift_rate", SHAPES) == [1]
    assert spec.readiness("schema_drift_rate", SHAPES).state == "biased"


def test_what_was_done_to_messages_by_hand_is_counted_and_what_was_only_asked_for_is_counted_apart(spec):
    assert spec.rows("operator_interventions", BY_HAND, by=("kind",)) == [
        ("discarded", 1, 1, 1, 0),
        ("flow_stopped", 0, 0, 0, 0),
        ("replay_requested", 0, 0, 0, 0),
        ("replayed", 5, 5, 5, 0),
    ]
    # i7 is of a channel; of i6 no effect was seen
    assert spec.excluded("operator_interventions", BY_HAND) == [1, 1]


def test_a_replay_succeeds_when_all_its_deliveries_arrive(spec):
    # i1, i2, i8 of i1, i2, i3, i8; i4 is still under way, the others are no replays
    assert spec.value("replay_success_rate", BY_HAND) == (3 / 4, 3, 4, 1)
    assert spec.excluded("replay_success_rate", BY_HAND) == [3, 1]


def test_recovery_counts_from_the_failure_to_the_delivery(spec):
    # half way between 30 and 50; nobody knows when i8 had failed
    assert spec.value("replay_recovery_time", BY_HAND) == (40, 2, 2, 0)
    assert spec.excluded("replay_recovery_time", BY_HAND) == [3, 2, 1]
    assert spec.readiness("replay_recovery_time", BY_HAND).state == "biased"


HOURS = """
channel_hour_key | channel | messages | expected_messages | is_baseline_known | silent_minutes | began_date
h1               | SCHED   | 9        | 10                | yes               | 0              | 2026-01-05
h2               | SCHED   | 0        | 8                 | yes               | 60             | 2026-01-05
h3               | SCHED   | 5        | -                 | no                | 15             | 2026-01-06
"""


def test_silent_minutes_are_added_up(spec):
    assert spec.value("silent_feed_minutes", HOURS) == (75, 75, 3, 0)
    assert spec.value("silent_feed_minutes", HOURS, where={"channel": ("ADT",)}) == (0, 0, 0, 0)
    assert spec.cases("silent_feed_minutes", HOURS)["h3"]["value"] == 15


def test_messages_are_compared_with_what_is_usual_at_that_hour(spec):
    # 9 + 0 of 10 + 8; nobody knows what is usual for h3
    assert spec.value("interface_throughput_ratio", HOURS) == (9 / 18, 9, 18, 0)
    assert spec.excluded("interface_throughput_ratio", HOURS) == [1]
    assert spec.readiness("interface_throughput_ratio", HOURS).state == "biased"
