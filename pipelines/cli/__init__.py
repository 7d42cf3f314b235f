"""`wardflow`: what a person at a terminal and a scheduler run.

Here: the list of commands, by group. Each group is one small module of this package; what commands share stands in `edge`
(options, errors, exit codes), `output` (text and JSON) and `roles` (who may read what). Not here: any rule, arithmetic or SQL;
commands call the same functions as the Dagster job and print what they return. Modules import what is heavy inside the command,
so that `wardflow --help` answers at once.
"""

from __future__ import annotations

import click

from pipelines.cli import (
    decide,
    demo,
    doctor,
    drift,
    exceptions,
    export,
    fetching,
    kpi,
    loading,
    mapping,
    pilot,
    process,
    rotate_key,
    run,
    setup,
    status,
    trace,
)
from pipelines.cli.edge import Program, home_options

COMMANDS: tuple[click.Command, ...] = (
    demo.demo,
    setup.init,
    demo.simulate,
    loading.ingest,
    fetching.fetch,
    run.run,
    run.schedule,
    run.dashboard,
    status.status,
    loading.ledger,
    mapping.mapping,
    drift.drift,
    kpi.kpi,
    status.readiness,
    status.interfaces,
    pilot.pilot,
    trace.trace,
    exceptions.exceptions,
    process.process,
    export.export,
    decide.decide,
    doctor.doctor,
    setup.key,
    rotate_key.rotate_key,
)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="wardflow", prog_name="wardflow", message="%(prog)s %(version)s")
@home_options
def main() -> None:
    """Hospital flow and interface numbers from FHIR exports and integration engine logs.

    \b
    Example: wardflow demo
             wardflow kpi value ed_length_of_stay --by facility --grain week
    """


for command in COMMANDS:
    main.add_command(command)
