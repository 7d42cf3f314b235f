"""What a reader can work out from the shown numbers of a table: for tests that nothing hidden is among it.

Here: the sums that the rows of a table form, and which hidden rows those sums leave only one choice for. Not here: which are hidden
(`models.disclosure`, which this does not use).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Sum = tuple[int, list[int]]
"""The place of a total among the rows, and those of its parts."""


def sums(rows: Sequence[Row], axis: str, apart: Sequence[str]) -> Iterator[Sum]:
    """Rows alike in `apart` of which one has no `axis` (all of it) and others have one."""
    totals: dict[object, int] = {}
    parts: dict[object, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        alike = tuple(row[name] for name in apart)
        if row[axis] is None:
            totals[alike] = place
        else:
            parts[alike].append(place)
    yield from ((totals[alike], found) for alike, found in parts.items() if alike in totals)


def worked_out(numbers: Sequence[float | None], found: Iterable[Sum]) -> set[int]:
    """Places of the hidden numbers (null) that the sums tell, one by one or together. Sums of shown numbers only must be right."""
    solved: dict[int, dict[int, Fraction]] = {}
    for total, parts in found:
        row = {place: Fraction(1) for place in parts if numbers[place] is None}
        if numbers[total] is None:
            row[total] = Fraction(-1)
        if not row:
            added = sum(numbers[place] or 0 for place in parts)
            assert abs(added - (numbers[total] or 0)) < 1e-3, (total, parts, added, numbers[total])
        for place in [place for place in row if place in solved]:
            row = _less(row, solved[place], row[place])
        if row:
            first = min(row)
            row = {place: each / row[first] for place, each in row.items()}
            solved = {
                place: _less(other, row, other[first]) if first in other else other for place, other in solved.items()
            }
            solved[first] = row
    return {place for place, row in solved.items() if len(row) == 1}


def _less(row: dict[int, Fraction], other: dict[int, Fraction], times: Fraction) -> dict[int, Fraction]:
    left = {place: row.get(place, Fraction(0)) - times * other.get(place, Fraction(0)) for place in row | other}
    return {place: each for place, each in left.items() if each}
