"""What is checked of every line in SQL, whatever its type: the first tier of validation.

Here: the findings of one row, from what its projection declares: required elements, fixed codes, forms of ids, times and
references, order of periods. Not here: what each finding means (`findings`), what keeps a line out (`fhir_bulk`). A
finding never keeps a line out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.fhir_elements import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.fhir_elements import Projection


def missing(element: str) -> str:
    """The finding that a required element is missing."""
    return f"missing_{element}"


def unknown(element: str) -> str:
    """The finding that a code is none of those that FHIR fixes."""
    return f"unknown_{element}"


def flags(projection: Projection) -> str:
    """An expression: the findings of one row, sorted, each once; reads `r` and `exported_at`."""
    found = ",\n".join(_findings(projection))
    # concat_ws leaves nulls out and most rows have no finding, so that the lists are made for few rows only.
    return f"coalesce(list_sort(list_distinct(string_split(nullif(concat_ws(' ', {found}), ''), ' '))), []::varchar[])"


def _findings(projection: Projection) -> Iterator[str]:
    for name, element in projection.required:
        yield f"case when {element} is null then '{missing(name)}' end"
    for column in projection.columns:
        if column.element:
            flag = unknown(column.name) if column.allowed else "unreadable_code"
            yield f"case when {column.element} is not null and {column.made} is null then '{flag}' end"
    yield from _forms(projection)
    for start, end in projection.spans:
        yield f"case when zoned({end}) < zoned({start}) then 'end_before_start' end"
    for flag, condition in projection.findings:
        yield f"case when {condition} then '{flag}' end"


def _forms(projection: Projection) -> Iterator[str]:
    """Ids, times and references."""
    yield "case when length(r.id) > 64 then 'over_long_id' end"
    yield "case when regexp_matches(r.id, '[^A-Za-z0-9.-]') then 'malformed_id' end"
    for time in (*projection.times, *projection.future_times, "r.meta.lastUpdated"):
        yield f"form_of({time})"
    for time in projection.days:
        yield f"nullif(form_of({time}), 'date_only_time')"
    for time in projection.times:
        yield f"distance_of({time}, exported_at)"
    for reference, wanted in projection.references:
        yield f"reference_of({reference}, '{wanted}')"
    if SUBJECT in projection.references:
        yield f"case when is_other_type({SUBJECT[0]}.reference, 'Patient') then 'subject_is_no_patient' end"
