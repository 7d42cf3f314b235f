"""What is checked of every line in SQL, whatever its type: the first tier of validation.

Here: the findings of one row, from what its projection declares: required elements, fixed codes, forms of ids, times and
references, order of periods. Not here: what each finding means (`findings`), what keeps a line out (`fhir_bulk`). A
finding never keeps a line out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.sources.fhir_elements import ANY, SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelines.sources.fhir_elements import Projection

_LIST = re.compile(r"\bkeys_of\('\w+', (.+), '[A-Z][A-Za-z]+'\)", re.DOTALL)
"""A list of references, in the expression that makes keys of it (`fhir_elements.keys`)."""


def missing(element: str) -> str:
    """The finding that a required element is missing."""
    return f"missing_{element}"


def unknown(element: str) -> str:
    """The finding that a code is none of those that FHIR fixes."""
    return f"unknown_{element}"


def instants(projection: Projection) -> dict[str, str]:
    """By name, the expressions of the times that are compared, as instants: columns that `flags` reads."""
    times = (*projection.times, *projection.future_times, *(time for span in projection.spans for time in span))
    return {f"instant_{n}": f"try_cast({time} as timestamptz)" for n, time in enumerate(dict.fromkeys(times))}


def flags(projection: Projection) -> str:
    """An expression: the findings of one row, sorted, each once.

    It reads `r`, `exported_at`, `earliest` and `latest` (times beyond which are far), `last_updated`, the projection's columns
    and its `instants`. Most rows have no finding, which cheap tests tell of each; only the others are searched.
    """
    own = _own_tests(projection)
    of_its_own = (
        f"""case when {" and ".join(own)} then []::varchar[] else {_listed(_own(projection))} end"""
        if own
        else "[]::varchar[]"
    )
    return f"""case when {" and ".join(_usual(projection))} then {of_its_own}
        else {_listed((*_findings(projection), *_own(projection)))} end"""


def _listed(findings: Iterable[str]) -> str:
    found = ",\n".join(findings)
    return f"coalesce(list_sort(list_distinct(string_split(nullif(concat_ws(' ', {found}), ''), ' '))), []::varchar[])"


def sound(projection: Projection) -> Iterator[str]:
    """Tests that a row without findings passes, each an expression. A row that fails one may still have none."""
    yield from _usual(projection)
    yield from _own_tests(projection)


def _usual(projection: Projection) -> Iterator[str]:
    """Those of forms that any type has."""
    instant = {made[len("try_cast(") : -len(" as timestamptz)")]: name for name, made in instants(projection).items()}
    moment = {column.made[len("moment(") : -1]: column.name for column in projection.columns}
    yield from (f"{element} is not null" for _, element in projection.required)
    for column in projection.columns:
        if column.element:
            yield f"({column.element} is null or {column.name} is not null)"
    yield "(r.id is null or regexp_full_match(r.id, '[A-Za-z0-9.-]{1,64}'))"
    yield "(r.meta.lastUpdated is null or (last_updated is not null and coalesce(last_updated between earliest and latest, true)))"
    for time in (*projection.times, *projection.future_times):
        near = f" and coalesce({instant[time]} between earliest and latest, true)" if time in projection.times else ""
        form = moment.get(time, f"moment({time})")
        yield f"({time} is null or ({form} is not null and is_plain_time({time}) and {instant[time]} is not null{near}))"
    for time in projection.days:
        yield f"nullif(form_of({time}), 'date_only_time') is null"
    for reference, wanted in projection.references:
        yield f"is_plain_reference({reference}, '{'Patient' if (reference, wanted) == SUBJECT else wanted}')"
    for references in _lists(
        projection
    ):  # of all entries in one text, because inside a lambda no pattern is compiled only once
        named = f"array_to_string(list_transform({references}, lambda x: coalesce(x.reference, '#') || ' '), '')"
        many = f"coalesce(regexp_full_match({named}, '([A-Z][A-Za-z]+/[A-Za-z0-9.-]+ )*'), true)"
        yield f"case when len({references}) = 1 then is_plain_reference({references}[1], '{ANY}') else {many} end"
    for start, end in projection.spans:
        yield f"coalesce({instant[end]} >= {instant[start]}, true)"


def _own_tests(projection: Projection) -> list[str]:
    """Those of what the type alone has. Texts tell of most spells that they end in order; what has no offset is searched."""
    spells = (
        f"""len(list_filter({spells}, lambda l: case when l."end" <= l."start" or l."end"[-6:] <> l."start"[-6:]
            then coalesce(zoned(l."end") < zoned(l."start"), true) else false end)) > 0"""
        for spells, _ in projection.spells
    )
    return [f"not coalesce({condition}, false)" for condition in (*spells, *(each for _, each in projection.findings))]


def _own(projection: Projection) -> Iterator[str]:
    """The findings of what the type alone has."""
    for spells, flag in projection.spells:
        yield f"""case when len(list_filter({spells}, lambda l: ends_early(l."start", l."end"))) > 0 then '{flag}' end"""
    yield from (f"case when {condition} then '{flag}' end" for flag, condition in projection.findings)


def _findings(projection: Projection) -> Iterator[str]:
    """Every finding of forms that any type has, as an expression that is null where there is none."""
    for name, element in projection.required:
        yield f"case when {element} is null then '{missing(name)}' end"
    for column in projection.columns:
        if column.element:
            flag = unknown(column.name) if column.allowed else "unreadable_code"
            yield f"case when {column.element} is not null and {column.name} is null then '{flag}' end"
    yield from _forms(projection)
    for start, end in projection.spans:
        yield f"case when ends_early({start}, {end}) then 'end_before_start' end"


def _forms(projection: Projection) -> Iterator[str]:
    """Ids, times and references."""
    yield "case when length(r.id) > 64 then 'over_long_id' end"
    yield "case when regexp_matches(r.id, '[^A-Za-z0-9.-]') then 'malformed_id' end"
    for time in (*projection.times, *projection.future_times, "r.meta.lastUpdated"):
        yield f"form_of({time})"
        yield f"clock_of({time}, getvariable('source_zone'))"
    for time in projection.days:
        yield f"nullif(form_of({time}), 'date_only_time')"
    for time in (*projection.times, "r.meta.lastUpdated"):
        yield f"distance_of({time}, exported_at)"
    for reference, wanted in projection.references:
        yield f"reference_of({reference}, '{wanted}')"
    for references in _lists(projection):
        yield f"array_to_string(list_transform({references}, lambda x: reference_of(x, '{ANY}')), ' ')"
    if SUBJECT in projection.references:
        yield f"case when is_other_type({SUBJECT[0]}.reference, 'Patient') then 'subject_is_no_patient' end"


def _lists(projection: Projection) -> Iterator[str]:
    """The lists of references that columns are made of, each once."""
    found = (_LIST.search(column.made) for column in projection.columns)
    yield from dict.fromkeys(match.group(1) for match in found if match)
