"""What may be kept of an engine's error text: never a name, always enough to group by."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.sources.error_text import ack_code, kept_template, reduce_error, vocabulary
from sample_data.people import planted_strings

NAK = "NACK sent from receiver. (Rejected)\nQuillon^Zebedaiah\n\nMSH|^~\\&|A|B\rMSA|AR|1|Quillon\rERR|||204^Unknown key|E|||Quillon"


@pytest.mark.parametrize(
    ("text", "error_class", "code", "template"),
    [
        ("connection refused by LIS", "connect", None, "connection refused by <destination>"),
        ("no acknowledgement within 30000 ms", "timeout", None, "no acknowledgement within <n> ms"),
        (NAK, "nack", "204", "nack sent from receiver (rejected)"),
        ("Unknown patient Quillon^Zebedaiah", "validate", None, "<redacted>"),
        ("unknown patient quillon", "validate", None, "<redacted>"),
        ("Unknown patient Field", "validate", None, "<redacted>"),
        (
            "TCP Sender error\nERROR MESSAGE: x\njava.net.ConnectException: Connection refused",
            "connect",
            None,
            "tcp sender error [ConnectException]",
        ),
        ("JavaScript Writer error\nSOURCE CODE:\n98: // Quillon", "transform", None, "javascript writer error"),
        ('table "Quillon" not found at 10.2.3.4:3306', "unknown", None, "table <text> not found at <address>"),
        ("", "unknown", None, "<empty>"),
    ],
)
def test_a_text_is_reduced_to_class_code_and_template(text, error_class, code, template):
    found = reduce_error(text, names=("LIS",))
    assert (found.error_class, found.code, found.template) == (error_class, code, template)


def test_a_hospital_may_add_words_of_its_own():
    assert reduce_error("cerner refused").template == "<redacted>"
    assert reduce_error("cerner refused", frozenset({"cerner"})).template == "cerner refused"


def test_equal_templates_have_equal_fingerprints_whoever_they_were_about():
    assert (
        reduce_error("Unknown patient Quillon").fingerprint == reduce_error("Unknown patient Fairweather").fingerprint
    )


ANY_WORDS = st.lists(st.sampled_from(sorted(vocabulary())) | st.text(max_size=12), max_size=20).map(" ".join)


@given(ANY_WORDS)
@example("Source")
def test_no_text_whatever_leaves_a_word_that_is_not_in_the_vocabulary(text):
    template = reduce_error(text).template
    words = {word.strip("[]()").lower() for word in template.split() if not word.startswith("<")}
    assert words <= {word.lower() for word in vocabulary()} | {word for word in words if word.isdigit()}


def test_no_planted_person_survives_in_any_sentence():
    for name in planted_strings():
        for sentence in (
            f"PID-5 does not match the name on file: {name}",
            f"{name} not found",
            f"Error: {name}",
            NAK.replace("Quillon", name),
        ):
            assert name not in reduce_error(sentence).template


@given(
    st.text(st.sampled_from("abt <>[]().1Q\n'\""))
    | st.sampled_from([NAK, "Connection refused by 10.1.1.1", "java.net.ConnectException"])
)
def test_a_template_of_our_own_is_kept_when_it_comes_again(text):
    template = reduce_error(text).template
    assert kept_template(template) == template


@pytest.mark.parametrize(
    "template", ["Unknown patient Field", "quillon refused", "<Quillon> refused", "refused [Quillon]", "", "19310203"]
)
def test_a_template_that_somebody_else_wrote_must_be_of_known_words(template):
    assert kept_template(template) == "<redacted>"


@pytest.mark.parametrize("between", ["\r", "\n", "&#xd;", "&#13;"])
def test_an_acknowledgement_code_is_found_however_a_response_writes_its_line_ends(between):
    assert ack_code(f"<response><message>MSH|^~\\&|A{between}MSA|AE|7{between}</message></response>") == "AE"
