"""`wardflow mapping`: a first mapping file for a log, and what one would read. Not here: reading logs, or a mapping's rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.edge import CheckFailed, WrongUse, format_option, home_options
from pipelines.cli.output import print_json, print_table

if TYPE_CHECKING:
    from pipelines.mapping_trial import Trial

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
@home_options
def mapping() -> None:
    """Mapping files: how a log comes in that Wardflow has no adapter for.

    \b
    Example: wardflow mapping propose gate.csv > mappings/gate.toml
             wardflow mapping validate mappings/gate.toml gate.csv --zone Europe/London
    """


@mapping.command()
@click.argument("sample", type=_FILE)
@format_option
@home_options
def propose(sample: Path, as_format: str) -> None:
    """Print a first mapping for a log, from a SAMPLE of it, with the columns that could not be placed and why.

    Of the sample's values only words that are plainly codes are written down. The exit code is 1 when message, event or time
    was not found: name it, then validate.

    \b
    Example: wardflow mapping propose gate.csv > mappings/gate.toml
    """
    from pipelines import mapping_proposal

    found = mapping_proposal.propose(sample)
    if as_format == "json":
        print_json(
            {
                "format": found.format,
                "records": found.records,
                "mapping": found.text,
                "placed": found.placed,
                "unplaced": found.unplaced,
                "missing": list(found.missing),
            }
        )
    else:
        click.echo(found.text, nl=False)
    if found.missing:
        raise CheckFailed(
            f"No column was found for {', '.join(found.missing)}. Name it under [fields] and run `wardflow mapping validate`."
        )


@mapping.command()
@click.argument("mapping_file", metavar="MAPPING", type=_FILE)
@click.argument("sample", type=_FILE)
@click.option("--zone", metavar="IANA", help="The zone of times without an offset, where the mapping names none.")
@format_option
@home_options
def validate(mapping_file: Path, sample: Path, zone: str | None, as_format: str) -> None:
    """Say what a MAPPING would read of a SAMPLE: records, events, what is kept out and why, words without a translation.

    Nothing is kept, and nothing personal is shown. The exit code is 1 when a record is kept out or a word is not translated.

    \b
    Example: wardflow mapping validate mappings/gate.toml gate.csv --zone Europe/London
    """
    from pipelines import mapping_trial

    if zone is not None:
        _check_zone(zone)
    trial = mapping_trial.try_on(mapping_file, sample, zone)
    if as_format == "json":
        print_json(trial.to_json())
    elif trial.read:
        _say(trial)
    if not trial.is_fit:
        raise CheckFailed(_cure(trial))


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise WrongUse(f"{zone!r} is no IANA time zone. Write one such as 'Europe/London'.") from None


def _say(trial: Trial) -> None:
    from pipelines.sources.findings import FINDINGS
    from pipelines.sources.source import CURES

    click.echo(f"Records    {trial.read:,} read, {trial.mapped:,} mapped, {trial.ignored:,} ignored")
    if trial.first_at is not None and trial.last_at is not None:
        click.echo(
            f"Times      {trial.first_at:%Y-%m-%d %H:%M:%S} to {trial.last_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"by {_counted(trial.times)}"
        )
        click.echo(f"Messages   {trial.messages:,} in {trial.flows:,} flows\n")
    rows = [("event", name, n, None) for name, n in trial.events.items()]
    rows += [("has", name, n, None) for name, n in trial.fields.items()]
    rows += [("no translation", name, n, "Add the word to [events].") for name, n in trial.untranslated.items()]
    rows += [("finding", name, n, FINDINGS.get(name)) for name, n in trial.findings.items()]
    rows += [("kept out", name, n, CURES.get(name)) for name, n in trial.quarantined.items()]
    print_table(["", "what", "records", "cure"], rows, right=frozenset({2}))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())


def _cure(trial: Trial) -> str:
    if trial.zone_needed:
        return "Times have no offset, so the zone they are in must be named; none is assumed. Give --zone, or zone under [times]."
    if "unrecognised" in trial.quarantined:
        return "The sample has no record with the mapped fields for event, message and time. Check format, delimiter and [fields]."
    kept_out, words = sum(trial.quarantined.values()), len(trial.untranslated)
    return f"{kept_out:,} records are kept out and {words} words are not translated. Correct the mapping, then validate again."
