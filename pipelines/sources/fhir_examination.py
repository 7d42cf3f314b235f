"""What is looked at beyond the columns that are loaded: quarantined lines and a sample of the rest, for tier 2 and the census.

Here: choosing lines, and writing what was found into the account. Not here: judging one (`fhir_validation`), counting
elements (`fhir_drift`). The sample is spread evenly through each file by a multiplicative hash of the line's number, so
the same bytes are always sampled alike, and every part of a file of any size counts alike. No text outlives the load.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from heapq import nsmallest
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lending import append
from pipelines.sources.fhir_definitions import HIDDEN, is_type
from pipelines.sources.fhir_drift import Census
from pipelines.sources.fhir_validation import judges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.sources.fhir_validation import Judges, Outcome
    from pipelines.sources.source import Intake, Session

CENSUS_SHARE = 0.1
CENSUS_LEAST = 50
CENSUS_MOST = 1_000
"""A tenth of a file's lines, at least and at most so many, are looked at for the drift report."""
LONGEST = 1 << 18
"""A longer line is looked at only when all are, or when it is quarantined."""
LONGEST_QUARANTINED = 1 << 20
SAMPLE_BYTES = 32 << 20

SAMPLE = "sample"
QUARANTINE = "quarantine"

_HASHES = 1 << 32
_NO_RESOURCES = {"Bundle", "Parameters"}
"""Types of lines that tell of an export instead of the hospital: deletions and headers."""


@contextmanager
def examination(session: Session, files: Sequence[Intake], hint: str) -> Iterator[Examination]:
    """Examine the lines of these files while they are loaded; what was found is booked at the end of the block."""
    with judges(session.settings.threads) as found:
        made = Examination(session, files, hint, found)
        yield made
        made.finish()


class Examination:
    """The examination of some files in one transaction."""

    def __init__(self, session: Session, files: Sequence[Intake], hint: str, found: Judges) -> None:
        self._session = session
        self._files = {file.file_id: file for file in files}
        self._hint = hint
        self._judges = found
        self._share = session.settings.validate_share
        self._most = session.settings.validate_lines
        self._kept: dict[int, list[tuple[int, int, str]]] = defaultdict(list)  # file → rank, line, text
        self._quarantined = 0
        self._lines: Counter[tuple[int, str, str]] = Counter()
        self._checked: Counter[tuple[int, str, str]] = Counter()
        self._failed: Counter[tuple[int, str, str]] = Counter()
        self._as_r5: Counter[tuple[int, str, str]] = Counter()
        self._failures: Counter[tuple[int, str, str, str, str]] = Counter()
        self._shifts = {file.file_id: file.delivered.size * 2654435761 % (1 << 20) for file in files}
        self._below = dict.fromkeys(self._shifts, _HASHES)

    def tally(self, staged: str) -> None:
        """Count the lines of a pass that were not kept out, by type: what the sample is of. `staged` is its from clause."""
        for file_id, resource_type, lines in self._session.db.execute(
            f"""
            select file_id, resource_type, count(*) from {staged} and verdict not in ('other', 'quarantined') group by all
            """
        ).fetchall():
            if resource_type in _NO_RESOURCES:
                continue
            self._lines[file_id, resource_type if is_type(resource_type) else HIDDEN, SAMPLE] += lines

    def look(self, chunk: pa.Table) -> None:
        """Look at the lines of `chunk`, on all of which a verdict was given."""
        self._judge_quarantined()
        self._sample(chunk)
        if self._share == 1:
            self._judge_all()

    def _judge_quarantined(self) -> None:
        ((quarantined,),) = self._session.db.execute(
            "select count(*) from line_verdict where verdict = 'quarantined'"
        ).fetchall()
        if quarantined == self._quarantined:
            return
        self._quarantined = quarantined
        found = self._session.db.execute(
            """
            with kept_out as materialized (
                select file_id, line, text from chunk
                join (select file_id, line from line_verdict where verdict = 'quarantined') using (file_id, line)
            )
            select file_id, line, if(strlen(text) <= $longest, text, null) from kept_out
            where json_valid(text)
            order by file_id, line
            """,
            {"longest": LONGEST_QUARANTINED},
        ).fetchall()
        for file_id, _, text in found:
            if text is None:
                self._lines[file_id, HIDDEN, QUARANTINE] += 1
        self._give([(file_id, text) for file_id, _, text in found if text is not None], QUARANTINE)

    def _judge_all(self) -> None:
        found = self._session.db.execute(
            """
            select file_id, text from chunk
            anti join (select file_id, line from line_verdict where verdict = 'quarantined') using (file_id, line)
            """
        ).fetchall()
        self._give(found, SAMPLE)

    def _sample(self, chunk: pa.Table) -> None:
        """Of each file, keep the lines of the lowest hashes so far."""
        most = max(CENSUS_MOST, self._most)
        files, lines = chunk["file_id"].to_numpy(), chunk["line"].to_numpy()
        texts = chunk["text"]
        is_fit = (pc.call_function("binary_length", [texts]).to_numpy() <= LONGEST) & ~self._are_quarantined(
            files, lines
        )
        starts = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), len(files)]
        for start, end in pairwise(starts):  # a chunk holds the lines of one file after those of another
            file_id = int(files[start])
            rank = (lines[start:end] + self._shifts[file_id]) * 2654435761 % _HASHES
            chosen = np.flatnonzero(is_fit[start:end] & (rank < self._below[file_id]))
            if len(chosen) > most:
                chosen = chosen[np.argpartition(rank[chosen], most)[:most]]
            found = zip(
                rank[chosen].tolist(),
                lines[start + chosen].tolist(),
                [texts[each].as_py() for each in (start + chosen).tolist()],  # `take` would copy all of them first
                strict=True,
            )
            kept = nsmallest(most, [*self._kept[file_id], *found])
            within = _within(SAMPLE_BYTES, kept)
            if len(within) < len(kept) or len(kept) == most:
                self._below[file_id] = within[-1][0] if within else 0
            self._kept[file_id] = within

    def _are_quarantined(self, files: np.ndarray, lines: np.ndarray) -> np.ndarray:
        if not self._quarantined:
            return np.zeros(len(files), bool)
        found = self._session.db.execute(
            "select (file_id::bigint << 40) | line as place from line_verdict where verdict = 'quarantined'"
        ).fetchnumpy()
        return np.isin((files.astype(np.int64) << 40) | lines, found["place"])

    def finish(self) -> None:
        """Judge and count what was kept, and write the account."""
        census: dict[tuple[int, str], Census] = {}
        for file_id, kept in self._kept.items():
            if self._share < 1:
                chosen = [(file_id, text) for rank, _, text in kept if rank < self._share * _HASHES]
                self._give(chosen[: self._most], SAMPLE)
            tenth = round(self._files[file_id].lines_read * CENSUS_SHARE)
            for _, _, text in kept[: min(max(tenth, CENSUS_LEAST), CENSUS_MOST)]:
                _count(census, file_id, text)
        self._judges.finish()
        self._book_validation()
        self._book_census(census)

    def _give(self, found: Sequence[tuple[int, str]], scope: str) -> None:
        by_file: dict[int, list[str]] = defaultdict(list)
        for file_id, text in found:
            by_file[file_id].append(text)
        for file_id, texts in by_file.items():
            self._judges.give(texts, self._hint, self._taker(file_id, scope))

    def _taker(self, file_id: int, scope: str) -> Callable[[Outcome], None]:
        def take(outcome: Outcome) -> None:
            if outcome.resource_type in _NO_RESOURCES:
                return
            key = (file_id, outcome.resource_type, scope)
            if scope == QUARANTINE:
                self._lines[key] += 1
            self._checked[key] += 1
            self._failed[key] += bool(outcome.failures)
            self._as_r5[key] += outcome.release == "R5"
            for rule, path in outcome.failures:
                self._failures[*key, rule, path] += 1

        return take

    def _book_validation(self) -> None:
        rows = [
            (*key, lines, self._checked[key], self._failed[key], self._as_r5[key])
            for key, lines in sorted(self._lines.items())
        ]
        names = ("file_id", "resource_type", "scope", "lines", "checked", "failed", "as_r5")
        self._append("account.validation", names, rows)
        names = ("file_id", "resource_type", "scope", "rule", "path", "n")
        self._append("account.validation_failure", names, [(*key, n) for key, n in sorted(self._failures.items())])

    def _book_census(self, census: dict[tuple[int, str], Census]) -> None:
        names = ("file_id", "resource_type", "path", "release", "lines", "looked_at")
        rows = [
            (file_id, resource_type, path, release, lines, each.looked_at)
            for (file_id, resource_type), each in sorted(census.items())
            for path, release, lines in each.rows(frozenset(self._files[file_id].source.error_words))
        ]
        self._append("account.element", names, rows)

    def _append(self, table: str, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        if rows:
            columns = [pa.array(column) for column in zip(*rows, strict=True)]
            append(self._session.db, table, pa.table(columns, names=list(names)))


def _count(census: dict[tuple[int, str], Census], file_id: int, text: str) -> None:
    try:
        resource = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    resource_type = resource.get("resourceType") if isinstance(resource, dict) else None
    if isinstance(resource_type, str) and resource_type not in _NO_RESOURCES and is_type(resource_type):
        census.setdefault((file_id, resource_type), Census(resource_type)).look_at(resource)


def _within(most: int, kept: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The first of these lines whose texts together are at most so long."""
    for i, (_, _, text) in enumerate(kept):
        most -= len(text)
        if most < 0:
            return kept[:i]
    return kept
