"""Where the time of a wait went: hand-written orders, messages and answers, and the parts they are made of."""

from datetime import timedelta
from statistics import pstdev, pvariance

import pytest

from models.kpis import KPIS
from models.waits import PARTS, WAIT_KINDS, doubts


def at(time):
    return f"2026-01-05T{time}-05:00"


@pytest.fixture
def ordered(hospital):
    """An order of 10:00 whose sample is collected at 11:00; the laboratory system is the record of results."""
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00:00"), at("12:00:00")))
    order(hospital, "10:00:00")
    specimen(hospital, "11:00:00")
    hospital.db.execute("insert into raw.registry_record values ('results', 'LIS')")
    return hospital


def order(hospital, time, key="o1"):
    hospital.deliver(
        "fhir_service_request", order_key=key, encounter_key="e1", patient_key="patient of e1", placer_keys=[f"placer of {key}"],
        status="active", intent="order", category_codes=["108252007"], priority="routine", authored_on=at(time), location_id="room 1",
    )  # fmt: skip


def specimen(hospital, time, key="o1"):
    hospital.deliver(
        "fhir_specimen", specimen_key=f"s of {key}", patient_key="patient of e1", order_keys=[key], collected=at(time)
    )


def message(hospital, uid, received, *steps, node="LIS", key="o1", **more):
    """A message about the order: when it came in, then what happened to it on its way to one destination."""
    about = {"msg_type": "ORM", "msg_trigger": "O01", "placer_key": f"placer of {key}", "flow": "ORDERS"} | more
    if received:
        hospital.event(uid, "received", received, **about)
    for event_type, time in steps:
        error = {"error_class": "timeout"} if event_type == "attempt_failed" else {}
        hospital.event(uid, event_type, time, node=node, **(about | error))


def parts(hospital, kind="order_to_collection"):
    """Part, hop and minutes of every stretch of the only wait of a kind."""
    rows = sorted(hospital.build("marts.wait_part"), key=lambda row: (row["wait_key"], row["part_no"]))
    return [
        (row["part"], row["destination"] or row["channel"], round(row["minutes"], 6))
        for row in rows
        if row["wait_key"].startswith(f"{kind}:")
    ]


def test_the_stretches_of_a_wait_follow_the_message_and_then_the_people(ordered):
    message(
        ordered, "m1", "10:01:00", ("routed", "10:02:00"), ("attempt_started", "10:12:00"), ("delivered", "10:15:00")
    )
    assert parts(ordered) == [
        ("source", "ORDERS", 1),  # 10:00 to 10:01, when the engine had it
        ("transport", "ORDERS", 1),
        ("queue", "LIS", 10),
        ("transport", "LIS", 3),
        ("people", None, 45),  # the laboratory knew at 10:15; the sample was collected at 11:00
    ]


def test_each_stretch_says_which_stage_had_been_reached(ordered):
    message(
        ordered, "m1", "10:01:00", ("routed", "10:02:00"), ("attempt_started", "10:12:00"), ("delivered", "10:15:00")
    )
    rows = [row for row in ordered.build("marts.wait_part") if row["wait_key"] == "order_to_collection:o1"]
    stages = ["happened", "received", "routed", "attempt_started", "told"]
    assert [row["opened_by"] for row in sorted(rows, key=lambda row: row["part_no"])] == stages


def test_failed_tries_are_retry_and_a_try_without_an_answer_is_unacknowledged(ordered):
    message(
        ordered, "m1", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:01:00"), ("attempt_failed", "10:03:00"),
        ("attempt_started", "10:10:00"), ("delivered", "10:11:00"),
    )  # fmt: skip
    assert parts(ordered) == [
        ("queue", "LIS", 1), ("unacknowledged", "LIS", 2), ("retry", "LIS", 7), ("transport", "LIS", 1), ("people", None, 49),
    ]  # fmt: skip


def test_a_message_given_up_is_nobodys_until_it_is_sent_again(ordered):
    message(
        ordered,
        "m1",
        "10:00:00",
        ("routed", "10:00:00"),
        ("attempt_started", "10:00:00"),
        ("dead_lettered", "10:05:00"),
    )
    message(
        ordered, "m2", "10:35:00", ("routed", "10:35:00"), ("attempt_started", "10:35:00"), ("delivered", "10:36:00")
    )
    assert parts(ordered) == [
        ("retry", "LIS", 5), ("unacknowledged", "LIS", 30), ("transport", "LIS", 1), ("people", None, 24),
    ]  # fmt: skip


def test_a_log_that_keeps_only_the_last_try_calls_the_wait_for_it_retry(ordered):
    message(ordered, "m1", "10:00:00", ("routed", "10:00:00"))
    about = {"msg_type": "ORM", "msg_trigger": "O01", "flow": "ORDERS", "attempts_exact": False, "attempt_no": 7}
    ordered.event("m1", "attempt_started", "10:20:00", node="LIS", **about)
    ordered.event("m1", "delivered", "10:21:00", node="LIS", **about)
    assert parts(ordered) == [("retry", "LIS", 20), ("transport", "LIS", 1), ("people", None, 39)]


def test_only_the_way_to_the_system_of_record_counts(ordered):
    message(
        ordered, "m1", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("delivered", "10:05:00")
    )
    message(
        ordered,
        "m1",
        None,
        ("routed", "10:00:00"),
        ("attempt_started", "10:00:00"),
        ("delivered", "10:01:00"),
        node="ARCHIVE",
    )
    assert parts(ordered) == [("transport", "LIS", 5), ("people", None, 55)]


def test_without_a_system_of_record_the_first_delivery_told_somebody(ordered):
    ordered.db.execute("delete from raw.registry_record")
    message(
        ordered, "m1", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("delivered", "10:05:00")
    )
    assert parts(ordered) == [("transport", "LIS", 5), ("people", None, 55)]


def test_an_answer_without_the_message_is_taken_to_have_needed_as_long_as_usual(ordered):
    message(
        ordered, "m1", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("delivered", "10:50:00")
    )
    order(ordered, "10:00:00", key="o2")  # told at 10:50 as well, but collected at 10:30: somebody had telephoned
    specimen(ordered, "10:30:00", key="o2")
    message(
        ordered, "m2", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("delivered", "10:50:00"), key="o2"
    )  # fmt: skip
    rows = [row for row in ordered.build("marts.wait_part") if row["wait_key"] == "order_to_collection:o2"]
    found = {row["part"]: (row["minutes"], row["is_estimated"]) for row in rows}
    assert found == {"transport": (20, True), "people": (10, True)}  # as o1: 10:50 to 11:00
    assert {row["minutes_uncertain"] for row in rows} == {
        0
    }  # of one answer alone nobody can say how much others differ


def test_how_far_an_estimate_may_be_off_is_what_others_needed_from_quick_to_slow(ordered):
    told = (("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("delivered", "10:50:00"))
    message(ordered, "m1", "10:00:00", *told)  # collected at 11:00, 10 min after it was told
    order(ordered, "10:00:00", key="o2")
    specimen(ordered, "11:10:00", key="o2")  # 20 min after
    message(ordered, "m2", "10:00:00", *told, key="o2")
    order(ordered, "10:00:00", key="o3")
    specimen(ordered, "10:40:00", key="o3")  # somebody had telephoned
    message(ordered, "m3", "10:00:00", *told, key="o3")
    rows = [row for row in ordered.build("marts.wait_part") if row["wait_key"] == "order_to_collection:o3"]
    found = {row["part"]: (row["minutes"], row["minutes_uncertain"]) for row in rows}
    assert found == {"transport": (25, 0), "people": (15, (20 - 10) / 4)}  # between 10 and 20 min


def heard(hospital, *waits):
    """When the receiver heard of each, in minutes after 10:00, and how far apart the moments are between which it may have been.

    Every wait begins at 10:00; a pair says when its message came, None for never, and when the sample was taken.
    """
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00:00"), at("23:00:00")))
    hospital.set(as_of=at("23:00:00"))
    hospital.db.execute("insert into raw.registry_record values ('results', 'LIS')")
    for number, (came, taken) in enumerate(waits):
        order(hospital, "10:00:00", key=f"o{number}")
        specimen(hospital, taken, key=f"o{number}")
        last = ("delivered", came) if came else ("dead_lettered", "10:05:00")
        message(hospital, f"m{number}", "10:00:00", ("attempt_started", "10:00:00"), last, key=f"o{number}")
    rows = {row["wait_key"]: row for row in hospital.build("marts.wait_heard")}
    mine = [rows[f"order_to_collection:o{number}"] for number in range(len(waits))]
    return [
        ((row["known_at"] - row["began_at"]) / timedelta(minutes=1), round(row["spread_us"] / 6e7, 6)) for row in mine
    ]


PROMPT = [("10:00:00", "10:20:00")] * 5
"""So here they need 20 minutes after they heard."""


def test_who_acted_much_later_than_others_who_were_told_otherwise_may_have_been_busy_meanwhile(hospital):
    """They need 20 min. Others heard after 40, 60 and 70 min; this one acted after 500: it heard after 480, or after 65 (the median)."""
    told = [(None, "11:00:00"), (None, "11:20:00"), (None, "11:30:00"), (None, "18:20:00")]
    *_, first, _, third, late = heard(hospital, *PROMPT, *told)
    differs = pstdev((40, 60, 70, 480))
    assert first == (40, 0)
    assert third == (70, 70 - 65)
    assert late == (pytest.approx(480 - (480 - 65 - differs) / 2), 480 - 65)


def test_who_acted_before_the_message_needed_what_others_did_who_needed_no_longer_than_that(hospital):
    """Others needed 10, 30, 50 and 90 min. This one acted after 60: so after 50, 30 or 10 min it heard, and cannot have needed 90."""
    others = [("10:00:00", f"1{minutes // 60}:{minutes % 60}:00") for minutes in (10, 30, 50, 90)]
    *_, early = heard(hospital, *others, (None, "11:00:00"))
    assert early == ((50 + 30 + 10) / 3, 50 - 10)


def test_of_those_who_acted_after_a_late_message_as_many_heard_before_it_as_were_seen_to_act_before_theirs(hospital):
    """Three acted without their message after 60, 80 and 100 min: they heard after 40, 60 and 80. Ten in twelve need 20 min, so of those
    whose message came after 240 or 120 min ten in twelve could have been seen, and of who never got one all: 3.5 in all.
    """
    told = [("14:00:00", "11:00:00"), ("14:00:00", "11:20:00"), (None, "11:40:00")]
    *_, late, prompt = heard(hospital, *PROMPT, *PROMPT, *told, ("12:00:00", "16:00:00"), ("10:50:00", "16:00:00"))
    share = (3 + 0.5) / (10 / 12 + 10 / 12 + 1 + 10 / 12 + 1)
    sooner = (3 * (120 - 60) + 120 / 2) / 4  # three say after 60 min, one more that it was at any moment
    squared = share * (3 * (60**2 + pvariance((40, 60, 80))) + 120**2 / 3) / 4
    moved = share * sooner
    assert late == (pytest.approx(120 - moved), pytest.approx(2 * 1.96 * (squared - moved**2) ** 0.5))
    assert prompt[0] == pytest.approx(50 - share * (3 * 0 + 50 / 2) / 4)  # its message came before others lost patience


def test_where_nobody_was_seen_to_be_told_otherwise_the_message_says_it_though_not_for_sure(hospital):
    """Five need 20 min and one 240; its message took 120 min, so five in six would have been seen had they heard half-way."""
    *_, late = heard(hospital, *PROMPT, ("12:00:00", "16:00:00"))
    squared = 0.5 / (5 / 6 + 1) * 120**2 / 3  # at any moment in 120 min, should it be one of them
    assert late == (120, pytest.approx(2 * 1.96 * squared**0.5))


def test_a_message_within_five_minutes_is_on_time(hospital):
    assert heard(hospital, *PROMPT, ("10:05:00", "18:00:00"))[-1] == (5, 0)


def test_a_message_that_no_log_has_leaves_the_wait_unknown(ordered):
    assert parts(ordered) == [("unknown", None, 60)]


def test_an_open_wait_counts_up_to_the_data_cut(ordered):
    ordered.set(as_of=at("11:30:00"))
    order(ordered, "11:00:00", key="o3")
    message(ordered, "m3", "11:00:00", ("routed", "11:00:00"), ("attempt_started", "11:10:00"), key="o3")
    rows = [row for row in ordered.build("marts.wait_part") if row["wait_key"] == "order_to_collection:o3"]
    assert {row["part"]: row["minutes"] for row in rows} == {"queue": 10, "unacknowledged": 20}
    (wait,) = [row for row in ordered.build("marts.wait") if row["wait_key"] == "order_to_collection:o3"]
    assert (wait["is_open"], wait["minutes"]) == (True, 30)


def test_times_of_two_clocks_are_said_to_be(ordered):
    message(ordered, "m1", "10:01:00", ("routed", "10:01:00"), clock="one")
    message(ordered, "m1", None, ("attempt_started", "10:05:00"), ("delivered", "10:06:00"), clock="two")
    rows = ordered.build("marts.wait_part")
    found = {row["part"]: row["is_across_clocks"] for row in rows if row["wait_key"] == "order_to_collection:o1"}
    assert found == {"source": True, "queue": True, "transport": False, "people": True}  # record to engine, and back


def test_a_wait_that_people_tell_each_other_of_is_with_people(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("bed 1", at("09:00:00"), at("11:00:00")), class_code="IMP", end=at("11:00:00"))
    hospital.deliver(
        "fhir_service_request", order_key="d1", encounter_key="e1", patient_key="p", status="completed", intent="order",
        codes=[{"system": "http://snomed.info/sct", "code": "58000006"}], authored_on=at("09:30:00"),
    )  # fmt: skip
    assert parts(hospital, "discharge_to_departure") == [("people", None, 90)]


def test_every_kind_of_wait_and_every_part_has_a_name(ordered):
    message(
        ordered, "m1", "10:01:00", ("routed", "10:02:00"), ("attempt_started", "10:12:00"), ("delivered", "10:15:00")
    )
    assert {row["part"] for row in ordered.build("marts.wait_part")} <= set(PARTS)
    within = {row["wait_kind"]: row["is_within"] for row in ordered.build("marts.wait")}
    assert within == {kind: WAIT_KINDS[kind].is_within for kind in within}
    assert set(within) == {"order_to_collection", "order_to_result"}
    assert {kind.kpi for kind in WAIT_KINDS.values()} - {None} <= set(KPIS)


MONDAYS = (5, 12, 19, 26)


def on(day, time):
    return f"2026-01-{day:02}T{time}-05:00"


@pytest.fixture
def silenced(hospital):
    """Four Mondays: an order at 10:00, told at once, its sample collected after 30 minutes. On the last one the channel is silent
    from 9:30 to 12:00: the order, sent at 10:00, comes at 12:00, and its sample is collected at 12:30.
    """
    hospital.emergency_department()
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, max_silence_minutes) values ('ORDERS', 'engine', 'Northfield', 60)"
    )
    hospital.db.execute(
        """
        insert into raw.interface_event (source, event_uid, message_uid, root_message_uid, event_type, occurred_at, clock_id,
            flow_id, flow_name, node_id, node_role, file_id, line)
        select 'engine', 'beat' || moment, 'beat' || moment, 'beat' || moment, 'received', moment, 'engine',
            'ORDERS', 'ORDERS', '', 'source', 1, 1
        from (select unnest(range(timestamptz '2026-01-05 00:00-05', timestamptz '2026-01-27 00:00-05', interval 5 minute)) as moment)
        where not (moment > timestamptz '2026-01-26 09:30-05' and moment < timestamptz '2026-01-26 12:00-05')
        """
    )
    for day in MONDAYS:
        came, collected = ("12:00:00", "12:30:00") if day == MONDAYS[-1] else ("10:00:00", "10:30:00")
        hospital.visit(f"e{day}", ("room 1", on(day, "09:00:00"), on(day, "13:00:00")))
        hospital.deliver(
            "fhir_service_request", order_key=f"o{day}", encounter_key=f"e{day}", patient_key=f"p{day}", placer_keys=[f"placer {day}"],
            status="active", intent="order", category_codes=["108252007"], authored_on=on(day, "10:00:00"), location_id="room 1",
        )  # fmt: skip
        hospital.deliver(
            "fhir_specimen",
            specimen_key=f"s{day}",
            patient_key=f"p{day}",
            order_keys=[f"o{day}"],
            collected=on(day, collected),
        )
        about = {"msg_type": "ORM", "msg_trigger": "O01", "placer_key": f"placer {day}", "flow": "ORDERS"}
        for event_type, node in (("received", ""), ("routed", "LIS"), ("attempt_started", "LIS"), ("delivered", "LIS")):
            hospital.event(f"m{day}", event_type, "", node=node, occurred_at=on(day, came), **about)
    return hospital


def test_an_incident_cost_what_the_same_hours_of_other_weeks_did_not(silenced):
    (row,) = [row for row in silenced.build("marts.incident_impact") if row["wait_kind"] == "order_to_collection"]
    assert (row["waits"], row["patients"], row["delayed_patients"], row["weeks"]) == (1, 1, 1, 3)
    assert (row["late_minutes"], row["usual_late_minutes"], row["lost_late_minutes"]) == (120, 0, 120)
    assert (row["minutes"], row["usual_minutes"], row["lost_minutes"]) == (150, 30, 120)
    # The other weeks do not differ at all, and nobody was seen to be told another way: of one who could have been that says little.
    margin = 1.96 * (0.5 / (1 + 1) * 120**2 / 3) ** 0.5
    assert (row["lost_late_low"], row["lost_late_high"]) == (pytest.approx(120 - margin), pytest.approx(120 + margin))


def test_the_interval_of_what_an_incident_cost_holds_how_far_off_estimates_may_be(silenced):
    for day, time in zip(MONDAYS, ("10:20:00", "10:30:00", "10:40:00", "11:00:00"), strict=True):
        silenced.db.execute(
            "update raw.fhir_specimen set collected = $at where specimen_key = $key",
            {"at": on(day, time), "key": f"s{day}"},
        )
    silenced.db.execute(
        """
        update raw.interface_event set occurred_at = timestamptz '2026-01-26 09:59:30-05'
        where message_uid = 'm26' and event_type in ('received', 'routed')
        """
    )
    (row,) = [row for row in silenced.build("marts.incident_impact") if row["wait_kind"] == "order_to_collection"]
    # In the engine since 9:59:30, delivered at 12:00, but collected at 11:00: people need 30 minutes as a rule, so they heard at 10:30 in
    # another way; people need from 20 to 40 minutes, so it may have been 10 earlier or later.
    assert (row["lost_late_low"], row["lost_late_minutes"], row["lost_late_high"]) == (30 - 10, 30, 30 + 10)


def test_an_incident_without_three_weeks_to_compare_has_no_interval(silenced):
    silenced.db.execute("delete from raw.fhir_service_request where order_key = 'o5'")
    (row,) = [row for row in silenced.build("marts.incident_impact") if row["wait_kind"] == "order_to_collection"]
    assert (row["weeks"], row["lost_late_minutes"], row["lost_late_low"], row["lost_high"]) == (2, 120, None, None)


def test_messages_that_belong_to_no_case_say_why(ordered):
    message(ordered, "m1", "10:00:00")
    message(ordered, "m2", "10:00:00", key="another")
    ordered.event("m3", "received", "10:00:00", msg_type="ADT", msg_trigger="A04", visit_key="visit of e1")
    ordered.event("m4", "received", "10:00:00", msg_type="ADT", msg_trigger="A04", visit_key="visit of nobody")
    ordered.event("m5", "received", "10:00:00", msg_type="ADT", msg_trigger="A40")
    ordered.event("m6", "received", "10:00:00", msg_type="ADT", msg_trigger="A08")
    found = {
        (row["msg_trigger"], row["matched"] or row["reason"]): row["share"]
        for row in ordered.build("marts.message_match")
    }
    assert found == {
        ("O01", "order"): 0.5, ("O01", "unknown_order"): 0.5, ("A04", "visit"): 0.5, ("A04", "unknown_visit"): 0.5,
        ("A40", "about_records"): 1, ("A08", "no_number"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("estimated", "across", "said"),
    [
        (False, False, []),
        (True, False, ["estimated"]),
        (False, True, ["between two clocks"]),
        (True, True, ["estimated", "between two clocks"]),
    ],
)
def test_a_length_that_one_clock_measured_is_in_no_doubt(estimated, across, said):
    assert doubts({"is_estimated": estimated, "is_across_clocks": across}) == said
