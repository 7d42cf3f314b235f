"""The URL is the view: it restores one, and choosing writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.filters import View, not_found, read_view
from tests.dashboard.conftest import words

PLACES = {"Northfield General": ("Emergency", "Ward 4N"), "Eastbrook Community": ("Emergency",)}


@given(
    st.sampled_from(
        [
            (None, None),
            ("Northfield General", None),
            ("Northfield General", "Ward 4N"),
            ("Eastbrook Community", "Emergency"),
        ]
    ),
    st.sampled_from([4, 13, 26]),
    st.sampled_from([None, "ed_arrivals"]),
    st.sampled_from([None, "abc"]),
    st.sampled_from([None, "mirth/ADT-OUT"]),
    st.sampled_from([None, "stakeholder"]),
    st.sampled_from(
        [
            {},
            {"pilot": "discharge-by-noon"},
            {"workflow": "ed-to-bed", "step": "arrived → triaged"},
            {"message": "f-1:12"},
        ]
    ),
)
def test_a_view_survives_the_round_trip_through_the_url(place, weeks, kpi, case, channel, board, opened):
    view = View(place[0], place[1], weeks, kpi, case, channel, board, **opened)
    assert read_view(view.params, PLACES) == view


def test_the_default_view_is_an_empty_url():
    assert View().params == {}
    assert read_view({}, PLACES) == View()


def test_what_the_snapshot_does_not_know_falls_back_to_everything():
    assert read_view({"facility": "Closed", "unit": "Ward 4N", "weeks": "99"}, PLACES) == View()
    assert read_view({"facility": "Eastbrook Community", "unit": "Ward 4N", "weeks": "x"}, PLACES) == View(
        "Eastbrook Community"
    )


def test_a_link_to_a_place_or_period_that_is_not_there_says_what_is_shown_instead():
    said = not_found({"facility": "Closed", "unit": "Ward 4N", "weeks": "99", "board": "x"}, PLACES)
    assert [sentence.partition(": ")[2] for sentence in said] == [
        "all facilities are shown.",
        "all units are shown.",
        "the last 13 weeks are shown.",
        "all measures are shown.",
    ]
    assert "Closed" not in " ".join(said)  # what a link holds can be anything, also somebody's name
    assert not_found(View("Northfield General", "Ward 4N", 4, board="stakeholder").params, PLACES) == []


@pytest.mark.parametrize(
    ("page", "asked", "answer"),
    [
        ("kpi", "kpi", "There is no such measure."),
        ("interfaces", "channel", "all channels are shown."),
        ("pilots", "pilot", "all pilots are shown."),
        ("dictionary", "table", "all tables are shown."),
        ("bottlenecks", "step", "all waits of the workflow are shown."),
        ("delays", "wait", "another one is shown."),
        ("case", "case", "The link names no case."),
        ("message", "message", "The link names no message."),
    ],
)
def test_a_link_to_what_is_not_known_says_so_and_shows_the_list(homes, visit, page, asked, answer):
    said = words(visit(homes["sample"], page, **{asked: "John Smith"}))
    assert answer in said
    assert "John Smith" not in said
    log = homes["sample"] / "access" / "access.ndjson"
    assert not log.exists() or "John Smith" not in log.read_text()


def test_a_channel_opens_its_measures_with_its_own_numbers_and_is_left_on_the_way_out(homes, visit):
    app = visit(homes["sample"], "interfaces", channel="mirth/RESULTS")
    (link,) = [each for each in app.get("page_link") if each.proto.label == "Interface messages of this channel"]
    assert "unit=RESULTS" in link.proto.query_string
    measure = visit(homes["sample"], "kpi", kpi="interface_messages", facility="Northfield General", unit="RESULTS")
    assert measure.selectbox(key="unit-wide").value == "RESULTS"
    assert "not known" not in words(measure)
    (side,) = [each for each in measure.get("page_link") if each.proto.label == "Where do patients wait?"]
    assert "RESULTS" not in side.proto.query_string


def test_leaving_a_facility_leaves_its_unit():
    assert View("Northfield General", "Ward 4N").to(facility="Eastbrook Community") == View("Eastbrook Community")


def test_choosing_a_facility_writes_it_into_the_url_and_back(homes, visit):
    app = visit(homes["sample"])
    app.selectbox(key="facility-wide").select("Eastbrook Community").run()
    assert app.query_params["facility"] == "Eastbrook Community"
    assert "Three of twelve measures need attention." in words(app)
    app.selectbox(key="facility-wide").select("All facilities").run()
    assert "facility" not in app.query_params


def test_choosing_a_period_writes_it_and_links_carry_it_on(homes, visit):
    app = visit(homes["sample"])
    app.selectbox(key="period-narrow").select("Last 4 weeks").run()
    assert app.query_params["weeks"] == "4"
    assert all("weeks=4" in link.proto.query_string for link in app.get("page_link"))


def test_the_url_alone_restores_a_view(homes, visit):
    app = visit(homes["sample"], facility="Northfield General", weeks="4")
    assert app.selectbox(key="facility-wide").value == "Northfield General"
    assert app.selectbox(key="period-wide").value == "Last 4 weeks"
    # the last four weeks of boarding: (201+300… see snapshot.weekly) = (280+301+322+340) / 4
    assert "5 h " in words(app)
