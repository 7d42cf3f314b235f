"""The short statement for lines in plain form, which most lines of most exports are: what is rare costs them nothing here.

Here: what plain form is, and a query that gives of a plain line exactly what `fhir_staging.staged` gives, and of any other
line only that it is another. Not here: those other lines (`fhir_staging`). A plain line says what it is and its id, has no
finding, and each of its references is a type and an id; so no branch for another form is planned, prepared for or tried.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.sources.fhir_elements import ANY, IDENTIFIERS, REFERENCE
from pipelines.sources.fhir_rules import instants, sound
from pipelines.sources.fhir_staging import LINES, version_hash, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.fhir_elements import Column, Projection

MACROS = (
    # What a reference in plain form points to; null where that is another type.
    """create or replace temp macro plain_place_of(ref, wanted) as
            case when starts_with(ref.reference, wanted || '/') then substr(ref.reference, length(wanted) + 2) end""",
    """create or replace temp macro plain_key_of(kind, ref, wanted) as
            keyed(kind, getvariable('authority'), plain_place_of(ref, wanted))""",
    """create or replace temp macro plain_keys_of(kind, refs, wanted) as case
            when len(refs) = 1 and starts_with(refs[1].reference, wanted || '/') then [plain_key_of(kind, refs[1], wanted)]
            else list_filter(list_transform(refs, lambda x: plain_key_of(kind, x, wanted)), lambda k: k is not null) end""",
)
"""Session macros, after those of `fhir_elements`; `warehouse.configure` makes them."""

_READ = re.compile(
    r"\b(?P<macro>keys?_of\('\w+', |place_of\()(?P<of>(?:(?!lambda|_of\().)+)(?=, '[A-Z][A-Za-z]+'\))", re.DOTALL
)
"""A macro that reads one reference, or one list of them, for what is of one type."""
_OTHERWISE = re.compile(r"\b(?:keys?|place|id|alias)_of\(|(?<!\br)\.identifier\b")
"""References that are read in another way."""
_LONGEST_PLACE = 64
_CONTAINED = re.compile(
    r'"contained":\[\{"resourceType":"VARCHAR","id":"VARCHAR","identifier":' + re.escape(IDENTIFIERS) + r"\}\],?"
)


def has_plain_form(projection: Projection) -> bool:
    """Whether every reference of this type is read in a way that has a plain form."""
    read = (*(_plain(column) for column in projection.columns), *(condition for _, condition in projection.findings))
    return not any(_OTHERWISE.search(each) for each in read)


def plain(projection: Projection) -> str:
    """A query of the pass `$pass` with the columns of `fhir_staging.staged`: plain lines as candidates, all others as of another pass."""
    columns = "".join(f"{_plain(column)} as {column.name},\n" for column in projection.columns)
    compared = "".join(f"{made} as {name},\n" for name, made in instants(projection).items())
    names = "".join(f"{column.name}, " for column in projection.columns)
    newer = f"json_transform('{{}}', '{projection.newer_shape}') as n," if projection.newer else ""
    return f"""
        with parsed as (
            select file_id, line, byte_offset, exported_at, earliest, latest, text, {newer}
                try(json_transform(text, '{_shape(projection)}')) as r
            from {LINES}
        ), projected as (
            select *,
                {columns}
                {compared}
                zoned(r.meta.lastUpdated) as last_updated
            from parsed
        )
        select $pass::integer as pass_no, file_id, line, byte_offset, exported_at, null::varchar as rule,
            case when {" and ".join(_tests(projection))} then 'candidate' else 'other' end as verdict, null::varchar as line_hash,
            case when r.resourceType in ({wanted()}) then r.resourceType else '{projection.resource}' end as resource_type,
            last_updated, {names} []::varchar[] as flags, {version_hash(projection)} as version_hash
        from projected
        """


def _plain(column: Column) -> str:
    """The expression with the macros for plain form; those inside a list's entries stay as they are."""
    is_inside = "lambda" in column.made
    return column.plain or (
        column.made if is_inside else _READ.sub(lambda found: f"plain_{found.group()}", column.made)
    )


def _shape(projection: Projection) -> str:
    """The structure without what only other forms hold."""
    return _CONTAINED.sub("", projection.shape.replace(REFERENCE, '{"reference":"VARCHAR"}'))


def _tests(projection: Projection) -> Iterator[str]:
    """What a plain line passes, the cheapest first."""
    resource = projection.resource
    yield f"r.resourceType = '{resource}'"
    yield "r.id is not null"
    yield f"""(starts_with(text, '{{"resourceType":"{resource}","id":"')
        or not regexp_full_match(r.id, '-?[0-9][0-9.eE+-]*|true|false'))"""
    yield "(r.meta.tag is null or not coalesce(list_contains(list_transform(r.meta.tag, lambda t: t.code), 'SUBSETTED'), false))"
    if projection.newer:
        yield f"not coalesce({projection.newer_when}, false)"
    yield from sound(projection)
    tested = {reference for reference, _ in projection.references}
    yield from (column.plain_when for column in projection.columns if column.plain_when)
    for column in projection.columns:
        for found in () if column.plain else _READ.finditer(column.made):
            reference = found.group("of")
            if found.group("macro").startswith("keys"):  # `sound` tests lists
                continue
            if reference not in tested:
                yield f"is_plain_reference({reference}, '{ANY}')"
            if found.group("macro").startswith("place"):
                yield f"coalesce(length({reference}.reference), 0) <= {_LONGEST_PLACE}"
