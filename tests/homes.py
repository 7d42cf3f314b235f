"""The published home of a small simulated hospital, made once a session by the real command for all workers and all tests."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DAYS = 10


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker to need it makes for all of them."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not folder.exists(), f"Another worker failed to make {name}."
            make(folder)
            done.touch()
    return folder


def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`home` as `wardflow demo --days 10 --no-serve` leaves it, its key beside it, and `demo.txt`, what the command said. To be read
    only: who changes something takes a copy.
    """
    return made_once(tmp_path_factory, "demo", _run)


def _run(folder: Path) -> None:
    folder.mkdir()
    words = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "demo",
        "--home",
        str(folder / "home"),
        "--days",
        str(DAYS),
        "--no-serve",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDFLOW_")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder / "demo.txt").write_text(done.stdout, encoding="utf-8")


def copied(folder: Path, place: Path) -> Path:
    """A copy of a home in `folder` with the key beside it, of the same name, which a snapshot holds."""
    shutil.copytree(folder / "home", place / "home", dirs_exist_ok=True)
    shutil.copy(folder / "home.key", place / "home.key")
    return place / "home"
