"""What every test session shares.

Hypothesis: a gate must say the same of the same commit, so `make test` runs the laws on a fixed sequence of examples;
`make explore` runs them on fresh ones and prints what it found as an `@example` to keep.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", max_examples=500, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
