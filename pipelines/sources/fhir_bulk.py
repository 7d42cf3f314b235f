"""FHIR bulk exports: NDJSON of any number of files, one resource a line, into `raw.fhir_*`.

Here: lines to verdicts and versions. Not here: how a line is parsed (`fhir_staging`), which elements are kept
(`fhir_projection`), deletions (`fhir_deletions`), manifests (`fhir_manifest`), and what a resource means. Every version
of a resource is kept once; seeing it again only widens when it was seen (`fhir_sightings`). DuckDB's own NDJSON reader
is not used: its schema detection drops what first appears late, and `ignore_errors` turns a spoiled line into an empty
row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import fhir_deletions, fhir_sightings, lines
from pipelines.sources.fhir_definitions import is_defined
from pipelines.sources.fhir_deletions import BUNDLE
from pipelines.sources.fhir_elements import PROVENANCE, Projection, snake
from pipelines.sources.fhir_examination import examination
from pipelines.sources.fhir_plain import has_plain_form, plain
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_staging import gathered, staged, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.fhir_examination import Examination
    from pipelines.sources.source import Head, Intake, Session

_RESOURCE_LINE = re.compile(rb'^[ \t]*\{.*?"resourceType"[ \t]*:[ \t]*"([A-Za-z]{1,64})"', re.MULTILINE)
_TYPE = re.compile(r"[A-Za-z]{1,64}")
_TYPE_NAME = re.compile(r"(?:^|[._-])([A-Z][A-Za-z]{2,40})(?:[._-].*)?\.ndjson$")

SETTLED_BYTES = 512 << 20
PLAIN_LINES = 4_096
"""From so many lines a chunk on, it pays to plan a second statement for those in plain form."""

_NOTHING = Projection(resource="", kind="", elements={}, columns=())


def _type_of(start: bytes, found: re.Match[bytes]) -> str:
    """The type of the resource on a line, not of one that it contains; of a line that goes on beyond the head, the first named."""
    line = start[found.start() :].partition(b"\n")[0]
    try:
        named = orjson.loads(line).get("resourceType")
    except orjson.JSONDecodeError:
        named = None
    return named if isinstance(named, str) and _TYPE.fullmatch(named) else found.group(1).decode()


class FhirBulk:
    """NDJSON of FHIR resources."""

    kind = "fhir"
    suffixes = (".ndjson",)
    promised: Mapping[str, Sequence[str]] = {
        each.table: (*(column.name for column in each.columns), *PROVENANCE) for each in PROJECTIONS.values()
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """A line near the beginning holds a resource; of an empty or spoiled file its name must say so."""
        if _RESOURCE_LINE.search(head.start):
            return True
        return bool(_TYPE_NAME.search(head.name)) and not head.start.lstrip().startswith(b"<")

    def together(self, head: Head) -> str | None:
        """The type of the first resource, else the one in the file's name; null when FHIR has no type of that name."""
        found = _RESOURCE_LINE.search(head.start)
        named = None if found else _TYPE_NAME.search(head.name)
        name = _type_of(head.start, found) if found else named.group(1) if named else ""
        return name if is_defined(name) else None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """The lines as they are."""
        load_resources(session, files, lines.chunks(session, files))


def load_resources(session: Session, files: Sequence[Intake], chunks: Iterable[pa.Table]) -> None:
    """One pass a chunk for the type that the files share; what turns out to be of another type gets a pass of its own.

    A chunk is a table like those of `lines.chunks`; each of its texts is one resource.
    """
    db = session.db
    source = files[0].source
    db.execute("set variable authority = $a", {"a": source.key_authority})
    db.execute(
        "set variable authorities = map($kinds::varchar[], $names::varchar[])",
        {"kinds": list(source.authorities), "names": list(source.authorities.values())},
    )
    bases = {source.base, *(file.base for file in files)} - {None}
    db.execute("set variable bases = $b::varchar[]", {"b": sorted(_place_of(base) for base in bases if base)})
    db.execute("set variable source_name = $s", {"s": source.name})
    db.execute("set variable source_zone = $z", {"z": source.zone})
    hint = files[0].resource_type or ""
    with examination(session, files, hint) as looking:
        work = _Work(session, hint, looking)
        for chunk in chunks:
            session.flush()
            work.take(chunk)
            with lent(db, chunk=chunk):
                looking.look(chunk)
        work.settle()
    for file in files:
        file.is_mixed = file.file_id in work.mixed


class _Work:
    """The passes over one group of files.

    Versions gather by type and are compared with the warehouse half a gigabyte of lines at a time, because that reads the
    keys of everything that was ever loaded. Every other line has its verdict at once. Lines in plain form have a pass of
    their own, unless most turn out to be in another.
    """

    def __init__(self, session: Session, hint: str, looking: Examination) -> None:
        self._session = session
        self._hint = hint
        self._looking = looking
        self._gathered: dict[str, Projection] = {}
        self._bytes = 0
        self._passes = 0
        self._is_mostly_plain = hint in PROJECTIONS and has_plain_form(PROJECTIONS[hint])
        self.mixed: set[int] = set()
        session.db.execute(
            "create or replace temp table rerouted (file_id integer, line bigint, resource_type varchar)"
        )

    def take(self, chunk: pa.Table) -> None:
        """Stage the lines of a chunk."""
        self._session.db.execute("delete from rerouted")
        is_plain = self._is_mostly_plain and len(chunk) >= PLAIN_LINES
        self._pass(self._hint, chunk, np.ones(len(chunk), bool), plain if is_plain else staged)
        others = self._session.db.sql("from rerouted").to_arrow_table()
        for resource_type, of_type in _by_type(others):
            if resource_type != self._hint:
                self.mixed.update(of_type["file_id"].unique().to_pylist())
            self._pass(resource_type, chunk, np.isin(_places(chunk), _places(of_type)), staged)
        self._is_mostly_plain = self._is_mostly_plain and len(others) <= len(chunk) / 2
        self._bytes += chunk.nbytes
        if self._bytes >= SETTLED_BYTES:
            self.settle()

    def settle(self) -> None:
        """Insert what is new among the gathered versions, and account for them."""
        for table, projection in self._gathered.items():
            self._session.db.execute(f"create or replace temp view staged as from {table} where verdict = 'candidate'")
            if projection is not _NOTHING:
                _insert_versions(self._session, projection)
            self._session.db.execute("drop view staged")
            self._session.db.execute(f"drop table {table}")
        self._gathered.clear()
        self._bytes = 0

    def _pass(self, resource_type: str, chunk: pa.Table, mine: np.ndarray, query: Callable[[Projection], str]) -> None:
        """Stage those lines as of this type; others' go to `rerouted`, and so do, of a pass for plain lines, those that are not plain."""
        db = self._session.db
        chunk = chunk.append_column(
            "is_mine", pa.array(mine)
        )  # where DuckDB joined the chunk with them, one thread did all the work
        if resource_type == BUNDLE:
            with lent(db, chunk=chunk):
                fhir_deletions.load(self._session, wanted())
            return
        self._passes += 1
        projection = PROJECTIONS.get(resource_type, _NOTHING)
        table = f"gathered_{snake(projection.resource)}"
        if table not in self._gathered:
            self._gathered[table] = projection
            db.execute(gathered(projection, table))
        with (
            lent(db, chunk=chunk),
            planning.briefly(db, len(chunk)),
        ):  # prepared once it would be planned anew for every chunk all the same
            db.execute(f"insert into {table} {query(projection)}", {"pass": self._passes})
        of_pass = f"{table} where pass_no = {self._passes}"
        db.execute(
            f"""
            insert into line_verdict by name
            select file_id, line, byte_offset, rule, line_hash, verdict
            from {of_pass} and verdict not in ('other', 'candidate')
            """
        )
        db.execute(f"insert into rerouted select file_id, line, resource_type from {of_pass} and verdict = 'other'")
        self._looking.tally(of_pass)


def _places(rows: pa.Table) -> np.ndarray:
    """File and line of each row, as one number."""
    return rows["file_id"].to_numpy().astype(np.int64) << 40 | rows["line"].to_numpy()


def _by_type(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    types = rows["resource_type"].to_numpy()
    for resource_type in sorted(set(types.tolist())):
        yield resource_type, rows.filter(types == resource_type)


def _place_of(base: str) -> str:
    """A server's address without scheme and last slash, as references are compared with it."""
    return base.partition("://")[2].rstrip("/")


def _insert_versions(session: Session, projection: Projection) -> None:
    """Insert each version of `staged` that is not there yet, once; the earliest file and line keep it. Those seen again
    become `unchanged`.
    """
    names = ", ".join([*(column.name for column in projection.columns), *PROVENANCE])
    db = session.db
    db.execute(
        f"""
        create or replace temp table fresh as
        select (place >> 40)::integer as file_id, place & ((1::bigint << 40) - 1) as line
        from (
            select min((file_id::bigint << 40) | line) as place
            from staged as first
            where not exists (
                from {projection.table} as known
                where known.{projection.key} = first.{projection.key} and known.version_hash = first.version_hash
            )
            group by {projection.key}, version_hash
        )
        """
    )
    db.execute(
        f"""
        insert into {projection.table} by name
        select {names}
        from (
            select *, getvariable('source_name') as source, false as is_deleted, exported_at as seen_from, exported_at as seen_to
            from staged
        ) as staged
        semi join fresh using (file_id, line)
        """
    )
    fhir_sightings.widen(db, projection)
    db.execute(
        """
        insert into file_finding by name
        select file_id, flag as rule, count(*) as n
        from (select file_id, unnest(flags) as flag from (from staged where flags <> []) semi join fresh using (file_id, line))
        group by all
        """
    )
    db.execute(
        """
        insert into line_verdict by name
        select file_id, line, byte_offset, if(fresh.line is not null, 'loaded', 'unchanged') as verdict
        from staged left join fresh using (file_id, line)
        """
    )
