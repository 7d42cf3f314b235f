"""`wardflow init` and `wardflow key`: a new home, and the keyed hash of one identifier. Not here: what stands in a home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import print_json

if TYPE_CHECKING:
    from pipelines.settings import Settings

LOGICAL = ("patient", "encounter", "order", "specimen", "report", "observation", "task", "practitioner")
BUSINESS = ("mrn", "visit", "placer", "filler", "accession")
SHARED = ("control", "trace")


@click.command()
@home_options
def init() -> None:
    """Make a new home with a commented wardflow.toml, a registry.toml and a site key.

    What exists already stays as it is. The key file is made beside the home, readable by you only, unless WARDFLOW_SITE_KEY
    is set. Back it up apart from the data: without it nothing new joins what is there.

    \b
    Example: wardflow init --home /srv/wardflow
    """
    from pipelines import keys
    from pipelines.home import Home
    from pipelines.settings import load

    home = Home(call_of().home_path)
    was_there = home.settings_path.is_file()
    home.create()
    settings = load(home)
    keys.create(settings)
    click.echo(f"Home      {home.path}" + (" (was there already; nothing was overwritten)" if was_there else ""))
    click.echo(f"Settings  {home.settings_path}: name your sources there")
    click.echo(
        "Site key  "
        + ("WARDFLOW_SITE_KEY" if settings.site_key else f"{settings.key_path}: back it up apart from the data")
    )
    click.echo(f"Next      wardflow run --home {home.path}")


@click.command()
@click.argument("kind", type=click.Choice([*LOGICAL, *BUSINESS, *SHARED]))
@click.argument("value")
@click.option("--authority", metavar="SOURCE", help="The source it came from, or the authority that issued a number.")
@format_option
@home_options
def key(kind: str, value: str, authority: str | None, as_format: str) -> None:
    """Print the keyed hash of an identifier, for a person who holds the site key and must find a case.

    Logical ids (patient, encounter, order…) belong to the source they came from; it may be left out where there is one FHIR
    source. Numbers that people write (mrn, visit, placer, filler, accession) are hashed with the authority that issued them, which must
    be given. A control id (MSH-10) is hashed with who sent it, MSH-3/MSH-4; a correlation id (trace) with nobody when it is a UUID or
    24 or 32 hexadecimal digits.

    \b
    Example: wardflow key encounter 12345 --authority ehr
             wardflow key control 000123 --authority LIS/NORTH
             wardflow trace $(wardflow key encounter 12345) --purpose "late admission, complaint 17"
    """
    from pipelines import keys, shared_ids

    settings = call_of().settings()
    call_of().home()
    unique = shared_ids.unique(value) if kind == "trace" else None
    issuer = _authority(settings, kind, authority) if unique is None else ""
    hashed = keys.keyed(keys.load(settings), kind, issuer, unique or value)
    if as_format == "json":
        print_json({"kind": kind, "authority": issuer, "key": hashed})
    else:
        click.echo(hashed)


def _authority(settings: Settings, kind: str, given: str | None) -> str:
    """The text that is hashed as authority; a configured source's name stands for the authority it is set to."""
    source = settings.source(given) if given else None
    if kind not in LOGICAL and not given:
        raise WrongUse(
            f"A {kind} number is hashed with the authority that issued it. Name it with --authority, for example "
            + ("LIS/NORTH, its MSH-3 and MSH-4." if kind == "control" else "urn:oid:1.2.3.")
        )
    if given and kind == "control":
        return source.authorities.get("control", given) if source else f"msh:{given}"
    if given and kind == "trace":
        return source.authorities.get("trace", given) if source else given
    if given and kind in BUSINESS:
        return source.authority_of(kind) if source and source.kind != "fhir" else given
    if given:
        return source.key_authority if source else given
    authorities = {source.key_authority for source in settings.sources if source.kind == "fhir"}
    if len(authorities) != 1:
        known = ", ".join(source.name for source in settings.sources if source.kind == "fhir") or "none configured"
        raise WrongUse(
            f"{len(authorities)} FHIR sources are configured ({known}). Say which one it came from with --authority."
        )
    return authorities.pop()
