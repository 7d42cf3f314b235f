"""Where is the pain?: the sentence, the shares with their evidence, and how what is not measured or hidden is said."""

from tests.dashboard.conftest import words


def test_the_headline_divides_the_hours_lost_between_the_causes(homes, visit):
    # 100 of 130 and 30 of 130 hours; 7.5 h beside them
    said = words(visit(homes["sample"], "pain", role="leadership"))
    assert "Of 130 patient-hours lost, workflow took 76.9\u00a0% and integration 23.1\u00a0%." in said
    assert "Most of all in the bed: 100\u00a0h of 50 patients." in said
    assert "Another 7.5\u00a0h cannot be told" in said


def test_a_cause_that_cannot_be_measured_says_what_it_would_take(homes, visit):
    assert "not measured. Mark the steps of documentation and access with is_record" in words(
        visit(homes["sample"], "pain")
    )


def test_a_facility_s_number_of_too_few_patients_is_hidden(homes, visit):
    said = words(visit(homes["sample"], "pain", facility="Eastbrook Community"))
    assert "hidden: too few patients" in said
    assert "fewer than 5" in said


def test_where_nothing_was_lost_the_page_says_so(homes, visit):
    assert "No lost hour can be told here." in words(visit(homes["empty"], "pain"))
