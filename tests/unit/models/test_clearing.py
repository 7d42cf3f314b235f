"""How long a backlog lasts, on numbers that a person can divide."""

import pytest

from models.clearing import time_to_clear


def test_a_backlog_shrinks_by_what_is_completed_beyond_what_is_created():
    # 84 - 70 = 14 more completed in 7 days, 2 a day: 30 / 2
    assert time_to_clear(waiting=30, created=70, completed=84, days=7) == 15


@pytest.mark.parametrize("completed", [70, 69, 0])
def test_a_backlog_that_does_not_shrink_is_never_cleared_at_this_rate(completed):
    assert time_to_clear(waiting=30, created=70, completed=completed, days=7) is None


@pytest.mark.parametrize("completed", [0, 5, 20])
def test_nothing_waiting_is_cleared_already(completed):
    assert time_to_clear(waiting=0, created=10, completed=completed, days=7) == 0


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": -1}, {"waiting": -1}, {"created": -1}, {"completed": -1}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="more than 0"):
        time_to_clear(**({"waiting": 1, "created": 1, "completed": 2, "days": 7} | wrong))
