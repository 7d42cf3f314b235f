"""Which open exceptions are a message that never came, and who should have had it."""

from datetime import UTC, datetime

import pytest

from models.missing import Missing, never_arrived

TEN = datetime(2026, 1, 12, 10, tzinfo=UTC)
LOST = {
    "exception_key": "e1", "kind": "message_lost", "is_open": True, "encounter_key": "visit", "order_key": "order",
    "message_key": "message", "facility": "Northfield", "source": "hub", "channel": "EHR-RESULTS", "expected_at": TEN,
    "what": "delivered to the next engine and never received there",
}  # fmt: skip
SAID = Missing("EHR-RESULTS (hub)", "delivered to the next engine and never received there", TEN, "message", "order")


@pytest.mark.parametrize("key", ["visit", "order", "message"])
def test_a_lost_message_names_the_channel_that_did_not_get_it_by_the_key_of_its_visit_order_or_message(key):
    assert never_arrived([LOST], {key}) == [SAID]


def test_a_message_that_no_log_has_names_the_channel_that_usually_carries_its_kind_else_the_facilitys_engine():
    never = LOST | {"kind": "message_never_seen", "message_key": None, "what": "no order message in the engine's log"}
    (by_channel,) = never_arrived([never], {"order"})
    (by_nothing,) = never_arrived([never | {"source": None, "channel": None}], {"order"})
    assert by_channel == ("EHR-RESULTS (hub)", "no order message in the engine's log", TEN, None, "order")
    assert by_nothing.where == "Northfield, interface engine"


@pytest.mark.parametrize("other", [{"is_open": False}, {"kind": "missed_handoff"}, {"order_key": "another"}])
def test_what_came_after_all_what_is_no_message_and_what_is_about_others_is_not_missing(other):
    assert never_arrived([LOST | other], {"order"}) == []


def test_what_is_found_by_several_of_its_keys_is_told_once_and_the_earliest_first():
    earlier = LOST | {"exception_key": "e2", "expected_at": TEN.replace(hour=9)}
    assert [each.since.hour for each in never_arrived([LOST, earlier, LOST], {"visit", "message"})] == [9, 10]
