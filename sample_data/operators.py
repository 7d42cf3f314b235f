"""The people at the integration desk: what they do about a delivery that the engine gave up.

They send most of them again, hours later when nobody looks; some they throw away, where the engine lets its log tell;
some nobody ever sees. Their names stand in the log of the engine that writes them.
"""

from collections.abc import Callable

from sample_data.chance import about, stream
from sample_data.clock import MINUTE
from sample_data.engine_course import ACCEPTED, ERROR, Attempt, Delivery, Rescue
from sample_data.facility import Facility
from sample_data.people import POPULATION, person_of

ROLES = ("integration analyst", "service desk")
SENT_AGAIN, THROWN_AWAY, ARRIVES = 0.62, 0.10, 0.85
MEDIAN_MINUTES, SPREAD = 50, 1.6


class Desk:
    """One facility's integration desk, with its own random numbers."""

    def __init__(self, facility: Facility, seed: int) -> None:
        self._facility, self._seed = facility, seed
        self._draw = stream(seed, facility.slug, "operators")

    def look_at(self, delivery: Delivery, is_down: Callable[[int], bool], number: Callable[[], int]) -> None:
        """Decide about a delivery that the engine gave up; `number` gives the next message number of the channel."""
        draw = self._draw
        chance = draw.random()
        at = delivery.attempts[-1].end + about(draw, MEDIAN_MINUTES, SPREAD) + 1
        person = person_of(self._facility.prefix, draw.randint(1, POPULATION), self._seed)
        role = ROLES[draw.random() < 0.3]  # noqa: PLR2004 - a share of the two roles
        if chance < SENT_AGAIN:
            while is_down(at):
                at += 10 * MINUTE
            start, latency = at + 3, 40 + round(draw.expovariate(1 / 120))
            outcome = ACCEPTED if draw.random() < ARRIVES else ERROR
            delivery.rescue = Rescue(at, person.text, role, number(), Attempt(start, start + latency, outcome))
        elif chance < SENT_AGAIN + THROWN_AWAY and self._facility.engine != "mirth":
            delivery.rescue = Rescue(at, person.text, role, 0, None)
