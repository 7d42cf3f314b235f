"""`wardflow drift`: which elements the FHIR exports carry that are unknown, new or gone. Not here: deciding which those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import WrongUse, format_option, home_options
from pipelines.cli.output import local, print_json, print_table
from pipelines.cli.roles import role_option
from pipelines.cli.status import open_snapshot

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot

STATES = {"is_unknown": "unknown", "is_new": "new", "has_vanished": "vanished"}


@click.command()
@click.option("--source", help="One source instead of all.")
@click.option("--all", "everything", is_flag=True, help="List every element that was seen, the ordinary ones too.")
@format_option
@role_option
@home_options
def drift(source: str | None, as_format: str, *, everything: bool) -> None:
    """Show the elements of FHIR resources that are unknown to FHIR, new, or vanished, by source and path.

    Counted on a sample of every file's lines. A name that FHIR does not define and that could be a person's is shown as `?`
    (docs/decisions/0012-a-sample-is-judged-in-full.md says when).

    \b
    Example: wardflow drift
             wardflow drift --source ehr --format json
    """
    snapshot = open_snapshot()
    known = [row["source"] for row in snapshot.rows("select distinct source from drift order by all", drift="drift")]
    if source is not None and source not in known:
        raise WrongUse(f"No elements of a source {source!r} were counted. Known: {', '.join(known) or 'none'}.")
    rows = snapshot.rows(
        "select * from drift where ($source is null or source = $source) and ($everything or is_unknown or is_new or has_vanished) "
        "order by source, resource_type, path",
        {"source": source, "everything": everything},
        drift="drift",
    )
    document = [_element(row, snapshot) for row in rows]
    if as_format == "json":
        print_json(document)
    else:
        _say(document, snapshot)


def _element(row: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": row["source"],
        "resource_type": row["resource_type"],
        "path": row["path"],
        "release": row["release"],
        "states": [word for name, word in STATES.items() if row[name]],
        "lines": row["lines"],
        "looked_at": row["looked_at"],
        "first_seen_at": row["first_seen_at"].astimezone(snapshot.zone),
        "last_seen_at": row["last_seen_at"].astimezone(snapshot.zone),
    }


def _say(document: list[dict[str, Any]], snapshot: Snapshot) -> None:
    if not document:
        click.echo("No element is unknown, new or vanished. `wardflow drift --all` lists those that were seen.")
        return
    print_table(
        ["source", "element", "state", "lines", "of", "first seen", "last seen"],
        [
            [
                each["source"],
                f"{each['resource_type']}.{each['path']}",
                ", ".join(each["states"]) or None,
                each["lines"],
                each["looked_at"],
                local(each["first_seen_at"], snapshot.zone),
                local(each["last_seen_at"], snapshot.zone),
            ]
            for each in document
        ],
        right=frozenset({3, 4}),
    )
