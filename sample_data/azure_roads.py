"""The same true messages as the services of Azure log them, of which a hospital may have any.

Here: which records there are of a message, one function a service. Not here: what a record looks like (`azure_records`), what can be
known from it (`truth_roads`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from sample_data.azure_records import (
    Record,
    bus_errors,
    function_line,
    grid_failure,
    id_of,
    insight,
    metric,
    request,
    run,
)
from sample_data.clock import MINUTE
from sample_data.engine_course import ACCEPTED, ERROR, REFUSED, REJECTED, TIMEOUT, Attempt, Delivery, Message
from sample_data.truth_roads import attempts_before, depths, failed_attempts, given_up_before

_ANSWERS = {
    ACCEPTED: ((200, 200), None),
    ERROR: ((422, 422), None),
    REJECTED: ((409, 409), None),
    REFUSED: ((502, None), "BackendConnectionFailure"),
    TIMEOUT: ((504, None), "Timeout"),
}
"""What a gateway answered, the backend's own answer, and the reason where it has none."""
_OUTCOMES = {ERROR: "BadRequest", REJECTED: "Forbidden", REFUSED: "NotFound", TIMEOUT: "TimedOut"}
_ERRORS = {
    ERROR: "message rejected",
    REJECTED: "message rejected: too old",
    REFUSED: "connection refused",
    TIMEOUT: "timeout waiting for a response",
}


def logic_apps(messages: Iterable[Message], cut: int) -> Iterator[Record]:
    """A message is a run, a delivery an action of it, and what somebody sent again another run."""
    for message in messages:
        run_id = id_of(message.control_id)
        yield run("RunStarted", message, run_id, (message.received, None), "Running")
        if message.left < cut:
            word = "Failed" if message.source_state == "failed" else "Succeeded"
            yield run("RunCompleted", message, run_id, (message.received, message.left), word)
        for delivery in message.deliveries:
            own = [attempt for attempt in delivery.attempts if attempt.start < cut]
            yield from _action(message, run_id, delivery.destination, own, is_over=delivery.left < cut)
            rescue = delivery.rescue
            if rescue and rescue.attempt and rescue.attempt.start < cut:
                again = id_of(f"{message.control_id}:{delivery.destination}")
                yield run("RunStarted", message, again, (rescue.asked, None), "Running", origin=run_id)
                over = rescue.attempt.end < cut
                yield from _action(message, again, delivery.destination, [rescue.attempt], is_over=over)


def _action(message: Message, run_id: str, to: str, tried: list[Attempt], *, is_over: bool) -> Iterator[Record]:
    if not tried:
        return
    first = tried[0].start
    yield run("ActionStarted", message, run_id, (first, None), "Running", action=to)
    if is_over:
        status = "Succeeded" if tried[-1].outcome == ACCEPTED else "Failed"
        times = [(each.start, each.end) for each in tried]
        yield run("ActionCompleted", message, run_id, (first, tried[-1].end), status, action=to, tried=times)


def gateway(messages: Iterable[Message], cut: int) -> Iterator[Record]:
    """API Management: every attempt that is over is a request of its own, which names no other."""
    for message, delivery, number, attempt in _ended(messages, cut):
        codes, reason = _ANSWERS[attempt.outcome]
        name = f"{message.control_id}:{delivery.destination}:{number}"
        yield request(name, message.channel, delivery.destination, (attempt.start, attempt.end), codes, reason)


def service_bus(messages: list[Message], cut: int) -> Iterator[Record]:
    """Errors of a queue counted by the minute, and how much lies in all queues of the namespace, every minute."""
    errors = Counter(
        (f"{message.channel}-{delivery.destination}", attempt.end // MINUTE * MINUTE, attempt.outcome)
        for message, delivery, attempt in failed_attempts(messages, cut)
    )
    for (queue, minute, outcome), count in errors.items():
        yield bus_errors(queue, minute, _ERRORS[outcome], count)
    for minute, active, dead in depths(messages, cut):
        yield metric("ActiveMessages", "servicebus/namespaces/wardville", minute, active)
        yield metric("DeadletteredMessages", "servicebus/namespaces/wardville", minute, dead)


def event_grid(messages: list[Message], cut: int) -> Iterator[Record]:
    """Deliveries that failed, one by one, and how many were given up, by the minute; of what was delivered no word."""
    for message, delivery, attempt in failed_attempts(messages, cut):
        yield grid_failure(message.channel, delivery.destination, attempt.end, _OUTCOMES[attempt.outcome])
    dead = Counter((message.channel, at // MINUTE * MINUTE) for message, at in given_up_before(messages, cut))
    for (topic, minute), count in dead.items():
        yield metric("DeadLetteredCount", f"eventgrid/topics/{topic}", minute, count, samples=count)


def functions(messages: list[Message], cut: int) -> Iterator[Record]:
    """A message is an invocation of the function that takes it in, and a failed attempt an error that this writes."""
    for message in messages:
        name, invocation = message.channel, id_of(message.control_id)
        yield function_line(name, invocation, message.received, "FunctionStarted")
        if message.acknowledged < cut:
            error = "Error evaluating transformer" if message.source_state == "failed" else ""
            yield function_line(name, invocation, message.acknowledged, "FunctionCompleted", error=error)
    for message, _, attempt in failed_attempts(messages, cut):
        error = _ERRORS[attempt.outcome]
        yield function_line(message.channel, id_of(message.control_id), attempt.end, "DeliveryFailed", error=error)


def application_insights(messages: Iterable[Message], cut: int) -> Iterator[Record]:
    """A message is an operation, its receipt the request and every attempt that is over a dependency; what somebody sends again is
    an operation of its own.
    """
    messages = list(messages)
    for message in messages:
        if message.acknowledged < cut:
            times, is_well = (message.received, message.acknowledged), message.source_state != "failed"
            operation = id_of(message.control_id)
            answer = {"Success": is_well, "ResultCode": "200" if is_well else "500"}
            yield insight("AppRequests", message.channel, operation, operation, times, **answer)
    for message, delivery, number, attempt in _ended(messages, cut):
        to, is_rescue = delivery.destination, number > len(delivery.attempts)
        operation = id_of(f"{message.control_id}:{to}" if is_rescue else message.control_id)
        code = _ANSWERS[attempt.outcome][0][1]
        answer = {"Success": attempt.outcome == ACCEPTED, "ResultCode": "Faulted" if code is None else str(code)}
        key, times = f"{operation}:{to}:{number}", (attempt.start, attempt.end)
        yield insight("AppDependencies", message.channel, operation, key, times, Target=to, **answer)
        if code is None:
            error = {"OuterMessage": _ERRORS[attempt.outcome]}
            ended = (attempt.end, attempt.end)
            yield insight("AppExceptions", message.channel, operation, f"{key}:exception", ended, **error)


def _ended(messages: Iterable[Message], cut: int) -> Iterator[tuple[Message, Delivery, int, Attempt]]:
    for message in messages:
        for delivery in message.deliveries:
            for number, attempt in enumerate(attempts_before(delivery, cut), 1):
                if attempt.end < cut:
                    yield message, delivery, number, attempt


SERVICES: dict[str, Callable[[list[Message], int], Iterator[Record]]] = {
    "azure": logic_apps,
    "bus": service_bus,
    "gateway": gateway,
    "grid": event_grid,
    "functions": functions,
    "insights": application_insights,
}
"""By name of the road, what its service logs of messages before a cut."""
