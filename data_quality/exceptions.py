"""What must be true of the marts of what did not happen: triggers, expected messages, handovers, pairs of records, the queue.

Here: rules over what was expected and what came of it. Not here: rules over what happened (`marts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.rules import between, holds, one_of, present, unique

if TYPE_CHECKING:
    from data_quality.rules import Rule

_ONE = "One row is one thing that should happen: a second row would be counted and shown again."
_TRACE = "What should have happened must be walkable back to the line that says so."


def _expected(key: str, *flags: str) -> tuple[Rule, ...]:
    return (
        unique(key, _ONE),
        present(key, _ONE),
        *(present(each, "A flag that is neither true nor false would drop the case unseen.") for each in flags),
        present("file_id", _TRACE, at_least=0.9, severity="content"),
    )


def _open_is_missing(missing: str) -> Rule:
    return holds(
        "what is missing was due",
        missing,
        f"not {missing} or is_settled",
        "Before its time is over nothing is missing.",
        severity="structural",
    )


EXCEPTIONS: dict[str, tuple[Rule, ...]] = {
    "marts.task_trigger": (
        *_expected("trigger_key", "is_missing", "is_settled", "is_open"),
        _open_is_missing("is_missing"),
        one_of("trigger", ("admission-decision", "critical-result", "bed-left"), "Each trigger asks for its own task."),
    ),
    "marts.expected_message": (
        *_expected("expectation_key", "is_missing", "is_settled", "is_open"),
        _open_is_missing("is_missing"),
        one_of("what", ("order", "result"), "An order and its result are two messages."),
    ),
    "marts.handover": (
        *_expected("handover_key", "is_lost", "is_settled", "is_open"),
        _open_is_missing("is_lost"),
    ),
    "marts.status_pair": (
        *_expected("pair_key", "is_disagreeing", "is_settled", "is_open", "is_time_known"),
        _open_is_missing("is_disagreeing"),
    ),
    "marts.record_status": (
        *(
            present(each, "A flag that is neither true nor false would drop the record unseen.")
            for each in ("is_done", "is_due", "is_time_known")
        ),
        present("file_id", _TRACE, at_least=0.9, severity="content"),
    ),
    "marts.process_incident": _expected("incident_key", "is_open"),
    "marts.unowned_wait": _expected("wait_key", "is_open"),
    "marts.workflow_case": _expected("workflow_case_key", "is_on_path", "is_settled", "is_path_known", "is_open"),
    "marts.step_wait": _expected("step_wait_key", "is_within", "is_settled", "is_path_known", "is_open"),
    "marts.work_exception": (
        *_expected("exception_key", "is_open"),
        present("expected_at", "Without the time by which it was due nobody knows since when it did not happen."),
        between("minutes_open", 0, None, "Nothing is late before it is due."),
    ),
}
