"""What the suites of all marts share: a case stands once and can be walked back, a flag is true or false, steps run forwards.

Here: rules that are put together of others. Not here: which table they hold for (`marts`, `interface_marts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.rules import holds, present, unique

if TYPE_CHECKING:
    from data_quality.rules import Rule

WEEK = 7 * 24 * 60.0
MONTH = 31 * 24 * 60.0
ONE_CASE = "One row is one case: a second row would be counted again."
TRACE = "A number must be walkable back to the file and line that it came from."


def case(key: str) -> tuple[Rule, ...]:
    """A case stands once, and leads to a file, a line and a facility."""
    return (
        unique(key, ONE_CASE),
        present(key, ONE_CASE),
        present("file_id", TRACE, at_least=0.99, severity="content"),
        present("line", TRACE, at_least=0.99, severity="content"),
        present(
            "facility",
            "A case without a facility is in the hospital's number and in no facility's.",
            at_least=0.9,
            severity="content",
        ),
    )


def flags(*columns: str) -> tuple[Rule, ...]:
    """Each of these is true or false."""
    return tuple(
        present(column, "A flag that is neither true nor false would drop the case from a share unseen.")
        for column in columns
    )


def order(earlier: str, later: str, at_least: float = 0.99) -> Rule:
    """One instant does not lie before another."""
    return holds(
        f"{later} is not before {earlier}",
        later,
        f"{later} >= {earlier}",
        "Steps that run backwards are mixed-up clocks or a wrong zone, and their durations mean nothing.",
        at_least=at_least,
    )
