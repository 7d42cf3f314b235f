"""The Dagster code location: everything under `pipelines/defs`. Which hospital it serves is WARDFLOW_HOME, read when
something runs.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, schedules, sensors and resources, one folder per concept."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
