"""Where is work stuck?: what stands on the map and in what order, what the page says, and that 4,000 steps stay readable."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard import bottlenecks, conformance, map_chart, spectrum, spectrum_chart, waiting, waiting_chart
from dashboard.bottlenecks import Workflow, chosen, duration, happy, headline, hot, hours, labels, rows_of
from dashboard.conformance import Conformance
from models.waiting import REASONS
from tests.dashboard.conftest import words
from tests.dashboard.snapshot import CASE


def edge(start, end, count=10, wait=60.0, lost=None, **columns):
    found = {
        "activity": start, "next_activity": end, "count": count, "wait_median_seconds": wait, "wait_p90_seconds": wait,
        "wait_total_seconds": wait * count, "lost_seconds": lost, "target_seconds": 30.0, "owner": None,
        "queue_total_seconds": None, "service_total_seconds": None,
    }  # fmt: skip
    return found | {"name": f"{start} → {end}"} | columns


def workflow(*edges, total=None, paths=()):
    return Workflow("ed-to-bed", total, list(edges), list(paths), 0)


TOTAL = {"cases": 20, "open_cases": 1, "throughput_median_seconds": 7200.0}


def test_steps_stand_in_the_order_in_which_they_follow():
    chain = [edge("door", "triage"), edge("triage", "room"), edge("room", "bed"), edge("room", "triage", 2)]
    assert rows_of(chain) == {"door": 0, "triage": 1, "room": 2, "bed": 3}
    assert rows_of([edge("a", "a")]) == {"a": 0}
    assert rows_of([edge("a", "b", 5), edge("b", "a", 4)]) == {"a": 0, "b": 1}  # a gives more than it takes
    assert rows_of([]) == {}


def test_the_order_of_the_rows_decides_nothing():
    edges = [edge("c", "a", 3), edge("a", "b", 3), edge("b", "c", 3), edge("x", "a", 1)]
    assert rows_of(edges) == rows_of(edges[::-1])


def test_an_edge_is_on_the_map_for_its_volume_or_for_its_waiting():
    edges = [edge("a", "b", 1000, 1.0), edge("b", "c", 2, 9000.0), edge("c", "d", 5, 1.0)]
    assert [each["name"] for each in chosen(edges, 2)] == ["a → b", "b → c"]


def test_four_thousand_edges_stay_readable():
    edges = [
        edge(f"step {i:03}", f"step {(i * 7 + j) % 200:03}", 1 + i * j % 97, 1.0 + i)
        for i in range(200)
        for j in range(20)
    ]
    shown = chosen(edges, bottlenecks.AT_FIRST)
    rows = rows_of(shown)
    figure = map_chart.process_map(shown, rows, set(), labels(shown, rows), bottlenecks.said)
    assert (len(edges), len(shown)) == (4000, 15)
    places = [(note.x, note.y) for note in figure.layout.annotations]
    assert len(set(places)) == len(places) == len(rows) <= 30  # no two names on one spot
    assert figure.layout.height / len(rows) >= 30  # pixels a step
    assert len(figure.data) == 2 * 15 + 1


def test_a_step_tells_the_way_to_the_next_row_and_its_two_largest_arcs():
    edges = [
        edge("a", "b", 9),
        edge("b", "c", 8),
        edge("c", "d", 7),
        edge("d", "e", 7),
        edge("a", "c", 3),
        edge("a", "d", 2),
        edge("a", "e", 1),
    ]
    found = labels(edges, rows_of(edges))
    assert [line.replace("\u00a0", " ") for line in found["a"]] == [
        "9 · 1 min · 90 % 1 min",
        "⤷ c: 3 · 1 min · 90 % 1 min",
        "⤷ d: 2 · 1 min · 90 % 1 min",
        "and to 1 more",
    ]
    assert found["e"] == []


@pytest.mark.parametrize(
    ("found", "lead"),
    [
        (
            workflow(edge("a", "b", lost=27 * 3600.0), edge("b", "c", lost=9 * 3600.0), total=TOTAL),
            "Of 36 patient-hours lost beyond the windows, 75 % were between a and b.",  # 27 of 36
        ),
        (workflow(edge("a", "b", lost=0.0), total=TOTAL), "Every wait is within its window."),
        (workflow(edge("a", "b", 60, 3600.0), total=TOTAL), "Of 60 patient-hours waited, 100 % were between a and b."),
        (workflow(total=TOTAL), "Nothing waits."),
        (workflow(edge("a", "b")), "Nothing can be told here."),
    ],
)
def test_the_headline_says_where_most_is_lost(found, lead):
    assert headline(found)[0] == lead


def test_a_fifth_of_the_loss_stands_out():
    found = workflow(edge("a", "b", lost=80.0), edge("b", "c", lost=20.0), edge("c", "d", lost=19.0))
    assert hot(found) == {"a → b"}  # 20 of 119 is less than a fifth
    assert hot(workflow(edge("a", "b", lost=0.0))) == set()


def test_the_usual_path_has_its_share_where_it_is_known():
    paths = [{"path": None, "cases": 9}, {"path": ["a", "b"], "cases": 5}]
    assert happy(workflow(total=TOTAL, paths=paths)) == (["a", "b"], 5 / 20)
    assert happy(workflow(total=TOTAL)) is None


def test_amounts_are_said_as_people_say_them():
    assert [duration(each) for each in (None, 0, 0.093, 90, 7200)] == ["–", "0 min", "93 ms", "2 min", "2 h 00"]
    assert [hours(each) for each in (None, 0, 5400, 720000)] == ["–", "0 h", "1.5 h", "200 h"]


def test_the_page_names_the_worst_wait_its_owner_and_the_usual_path(homes, visit):
    said = words(visit(homes["sample"], "bottlenecks"))
    assert "Of 10 patient-hours lost beyond the windows, 100" in said  # 36,000 seconds
    for part in (
        "bed requested",
        "Patient flow coordinator",
        "take the most usual path",
        "1 steps of too few cases are hidden",
    ):
        assert part in said
    assert "every other path" in said


def test_the_page_says_who_kept_to_the_path_and_which_steps_came_in_time(homes, visit):
    said = words(visit(homes["sample"], "bottlenecks"))
    assert "82.1 %** of 39 cases kept to the registered path" in said  # 32 of 32 + 7
    assert "1 open case may still: in the end it is between 80.0 % and 82.5 %" in said  # 32 and 33 of 40
    assert "bed requested: happened again" in said
    assert "15.0" in said  # 6 of 40
    assert "50.0" in said  # 20 of 40 within the hour
    assert "1 rows of too few cases are hidden" in said


def test_the_page_says_why_work_waits_and_who_hands_over_to_whom(homes, visit):
    said = words(visit(homes["sample"], "bottlenecks"))
    assert (
        "Of 40 h before in the bed, 60 % were contention: all hands busy, or places taken, with what came earlier; 1 still wait."
        in said
    )
    assert "their 7 patient-hours are extraneous" in said  # 40 x 600 + 6 x 60 seconds until a bed was requested
    assert "half within" in said
    assert "Ward nurse" not in said  # a handover of few
    empty = words(visit(homes["sample"], "bottlenecks", workflow="message-delivery", facility="Northfield General"))
    assert "Why work waits" not in empty  # nothing began there


STEP = {"activity": "bed", "wait_seconds": 36000.0, "still_waiting": 0} | {
    f"{reason}_seconds": 0.0 for reason in REASONS
}


def test_a_bar_of_reasons_is_as_long_as_the_wait_and_says_what_is_wide_enough_to_say():
    step = STEP | {"contention_seconds": 18000.0, "batching_seconds": 1800.0, "extraneous_seconds": 16200.0}
    assert waiting.said(step).startswith("Of 10 h before bed, 50 % were contention")
    figure = waiting_chart.reasons([step], waiting.parts, lambda *_: "")
    assert sum(bar.x[0] for bar in figure.data) == 1
    assert [note.text for note in figure.layout.annotations] == [
        "contention 50 %",
        "extraneous 45 %",
    ]  # five percent are too narrow
    assert waiting.said(STEP | {"wait_seconds": 0.0}) == "Nobody waited for bed."


def test_roles_stand_by_how_much_they_give_and_take():
    rows = [{"owner": a, "next_owner": b, "count": n} for a, b, n in (("a", "b", 5), ("c", "b", 9), ("a", "d", 6))]
    assert waiting.roles(rows) == (["a", "c"], ["b", "d"])


def conforming(on_path, off_path=0, undecided=0, unknown=0):
    return Conformance(on_path, off_path, undecided, unknown, [], [], 0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (conforming(9, 1), "**90.0 %** of 10 cases kept to the registered path."),
        (conforming(9, 1, 0, 3), "Of 3 more it is not known: a step was sent without its time or place."),
        (conforming(0, 0, 2), "Of no case is it known yet whether it keeps to the path."),
        (conforming(10**6, 0, 2), "in the end it is 100.0 %."),  # two of a million do not show
    ],
)
def test_open_cases_leave_room_for_both_ends(found, words):
    assert conformance.said(found).endswith(words)


def test_a_step_of_which_no_wait_is_over_has_no_share():
    assert conformance.within({"count": 0, "within_count": 0}) is None


def test_a_wait_says_what_it_would_take_if_every_week_were_like_a_good_one():
    told = edge("a", "b", 40, 7200.0, best_week=date(2026, 3, 2), best_week_mean_seconds=3600.0, saved_seconds=144000.0)
    said = spectrum.what_if(workflow(told), told)
    assert said == (
        "Had every week been like its best quartile week (the week of 2 Mar: 1 h 00 a case on average), the 40 waits would have taken "
        "40 h less: 50 % of 80 patient-hours."  # 40 waits of two hours
    )
    good = told | {"saved_seconds": 0.0}
    assert str(spectrum.what_if(workflow(good), good)).startswith("As it is, the wait takes no longer")
    assert spectrum.what_if(workflow(edge("a", "b")), edge("a", "b")) is None


def test_each_case_is_a_line_in_the_quarter_of_its_wait():
    nine = datetime(2026, 4, 10, 9, tzinfo=UTC)
    rows = [
        {"occurred_at": nine + timedelta(minutes=n), "wait_minutes": wait}
        for n, wait in enumerate([40.0, 10.0, 30.0, 20.0])
    ]
    assert [line.quarter for line in spectrum.lines(rows)] == [3, 0, 2, 1]
    assert {line.quarter for line in spectrum.lines(rows[:1] * 3)} == {0}  # equal waits are alike
    assert spectrum.lines([]) == []
    figure = spectrum_chart.spectrum(spectrum.lines(rows), ("a", "b"), lambda when: when)
    assert [len(trace.x) for trace in figure.data] == [3, 3, 3, 3]  # begin, end and a gap each
    assert (figure.data[3].x[1] - figure.data[3].x[0]) == timedelta(minutes=40)


def test_one_wait_is_told_week_by_week_to_everyone_and_case_by_case_for_a_purpose(homes, visit):
    where = {"workflow": "ed-to-bed", "step": "bed requested → in the bed", "weeks": "4"}
    leader = words(visit(homes["sample"], "bottlenecks", role="leadership", **where))
    assert "the 36 waits would have taken 36 h less" in leader
    assert "An arithmetic, not a promise" in leader
    assert "Each case a line" not in leader
    opened = words(visit(homes["sample"], "bottlenecks", role="engineer", purpose="a test", **where))
    assert "all 1" in opened  # of the two cases one began in these days
    few = visit(homes["sample"], "bottlenecks", **where | {"step": "arrived → bed requested"})
    assert "Too few weeks can be compared." in words(few)


def test_a_workflow_that_nothing_is_known_of_says_so(homes, visit):
    said = words(visit(homes["sample"], "bottlenecks", workflow="discharge"))
    assert "Nothing can be told here." in said
    assert "No step can be shown." in said


def test_a_process_of_a_process_engine_stands_beside_wardflows_own_workflows(homes, visit):
    page = visit(homes["sample"], "bottlenecks", workflow="referral")
    assert page.session_state["workflow"] == "referral"
    assert visit(homes["sample"], "bottlenecks", workflow="none such").session_state["workflow"] == "ed-to-bed"
    assert "Nothing can be told here." in words(page)


def test_a_unit_is_told_by_its_facility(homes, visit):
    said = words(visit(homes["sample"], "bottlenecks", facility="Northfield General", unit="Ward 4N"))
    assert "Workflows cross units" in said


def test_one_wait_opens_its_cases_for_a_purpose_only(homes, visit):
    where = {"workflow": "ed-to-bed", "step": "bed requested → in the bed", "weeks": "4"}
    asked = visit(homes["sample"], "bottlenecks", role="informatics", **where)
    assert "What do you open these for?" in words(asked)
    opened = words(visit(homes["sample"], "bottlenecks", role="engineer", purpose="a test", **where))
    assert f"Case {CASE[:8]}" in opened
    assert "Encounter.ndjson:20" in opened
    assert "Encounter.ndjson:21" not in opened  # it began before these four weeks
    assert "sees totals only" in words(visit(homes["sample"], "bottlenecks", role="leadership", **where))
