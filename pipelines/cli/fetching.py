"""`wardflow fetch`: engines that are polled. Not here: what a poll reads."""

from __future__ import annotations

from typing import Any

import click

from pipelines.cli.edge import call_of, format_option, home_options
from pipelines.cli.output import print_json


@click.command()
@click.argument("source", required=False, metavar="[SOURCE]")
@click.option("--full", is_flag=True, help="Read every message that the engine still has, not only what is new.")
@format_option
@home_options
def fetch(source: str | None, as_format: str, *, full: bool) -> None:
    """Read what is new from the engines that wardflow.toml has polled (or from the named one), then take it in.

    In small pages into landing/, from where the last poll ended. The only address that is called is the one in wardflow.toml.
    While `wardflow schedule` runs, sources are polled by themselves.

    \b
    Example: wardflow fetch
             wardflow fetch mirth --full
    """
    from pipelines import fetch as fetching
    from pipelines import warehouse
    from pipelines.intake import ingest_paths

    call = call_of()
    home, settings = call.home(), call.settings()
    documents: list[dict[str, Any]] = []
    for each in fetching.polled(settings, source):
        found = fetching.fetch(settings, each, whole=full)
        loaded = 0
        if found.pages:
            with home.lock(say=_say), warehouse.connect(settings) as db:
                loaded = ingest_paths(db, settings, [home.landing / each.name], source=each.name).totals["loaded"]
        documents.append({"source": each.name, "rows": found.rows, "pages": found.pages, "loaded": loaded})
        if as_format != "json":
            _say(f"{each.name}: {found.rows} rows in {found.pages} pages, {loaded} of them new to the warehouse")
    if as_format == "json":
        print_json(documents)
    elif not documents:
        _say("No source is polled. Give one [sources.poll] in wardflow.toml (docs/engines/mirth.md).")


def _say(line: str) -> None:
    click.echo(line, err=True)
