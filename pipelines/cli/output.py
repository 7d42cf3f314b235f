"""What commands print: aligned text for people, one JSON document for programs, a progress bar on a terminal only.

Here: how things look. Not here: what they say; each command words its own report.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from zoneinfo import ZoneInfo

EMPTY = "–"


def print_json(document: object) -> None:
    """One JSON document on standard output: times ISO 8601 with offset, fractions as they are."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[int] = frozenset()
) -> None:
    """Aligned columns; `right` names the columns of numbers. None is an en dash."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max([len(heading), *(len(row[i]) for row in cells)]) for i, heading in enumerate(headings)]
    for row in [list(headings), *cells]:
        line = "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo(line.rstrip())


def _cell(value: object) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def local(instant: datetime | str | None, zone: ZoneInfo) -> str:
    """An instant as the hospital's own clock shows it: `Mon 13 Apr 2026 00:00`."""
    if instant is None:
        return EMPTY
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    return instant.astimezone(zone).strftime("%a %-d %b %Y %H:%M")


@contextmanager
def progress(label: str) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, nothing elsewhere. Call it with the step's name and the share done, 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _step, _share: None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr, item_show_func=_shown) as bar:
        done = 0

        def advance(step: str, share: float) -> None:
            nonlocal done
            now = max(done, min(1000, round(share * 1000)))
            bar.update(now - done, step)
            done = now

        yield advance


def _shown(step: object | None) -> str:
    return str(step or "")


def ready_for_json(row: dict[str, Any]) -> dict[str, Any]:
    """A table's row with plain values."""
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: object) -> object:
    return _plain(value) if isinstance(value, Decimal | datetime | date) else value
