"""What an engine's own counters tell beside its log: messages that the log lacks, and counters that were set back."""

import pytest

NAMES = ("received", "filtered", "sent", "error")


def read(hospital, at, received, *, node="", server="a", day=5, lifetime=None, flow="f-1", **others):
    """One reading of the counters of a connector, or of the whole channel."""
    counts = {f"{name}_count": others.get(name, 0) for name in NAMES} | {"received_count": received}
    if lifetime is not None:
        counts |= {f"{name}_lifetime_count": 0 for name in NAMES} | {"received_lifetime_count": lifetime}
    hospital.deliver(
        "counter_sample",
        sample_uid=f"{flow}{server}{node}{day}{at}",
        source="engine",
        flow_id=flow,
        node_id=node,
        server_id=server,
        sampled_at=f"2026-01-{day:02}T{at}:00-05:00",
        **counts,
    )


def came(hospital, *times, flow="f-1"):
    """Messages of the log, and a last one of another flow: the log goes on."""
    for at in times:
        hospital.event(
            f"{flow}:{at}", "received", "", occurred_at=f"2026-01-05T{at[:5]}{at[5:] or ':00'}-05:00", flow=flow
        )
    hospital.event("end", "received", "", occurred_at="2026-01-09T10:00:00-05:00", flow="another")


def spans(hospital):
    found = sorted(hospital.build("marts.counter_span"), key=lambda row: row["until_at"])
    told = ("counted_messages", "logged_messages", "missing_messages", "resets")
    return [(f"{row['until_at']:%H:%M}", *(row[name] for name in told)) for row in found]


def gaps(hospital):
    found = sorted(hospital.build("marts.counter_gap"), key=lambda row: row["from_at"])
    return [
        (row["kind"], f"{row['from_at']:%H:%M}", f"{row['until_at']:%H:%M}", row["missing_messages"], row["resets"])
        for row in found
    ]


def test_what_the_counters_have_and_the_log_lacks_is_missing(hospital):
    came(hospital, "08:10", "08:20", "09:30")
    for at, received in (("08:00", 100), ("08:50", 102), ("09:50", 110), ("10:50", 111)):
        read(hospital, at, received)
    # 102 - 100 and two in the log; 110 - 102 and one; 111 - 110 and none
    assert spans(hospital) == [("08:50", 2, 2, 0, 0), ("09:50", 8, 1, 7, 0), ("10:50", 1, 0, 1, 0)]
    assert gaps(hospital) == [("missing", "08:50", "10:50", 7 + 1, None)]


def test_readings_of_one_hour_are_one_stretch(hospital):
    came(hospital, "08:10", "08:20", "08:30")
    for at, received in (("08:00", 5), ("08:15", 6), ("08:25", 7), ("08:35", 8)):
        read(hospital, at, received)
    assert spans(hospital) == [("08:35", 3, 3, 0, 0)]
    assert gaps(hospital) == []


def test_a_message_dated_just_before_a_reading_that_has_not_counted_it_yet_is_not_missing_later(hospital):
    came(hospital, "08:49:30")
    for at, received in (("08:00", 5), ("08:50", 5), ("09:50", 6)):
        read(hospital, at, received)
    assert spans(hospital) == [("08:50", 0, 1, 0, 0), ("09:50", 1, 0, 0, 0)]


def test_a_count_that_went_back_is_a_gap_and_never_a_zero(hospital):
    came(hospital, "08:10", "08:20")
    for at, received in (("08:00", 100), ("08:50", 1), ("09:50", 1)):
        read(hospital, at, received)
    assert spans(hospital) == [("08:50", None, 2, None, 1), ("09:50", 0, 0, 0, 0)]
    assert gaps(hospital) == [("reset", "08:00", "08:50", None, 1)]


def test_a_lifetime_count_goes_on_over_a_reset_and_shows_one_that_was_counted_over(hospital):
    came(hospital, "08:10")
    for at, received, lifetime in (("08:00", 3, 100), ("08:50", 4, 104), ("09:50", 4, 104)):
        read(hospital, at, received, lifetime=lifetime)
    # four came by the lifetime count, one by the other: that was set back to nothing and has counted to four again
    assert spans(hospital) == [("08:50", 4, 1, 3, 1), ("09:50", 0, 0, 0, 0)]
    assert gaps(hospital) == [("missing", "08:00", "08:50", 3, None), ("reset", "08:00", "08:50", None, 1)]


@pytest.mark.parametrize("counter", ["filtered", "sent", "error"])
def test_a_connector_whose_counter_went_back_is_a_reset_of_its_channel(hospital, counter):
    came(hospital, "08:10")
    read(hospital, "08:00", 5)
    read(hospital, "08:00", 0, node="1", **{counter: 9})
    read(hospital, "08:50", 6)
    read(hospital, "08:50", 0, node="1", **{counter: 2})
    assert spans(hospital) == [("08:50", 1, 1, 0, 1)]


def test_servers_are_summed_and_a_channel_without_a_count_of_its_own_has_that_of_its_source(hospital):
    came(hospital, "08:10", "08:20", "08:30")
    for server, before, after in (("a", 10, 12), ("b", 20, 21)):
        read(hospital, "08:00", before, node="0", server=server)
        read(hospital, "08:50", after, node="0", server=server)
        read(hospital, "08:00", 500, node="1", server=server)
        read(hospital, "08:50", 900, node="1", server=server)
    assert spans(hospital) == [("08:50", (12 - 10) + (21 - 20), 3, 0, 0)]


def test_what_was_counted_after_the_log_ends_is_not_missing_yet(hospital):
    hospital.event("f-1:1", "received", "08:10:00", flow="f-1")
    for at, received in (("08:00", 5), ("08:50", 6), ("11:50", 9)):
        read(hospital, at, received)
    assert spans(hospital) == [("08:50", 1, 1, 0, 0), ("11:50", 3, 0, None, 0)]
    assert gaps(hospital) == []
