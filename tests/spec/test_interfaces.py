# ruff: noqa: E501 - a row of a literal table is one line
"""The interface KPIs on messages that can be counted by hand."""

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
