"""How long a backlog lasts at the rate at which it is being worked off. Pure arithmetic, no reading of any table.

What is open at an instant is `models.backlog`.
"""


def time_to_clear(*, waiting: int, created: int, completed: int, days: float) -> float | None:
    """Days until nothing waits, if as much is created and completed a day as in the last `days` days.

    The fluid model: N' = N + created - completed, so the time is N / (completed - created) a day. 0 where nothing
    waits; None, "never at this rate", where no more is completed than is created.

    Raises:
        ValueError: `days` is not above zero, or a number is below it.
    """
    if days <= 0 or min(waiting, created, completed) < 0:
        raise ValueError(
            f"{waiting} waiting, {created} created and {completed} completed in {days} days: numbers are 0 or more, and "
            "the days that they were counted in are more than 0."
        )
    if waiting == 0:
        return 0.0
    if completed <= created:
        return None
    return waiting * days / (completed - created)
