"""The known answers about messages and their deliveries, computed a second time in plain Python from the trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sample_data.answers import Cells, Value, completed, quantile, share
from sample_data.clock import DAY, MINUTE, SECOND
from sample_data.trace import DeliveryTrace, MessageTrace, Trace


@dataclass(slots=True)
class Course:
    """One delivery as it stands at the data cut, in milliseconds; what happens later is not known yet.

    `given_up` is when the engine gave up, `resolved` when a person's work ended that: `arrived` or thrown away,
    `asked` when a person first did something about it, `again` whether a message that was sent again arrived then,
    null while it has not ended.
    """

    facility: int | None
    received: int
    entered: int
    tried: int | None
    given_up: int | None
    resolved: int | None
    arrived: int | None
    closed: int | None
    is_open: bool
    attempts: int
    latency: int
    asked: int | None
    is_sent_again: bool = False
    again: bool | None = None

    @property
    def left_queue(self) -> int | None:
        """When the engine's own work on it ended."""
        return self.arrived if self.given_up is None else self.given_up


def _course(message: MessageTrace, d: DeliveryTrace, cut: int) -> Course:
    ended = d.ended < cut
    course = Course(
        facility=message.facility,
        received=message.received,
        entered=d.entered,
        tried=d.tried if ended else None,
        given_up=d.ended if ended and not d.is_delivered else None,
        resolved=None,
        arrived=d.ended if ended and d.is_delivered else None,
        closed=None,
        is_open=not ended,
        attempts=d.attempts,
        latency=d.ended - d.tried,
        asked=None,
    )
    if d.rescued and d.rescued[0] < cut:
        _rescue(course, *d.rescued, cut)
    return course


def _rescue(course: Course, asked: int, again: tuple[int, int, bool] | None, cut: int) -> None:
    """What a person did before the data cut."""
    course.asked = asked
    if again is None:
        course.resolved = course.closed = asked
        return
    start, end, arrives = again
    course.is_sent_again = True
    if end >= cut:
        course.is_open = True
        return
    course.again = arrives
    course.attempts += 1
    if arrives:
        course.arrived = course.resolved = end
        course.latency = end - start


def interfaces(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of this family."""
    cut = cells.cut * SECOND
    courses = [_course(m, d, cut) for m in trace.messages for d in m.deliveries if d.entered < cut]

    def deliveries(measure: Callable[[Sequence[Course], int], Value]) -> list[dict[str, Any]]:
        """Cells by the receipt of the message; `measure` gets the deliveries and how many of them are open."""
        return cells.of(
            courses,
            lambda c: c.received,
            lambda rows, _: measure(rows, sum(c.is_open for c in rows)),
            engine=True,
        )

    def settled_share(holds: Callable[[Course], bool]) -> list[dict[str, Any]]:
        def measure(rows: Sequence[Course], still: int) -> Value:
            return share(sum(holds(c) for c in rows if not c.is_open), len(rows) - still, still)

        return deliveries(measure)

    def attempts(rows: Sequence[Course], still: int) -> Value:
        counts = [c.attempts for c in rows if not c.is_open]
        return Value(sum(counts) / len(counts) if counts else None, sum(counts), len(counts), still)

    def latency(rows: Sequence[Course], still: int) -> Value:
        found = [c.latency for c in rows if c.arrived is not None]
        return Value(quantile(found, 0.95), len(found), len(found), still)

    def hop(q: float) -> Callable[[Sequence[Course], int], Value]:
        def measure(rows: Sequence[Course], still: int) -> Value:
            return completed(
                [((c.arrived or c.closed or cut) - c.entered, c.arrived is not None) for c in rows], q, still
            )

        return measure

    def queue_wait(rows: Sequence[Course], still: int) -> Value:
        return completed([((c.tried or cut) - c.entered, c.tried is not None) for c in rows], 0.95, still)

    def resolved(rows: Sequence[Course], _undated: Sequence[Course]) -> Value:
        due = [c for c in rows if c.given_up is not None and (c.resolved or c.given_up + DAY <= cut)]
        in_a_day = sum(c.resolved is not None and c.resolved - (c.given_up or 0) <= DAY for c in due)
        return share(in_a_day, len(due), sum(c.resolved is None for c in rows))

    dead = [c for c in courses if c.given_up is not None]
    again = [c for c in dead if c.is_sent_again]
    return {
        "interface_messages": cells.of(trace.messages, lambda m: m.received, _number, engine=True),
        "interface_final_failure_rate": settled_share(lambda c: c.arrived is None),
        "interface_first_attempt_failure_rate": settled_share(lambda c: c.attempts > 1 or c.given_up is not None),
        "interface_retry_rate": settled_share(lambda c: c.attempts > 1),
        "interface_attempts_per_delivery": deliveries(attempts),
        "interface_ack_latency": deliveries(latency),
        "interface_hop_latency_p50": deliveries(hop(0.5)),
        "interface_hop_latency_p95": deliveries(hop(0.95)),
        "interface_hop_latency_p99": deliveries(hop(0.99)),
        "interface_queue_wait": deliveries(queue_wait),
        "interface_queue_depth": cells.backlog(
            courses, lambda c: c.entered / SECOND, lambda c: _seconds(c.left_queue), engine=True
        ),
        "dead_letters_open": cells.backlog(
            dead, lambda c: (c.given_up or 0) / SECOND, lambda c: _seconds(c.resolved), engine=True
        ),
        "dead_letters_resolved": cells.of(dead, lambda c: c.given_up, resolved, engine=True),
        "operator_interventions": cells.of(
            [c for c in dead if c.asked is not None], lambda c: c.asked, _number, engine=True
        ),
        "replay_success_rate": cells.of(again, lambda c: c.asked, _arrived, engine=True),
        "replay_recovery_time": cells.of(again, lambda c: c.asked, _recovery, engine=True),
        "schema_drift_rate": cells.of(
            trace.messages,
            lambda m: m.received,
            lambda rows, _: share(sum(m.is_drifted for m in rows), len(rows), 0),
            engine=True,
        ),
    }


def _arrived(rows: Sequence[Course], _undated: Sequence[Course]) -> Value:
    ended = [c.again for c in rows if c.again is not None]
    return share(sum(ended), len(ended), len(rows) - len(ended))


def _recovery(rows: Sequence[Course], _undated: Sequence[Course]) -> Value:
    found = [(c.arrived - c.given_up) / MINUTE for c in rows if c.again and c.arrived and c.given_up is not None]
    return Value(quantile(found, 0.5), len(found), len(found), 0)


def _number(rows: Sequence[object], _undated: Sequence[object]) -> Value:
    return Value(len(rows), len(rows), len(rows), 0)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / SECOND
