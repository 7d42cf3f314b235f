"""The documents say what the code does: generated parts are fresh, commands and settings are all there, links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from models.kpis import KPIS
from pipelines import docs
from pipelines.cli import main

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, f"{path} {name}")


COMMANDS = dict(_commands(main, "wardflow"))


def test_generated_parts_are_fresh() -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in docs.generated().items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_documented(path: str) -> None:
    assert f"## `{path}`" in (ROOT / "docs/cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)])
def test_every_command_has_help_with_an_example(path: str) -> None:
    text = COMMANDS[path].help or ""
    assert re.search(rf"Examples?: .*{re.escape(path)}", text), "the help needs an example that begins with the command"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_says_what_it_does(path: str) -> None:
    command = COMMANDS[path]
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


def test_every_setting_is_documented() -> None:
    from pipelines.settings import Settings

    text = (ROOT / "docs/connect.md").read_text(encoding="utf-8")
    assert [name for name in docs.setting_names(Settings) if f"`{name}`" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_is_numbered_and_says_what_forced_it() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "\n## What forced it\n" in text, page.name
        assert "\n## Decision\n" in text, page.name


def test_every_kpi_has_an_example_that_can_be_counted_by_hand() -> None:
    examples = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "tests/spec").glob("test_*.py"))
    assert [kpi for kpi in KPIS if f'"{kpi}"' not in examples] == []


def test_a_missing_marker_is_said_plainly() -> None:
    with pytest.raises(ValueError, match="No part 'settings'"):
        docs.with_part("no markers here", "settings", "text")
