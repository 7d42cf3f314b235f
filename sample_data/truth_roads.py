"""What each road can know of a delivery, told from what truly happened: state, attempts, whether those are exact, and latency.

Here: the limits of every format as plain rules, and why. Not here: writing a format (`roads`, `azure_roads`). A road that keeps events
of an engine knows all; the others know less, and are judged by no more than that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sample_data.clock import HOUR, MINUTE, instant
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


def failed_attempts(messages: Iterable[Message], cut: int) -> Iterator[tuple[Message, Delivery, Attempt]]:
    """Every attempt that had failed before an instant."""
    for message in messages:
        for delivery in message.deliveries:
            for attempt in attempts_before(delivery, cut):
                if attempt.end < cut and attempt.outcome != ACCEPTED:
                    yield message, delivery, attempt


def given_up_before(messages: Iterable[Message], cut: int) -> Iterator[tuple[Message, int]]:
    """When the engine, or a person's attempt after it, gave up each delivery, if before an instant."""
    for message, delivery, attempt in failed_attempts(messages, cut):
        rescue = delivery.rescue.attempt if delivery.rescue else None
        if attempt is delivery.attempts[-1] or attempt is rescue:
            yield message, attempt.end


def depths(messages: Iterable[Message], cut: int) -> Iterator[tuple[int, int, int]]:
    """Every minute before an instant: the minute, how many deliveries are on their way, and how many lie given up."""
    active, dead = Counter[int](), Counter[int]()
    messages = list(messages)
    for delivery in (each for message in messages for each in message.deliveries):
        active[delivery.entered] += 1
        active[delivery.left] -= 1
        if delivery.attempts[-1].outcome != ACCEPTED:
            dead[delivery.left] += 1
            rescue = delivery.rescue
            if rescue:
                dead[rescue.asked] -= 1
                if rescue.attempt:
                    active[rescue.asked] += 1
                    active[rescue.attempt.end] -= 1
                    dead[rescue.attempt.end] += rescue.attempt.outcome != ACCEPTED
    changes = sorted({*active, *dead}, reverse=True)
    waiting = lying = 0
    first = min((message.received for message in messages), default=cut) // MINUTE * MINUTE
    for minute in range(first, cut, MINUTE):
        while changes and changes[-1] <= minute:
            at = changes.pop()
            waiting, lying = waiting + active[at], lying + dead[at]
        yield minute, waiting, lying


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


def _archive(delivery: Delivery, cut: int) -> Known | None:
    """Messages and answers without times of their own: the same message is one attempt, however often it was sent."""
    sent = [attempt for attempt in attempts_before(delivery, cut) if attempt.outcome != REFUSED]
    if not sent:
        return None
    answered = [attempt for attempt in sent if attempt.outcome != TIMEOUT and attempt.end < cut]
    state = "queued" if not answered else "delivered" if answered[-1].outcome == ACCEPTED else "failed"
    return Known(delivery.destination, state, 1, is_exact=False, latency=None)


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


def _requests(delivery: Delivery, cut: int) -> Iterator[Known]:
    """Attempts that are over, each a message of its own."""
    for attempt in attempts_before(delivery, cut):
        if attempt.end < cut:
            yield _tried(delivery, [attempt])


def _operations(delivery: Delivery, cut: int) -> Iterator[Known]:
    """Attempts that are over; what somebody sent again is a message of its own, which nothing joins to the first."""
    rescue = delivery.rescue.attempt if delivery.rescue else None
    for tried in (delivery.attempts, [rescue] if rescue else []):
        ended = [attempt for attempt in tried if attempt.end < cut]
        if ended:
            yield _tried(delivery, ended)


def _tried(delivery: Delivery, ended: list[Attempt]) -> Known:
    last = ended[-1]
    if last.outcome == ACCEPTED:
        return Known(delivery.destination, "delivered", len(ended), is_exact=True, latency=last.end - last.start)
    return Known(delivery.destination, "failed", len(ended), is_exact=True, latency=None)


def _spans(delivery: Delivery, cut: int) -> Known | None:
    """Attempts that are over. Whether another one follows a failure no span says."""
    ended = [attempt for attempt in attempts_before(delivery, cut) if attempt.end < cut]
    return _tried(delivery, ended) if ended else None


def _nothing(delivery: Delivery, cut: int) -> None:  # like the others
    """Of single deliveries nothing."""


KNOWN: dict[str, Callable[[Delivery, int], Known | Iterator[Known] | None]] = {
    "ndjson": _everything,
    "csv": _everything,
    "cloudevents": _everything,
    "snapshots": _snapshot,
    "mirth": _row,
    "tables": _row,
    "capture": _capture,
    "archive": _archive,
    "azure": _runs,
    "bus": _nothing,
    "gateway": _requests,
    "grid": _nothing,
    "functions": _nothing,
    "insights": _operations,
    "otlp": _spans,
}
"""By road, what it can know."""
CANNOT_KNOW = {
    "snapshots": "the times of all attempts but the last: a row is overwritten",
    "mirth": "attempts under way and the times of all but the last, which a row overwrites; what was thrown away: that looks given up",
    "tables": "attempts under way and the times of all but the last, which a row overwrites; what was thrown away: that looks given up",
    "capture": "connections that were refused, and what people decided: neither goes over a wire",
    "archive": "when and how often a message was sent: it says when it was made, and is the same every time",
    "azure": "retries of an action that is not over, and what was thrown away: no record tells",
    "bus": "single messages, and which queue a metric is about: errors are counted by the minute, and metrics lose their dimensions",
    "gateway": "that two requests carry the same message: every request has an id of its own; requests under way: logged at their end",
    "grid": "what was delivered, and that two failures are of one event: only failures are logged, one by one",
    "functions": "where a message went: an invocation ends when the function does, and its errors name no destination",
    "insights": "that somebody sent a message again: it is another operation; attempts under way: logged at their end",
    "otlp": "whether another attempt follows a failure, and attempts under way: a span is written when it is over",
}
"""By road, what of the truth it cannot tell, and why. The others know all."""


def known_on(road: str, messages: Iterable[Message], cut: int) -> list[dict[str, Any]]:
    """Every delivery that a road can know of, in no order that means anything."""
    deliveries = [each for message in messages for each in message.deliveries if each.entered < cut]
    known = (KNOWN[road](each, cut) for each in deliveries)
    each_known = (one for each in known if each is not None for one in ([each] if isinstance(each, Known) else each))
    found = sorted(each_known, key=lambda known: (*known[:4], known.latency or 0))
    return [known._asdict() for known in found]


def counted_on(road: str, messages: list[Message], cut: int) -> dict[str, Any]:
    """What a road tells in numbers only: `failures` by flow and node, `given_up` by flow, `messages` by what became of them, and
    `depths` of queues by hour: the hour, samples, the most and the last of them.
    """
    failed = [
        (message.channel, delivery.destination, attempt)
        for message, delivery, attempt in failed_attempts(messages, cut)
    ]
    told: dict[str, Any] = {}
    if road == "bus":
        told["failures"] = _listed((f"{channel}-{to}", None) for channel, to, _ in failed)
        told["depths"] = _hours(messages, cut)
    elif road == "grid":
        told["failures"] = _listed((channel, to) for channel, to, _ in failed)
        told["given_up"] = _listed((message.channel, None) for message, _ in given_up_before(messages, cut))
    elif road == "functions":
        told["failures"] = _listed((channel, None) for channel, _, _ in failed)
        is_failed = (message.source_state == "failed" and message.acknowledged < cut for message in messages)
        told["messages"] = _listed(
            (message.channel, "failed" if bad else "received") for message, bad in zip(messages, is_failed, strict=True)
        )
    elif road == "insights":
        told["failures"] = _listed((channel, None) for channel, _, each in failed if each.outcome in (REFUSED, TIMEOUT))
    return told


def _listed(found: Iterable[tuple[str, str | None]]) -> list[list[Any]]:
    return sorted(([flow, node, n] for (flow, node), n in Counter(found).items()), key=str)


def _hours(messages: list[Message], cut: int) -> list[list[Any]]:
    """By queue and hour."""
    samples: dict[tuple[str, int], list[int]] = {}
    for minute, active, dead in depths(messages, cut):
        for queue, depth in (("ActiveMessages", active), ("DeadletteredMessages", dead)):
            samples.setdefault((queue, minute // HOUR * HOUR), []).append(depth)
    return [[queue, instant(hour), len(each), max(each), each[-1]] for (queue, hour), each in sorted(samples.items())]


def interventions(messages: Iterable[Message], cut: int) -> dict[str, int]:
    """What people did to messages before the cut: sent again, of those delivered by then, and thrown away."""
    rescues = [each.rescue for message in messages for each in message.deliveries if each.rescue]
    sent_again = [rescue for rescue in rescues if rescue.asked < cut and rescue.attempt]
    recovered = [
        each for each in sent_again if each.attempt and each.attempt.end < cut and each.attempt.outcome == ACCEPTED
    ]
    thrown_away = [rescue for rescue in rescues if rescue.asked < cut and not rescue.attempt]
    return {"replayed": len(sent_again), "recovered": len(recovered), "discarded": len(thrown_away)}
