"""How sure a difference is: the same days give the same interval, and patients of one day are not independent."""

from datetime import date, timedelta
from random import Random

from models.measures import Count, Mean, Quantile
from models.resampling import Difference, Stretch, difference, less, replicates, statistic

START = date(2026, 3, 2)


def days(*amounts: tuple[float, ...]) -> Stretch:
    """One tuple a day."""
    cases = sorted((amount, 1.0, day, True) for day, each in enumerate(amounts) for amount in each)
    return Stretch(START, START + timedelta(days=len(amounts)), tuple(cases))


def test_a_weight_says_how_often_a_day_counts():
    # 1 2 | 9 with weights 2 and 1 is 1 1 2 2 9: median 2; with 0 and 1 it is 9 alone
    median = statistic(Quantile(column="x"), days((1, 2), (9,)))
    assert (median([1, 1]), median([2, 1]), median([0, 1]), median([0, 0])) == (2, 2, 9, None)
    assert median([1, 0]) == 1.5


def test_a_count_is_a_day_s_mean_also_over_days_without_a_case():
    assert statistic(Count(), days((1, 2, 3), (), (4,)))([1, 1, 1]) == 4 / 3


def test_the_same_days_always_give_the_same_interval():
    before, after = days(*[(i % 5, 2.0) for i in range(30)]), days(*[(i % 7, 3.0) for i in range(30)])
    assert difference(Mean("x"), before, after) == difference(Mean("x"), before, after)


def test_patients_of_one_day_share_its_shock_so_the_interval_is_wide():
    # 28 days of 20 patients who all wait the same: there are 28 observations, not 560
    chance = Random(1)  # noqa: S311 - a test's own numbers
    shocks = [chance.gauss(60, 10) for _ in range(56)]
    clustered = difference(Mean("x"), days(*[(s,) * 20 for s in shocks[:28]]), days(*[(s,) * 20 for s in shocks[28:]]))
    # standard error of the difference of two means of 28 with a deviation of 10: 10 x sqrt(2/28) = 2.7
    assert 2 < clustered.spread < 3.5


def test_large_hospitals_draw_fewer_times_but_never_fewer_than_two_hundred():
    assert [replicates(n) for n in (0, 1_000, 50_000, 10_000_000)] == [1000, 1000, 400, 200]


def test_the_difference_of_differences_adds_the_spreads():
    one = Difference(10, 5, -5.0, -8, -2, 0.01, 3.0)
    other = Difference(10, 9, -1.0, -9, 7, 0.8, 4.0)
    net = less(one, other)
    assert (net.effect, net.spread) == (-4.0, 5.0)
    assert (round(net.low, 1), round(net.high, 1)) == (-13.8, 5.8)
    assert less(one, Difference(None, None)).effect is None
    assert less(Difference(1, 1, 0.0, 0, 0, 1, 0.0), Difference(1, 1, 0.0, 0, 0, 1, 0.0)).p_value == 1.0
