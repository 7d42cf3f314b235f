"""The known answer to where the time of every wait went: the parts of each, from the trace, computed a second time in plain Python.

Here: the minutes of every part by facility, kind of wait and week of its begin, the waits that interfaces made long, and when
news was sent.
Not here: what the parts mean (`models.waits`).
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from sample_data.clock import MINUTE, Calendar, instant, local_date
from sample_data.engine_course import ACCEPTED, TIMEOUT, Message
from sample_data.facility import Facility
from sample_data.trace import NewsTrace, Trace

Mark = tuple[int, str]
"""From this instant on the time belongs to this part."""

LATE_MINUTES = 5
OPEN_WITHIN = 60 * MINUTE
KINDS = {
    "lab order": ("order_to_collection", "order_to_result"),
    "imaging order": ("imaging_order_to_exam", "imaging_order_to_report"),
    "critical result": ("result_to_acknowledgement", None),
    "bed request": ("bed_request_to_assignment", "boarding"),
}
"""The wait until somebody acts on the news, and the longer one that it is a part of."""


def waits(trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> list[dict[str, Any]]:
    """Rows of the `waits` part of truth.json: minutes by facility, kind of wait, week of its begin (Monday) and part."""
    minutes: dict[tuple[int, str, str, str], float] = defaultdict(float)
    for news in trace.news:
        if not calendar.start_ms <= news.began < calendar.end_ms:
            continue
        day = local_date(news.began)
        week = day.fromordinal(day.toordinal() - day.weekday()).isoformat()
        for kind, until in _kinds(news, calendar.end_ms):
            for part, ms in _parts(news, until, calendar.end_ms).items():
                minutes[news.facility, kind, week, part] += ms / MINUTE
    return [
        {
            "facility": facilities[facility].name,
            "wait_kind": kind,
            "week": week,
            "part": part,
            "minutes": round(total, 3),
        }
        for (facility, kind, week, part), total in sorted(minutes.items())
    ]


def late_waits(trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> list[dict[str, Any]]:
    """Rows of the `late_waits` part of truth.json: every wait until somebody acted of which interfaces took five minutes or more."""
    found: list[dict[str, Any]] = []
    for news in trace.news:
        kind, _ = KINDS.get(news.what, (None, None))
        if kind and calendar.start_ms <= news.began < calendar.end_ms:
            parts = _parts(news, _until(news.acted, calendar.end_ms), calendar.end_ms)
            late = sum(ms for part, ms in parts.items() if part != "people") / MINUTE
            if late >= LATE_MINUTES:
                facility = facilities[news.facility].name
                found.append(
                    {"facility": facility, "wait_kind": kind, "began": instant(news.began), "minutes": round(late, 3)}
                )
    return found


def stages(trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> list[dict[str, Any]]:
    """Rows of the `stages` part of truth.json, by facility and kind of wait until somebody acted: of the waits whose first message came in
    before that, how many, and the mean seconds from what happened until the sender sent it, and until the engine had it. Of those whose
    message the receiver's system had before that, how many (`told`), and until then.
    """
    seconds: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    told: dict[tuple[int, str], list[float]] = defaultdict(list)
    for news in trace.news:
        kind, _ = KINDS.get(news.what, (None, None))
        if kind and calendar.start_ms <= news.began < calendar.end_ms and news.sent:
            first, until = news.sent[0], _until(news.acted, calendar.end_ms)
            arrivals = [at for each in news.sent if (at := each.arrival(news.destination)) is not None]
            if arrivals and min(arrivals) <= until:
                told[news.facility, kind].append((min(arrivals) - news.began) / 1000)
            if first.received < until:
                seconds[news.facility, kind].append(
                    ((first.sent - news.began) / 1000, (first.received - news.began) / 1000)
                )
    return [
        {
            "facility": facilities[facility].name,
            "wait_kind": kind,
            "waits": len(rows),
            "sent_seconds": round(sum(sent for sent, _ in rows) / len(rows), 3),
            "received_seconds": round(sum(received for _, received in rows) / len(rows), 3),
            "told": len(told[facility, kind]),
            "told_seconds": round(fmean(told[facility, kind] or [0.0]), 3),
        }
        for (facility, kind), rows in sorted(seconds.items())
    ]


def access(trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> list[dict[str, Any]]:
    """Rows of the `access` part of truth.json: by facility the results that somebody was seen to open, and minutes beyond an hour."""
    opened = [each for each in trace.openings if each.verified >= calendar.start_ms and each.opened < calendar.end_ms]
    return [
        {
            "facility": facilities[facility].name,
            "results": len(mine),
            "minutes_late": round(sum(max(0, each.opened - each.available - OPEN_WITHIN) for each in mine) / MINUTE, 3),
        }
        for facility in sorted({each.facility for each in opened})
        for mine in [[each for each in opened if each.facility == facility]]
    ]


def _kinds(news: NewsTrace, cut: int) -> Iterator[tuple[str, int]]:
    """Which waits the files tell of it, and until when each lasted."""
    shorter, longer = KINDS.get(news.what, (None, None))
    if shorter:
        yield shorter, _until(news.acted, cut)
    if longer and not news.is_hidden and (longer != "boarding" or news.is_boarding):
        yield longer, _until(news.ended, cut)


def _until(end: int | None, cut: int) -> int:
    return cut if end is None else min(end, cut)


def _parts(news: NewsTrace, until: int, cut: int) -> dict[str, int]:
    """Milliseconds of each part, from the begin of the wait until its end."""
    parts: dict[str, int] = defaultdict(int)
    for begin, end, part in stretches(news, until, cut):
        parts[part] += end - begin
    return parts


def stretches(news: NewsTrace, until: int, cut: int) -> Iterator[tuple[int, int, str]]:
    """Begin, end and part of each stretch of a wait that lasts until then, in order; those that took no time are left out."""
    known = min(_until(news.known, cut), _until(news.acted, cut), until)
    marks: list[Mark] = [(news.began, "source")]
    for message in news.sent:
        marks += _course(message, news.destination)
    for (begin, part), (end, _) in zip(marks, [*marks[1:], (known, "people")], strict=True):
        if min(end, known) > begin:
            yield begin, min(end, known), part
    if until > known:
        yield known, until, "people"


def _course(message: Message, destination: str) -> Iterator[Mark]:
    """What happens to a message on its way to one destination."""
    delivery = next((each for each in message.deliveries if each.destination == destination), None)
    yield message.received, "transport" if delivery else "unacknowledged"
    if delivery is None:
        return
    yield delivery.entered, "queue"
    for attempt in delivery.attempts:
        works = {ACCEPTED: "transport", TIMEOUT: "unacknowledged"}
        yield attempt.start, works.get(attempt.outcome, "retry")
        yield attempt.end, "retry"
    yield delivery.left, "unacknowledged"
    if delivery.rescue and delivery.rescue.attempt:
        yield delivery.rescue.asked, "retry"
        yield delivery.rescue.attempt.start, "transport"
        yield delivery.rescue.attempt.end, "unacknowledged"
