"""Who acted during a stretch of a wait: the engine, its own rule, or a person whose touch the log shows."""

from datetime import UTC, datetime

from models.waits import ACTORS, PARTS, hand

NINE, TEN, ELEVEN = (datetime(2026, 4, 12, hour, tzinfo=UTC) for hour in (9, 10, 11))
GIVEN_UP = {"source": "mirth", "channel": "ORDERS", "from_at": NINE, "until_at": TEN}


def touch(occurred_at, role="service desk", channel="ORDERS", source="mirth"):
    return {"source": source, "channel": channel, "occurred_at": occurred_at, "role": role, "kind": "replayed"}


def test_a_message_that_a_person_sent_again_ends_the_time_in_which_nobody_had_it():
    found = hand(GIVEN_UP, [touch(ELEVEN, "later"), touch(TEN)])
    assert found is not None
    assert found["role"] == "service desk"


def test_what_was_done_before_elsewhere_or_in_another_engine_does_not_count():
    assert hand(GIVEN_UP, [touch(NINE), touch(ELEVEN), touch(TEN, channel="ADT"), touch(TEN, source="engine")]) is None
    assert hand(GIVEN_UP | {"source": None, "channel": None}, [touch(TEN, channel=None, source=None)]) is None


def test_every_part_says_who_acts_meanwhile():
    assert {part.id: part.actor for part in PARTS.values()} == {
        "source": "source", "transport": "engine", "queue": "engine", "retry": "rule", "unacknowledged": "nobody", "people": "person",
        "unknown": "unknown",
    }  # fmt: skip
    assert {part.actor for part in PARTS.values()} == ACTORS.keys()
