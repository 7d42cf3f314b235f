"""The typed configuration of one hospital: environment (WARDFLOW_…) over `wardflow.toml`, read once by `load`.

Here: names, types, defaults and rules of every setting. Not here: the site key itself (`keys`), the registry of
interfaces (`registry`), anything that a setting is used for.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipelines import log_mapping
from pipelines.errors import ConfigurationError
from pipelines.home import Home, spelled_out
from pipelines.visit_rules import VisitRule

SETTINGS_FILE = "wardflow.toml"


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no IANA time zone; write one such as 'America/New_York'") from error
    return zone


class _Part(BaseModel):
    """A table of wardflow.toml: an unknown name is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Windows(_Part):
    """What the hospital calls in time."""

    critical_ack_minutes: Annotated[float, Field(gt=0)] = 60
    handoff_accept_minutes: Annotated[float, Field(gt=0)] = 30
    message_stuck_minutes: Annotated[float, Field(gt=0)] = 60
    task_trigger_minutes: Annotated[float, Field(gt=0)] = 60
    status_settle_minutes: Annotated[float, Field(gt=0)] = 240
    result_open_minutes: Annotated[float, Field(gt=0)] = 60


class Access(_Part):
    """Who may read what: the role on the loopback address, and of each person who logs in (`mail = role`)."""

    loopback_role: Literal["leadership", "informatics", "engineer"] = "engineer"
    roles: dict[str, Literal["leadership", "informatics", "engineer"]] = {}


class MetadataColumns(_Part):
    """The names of Mirth's custom metadata columns that carry an identifier or the message's type."""

    control_id: str = "CONTROL_ID"
    type: str = "TYPE"
    mrn: str = "MRN"
    visit: str = "VISIT"
    placer: str = "PLACER"


Numbered = Literal["mrn", "visit", "placer", "filler", "accession"]
"""The kinds of numbers that people and systems give out, beside logical ids."""
Shared = Literal["control", "trace"]
"""Ids of messages that several engines log: the sender's control id, and an id that systems hand on."""


class Poll(_Part):
    """How an engine is asked for what is new: its PostgreSQL, or its REST API. Secrets stand in variables or files of their own."""

    database_env: str = ""
    database_file: str = ""
    api: str = ""
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    every_seconds: Annotated[float, Field(gt=0)] = 60
    page_messages: Annotated[int, Field(ge=1, le=10_000)] = 500
    look_back_messages: Annotated[int, Field(ge=0)] = 20_000
    look_back_every_seconds: Annotated[float, Field(gt=0)] = 3600

    @model_validator(mode="after")
    def _says_where_and_as_whom(self) -> Self:
        if sum(map(bool, (self.database_env, self.database_file, self.api))) != 1:
            raise ValueError("one of database_env, database_file and api must say where to ask")
        is_here = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])[:/]", self.api)
        if self.api and not (self.api.startswith("https://") or is_here):
            raise ValueError("api must begin with https://, or with http:// on this very machine")
        if self.api and not (self.user and (self.password_env or self.password_file)):
            raise ValueError("api needs user, and password_env or password_file")
        return self


class SourceSettings(_Part):
    """One system that delivers files."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    kind: Literal[
        "fhir", "mirth", "atna", "openhim", "camunda", "intersystems", "otlp", "azure", "hl7", "ndjson-log", "places"
    ]
    path: str = ""
    zone: str | None = None
    authority: str | None = None
    base: Annotated[str, Field(pattern=r"^https?://")] | None = None
    authorities: dict[Numbered | Shared, str] = {}
    assigners: dict[Numbered, dict[str, str]] = {}
    mapping: str = ""
    columns: MetadataColumns = MetadataColumns()
    error_words: tuple[str, ...] = ()
    own_accounts: tuple[str, ...] = ()
    expected_every_hours: Annotated[float, Field(gt=0)] | None = None
    full_exports: bool | None = None
    max_absent_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    visits: tuple[VisitRule, ...] = ()
    poll: Poll | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_polled_into_landing(cls, given: Any) -> Any:  # noqa: ANN401 -- what the file says
        """A source that is polled delivers into a folder of `landing/` that is called like it."""
        if isinstance(given, dict) and given.get("poll") and given.get("kind") != "mirth":
            raise ValueError("only sources of the kind mirth are polled")
        return (
            {**given, "path": given.get("path") or f"landing/{given.get('name')}"}
            if isinstance(given, dict) and given.get("poll")
            else given
        )

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str | None) -> str | None:
        return None if zone is None else _known_zone(zone)

    @field_validator("mapping", mode="before")
    @classmethod
    def _mapping_is_a_file(cls, mapping: object) -> object:
        if isinstance(mapping, dict):
            raise ValueError(  # noqa: TRY004 -- pydantic words a ValueError as it stands
                "a mapping is a file of its own: `wardflow mapping propose SAMPLE` writes one; "
                "name it, as in mapping = 'mappings/engine.toml'"
            )
        return mapping

    @property
    def key_authority(self) -> str:
        """The authority under which this source's logical ids are hashed; the source's name unless set."""
        return self.authority or self.name

    def authority_of(self, kind: Numbered) -> str:
        """The assigning authority of a business identifier that names none itself; the source's name unless set."""
        return self.authorities.get(kind, self.name)


class AlertSettings(_Part):
    """Where an alert goes."""

    kind: Literal["file", "webhook", "email"]
    path: str = ""
    url: str = ""
    to: tuple[str, ...] = ()
    sender: str = ""
    host: str = "localhost"
    port: int = 25


class Settings(BaseSettings):
    """Everything a hospital may change without touching code. Nested names join with two underscores in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="WARDFLOW_", env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(exclude=True)
    site: str = "Hospital"
    zone: str = "UTC"
    key_file: str = Field(default="", exclude=True)
    site_key: SecretStr | None = Field(default=None, exclude=True)
    new_site_key: SecretStr | None = Field(default=None, exclude=True)
    windows: Windows = Windows()
    suppress_below: Annotated[int, Field(ge=0)] = 5
    keep_snapshots_days: Annotated[float, Field(ge=0)] = 14
    targets: dict[str, float] = {}
    owners: dict[str, str] = {}
    access: Access = Access()
    sources: tuple[SourceSettings, ...] = ()
    alerts: tuple[AlertSettings, ...] = ()
    memory_limit: str = "800MB"
    threads: Annotated[int, Field(ge=1)] = 2
    max_line_megabytes: Annotated[int, Field(ge=1, le=256)] = 64
    settle_seconds: Annotated[int, Field(ge=0)] = 0
    follow_seconds: Annotated[int, Field(ge=0)] = 15
    validate_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    validate_lines: Annotated[int, Field(ge=0, le=5_000)] = 200

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        return _known_zone(zone)

    @field_validator("sources")
    @classmethod
    def _names_are_unique(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; give each its own name")
        return sources

    @property
    def key_path(self) -> Path:
        """The site key's file: `key_file`, relative to the home; by default `<home>.key` beside the home, not in it."""
        home = self.home.resolve()
        return (
            (home / Path(self.key_file).expanduser()).resolve() if self.key_file else home.with_name(f"{home.name}.key")
        )

    @property
    def visits(self) -> dict[str, tuple[VisitRule, ...]]:
        """By source, its own rules for telling what kind of visit an Encounter is, in their order."""
        return {source.name: source.visits for source in self.sources}

    def source(self, name: str) -> SourceSettings | None:
        """The configured source of that name."""
        return next((source for source in self.sources if source.name == name), None)

    def resolved(self) -> dict[str, Any]:
        """The settings as JSON values, without secrets and without where this machine keeps things: for the manifest."""
        document = self.model_dump(mode="json", exclude={"alerts", "memory_limit", "threads"})
        for source in document["sources"]:
            for private in ("path", "mapping", "columns", "error_words", "own_accounts", "poll"):
                source.pop(private, None)
        return document

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings


def load(home: Home | Path | str) -> Settings:
    """The settings of a home: environment over its wardflow.toml, defaults where both are silent (also without the file).

    Raises:
        ConfigurationError: the file is no TOML, or a value breaks a rule; one line with name, value, rule and cure.
    """
    place = home if isinstance(home, Home) else Home(Path(home))
    path = place.path / SETTINGS_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    if held := {"site_key", "new_site_key"} & document.keys():
        raise ConfigurationError(
            f"{path} holds {min(held)!r}: a key must stay outside the home. Use WARDFLOW_SITE_KEY or key_file."
        )
    try:
        found = Settings(**{**document, "home": place.path})
    except ValidationError as error:
        raise ConfigurationError(_first_mistake(error, path)) from error
    # WARDFLOW_HOME chooses a home where none is named; it must not redirect the one that was.
    whole = spelled_out(place.path)
    return found.model_copy(
        update={"home": whole, "sources": tuple(_with_mapping(each, whole) for each in found.sources)}
    )


def _with_mapping(source: SourceSettings, home: Path) -> SourceSettings:
    """The source with its mapping file, which has to be right, by its whole path."""
    if not source.mapping:
        return source
    path = home / Path(source.mapping).expanduser()
    if not path.is_file():
        raise ConfigurationError(
            f"Source {source.name!r}: there is no mapping file {path}. `wardflow mapping propose` writes one from a sample."
        )
    log_mapping.load(path)
    return source.model_copy(update={"mapping": str(path)})


def _first_mistake(error: ValidationError, path: Path) -> str:
    mistake = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in mistake["loc"]) or "settings"
    if mistake["type"] == "extra_forbidden":
        last = str(mistake["loc"][-1])
        return f"{path}: there is no setting {name!r}.{_hint(last, _names())}"
    value = "" if isinstance(mistake["input"], dict | list) else f" = {mistake['input']!r}"
    return f"{path}: {name}{value}: {mistake['msg'].removeprefix('Value error, ')}."


def _names() -> frozenset[str]:
    parts = (Settings, Windows, Access, SourceSettings, Poll, VisitRule, MetadataColumns, AlertSettings)
    return frozenset(
        name for part in parts for name in part.model_fields if name not in {"home", "site_key", "new_site_key"}
    )


def _hint(name: str, known: frozenset[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else " See the comments of a file made by `wardflow init`."
