"""HL7 v2 messages and acknowledgements from files and captures: what their bytes, times and control ids prove."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import due, keys
from pipelines.errors import ZoneNeeded
from pipelines.settings import SourceSettings
from pipelines.sources import SOURCES, hl7_columns, hl7_envelope, hl7_messages
from pipelines.sources.hl7_numbers import Assigners
from pipelines.sources.source import Head
from tests.sources.conftest import KEY

SETTINGS = '[[sources]]\nname = "link"\nkind = "hl7"\npath = "landing/link"\n'
ZONED = SETTINGS + 'zone = "America/New_York"\n'
PID = "PID|1||LK1^^^^MR"
DELIVERIES = """select channel, destination, state, attempts, attempts_exact, ack_latency_ms
    from marts.message_delivery order by received_at, channel"""


def message(
    number="1", sent="20260104090000", link="EHR|LARK|LIS|LARK", *, kind="ADT^A01", more=("P", "2.5"), body=(PID,)
):
    return "\r".join([f"MSH|^~\\&|{link}|{sent}||{kind}|C{number}|{'|'.join(more)}", *body]) + "\r"


def answer(code="AA", of="C1", sent="20260104090001", link="LIS|LARK|EHR|LARK", own="A1", body=()):
    return "\r".join([f"MSH|^~\\&|{link}|{sent}||ACK|{own}|P|2.5", f"MSA|{code}|{of}", *body]) + "\r"


def frame(text, captured=""):
    return (f"[{captured}]\n" if captured else "") + f"\x0b{text}\x1c\r"


def at(seconds):
    return f"2026-01-04T09:{int(seconds) // 60:02}:{seconds % 60:06.3f}-05:00"


@pytest.fixture
def events(new_site, put):
    """The events of a capture that says this: each its type and message."""

    def read(*content, text=ZONED, columns="event_type, message_uid is not null"):
        site = new_site(text)
        site.ingest(put("capture.hl7", *content))
        return site.rows(f"select {columns} from raw.interface_event order by occurred_at, event_type")

    return read


@pytest.fixture
def delivered(new_site, put):
    """The deliveries that captures, each a file, come to."""

    def read(*captures, query=DELIVERIES):
        site = new_site(ZONED)
        for number, content in enumerate(captures):
            site.ingest(put(f"{number}.mllp", *content))
        site.build("marts.message_delivery")
        return site.rows(query)

    return read


# --- bytes


def test_segments_may_end_with_cr_lf_or_both_and_blank_lines_may_lie_between(new_site, put):
    text = message("1") + message("2") + answer()
    ends = [text.replace("\r", end) for end in ("\n", "\r\n", "\r\n\r\n", "\n\r")]
    found = []
    for content in (text, *ends, "\ufeff" + text, text.replace("\rMSH", "\r\r\n \rMSH")):
        site = new_site(ZONED)
        assert site.ingest(put("capture.hl7", content)).totals["loaded"] == 3
        found.append(site.state())
    assert found == [found[0]] * 7


def test_a_capture_holds_both_directions_and_what_lies_between_frames_is_set_aside(new_site, put):
    site = new_site(ZONED)
    path = put(
        "a.mllp", "PV1|tail of a message\r\x1c\r", frame(message()), "keepalive\n", frame(answer()), frame("none")
    )
    totals = site.ingest(path).totals
    assert (totals["loaded"], totals["quarantined"]) == (2, 3)
    assert {rule for (rule,) in site.rows("select rule from account.quarantine")} == {"outside_a_message"}


def test_remarks_of_the_capture_that_begin_with_a_time_are_ignored(new_site, put):
    site = new_site(ZONED)
    totals = site.ingest(put("a.mllp", "2026-01-04 08:59:00 connected\n", frame(message(), at(0)))).totals
    assert (totals["loaded"], totals["ignored"], totals["quarantined"]) == (1, 1, 0)


def test_one_message_in_a_file_needs_no_line_end_but_of_several_the_last_does(new_site, put):
    site = new_site(ZONED)
    assert site.ingest(put("one.hl7", message().rstrip())).totals["loaded"] == 1
    totals = site.ingest(put("two.hl7", message("2") + message("3").rstrip())).totals
    assert (totals["loaded"], totals["quarantined"]) == (1, 1)
    assert site.rows("select rule, line from account.quarantine") == [("truncated", 3)]


def test_while_a_file_grows_its_last_message_waits_because_more_segments_may_follow(new_site):
    site = new_site("settle_seconds = 60\n" + ZONED)
    path = site.home.path / "landing" / "link" / "a.hl7"
    path.parent.mkdir(parents=True)
    path.write_bytes((message("1") + message("2", body=())).encode())
    (file,) = due.take_in(site.db, site.settings).files
    assert (file.loaded, file.findings["tail_held_back"]) == (1, 1)
    path.write_bytes((message("1") + message("2") + message("3")).encode())
    due.take_in(site.db, site.settings)
    keys_of_2 = site.rows(
        "select count(*) from raw.interface_event where mrn_key is not null and event_type = 'received'"
    )
    assert keys_of_2 == [(2,)]


def test_messages_of_a_batch_have_it_as_their_parent_and_it_is_no_message_itself(events):
    batch = "FHS|^~\\&|A\rBHS|^~\\&|EHR||||20260104||||B7\r" + message("1") + message("2") + "BTS|2\rFTS|1\r"
    found = events(
        batch + message("3"), columns="message_uid, parent_message_uid, root_message_uid = message_uid, event_type"
    )
    received = [each for each in found if each[3] == "received"]
    assert len({uid for uid, *_ in received}) == 3
    parents = [parent for _, parent, _, _ in received]
    assert len(set(parents)) == 2
    assert parents.count(None) == 1
    assert all(is_root for _, _, is_root, _ in received)


@pytest.mark.parametrize(("charset", "encoding"), [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("", "utf-8")])
def test_a_number_with_letters_is_read_in_the_character_set_that_the_message_names(events, charset, encoding):
    text = message(more=("P", "2.5", "", "", "", "", "", charset), body=("PID|1||LÄ1",))
    ((key,),) = events(text.encode(encoding), columns="distinct mrn_key")
    assert key == keys.keyed(KEY.encode(), "mrn", "link", "LÄ1")


def test_a_message_that_is_not_in_its_character_set_is_quarantined_only_where_a_field_that_is_read_is(new_site, put):
    site = new_site(ZONED)
    name = message("1", body=("PID|1||LK1||Ä",)).encode("latin-1")
    number = message("2", body=("PID|1||LÄ1",)).encode("latin-1")
    totals = site.ingest(put("a.hl7", name, number)).totals
    assert (totals["loaded"], totals["quarantined"]) == (1, 1)


@pytest.mark.parametrize(
    "start", [b"\x0bMSH|^~\\&|A", b"\xef\xbb\xbfMSH|^~\\&|A", b"FHS|^~\\&|A", b"[2026-01-04T09:00:00] x\r\nMSH#*~\\&#A"]
)
def test_a_capture_is_known_by_its_content(start):
    assert SOURCES["hl7"].recognises(Head("x.txt", start.removeprefix(b"\xef\xbb\xbf")), None)


@pytest.mark.parametrize(
    "start", [b'{"raw": "MSH|^~\\\\&|A"}', b"<content>MSH|^~\\&amp;|A", b"id,MSH|^~\\&|A", b"MSHA|"]
)
def test_a_message_inside_something_else_is_no_capture(start):
    assert not SOURCES["hl7"].recognises(Head("x.hl7", start), None)


# --- the same fields as the reader of single messages

_TEXT = st.text('AB1^&~"', max_size=8)
_CX = st.sampled_from(["", "7", '""', "7^^^L^MR", "1^^^X^SS~2^^^L", "~8^^^N&1.2.3&ISO^PI", "9&x^^^^VN"])
_SEGMENT = st.one_of(
    st.builds("PID|1||{}|{}".format, _CX, _TEXT),
    st.builds(lambda n: "PV1|1" + "|" * 18 + n, _CX),
    st.builds("ORC|NW|{}|{}".format, _CX, _CX),
    st.builds("OBR|1|{}|{}|x".format, _CX, _CX),
    st.builds("MRG|{}".format, _CX),
    st.sampled_from(["ZZZ|1", "Q9Q|", "PV1", "OBX|1|TX|||a raw\rline", "PID"]),
)
_MESSAGE = st.builds(
    lambda trigger, version, segments: "\r".join(
        [f"MSH|^~\\&|A|B|C|D|20260104090000||ADT^{trigger}|7|P|{version}", *segments]
    ),
    st.sampled_from(["A01", "A40", "A37", ""]),
    st.sampled_from(["2.5.1", "2.3^x", "", "two"]),
    st.lists(_SEGMENT, max_size=5),
)


class _Nobody:
    """A session that is told nothing, for reading bytes."""

    class settings:  # noqa: N801 -- an attribute of a session
        max_line_megabytes = 1

    def holds_back(self, *_):
        return False


def rows_of(content, source):
    class _File:
        file_id = lines_read = 0

    class _Stream:
        damaged, rest = False, content

        def read(self, size):
            taken, self.rest = self.rest[:size], self.rest[size:]
            return taken

    blocks = hl7_messages.Reader(_Nobody(), _File()).blocks(_Stream())
    return pa.concat_tables([hl7_columns.columns(found, source) for found in blocks]).to_pylist()


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(_MESSAGE, min_size=1, max_size=4))
def test_a_thousand_messages_at_once_say_what_each_says_by_itself(texts):
    source = SourceSettings(name="link", kind="hl7", assigners={"mrn": {"L": "urn:l"}})
    assigners = Assigners(source)
    found = rows_of("".join(text + "\r" for text in texts).encode(), source)
    assert len(found) == len(texts)
    for row, text in zip(found, texts, strict=True):
        alone = hl7_envelope.read(text)
        assert (row["type"], row["trigger"], row["shape"]) == (alone.type, alone.trigger, alone.shape)
        for kind in ("mrn", "visit", "placer", "filler"):
            segments = text.count("\rPID") + text.count("\rPV1") + text.count("\rORC") + text.count("\rOBR")
            if segments > 1:
                continue  # of several segments the first one counts here, there the first that holds a number
            chosen = assigners.choose(kind, getattr(alone, kind))
            assert row[f"{kind}_authority"] == (chosen and chosen.authority)
            if chosen:
                assert row[kind].split("~")[row[f"{kind}_place"]].split("^")[0] == chosen.value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_MESSAGE, min_size=1, max_size=5), size=st.integers(1, 90), framed=st.booleans())
def test_where_a_block_of_bytes_ends_makes_no_difference(texts, size, framed, monkeypatch):
    source = SourceSettings(name="link", kind="hl7")
    content = "".join(frame(text + "\r", at(1)) if framed else text + "\r\n" for text in texts).encode()
    whole = rows_of(content, source)
    with monkeypatch.context() as patch:
        patch.setattr(hl7_messages, "BLOCK_BYTES", size)
        assert rows_of(content, source) == whole


def test_a_message_may_declare_other_delimiters(events):
    ((key, kind),) = events(
        "MSH#*!\\%#EHR#LARK#LIS#LARK#20260104090000##ADT*A01#C1#P#2.5\rPID#1##9***X*SS!LK1***%urn:lark:mrn*MR\r",
        columns="distinct mrn_key, msg_trigger",
    )
    assert (key, kind) == (keys.keyed(KEY.encode(), "mrn", "urn:lark:mrn", "LK1"), "A01")


# --- times


def test_without_a_capture_time_the_sender_dates_the_message_and_that_is_said(events):
    found = events(
        message(sent="20260104090000.25-0600"), columns="occurred_at::varchar, quality_flags, sent_at is null"
    )
    assert found == [("2026-01-04 15:00:00.25+00", ["time_of_sender"], True)] * 2


def test_the_time_of_capture_wins_and_the_senders_is_kept_beside_it(events):
    columns = "occurred_at::varchar, sent_at::varchar, clock_id, event_type"
    received = events(frame(message(), at(2)), columns=columns)[-1]
    assert received == ("2026-01-04 14:00:02+00", "2026-01-04 14:00:00+00", "link:capture", "received")


@pytest.mark.parametrize(
    ("sent", "rule"),
    [("20260104", "date_only"), ("202601", "date_only"), ("2026010409", "no_time"), ("", "no_time"), ("noon", "no_time"),
     ("19700101000000", "unset_time"), ("20260230090000", "no_time"), ("00010101000000", "unset_time"),
     ("99991231235959", "future_time")],
)  # fmt: skip
def test_a_time_without_its_minutes_is_never_padded(new_site, put, sent, rule):
    site = new_site(ZONED)
    assert site.ingest(put("a.hl7", message(sent=sent))).totals["quarantined"] == 1
    assert site.rows("select rule from account.quarantine") == [(rule,)]


@pytest.mark.parametrize(
    ("sent", "precision"),
    [("202601040900", "min"), ("20260104 0900", "min"), ("20260104090000", "s"), ("20260104090000.0", "ms")],
)
def test_how_exact_a_time_is_is_kept(events, sent, precision):
    assert events(message(sent=sent), columns="distinct occurred_at::varchar, time_precision") == [
        ("2026-01-04 14:00:00+00", precision)
    ]


def test_one_clock_that_runs_years_ahead_does_not_make_all_else_look_old(new_site, put):
    site = new_site(ZONED)
    site.ingest(put("a.hl7", message("1"), message("2", sent="22990104090000"), message("3")))
    assert site.rows("select line, rule, line_hash is not null from account.quarantine") == [(3, "future_time", True)]
    assert site.rows("select max(occurred_at)::varchar from raw.interface_event") == [("2026-01-04 14:00:00+00",)]


@pytest.mark.parametrize("sent", ["99991231235959", "00010101000000", "noon"])
def test_a_senders_date_that_cannot_be_is_flagged_where_the_capture_says_the_time(events, sent):
    columns = "event_type, occurred_at::varchar, sent_at, quality_flags"
    received = events(frame(message(sent=sent), at(2)), columns=columns)[-1]
    assert received == ("received", "2026-01-04 14:00:02+00", None, ["sent_at_unreadable"])


def test_a_message_that_comes_in_several_batches_was_sent_once(new_site, put):
    site = new_site(ZONED)
    batches = (f"BHS|^~\\&|EHR||||20260104||||B{n}\r{message()}BTS|1\r" for n in (7, 8))
    loaded = [site.ingest(put(f"{n}.hl7", text)).totals["loaded"] for n, text in enumerate((*batches, message()))]
    assert loaded == [1, 0, 0]
    assert site.rows("select count(*) from raw.interface_event where event_type = 'received'") == [(1,)]


def test_a_time_without_an_offset_needs_the_sources_zone(events):
    with pytest.raises(ZoneNeeded, match="line 1: a time has no offset"):
        events(message(), text=SETTINGS)
    assert len(events(message(sent="20260104090000-0500"), text=SETTINGS)) == 2


def test_the_hour_that_comes_twice_is_flagged(events):
    assert events(message(sent="20261101013000"), columns="distinct time_ambiguous") == [(True,)]


# --- what counts


@pytest.mark.parametrize("processing", ["T", "D", "T^T"])
def test_test_traffic_is_counted_and_in_no_figure(new_site, put, processing):
    site = new_site(ZONED)
    report = site.ingest(put("a.hl7", message(more=(processing, "2.5")), message("2")))
    assert (report.totals["ignored"], report.totals["loaded"]) == (1, 1)
    assert report.files[0].findings["test_traffic"] == 1


def test_a_message_without_control_id_is_flagged_and_two_of_two_patients_stay_two(events):
    text = message().replace("|C1|", "||")
    found = events(text + text.replace("LK1", "LK2"), columns="distinct message_uid, quality_flags")
    assert [flags for _, flags in found] == [["time_of_sender", "no_control_id"]] * 2


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [("AE", "ERR||PID^1|204^Unknown key^HL70357|E", ("nack", "204", "nack sent from receiver (error)")),
     ("AR", "ERR||PID^1|Fairweather", ("nack", "AR", "nack sent from receiver (rejected)"))],
)  # fmt: skip
def test_of_a_refusal_its_code_is_kept_and_no_text(events, code, error, expected):
    found = events(answer(code, body=(error,)), columns="event_type, error_class, error_code, error_template")
    assert found == [("failed", *expected), ("nack_received", *expected)]


def test_an_answer_with_an_unknown_code_is_counted_and_not_guessed(events):
    assert events(answer("OK"), columns="event_type, quality_flags") == [
        ("unknown", ["time_of_sender", "unknown_status"])
    ]


# --- pairing by control id

LINK = "EHR/LARK > LIS/LARK"


def test_an_acknowledgement_ends_the_delivery_whose_control_id_it_names(delivered):
    assert delivered([frame(message(), at(0)), frame(answer(), at(0.25))]) == [
        (LINK, "LIS/LARK", "delivered", 1, True, 250.0)
    ]


def test_a_refused_message_is_failed_until_it_is_sent_again_and_accepted(delivered):
    refused = [frame(message(), at(0)), frame(answer("AE"), at(1))]
    again = [frame(message(), at(60)), frame(answer("AA", own="A2"), at(62))]
    assert delivered(refused) == [(LINK, "LIS/LARK", "failed", 1, True, None)]
    assert delivered(refused, again) == [(LINK, "LIS/LARK", "delivered", 2, True, 2000.0)]


def test_a_commit_and_a_deferred_application_acknowledgement_in_another_file_answer_one_message(delivered):
    capture = [frame(message(), at(0)), frame(answer("CA"), at(1))]
    late = [frame(answer("AE", own="A2"), at(30))]
    assert delivered(capture) == [(LINK, "LIS/LARK", "delivered", 1, True, 1000.0)]
    for order in ((capture, late), (late, capture)):
        assert delivered(*order) == [(LINK, "LIS/LARK", "failed", 1, True, None)]


PAIRS = """select count(*), count(message_uid), count(distinct message_uid), count(*) filter (where is_ambiguous)
    from staging.acknowledgement"""


def test_a_control_id_that_is_used_again_finds_the_nearest_message(delivered):
    capture = []
    for second in (0, 10, 20):  # the same control id for every message, each answered before the next one
        capture += [
            frame(message(sent=f"202601040900{second:02}"), at(second)),
            frame(answer(own=f"A{second}"), at(second + 1)),
        ]
    assert delivered(capture, query=PAIRS) == [(3, 3, 3, 0)]


def test_an_acknowledgement_that_may_be_of_two_open_messages_is_counted_as_ambiguous(delivered):
    two = [frame(message(sent="20260104090000"), at(0)), frame(message(sent="20260104090005"), at(5))]
    assert delivered([*two, frame(answer(), at(6))], query=PAIRS) == [(1, 1, 1, 1)]


def test_senders_with_the_same_control_ids_are_told_apart_by_their_link(delivered):
    other = "LAB2|LARK|LIS|LARK"
    capture = [frame(message(), at(0)), frame(message(link=other), at(1)), frame(answer(), at(2))]
    assert [(row[0], row[2]) for row in delivered(capture)] == [(LINK, "delivered"), ("LAB2/LARK > LIS/LARK", "queued")]


def test_an_acknowledgement_that_names_no_parties_finds_the_one_open_message(delivered):
    capture = [frame(message(), at(0)), frame(answer(link="|||"), at(1))]
    assert delivered(capture) == [(LINK, "LIS/LARK", "delivered", 1, True, 1000.0)]


def test_an_acknowledgement_that_nothing_answers_to_stays_without_a_message(delivered):
    capture = [frame(message(), at(0)), frame(answer(of="C9"), at(1))]
    assert delivered(capture, query=PAIRS) == [(1, 0, 0, 0)]
    long_ago = [frame(message(), "2026-01-01T09:00:00Z"), frame(answer(), at(1))]
    assert delivered(long_ago, query=PAIRS) == [(1, 0, 0, 0)]


def test_clocks_of_sender_and_receiver_may_differ_and_no_latency_is_taken_across_them(delivered):
    capture = [message(sent="20260104090010"), answer(sent="20260104090009")]
    assert delivered(capture) == [(LINK, "LIS/LARK", "delivered", 1, False, None)]


def test_the_same_bytes_in_another_capture_add_nothing_but_another_time_is_another_attempt(delivered):
    capture = [frame(message(), at(0)), frame(answer(), at(1))]
    again = [frame(message(), at(5)), frame(answer(), at(6))]
    assert delivered(capture, [*capture, "\n"]) == delivered(capture)
    assert delivered(capture, again) == [(LINK, "LIS/LARK", "delivered", 2, True, 1000.0)]
