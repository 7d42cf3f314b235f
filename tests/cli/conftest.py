"""A published home of a small simulated hospital, made once a session by the real command, and a way to run `wardflow`."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from tests import homes


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("WARDFLOW_")]:
        monkeypatch.delenv(name)


@dataclass(frozen=True)
class Wardflow:
    """`wardflow` on one home, in this process."""

    home: Path

    def __call__(self, *words: str, **environment: str) -> Result:
        return CliRunner().invoke(main, list(words), env={"WARDFLOW_HOME": str(self.home), **environment})

    def json(self, *words: str, **environment: str) -> Any:
        result = self(*words, "--format", "json", **environment)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def error(self, *words: str, **environment: str) -> tuple[int, str]:
        """Exit code and the one line of error; nothing may stand on standard output."""
        result = self(*words, **environment)
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("wardflow: ")
        assert "Traceback" not in result.output
        return result.exit_code, lines[0]


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `wardflow demo --days 10 --no-serve`, and beside it what the command said; workers of one test run share it."""
    made = homes.demo(tmp_path_factory)

    def copy(place: Path) -> None:
        homes.copied(made, place)
        shutil.copy(made / "demo.txt", place / "demo.txt")

    return homes.made_once(tmp_path_factory, "demo-to-ask", copy) / "home"


@pytest.fixture
def wardflow(demo_home: Path) -> Wardflow:
    """`wardflow` on the simulated hospital's home."""
    return Wardflow(demo_home)


@pytest.fixture
def new_home(tmp_path: Path) -> Wardflow:
    """`wardflow` on a home that `init` has just made."""
    wardflow = Wardflow(tmp_path / "home")
    assert wardflow("init").exit_code == 0
    return wardflow
