"""People and places that can be busy: a queue by urgency in front of a number of hands that changes by the hour."""

from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any, cast

from simpy import Environment, Event

Process = Generator[Event, Any, Any]


class Simulation(Environment):
    """SimPy's event loop with a clock that counts whole milliseconds since 1970."""

    @property
    def now(self) -> int:
        """The current instant."""
        return cast("int", self._now)


class Turn(Event):
    """A place in a queue; it triggers when the holder's turn comes."""

    withdrawn: bool = False


class Staff:
    """Interchangeable workers (or rooms). Someone who is at work when the shift shrinks finishes the task first."""

    def __init__(self, env: Simulation, capacity: int) -> None:
        self._env = env
        self.capacity = capacity
        self.busy = 0
        self._queue: list[tuple[int, int, Turn]] = []
        self._count = 0

    @property
    def waiting(self) -> int:
        """People in the queue who have not given up."""
        return sum(not turn.withdrawn for _, _, turn in self._queue)

    def acquire(self, urgency: int = 5) -> Turn:
        """Wait for a turn; lower `urgency` goes first, equal ones in order of arrival."""
        turn = Turn(self._env)
        self._count += 1
        heappush(self._queue, (urgency, self._count, turn))
        self._serve()
        return turn

    def release(self) -> None:
        """Give the worker back."""
        self.busy -= 1
        self._serve()

    def withdraw(self, turn: Turn) -> None:
        """Leave the queue before being served."""
        turn.withdrawn = True

    def set_capacity(self, capacity: int) -> None:
        """Start another shift."""
        self.capacity = capacity
        self._serve()

    def work(self, milliseconds: int, urgency: int = 5) -> Process:
        """Wait for a turn, keep the worker for this long, give it back."""
        yield self.acquire(urgency)
        yield self._env.timeout(milliseconds)
        self.release()

    def _serve(self) -> None:
        while self.busy < self.capacity and self._queue:
            turn = heappop(self._queue)[2]
            if not turn.withdrawn:
                self.busy += 1
                turn.succeed()
