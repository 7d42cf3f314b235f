"""What to fix first: ranks and weighted scores counted by hand, and the laws that any such order must keep."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.priorities import COSTS, Loss, Option, Turn, confidence, ranked, scored, turns

EVERY_DAY = Loss("bed assigned", hours=100, low=90, high=110)
ONCE = Loss("ORDERS", hours=100, low=0, high=300)


def test_what_happens_every_day_is_surer_than_what_happened_once():
    assert confidence(EVERY_DAY) == 100 / (100 + 20)
    assert confidence(ONCE) == 100 / (100 + 300)


def test_hours_that_rest_on_what_is_usual_or_cannot_be_told_make_it_less_sure():
    # 75 of 100 hours are measured, and 50 more cannot be told: 75 of 150
    assert confidence(Loss("x", 100, 100, 100, estimated_hours=25, unknown_hours=50)) == 0.5
    assert confidence(Loss("x", 0, 0, 0)) == 0


def test_the_list_is_ordered_by_sure_hours_a_day_of_effort():
    # 100 x 100/120 / 10 = 8.3 and 100 x 100/400 / 2 = 12.5
    first, second = ranked([EVERY_DAY, ONCE], {"bed assigned": 10, "ORDERS": 2})
    assert [first.id, second.id] == ["ORDERS", "bed assigned"]
    assert (first.priority, first.effort, first.is_effort_supplied) == (12.5, 2, True)


def test_an_effort_that_nobody_supplied_is_the_middle_one():
    found = {rank.id: rank for rank in ranked([EVERY_DAY, ONCE], {"a": 4, "b": 8, "ORDERS": 30})}
    assert (found["bed assigned"].effort, found["bed assigned"].is_effort_supplied) == (8, False)
    assert {rank.effort for rank in ranked([EVERY_DAY], {})} == {1.0}


HUDDLE = Option("bed meeting", {"hours": 100, "effort": 20, "safety": 2})
CHECK = Option("check orders", {"hours": 20, "effort": 10, "safety": 4})
WEIGHTS = {"hours": 4, "effort": 2, "safety": 2}


def test_a_score_is_weights_times_values_by_the_best_of_each():
    # bed meeting: 4 x 1 + 2 x 10/20 + 2 x 2/4 = 6 of 8; check orders: 4 x 0.2 + 2 x 1 + 2 x 1 = 4.8 of 8
    first, second = scored([HUDDLE, CHECK], WEIGHTS, COSTS)
    assert (first.id, first.score, second.score) == ("bed meeting", 0.75, pytest.approx(0.6))
    assert first.parts == {"hours": 0.5, "effort": 0.125, "safety": 0.125}
    assert first.wins + second.wins == 1


def test_how_far_a_weight_must_move_before_another_option_is_first():
    # the gap is w(hours) x 0.8 - w(effort) x 0.5 - w(safety) x 0.5, now 3.2 - 1 - 1
    found = {turn.criterion: turn for turn in turns([HUDDLE, CHECK], WEIGHTS, COSTS)}
    assert found["hours"] == Turn("hours", 4, pytest.approx(2.5), "check orders", None, None)  # 2.5 x 0.8 = 2
    assert found["effort"] == Turn("effort", 2, None, None, pytest.approx(4.4), "check orders")  # 4.4 x 0.5 = 3.2 - 1
    assert turns([], WEIGHTS) == []


def test_a_weight_on_which_two_options_are_equal_turns_nothing():
    (turn,) = turns([Option("a", {"hours": 2}), Option("b", {"hours": 2})], {"hours": 1})
    assert (turn.below, turn.above) == (None, None)
    (only,) = turns([HUDDLE], {"hours": 1})
    assert (only.below, only.above) == (None, None)


def test_what_nobody_has_counts_nothing_and_what_costs_nothing_is_best():
    first, second = scored([Option("a", {"effort": 0}), Option("b", {"effort": 5})], {"effort": 1, "safety": 1}, COSTS)
    assert (first.id, first.score, second.score) == ("a", 0.5, 0.5)
    assert scored([], {"effort": 1}) == []


@pytest.mark.parametrize(("weights", "said"), [({"hours": -1.0}, "0 or more"), ({"hours": 0.0}, "at least one")])
def test_weights_that_say_nothing_are_refused_in_one_sentence(weights, said):
    with pytest.raises(ValueError, match=said):
        scored([HUDDLE], weights)
    with pytest.raises(ValueError, match=said):
        turns([HUDDLE], weights)


AMOUNTS = st.integers(0, 20).map(float)
OPTIONS = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=5).map(
    lambda values: [Option(f"option {number}", {"hours": h, "effort": e}) for number, (h, e) in enumerate(values)]
)


@settings(max_examples=20, deadline=None)
@given(OPTIONS, st.randoms(use_true_random=False), st.sampled_from([0.5, 60.0]))
def test_the_order_depends_neither_on_the_unit_nor_on_the_order_of_the_rows(options, chance, factor):
    weights = {"hours": 3.0, "effort": 1.0}
    shuffled = [Option(o.id, {name: value * factor for name, value in o.values.items()}) for o in options]
    chance.shuffle(shuffled)
    first, other = (scored(each, weights, COSTS) for each in (options, shuffled))
    assert [(each.id, each.wins) for each in first] == [(each.id, each.wins) for each in other]


@settings(max_examples=20, deadline=None)
@given(OPTIONS, st.tuples(st.integers(0, 5), st.integers(1, 5)))
def test_an_option_that_another_dominates_is_never_first(options, given_weights):
    weights = dict(zip(("hours", "effort"), map(float, given_weights), strict=True))
    best = options[0].values
    better = Option("z", {"hours": best["hours"] + 1, "effort": best["effort"] / 2})  # effort 0 stays 0
    found = {each.id: place for place, each in enumerate(scored([*options, better], weights, COSTS))}
    assert found["z"] < found["option 0"]


@settings(max_examples=20, deadline=None)
@given(OPTIONS, st.tuples(st.integers(0, 5), st.integers(1, 5)))
def test_beyond_a_turn_the_option_that_it_names_scores_at_least_as_high(options, given_weights):
    weights = dict(zip(("hours", "effort"), map(float, given_weights), strict=True))
    leader = scored(options, weights, COSTS)[0].id
    for turn in turns(options, weights, COSTS):
        for at, name in ((turn.below, turn.first_below), (turn.above, turn.first_above)):
            if at is not None and (at > 0 or turn.criterion == "hours"):
                scores = {each.id: each.score for each in scored(options, weights | {turn.criterion: at + 1e-9}, COSTS)}
                assert scores[name] == pytest.approx(scores[leader], abs=1e-6)
