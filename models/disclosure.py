"""Small-number suppression: which published numbers must be hidden so that no small group of people can be counted.

One pure function. It protects people, so it is applied to KPIs that are about people, never to counts of messages.
A cell with a denominator below the threshold is hidden, and with it as many others as it takes that no denominator
below the threshold can be worked out from the shown ones: by subtracting parts from a total along any dimension, by
subtracting short periods from a long one that they fill, or by any chain of such sums. The others need no protection
of their own: a reader who works one of them out has found a group that is large enough to be shown.

A denominator of zero is shown: nobody is in it. A reader may therefore assume that every hidden one is at least 1.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from random import Random

_PRIME = (1 << 61) - 1
"""Sums are solved modulo this prime: exact, and no numbers grow."""

_SWEEPS = 30

Identity = tuple[int, tuple[int, ...]]
"""Positions of a total and of the parts that add up to it."""
Worth = tuple[int, int, int]
"""Days covered, coordinates that are totals, denominator."""


@dataclass(frozen=True)
class Cell:
    """One published number of one KPI, as far as suppression needs to know it.

    `place` has one coordinate per dimension, None meaning all of it: `("Northfield", None)` is Northfield's total over
    its units. `start` and `end` (exclusive) are local days. `denominator` is null once suppressed. `people`: how many
    different people the denominator's cases are of, where that is another number; it then decides whether a cell is small.
    """

    place: tuple[str | None, ...]
    grain: str
    start: date
    end: date
    denominator: int | None
    suppressed: bool = False
    people: int | None = None


def suppress(cells: Sequence[Cell], threshold: int, *, guard_all: bool = False) -> list[Cell]:
    """The same cells in the same order, those that must be hidden marked and without their denominator.

    All published cells of one KPI belong into one call: a total given away elsewhere cannot be protected. Cells that
    come in as suppressed stay so. A threshold of 0 or 1 hides no more than those. `guard_all` protects every hidden
    number, not only the small ones: more than is needed, yet often a way that hides fewer.
    """
    sizes = [cell.denominator or 0 for cell in cells]
    small = frozenset(
        i for i, cell in enumerate(cells) if 0 < (sizes[i] if cell.people is None else cell.people) < threshold
    )
    hidden = set(small) | {i for i, cell in enumerate(cells) if cell.suppressed}
    if small:
        _hide_enough(
            sizes, hidden if guard_all else small, [_worth(cell) for cell in cells], hidden, _identities(cells, sizes)
        )
    return [
        replace(cell, denominator=None, people=None, suppressed=True) if i in hidden else cell
        for i, cell in enumerate(cells)
    ]


def _worth(cell: Cell) -> Worth:
    """What is lost by hiding a cell: the long periods and the whole hospital are read most, so they go last."""
    return (cell.end - cell.start).days, sum(coordinate is None for coordinate in cell.place), cell.denominator or 0


def _identities(cells: Sequence[Cell], sizes: Sequence[int]) -> list[Identity]:
    """Every total whose published parts do add up to it, along each dimension and along time."""
    found = [*_by_place(cells), *_by_time(cells)]
    return [(total, parts) for total, parts in found if sum(sizes[part] for part in parts) == sizes[total]]


def _by_place(cells: Sequence[Cell]) -> Iterator[Identity]:
    """Cells that differ from their total in one coordinate only."""
    for axis in range(max((len(cell.place) for cell in cells), default=0)):
        totals: dict[object, int] = {}
        parts: dict[object, list[int]] = defaultdict(list)
        for i, cell in enumerate(cells):
            rest = (cell.grain, cell.start, cell.end, *cell.place[:axis], "*", *cell.place[axis + 1 :])
            if cell.place[axis] is None:
                totals[rest] = i
            else:
                parts[rest].append(i)
        yield from ((totals[rest], tuple(found)) for rest, found in parts.items() if rest in totals)


def _by_time(cells: Sequence[Cell]) -> Iterator[Identity]:
    """Periods of one grain that lie within a longer period of the same place."""
    series: dict[tuple[tuple[str | None, ...], str], list[int]] = defaultdict(list)
    for i, cell in enumerate(cells):
        series[cell.place, cell.grain].append(i)
    for (place, grain), members in series.items():
        for (other_place, other_grain), fine in series.items():
            if place != other_place or grain == other_grain:
                continue
            for total in members:
                whole = cells[total]
                within = tuple(
                    i for i in fine
                    if whole.start <= cells[i].start
                    and cells[i].end <= whole.end
                    and (cells[i].start, cells[i].end) != (whole.start, whole.end)
                )  # fmt: skip
                if within:
                    yield total, within


def _hide_enough(
    sizes: Sequence[int],
    guarded: AbstractSet[int],
    worth: Sequence[Worth],
    hidden: set[int],
    identities: Sequence[Identity],
) -> None:
    """Add to `hidden` until nothing that is guarded can be worked out.

    Ends: every turn hides something, and when every cell of a chain of sums is hidden nothing in it can be worked out.
    """
    of_cell: dict[int, list[Identity]] = defaultdict(list)
    for identity in identities:
        for i in (identity[0], *identity[1]):
            of_cell[i].append(identity)
    waiting = list(identities)
    while waiting:
        changed = {
            chosen
            for identity in waiting
            if _gives_away(identity, sizes, guarded, hidden)
            for chosen in _hide_one_more([identity], worth, hidden)
        }
        if not changed:
            told = guarded & set(_solvable(identities, hidden))
            for i in sorted(told or guarded & set(_bounded(identities, sizes, hidden))):
                changed |= _hide_near(i, of_cell, worth, hidden)
        waiting = [identity for i in sorted(changed) for identity in of_cell[i]]


def _hide_near(i: int, of_cell: Mapping[int, list[Identity]], worth: Sequence[Worth], hidden: set[int]) -> set[int]:
    """Hide the shown cell that shares the most sums with this one, the nearest where none does."""
    seen: set[Identity] = set()
    frontier = {i}
    while frontier:
        sums = {identity for cell in frontier for identity in of_cell[cell]} - seen
        shared = Counter(
            cell for total, parts in sums for cell in (total, *parts) if cell not in hidden and worth[cell][-1] > 0
        )
        if shared:
            chosen = min(shared, key=lambda cell: (worth[cell][0], -shared[cell], worth[cell], cell))
            hidden.add(chosen)
            return {chosen}
        seen |= sums
        frontier = {cell for total, parts in sums for cell in (total, *parts)}
    return set()


def _gives_away(identity: Identity, sizes: Sequence[int], guarded: AbstractSet[int], hidden: AbstractSet[int]) -> bool:
    """Whether this one sum tells a guarded size: one unknown, or parts so few that each must be 1."""
    total, parts = identity
    unknown = [part for part in parts if part in hidden]
    if total in hidden:
        return total in guarded and not unknown
    if len(unknown) == 1:
        return unknown[0] in guarded
    return len(unknown) > 1 and sum(sizes[part] for part in unknown) == len(unknown)


def _hide_one_more(identities: Iterable[Identity], worth: Sequence[Worth], hidden: set[int]) -> set[int]:
    """Hide what is least worth showing of these sums; nothing when all of them are hidden or zero."""
    shown = [i for total, parts in identities for i in (total, *parts) if i not in hidden and worth[i][-1] > 0]
    chosen = {min(shown, key=lambda i: (worth[i], i))} if shown else set[int]()
    hidden |= chosen
    return chosen


def _bounded(identities: Sequence[Identity], sizes: Sequence[int], hidden: set[int]) -> list[int]:
    """Hidden cells whose size the shown ones leave only one choice for, knowing that each is at least 1.

    The least and the most that each can be are narrowed, sum by sum. Small numbers are pinned in a few sweeps; large
    ones could be narrowed one by one for ever and are never pinned, so the sweeps are limited.
    """
    least = [1 if i in hidden else size for i, size in enumerate(sizes)]
    most = [sum(sizes) if i in hidden else size for i, size in enumerate(sizes)]
    narrowed, sweeps = True, 0
    while narrowed and sweeps < _SWEEPS:
        narrowed, sweeps = False, sweeps + 1
        for total, parts in identities:
            low, high = sum(least[i] for i in parts), sum(most[i] for i in parts)
            bounds = [(total, low, high)]
            bounds += [(i, least[total] - high + most[i], most[total] - low + least[i]) for i in parts if i in hidden]
            for i, lower, upper in bounds:
                if i in hidden and (lower > least[i] or upper < most[i]):
                    least[i], most[i] = max(lower, least[i]), min(upper, most[i])
                    narrowed = True
    return [i for i in sorted(hidden) if least[i] == most[i]]


def _solvable(identities: Sequence[Identity], hidden: set[int]) -> list[int]:
    """Hidden cells that the shown ones determine through any chain of sums.

    The unknowns of every sum make one linear equation; an unknown is determined exactly when every solution of the
    homogeneous system is 0 there. One solution drawn at random is 0 elsewhere with a chance of 1 in 2^61.
    """
    rows: list[dict[int, int]] = []
    for total, parts in identities:
        row = {part: 1 for part in parts if part in hidden}
        if total in hidden:
            row[total] = -1
        if row:
            rows.append(row)
    pivots = _eliminate(rows)
    draw = Random(0)  # noqa: S311 - not a secret: any generic numbers do
    solution: dict[int, int] = {}
    pivot_of = {pivot for pivot, _ in pivots}
    for i in sorted({i for row in rows for i in row} - pivot_of):
        solution[i] = draw.randrange(1, _PRIME)
    for pivot, row in reversed(pivots):
        rest = sum(factor * solution[i] for i, factor in row.items() if i != pivot)
        solution[pivot] = -rest * pow(row[pivot], -1, _PRIME) % _PRIME
    return sorted(i for i, amount in solution.items() if amount == 0)


def _eliminate(rows: Iterable[dict[int, int]]) -> list[tuple[int, dict[int, int]]]:
    """Pivots with their rows, in an order in which no row holds the pivot of an earlier one.

    Short sums go first, and of each the unknown that the fewest others hold: of totals and parts little is filled in.
    """
    remaining = {n: dict(row) for n, row in enumerate(sorted(rows, key=len))}
    holders: dict[int, set[int]] = defaultdict(set)
    for n, row in remaining.items():
        for i in row:
            holders[i].add(n)
    pivots: list[tuple[int, dict[int, int]]] = []
    for n in tuple(remaining):
        row = remaining.pop(n)
        for i in row:
            holders[i].discard(n)
        if not row:
            continue
        pivot = min(row, key=lambda i: (len(holders[i]), i))
        pivots.append((pivot, row))
        inverse = pow(row[pivot], -1, _PRIME)
        for other in tuple(holders[pivot]):
            target = remaining[other]
            factor = target[pivot] * inverse % _PRIME
            for i, amount in row.items():
                left = (target.get(i, 0) - factor * amount) % _PRIME
                if left:
                    target[i] = left
                    holders[i].add(other)
                else:
                    target.pop(i, None)
                    holders[i].discard(other)
    return pivots
