"""The known answers about orders and their results, computed a second time in plain Python from the trace."""

from collections.abc import Callable, Sequence
from typing import Any

from sample_data.answers import Cells, Value, completed, ms, share
from sample_data.critical import WINDOW_MINUTES
from sample_data.trace import CriticalTrace, ImagingTrace, OrderTrace, Trace

WINDOW = WINDOW_MINUTES * 60

Stamp = Callable[[OrderTrace], int | None]
Measure = Callable[[Sequence[Any], Sequence[Any]], Value]


def results(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of this family."""
    orders = {
        "lab_turnaround": _leg(cells.cut, _ordered, _verified, 0.9),
        "lab_turnaround_median": _leg(cells.cut, _ordered, _verified, 0.5),
        "lab_turnaround_stat": _leg(cells.cut, _ordered, _verified, 0.9, only_stat=True),
        "lab_order_to_collection": _leg(cells.cut, _ordered, _collected, 0.5),
        "lab_collection_to_receipt": _leg(cells.cut, _collected, _received, 0.5),
        "lab_receipt_to_verification": _leg(cells.cut, _received, _verified, 0.5),
    }
    hidden = {"lab_turnaround", "lab_turnaround_median", "lab_turnaround_stat", "lab_receipt_to_verification"}
    criticals = {
        "critical_result_acknowledged": _acknowledged(cells.cut),
        "critical_acknowledgement_time": _acknowledgement_time(cells.cut),
        "escalation_latency": _escalation(cells.cut),
    }
    examinations = {
        "imaging_turnaround": _imaging(cells.cut, lambda e: e.ordered, lambda e: e.final, 0.9),
        "imaging_order_to_exam": _imaging(cells.cut, lambda e: e.ordered, lambda e: e.started, 0.5),
        "imaging_exam_to_report": _imaging(cells.cut, lambda e: e.started, lambda e: e.final, 0.5),
    }
    answers = {
        kpi: cells.of(trace.orders, lambda o: ms(o.ordered), measure, hides=kpi in hidden)
        for kpi, measure in orders.items()
    }
    answers["order_to_fulfilment"] = _fulfilment(trace, cells)
    answers |= {kpi: cells.of(trace.criticals, lambda c: ms(c.issued), each) for kpi, each in criticals.items()}
    return answers | {
        kpi: cells.of(trace.examinations, lambda e: ms(e.ordered), each) for kpi, each in examinations.items()
    }


def _ordered(order: OrderTrace) -> int | None:
    return order.ordered


def _collected(order: OrderTrace) -> int | None:
    return order.collected


def _received(order: OrderTrace) -> int | None:
    return order.received


def _verified(order: OrderTrace) -> int | None:
    return order.verified


def _leg(cut: int, begin: Stamp, end: Stamp, q: float, *, only_stat: bool = False) -> Measure:
    """From one stamp to the next, of orders that reached the first and were not taken back."""

    def measure(rows: Sequence[OrderTrace], _undated: Sequence[OrderTrace]) -> Value:
        cases: list[tuple[float, bool]] = []
        for order in rows:
            began, ended = begin(order), end(order)
            if began is not None and not order.revoked and (order.is_stat or not only_stat):
                cases.append((((cut if ended is None else ended) - began) / 60, ended is not None))
        return completed(cases, q, sum(not is_finished for _, is_finished in cases))

    return measure


def _imaging(
    cut: int, begin: Callable[[ImagingTrace], int | None], end: Callable[[ImagingTrace], int | None], q: float
) -> Measure:
    """From one stamp to another, of examinations that reached the first and were not taken back."""

    def measure(rows: Sequence[ImagingTrace], _undated: Sequence[ImagingTrace]) -> Value:
        cases: list[tuple[float, bool]] = []
        for examination in rows:
            began, ended = begin(examination), end(examination)
            if began is not None and not examination.revoked:
                cases.append((((ended or cut) - began) / 60, ended is not None))
        return completed(cases, q, sum(not is_finished for _, is_finished in cases))

    return measure


def _fulfilment(trace: Trace, cells: Cells) -> list[dict[str, Any]]:
    """From the order to its last result. What no file dates is known to be fulfilled from the next export on."""

    def measure(rows: Sequence[Any], *, observed: bool) -> Value:
        cases: list[tuple[float, bool]] = []
        for row in rows:
            if not row.revoked:
                ended = row.completed if isinstance(row, OrderTrace) else row.final
                if observed and row.undated and ended is not None:
                    ended = next(at for at in trace.exports if at >= ended)
                cases.append((((cells.cut if ended is None else ended) - row.ordered) / 60, ended is not None))
        return completed(cases, 0.5, sum(not is_finished for _, is_finished in cases))

    placed = [*trace.orders, *trace.examinations]
    true = cells.of(placed, lambda o: ms(o.ordered), lambda rows, _: measure(rows, observed=False))
    seen = cells.of(placed, lambda o: ms(o.ordered), lambda rows, _: measure(rows, observed=True))
    return [one | {"observable": other["observable"]} for one, other in zip(true, seen, strict=True)]


def _acknowledged(cut: int) -> Measure:
    def measure(rows: Sequence[CriticalTrace], _undated: Sequence[CriticalTrace]) -> Value:
        settled = [c for c in rows if c.acknowledged is not None or c.issued + WINDOW <= cut]
        in_time = sum(c.acknowledged is not None and c.acknowledged - c.issued <= WINDOW for c in settled)
        return share(in_time, len(settled), sum(c.acknowledged is None for c in rows))

    return measure


def _acknowledgement_time(cut: int) -> Measure:
    def measure(rows: Sequence[CriticalTrace], _undated: Sequence[CriticalTrace]) -> Value:
        cases = [(((c.acknowledged or cut) - c.issued) / 60, c.acknowledged is not None) for c in rows]
        return completed(cases, 0.5, sum(c.acknowledged is None for c in rows))

    return measure


def _escalation(cut: int) -> Measure:
    """Of results whose window passed without an answer: from its end to the escalation, 0 when that came earlier."""

    def measure(rows: Sequence[CriticalTrace], _undated: Sequence[CriticalTrace]) -> Value:
        late = [c for c in rows if c.issued + WINDOW <= cut and (c.acknowledged or cut + 1) > c.issued + WINDOW]
        cases = [
            (max(0, (c.escalated or c.acknowledged or cut) - c.issued - WINDOW) / 60, c.escalated is not None)
            for c in late
        ]
        return completed(cases, 0.5, sum(c.escalated is None and c.acknowledged is None for c in late))

    return measure
