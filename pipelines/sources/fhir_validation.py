"""The second tier of validation: a line as fhir.resources judges it, reduced to what may be kept.

Here: one line to its failures, and many lines on several processes. Not here: which lines (`fhir_examination`). Of a
failure only its kind and the path of the element remain: messages and inputs of these models repeat the line, and
their paths repeat the sender's names, so a message is never read and an undefined name becomes `?`.
fhir.resources accepts unknown codes, an end before its start, malformed references and over-long ids: the first tier,
in SQL on every line, finds those. It refuses impossible dates, times without a zone, unknown and missing elements.
"""

from __future__ import annotations

import re
from collections import deque
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import orjson

from pipelines.sources.fhir_definitions import HIDDEN, is_type, model, release_of, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

Failure = tuple[str, str]  # rule, path

BATCH = 250
WORTH_PROCESSES = 2_000
"""So many lines are judged in this process, in a third of a second, before others are started for the rest."""

_RULE = re.compile(r"[a-z][a-z_.]{0,60}")


@dataclass(frozen=True)
class Outcome:
    """What became of one line: of which type it is (`?` when FHIR has none such), in which release's shape, and its failures."""

    resource_type: str
    release: str
    failures: frozenset[Failure]


def judge(text: str | bytes, hint: str) -> Outcome:
    """Validate one line, as the type it names, or as type `hint` when it names none. Never raises, whatever the line holds."""
    try:
        resource: Any = orjson.loads(text)
    except orjson.JSONDecodeError:  # valid to DuckDB, such as half a surrogate pair, but to no Unicode text
        return Outcome(hint if is_type(hint) else HIDDEN, "R4B", frozenset({("json", "")}))
    return judge_resource(resource, hint)


def judge_resource(resource: object, hint: str) -> Outcome:
    """Validate what a line says; see `judge`."""
    named = resource.get("resourceType") if isinstance(resource, dict) else None
    resource_type = named if isinstance(named, str) and named else hint
    if not is_type(resource_type):
        return Outcome(HIDDEN, "R4B", frozenset({("unknown_type", "resourceType")}))
    release = release_of(resource, resource_type) if isinstance(resource, dict) else "R4B"
    definition = model(resource_type, release)
    try:
        definition.model_validate(resource)  # type: ignore[union-attr] -- the type has a model in the release of its shape
    except Exception as error:  # noqa: BLE001 -- the models let KeyError and others escape, whose texts are the line's
        return Outcome(resource_type, release, _failures(resource_type, error))
    return Outcome(resource_type, release, frozenset())


def _failures(resource_type: str, error: Exception) -> frozenset[Failure]:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return frozenset({("not_read", "")})
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return frozenset((_rule(each["type"]), shown_path(resource_type, each["loc"])) for each in found)


def _rule(kind: str) -> str:
    return kind if _RULE.fullmatch(kind) else "other"


def _judge_all(texts: Sequence[str], hint: str) -> list[Outcome]:
    return [judge(text, hint) for text in texts]


@contextmanager
def judges(workers: int) -> Iterator[Judges]:
    """Somebody to give lines to; the processes, where any were started, end with the block."""
    made = Judges(workers)
    try:
        yield made
    finally:
        made.close()


class Judges:
    """Judges lines in this process while they are few, and on `workers` spawned processes when they are many."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._done = 0
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[tuple[Future[list[Outcome]], Sequence[str], str, Callable[[Outcome], None]]] = deque()

    def give(self, texts: Sequence[str], hint: str, take: Callable[[Outcome], None]) -> None:
        """Judge these lines; `take` gets each outcome, by the time `finish` returns. At most a few batches wait in memory."""
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            self._done += len(batch)
            if self._workers < 2 or self._done <= WORTH_PROCESSES:  # noqa: PLR2004 -- one worker is this process
                for outcome in _judge_all(batch, hint):
                    take(outcome)
                continue
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))
            try:
                self._waiting.append((self._pool.submit(_judge_all, batch, hint), batch, hint, take))
            except BrokenExecutor:
                self._workers = 1
                for outcome in _judge_all(batch, hint):
                    take(outcome)
            while len(self._waiting) > 2 * self._workers:
                self._collect()

    def finish(self) -> None:
        """Wait for every outcome."""
        while self._waiting:
            self._collect()

    def _collect(self) -> None:
        future, batch, hint, take = self._waiting.popleft()
        try:
            outcomes = future.result()
        except BrokenExecutor:  # a process was killed, or this program cannot start any: the work is done here
            self._workers = 1
            outcomes = _judge_all(batch, hint)
        for outcome in outcomes:
            take(outcome)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
