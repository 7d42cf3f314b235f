"""`wardflow simulate` and `wardflow demo`: a hospital that never existed, as files or as a whole home. Not here: the simulation."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import CheckFailed, WrongUse, call_of, format_option, home_options
from pipelines.cli.output import local, print_json, progress
from pipelines.cli.report import checks_sentence, ingest_sentence
from pipelines.cli.run import free_port, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelines.accounts import FileAccount
    from pipelines.cli.edge import Call
    from pipelines.home import Home
    from pipelines.refresh import RefreshResult
    from sample_data.simulate import SimulationReport

DAYS, FACILITIES, SEED = 182, 3, 7
MARKER = "demo.json"
STAGES = {
    "ingest": "ingest",
    "staging": "build",
    "marts": "build",
    "check": "check",
    "comput": "compute",
    "publish": "publish",
}
"""How a run's steps begin -> the stage that a person sees."""


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--days", type=click.IntRange(min=1), default=DAYS, show_default=True, help="Days to simulate.")
@click.option(
    "--facilities", type=click.IntRange(min=1), default=FACILITIES, show_default=True, help="Hospitals in the group."
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--roads",
    is_flag=True,
    help="Also write the last hospital's first day as every other kind of engine would, a home of its own in OUT/roads.",
)
@format_option
@home_options
def simulate(out: Path, days: int, facilities: int, seed: int, roads: bool, as_format: str) -> None:  # noqa: FBT001 -- click's
    """Write what a simulated hospital group hands over: FHIR exports, engine logs and truth.json.

    \b
    Example: wardflow simulate /tmp/hospital --days 28 --seed 11
    """
    if out.exists() and any(out.iterdir()):
        raise WrongUse(f"{out} is not empty, and a simulation never mixes with other files. Name a new folder.")
    report = _simulate(out, days, facilities, seed, roads=roads)
    if as_format == "json":
        print_json(
            {
                "out": str(out),
                "seconds": round(report.seconds, 1),
                "resources": sum(report.resources.values()),
                "messages": report.messages,
                "events": report.events,
                "resources_per_second": round(report.resources_per_second),
                "events_per_second": round(report.events_per_second),
            }
        )
    else:
        click.echo(_simulated(report, days, facilities))
        click.echo(f"Files in {out}; the known answers in {out / 'truth.json'}")


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=DAYS, show_default=True, help="Days to simulate.")
@click.option(
    "--facilities", type=click.IntRange(min=1), default=FACILITIES, show_default=True, help="Hospitals in the group."
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed gives the same hospital.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the dashboard.  [default: the first free one from 8501 on]"
)
@click.option("--no-serve", is_flag=True, help="Stop after publishing; do not serve the dashboard.")
@home_options
def demo(days: int, facilities: int, seed: int, port: int | None, *, no_serve: bool) -> None:
    """Simulate a hospital, ingest, compute, check, publish, then serve the dashboard on 127.0.0.1.

    Everything goes into the home, with a site key of its own beside it. Running it again uses what is there.

    \b
    Example: wardflow demo
             wardflow demo --home /tmp/small --days 21 --no-serve
    """
    from pipelines.home import Home
    from pipelines.refresh import refresh

    began = time.monotonic()
    stopwatch = Stopwatch()
    call = call_of()
    home = Home(call.home_path)
    settings = {"days": days, "facilities": facilities, "seed": seed}
    taken_in: dict[str, FileAccount] = {}
    if is_there(home, settings):
        click.echo("Simulated  already there")
    else:
        report, taken_in = _simulated_and_taken_in(call, home, settings)
        click.echo(f"Simulated  {_simulated(report, days, facilities)}, and taken in meanwhile")
    with progress("wardflow demo") as advance:
        result = refresh(home, progress=stopwatch.around(advance))
    _say(result, taken_in, stopwatch, call.settings().zone)
    if not result.succeeded:
        raise CheckFailed(result.failure or "The run failed.")
    click.echo(f"Took       {time.monotonic() - began:.0f} s from nothing to published")
    click.echo(f"\nHome {home.path}. Next: wardflow --home {home.path} status")
    if not no_serve:
        serve(call, port=port or free_port())


def is_there(home: Home, settings: dict[str, int]) -> bool:
    """Whether the home holds all of this simulation; what an interrupted one left behind is removed.

    Raises:
        WrongUse: the home is somebody's own, or holds another simulation.
    """
    before = _read(home.path / MARKER)
    if before.get("finished") and before["settings"] == settings:
        return True
    if before.get("finished"):
        was = ", ".join(f"{name} {n}" for name, n in before["settings"].items())
        raise WrongUse(
            f"{home.path} holds another simulation ({was}). Name another home with --home, or remove that folder."
        )
    if not before and home.path.exists() and any(home.path.iterdir()):
        raise WrongUse(f"{home.path} holds something else than a demo. Name a new home with --home.")
    shutil.rmtree(home.landing, ignore_errors=True)
    for left in home.path.glob(f"{home.warehouse_path.name}*"):
        left.unlink()
    return False


def _simulated_and_taken_in(
    call: Call, home: Home, settings: dict[str, int]
) -> tuple[SimulationReport, dict[str, FileAccount]]:
    """The simulated files in the home, taken in while they came, and the configuration that belongs to them."""
    from pipelines import keys
    from pipelines.cli.at_work import at_work, take_in_meanwhile
    from pipelines.refresh import get_ready

    marker = home.path / MARKER
    home.path.mkdir(parents=True, exist_ok=True, mode=0o750)
    marker.write_text(json.dumps({"settings": settings, "finished": False}), encoding="utf-8")
    with at_work(home.landing, **settings) as hospital, progress("simulating") as advance:
        get_ready(home)
        hospital.await_opening()
        home.decisions_path.parent.mkdir(exist_ok=True, mode=0o750)
        for name, target in {
            "wardflow.toml": home.settings_path,
            "registry.toml": home.registry_path,
            "decisions.ndjson": home.decisions_path,
        }.items():
            (home.landing / name).replace(target)
        home.create()
        keys.create(call.settings())
        taken_in = take_in_meanwhile(home, hospital, lambda share: advance("", share))
        report = hospital.report()
    (home.landing / "truth.json").replace(home.path / "truth.json")
    marker.write_text(json.dumps({"settings": settings, "finished": True}), encoding="utf-8")
    return report, taken_in


def _read(marker: Path) -> dict[str, Any]:
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _simulate(out: Path, days: int, facilities: int, seed: int, *, roads: bool = False) -> SimulationReport:
    from sample_data.simulate import simulate as simulate_hospital

    with progress("simulating") as advance:
        return simulate_hospital(
            out, days=days, facilities=facilities, seed=seed, roads=roads, progress=lambda share: advance("", share)
        )


def _simulated(report: SimulationReport, days: int, facilities: int) -> str:
    return (
        f"{days} days of {facilities} hospitals in {report.seconds:.1f} s: {sum(report.resources.values()):,} FHIR resources, "
        f"{report.messages:,} messages ({report.resources_per_second:,.0f} resources and {report.events_per_second:,.0f} log rows a second)"
    )


class Stopwatch:
    """How long each stage took, from the names of a run's steps."""

    def __init__(self) -> None:
        """Start with the first stage, before any step was named."""
        self.seconds: dict[str, float] = {}
        self._stage = "simulate and ingest"
        self._since = time.monotonic()

    def around(self, advance: Callable[[str, float], None]) -> Callable[[str, float], None]:
        """The same progress function, with the time taken."""

        def on_step(step: str, share: float) -> None:
            self._lap()
            self._stage = next((stage for start, stage in STAGES.items() if step.startswith(start)), self._stage)
            advance(step, share)

        return on_step

    def laps(self) -> dict[str, float]:
        """Seconds by stage, up to now."""
        self._lap()
        return self.seconds

    def _lap(self) -> None:
        now = time.monotonic()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._since = now


def _say(result: RefreshResult, taken_in: Mapping[str, FileAccount], stopwatch: Stopwatch, zone: str) -> None:
    from zoneinfo import ZoneInfo

    from pipelines.accounts import IngestReport

    if result.ingested is not None:  # to the run, what came in before it is known
        files = tuple(taken_in.get(file.path, file) for file in result.ingested.files)
        click.echo(ingest_sentence(IngestReport(files, result.ingested.unrecognised)))
    click.echo("Stages     " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in stopwatch.laps().items()))
    if result.manifest is None or not result.succeeded:
        return
    manifest = result.manifest
    click.echo(checks_sentence(manifest))
    rows = sum(table.rows for table in manifest.tables.values())
    click.echo(
        f"Published  {manifest.id}, data to {local(manifest.as_of, ZoneInfo(zone))}: {len(manifest.tables)} tables, {rows:,} rows"
    )
