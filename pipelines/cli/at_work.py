"""The demo's hospital at work: simulated in a process of its own, while this one takes in what it has handed over so far.

Here: the two processes and what they tell each other. Not here: the simulation (`sample_data`), how files come in (`intake`), and
what the demo says of it (`demo`). The simulation renames what it has written into place, so a folder or file that can be seen is whole.
"""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from pipelines.accounts import FileAccount
    from pipelines.home import Home
    from sample_data.simulate import SimulationReport

DAYS_AT_ONCE = 90
"""So many days are taken in together: to read a type of resource costs something however few there are."""


class Hospital:
    """A simulation under way."""

    def __init__(self, told: Connection, days: int) -> None:
        """Hear from the process at the other end, which simulates so many days."""
        self._told = told
        self.days = days

    def await_opening(self) -> None:
        """Wait until its registry and settings, and the files of its first day, are there."""
        self._told.poll(None)

    def shares(self) -> Iterator[float]:
        """The share of the days that has been handed over, whenever there is more; ends with 1, before the answers are written.

        Raises:
            PipelineError: the simulation ended before its last day.
        """
        share = 0.0
        while share < 1:
            share = self._next()
            while share < 1 and self._told.poll():
                share = self._next()
            yield share

    def report(self) -> SimulationReport:
        """What came of it, once everything is written.

        Raises:
            PipelineError: the simulation ended before.
        """
        return self._next()

    def _next(self):  # noqa: ANN202 -- a share of the days, or the report at the end
        try:
            return self._told.recv()
        except EOFError as error:
            raise PipelineError("The simulation ended before its last day. Run the demo again.") from error


@contextmanager
def at_work(out: Path, *, days: int, facilities: int, seed: int) -> Iterator[Hospital]:
    """A hospital that writes into `out`; it ends with this block at the latest."""
    context = multiprocessing.get_context("spawn")
    told, tells = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(tells, out, days, facilities, seed), daemon=True)
    process.start()
    tells.close()
    try:
        yield Hospital(told, days)
        process.join()
    finally:
        process.terminate()
        process.join()
        told.close()


def _work(tells: Connection, out: Path, days: int, facilities: int, seed: int) -> None:
    """The process of its own; who interrupts the demo interrupts it by ending it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from sample_data.simulate import simulate

    tells.send(simulate(out, days=days, facilities=facilities, seed=seed, progress=tells.send))


def take_in_meanwhile(home: Home, hospital: Hospital, say: Callable[[float], None]) -> dict[str, FileAccount]:
    """Take in what the hospital hands over, a good part at a time, until its last day is over; the account of each file by path.

    Raises:
        PipelineError: as `intake.ingest_paths`, or the simulation ended early.
    """
    from pipelines import intake, settings, warehouse

    configured = settings.load(home)
    files: dict[str, FileAccount] = {}
    seen: set[Path] = set()
    taken = 0.0
    with home.lock(), warehouse.connect(configured) as db:
        for share in hospital.shares():
            say(share)
            if (share - taken) * hospital.days >= DAYS_AT_ONCE or share == 1:
                handed_over = set(_deliveries(home.landing))
                files |= {
                    each.path: each for each in intake.ingest_paths(db, configured, sorted(handed_over - seen)).files
                }
                seen |= handed_over
                taken = share
    return files


def _deliveries(landing: Path) -> Iterator[Path]:
    """Every folder of an export and every log that stands there; hidden ones are being written."""
    yield from (folder for folder in (landing / "fhir").glob("[!.]*"))
    yield from (log for log in (landing / "logs").glob("*/[!.]*"))
