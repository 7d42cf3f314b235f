"""The hospital's own list of systems, interfaces, workflows and options to improve them: registry.toml, validated, into `raw.registry_*`.

Here: the file's form and its rules. Not here: comparing it with what the logs show (`models`).
"""

from __future__ import annotations

import tomllib
from datetime import date  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Annotated, Literal

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.errors import did_you_mean
from models.priorities import MEASURED
from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.lending import append
from pipelines.transaction import transaction

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.settings import Settings

TABLES = {
    "raw.registry_interface": """
        create table if not exists raw.registry_interface (
            flow varchar not null, source varchar not null, facility varchar, owner varchar, protocol varchar,
            data_domain varchar, criticality varchar, max_silence_minutes integer, kind varchar not null
        )""",
    "raw.registry_system": """
        create table if not exists raw.registry_system (id varchar not null, name varchar, owner varchar)""",
    "raw.registry_record": """
        create table if not exists raw.registry_record (domain varchar not null, system varchar not null)""",
    "raw.registry_alias": """
        create table if not exists raw.registry_alias (source varchar not null, flow_id varchar not null, is_now varchar not null)""",
    "raw.registry_downtime": """
        create table if not exists raw.registry_downtime (
            source varchar not null, flow varchar, starts_at timestamptz not null, ends_at timestamptz not null, why varchar
        )""",
    "raw.registry_holiday": """
        create table if not exists raw.registry_holiday (holiday_date date not null)""",
    "raw.registry_workflow": """
        create table if not exists raw.registry_workflow (
            id varchar not null, title varchar, step_no integer not null, step varchar not null, owner varchar,
            window_minutes double, exception varchar, expected varchar, is_record boolean
        )""",
    "raw.registry_option": """
        create table if not exists raw.registry_option (
            id varchar not null, title varchar, owner varchar, effort_days double not null, saves double not null, fixes varchar[],
            criteria varchar[], scores double[]
        )""",
    "raw.registry_criterion": """
        create table if not exists raw.registry_criterion (name varchar not null, weight double not null)""",
}
UPGRADES = (
    "alter table raw.registry_workflow add column if not exists expected varchar",
    "alter table raw.registry_workflow add column if not exists is_record boolean",
)

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class System(_Part):
    """A computer system that people know by name."""

    id: _Name
    name: str = ""
    owner: str = ""


class Interface(_Part):
    """A channel of an engine: `flow` is what the engine calls it, `source` the log it appears in."""

    flow: _Name
    source: _Name
    facility: str | None = None
    owner: str | None = None
    protocol: str | None = None
    data_domain: str | None = None
    criticality: Literal["low", "medium", "high"] | None = None
    max_silence_minutes: Annotated[int, Field(gt=0)] | None = None
    kind: Literal["channel", "router"] = "channel"


class Alias(_Part):
    """A flow of an engine that another one took over from: a clone, or the same channel deployed anew under a new id."""

    source: _Name
    flow_id: _Name
    is_now: _Name


class Downtime(_Part):
    """A planned downtime of a log's engine, or of one channel of it: what happens in it is no incident."""

    source: _Name
    flow: _Name | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    why: str = ""


class Holiday(_Part):
    """A day of the hospital's calendar on which feeds are as busy as on a Sunday."""

    date: date
    name: str = ""


class Record(_Part):
    """Which system is right about a domain when two disagree."""

    domain: _Name
    system: _Name


class Step(_Part):
    """One step of a workflow: how long the wait for it may take, whose it is, and what happens when it does not.

    A case that keeps to the path has every step that is `always` expected, may have one that `sometimes` is, and has none that
    `never` is: such a step is for exceptions.
    """

    name: _Name
    owner: str = ""
    window_minutes: Annotated[float, Field(gt=0)] | None = None
    exception: str = ""
    expected: Literal["always", "sometimes", "never"] = "always"
    is_record: bool = False


class Workflow(_Part):
    """Steps in their order."""

    id: _Name
    title: str = ""
    step: tuple[Step, ...] = ()


class Criterion(_Part):
    """What options are judged by, and how much it weighs: one of those that are measured, or a name that options have scores for."""

    name: _Name
    weight: Annotated[float, Field(ge=0, le=1000)]


class Option(_Part):
    """Something that could be done: the days it takes, what it mends (`source/flow` or `workflow/step`), which part of the hours lost
    there it is thought to save, and scores from 0 to 5 by criteria that nobody can measure.
    """

    id: _Name
    title: str = ""
    owner: str = ""
    effort_days: Annotated[float, Field(gt=0, le=10_000)]
    saves: Annotated[float, Field(gt=0, le=1)] = 1.0
    fixes: Annotated[tuple[_Name, ...], Field(min_length=1)]
    scores: dict[_Name, Annotated[float, Field(ge=0, le=5)]] = {}


class Registry(_Part):
    """registry.toml: every table of it may be missing."""

    system: tuple[System, ...] = ()
    interface: tuple[Interface, ...] = ()
    alias: tuple[Alias, ...] = ()
    downtime: tuple[Downtime, ...] = ()
    holiday: tuple[Holiday, ...] = ()
    record: tuple[Record, ...] = ()
    workflow: tuple[Workflow, ...] = ()
    criterion: tuple[Criterion, ...] = ()
    option: tuple[Option, ...] = ()


def read(path: Path) -> Registry:
    """The registry; empty when there is no file.

    Raises:
        ConfigurationError: the file is no TOML, or an entry breaks a rule; one line with entry, value, rule and cure.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    try:
        registry = Registry.model_validate(document)
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in mistake["loc"])
        value = "" if isinstance(mistake["input"], dict | list) else f" = {mistake['input']!r}"
        raise ConfigurationError(f"{path}: {name}{value}: {mistake['msg']}. Correct that entry.") from error
    _check(registry, path)
    return registry


def _check(registry: Registry, path: Path) -> None:
    for what, names in (
        ("interface", [f"{each.source}/{each.flow}" for each in registry.interface]),
        ("alias", [f"{each.source}/{each.flow_id}" for each in registry.alias]),
        ("system", [each.id for each in registry.system]),
        ("workflow", [each.id for each in registry.workflow]),
        ("criterion", [each.name for each in registry.criterion]),
        ("option", [each.id for each in registry.option]),
        ("step", [f"{each.id}/{step.name}" for each in registry.workflow for step in each.step]),
    ):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ConfigurationError(f"{path}: {what} {twice!r} is listed twice. Keep one of them.")
    taken_over = {(each.source, each.flow_id) for each in registry.alias}
    for alias in registry.alias:
        if (alias.source, alias.is_now) in taken_over:
            raise ConfigurationError(
                f"{path}: the alias {alias.source}/{alias.flow_id} leads to {alias.is_now!r}, which was taken over itself. "
                "Point each of them at the flow that runs today."
            )
    for downtime in registry.downtime:
        if downtime.ends_at <= downtime.starts_at:
            raise ConfigurationError(
                f"{path}: the downtime of {downtime.source!r} from {downtime.starts_at} ends before it starts. "
                "Correct starts_at or ends_at."
            )
    known = {system.id for system in registry.system}
    for record in registry.record:
        if record.system not in known:
            raise ConfigurationError(
                f"{path}: the system of record for {record.domain!r} is {record.system!r}, which no [[system]] has as id."
            )
    _check_options(registry, path)


def _check_options(registry: Registry, path: Path) -> None:
    parts = {f"{each.source}/{each.flow}" for each in registry.interface}
    parts |= {f"{each.id}/{step.name}" for each in registry.workflow for step in each.step}
    supplied = {each.name for each in registry.criterion} - set(MEASURED)
    for option in registry.option:
        for name in option.fixes:
            if name not in parts:
                raise ConfigurationError(
                    f"{path}: the option {option.id!r} fixes {name!r}, which is neither the source/flow of an [[interface]] nor the "
                    f"workflow/step of a [[workflow]].{did_you_mean(name, sorted(parts))}"
                )
        for name in option.scores:
            if name not in supplied:
                why = "is measured, so that nobody scores it" if name in MEASURED else "no [[criterion]] has as name"
                raise ConfigurationError(f"{path}: the option {option.id!r} has a score for {name!r}, which {why}.")
    if registry.criterion and not any(each.weight for each in registry.criterion):
        raise ConfigurationError(f"{path}: no [[criterion]] has a weight above 0. Give at least one a weight.")


def take_in(db: duckdb.DuckDBPyConnection, settings: Settings) -> Registry:
    """Replace `raw.registry_*` by what registry.toml says now.

    Raises:
        ConfigurationError: see `read`; the tables keep what they had.
    """
    registry = read(Home(settings.home).registry_path)
    rows: dict[str, list[dict[str, object]]] = {
        "raw.registry_interface": [each.model_dump() for each in registry.interface],
        "raw.registry_alias": [each.model_dump() for each in registry.alias],
        "raw.registry_system": [each.model_dump() for each in registry.system],
        "raw.registry_downtime": [each.model_dump() for each in registry.downtime],
        "raw.registry_holiday": [{"holiday_date": each.date} for each in registry.holiday],
        "raw.registry_record": [each.model_dump() for each in registry.record],
        "raw.registry_option": [
            each.model_dump(exclude={"scores"}) | {"criteria": list(each.scores), "scores": list(each.scores.values())}
            for each in registry.option
        ],
        "raw.registry_criterion": [each.model_dump() for each in registry.criterion],
        "raw.registry_workflow": [
            {
                "id": workflow.id,
                "title": workflow.title,
                "step_no": number,
                "step": step.name,
                **step.model_dump(exclude={"name"}),
            }
            for workflow in registry.workflow
            for number, step in enumerate(workflow.step, 1)
        ],
    }
    with transaction(db):
        for table, entries in rows.items():
            db.execute(f"delete from {table}")
            if entries:
                append(db, table, pa.Table.from_pylist(entries))
    return registry
