"""What the adapters of engines share once records are found: texts out of JSON, instants out of texts, names and errors that may be kept.

Here: macros and the steps from a staged record to its verdict. Not here: what any engine writes. A record is read in one
statement, which hashes or resolves every value at once: nothing of its text reaches a table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import ZoneNeeded
from pipelines.sources import error_text
from pipelines.sources.events import COLUMNS, insert_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Intake, Session

MACROS = (
    # The text of a JSON value, also of MongoDB's Extended JSON ({"$oid": ...}, {"$date": {"$numberLong": ...}}).
    """create or replace temp macro said(j) as nullif(case json_type(j)
            when 'OBJECT' then coalesce(j->>'$."$oid"', j->>'$."$date"."$numberLong"', j->>'$."$date"', j->>'$."$numberLong"',
                j->>'$."$numberInt"', j->>'$."$numberDouble"')
            when 'ARRAY' then null else j->>'$' end, '')""",
    # The instant that a text says by itself, and the local time that it says where a zone must be known for that. A clock
    # that was never set says 1970: no time.
    """create or replace temp macro after_1970(t) as case when t >= timestamptz '1971-01-01 00:00:00+00' then t end""",
    """create or replace temp macro instant_of(x) as after_1970(
            case when iso_of(x) is null then epoch_in(x, per_second_of(x)) else iso_instant(iso_of(x)) end)""",
    "create or replace temp macro local_of(x) as iso_local(iso_of(x))",
    # The first of two local times in autumn, the shifted one in spring; both are flagged.
    "create or replace temp macro placed(t, zone) as after_1970(least(timezone(zone, t), earlier(t, zone)))",
    "create or replace temp macro is_skipped(t, zone) as coalesce(timezone(zone, timezone(zone, t)) <> t, false)",
    # One pattern for all words: it is compiled once, where a list of them would be searched for every value.
    """create or replace temp macro consists_of(x, word) as
            regexp_full_match(lower(x), '[^a-z0-9]*(?:(?:' || word || ')(?:[^a-z0-9]+|$))*')""",
    # A name from an engine's configuration: an identifier without a long number, or known words with few digits that are no date.
    # Others become a key.
    r"""create or replace temp macro label(x) as case
            when regexp_full_match(x, '[A-Za-z][A-Za-z0-9_.-]{0,79}') and not regexp_matches(x, '\d{4}') then x
            when regexp_full_match(x, '[A-Za-z0-9(\[][A-Za-z0-9 ._:/#()\[\]&>+,-]{0,79}')
                and not regexp_matches(x, '(?:\d\D*){5}|\d{4}|\d[/-]\d+[/-]\d')
                and consists_of(x, getvariable('known_word') || '|v?\d{1,3}') then x end""",
    # A word that nobody mapped, where it is made of harmless words.
    """create or replace temp macro redacted_word(x) as if(consists_of(x, getvariable('known_word')),
            case when regexp_full_match(x, '[A-Za-z0-9][A-Za-z0-9 ._:/#-]{0,79}') then x end, '<redacted>')""",
    "create or replace temp macro named(kind, x, key) as coalesce(label(x), kind || ' ' || left(key, 8))",
    # An id that an engine made itself (ObjectId, UUID, trace id) as it is, any other hashed.
    r"""create or replace temp macro engine_id(source, x) as case
            when regexp_full_match(x, '[0-9a-fA-F]{24}|[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}') then lower(x)
            else keyed('message', source, x) end""",
    """create or replace temp macro http_class(status) as case
            when status in (401, 403, 407) then 'auth' when status in (408, 504) then 'timeout' when status in (502, 503) then 'connect'
            when status in (413, 429, 507) then 'capacity' when status between 400 and 499 then 'nack' else 'unknown' end""",
)

NAME_WORDS = frozenset(
    """
    admission admissions admits adt allergies allscripts api appointment appointments archive audit backup bed beds billing blood
    booking cardiology ccd ccda cda cerner charge charges chemistry claim claims clinic clinical clinics covid cytology demographics
    department departments diagnostic diagnostics diet discharge discharges distributor document documents ecg ed eligibility empi
    encounter encounters epic er event events exam exams export feed finance haematology hematology hie histology hospital hospitals hub
    icu imaging immunization immunizations import inpatient inpatients insurance integration interface interfaces interop invoice lab
    laboratory labs legacy listener mdm meditech merge microbiology midwifery modality monitoring mpi new notes observation
    observations old oncology order ordering orders outpatient outpatients pacs pathology patient patients pharmacy postgres
    prescription prescriptions prod production qa queue radiology referral referrals registration registrations registry renal report
    reporting reports ris rx scheduling siu specimen staging sub subscription surgery test theatre theatres transfers transport triage
    uat update updates vaccination vaccinations visits vitals warehouse worklist xray
    """.split()  # noqa: SIM905 -- one a line would fill a page
)
"""Of these, beside the words of errors, the names of channels are made. None of them is anybody's name."""
_WORD = re.compile("[a-z0-9]+")


def prepare(session: Session, source: SourceSettings, own: frozenset[str] = frozenset()) -> None:
    """Set the variable `known_word`: a pattern of the words of which a name may consist, with the engine's `own`."""
    words = error_text.vocabulary() | NAME_WORDS | own | {word.lower() for word in source.error_words}
    known = "|".join(sorted(word for word in words if _WORD.fullmatch(word)))
    session.db.execute("set variable known_word = $known", {"known": known})


def reduced_errors(session: Session, source: SourceSettings, texts: str) -> pa.Table:
    """Each distinct error text as its hash and what may be kept of it. `texts` is a query for them on `chunk`; they go no further."""
    found = session.db.execute(f"select distinct md5(said_), said_ from ({texts}) as t(said_)").fetchall()
    # A condition in SQL would be pushed down and parse each record once for every field that it reads.
    return error_facts(source, ((digest, text, None) for digest, text in found if text))


def error_facts(source: SourceSettings, found: Iterable[tuple[str, str, str | None]]) -> pa.Table:
    """What may be kept of error texts: `error_id, error_class, error_code, error_template, error_fingerprint`. Each is given with
    its id and what its destination is called, null where it has none.
    """
    extra = frozenset(word.lower() for word in source.error_words)
    facts: list[tuple[str, str, str | None, str, str]] = []
    for error_id, text, destination in found:
        reduced = error_text.reduce_error(text, extra, (destination or "",))
        facts.append((error_id, reduced.error_class, reduced.code, reduced.template, reduced.fingerprint))
    columns = list(zip(*facts, strict=True)) if facts else [()] * 5
    names = ["error_id", "error_class", "error_code", "error_template", "error_fingerprint"]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)


def staging(ctes: str, values: Mapping[str, str], rows: str) -> str:
    """The statement that makes `event_staged` of `rows`: `values` by column, null for every other."""
    typed = {name: kind.removesuffix(" not null") for name, kind in COLUMNS.items()}
    listed = ",\n    ".join(f"{values.get(name, f'null::{kind}')} as {name}" for name, kind in typed.items())
    return f"create or replace temp table event_staged as\n{ctes}\nselect\n    {listed},\n    byte_offset\nfrom {rows}"


def close_chunk(session: Session) -> None:
    """Insert `event_staged` and give the verdicts of `engine_record`: its rule, `ignored`, or what its events came to.

    `engine_record` has file_id, line, byte_offset, rule, line_hash and is_ignored of every record of the chunk.
    """
    session.db.execute(
        """
        insert into line_verdict by name
        select file_id, line, byte_offset, if(rule is null, 'ignored', 'quarantined') as verdict, rule,
            case when rule is not null then line_hash end as line_hash
        from engine_record where rule is not null or is_ignored
        """
    )
    session.db.execute(
        """
        create or replace temp table record_staged as
        select file_id, line, byte_offset from engine_record where rule is null and not is_ignored
        """
    )
    insert_events(session)


def zone_for(session: Session, source: SourceSettings, files: Sequence[Intake], zoneless: str) -> str | None:
    """The source's zone. `zoneless` is a query for `file_id, line` of records whose times need one.

    Raises:
        ZoneNeeded: there are such records, and nobody said which zone they mean.
    """
    zone = session.zone or source.zone
    if zone is not None:
        return zone
    found = session.db.execute(f"select file_id, min(line) from ({zoneless}) group by all order by all limit 1")
    for file_id, line in found.fetchall():
        path = next(file.delivered.path for file in files if file.file_id == file_id)
        raise ZoneNeeded(
            f"{path}, line {line}: a time has no offset, so the zone it is in must be named; none is assumed. "
            f"Set zone for source {source.name!r} in wardflow.toml, or give --zone."
        )
    return None
