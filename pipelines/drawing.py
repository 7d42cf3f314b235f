"""Small pictures for printed pages: a series as inline SVG, with no script and nothing from outside.

Here: points to paths. Not here: which series (`pack`), words about it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any


def series(
    weeks: Sequence[Mapping[str, Any]],
    alt: str,
    *,
    width: int = 150,
    height: int = 34,
    first_day: date | None = None,
    others: Sequence[Sequence[Mapping[str, Any]]] = (),
) -> str:
    """Weekly values as a line with its limits as a band; `first_day` is marked, `others` are thin lines. A missing week
    is a gap. Empty where there is nothing to draw.
    """
    everything = [*weeks, *(week for other in others for week in other)]
    seen = [week[name] for week in everything for name in ("value", "lower", "upper") if week.get(name) is not None]
    if not weeks or not seen:
        return ""
    low, high = min(seen), max(seen)
    air = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    low, high = low - air, high + air
    start, end = min(week["week"] for week in everything), max(week["week"] for week in everything)
    days = max((end - start).days, 1)

    def x(when: date) -> float:
        return round(4 + (width - 8) * (when - start).days / days, 1)

    def y(value: float) -> float:
        return round(height - (value - low) / (high - low) * height, 1)

    parts = [
        f'<svg role="img" aria-label="{escape(alt)}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    limited = [week for week in weeks if week.get("upper") is not None]
    if limited:
        upper = " ".join(f"{x(w['week'])},{y(w['upper'])}" for w in limited)
        lower = " ".join(f"{x(w['week'])},{y(w['lower'])}" for w in reversed(limited))
        mean = " ".join(f"{x(w['week'])},{y(w['mean'])}" for w in limited)
        parts.append(f'<polygon class="band" points="{upper} {lower}"/><polyline class="mean" points="{mean}"/>')
    for line in others:
        parts += [f'<polyline class="other" points="{_points(run, x, y)}"/>' for run in _runs(line)]
    parts += [f'<polyline class="line" points="{_points(run, x, y)}"/>' for run in _runs(weeks)]
    if first_day is not None and start <= first_day <= end:
        parts.append(f'<line class="first" x1="{x(first_day)}" x2="{x(first_day)}" y1="0" y2="{height}"/>')
    last = [week for week in weeks if week["value"] is not None][-1:]
    parts += [f'<circle class="last" cx="{x(w["week"])}" cy="{y(w["value"])}" r="2.6"/>' for w in last]
    return "".join([*parts, "</svg>"])


def _runs(weeks: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Stretches of weeks that follow each other and have a value."""
    runs: list[list[Mapping[str, Any]]] = []
    for week in (each for each in weeks if each["value"] is not None):
        if runs and (week["week"] - runs[-1][-1]["week"]).days == 7:  # noqa: PLR2004 - a week
            runs[-1].append(week)
        else:
            runs.append([week])
    return runs


def _points(run: Sequence[Mapping[str, Any]], x: Any, y: Any) -> str:  # noqa: ANN401 - the two scales above
    return " ".join(f"{x(w['week'])},{y(w['value'])}" for w in run)
