"""The suites: for each table that a number depends on, what is expected of it.

Here: the list by table. Not here: the rules (`staging`, `marts`, `interface_marts`, `exceptions`), their vocabulary (`rules`), running
them (`run`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.exceptions import EXCEPTIONS
from data_quality.interface_marts import INTERFACE_MARTS
from data_quality.marts import MARTS
from data_quality.staging import STAGING

if TYPE_CHECKING:
    from data_quality.rules import Rule

SUITES: dict[str, tuple[Rule, ...]] = {**STAGING, **MARTS, **INTERFACE_MARTS, **EXCEPTIONS}
