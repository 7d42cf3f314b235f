"""The form of a printed page: sections, tables and facts as HTML with its own style. Everything given is escaped.

Here: markup and the style sheet for A4. Not here: what is printed (`pack`).
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Raw(str):
    """Markup of our own that is not escaped: a drawing."""

    __slots__ = ()


_STYLE = Path(__file__).parent / "templates" / "print.css"


def page(site: str, title: str, body: str, foot: str) -> str:
    """A whole document; `body` is markup."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}, {escape(site)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><p>{escape(site)}</p></header><main>{body}</main>"
        f"<footer>{escape(foot)}</footer></body></html>\n"
    )


def section(heading: str, body: str) -> str:
    """A heading with its markup."""
    return f"<section><h2>{escape(heading)}</h2>{body}</section>"


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """A table; `numeric` are the positions of columns of numbers."""

    def side(position: int) -> str:
        return ' class="n"' if position in numeric else ""

    head = "".join(f'<th scope="col"{side(i)}>{escape(name)}</th>' for i, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{side(i)}>{_cell(cell)}</td>" for i, cell in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names with values."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"


def _cell(cell: str) -> str:
    return cell if isinstance(cell, Raw) else escape(cell.replace(" %", "\u00a0%"))
