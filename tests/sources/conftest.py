"""A home with a warehouse for tests of ingestion, and the eyes that look for people in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from models.catalog import build_order, upstream
from pipelines import build, intake, ledger, warehouse
from pipelines.accounts import IngestReport
from pipelines.home import Home
from pipelines.settings import Settings, load

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "a site key for tests only"
SETTINGS = """
site = "Larkhill"
zone = "America/New_York"

[[sources]]
name = "ehr"
kind = "fhir"

[[sources]]
name = "mirth-lark"
kind = "mirth"
zone = "America/New_York"
authorities = { mrn = "urn:lark:mrn", visit = "urn:lark:visit", placer = "urn:lark:placer" }
assigners = { mrn = { L = "urn:lark:mrn" } }

[[sources]]
name = "audit-lark"
kind = "atna"
zone = "America/New_York"
authorities = { mrn = "urn:lark:mrn", visit = "urn:lark:visit" }
assigners = { mrn = { L = "urn:lark:mrn" } }

[[sources]]
name = "engine-lark"
kind = "ndjson-log"
zone = "America/New_York"
authorities = { mrn = "urn:lark:mrn", visit = "urn:lark:visit", placer = "urn:lark:placer" }

[[sources]]
name = "him-lark"
kind = "openhim"
zone = "America/New_York"

[[sources]]
name = "processes-lark"
kind = "camunda"
zone = "America/New_York"
authorities = { visit = "urn:lark:visit", placer = "urn:lark:placer" }

[[sources]]
name = "iris-lark"
kind = "intersystems"
zone = "UTC"

[[sources]]
name = "otel-lark"
kind = "otlp"

[[sources]]
name = "azure-lark"
kind = "azure"

[[sources]]
name = "capture-lark"
kind = "hl7"
zone = "America/New_York"
authorities = { mrn = "urn:lark:mrn", visit = "urn:lark:visit", placer = "urn:lark:placer" }
assigners = { mrn = { L = "urn:lark:mrn" } }
"""
ACCOUNT_OF_WHEN = {"ingested_at"}


@dataclass
class Site:
    """One hospital's home and its open warehouse."""

    home: Home
    in_file: bool = False
    db: duckdb.DuckDBPyConnection = field(init=False)
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = load(self.home)
        self.db = warehouse.connect(self.settings, path=None if self.in_file else ":memory:")

    def ingest(self, *paths: Path, source: str | None = None, zone: str | None = None) -> IngestReport:
        report = intake.ingest_paths(self.db, self.settings, paths, source, zone)
        assert report.balanced
        assert ledger.account(self.db).balanced
        return report

    def rows(self, query: str) -> list[tuple]:
        return self.db.execute(query).fetchall()

    def build(self, *names: str) -> None:
        """Tables of staging and marts, with all that they are made from."""
        wanted = frozenset().union(*(upstream(name) for name in names))
        for table in build_order():
            if table.full_name in wanted:
                build.build(self.db, self.settings, table)

    def tables(self) -> list[str]:
        query = "select schema_name || '.' || table_name from duckdb_tables() where not temporary order by 1"
        return [name for (name,) in self.rows(query)]

    def everything(self) -> str:
        """Every column of every table, temporary ones too, as text."""
        found = [
            name
            for (name,) in self.rows(
                "select '\"' || database_name || '\".\"' || schema_name || '\".\"' || table_name || '\"' from duckdb_tables()"
            )
        ]
        return "\n".join(str(self.db.execute(f"select t::varchar from {name} as t").fetchall()) for name in found)

    def content(self) -> dict[str, list[str]]:
        """What the raw tables hold, with files by path instead of number, and what the account says of each file."""
        paths = dict(self.rows("select file_id, path from account.file"))
        dump: dict[str, list[str]] = {}
        for table in self.tables():
            columns = [name for (name,) in self.rows(f"select column_name from (describe {table})")]
            kept = [f'"{name}"' for name in columns if name not in ACCOUNT_OF_WHEN | {"file_id"}]
            numbered = "file_id" in columns
            rows = self.rows(
                f"select {'file_id' if numbered else 'null'}, row({', '.join(kept)})::varchar from {table}"
            )
            dump[table] = sorted(f"{paths.get(number)}|{text}" for number, text in rows)
        return dump

    def state(self) -> dict[str, list[str]]:
        """What staging sees: every version and event, without the file that happened to bring it first."""
        dump: dict[str, list[str]] = {}
        for table in self.tables():
            if table.startswith("raw.") and table != "raw.incomplete_export":
                columns = [name for (name,) in self.rows(f"select column_name from (describe {table})")]
                kept = ", ".join(name for name in columns if name not in {"file_id", "line", "seen_from", "seen_to"})
                dump[table] = sorted(text for (text,) in self.rows(f"select row({kept})::varchar from {table}"))
        return dump


def make_home(folder: Path, text: str = SETTINGS) -> Home:
    home = Home(folder).create()
    home.settings_path.write_text(text, encoding="utf-8")
    return home


@pytest.fixture(autouse=True)
def _site_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDFLOW_SITE_KEY", KEY)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(make_home(tmp_path / "home"))
    yield made
    made.db.close()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator:
    """Makes further sites, each in its own home; `text` replaces the settings, `mappings` are files beside them."""
    made: list[Site] = []

    def make(text: str = SETTINGS, *, in_file: bool = False, mappings: dict[str, str] | None = None) -> Site:
        home = make_home(tmp_path / f"home{len(made)}", text)
        for name, content in (mappings or {}).items():
            (home.path / name).write_text(content, encoding="utf-8")
        one = Site(home, in_file=in_file)
        made.append(one)
        return one

    yield make
    for one in made:
        one.db.close()


@pytest.fixture(scope="session")
def planted() -> list[str]:
    return (FIXTURES / "planted.txt").read_text(encoding="utf-8").split("\n")[:-1]


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def put(tmp_path: Path):
    """Writes a file to deliver: text, bytes, or dictionaries as NDJSON."""

    def write(name: str, *content: str | bytes | dict) -> Path:
        path = tmp_path / "delivered" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [
            part
            if isinstance(part, bytes)
            else (json.dumps(part, ensure_ascii=False) + "\n" if isinstance(part, dict) else part).encode()
            for part in content
        ]
        path.write_bytes(b"".join(parts))
        return path

    return write
