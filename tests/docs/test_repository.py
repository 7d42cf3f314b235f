"""What must not be in the repository, and what a clean checkout promises."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if (ROOT / name).is_file()
]
TEXT = [
    path
    for path in TRACKED
    if path.suffix not in {".png", ".parquet", ".gz", ".zip", ".lock"} and path != Path(__file__)
]


def _lines_with(pattern: str, paths: list[Path]) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if wanted.search(line)
    ]


def test_nothing_is_left_unfinished() -> None:
    assert _lines_with(r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError|coming soon|lorem ipsum", TEXT) == []


def test_no_path_of_anybodys_machine_is_written_down() -> None:
    assert _lines_with(r"(?<![\w.])/(home|Users|root|work)/\w", TEXT) == []


def test_no_address_of_a_package_index_is_written_down() -> None:
    lock = ROOT / "requirements.lock"
    assert _lines_with(r"index-url|find-links|https?://", [lock]) == []
    assert (
        _lines_with(r"--(extra-)?index-url|/simple/?(\s|$)", [path for path in TEXT if path.name != "Makefile"]) == []
    )


def test_every_locked_package_has_its_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^[\w.\[\],-]+==", text, flags=re.MULTILINE)
    unhashed = [block for block in re.split(r"\n(?=\w)", text.strip()) if "--hash=sha256:" not in block]
    assert len(packages) > 50
    assert unhashed == []


@pytest.mark.parametrize("target", ["setup", "demo", "test", "lint", "bench", "docs"])
def test_make_has_the_target(target: str) -> None:
    plan = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert plan.returncode == 0, plan.stderr


def test_no_file_of_a_home_is_tracked() -> None:
    homes = {"warehouse.duckdb", "current.json", "access.ndjson"}
    assert [path for path in TRACKED if path.name in homes] == []
