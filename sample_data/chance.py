"""Randomness: seeded streams of numbers, one for each kind of decision, and the few distributions in use."""

import math
from random import Random

from sample_data.clock import MINUTE


def stream(seed: int, *names: object) -> Random:
    """A stream of its own for each combination of names: drawing more of one thing never changes another."""
    return Random("|".join(map(str, (seed, *names))))  # noqa: S311 - nothing here is secret


def happens(draw: Random, share: float) -> bool:
    """Whether something that happens to this share of cases (0 to 1) happens now."""
    return draw.random() < share


def about(draw: Random, median_minutes: float, spread: float = 0.4) -> int:
    """A duration in milliseconds that is usually near its median and sometimes much longer (lognormal)."""
    return round(median_minutes * MINUTE * math.exp(draw.gauss(0.0, spread)))
