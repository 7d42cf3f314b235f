"""What of each FHIR resource is kept: an allow-list, applied in the one statement that parses the line.

Here: all projections together and the raw tables that they fill. Not here: one type's elements and columns (a module for
each family), how a code or reference is read (`fhir_elements`), lines and versions (`fhir_bulk`). An element that no
projection names is never materialised: not in a table, a temporary one or a message.
"""

from __future__ import annotations

from pipelines.sources.fhir_access import ACCESS
from pipelines.sources.fhir_clinical import CLINICAL
from pipelines.sources.fhir_documents import DOCUMENTS
from pipelines.sources.fhir_elements import ELEMENT_MACROS, PROVENANCE, Projection
from pipelines.sources.fhir_orders import ORDERS
from pipelines.sources.fhir_outreach import OUTREACH
from pipelines.sources.fhir_places import PLACES
from pipelines.sources.fhir_revenue import REVENUE
from pipelines.sources.fhir_scheduling import SCHEDULING
from pipelines.sources.fhir_visits import VISITS
from pipelines.sources.fhir_work import WORK

PROJECTIONS: dict[str, Projection] = {
    projection.resource: projection
    for projection in (
        *PLACES,
        *VISITS,
        *ORDERS,
        *WORK,
        *CLINICAL,
        *SCHEDULING,
        *OUTREACH,
        *DOCUMENTS,
        *REVENUE,
        *ACCESS,
    )
}

KIND_MACRO = (
    "create or replace temp macro kind_of(resource) as case resource "
    + " ".join(f"when '{each.resource}' then '{each.kind}'" for each in PROJECTIONS.values())
    + r" else trim(lower(regexp_replace(resource, '([A-Z])', '_\1', 'g')), '_') end"
)

MACROS = (*ELEMENT_MACROS, KIND_MACRO)
"""Session macros that the expressions use; `warehouse.configure` makes them."""

TABLES: dict[str, str] = {
    each.table: f"create table if not exists {each.table} ("
    + ", ".join(
        [*(f"{column.name} {column.type}" for column in each.columns), *(f"{n} {t}" for n, t in PROVENANCE.items())]
    )
    + ")"
    for each in PROJECTIONS.values()
}
