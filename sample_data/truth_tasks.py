"""The known answers about tasks of the work queues, computed a second time in plain Python from the trace."""

from collections.abc import Callable, Sequence
from typing import Any

from sample_data.answers import Cells, Value, completed, ms, share
from sample_data.trace import Trace, WorkTrace

Measure = Callable[[Sequence[Any], Sequence[Any]], Value]


def tasks(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of this family."""
    cut, work = cells.cut, trace.work
    overdue = [w for w in work if w.due <= cut and (w.closed is None or w.closed > w.due)]

    def completion(rows: Sequence[WorkTrace], _undated: Sequence[WorkTrace]) -> Value:
        cases = [(((w.closed or cut) - w.created) / 60, w.closed is not None) for w in rows]
        return completed(cases, 0.5, sum(w.closed is None for w in rows))

    def touches(rows: Sequence[WorkTrace], _undated: Sequence[WorkTrace]) -> Value:
        return share(sum(w.touches for w in rows), len(rows), 0)

    def closed(measure: Measure) -> list[dict[str, Any]]:
        return cells.of(work, lambda w: ms(w.closed), measure)

    return {
        "tasks_open": cells.backlog(work, lambda w: w.created, lambda w: w.closed),
        "tasks_overdue": cells.backlog(overdue, lambda w: w.due, lambda w: w.closed),
        "tasks_created": cells.of(work, lambda w: ms(w.created), _number),
        "tasks_completed": closed(_number),
        "task_completion_time": cells.of(work, lambda w: ms(w.created), completion),
        "manual_touches_per_task": closed(touches),
        "task_override_rate": closed(_those(lambda w: w.overridden)),
        "tasks_without_manual_touch": closed(_those(lambda w: w.touches == 0)),
        "task_rework_rate": closed(_those(lambda w: w.reworked)),
    }


def _number(rows: Sequence[WorkTrace], _undated: Sequence[WorkTrace]) -> Value:
    return Value(len(rows), len(rows), len(rows), 0)


def _those(holds: Callable[[WorkTrace], bool]) -> Measure:
    def measure(rows: Sequence[WorkTrace], _undated: Sequence[WorkTrace]) -> Value:
        return share(sum(holds(w) for w in rows), len(rows), 0)

    return measure
