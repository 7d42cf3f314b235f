"""`wardflow export --xes` and `--ocel`: the steps of the workflows for other process-mining tools.

Here: who may, and the account of what was written. Not here: the forms (`pipelines.event_export`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.cli.edge import WrongUse, call_of
from pipelines.cli.output import print_json
from pipelines.cli.roles import open_cases, role_of, snapshot_as

if TYPE_CHECKING:
    from pathlib import Path


def export_events(form: str, file: Path, workflow: str | None, purpose: str | None, as_format: str) -> None:
    """Write the steps of one workflow, or of all, as `xes` or `ocel`; the export stands in the access log.

    Raises:
        WrongUse: the file exists, there is no such workflow, the role may not see cases, or the purpose is missing.
    """
    from models.errors import did_you_mean
    from pipelines.event_export import OBJECT_TYPES, write_ocel, write_xes

    if file.exists():
        raise WrongUse(f"{file} exists, and an export never overwrites. Name a new file.")
    if workflow is not None and workflow not in OBJECT_TYPES:
        told_of = snapshot_as(role_of(call_of())).rows("select distinct workflow from told", told="process_summary")
        known = [*OBJECT_TYPES, *({row["workflow"] for row in told_of} - OBJECT_TYPES.keys())]
        if workflow not in known:
            raise WrongUse(f"There is no workflow {workflow!r}.{did_you_mean(workflow, known)}")
    told = f"export of the steps of {workflow or 'every workflow'} to {file.name}"
    role = open_cases(call_of(), what=told, purpose=purpose)
    snapshot = snapshot_as(role)
    write = {"xes": write_xes, "ocel": write_ocel}[form]
    with file.open("x", encoding="utf-8") as stream:
        file.chmod(0o640)
        written = write(snapshot, workflow, stream)
    if as_format == "json":
        print_json({"snapshot": snapshot.manifest.id, "as_of": snapshot.as_of, "file": str(file), **written})
    else:
        counts = ", ".join(f"{count:,} {name}" for name, count in written.items())
        click.echo(f"{counts} of snapshot {snapshot.manifest.id} in {file}")
