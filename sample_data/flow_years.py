"""Months of engine events of a few flows, with planted faults and without any clinical part: seconds instead of minutes.

Here: the messages, what becomes of each, and the events that an engine would log, as a table like `raw.interface_event`.
Ordinary messages are made together; those that a fault touches one by one, because each waits for the one before it.
Which faults there are is in `flow_faults`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.clock import DAY, HOUR, MINUTE, SECOND, START, ZONE, midnight
from sample_data.flow_faults import Fault, Harmless, faults, harmless

_BACK_OFF = tuple(1_000 * seconds for seconds in (0, 5, 15, 35, 75, 155, 315, 615, 915))
"""When an engine that gives up tries, in milliseconds after the first try."""
SHAPES = ("busy", "clinic", "steady", "slow", "batch")
_PACE = {"busy": 8.0, "clinic": 5.0, "steady": 3.0, "slow": 0.7, "batch": 6.0}
"""Messages of an ordinary hour."""


@dataclass(frozen=True)
class FlowYears:
    """A run: its events, what was planted, and what the hospital's registry would say of it."""

    events: pl.DataFrame
    planted: tuple[Fault, ...]
    downtimes: tuple[tuple[datetime, datetime], ...]
    holidays: tuple[date, ...]
    flows: int
    days: int


@dataclass(frozen=True)
class _Flow:
    """How one flow is made."""

    number: int
    shape: str
    is_patient: bool
    latency_ms: float
    spread: float
    retry_ms: int
    refused: float
    stumbles: float


def flow_years(seed: int, *, flows: int = 10, days: int = 365) -> FlowYears:
    """The events of `flows` flows in `days` days from the simulation's first day; the same seed gives the same events."""
    draw = np.random.default_rng([seed, 5])
    start = midnight(START)
    avoid = harmless(draw, start, days)
    made = [_flow(draw, number) for number in range(flows)]
    runs = [_Run(np.random.default_rng([seed, 6, flow.number]), flow, start, days, avoid) for flow in made]
    events = pl.concat([run.events() for run in runs])
    for since, until in avoid.log_gaps:
        events = events.filter(~pl.col("ms").is_between(since, until))
    zone = ZoneInfo(ZONE)
    return FlowYears(
        events=_canonical(events),
        planted=tuple(fault for run in runs for fault in run.planted),
        downtimes=tuple(
            (datetime.fromtimestamp(since / 1000, zone), datetime.fromtimestamp(until / 1000, zone))
            for since, until in avoid.downtimes
        ),
        holidays=tuple(START + timedelta(days=day) for day in avoid.holidays),
        flows=flows,
        days=days,
    )


def _flow(draw: np.random.Generator, number: int) -> _Flow:
    return _Flow(
        number=number,
        shape=SHAPES[number % len(SHAPES)],
        is_patient=bool(draw.random() < 0.5),  # noqa: PLR2004 - one in two
        latency_ms=float(draw.uniform(60, 400)),
        spread=float(draw.uniform(0.4, 0.8)),
        retry_ms=int(draw.choice([10, 30, 120])) * SECOND,
        refused=float(draw.uniform(0.0, 0.01)),
        stumbles=float(draw.uniform(0.002, 0.02)),
    )


class _Run:
    """One flow from its first message to its last."""

    def __init__(self, draw: np.random.Generator, flow: _Flow, start: int, days: int, avoid: Harmless) -> None:
        self._draw, self._flow, self._avoid = draw, flow, avoid
        self._start, self._days = start, days
        self._rows: list[tuple[int, int, str, int]] = []
        arrived = self._arrivals(self._pace())
        self.planted = list(faults(draw, flow.number, start, days, arrived, avoid))
        self._arrived = self._silenced(arrived)
        self._touched = np.zeros(len(self._arrived), dtype=bool)

    def _pace(self) -> NDArray[np.float64]:
        """Messages to be expected in each hour of the run."""
        hours = np.arange(self._days * 24)
        instants = pl.Series(self._start + hours * HOUR).cast(pl.Datetime("ms", "UTC")).dt.convert_time_zone(ZONE)
        of_day, weekday = instants.dt.hour().to_numpy(), instants.dt.weekday().to_numpy()
        day = hours // 24
        sunday = np.isin(day, self._avoid.holidays)
        weekend = (weekday >= 6) | sunday  # noqa: PLR2004 - Saturday
        shape = self._flow.shape
        if shape == "clinic":
            pace = np.where((of_day >= 7) & (of_day < 18), 1.0, 0.01) * np.where(weekend, 0.03, 1.0)  # noqa: PLR2004
        elif shape == "batch":
            pace = np.where((of_day >= 6) & (of_day < 22), 1.0, 0.0)  # noqa: PLR2004 - from six to ten
        else:
            pace = (0.35 + 0.65 * np.exp(-(((of_day - 13) / 5.0) ** 2))) * np.where(weekend, 0.6, 1.0)
        pace = pace * _PACE[shape] * self._draw.uniform(0.7, 1.4)
        pace = pace * np.where(np.isin(day, self._avoid.quiet_days), 0.55, 1.0)
        pace = pace * np.linspace(1.0, self._draw.uniform(0.8, 1.35), len(hours))
        if self._draw.random() < 0.25:  # noqa: PLR2004 - one flow in four changes for good
            pace = pace * np.where(day >= self._draw.integers(40, self._days - 20), self._draw.choice([0.6, 1.7]), 1.0)
        return pace

    def _arrivals(self, pace: NDArray[np.float64]) -> NDArray[np.int64]:
        """When messages come, in order."""
        draw = self._draw
        lively = pace * np.repeat(draw.gamma(20, 1 / 20, self._days), 24) * draw.gamma(15, 1 / 15, len(pace))
        hours = np.repeat(np.arange(len(pace)), draw.poisson(lively))
        within = draw.uniform(0, HOUR, len(hours))
        if self._flow.shape == "batch":
            within = 5 * MINUTE + within / 40
        return np.sort(self._start + hours * HOUR + within.astype(np.int64))

    def _silenced(self, arrived: NDArray[np.int64]) -> NDArray[np.int64]:
        """Without what a silent sender keeps; some send it all when they come back."""
        draw = self._draw
        for place, fault in enumerate(self.planted):
            if fault.kind == "silent":
                inside = (arrived >= fault.begin) & (arrived < fault.end)
                self.planted[place] = replace(fault, affected=int(inside.sum()))
                late = np.sort(fault.end + draw.integers(0, 90 * SECOND, inside.sum()))
                kept = late if draw.random() < 0.5 else late[:0]  # noqa: PLR2004 - one in two
                arrived = np.sort(np.concatenate((arrived[~inside], kept)))
        return arrived

    def events(self) -> pl.DataFrame:
        """Columns flow, message, ms, event, attempt; in no order."""
        for since, until in self._avoid.downtimes:
            self._course(since, until, self._refused_until(until))
        self._stumble()
        for place, fault in enumerate(self.planted):
            if fault.kind != "silent":
                self.planted[place] = replace(fault, affected=self._suffer(fault))
        made = [self._ordinary()]
        if self._rows:
            columns = {"message": pl.Int64, "ms": pl.Int64, "event": pl.String, "attempt": pl.Int32}
            made.append(pl.DataFrame(self._rows, schema=columns, orient="row"))
        return pl.concat(made).with_columns(flow=pl.lit(self._flow.number))

    def _latency(self, size: int) -> NDArray[np.int64]:
        times = self._flow.latency_ms * np.exp(self._draw.normal(0, self._flow.spread, size))
        return np.maximum(3, times).astype(np.int64)

    def _ordinary(self) -> pl.DataFrame:
        """Four events of every message that no fault touches; a few are refused, or get through at the second try."""
        numbers = np.flatnonzero(~self._touched)
        arrived = self._arrived[numbers]
        days = (arrived - self._start) // DAY
        drift = np.exp(self._draw.normal(0, 0.12, self._days + 1))[days]
        latency = (self._latency(len(numbers)) * drift).astype(np.int64)
        luck = self._draw.random(len(numbers))
        is_refused = luck < self._flow.refused
        stumbled = ~is_refused & (luck < self._flow.refused + self._flow.stumbles)
        tried = arrived + 40 + np.where(stumbled, 5_000, 0)
        done = tried + latency
        parts = [
            _part(numbers, arrived, "received"),
            _part(numbers, arrived + 30, "routed"),
            _part(numbers, arrived + 40, "attempt_started", 1),
            _part(numbers[stumbled], arrived[stumbled] + 60, "attempt_failed", 1),
            _part(numbers[stumbled], tried[stumbled], "attempt_started", 2),
            _part(numbers[~is_refused], done[~is_refused], "delivered", 1),
            _part(numbers[is_refused], done[is_refused], "nack_received", 1),
            _part(numbers[is_refused], done[is_refused], "dead_lettered", 1),
        ]
        return pl.concat(parts)

    def _stumble(self) -> None:
        """A short interruption about once a week: no fault, because it is over before anybody could act."""
        at = float(self._start)
        while (at := at + self._draw.exponential(7 * DAY)) < self._start + self._days * DAY:
            until = int(at + self._draw.uniform(0.5, 7) * MINUTE)
            self._course(int(at), until, self._refused_until(until))

    def _suffer(self, fault: Fault) -> int:
        """What the fault does; how many messages it touches."""
        match fault.kind:
            case "outage":
                return self._course(fault.begin, fault.end, self._refused_until(fault.end))
            case "retry_storm":
                return self._course(fault.begin, fault.end, self._storming(fault))
            case "error_burst":
                return self._course(fault.begin, fault.end, self._refusing(fault))
            case "backlog":
                return self._course(fault.begin, fault.end, self._dragging(fault))
            case _:
                return self._course(fault.begin, fault.end, self._slow(fault))

    def _course(self, begin: int, end: int, send: Callable[[int, int, int], tuple[int, bool]]) -> int:
        """Send every message that comes in a span, and those that wait behind them; how many were touched.

        `send` gets a message, when it came and when the line is free; it says when the line is free again and whether
        the message was touched.
        """
        place = int(np.searchsorted(self._arrived, begin))
        free, count = begin, 0
        while place < len(self._arrived) and (self._arrived[place] < end or free > self._arrived[place]):
            if not self._touched[place]:
                self._touched[place] = True
                came = int(self._arrived[place])
                self._rows += [(place, came, "received", 0), (place, came + 30, "routed", 0)]
                free, is_touched = send(place, came + 40, max(free, came + 40))
                count += is_touched
            place += 1
        return count

    def _try(self, message: int, at: int, attempt: int, outcome: str, factor: float = 1.0) -> int:
        """One try and how it ended; when that was."""
        self._rows.append((message, at, "attempt_started", attempt))
        quick = outcome == "attempt_failed"
        end = at + (int(self._draw.integers(3, 30)) if quick else int(self._latency(1)[0] * factor))
        self._rows.append((message, end, outcome, attempt))
        if outcome == "nack_received":
            self._rows.append((message, end, "dead_lettered", attempt))
        return end

    def _refused_until(self, end: int) -> Callable[[int, int, int], tuple[int, bool]]:
        """Nobody answers until `end`. A patient engine keeps trying its first message; another gives each up in the end."""

        def patient(message: int, came: int, free: int) -> tuple[int, bool]:
            attempt, at = 1, free
            if came < end and free > came:  # tried once, then queued behind the one in front
                self._try(message, came, 1, "attempt_failed")
                attempt = 2
            while at < end:
                self._try(message, at, attempt, "attempt_failed")
                attempt, at = attempt + 1, at + self._flow.retry_ms
            return self._try(message, at, attempt, "delivered"), True

        def hasty(message: int, came: int, _free: int) -> tuple[int, bool]:
            for attempt, pause in enumerate(_BACK_OFF, 1):
                if came + pause >= end:
                    self._try(message, came + pause, attempt, "delivered")
                    return came, True
                self._try(message, came + pause, attempt, "attempt_failed")
            self._rows.append((message, came + _BACK_OFF[-1] + 30, "dead_lettered", len(_BACK_OFF)))
            return came, True

        return patient if self._flow.is_patient else hasty

    def _storming(self, fault: Fault) -> Callable[[int, int, int], tuple[int, bool]]:
        pause = int(self._draw.uniform(300, 3_000))

        def send(message: int, _came: int, free: int) -> tuple[int, bool]:
            attempt, at = 1, free
            while at < fault.end and self._draw.random() < fault.strength:
                self._try(message, at, attempt, "attempt_failed")
                attempt, at = attempt + 1, at + pause
            return self._try(message, at, attempt, "delivered"), True

        return send

    def _refusing(self, fault: Fault) -> Callable[[int, int, int], tuple[int, bool]]:
        is_answered = self._draw.random() < 0.6  # noqa: PLR2004 - three in five

        def send(message: int, came: int, _free: int) -> tuple[int, bool]:
            if came >= fault.end or self._draw.random() >= fault.strength:
                self._try(message, came, 1, "delivered")
                return came, False
            if is_answered:
                self._try(message, came, 1, "nack_received")
            else:
                self._try(message, came, 1, "attempt_failed")
                self._try(message, came + 5_000, 2, "delivered")
            return came, True

        return send

    def _dragging(self, fault: Fault) -> Callable[[int, int, int], tuple[int, bool]]:
        """The destination takes fewer messages than come; either its answer is slow, or the engine waits before the next."""
        coming = np.searchsorted(self._arrived, fault.end) - np.searchsorted(self._arrived, fault.begin)
        hold = int((fault.end - fault.begin) / max(1, coming) / fault.strength)
        is_slow = self._draw.random() < 0.5  # noqa: PLR2004 - one in two

        def send(message: int, came: int, free: int) -> tuple[int, bool]:
            if free >= fault.end:
                return self._try(message, free, 1, "delivered"), free > came + MINUTE
            if is_slow:
                return self._try(message, free, 1, "delivered", hold / self._flow.latency_ms), True
            self._try(message, free, 1, "delivered")
            return free + hold, True

        return send

    def _slow(self, fault: Fault) -> Callable[[int, int, int], tuple[int, bool]]:
        def send(message: int, came: int, _free: int) -> tuple[int, bool]:
            self._try(message, came, 1, "delivered", fault.strength)
            return came, True

        return send


def _part(numbers: NDArray[np.int64], ms: NDArray[np.int64], event: str, attempt: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"message": numbers, "ms": ms}).with_columns(
        event=pl.lit(event), attempt=pl.lit(attempt, dtype=pl.Int32)
    )


def _canonical(events: pl.DataFrame) -> pl.DataFrame:
    """The events as `raw.interface_event` has them."""
    at_source = pl.col("event") == "received"
    uid = pl.format("F{}-{}", "flow", "message")
    return events.select(
        source=pl.lit("engine"),
        event_uid=pl.format("F{}-{}-{}-{}-{}", "flow", "message", "event", "attempt", "ms"),
        occurred_at=pl.col("ms").cast(pl.Datetime("ms", "UTC")).cast(pl.Datetime("us", "UTC")),
        clock_id=pl.lit("engine"),
        event_type=pl.col("event"),
        flow_id=pl.format("F{}", "flow"),
        flow_name=pl.format("F{}", "flow"),
        node_id=pl.when(at_source).then(pl.lit("")).otherwise(pl.lit("OUT")),
        node_name=pl.when(at_source).then(pl.lit("")).otherwise(pl.lit("OUT")),
        node_role=pl.when(at_source).then(pl.lit("source")).otherwise(pl.lit("destination")),
        message_uid=uid,
        root_message_uid=uid,
        attempt_no=pl.when(pl.col("attempt") > 0).then(pl.col("attempt")),
        attempts_exact=pl.lit(value=True),
        file_id=pl.lit(1, dtype=pl.Int32),
        line=pl.lit(1, dtype=pl.Int64),
    )
