"""`wardflow export`: the published snapshot as files for other tools. Not here: making a snapshot."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from models import publication
from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.export_events import export_events
from pipelines.cli.output import print_json, print_table
from pipelines.cli.roles import open_cases, purpose_option, role_of, role_option, snapshot_as

if TYPE_CHECKING:
    from models.publication import PublishedTable
    from pipelines.snapshot_reader import Snapshot

DICTIONARY = "DATA_DICTIONARY.md"


@click.command()
@click.option(
    "--html",
    "pack",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A new HTML file for a printable board pack: totals only, for every role.",
)
@click.option(
    "--parquet",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="A new or empty folder for the files.",
)
@click.option(
    "--xes",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A new XES file of the steps of the workflows, for other process-mining tools.",
)
@click.option(
    "--ocel",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A new OCEL 2.0 file (JSON) of the same steps, by encounter, order and delivery.",
)
@click.option("--workflow", metavar="NAME", help="Only this workflow's steps, for --xes and --ocel.")
@purpose_option
@format_option
@role_option
@home_options
def export(
    folder: Path | None,
    pack: Path | None,
    xes: Path | None,
    ocel: Path | None,
    workflow: str | None,
    *,
    purpose: str | None,
    as_format: str,
) -> None:
    """Copy the tables of the current snapshot that your role may open, with the data dictionary; or print a board pack.

    Leadership exports aggregates; other roles export cases too, which needs a purpose and goes into the access log.
    The board pack is one HTML file of published totals, without scripts and without anything from outside.
    Steps of workflows are cases: they open for a purpose, and carry keyed hashes, never a name.

    \b
    Example: wardflow export --parquet board-2026-04 --role leadership
             wardflow export --parquet research --purpose "discharge pilot, protocol 4"
             wardflow export --html board-2026-04.html
             wardflow export --xes door-to-bed.xes --workflow ed-to-bed --purpose "flow review"
    """
    if sum(each is not None for each in (folder, pack, xes, ocel)) != 1:
        raise WrongUse("Say what to export: --parquet DIR, --html FILE, --xes FILE or --ocel FILE, one of them.")
    if xes is not None:
        export_events("xes", xes, workflow, purpose, as_format)
    elif ocel is not None:
        export_events("ocel", ocel, workflow, purpose, as_format)
    elif pack is not None:
        _board_pack(pack, as_format)
    else:
        _tables(cast("Path", folder), purpose, as_format)


def _board_pack(pack: Path, as_format: str) -> None:
    """The board pack as one file that only its owner and group may read."""
    from pipelines.pack import board_pack

    if pack.exists():
        raise WrongUse(f"{pack} exists, and an export never overwrites. Name a new file.")
    role_of(call_of())  # whoever has a role may: the pack is read as the narrowest one
    snapshot = snapshot_as("leadership")
    pack.write_text(board_pack(snapshot), encoding="utf-8")
    pack.chmod(0o640)
    if as_format == "json":
        print_json({"snapshot": snapshot.manifest.id, "as_of": snapshot.as_of, "file": str(pack)})
    else:
        click.echo(f"Board pack of snapshot {snapshot.manifest.id} in {pack}")


def _tables(folder: Path, purpose: str | None, as_format: str) -> None:
    call = call_of()
    if folder.exists() and any(folder.iterdir()):
        raise WrongUse(f"{folder} is not empty, and an export never overwrites. Name a new folder.")
    role = role_of(call)
    if role != "leadership":
        open_cases(call, what=f"export of every table to {folder.name}", purpose=purpose)
    snapshot = snapshot_as(role)
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    written = [name for table in snapshot.tables() for name in _copy(snapshot, table, folder)]
    manifest = Path(publication.manifest_name(snapshot.manifest.id)).name
    (folder / manifest).write_text(snapshot.manifest.to_json(), encoding="utf-8")
    dictionary = Path(__file__).parents[2] / "models" / DICTIONARY
    shutil.copyfile(dictionary, folder / DICTIONARY)
    document = {
        "snapshot": snapshot.manifest.id,
        "as_of": snapshot.as_of,
        "role": role,
        "tables": [
            {"table": table.name, "audience": table.audience, "rows": table.rows} for table in snapshot.tables()
        ],
        "files": [*written, manifest, DICTIONARY],
    }
    if as_format == "json":
        print_json(document)
        return
    print_table(
        ["table", "folder", "rows"],
        [[each["table"], each["audience"], each["rows"]] for each in document["tables"]],
        right=frozenset({2}),
    )
    click.echo(f"{len(document['files'])} files of snapshot {snapshot.manifest.id} in {folder}")


def _copy(snapshot: Snapshot, table: PublishedTable, folder: Path) -> list[str]:
    """The table's files under its own name; of several files each gets a number."""
    paths = snapshot.paths(table.name)
    names = (
        [f"{table.name}.parquet"]
        if len(paths) == 1
        else [f"{table.name}-{n}.parquet" for n in range(1, len(paths) + 1)]
    )
    for path, name in zip(paths, names, strict=True):
        shutil.copyfile(path, folder / name)
    return names
