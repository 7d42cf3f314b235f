"""`wardflow kpi`, and its catalogue: `list` and `show`. Not here: values and cases (`kpi_values`), the declarations (`models.kpis`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import kpi_values
from pipelines.cli.edge import call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table

if TYPE_CHECKING:
    from models.kpi import Kpi
    from models.publication import KpiSettings


@click.group()
def kpi() -> None:
    """The KPIs: what they are, their values, and the cases behind a value.

    \b
    Example: wardflow kpi list
             wardflow kpi value ed_length_of_stay --by facility --grain week
    """


kpi.add_command(kpi_values.value)
kpi.add_command(kpi_values.cases)


@kpi.command(name="list")
@format_option
@home_options
def list_kpis(as_format: str) -> None:
    """List every KPI with its unit, target and owner.

    \b
    Example: wardflow kpi list --format json
    """
    from models import wording
    from models.kpis import KPIS

    document = [_listed(each, _set_here(each)) for each in KPIS.values()]
    if as_format == "json":
        print_json(document)
        return
    print_table(
        ["id", "title", "family", "target", "owner"],
        [
            [
                each["id"],
                each["title"],
                each["family"],
                wording.value(each["target"], KPIS[each["id"]].unit),
                each["owner"],
            ]
            for each in document
        ],
    )


@kpi.command()
@click.argument("kpi_id", metavar="ID")
@format_option
@home_options
def show(kpi_id: str, as_format: str) -> None:
    """Show one KPI's definition, source, version, requirements, exclusions, target and owner.

    \b
    Example: wardflow kpi show lab_turnaround
    """
    from models.kpis import find_kpi

    found = find_kpi(kpi_id)
    settings = _set_here(found)
    document = {
        **_listed(found, settings),
        "short_title": found.short_title,
        "definition": found.definition,
        "measure": type(found.measure).__name__,
        "clock": found.clock,
        "target_source": settings.target_source if settings else "declared",
        "last_decision": settings.last_decision if settings else None,
        "action": found.action,
        "exclusions": [each.rule for each in found.exclusions],
        "requires": [
            {"column": each.column, "at_least": each.at_least, "below": each.below, "missing": each.missing}
            for each in found.requires
        ],
        "caveats": list(found.caveats),
    }
    if as_format == "json":
        print_json(document)
        return
    for name, value in _shown(document, found).items():
        click.echo(f"{name:<12} {value}")


def _set_here(found: Kpi) -> KpiSettings | None:
    """What the home's current snapshot set for a KPI; none without a home or snapshot, because the catalogue needs neither."""
    from models.errors import PublicationError
    from models.publication import load_current

    try:
        return load_current(call_of().home_path / "published").kpi(found.id)
    except PublicationError:
        return None


def _listed(found: Kpi, settings: KpiSettings | None) -> dict[str, Any]:
    return {
        "id": found.id,
        "title": found.title,
        "family": found.family,
        "mart": found.mart,
        "unit": found.unit,
        "improves": found.improves,
        "source": found.source,
        "version": found.version,
        "owner": settings.owner if settings else found.owner,
        "target": settings.target if settings else found.target,
        "dimensions": list(found.dimensions),
    }


def _shown(document: dict[str, Any], found: Kpi) -> dict[str, str]:
    from models import wording

    target = wording.value(document["target"], found.unit)
    return {
        "KPI": f"{document['id']} (version {document['version']})",
        "title": document["title"],
        "defined as": document["definition"],
        "after": document["source"],
        "target": "no target" if document["target"] is None else f"{target} ({document['target_source']})",
        "owner": document["owner"],
        "counted from": f"{found.table}, by the {found.clock}",
        "dimensions": ", ".join(document["dimensions"]),
        "left out": "; ".join(document["exclusions"]) or "nothing",
        "needs": "; ".join(
            f"{each['column']} in {each['at_least']:.0%} of cases, else {each['below']}"
            for each in document["requires"]
        )
        or "nothing more",
        "when missed": document["action"],
        "caveats": " ".join(document["caveats"]) or EMPTY,
        "decided": document["last_decision"] or EMPTY,
    }
