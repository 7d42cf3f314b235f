"""Every page, for every role and every state of the data, as its user sees it."""

import pytest

from dashboard.words import counted
from models.kpis import KPIS
from tests.dashboard.conftest import PAGES, words
from tests.dashboard.snapshot import CASE

ROLES = ("leadership", "informatics", "engineer")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_on_the_sample_for_every_role(homes, visit, page, role):
    assert not visit(homes["sample"], page, role=role, kpi="ed_boarding_ed2", case=CASE, purpose="a test").exception


@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_with_no_data(homes, visit, page):
    assert not visit(homes["empty"], page, kpi="ed_boarding_ed2", case=CASE, purpose="a test").exception


@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_when_a_check_failed(homes, visit, page):
    assert not visit(homes["failed"], page, kpi="ed_length_of_stay", case=CASE, purpose="a test").exception


@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_for_one_unit_of_one_facility(homes, visit, page):
    where = {"facility": "Northfield General", "unit": "Ward 4N", "weeks": "4"}
    assert not visit(homes["sample"], page, kpi="lab_turnaround", case=CASE, purpose="a test", **where).exception


def test_the_overview_shows_twelve_cards_and_names_what_needs_attention(homes, visit):
    app = visit(homes["sample"])
    assert len([link for link in app.get("page_link") if link.proto.label.startswith("**")]) == 12
    # boarding rises; beyond their targets: critical results (4.2 %), handoff acceptance (63 min), failed deliveries (4.2 %)
    assert "Four of twelve measures need attention." in words(app)
    assert "Boarding after decision: 4 h 04" in words(app)


def test_a_card_says_value_change_verdicts_target_and_what_it_is_of(homes, visit):
    # 13 weeks of 200 + i % 3 and the rise: (200+…+345)/13 = 244.2 min; the 13 before 200.9: 43 min more
    said = words(visit(homes["sample"]))
    for part in (
        "4 h 04",
        "+43 min",
        "concern",
        "hit or miss, now missed",  # 4 h 04 of 4 h 00
        "target ≤ 4 h 00",
        "of 520 visits · 3 open",
    ):
        assert part in said


def test_withheld_and_suppressed_and_nothing_look_different(homes, visit):
    assert "wf-hatched" in words(visit(homes["failed"]))
    suppressed = words(visit(homes["sample"], facility="Northfield General", unit="Ward 4N"))
    assert "fewer than 5" in suppressed
    assert "wf-hidden" in suppressed
    assert "nothing to count" in words(visit(homes["empty"]))


def test_a_withheld_number_says_what_is_missing(homes, visit):
    app = visit(homes["failed"], "kpi", kpi="ed_length_of_stay")
    assert "This number is withheld." in words(app)
    assert "location that was never sent" in words(app)


def test_a_failed_check_is_a_banner_on_the_pages_it_concerns_only(homes, visit):
    assert "wf-banner" in words(visit(homes["failed"], "emergency"))
    assert "wf-banner" not in words(visit(homes["failed"], "interfaces"))
    assert "wf-banner" not in words(visit(homes["sample"], "emergency"))


def test_the_shell_says_hospital_data_cut_freshness_and_checks(homes, visit):
    said = words(visit(homes["sample"]))
    for part in ("Two Rivers Health", "Mon 13 Apr 2026, 00:00", "2 of 2 sources fresh", "checks passed"):
        assert part in said
    assert "1 of 81 checks failed" in words(visit(homes["failed"]))
    assert "late: engine" in words(visit(homes["failed"]))


def test_without_a_snapshot_the_page_says_what_to_do(tmp_path, visit):
    app = visit(tmp_path / "nothing")
    assert not app.exception
    assert "Run `wardflow run`" in words(app)


def test_no_comment_of_the_code_is_drawn(homes, visit):
    assert "drawn anew" not in words(visit(homes["sample"], "interfaces"))


def test_the_channels_in_trouble_stand_first(homes, visit):
    said = words(visit(homes["sample"], "interfaces"))
    assert "2 of 5 channels need somebody." in said
    assert "122 of 65,000 deliveries failed for good; 4 wait in a queue; 3 dead letters are unresolved." in said
    assert said.index("**RESULTS**") < said.index("**ORDERS**") < said.index("**PHARM**") < said.index("**ADT**")
    assert "PHARM (engine)" in said


def test_what_the_data_show_of_the_feeds_is_told_newest_first(homes, visit):
    app = visit(homes["sample"], "interfaces", weeks="4")
    said = words(app).replace("\N{NO-BREAK SPACE}", " ")
    told = (
        "answers took 1.2 s; 120 ms is usual",
        "Silent for 2 h 00; about 42 messages",
        "each message tried 23 times",
    )
    assert sorted(told, key=said.index) == list(told)
    assert said.index(told[-1]) < said.index("40 messages in an")
    assert "still open" in said
    assert "8 more incidents" in [each.label for each in app.expander]
    assert "3 dead, 2 d 2 h" in said
    assert "97 % of usual" in said
    one = words(visit(homes["sample"], "interfaces", weeks="4", channel="mirth/RESULTS"))
    assert "silent for 2 h 00" in one
    assert "storm" not in one
    assert one.count("Each point is 30 min; shaded while it lasted") == 3
    assert "No incident in this period" in words(
        visit(homes["sample"], "interfaces", weeks="4", channel="engine/PHARM")
    )


def test_the_board_says_what_is_usual_what_waits_and_what_nobody_can_know(homes, visit):
    said = words(visit(homes["sample"], "interfaces", weeks="4")).replace("\N{NO-BREAK SPACE}", " ")
    assert "200 messages in 24 hours, 240 are usual" in said
    assert "200 messages in 20 hours" in said  # the other engine's log ends at eight
    assert "4 queued, 1 h 15" in said
    assert "engine: 7" in said
    assert "2.0 % unknown" in said
    assert ("at most 1 h 00" in said, "learned 3 h 20" in said) == (True, True)
    one = words(visit(homes["sample"], "interfaces", weeks="4", channel="mirth/ORDERS"))
    assert "120 ms, 900 ms, 1.3 s" in one
    assert "2.0 % of 4,000" in one


def test_one_flow_shows_its_history_and_says_what_its_log_lacks(homes, visit):
    said = words(visit(homes["sample"], "interfaces", weeks="4", channel="mirth/RESULTS")).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    # the log lacks one day, and of another nothing is known
    assert "the log lacks hours of 2 of these days" in said
    assert "1 (1.4 %)" in said
    assert "nack sent from receiver (error)" in said
    assert "nack sent from receiver (error)" in said
    assert ("LAB" in said, "joined by registry.toml" in said) == (True, True)
    assert ("pruned by the engine" in said, "before the log begins" in said) == (True, True)
    assert ("counted by the engine, not in what was delivered" in said, "a counter was set back" in said) == (
        True,
        True,
    )
    assert ("Messages: counted" in said, "not known" in said) == (True, True)
    assert "Unusual format, day by day" in said
    assert "800 ms ahead" in said
    assert ("no difference" in said, "at least 1.3 s ahead" in said, "not seen to be off" in said) == (True, True, True)
    assert "sender of ADT-OUT" not in said
    by_week = words(visit(homes["sample"], "interfaces", weeks="26", channel="mirth/RESULTS"))
    assert ("week by week" in by_week, "Unusual format" in by_week) == (True, False)  # no week of it had any drift
    assert "Nothing is known of this period." in words(visit(homes["sample"], "interfaces", channel="engine/PHARM"))


def test_one_message_shows_its_hops_attempts_answers_and_errors_down_to_the_line(homes, visit):
    said = words(visit(homes["sample"], "message", message="mirth:77", purpose="a test")).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "ADT reached 1 of 2 destinations." in said
    assert "8 events in 16 h 00, with 3 attempts at most." in said
    assert "delivered AA" in said
    assert "attempt no. 3 at least; the log keeps only the last" in said
    assert "dead-lettered (connect: connection refused by &lt;destination&gt;)" in said
    assert ("another clock" in said, "after 10 ms" in said, "not arrived" in said) == (True, True, True)
    assert "sent again by service desk" in said
    assert "Encounter.ndjson:201" in said
    assert ("not known" in said, "3 or more" in said) == (True, True)
    assert "The journey it belongs to" in said


def test_a_delivery_leads_to_its_message_and_each_opening_is_written_down(homes, visit):
    delivery = "0" + CASE[1:]
    assert "ADT reached 1 of 2" in words(visit(homes["sample"], "message", message=delivery, purpose="who waited"))
    log = (homes["sample"] / "access" / "access.ndjson").read_text()
    assert f"message_event: hops of {delivery}" in log
    assert f"message_delivery: hops of {delivery}" in log
    assert "who waited" in log
    listed = visit(homes["sample"], "kpi", kpi="interface_final_failure_rate", purpose="a test")
    assert "**Message " in words(listed)


def test_a_message_that_is_not_there_or_not_open_says_so(homes, visit):
    assert "Message 77" in words(visit(homes["sample"], "case", case=CASE, purpose="a test"))
    assert "No message is chosen." in words(visit(homes["sample"], "message"))
    assert "hops are kept for 27 weeks" in words(
        visit(homes["sample"], "message", message="mirth:gone", purpose="a test")
    )
    assert "What do you open these for?" in words(visit(homes["sample"], "message", message="mirth:77"))


def test_a_kpi_lists_what_it_leaves_out_with_counts(homes, visit):
    said = words(visit(homes["sample"], "kpi", kpi="ed_boarding_ed2"))
    assert "the decision is later than the departure</td>" in said
    assert ">7</td>" in said


def test_a_decision_about_a_kpi_is_listed(homes, visit):
    assert "A ward was closed for repairs." in words(visit(homes["sample"], "kpi", kpi="ed_boarding_ed2"))


def test_the_account_of_lines_balances_in_words(homes, visit):
    said = words(visit(homes["sample"], "data_quality"))
    assert "3 of 1,500 lines are quarantined; the account of lines balances." in said
    assert f"{len(KPIS)} of {len(KPIS)} numbers are ready." in said
    assert f"{len(KPIS) - 1} of {len(KPIS)} numbers are ready." in words(visit(homes["failed"], "data_quality"))


def test_every_page_answers_in_under_a_second(homes, visit):
    import time

    for page in PAGES:
        app = visit(homes["sample"], page, kpi="ed_boarding_ed2", case=CASE, purpose="a test")
        start = time.perf_counter()
        app.run()
        assert time.perf_counter() - start < 1.0, page


def test_the_page_of_waits_shows_every_bed_measure(homes, visit):
    said = words(visit(homes["sample"], "emergency"))
    assert "Beds and discharge" in said
    for kpi in KPIS.values():
        if kpi.family == "beds":
            assert kpi.short_title in said


def test_a_denominator_is_called_what_it_is():
    assert counted(KPIS["bed_turnaround"], 1) == "1 bed"
    assert counted(KPIS["occupancy_mean"], 1680) == "1,680 bed-hours"
    assert counted(KPIS["occupancy_midnight"], 70) == "70 beds at midnight"
    assert counted(KPIS["occupancy_peak"], 336) == "336 hours of wards"
