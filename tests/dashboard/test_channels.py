"""The board of channels: which need somebody, whoever registered them."""

import pytest

from dashboard.channels import headline, judged

CALM = {
    "channel": "LAB", "is_seen": True, "is_registered": True, "silent": False, "deliveries": 100, "failed_final": 0,
    "failed_first": 0, "retried": 0, "queue_depth": 0, "oldest_queued_minutes": None, "dead_letters_open": 0,
}  # fmt: skip


@pytest.mark.parametrize("is_registered", [True, False])
@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({"silent": True}, "silent"),
        ({"queue_depth": 40, "oldest_queued_minutes": 90.0}, "queueing"),
        ({"failed_final": 90}, "failing"),
    ],
)
def test_a_channel_in_trouble_needs_somebody_whether_or_not_it_is_registered(seen, state, is_registered):
    row = judged(CALM | seen | {"is_registered": is_registered})
    assert row["state"] == state
    lead, said = headline([row])
    assert lead == "One of 1 channels needs somebody."
    assert ("not registered" in said) is not is_registered


def test_a_channel_that_flows_and_is_not_registered_says_so():
    row = judged(CALM | {"is_registered": False})
    assert (row["state"], headline([row])[0]) == ("unregistered", "The one channel flows.")
