"""`wardflow doctor`: what would fail, before it does. Here: the order of the checks and how they are said. Not here: the checks
(`examinations`).
"""

from __future__ import annotations

import click

from pipelines.cli import examinations
from pipelines.cli.edge import CheckFailed, call_of, format_option, home_options
from pipelines.cli.output import print_json


@click.command()
@format_option
@home_options
def doctor(as_format: str) -> None:
    """Check the installation and the home: versions, permissions, site key, time zones, space, snapshot, telemetry.

    Exit code 1 when something would fail; a warning leaves it 0.

    \b
    Example: wardflow doctor --home /srv/wardflow
    """
    findings = [finding for examine in examinations.ALL for finding in examine(call_of())]
    if as_format == "json":
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            cure = "" if finding.state == "good" else f" {finding.cure}"
            click.echo(f"{finding.state:<5} {finding.check:<13} {finding.says}{cure}")
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if wrong:
        names = ", ".join(finding.check for finding in wrong)
        raise CheckFailed(f"{len(wrong)} of {len(findings)} checks failed: {names}. Each says its cure above.")
