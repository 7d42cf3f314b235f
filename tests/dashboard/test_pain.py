"""Where is the pain?: the sentence, the shares with their evidence, and how what is not measured or hidden is said."""

from dashboard import pain, priorities
from tests.dashboard.conftest import words


def test_the_headline_divides_the_hours_lost_between_the_causes(homes, visit):
    # 100 of 130 and 30 of 130 hours; 7.5 h beside them
    said = words(visit(homes["sample"], "pain", role="leadership"))
    assert "Of 130 patient-hours lost, workflow took 76.9 % and integration 23.1 %." in said
    assert "Most of them: in the bed, 100 h of 50 patients." in said
    assert "Another 7.5 h cannot be told" in said


def test_a_cause_that_cannot_be_measured_says_what_it_would_take(homes, visit):
    assert "not measured. Mark the steps of documentation with is_record" in words(visit(homes["sample"], "pain"))


def test_the_measures_behind_the_hours_are_named_with_how_ready_they_are(homes, visit):
    # the workflow ed-to-bed, and the wait for a bed; the failed check concerns the length of stay
    app = visit(homes["failed"], "pain", role="leadership")
    labels = [link.proto.label for link in app.get("page_link")]
    assert "ED length of stay: withheld" in labels
    assert "Boarding after decision: ready" in labels


def test_a_facility_s_number_of_too_few_patients_is_hidden(homes, visit):
    said = words(visit(homes["sample"], "pain", facility="Eastbrook Community"))
    assert "hidden: too few patients" in said
    assert "hidden</td>" in said


def test_where_nothing_was_lost_the_page_says_so(homes, visit):
    assert "No lost hour can be told here." in words(visit(homes["empty"], "pain"))


def test_the_list_names_what_to_fix_first_and_who_answers_for_it(homes, visit):
    # sure: of ADT-OUT 130 / 137.5 of 1 / (1 + 1.5), 0.38, of 30 h by 10 days; of the bed 100 / 107.5 of 0.4, 0.37, of 100 h by 20 days
    said = words(visit(homes["sample"], "pain", role="leadership"))
    assert "First: in the bed (Patient flow coordinator), 100 h lost, 37 % sure, against 20 days of effort." in said
    assert said.index("**in the bed**") < said.index("**ADT-OUT (mirth)**")


def test_options_are_weighed_and_the_page_says_what_would_turn_the_order(homes, visit):
    # bed meeting 50 h, check 30 h: 4 x 1 + 1 x 0.5 + 1 x 0.5 = 5 of 6 against 4 x 0.6 + 1 + 1 = 4.4 of 6
    said = words(visit(homes["sample"], "pain", role="leadership"))
    assert "Bed meeting is first with 0.83 of 1" in said
    assert "below 2.5: Check admissions" in said  # 2.5 x 0.4 = 0.5 + 0.5
    assert "above 2.2: Check admissions" in said  # 4 x 0.4 = 1.6 = 0.5 + 2.2 x 0.5


def test_what_stops_with_a_channel_is_said_by_day_and_too_few_patients_are_hidden(homes, visit):
    said = words(visit(homes["sample"], "pain", role="leadership"))
    assert "If ADT-OUT (mirth) stops, 80 messages a day do not reach BED-MGMT, and 3.0 patients a day wait" in said
    assert "Admit decision to leaving the department (" in said


def test_without_options_the_page_says_where_to_name_them():
    row = {"breakdown": "step", "workflow": None, "activity": None, "source": "mirth", "channel": "ADT", "owner": None,
           "lost_hours": 10.0, "lost_low": None, "lost_high": None, "estimated_hours": 0.0, "unknown_hours": 0.0}  # fmt: skip
    found = pain.Pain(None, {}, [], [row], [], 0)
    (only,) = priorities.ranking(found, [])
    assert priorities.first_to_fix([only]) == (
        "First: ADT (mirth) (nobody answers for it), 10 h lost, 50 % sure, against an effort that nobody has supplied."
    )
    assert priorities.first_to_fix([]) == "Nothing stands out that could be fixed."


def test_each_interface_and_workflow_has_a_verdict_with_its_measured_reason(homes, visit):
    said = words(visit(homes["sample"], "pain", role="leadership"))
    # at the sample ADT-OUT failed 120 of 13,000 times and lost 30 h in 13 weeks; RESULTS is silent; PHARM is not registered
    assert "30 h lost by patients" in said
    assert "seen in a log, not in registry.toml: nobody answers for it" in said
    assert "no case began in this period" in said  # no order is published in the sample
    verdicts = [said.index(f">{word}</span>") for word in ("register", "fix", "retire", "keep")]
    assert verdicts == sorted(verdicts)
