"""The known answers about orders and their results, computed a second time in plain Python from the trace."""

from collections.abc import Sequence
from typing import Any

from sample_data.answers import Cells, Value, completed, ms, share
from sample_data.critical import WINDOW_MINUTES
from sample_data.trace import CriticalTrace, OrderTrace, Trace


def results(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of this family."""
    cut = cells.cut

    def turnaround(rows: Sequence[OrderTrace], _undated: Sequence[OrderTrace]) -> Value:
        cases = [
            (((cut if o.verified is None else o.verified) - o.ordered) / 60, o.verified is not None)
            for o in rows
            if not o.revoked
        ]
        return completed(cases, 0.9, sum(not is_finished for _, is_finished in cases))

    def acknowledged(rows: Sequence[CriticalTrace], _undated: Sequence[CriticalTrace]) -> Value:
        window = WINDOW_MINUTES * 60
        settled = [c for c in rows if c.acknowledged is not None or c.issued + window <= cut]
        in_time = sum(c.acknowledged is not None and c.acknowledged - c.issued <= window for c in settled)
        return share(in_time, len(settled), sum(c.acknowledged is None for c in rows))

    return {
        "lab_turnaround": cells.of(trace.orders, lambda o: ms(o.ordered), turnaround, hides=True),
        "critical_result_acknowledged": cells.of(trace.criticals, lambda c: ms(c.issued), acknowledged),
    }
