"""The simulation's own answer to where the time of a visit went, held against sums on paper."""

from sample_data.truth_times import OTHER, OWN, WITHIN, Stretch, shared


def test_a_moment_belongs_to_the_visits_own_wait_then_to_all_that_are_awaited_then_to_what_lies_within():
    awaited = [
        Stretch(60, 120, OWN, "queue"),
        Stretch(30, 90, OTHER, "source"),
        Stretch(0, 60, OTHER, "people"),
        Stretch(0, 150, WITHIN, "people"),
    ]
    # 0 to 30 people; to 60 half each; to 120 the visit's own; to 150 within; then nothing
    assert shared(awaited, 0, 180) == {"people": 30 + 15 + 30, "source": 15, "queue": 60, "care": 30}
    assert shared(awaited, 100, 110) == {"queue": 10}
    assert shared([], 0, 10) == {"care": 10}
