"""How late was the data, and how late were people?: what the page says of parts, hops, days, and who may see the waits behind them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard import charts, delay_charts, delays, journey_stages, journey_waits
from dashboard.delays import Delays, headline, hop, span
from models import wording
from models.kpis import KPIS
from models.waits import PARTS, TIME_PARTS, WAIT_KINDS
from tests.dashboard.conftest import words
from tests.dashboard.snapshot import CASE

MONDAY, SUNDAY = date(2026, 1, 12), date(2026, 4, 13)


def row(minutes, waits=52, patients=49, **more):
    return {
        "minutes": minutes, "waits": waits, "patients": patients, "open_waits": 0, "suppressed": False, "minutes_across_clocks": 0.0,
        "minutes_estimated": 0.0,
        "minutes_uncertain": 0.0, "is_withheld": False, "part": None, "source": None, "channel": None, "destination": None,
    } | more  # fmt: skip


def found(parts, hops=(), start=date(2026, 4, 14), end=date(2026, 4, 15), **more):
    whole = row(sum(parts.values())) | more
    return Delays(
        WAIT_KINDS["order_to_result"],
        start,
        end,
        whole,
        [row(parts[p], part=p) for p in TIME_PARTS if p in parts],
        delays.named(hops),
    )


def test_the_headline_says_how_much_was_in_a_channel_and_how_much_with_people():
    # 31 patient-hours on Tuesday: 41 % of 1,860 min are 762.6, 59 % are 1,097.4
    tuesday = found({"queue": 762.6, "people": 1097.4}, [row(762.6, channel="LAB-OUT", destination="EHR")])
    assert headline(tuesday, 5) == (
        "41 % of the delay was in LAB-OUT → EHR; 59 % was with people.",
        "Laboratory order to verified result, on Tue 14 Apr 2026: 52 waits of 49 patients took 31 patient-hours.",
    )


def test_other_hops_what_is_open_and_what_is_not_known_are_said_too():
    hops = [row(300.0, channel="A"), row(100.0, channel="B")]
    lead, rest = headline(found({"source": 400.0, "people": 500.0, "unknown": 100.0}, hops, open_waits=3), 5)
    assert lead == "30 % of the delay was in A, 10 % elsewhere on the way; 50 % was with people."
    assert rest.endswith("; 3 are still open; of 10 % it is not known.")


def test_waits_without_a_channel_and_hidden_and_missing_ones_have_sentences_of_their_own():
    assert headline(found({"people": 60.0}), 5)[0] == "100 % was with people: none of it was in a channel."
    assert "fewer than 5 patients" in headline(found({}, suppressed=True, minutes=None), 5)[0]
    nothing = Delays(WAIT_KINDS["boarding"], MONDAY, SUNDAY, None)
    assert (headline(nothing, 5)[0], delays.unknowns(nothing)) == ("Nothing waited here.", [])


def test_what_rests_too_much_on_what_is_usual_is_withheld_and_says_why():
    # 60 of 1,000 min may belong to the other side of an estimated instant: 6 %
    lead, rest = headline(replace(found({"people": 1000.0}, minutes_uncertain=60.0, is_withheld=True), parts=[]), 5)
    assert lead == "What this time was made of is withheld."
    assert "6 % of the time may well belong elsewhere, and more than 5 % is not shown." in rest
    told = dict(delays.unknowns(replace(found({"people": 1000.0}), withheld=2, grain="week")))
    assert told["Withheld"] == "2 weeks of which too much is estimated"


def test_channels_of_one_name_in_several_engines_are_told_apart():
    hops = [
        row(1.0, source="mirth", channel="A"),
        row(3.0, source="engine", channel="A"),
        row(2.0, source="mirth", channel="B"),
    ]
    assert [each["name"] for each in delays.named(hops)] == ["A (engine)", "B", "A (mirth)"]


def test_one_wait_that_goes_on_is_said_as_one():
    assert headline(found({"people": 60.0}, open_waits=1), 5)[1].endswith("; 1 is still open.")


def test_periods_are_named_by_their_length():
    named = [span(found({}, start=MONDAY, end=end)) for end in (date(2026, 1, 13), date(2026, 1, 19), SUNDAY)]
    assert named == ["on Mon 12 Jan 2026", "in the week of 12 Jan", "in the last 13 weeks"]
    assert span(replace(found({}, start=MONDAY, end=SUNDAY), since=date(2026, 2, 2))) == "since Mon 2 Feb 2026"
    assert (hop({"channel": "A", "destination": "B"}), hop({"channel": "A", "destination": None})) == ("A → B", "A")


def test_ticks_are_round_numbers_and_of_times_round_times():
    assert charts.ticks(0, 1450, wording.number)["ticktext"] == ["0", "500", "1,000"]
    assert charts.ticks(0.01, 0.07, wording.percent)["ticktext"] == ["2.0 %", "4.0 %", "6.0 %"]
    assert charts.ticks(0, 700, wording.duration, is_time=True)["ticktext"] == ["0 min", "4 h 00", "8 h 00"]


def test_each_part_looks_different_and_people_stand_at_the_foot():
    steps = [{"period": MONDAY, "minutes": 70.0, "waits": 7, "parts": dict.fromkeys(PARTS, 10.0)}]
    figure = delay_charts.by_step(steps, lambda _: "", wording.hours)
    looks = {(bar.marker.color, bar.marker.opacity, bar.marker.pattern.shape) for bar in figure.data}
    assert len(looks) == len(PARTS) == len(figure.data)
    assert [bar.name for bar in figure.data][:2] == ["With people", "Not known"]


def test_the_page_tells_shares_hops_and_what_it_cannot_know(homes, visit):
    said = words(visit(homes["sample"], "delays", wait="boarding"))
    # 13 weeks of 100 h: 41 in ORDERS → LIS, 4 before sending, 50 with people, 5 not known
    assert "41 % of the delay was in ORDERS → LIS, 4 % elsewhere on the way; 50 % was with people." in said
    assert "520 waits of 390 patients took 1,300 patient-hours; 2 are still open; of 5 % it is not known" in said
    assert "waiting in an engine behind other messages" in said
    assert "50 % began by an engine" in said


def test_a_measures_page_says_where_its_time_went_and_opens_it(homes, visit):
    said = words(visit(homes["sample"], "kpi", kpi="ed_length_of_stay"))
    # 13 weeks of 100 h: 45 on messages, 30 with people, 5 not known, 20 in which nothing was awaited
    assert (
        "Of this time 45 % was messages held up or on their way (most in ORDERS → LIS), 30 % was with people, of 5 % nobody knows "
        "where the news was, in 20 % nothing was awaited: care and work itself."
    ) in said
    assert "520 cases of 390 patients took 1,300 patient-hours; 2 are still open." in said
    assert "How late was the data, and how late were people?" in said
    opened = words(visit(homes["sample"], "delays", kpi="ed_length_of_stay"))
    assert "Of this time 45 % was messages held up" in opened
    assert "Admit decision to leaving the department" in opened  # what was waited for
    assert "The longest waits" not in opened


def test_a_measure_that_counts_no_time_says_so_on_both_pages(homes, visit):
    for page in ("kpi", "delays"):
        said = words(visit(homes["sample"], page, kpi="ed_arrivals"))
        assert "It counts how often, not how long." in said
        assert "Where did this time go?" not in said


def test_the_time_of_a_measure_is_one_sentence_whatever_it_was_made_of():
    measure = KPIS["ed_length_of_stay"]

    def of(parts, hops=()):
        return replace(found(parts, hops), kind=measure)

    nothing = "No message and no answer that is followed here was awaited: all of this time was care and work itself."
    assert delays.where_it_went(of({"care": 60.0})) == nothing
    assert delays.where_it_went(of({})) == "These cases took no time."
    assert delays.where_it_went(of({"people": 59.0, "queue": 41.0}, [row(41.0, channel="A")])) == (
        "Of this time 41 % was messages held up or on their way (in A), 59 % was with people."
    )
    assert headline(of({"care": 60.0}, ()), 5)[1] == (
        "Median time in the emergency department, on Tue 14 Apr 2026: 52 cases of 49 patients took 1 patient-hours."
    )


def test_every_kind_of_wait_and_every_measure_of_time_can_be_chosen_by_a_name_of_its_own():
    offered = delays.choices()
    assert offered["Measure: Median time in the emergency department"] is KPIS["ed_length_of_stay"]
    assert len(offered) == len(WAIT_KINDS) + sum(kpi.counts_no_time is None for kpi in KPIS.values())


@pytest.mark.parametrize(
    ("on", "expected"), [("2026-04-07", "on Tue 7 Apr 2026: 6 waits"), ("2026-04-12", "fewer than 5 patients")]
)
def test_one_day_is_opened_by_the_url_and_a_small_one_is_hidden(homes, visit, on, expected):
    said = words(visit(homes["sample"], "delays", wait="boarding", weeks="4", on=on))
    assert expected in said


def test_a_unit_has_no_days(homes, visit):
    said = words(visit(homes["sample"], "delays", facility="Northfield General", unit="Ward 4N", weeks="4"))
    assert "Days and weeks are told by facility." in said


def test_the_longest_waits_open_for_a_purpose_only(homes, visit):
    where = {"wait": "boarding", "weeks": "4"}
    opened = words(visit(homes["sample"], "delays", role="informatics", purpose="a test", **where))
    assert f"Case {CASE[:8]}" in opened
    assert "3 h 00 not known" in opened
    assert "sees totals only" in words(visit(homes["sample"], "delays", role="leadership", **where))
    assert f"Case {CASE[:8]}" not in words(visit(homes["sample"], "delays", role="informatics", **where))


def test_an_edge_says_what_of_its_time_was_late_data(homes, visit):
    parts = [{"part": "queue", "minutes": 20.0, "name": "ADT → BED"}, {"part": "people", "minutes": 60.0, "name": ""}]
    assert delays.edge_headline(parts, 100.0) == (
        "Of this time 20 % went on messages on their way (most in ADT → BED: in a queue), 60 % with people. "
        "In the other 20 % nobody had been asked to act."
    )
    assert (
        delays.edge_headline([{"part": "unknown", "minutes": 9.0, "name": ""}], 9.0)
        == "Of this time 100 % nobody knows where."
    )
    assert delays.edge_headline([], 9.0) == ""
    where = {"workflow": "ed-to-bed", "step": "bed requested → in the bed"}
    said = words(visit(homes["sample"], "bottlenecks", **where))
    assert "Late data, or late people?" in said
    assert "ADT-OUT → BED-MGMT" in said
    assert "Late data" not in words(visit(homes["sample"], "bottlenecks", workflow="message-delivery"))


def test_a_journey_shows_its_waits_with_the_hop_that_kept_the_news_and_who_sent_it_on(homes, visit):
    said = words(visit(homes["sample"], "case", case=CASE, purpose="a test", role="informatics"))
    # the order: 10 min before sending, 20 in a queue, 60 given up, 30 with people; the bed: three hours of which nothing is known
    assert (
        "Of 5.0 h in 2 waits 1.5 h were late data, most in ADT-OUT → BED-MGMT: nobody had it, sent again by service desk"
        in said
    )
    assert (
        "Yes: by Sun 10:00 BILLING (mirth), delivered to the next channel and never received there; "
        "Sun 09:30 ADT-OUT → BED-MGMT, for 1 h 00, then sent again by service desk"
    ) in said
    assert "No: no critical result was shown." in said
    assert "Yes: Sun 10:30 sent again by service desk, ADT-OUT." in said
    for stage in (
        "no later than Sun 09:01:00", "meta.lastUpdated", "Sun 09:03:00", "MSH-7, by the sender",
        "ADT-OUT 09:10:00; ADT-OUT → BED-MGMT 09:11:00", "not known of 1: no system that delivers says so",
    ):  # fmt: skip
        assert stage in said


def test_a_handoff_within_the_wait_for_a_bed_stands_under_it_with_its_stages_and_is_in_no_sum(homes, visit):
    said = words(visit(homes["sample"], "case", case=CASE, purpose="a test", role="informatics"))
    assert "Of 5.0 h in 2 waits" in said  # 2 h of the order and 3 h of the bed, without the half hour of the handoff
    assert "↳ lies within the wait above it and is in no sum." in said
    assert "↳ Handoff offered to accepted" in said
    for stage in ("Sun 11:10:00", "Sun 11:11:00", "Sun 11:40:00"):
        assert stage in said


def at(clock, day=12):
    return datetime(2026, 1, day, int(clock[:2]), int(clock[3:]), tzinfo=UTC)


def one_of(key, began, until, *, within=False, order=None):
    return {"wait_key": key, "order_key": order, "began_at": at(began), "until_at": at(until), "is_within": within}


def test_a_wait_follows_the_one_of_its_order_that_it_begins_in_and_stands_alone_where_there_is_none():
    found = journey_waits.placed(
        [
            one_of("early handoff", "08:00", "08:30", within=True),
            one_of("bed", "09:00", "12:00"),
            one_of("order", "09:10", "11:00", order="o1"),
            one_of("sample", "09:10", "10:00", order="o1", within=True),
            one_of("handoff", "11:30", "12:10", within=True),
        ]
    )
    assert [(each["wait_key"], each["outer"] and each["outer"]["wait_key"]) for each in found] == [
        ("early handoff", None),
        ("bed", None),
        ("handoff", "bed"),
        ("order", None),
        ("sample", "order"),
    ]
    assert journey_stages.after(found[2], at("11:30")) == 150  # 9:00 to 11:30, under the wait for the bed


def test_a_stage_by_another_clock_than_the_begins_is_marked_as_between_two_clocks():
    def stage(name, clock, when):
        told = {"name": name.title(), "when": when, "says": "the record"}
        return {"stage": name, "clock_id": clock, "occurred_at": at(when)} | told

    bed = {"name": "Bed", "outer": None, "began_at": at("09:00")}
    bed["stages"] = [stage("happened", "ehr", "09:00"), stage("hop", "engine", "08:59"), stage("acted", "ehr", "09:30")]
    marks = journey_stages.marks([bed])
    assert [(mark["after"], mark["is_across_clocks"]) for mark in marks] == [(0, False), (-1, True), (30, False)]
    assert marks[1]["said"] == "Bed: hop, 08:59 (the record; between two clocks)"
    figure = delay_charts.waterfall(journey_waits.bars([waited("Bed", STRETCH) | bed]), lambda _: "", marks)
    drawn = {trace.marker.symbol: trace.x for trace in figure.data if trace.type == "scatter"}
    assert drawn == {"line-ns": (0, 30), "circle-open": (-1,)}


STRETCH = {
    "part": "queue", "minutes": 5.0, "hop": "A → B", "did": None, "is_estimated": True, "is_across_clocks": True,
    "from_at": datetime(2026, 1, 12, 9, tzinfo=UTC),
}  # fmt: skip


def waited(name, *stretches, kind="boarding"):
    late = sum(each["minutes"] for each in stretches if each["part"] == "queue")
    minutes = sum(each["minutes"] for each in stretches)
    told = {"wait_key": name, "outer": None, "wait_kind": kind, "name": name}
    return told | {"late": late, "minutes": minutes, "stretches": list(stretches)}


def test_waits_of_different_days_are_drawn_from_their_own_begin():
    nine = datetime(2026, 1, 12, 9, tzinfo=UTC)
    bed = waited("Bed", STRETCH | {"from_at": nine}, STRETCH | {"from_at": nine + timedelta(minutes=5)})
    result = waited("Result", STRETCH | {"from_at": nine + timedelta(days=3)}) | {"began_at": nine + timedelta(days=3)}
    bars = journey_waits.bars([bed | {"began_at": nine}, result])
    assert [(bar["row"], bar["after"]) for bar in bars] == [("Bed", 0), ("Bed", 5), ("Result", 0)]
    assert bars[2]["head"] == "<b>Result</b>, Thu 15 Jan 09:00, 5 min"
    axis = delay_charts.waterfall(bars, lambda _: "").layout.xaxis
    assert (axis.ticktext[0], axis.ticktext[-1]) == ("0 min", "10 min")


def test_a_missing_hop_is_named_and_a_stretch_says_how_it_is_known():
    unknown = STRETCH | {"part": "unknown", "hop": ""}
    bed = waited("Bed", STRETCH, unknown | {"minutes": 9.0})
    bed |= {"began_at": STRETCH["from_at"]}
    assert [bar["word"] for bar in journey_waits.bars([bed])] == ["", "no log has the decision"]
    assert journey_waits.said(bed, STRETCH) == "Bed: in a queue in A → B, 5 min (estimated; between two clocks)"
    assert journey_waits.said(bed, STRETCH | {"did": "released by service desk", "is_estimated": False}).endswith(
        "(released by service desk; between two clocks)"
    )
    assert journey_waits.headline([]) == ""
    assert "nothing is known to have been late data" in journey_waits.headline([waited("Bed", unknown)])


def test_of_many_waits_those_with_the_most_late_data_are_drawn():
    waits = [waited(str(n), STRETCH | {"minutes": float(n)}) for n in range(1, 13)]
    assert [wait["name"] for wait in journey_waits.drawn(waits)] == [str(n) for n in range(3, 13)]
