"""What a case may do instead of keeping to the registered path: words for people.

Not here: what keeping to it means (`models/sql/marts/case_deviation.sql`, `workflow_case.sql`), which step came within its window
(`step_wait.sql`).
"""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "skipped": "did not happen, or its time is not known",
    "repeated": "happened again",
    "out_of_order": "came after a later step",
    "exception": "happened, which is for exceptions",
    "not_registered": "happened and is not registered",
}
"""Each kind in words of a step."""
