"""The pages that answer one question each, on numbers that can be checked by hand (see snapshot.py)."""

from tests.dashboard.conftest import words


def test_the_front_page_by_stakeholder_has_four_columns_and_stays_off_until_asked_for(homes, visit):
    assert "what gets in their way" not in words(visit(homes["sample"]))
    said = words(visit(homes["sample"], board="stakeholder"))
    order = [said.index(f'wf-who">{who}') for who in ("Patients", "Clinicians", "Operations", "IT")]
    assert order == sorted(order)


def test_choosing_the_layout_writes_it_into_the_url_and_back(homes, visit):
    app = visit(homes["sample"])
    app.segmented_control(key="board").select("By stakeholder").run()
    assert app.query_params["board"] == "stakeholder"
    app.segmented_control(key="board").select("All").run()
    assert "board" not in app.query_params


def test_orders_are_answered_by_their_turnaround(homes, visit):
    # the lab's 90 % completion: 60, 63 and 66 minutes in turn, over 13 weeks 63
    assert "Lab turnaround, 90 %: 1 h 03" in words(visit(homes["sample"], "turnaround"))


def test_the_backlog_says_what_waits_and_whether_it_is_picked_up(homes, visit):
    # 3 + 2 wait; 13 weeks of 30 came in, 9 weeks of 29 and 4 of 30 were finished: 390 and 381
    said = words(visit(homes["sample"], "backlog"))
    assert "Open handoffs: 5, the oldest for 3 h 20." in said
    assert "it does not become less: 390 came in and 381 were finished." in said
    assert "In the last 13 weeks 390 handoffs came in and 381 were finished." in said


def test_where_nothing_waits_the_page_says_so(homes, visit):
    said = words(visit(homes["sample"], "backlog", facility="Eastbrook Community"))
    assert "Open handoffs: none." in said
    assert "Nothing waits at the data cut." in said
    assert "No open work is known here." in words(visit(homes["empty"], "backlog"))


def test_the_pilots_are_listed_with_their_verdicts(homes, visit):
    said = words(visit(homes["sample"], "pilots"))
    assert "3 pilots are registered." in said
    assert "2 cannot tell; 1 improved." in said
    assert "No pilot is registered." in words(visit(homes["empty"], "pilots"))


def test_a_pilot_says_whether_it_worked_against_what_and_what_was_planned(homes, visit):
    said = words(visit(homes["sample"], "pilots", pilot="discharge-by-noon"))
    for part in (
        "Yes: it became better.",
        "2 h 10 before, 1 h 38 after",
        "−32 min (−45 min to −18 min)</td>",
        "−34 min (−51 min to −17 min)</td>",
        "a change of 19 min or more would show",
        "kept",
        "A bed is asked for at triage.",
        "−30 min",
    ):
        assert part in said, part


def test_a_pilot_that_is_too_young_says_so_and_shows_no_number(homes, visit):
    said = words(visit(homes["sample"], "pilots", pilot="evening-round"))
    assert "Nobody can tell yet." in said
    assert "0 after, followed for 2 days" in said
    assert "No change can be given." in said
    assert "names the measure" in words(visit(homes["sample"], "pilots", pilot="old-plan"))


def test_a_word_finds_the_measures_and_tables_that_say_it_and_stays_in_the_url(homes, visit):
    said = words(visit(homes["sample"], "dictionary", find="handoff missed"))
    assert "**Missed handoffs**" in said
    assert "**ED arrivals**" not in said
    assert "marts.handoff" in said
    app = visit(homes["sample"], "dictionary")
    app.text_input(key="find").input("boarding").run()
    assert app.query_params["find"] == "boarding"
    assert "**Boarding after decision**" in words(app)
    assert "Nothing says that." in words(visit(homes["sample"], "dictionary", find="unicorn"))


def test_a_table_is_opened_with_the_meaning_of_its_columns(homes, visit):
    said = words(visit(homes["sample"], "dictionary", table="marts.handoff"))
    assert "6 rows are published." in said
    assert "the delivered file this row comes from (account.file)</td>" in said
    assert "it stays in the warehouse" in words(visit(homes["sample"], "dictionary", table="staging.task"))


def test_a_measure_names_those_it_must_be_read_with(homes, visit):
    from models.kpis import KPIS

    paired = next(kpi for kpi in KPIS.values() if kpi.paired_with)
    for one, other in ((paired.id, paired.paired_with), (paired.paired_with, paired.id)):
        said = words(visit(homes["sample"], "kpi", kpi=one))
        assert "Read it together with" in said
        assert f"\n{KPIS[other].short_title}: " in said
