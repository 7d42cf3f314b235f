"""Small numbers: what is hidden, and the law that no small number can be worked out from what is shown."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import compress, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.disclosure import Cell, suppress

MONDAY = date(2026, 1, 5)
WEEK = timedelta(days=7)


def published(sizes, *, weeks=1, total_weeks=False):
    """All cells that a hospital with units publishes: `sizes[unit][week]`, a unit is (facility, name)."""
    facilities = sorted({facility for facility, _ in sizes})
    places = [(None, None), *((each, None) for each in facilities), *sizes]
    spans = [("week", w, w + 1) for w in range(weeks)] + ([("window", 0, weeks)] if total_weeks else [])
    return [
        Cell(
            place,
            grain,
            MONDAY + begin * WEEK,
            MONDAY + end * WEEK,
            sum(
                sum(counts[begin:end])
                for (facility, unit), counts in sizes.items()
                if place[0] in {None, facility} and place[1] in {None, unit}
            ),
        )
        for place, (grain, begin, end) in product(places, spans)
    ]


def hidden(cells, threshold=5):
    found = suppress(cells, threshold, guard_all=True)
    return {(cell.place, cell.grain, cell.start) for cell in found if cell.suppressed}


def one_week(*units):
    return published({("North", name): (size,) for name, size in units})


def places(cells, threshold=5):
    return {place[1] or place[0] for place, _, _ in hidden(cells, threshold)}


def test_a_denominator_below_the_threshold_is_hidden_and_one_at_it_is_shown():
    assert places(one_week(("a", 4), ("b", 4), ("c", 5))) == {"a", "b"}
    assert places(one_week(("a", 5), ("b", 5))) == set()


def test_a_hidden_cell_loses_its_denominator_and_the_order_stays():
    cells = one_week(("a", 4), ("b", 4), ("c", 50))
    found = suppress(cells, 5)
    assert [cell.place for cell in found] == [cell.place for cell in cells]
    assert [cell.denominator for cell in found if cell.suppressed] == [None, None]


def test_one_small_part_takes_the_next_smallest_along():
    assert places(one_week(("a", 3), ("b", 20), ("c", 10))) == {"a", "c"}


def test_two_parts_of_one_each_would_be_told_by_their_sum():
    assert places(one_week(("a", 1), ("b", 1), ("c", 10), ("d", 20))) == {"a", "b", "c"}


def test_zero_is_shown_because_nobody_is_in_it():
    assert places(one_week(("a", 0), ("b", 20))) == set()
    assert places(one_week(("a", 0), ("b", 3), ("c", 9))) == {"b", "c"}


def test_a_small_part_without_a_sibling_takes_its_total_along():
    sizes = {("North", "a"): (3,), ("South", "b"): (30,), ("West", "c"): (40,)}
    # North is a alone, so North is 3 too; the smallest other facility hides what remains of all
    assert {place for place, _, _ in hidden(published(sizes))} == {
        ("North", "a"), ("North", None), ("South", None), ("South", "b"),
    }  # fmt: skip


def test_a_week_cannot_be_worked_out_from_a_window_and_the_other_weeks():
    cells = published({("North", "a"): (3, 20, 30), ("North", "b"): (40, 50, 60)}, weeks=3, total_weeks=True)
    found = hidden(cells)
    weeks_of_a = {start for place, grain, start in found if place == ("North", "a") and grain == "week"}
    assert MONDAY in weeks_of_a
    assert len(weeks_of_a) == 2
    assert not {grain for _, grain, _ in found} & {"window"}


@pytest.mark.parametrize("threshold", [0, 1])
def test_a_threshold_below_two_hides_nothing(threshold):
    assert places(one_week(("a", 1), ("b", 2)), threshold) == set()


def test_nothing_published_is_nothing_hidden():
    assert suppress([], 5) == []


def test_everything_is_hidden_when_nothing_else_helps():
    assert len(hidden(published({("North", "a"): (2,)}))) == 3


def test_a_chain_of_sums_gives_nothing_away_either():
    # two facilities with the same two kinds of unit, published by kind too: a table with both margins
    sizes = {("N", "x"): 3, ("N", "y"): 20, ("N", "z"): 30, ("S", "x"): 40, ("S", "y"): 50, ("S", "z"): 2}
    places_ = [(f, u) for f in (None, "N", "S") for u in (None, "x", "y", "z")]
    cells = [
        Cell(
            place,
            "week",
            MONDAY,
            MONDAY + WEEK,
            sum(n for (f, u), n in sizes.items() if place[0] in {None, f} and place[1] in {None, u}),
        )
        for place in places_
    ]
    assert {cell.place for cell in suppress(cells, 5) if cell.suppressed} >= {("N", "x"), ("S", "z")}
    assert worked_out(cells, 5) == []


def worked_out(cells, threshold, *, guard_all=False):
    """The cells below the threshold of which a reader might tell the size.

    Parts add up to totals and a hidden size is at least 1; the smallest parts decide everything else. A cell is safe
    when people could be moved between hidden parts, one from or to each, so that every shown number stays as it is
    and this one changes.
    """
    shown = suppress(cells, threshold, guard_all=guard_all)
    parts = [i for i, cell in enumerate(cells) if None not in cell.place and cell.grain == "week"]
    members = [
        {
            p for p in parts
            if all(a in {None, b} for a, b in zip(cell.place, cells[p].place, strict=True))
            and cell.start <= cells[p].start < cell.end
        }
        for cell in cells
    ]  # fmt: skip
    unknown = [p for p in parts if shown[p].suppressed]
    kept = [[p in members[i] for p in unknown] for i, cell in enumerate(shown) if not cell.suppressed]
    unsafe = {i: [p in members[i] for p in unknown] for i, cell in enumerate(cells) if 0 < cell.denominator < threshold}
    for moves in product(*((0, 1) if cells[p].denominator == 1 else (0, 1, -1) for p in unknown)):
        if not any(sum(compress(moves, of)) for of in kept):
            unsafe = {i: of for i, of in unsafe.items() if not sum(compress(moves, of))}
        if not unsafe:
            break
    return [cells[i] for i in unsafe]


@settings(max_examples=100, deadline=None)
@given(
    north=st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=1, max_size=3),
    south=st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=0, max_size=2),
    threshold=st.integers(2, 5),
    guard_all=st.booleans(),
)
def test_no_small_denominator_can_be_worked_out_from_what_is_shown(north, south, threshold, guard_all):
    sizes = {("North", f"n{i}"): tuple(counts) for i, counts in enumerate(north)}
    sizes |= {("South", f"s{i}"): tuple(counts) for i, counts in enumerate(south)}
    cells = published(sizes, weeks=2, total_weeks=True)
    shown = suppress(cells, threshold, guard_all=guard_all)
    assert all(cell.suppressed for cell, was in zip(shown, cells, strict=True) if 0 < was.denominator < threshold)
    assert worked_out(cells, threshold, guard_all=guard_all) == []


def test_what_comes_in_hidden_stays_hidden_and_protects_what_is_small():
    north, south = (replace(cell, suppressed=cell.place[1] is not None) for cell in one_week(("a", 3), ("b", 40))[2:])
    total = Cell(("North", None), "week", MONDAY, MONDAY + WEEK, 43)
    assert [cell.suppressed for cell in suppress([total, north, south], 5)] == [False, True, True]
    assert [cell.suppressed for cell in suppress([total, north, south], 0)] == [False, True, True]


def test_many_cases_of_few_people_are_a_small_group():
    north, south = (
        replace(cell, people=people) for cell, people in zip(one_week(("a", 9), ("b", 40))[2:], (3, 30), strict=True)
    )
    assert [cell.suppressed for cell in suppress([north, south], 5)] == [True, False]
    assert suppress([north], 5)[0].people is None
