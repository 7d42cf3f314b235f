"""What each road can know of a delivery, told from what truly happened: state, attempts, whether those are exact, and latency.

Here: the limits of every format as plain rules. Not here: writing a format (`roads`). A road that keeps events of an engine knows
all; the others know less, and are judged by no more than that.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sample_data.engine_course import ACCEPTED, REFUSED, TIMEOUT, Attempt, Delivery, Message


class Known(NamedTuple):
    """A delivery at the data cut. `latency` is of the attempt that delivered it, in milliseconds."""

    destination: str
    state: str
    attempts: int
    is_exact: bool
    latency: int | None


def attempts_before(delivery: Delivery, cut: int) -> list[Attempt]:
    """Every attempt that began before an instant, the engine's and a person's."""
    rescue = delivery.rescue
    again = [rescue.attempt] if rescue and rescue.attempt else []
    return [attempt for attempt in (*delivery.attempts, *again) if attempt.start < cut]


def is_thrown_away(delivery: Delivery, cut: int) -> bool:
    """Whether a person did so before an instant."""
    rescue = delivery.rescue
    return rescue is not None and rescue.attempt is None and rescue.asked < cut


def _everything(delivery: Delivery, cut: int) -> Known:
    tried = attempts_before(delivery, cut)
    ended = [attempt for attempt in tried if attempt.end < cut]
    state, latency = "queued", None
    if is_thrown_away(delivery, cut):
        state = "failed"
    elif ended and ended[-1].outcome == ACCEPTED:
        state, latency = "delivered", ended[-1].end - ended[-1].start
    elif len(ended) == len(tried) and delivery.left < cut:
        state = "dead_lettered"
    return Known(delivery.destination, state, len(tried), is_exact=True, latency=latency)


def _snapshot(delivery: Delivery, cut: int) -> Known:
    """The number of attempts, but the times of the last one only."""
    known = _everything(delivery, cut)
    return known._replace(is_exact=known.attempts <= 1)


def _row(delivery: Delivery, cut: int) -> Known:
    """Attempts that are over, of each row the times of the last one; to give up and to be thrown away look the same."""
    own = delivery.tried_by(cut)
    rescue = delivery.rescue if delivery.rescue and delivery.rescue.asked < cut else None
    again = [rescue.attempt] if rescue and rescue.attempt else []
    ended = [*own, *(attempt for attempt in again if attempt.end < cut)]
    state, latency = "queued", None
    if ended and len(ended) == len(delivery.attempts) + len(again):
        state = "delivered" if ended[-1].outcome == ACCEPTED else "failed"
    if state == "delivered":
        latency = ended[-1].end - ended[-1].start
    return Known(delivery.destination, state, len(ended), is_exact=len(own) <= 1, latency=latency)


def _capture(delivery: Delivery, cut: int) -> Known | None:
    """What went over a connection: no refused connection, nobody's decision; without an answer a message waits."""
    sent = [attempt for attempt in attempts_before(delivery, cut) if attempt.outcome != REFUSED]
    if not sent:
        return None
    last = sent[-1]
    is_answered = last.outcome != TIMEOUT and last.end < cut
    state = ("delivered" if last.outcome == ACCEPTED else "failed") if is_answered else "queued"
    latency = last.end - last.start if state == "delivered" else None
    return Known(delivery.destination, state, len(sent), is_exact=True, latency=latency)


def _runs(delivery: Delivery, cut: int) -> Known | None:
    """An action tells its retries when it is over, and of a failed one not whether somebody threw the message away."""
    own = [attempt for attempt in delivery.attempts if attempt.start < cut]
    if not own:
        return None
    is_over = delivery.left < cut
    rescue = delivery.rescue.attempt if delivery.rescue else None
    is_rescued = rescue is not None and rescue.start < cut
    last = rescue if rescue is not None and is_rescued else own[-1]
    ended = is_over and last.end < cut
    state = ("delivered" if last.outcome == ACCEPTED else "failed") if ended else "queued"
    attempts = (len(own) if is_over else 1) + is_rescued
    latency = last.end - last.start if state == "delivered" else None
    return Known(delivery.destination, state, attempts, is_exact=True, latency=latency)


def _spans(delivery: Delivery, cut: int) -> Known | None:
    """Attempts that are over. Whether another one follows a failure no span says."""
    ended = [attempt for attempt in attempts_before(delivery, cut) if attempt.end < cut]
    if not ended:
        return None
    last = ended[-1]
    state = "delivered" if last.outcome == ACCEPTED else "failed"
    latency = last.end - last.start if state == "delivered" else None
    return Known(delivery.destination, state, len(ended), is_exact=True, latency=latency)


KNOWN: dict[str, Callable[[Delivery, int], Known | None]] = {
    "ndjson": _everything,
    "csv": _everything,
    "cloudevents": _everything,
    "snapshots": _snapshot,
    "mirth": _row,
    "tables": _row,
    "capture": _capture,
    "azure": _runs,
    "otlp": _spans,
}
"""By road, what it can know."""


def known_on(road: str, messages: Iterable[Message], cut: int) -> list[dict[str, Any]]:
    """Every delivery that a road can know of, in no order that means anything."""
    deliveries = [each for message in messages for each in message.deliveries if each.entered < cut]
    found = sorted(
        (known for each in deliveries if (known := KNOWN[road](each, cut)) is not None),
        key=lambda known: (*known[:4], known.latency or 0),
    )
    return [known._asdict() for known in found]


def interventions(messages: Iterable[Message], cut: int) -> dict[str, int]:
    """What people did to messages before the cut: sent again, of those delivered by then, and thrown away."""
    rescues = [each.rescue for message in messages for each in message.deliveries if each.rescue]
    sent_again = [rescue for rescue in rescues if rescue.asked < cut and rescue.attempt]
    recovered = [
        each for each in sent_again if each.attempt and each.attempt.end < cut and each.attempt.outcome == ACCEPTED
    ]
    thrown_away = [rescue for rescue in rescues if rescue.asked < cut and not rescue.attempt]
    return {"replayed": len(sent_again), "recovered": len(recovered), "discarded": len(thrown_away)}
