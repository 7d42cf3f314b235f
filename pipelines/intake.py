"""How delivered files come in: which there are, what each is and whose, and one transaction for each group of like files.

Here: the one entry by which files come in, the order of work and the booking. Not here: the report (`ledger`), formats
(`sources`), which files there are (`sources.discover`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines import absence, booking, exports, following, keys, ledger, rereading
from pipelines.accounts import FileAccount, IngestReport, Progress, Unrecognised
from pipelines.arrow_alone import keep_pandas_out
from pipelines.errors import ZoneNeeded
from pipelines.lending import append
from pipelines.sources import SOURCES, fhir_sightings, readings
from pipelines.sources.arrivals import Arrival, Arrivals, gather
from pipelines.sources.source import Intake, Session
from pipelines.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from pipelines.settings import Settings

GROUP_BYTES = 64 << 20
_MANIFEST = "manifest"
_GONE = "was renamed, removed or changed while it was being read; nothing of it was kept, the next run reads it as it is then"

_SCRATCH = (
    """create or replace temp table line_verdict (
        file_id integer, line bigint, byte_offset bigint, verdict varchar, rule varchar, line_hash varchar)""",
    "create or replace temp table file_finding (file_id integer, rule varchar, n bigint)",
    "create or replace temp table intake (file_id integer, exported_at timestamptz)",
    "create or replace temp table latest_event (file_id integer, occurred_at timestamptz)",
)


def ingest_paths(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    paths: Iterable[Path | str],
    source: str | None = None,
    zone: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    settle_seconds: float = 0,
) -> IngestReport:
    """Read files and folders in place into `raw.*` and account for every line; the only way in. Idempotent; each group
    of files is one transaction, so that a process killed at any instant leaves whole files or nothing of them.

    `db` comes from `warehouse.connect`; the caller holds `Home.lock`. `source` names the source of all paths (default:
    the configured source whose path matches, else the folder's name when a source is called so, else the only one of
    that kind, else the kind). `zone` reads times without an offset, where the source's settings say nothing. The unfinished
    last line of a file that grows, or that changed within `settle_seconds`, is left for the next ingest.

    Raises:
        UnreadableFile: a path that does not exist.
        ConfigurationError: `source` is configured as another kind than a file is.
        ZoneNeeded: a log without offsets, and no zone; nothing of that file was kept.
        Unbalanced: an account that does not add up; nothing of that group was kept.
        TooManyAbsent: an export lacks so much of what was known that nothing was deleted; all files are loaded and booked.
    """
    keep_pandas_out()
    arrivals = gather(settings, paths, source)
    intake = _Intake(db, settings, arrivals, zone, progress, settle_seconds)
    intake.run()
    if intake.zone_needed is not None:
        raise intake.zone_needed
    _settle(db, settings, arrivals)
    known = {
        file.path: file.since(intake.reread_at.get(file.path))
        for file in ledger.report_of(db, "select unnest($ids)", {"ids": intake.booked}).files
    }
    return IngestReport(
        tuple(
            known.get(path) or intake.repeated[path]
            for path in intake.order
            if path in known or path in intake.repeated
        ),
        (*arrivals.unrecognised, *intake.vanished),
    )


def _settle(db: duckdb.DuckDBPyConnection, settings: Settings, arrivals: Arrivals) -> None:
    """What follows from exports as a whole, once their files are in: which are incomplete, and what is gone."""
    sources = {each.source.name: each.source for each in arrivals.known if each.kind in {"fhir", _MANIFEST}}
    if sources:
        with transaction(db):
            exports.list_incomplete(db)
        absence.apply(db, settings, sources.values())


class _Intake:
    """One call's work."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        settings: Settings,
        arrivals: Arrivals,
        zone: str | None,
        progress: Callable[[Progress], None] | None,
        settle_seconds: float,
    ) -> None:
        self.db = db
        self.settings = settings
        self.arrivals = arrivals
        self.key = keys.load(settings)
        self.zone = zone
        self.progress = progress
        self.settle_seconds = settle_seconds
        self.order = [arrival.delivered.path for arrival in arrivals.known]
        self.booked: list[int] = []
        self.repeated: dict[str, FileAccount] = {}
        self.zone_needed: ZoneNeeded | None = None
        self.reread: dict[int, FileAccount] = {}
        self.vanished: list[Unrecognised] = []
        self._grown = following.grown(following.known(db), arrivals.known, settings.home, settle_seconds)
        self._growth_of: dict[str, following.Growth] = {}
        self._arrival_of: dict[str, Arrival] = {each.delivered.path: each for each in arrivals.known}
        self._accounts: dict[int, FileAccount] = {}
        self._next_id: int = _scalar(db, "select coalesce(max(file_id), 0) + 1 from account.file")
        self._done_bytes = self._done_files = 0

    @property
    def reread_at(self) -> dict[str, FileAccount]:
        """By path, the former account of each file that was read again."""
        return {before.path: before for before in self.reread.values()}

    def run(self) -> None:
        """What is booked already is only reported, new bytes are read, and then known bytes of other exports are booked.

        A file of which this release reads more than the one that booked it is read again, before all others.
        """
        seen = booking.booked(self.db)
        stale: list[Intake] = []
        new: list[Intake] = []
        again: list[Intake] = []
        coming: set[tuple[str, str]] = set()
        parts: list[Intake] = []
        for at, (arrival, sha256) in enumerate(zip(self.arrivals.known, self._digests(), strict=True)):
            growth = self._grown.get(at)
            if growth is not None and self._goes_on(arrival, growth, parts):
                continue
            file = self._as_intake(arrival, sha256)
            same = (file.source.name, file.sha256)
            if not sha256:
                new.append(file)
            elif same in seen and (before := seen[same].at(file.delivered.path, self.arrivals.stated_time(arrival))):
                if file.kind == _MANIFEST or self._is_current(before, file.kind):
                    self._repeat(seen[same].file_id, file)
                else:
                    file.file_id = before.file_id
                    self.reread[before.file_id] = self._before(before.file_id)
                    stale.append(file)
            elif file.resource_type == "Bundle" or file.kind == _MANIFEST or not (same in seen or same in coming):
                coming.add(same)
                new.append(file)
            else:
                again.append(file)
        self._load_all(sorted(stale, key=lambda file: file.file_id))
        self._load_all(parts)
        self._load_all(new)
        seen = booking.booked(self.db) if again else seen
        known = [(file, seen[same]) for file in again if (same := (file.source.name, file.sha256)) in seen]
        spared = [
            before.spares_reading(file.exported_at)
            and any(self._is_current(each, file.kind) for each in before.sightings)
            for file, before in known
        ]
        self._load_all([file for (file, _), is_spared in zip(known, spared, strict=True) if not is_spared])
        self._book_again([each for each, is_spared in zip(known, spared, strict=True) if is_spared])

    def _goes_on(self, arrival: Arrival, growth: following.Growth, parts: list[Intake]) -> bool:
        """Whether a known file needs no reading but that of its new part, which is put to `parts`."""
        if not self._is_current(growth.file, growth.file.kind):
            return False
        if growth.arrival is None:
            following.move(self.db, growth)
            self._repeat(growth.file.file_id, self._as_intake(arrival, ""))
        else:
            part = self._as_intake(growth.arrival, "")
            parts.append(part)
            self._growth_of[growth.path] = growth
        return True

    @staticmethod
    def _is_current(known: booking.Sighting | following.Followed, kind: str) -> bool:
        reading = readings.of_former_release(kind) if known.reading is None else known.reading
        return reading in readings.current(kind)

    def _load_all(self, files: Sequence[Intake]) -> None:
        alike: dict[tuple[str, str, str], list[Intake]] = defaultdict(list)
        for file in files:
            alike[file.kind, file.source.name, file.resource_type or ""].append(file)
        for group in _groups(alike):
            self._load(group)

    def _digests(self) -> list[str]:
        """Each file's sha256, empty where no other file has its size: its bytes cannot be known, and are hashed while they are read."""
        known = [size for (size,) in self.db.execute("select distinct bytes from account.file").fetchall()]
        sizes = Counter([*known, *(arrival.delivered.size for arrival in self.arrivals.known)])
        with ThreadPoolExecutor(self.settings.threads) as pool:
            return list(
                pool.map(
                    lambda place: (
                        self._digest_of(place[1])
                        if place[0] not in self._grown and sizes[place[1].delivered.size] > 1
                        else ""
                    ),
                    enumerate(self.arrivals.known),
                )
            )

    @staticmethod
    def _digest_of(arrival: Arrival) -> str:
        try:
            return arrival.delivered.sha256()
        except FileNotFoundError:  # it is noticed again when it is read
            return ""

    def _as_intake(self, arrival: Arrival, sha256: str) -> Intake:
        return Intake(
            file_id=0,
            delivered=arrival.delivered,
            source=arrival.source,
            kind=arrival.kind,
            sha256=sha256,
            resource_type=arrival.together,
            exported_at=self.arrivals.exported_at(arrival),
            base=manifest.base if (manifest := self.arrivals.manifest_of(arrival.delivered.folder)) else None,
        )

    def _load(self, files: Sequence[Intake]) -> None:
        """Load a group without those of its files that were renamed or removed meanwhile: they are read where they lie next."""
        as_found = [replace(file) for file in files]
        try:
            self._load_together(files)
        except (FileNotFoundError, _Moved) as error:
            gone = error.paths if isinstance(error, _Moved) else {_path(file) for file in files if _is_gone(file)}
            if not gone:
                raise
            self.vanished += [Unrecognised(path, _GONE) for path in sorted(gone)]
            if left := [file for file in as_found if _path(file) not in gone]:
                self._load(left)

    def _load_together(self, files: Sequence[Intake]) -> None:
        """One transaction: rows, verdicts, accounts; checked before it is committed."""
        self._number(files)
        hashed = [file for file in files if file.sha256]
        try:
            with transaction(self.db):
                session = Session(self.db, self.settings, self.key, self.zone, self.settle_seconds)
                for statement in _SCRATCH:
                    self.db.execute(statement)
                ids = pa.array([file.file_id for file in files], pa.int32())
                times = pa.array([file.exported_at for file in files], pa.timestamp("us", tz="UTC"))
                append(self.db, "intake", pa.table([ids, times], names=["file_id", "exported_at"]))
                again = [file for file in files if file.file_id in self.reread]
                came = rereading.take_out(self.db, again) if again else {}
                if files[0].kind == _MANIFEST:
                    self._check_manifests(session, files)
                else:
                    SOURCES[files[0].kind].load(session, files)
                    self._compare_with_manifests(session, files)
                if files[0].kind == "fhir":
                    exports.book_delivered(self.db, files)
                session.flush()
                packed = [file for file in files if not file.sha256]
                for file in packed:
                    file.sha256 = file.delivered.sha256()
                _check_unchanged(hashed, packed)
                grown = self._parts_among(files)
                self._note_reading(files)
                for file in files:
                    self._follow(file, grown.get(file.file_id))
                booking.book(self.db, files)
                self._join(grown)
                if again:
                    rereading.put_back(self.db, came)
        except ZoneNeeded as error:
            self.zone_needed = error
            for file in files:
                file.file_id = 0
        else:
            of = self._growth_of
            self.booked += [
                of[path].file.file_id if (path := file.delivered.path) in of else file.file_id for file in files
            ]
        self._tell(files)

    def _parts_among(self, files: Sequence[Intake]) -> dict[int, following.Growth]:
        """By number, those of the files that are new parts of known ones; what stands before a part is not theirs."""
        grown = {
            file.file_id: growth for file in files if (growth := self._growth_of.get(file.delivered.path)) is not None
        }
        for file in files:
            if file.file_id in grown:
                following.without_preamble(self.db, grown[file.file_id], file)
        return grown

    def _join(self, grown: dict[int, following.Growth]) -> None:
        if moved := {growth.path for growth in grown.values() if not following.is_still(growth)}:
            raise _Moved(moved)
        for part, growth in grown.items():
            known = growth.file.file_id
            self.reread[known] = replace(self._before(known), path=growth.path)
            following.join(self.db, growth, part)

    def _follow(self, file: Intake, growth: following.Growth | None) -> None:
        arrival = self._arrival_of.get(file.delivered.path)
        if arrival is not None:
            following.remember(self.db, file, arrival, growth)

    def _note_reading(self, files: Sequence[Intake]) -> None:
        counted: dict[int, tuple[int, int]] = {
            file_id: (lines, ignored)
            for file_id, lines, ignored in self.db.execute(
                "select file_id, count(*), count(*) filter (where verdict = 'ignored') from line_verdict group by all"
            ).fetchall()
        }
        for file in files:
            file.reading = readings.reading_of(file, *counted.get(file.file_id, (0, 0)))

    def _number(self, files: Sequence[Intake]) -> None:
        for file in files:
            if file.file_id not in self.reread:
                file.file_id = self._next_id
                self._next_id += 1

    def _book_again(self, files: Sequence[tuple[Intake, booking.Booked]]) -> None:
        """Account for files whose bytes are known, all in one transaction; versions of another export are seen again."""
        if not files:
            return
        self._number([file for file, _ in files])
        with transaction(self.db):
            for file, known in files:
                booking.book_again(self.db, file, known.file_id)
                if file.kind == "fhir":
                    exports.book_delivered_again(self.db, file, known.file_id)
                if file.exported_at is not None and known.whole is not None:
                    fhir_sightings.widen_file(self.db, known.whole, file.exported_at)
        self.booked += [file.file_id for file, _ in files]
        self._tell([file for file, _ in files])

    def _repeat(self, known: int, file: Intake) -> None:
        """The same path with the same bytes: nothing is booked, and the report says that nothing changed."""
        before = self._before(known)
        self.repeated[file.delivered.path] = FileAccount(
            **{
                **vars(before),
                "path": file.delivered.path,
                "loaded": 0,
                "unchanged": before.loaded + before.unchanged,
                "findings": {},
            }
        )
        self._tell([file])

    def _before(self, file_id: int) -> FileAccount:
        if not self._accounts:
            files = ledger.account(self.db).files
            ids = [row[0] for row in self.db.execute("select file_id from account.file order by file_id").fetchall()]
            self._accounts = dict(zip(ids, files, strict=True))
        return self._accounts[file_id]

    def _compare_with_manifests(self, session: Session, files: Sequence[Intake]) -> None:
        for file in files:
            expected = self.arrivals.expected_resources(file.delivered)
            if expected is not None and expected != file.lines_read - file.blank_lines:
                session.find(file, "manifest_count_differs", abs(expected - file.lines_read + file.blank_lines))

    def _check_manifests(self, session: Session, files: Sequence[Intake]) -> None:
        for file in files:
            manifest = self.arrivals.manifest_at(file.delivered.path)
            if manifest is None:
                continue
            exports.book_manifest(self.db, file, manifest)
            missing = self.arrivals.missing_files(file.delivered, manifest)
            if missing:
                session.find(file, "file_of_manifest_missing", missing)
            if manifest.errors:
                session.find(file, "export_reports_errors", manifest.errors)
            if manifest.exported_at is None:
                session.find(file, "transaction_time_unreadable")

    def _tell(self, files: Sequence[Intake]) -> None:
        self._done_files += len(files)
        self._done_bytes += sum(file.delivered.size for file in files)
        if self.progress is not None:
            label = files[-1].resource_type or files[-1].source.name
            self.progress(Progress(self._done_bytes, self.arrivals.bytes, self._done_files, len(self.order), label))


class _Moved(Exception):
    """Files that became others while they were read on; the transaction is undone."""

    def __init__(self, paths: set[str]) -> None:
        super().__init__()
        self.paths = paths


def _check_unchanged(before: Sequence[Intake], after: Sequence[Intake]) -> None:
    """Of files that were hashed before or after they were read: what was read must be what was hashed, or a copy, or what lies
    there by now, counts as known.
    """
    changed = {_path(file) for file in before if file.delivered.is_growing()}
    if changed := changed | {_path(file) for file in after if file.delivered.is_another()}:
        raise _Moved(changed)


def _path(file: Intake) -> str:
    return file.delivered.path


def _is_gone(file: Intake) -> bool:
    return file.delivered.place is not None and not file.delivered.place.exists()


def _groups(fresh: dict[tuple[str, str, str], list[Intake]]) -> Iterator[list[Intake]]:
    """Whole files of one kind, source and type, together up to GROUP_BYTES."""
    for files in fresh.values():
        group: list[Intake] = []
        size = 0
        for file in files:
            if group and size + file.delivered.size > GROUP_BYTES:
                yield group
                group, size = [], 0
            group.append(file)
            size += file.delivered.size
        yield group


def _scalar(db: duckdb.DuckDBPyConnection, query: str) -> int:
    return db.execute(query).fetchall()[0][0]
