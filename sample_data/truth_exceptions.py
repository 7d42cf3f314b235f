"""The known answers about what did not happen, computed a second time in plain Python from the trace."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sample_data.answers import Cells, Value, ms, share
from sample_data.clock import SECOND
from sample_data.critical import WINDOW_MINUTES
from sample_data.trace import (
    CriticalTrace,
    IncidentTrace,
    MessageTrace,
    OrderTrace,
    PairTrace,
    Trace,
    TriggerTrace,
    WorkTrace,
)

WINDOW = WINDOW_MINUTES * 60
TASK_WITHIN = {"admission-decision": 10 * 60, "critical-result": 5 * 60, "bed-left": 15 * 60}
"""Seconds that the simulated registry gives the step after each trigger."""
STUCK = 60 * 60
AGREE_WITHIN = 240 * 60 * SECOND
"""Milliseconds."""
KINDS = {"order": ("ORM", "OML"), "result": ("ORU",)}

Rows = Sequence[Any]


class Expected(NamedTuple):
    """A message that should come: due in seconds, seen in milliseconds; `until` is the end of the log's messages of its kind."""

    facility: int
    due: int
    seen: int | None
    until: int

    @property
    def by(self) -> int:
        """The last instant in time, in milliseconds."""
        return (self.due + STUCK) * SECOND


class Done(NamedTuple):
    """One thing that two records call done, in milliseconds: the first of them, and the second, None while it does not.

    `until` is how far the silent one is known. `hidden` when no file says one of the times to the instant.
    """

    facility: int
    first: int
    second: int | None
    until: int
    hidden: bool


class Wait(NamedTuple):
    """A wait for a step without an owner that was over when the cleaning was asked for."""

    facility: int
    began: int


def exceptions(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of this family."""
    cut = cells.cut
    handed = [m for m in trace.messages if m.hop is not None and m.hop < cut * SECOND]
    return {
        "trigger_without_task_rate": cells.of(_asked(trace), lambda t: ms(t.began), _without_task(cut)),
        "critical_unanswered_rate": cells.of(trace.criticals, lambda c: ms(c.issued), _unanswered(cut)),
        "message_never_seen_rate": cells.of(_expected(trace, cut), lambda e: ms(e.due), _never_seen),
        "handover_lost_rate": cells.of(handed, lambda m: m.hop, _lost),
        "status_disagreement_rate": cells.of(_done(trace, cut), lambda d: d.first, _disagreeing, hides=True),
        "process_incidents": cells.of(trace.incidents, lambda i: i.raised, _incidents(cut)),
        "task_bounce_rate": cells.of(trace.work, lambda w: ms(w.created), _bounced),
        "waits_without_owner": cells.of(_unowned(trace), lambda w: ms(w.began), _number),
    }


def _asked(trace: Trace) -> list[TriggerTrace]:
    """Triggers from the first on that had a task, at its facility: before, nobody can know that one is due."""
    first: dict[tuple[int, str], int] = {}
    for trigger in trace.triggers:
        if trigger.made is not None:
            key = trigger.facility, trigger.kind
            first[key] = min(first.get(key, trigger.began), trigger.began)
    return [t for t in trace.triggers if t.began >= first.get((t.facility, t.kind), t.began + 1)]


def _without_task(cut: int) -> Callable[[Rows, Rows], Value]:
    def measure(rows: Sequence[TriggerTrace], _undated: Rows) -> Value:
        settled = [t for t in rows if t.made is not None or t.began + TASK_WITHIN[t.kind] <= cut]
        missing = sum(t.made is None or t.made > t.began + TASK_WITHIN[t.kind] for t in settled)
        return share(missing, len(settled), sum(t.made is None for t in rows))

    return measure


def _unanswered(cut: int) -> Callable[[Rows, Rows], Value]:
    def measure(rows: Sequence[CriticalTrace], _undated: Rows) -> Value:
        settled = [c for c in rows if c.acknowledged is not None or c.issued + WINDOW <= cut]
        late = [c for c in settled if c.acknowledged is None or c.acknowledged > c.issued + WINDOW]
        unanswered = sum(c.escalated is None or c.escalated > c.issued + WINDOW for c in late)
        return share(unanswered, len(settled), sum(c.acknowledged is None for c in rows))

    return measure


def _expected(trace: Trace, cut: int) -> list[Expected]:
    """Orders and results in the time for which the log of their facility's engine has messages of their kind."""
    received: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for message in trace.messages:
        for what, kinds in KINDS.items():
            if message.kind in kinds and message.facility is not None and message.received < cut * SECOND:
                received[message.facility, what].append(message.received)
    span = {key: (min(times), max(times)) for key, times in received.items()}
    found: list[Expected] = []
    for order in trace.orders:
        for what, due, news in (
            ("order", None if order.revoked else order.ordered, order.order_news),
            ("result", None if order.hidden else order.verified, order.result_news),
        ):
            first, last = span.get((order.facility, what), (0, -1))
            if due is not None and first <= due * SECOND <= last:
                seen = news.sent[0].received if news and news.sent else None
                found.append(Expected(order.facility, due, seen if seen and seen < cut * SECOND else None, last))
    return found


def _never_seen(rows: Sequence[Expected], _undated: Rows) -> Value:
    settled = [e for e in rows if e.seen is not None or e.by <= e.until]
    missing = sum(e.seen is None or e.seen > e.by for e in settled)
    return share(missing, len(settled), sum(e.seen is None for e in rows))


def _lost(rows: Sequence[MessageTrace], _undated: Rows) -> Value:
    """Lost messages lie hours before the end of the log, so that all are settled."""
    lost = sum(m.is_lost for m in rows)
    return share(lost, len(rows), lost)


def _done(trace: Trace, cut: int) -> list[Done]:
    """Orders with their reports, and every other pair of records."""

    def known(order: OrderTrace) -> bool:
        return not order.hidden and not (order.undated and order.completed is not None)

    end = cut * SECOND
    orders = [
        Done(o.facility, o.verified * SECOND, ms(o.completed), end, not known(o))
        for o in trace.orders
        if o.verified is not None
    ]
    examinations = [
        Done(e.facility, e.final * SECOND, e.final * SECOND, end, e.undated)
        for e in trace.examinations
        if e.final is not None
    ]
    return orders + examinations + _told(trace.pairs, end)


def _told(pairs: Sequence[PairTrace], end: int) -> list[Done]:
    """Visits and moves with their messages, tasks with their orders. A message is missing only while the log has others of its kind."""
    sent: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for pair in pairs:
        if pair.second is not None and pair.second < end:
            sent[pair.facility, pair.pair].append(pair.second)
    found: list[Done] = []
    for pair in pairs:
        first, second = (at if at is not None and at < end else None for at in (pair.first, pair.second))
        times = [at for at in (first, second) if at is not None]
        log = sent[pair.facility, pair.pair]
        is_message_missing = second is None and pair.pair != "task"
        is_a_move = second is not None and any(abs(at - second) <= AGREE_WITHIN for at in pair.moves())
        if not times or is_a_move or (is_message_missing and times[0] < min(log)):
            continue
        until = max(log) if is_message_missing else end
        found.append(Done(pair.facility, min(times), max(times) if len(times) > 1 else None, until, pair.hidden))
    return found


def _disagreeing(rows: Sequence[Done], _undated: Rows) -> Value:
    settled = [d for d in rows if d.second is not None or d.first + AGREE_WITHIN <= d.until]
    wrong = sum(d.second is None or d.second > d.first + AGREE_WITHIN for d in settled)
    return share(wrong, len(settled), sum(d.second is None for d in rows))


def _incidents(cut: int) -> Callable[[Rows, Rows], Value]:
    def measure(rows: Sequence[IncidentTrace], _undated: Rows) -> Value:
        return Value(len(rows), len(rows), len(rows), sum(not i.ended or i.ended >= cut * SECOND for i in rows))

    return measure


def _bounced(rows: Sequence[WorkTrace], _undated: Rows) -> Value:
    return share(sum(w.bounced for w in rows), len(rows), sum(w.closed is None for w in rows))


def _unowned(trace: Trace) -> list[Wait]:
    return [
        Wait(s.facility, s.departed)
        for s in trace.stays
        if s.ordered is not None and s.departed is not None and s.emptied and s.emptied.made is not None
    ]


def _number(rows: Rows, _undated: Rows) -> Value:
    return Value(len(rows), len(rows), len(rows), 0)
