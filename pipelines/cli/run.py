"""`wardflow run`, `schedule` and `dashboard`: start what works on a home.

Here: starting, stopping and reporting. Not here: the run (`pipelines.refresh`) and the pages (`dashboard/`, which this package
never imports: it is started as a program of its own).
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from pipelines.cli.edge import CheckFailed, WrongUse, call_of, format_option, home_options
from pipelines.cli.output import print_json, progress
from pipelines.cli.report import refresh_document, say_refresh

if TYPE_CHECKING:
    from pipelines.cli.edge import Call

LOOPBACK = "127.0.0.1"


@click.command()
@format_option
@home_options
def run(as_format: str) -> None:
    """Do everything that is due: ingest what is new, build, check, publish.

    It is the Dagster job that the schedule runs, in this process. Running it again changes nothing. Exit code 1 when the
    publication was stopped; readers then keep the last good snapshot.

    \b
    Example: wardflow run --home /srv/wardflow
    """
    from pipelines.refresh import refresh

    call = call_of()
    home = call.home()
    with progress("wardflow run") as advance:
        result = refresh(home, progress=advance)
    if as_format == "json":
        print_json(refresh_document(result))
    else:
        say_refresh(result)
    if not result.succeeded:
        raise CheckFailed(result.failure or "The run failed. Readers keep the last good snapshot.")


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of Dagster's web server."
)
@home_options
def schedule(port: int) -> None:
    """Start Dagster's web server and daemon with the schedules and sensors; Ctrl+C stops both.

    The nightly and the hourly schedule and the sensor for new files start the same run as `wardflow run`. The web server
    listens on 127.0.0.1 only, because it has no login. A run under way gets a minute to end when you stop it.

    \b
    Example: wardflow schedule --home /srv/wardflow --port 3000
    """
    from pipelines import scheduler

    call = call_of()
    home = call.home()
    call.settings()
    _need_free(port, LOOPBACK)
    click.echo(f"Dagster: http://{LOOPBACK}:{port} (Ctrl+C stops it; logs in {home.logs})")
    scheduler.schedule(home, port, address=LOOPBACK)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port to listen on.")
@click.option(
    "--address", default=LOOPBACK, show_default=True, help="Address to listen on; any but loopback needs a login."
)
@home_options
def dashboard(port: int, address: str) -> None:
    """Serve the dashboard; Ctrl+C stops it.

    On the loopback address it runs without a login, as the role that `access.loopback_role` names. On any other address it
    refuses to start until OIDC is set up (docs/connect.md).

    \b
    Example: wardflow dashboard --port 8501
    """
    serve(call_of(), port=port, address=address)


def serve(call: Call, *, port: int, address: str = LOOPBACK) -> NoReturn:
    """Become the dashboard's server: signals and exit code are its own, and nothing that a run loaded stays in memory.

    Raises:
        WrongUse: the port is taken.
    """
    home = call.home()
    _need_free(port, address)
    click.echo(f"Dashboard: http://{address}:{port} (Ctrl+C stops it)")
    sys.stdout.flush()
    words = ["-m", "dashboard.serve", "--home", str(home.path.resolve()), "--port", str(port), "--address", address]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 -- our own program, no shell


def free_port(address: str = LOOPBACK, first: int = 8501, tries: int = 20) -> int:
    """The first free port from `first` on.

    Raises:
        WrongUse: none of `tries` ports is free.
    """
    for port in range(first, first + tries):
        if _why_not(port, address) is None:
            return port
    raise WrongUse(f"Ports {first} to {first + tries - 1} are all taken. Choose another with --port.")


def _need_free(port: int, address: str) -> None:
    reason = _why_not(port, address)
    if reason:
        raise WrongUse(f"Port {port} on {address}: {reason}. Stop what uses it, or choose another with --port.")


def _why_not(port: int, address: str) -> str | None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.strerror or "it cannot be used"
    return None
