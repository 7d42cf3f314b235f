"""The words in which a FHIR projection is written: columns, shapes, and the SQL macros that read codes, times and references.

Here: how one element of any resource is read. Not here: which elements are kept (`fhir_projection`), lines and versions
(`fhir_bulk`).

The expressions read the parsed line as `r` and use the session's macros: `keyed` (see `pipelines.keys`), and of
`MACROS` below `key_of` (a reference to the keyed hash of the id it points to), `id_of` (to the bare id), `word` (a
code, or null) and `moment` (a date or time as delivered, or null). `word` and `moment` fail closed: text that is no
code or time is dropped, because people write names anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property

CODING = '{"coding":[{"system":"VARCHAR","code":"VARCHAR"}]}'
REFERENCE = (
    '{"reference":"VARCHAR","type":"VARCHAR","identifier":'
    '{"system":"VARCHAR","value":"VARCHAR","type":{"coding":[{"code":"VARCHAR"}]}}}'
)
PERIOD = '{"start":"VARCHAR","end":"VARCHAR"}'
IDENTIFIERS = '[{"system":"VARCHAR","value":"VARCHAR","type":{"coding":[{"code":"VARCHAR"}]}}]'
TYPED_IDENTIFIERS = 'list_filter(r.identifier, lambda i: len(i."type".coding) > 0)'
CODINGS_TYPE = "struct(system varchar, code varchar)[]"
SPELL_TYPE = 'status varchar, "start" varchar, "end" varchar'

PROVENANCE = {
    "source": "varchar not null",
    "file_id": "integer not null",
    "line": "bigint not null",
    "last_updated": "timestamptz",
    "seen_from": "timestamptz",
    "seen_to": "timestamptz",
    "is_deleted": "boolean not null",
    "version_hash": "varchar not null",
    "flags": "varchar[] not null",
}
"""Columns of every FHIR table, after its own: where a version came from, and the first and last export that showed it."""


@dataclass(frozen=True)
class Column:
    """One column: its name, DuckDB type, and the expression that makes it from `r`. A code's column names the `element`
    that it reads, and the codes that FHIR fixes for it, if any. `plain` is the same of a line in plain form that passes
    `plain_when`, where `fhir_plain` cannot tell by itself.
    """

    name: str
    type: str
    made: str
    element: str = ""
    allowed: tuple[str, ...] = ()
    plain: str = ""
    plain_when: str = ""


@dataclass(frozen=True)
class Projection:
    """What is kept of one resource type. The first column is its key.

    `elements` maps each element to the shape that is read of it; `required` are (name, value) pairs; `times` are the
    values whose form is checked, `future_times` those that may lie after the export, `days` those that need not have a time
    of day either; `references` are (value, allowed types) pairs; `spans` are (start, end) pairs, `spells` columns that
    hold a list of such with the flag of one that ends before it begins; `findings` are further
    (flag, condition) pairs. `newer` are elements that R5 shapes otherwise: a second structure, read as `n` only of lines
    where `newer_when` holds, so that it costs others nothing. `stored_as` names another type's table.
    """

    resource: str
    kind: str
    elements: dict[str, str]
    columns: tuple[Column, ...]
    times: tuple[str, ...] = ()
    required: tuple[tuple[str, str], ...] = ()
    future_times: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    spans: tuple[tuple[str, str], ...] = ()
    spells: tuple[tuple[str, str], ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    newer: dict[str, str] = field(default_factory=dict[str, str])
    newer_when: str = "false"
    stored_as: str = ""

    @property
    def table(self) -> str:
        """`raw.fhir_<resource>`."""
        return f"raw.fhir_{self.stored_as or snake(self.resource)}"

    @property
    def key(self) -> str:
        """The name of the key column."""
        return self.columns[0].name

    @property
    def is_keyed(self) -> bool:
        """Whether the logical id is hashed; ids of places and organisations are kept as delivered."""
        return self.key.endswith("_key")

    @property
    def shape(self) -> str:
        """The explicit structure of json_transform: what every line is read for, then this resource's elements."""
        common = {
            "resourceType": '"VARCHAR"',
            "id": '"VARCHAR"',
            "meta": '{"versionId":"VARCHAR","lastUpdated":"VARCHAR","tag":[{"code":"VARCHAR"}]}',
            "contained": f'[{{"resourceType":"VARCHAR","id":"VARCHAR","identifier":{IDENTIFIERS}}}]',
        }
        return _shape({**common, **self.elements})

    @property
    def newer_shape(self) -> str:
        """The second structure, of what R5 shapes otherwise."""
        return _shape(self.newer or {"id": '"VARCHAR"'})

    @cached_property
    def described(self) -> str:
        """All that decides what is read of a line: another text where a release reads more. Asked for of every file."""
        return "\n".join((self.shape, self.newer_shape, *(f"{column.name} {column.type}" for column in self.columns)))


def _shape(elements: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{shape}' for name, shape in elements.items()) + "}"


@cache  # asked for two thousand times while a warehouse is opened
def snake(resource: str) -> str:
    """`ServiceRequest` → `service_request`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in resource).lstrip("_")


ALIASES = {"patient": ("mrn", ("MR", "PI", "PT")), "encounter": ("visit", ("VN", "AN")), "order": ("placer", ("PLAC",))}
"""Under which kind a business identifier of a resource is hashed, and the types that make it one; of other kinds any is."""

ELEMENT_MACROS = (
    # json_transform makes text of anything, so a name or an id may be the text of a list, an object or a number. A name says
    # it by its letters. Only an id that looks like one is looked up again, and none on a line that begins as servers write it.
    r"""create or replace temp macro is_type_name(x) as
            regexp_full_match(x, '[A-Za-z]{1,64}') and x not in ('true', 'false')""",
    r"""create or replace temp macro is_identified(line, resource, id) as case
            when trim(coalesce(id, ''), E' \t\r\n') = '' then false
            when starts_with(line, '{"resourceType":"' || resource || '","id":"')
                or starts_with(line, '{"resourceType": "' || resource || '", "id": "') then true
            when regexp_full_match(id, '[\[{].*|-?[0-9][0-9.eE+-]*|true|false') then json_type(line, '$.id') = 'VARCHAR'
            else true
        end""",
    # Whether an absolute URL points into another server than the one that exported; null where ours is not known.
    r"""create or replace temp macro is_foreign(x) as case when len(getvariable('bases')) > 0 then not list_contains(
            getvariable('bases'), regexp_extract(x, '^[a-z]+://(.*)/[A-Z][A-Za-z]+/[^/]+(?:/_history/[^/]+)?$', 1)) end""",
    r"""create or replace temp macro is_other_type(x, wanted) as
            not contains(x, wanted || '/') and regexp_matches(x, '(^|/)[A-Z][A-Za-z]+/[^/|?#]+$')""",
    # The id that a literal reference of a wanted type points to: relative, absolute, versioned or urn:uuid. Else null.
    # The usual form comes first and alone: `nullif` and `place` work out what they are given more than once.
    r"""create or replace temp macro id_of(reference, wanted) as case
            when starts_with(reference, wanted || '/') and regexp_full_match(substr(reference, length(wanted) + 2), '[^/|?#\s]+')
                then substr(reference, length(wanted) + 2)
            when reference like 'urn:uuid:%' then nullif(substr(reference, 10), '')
            when contains(reference, '://') and coalesce(is_foreign(reference), false) then null
            else nullif(regexp_extract(reference, '(?:^|/)' || wanted || '/([^/|?#\s]+)(?:/_history/[^/]+)?$', 1), '')
        end""",
    # The id of a place or organisation: as delivered, or its keyed hash where it is no id, because people write names anywhere.
    """create or replace temp macro place(kind, x) as
            if(regexp_full_match(x, '[A-Za-z0-9.-]{1,64}'), x, keyed(kind, getvariable('authority'), x))""",
    "create or replace temp macro first_of(x) as list_filter(x, lambda i: i is not null)[1]",
    # Who gave out an identifier that names no system: the source, or whom its settings name for that kind.
    """create or replace temp macro assigner(kind) as
            coalesce(getvariable('authorities')[kind], getvariable('authority'))""",
    # Business identifiers of a kind: those typed so, and those without a type. A social security number is never one.
    """create or replace temp macro identifier_key(kind, i, codes) as case
            when i.value <> '' and not contains(coalesce(i.system, ''), 'us-ssn')
                and not ends_with(coalesce(i.system, ''), '2.16.840.1.113883.4.1')
                and (codes is null or coalesce(len(i."type".coding), 0) = 0
                    or list_has_any(list_transform(i."type".coding, lambda c: c.code), codes))
            then keyed(kind, coalesce(nullif(trim(i.system), ''), assigner(kind)), trim(i.value)) end""",
    """create or replace temp macro identifiers(kind, x, codes) as case
            when len(x) = 1 then list_filter([identifier_key(kind, x[1], codes)], lambda k: k is not null)
            else list_filter(list_transform(x, lambda i: identifier_key(kind, i, codes)), lambda k: k is not null) end""",
    "create or replace temp macro alias_kind(kind) as case kind "
    + " ".join(f"when '{kind}' then '{alias}'" for kind, (alias, _) in ALIASES.items())
    + " else kind || ' identifier' end",
    "create or replace temp macro alias_types(kind) as case kind "
    + " ".join(f"when '{kind}' then {list(types)}" for kind, (_, types) in ALIASES.items())
    + " end",
    # `Type?identifier=system|value`, percent-encoded or not, as the identifier that it asks for. What FHIR escapes is no separator:
    # until those are found it is a control character.
    r"""create or replace temp macro asked_for(x, wanted) as
            replace(replace(replace(replace(try(url_decode(replace(nullif(
                regexp_extract(x, '(?:^|/)' || wanted || '\?(?:[^#]*&)?identifier=([^&#]+)(?:&[^#]*)?$', 1), ''), '+', ' '))),
            '\\', chr(1)), '\,', chr(2)), '\|', chr(3)), '\$', chr(4))""",
    r"""create or replace temp macro unescaped(x) as translate(x, chr(1) || chr(2) || chr(3) || chr(4), '\,|$')""",
    # The usual question, one identifier of one system: told without a list, which takes a third of the time.
    r"""create or replace temp macro is_plain_question(x, wanted) as
            regexp_full_match(x, wanted || '\?identifier=[^|&#,%+\\\s]+\|[^|/&#,%+\\\s]+')
            and not contains(x, 'us-ssn') and not contains(x, '2.16.840.1.113883.4.1|')""",
    """create or replace temp macro asked_key(kind, x, wanted) as keyed(alias_kind(kind),
            split_part(substr(x, length(wanted) + 13), '|', 1), split_part(x, '|', 2))""",
    # What a reference that is no literal one names: the identifier asked for, those of the contained resource, its own.
    """create or replace temp macro alias_of(kind, ref, wanted) as case
        when is_plain_question(ref.reference, wanted) then asked_key(kind, ref.reference, wanted)
        else first_of(list_transform(case
            when contains(ref.reference, '?') then list_transform(
                list_filter([asked_for(ref.reference, wanted)], lambda q: not contains(q, ',')), lambda q: struct_pack(
                system := case when contains(q, '|') then unescaped(split_part(q, '|', 1)) end,
                "value" := unescaped(case when contains(q, '|') then substr(q, strpos(q, '|') + 1) else q end),
                "type" := null::struct(coding struct(code varchar)[])))
            when starts_with(ref.reference, '#') then flatten(list_transform(
                list_filter(r.contained, lambda c: c.id = substr(ref.reference, 2) and c.resourceType = wanted),
                lambda c: c.identifier))
            when ref.reference is null and ref.identifier.value is not null and coalesce(ref."type", wanted) = wanted
                then [ref.identifier]
        end, lambda i: identifier_key(alias_kind(kind), i, alias_types(kind)))) end""",
    """create or replace temp macro key_of(kind, ref, wanted) as case
            when ref.reference is not null or ref.identifier.value is not null then
                coalesce(keyed(kind, getvariable('authority'), id_of(ref.reference, wanted)), alias_of(kind, ref, wanted)) end""",
    """create or replace temp macro keys_of(kind, refs, wanted) as case
            when len(refs) = 1 then list_filter([key_of(kind, refs[1], wanted)], lambda k: k is not null)
            else list_filter(list_transform(refs, lambda x: key_of(kind, x, wanted)), lambda k: k is not null) end""",
    """create or replace temp macro place_of(ref, wanted) as case
            when regexp_full_match(ref.reference, wanted || '/[A-Za-z0-9.-]{1,64}') then substr(ref.reference, length(wanted) + 2)
            when is_plain_question(ref.reference, wanted) then asked_key(lower(wanted), ref.reference, wanted)
            else coalesce(place(lower(wanted), id_of(ref.reference, wanted)), alias_of(lower(wanted), ref, wanted))
        end""",
    r"create or replace temp macro word(x) as case when regexp_full_match(x, '[A-Za-z0-9][A-Za-z0-9._:/^+~-]{0,63}|[<>]') then x end",
    r"create or replace temp macro uri(x) as case when regexp_full_match(x, '[A-Za-z][A-Za-z0-9+.-]*:[^\s[:cntrl:]]{1,250}') then x end",
    r"""create or replace temp macro moment(x) as case when regexp_full_match(x,
            '\d{4}(-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,12})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?)?)?') then x end""",
    # A time with an offset in the usual form, given that `moment` accepted it; and a reference in its usual form.
    "create or replace temp macro is_plain_time(x) as x[11] = 'T' and (x[-1] = 'Z' or x[-6] in ('+', '-'))",
    """create or replace temp macro is_plain_reference(ref, wanted) as ref is null or
            (ref.reference is not null and regexp_full_match(ref.reference, '(' || wanted || ')/[A-Za-z0-9.-]+'))""",
    r"""create or replace temp macro zoned(x) as case
            when is_plain_time(x) or regexp_matches(x, 'T.*(Z|[+-]\d{2}:?\d{2})$') then try_cast(x as timestamptz) end""",
    # Whether a period ends before it begins whatever the zone is in which a day or a time without an offset is read: a day, a month and a
    # year last to their ends, clocks differ by 14 hours and 12 from UTC, and an hour that comes twice in autumn may be the second.
    """create or replace temp macro wall(x) as try_cast(x || substr('0000-01-01', length(x) + 1) as timestamp)""",
    """create or replace temp macro wall_end(x) as wall(x) + case length(x)
            when 4 then interval 1 year when 7 then interval 1 month when 10 then interval 1 day else interval 1 microsecond
        end - interval 1 microsecond""",
    """create or replace temp macro ends_early(starts, ends) as
            coalesce(timezone('UTC', zoned(ends)), wall_end(ends) + if(has_offset(starts), interval 12 hours, interval 0 hours))
                < coalesce(timezone('UTC', zoned(starts)), wall(starts) - if(has_offset(ends), interval 14 hours, interval 0 hours))
            and clock_of(ends, getvariable('source_zone')) is distinct from 'ambiguous_time'""",
    """create or replace temp macro form_of(x) as case
            when x is null then null
            when moment(x) is null then 'unreadable_time'
            when length(x) <= 10 then 'date_only_time'
            when not regexp_matches(x, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless_time'
            when zoned(x) is null then 'impossible_time'
        end""",
    """create or replace temp macro distance_of(x, exported_at) as case
            when zoned(x) > exported_at + interval 1 day or zoned(x) < exported_at - interval 20 year then 'far_time' end""",
    """create or replace temp macro reference_of(ref, wanted) as case
            when ref.reference is null then case when ref.identifier.value is not null then 'logical_reference' end
            when contains(ref.reference, '?') then 'conditional_reference'
            when starts_with(ref.reference, '#') then 'contained_reference'
            when not (starts_with(ref.reference, 'urn:uuid:')
                or regexp_matches(ref.reference, '(^|/)(' || wanted || ')/[^/|?#]+(/_history/[^/]+)?$')) then
                if(regexp_matches(ref.reference, '(^|/)[A-Z][A-Za-z]+/[^/|?#]+(/_history/[^/]+)?$'), 'wrong_target', 'unresolved_reference')
            when contains(ref.reference, '://') then case is_foreign(ref.reference)
                when true then 'foreign_reference' when false then null else 'unchecked_base' end
        end""",
    # Of most lists there is one entry, which is read without a lambda: that takes a quarter of the time.
    """create or replace temp macro codings(x) as case
            when len(x) = 1 and word(x[1].code) is not null and (x[1].system is null or uri(x[1].system) is not null) then x
            else list_filter(list_transform(x, lambda c: struct_pack(system := uri(c.system), code := word(c.code))),
                lambda c: c.code is not null) end""",
    """create or replace temp macro codes_of(x) as case
            when len(x) = 1 and word(x[1].code) is not null then [x[1].code]
            else list_filter(list_transform(x, lambda c: word(c.code)), lambda c: c is not null) end""",
    """create or replace temp macro first_code_of(x) as
            coalesce(word(x[1].code), first_of(list_transform(x, lambda c: word(c.code))))""",
    """create or replace temp macro all_codings(concepts) as case
            when len(concepts) = 1 and concepts[1].coding is not null then concepts[1].coding
            else flatten(list_transform(concepts, lambda c: c.coding)) end""",
)


def own_key(resource: str, kind: str) -> Column:
    """The key column of a resource: the keyed hash of its logical id."""
    return Column(
        f"{snake(resource) if kind != 'order' else 'order'}_key",
        "varchar",
        f"keyed('{kind}', getvariable('authority'), r.id)",
    )


def code(name: str, element: str, allowed: tuple[str, ...] = ()) -> Column:
    """A column that holds a code: any, or one of those that FHIR fixes."""
    return Column(name, "varchar", one_of(element, allowed) if allowed else f"word({element})", element, allowed)


def one_of(element: str, allowed: tuple[str, ...]) -> str:
    """The code, where it is one of these; else null."""
    return f"case when {element} in ({', '.join(map(repr, allowed))}) then {element} end"


def any_other(spells: str, allowed: tuple[str, ...]) -> str:
    """Whether a list of spells has one whose status is none of these."""
    return f"len(list_filter({spells}, lambda l: l.status not in ({', '.join(map(repr, allowed))}))) > 0"


def place(kind: str) -> Column:
    """The key column of a place or organisation: its id."""
    return Column(f"{kind}_id", "varchar", f"place('{kind}', r.id)")


def time(name: str, made: str) -> Column:
    """A column that holds a date or time as delivered."""
    return Column(name, "varchar", f"moment({made})")


def first_code(element: str) -> str:
    """The first readable code of a concept."""
    return f"first_code_of(r.{element}.coding)"


def all_codes(list_of_concepts: str) -> str:
    """The readable codes of a list of concepts."""
    return f"codes_of(all_codings({list_of_concepts}))"


def keys(kind: str, references: str, wanted: str) -> str:
    """What a list of references points to, as keys."""
    return f"keys_of('{kind}', {references}, '{wanted}')"


def reference_key(name: str, kind: str, reference: str, wanted: str) -> Column:
    """A column that holds the key of what a reference to a `wanted` resource points to."""
    return Column(name, "varchar", f"key_of('{kind}', {reference}, '{wanted}')")


VERSION_ID = Column(
    "version_id",
    "varchar",
    "case when regexp_full_match(r.meta.versionId, '[A-Za-z.-]{0,40}[0-9][A-Za-z0-9.-]{0,63}') then r.meta.versionId end",
)
"""By which a Provenance names this version of a resource whose states are followed; without a digit it is none, but perhaps a name."""
PATIENT = reference_key("patient_key", "patient", "r.subject", "Patient")
ENCOUNTER = reference_key("encounter_key", "encounter", "r.encounter", "Encounter")
SUBJECT = ("r.subject", "Patient|Group|Device|Location")
VISIT = ("r.encounter", "Encounter")
ANY = "[A-Z][A-Za-z]+"
AGENT = "Practitioner|PractitionerRole|Organization|CareTeam|HealthcareService|Patient|Device|RelatedPerson|Group"
STATUS = ("status", "r.status")
"""The required element that nearly every type has."""
BASED_ON = Column("order_keys", "varchar[]", keys("order", "r.basedOn", "ServiceRequest"))
