"""OpenHIM, rule by rule: what a transaction or a task proves, and what it cannot."""

import json
import random
from pathlib import Path

import pytest

from pipelines import intake, keys
from pipelines.errors import ZoneNeeded

KEY = b"a site key for tests only"
REAL = Path(__file__).parents[3] / "shared/data/middleware/openhim_transaction_testdata.json"
T0 = "2026-01-04T14:00:00.000Z"


def number(n: int) -> str:
    return f"{n:024x}"


def at(ms: int) -> str:
    return f"2026-01-04T14:00:{ms // 1000:02}.{ms % 1000:03}Z"


def call(name: str, begun: int | str | None, ended: int | str | None = None, status: int = 200, **more) -> dict:
    written = [at(when) if isinstance(when, int) else when for when in (begun, ended)]
    made = {"name": name, "request": {"timestamp": written[0]}}
    return made | ({"response": {"status": status, "timestamp": written[1]}} if ended is not None else {}) | more


def transaction(n=1, status="Successful", answered: int | None = 90, http=200, method="POST", **more) -> dict:
    made = {
        "_id": number(n),
        "channelID": number(800),
        "canRerun": True,
        "status": status,
        "request": {"path": "/x", "method": method, "timestamp": at(0)},
    }
    return made | ({} if answered is None else {"response": {"status": http, "timestamp": at(answered)}}) | more


def task(*tids: int, user="someone@larkhill.example", n=700) -> dict:
    return {
        "_id": number(n),
        "status": "Completed",
        "batchSize": 1,
        "created": at(5000),
        "user": user,
        "transactions": [{"tid": number(tid), "tstatus": "Completed"} for tid in tids],
    }


def proven(site, where="true") -> list:
    """`(event, ms)` of the events where."""
    return site.rows(
        f"select event_type, (epoch_ms(occurred_at) - epoch_ms('{T0}'::timestamptz))::bigint as ms from raw.interface_event "
        f"where {where} order by ms, event_type"
    )


OUTCOMES = [
    (transaction(), [("delivered", 90)]),
    (transaction(status="Processing", answered=None), []),
    (transaction(status="Pending Async", http=202), []),
    (transaction(status="Failed", http=500), [("dead_lettered", 90), ("failed", 90)]),
    (transaction(status="Failed", http=500, autoRetry=True), [("attempt_failed", 90)]),
    (transaction(status="Completed", http=404), [("failed", 90), ("nack_received", 90)]),
    (transaction(status="Completed", http=404, method="GET"), [("delivered", 90)]),
    (transaction(status="Completed", http=400, method="GET"), [("failed", 90), ("nack_received", 90)]),
    (transaction(status="Completed with error(s)"), [("delivered", 90)]),
    (transaction(status="Failed", answered=None), [("dead_lettered", 0), ("failed", 0)]),
    (transaction(status="Successful", http=500), [("delivered", 90)]),  # a mediator's word wins over the HTTP status
    (transaction(status="Failed", http=200), [("dead_lettered", 90), ("failed", 90)]),
]


def test_a_status_proves_what_became_of_the_primary_route(site, put):
    site.ingest(put("a.json", json.dumps([one | {"_id": number(n)} for n, (one, _) in enumerate(OUTCOMES)])))
    for n, (one, outcome) in enumerate(OUTCOMES):
        assert proven(site, f"node_id = 'primary' and message_uid = 'him-lark:{number(n)}'") == sorted(
            [("attempt_started", 0), ("routed", 0), *outcome], key=lambda one: (one[1], one[0])
        ), one


STEPS = [
    (call("lab", 5, 60), ["delivered"]),
    (call("lab", 5, 60, 503), ["failed"]),
    (call("lab", 5, 60, 422), ["failed", "nack_received"]),
    (call("lab", 5, error={"message": "socket hang up"}), ["failed"]),
    (call("lab", 5), []),
]


@pytest.mark.parametrize("kind", ["routes", "orchestrations"])
def test_routes_are_deliveries_and_orchestrations_are_steps(site, put, kind):
    site.ingest(put("a.json", json.dumps([transaction(n, **{kind: [step]}) for n, (step, _) in enumerate(STEPS)])))
    begun = ["attempt_started", "routed"] if kind == "routes" else ["attempt_started"]
    role = "destination" if kind == "routes" else "transform"
    for n, (_, outcome) in enumerate(STEPS):
        found = site.rows(
            f"""select event_type, node_role, node_name from raw.interface_event
            where node_id not in ('', 'primary') and message_uid = 'him-lark:{number(n)}' order by epoch_ms(occurred_at), 1"""
        )
        assert sorted(found) == sorted((event, role, "lab") for event in begun + outcome)


def test_the_same_step_twice_is_two_steps(site, put):
    site.ingest(put("a.json", json.dumps([transaction(orchestrations=[call("look", 5, 6), call("look", 5, 6)])])))
    assert proven(site, "node_role = 'transform' and event_type = 'delivered'") == [("delivered", 6)] * 2


def test_what_a_crash_left_behind_is_open_until_the_next_start_says_so(site, put):
    site.ingest(put("a.json", json.dumps([transaction(status="Processing", answered=None)])))
    assert ("failed", 0) not in proven(site)
    error = {"message": "OpenHIM crashed while still waiting for a response"}
    (file,) = site.ingest(put("b.json", json.dumps([transaction(status="Failed", answered=None, error=error)]))).files
    assert dict(file.findings) == {"engine_crashed": 1}
    assert ("dead_lettered", 0) in proven(site)


@pytest.mark.parametrize("state", ["Quillon said so", "Quillon"])
def test_a_state_nobody_knows_is_counted_and_never_guessed(site, put, state):
    (file,) = site.ingest(put("a.json", json.dumps([transaction(status=state)]))).files
    assert dict(file.findings) == {"unknown_status": 1}
    assert site.rows("select native_type from raw.interface_event where event_type = 'unknown'") == [("<redacted>",)]


def test_retries_and_a_persons_rerun_are_one_message_with_its_attempts(site, put):
    chain = [
        transaction(1, "Failed", http=500, autoRetry=True, wasRerun=True, childIDs=[number(2)]),
        transaction(2, "Failed", http=500, autoRetry=True, autoRetryAttempt=1, parentID=number(1)),
        transaction(3, "Failed", http=500, autoRetryAttempt=2, parentID=number(2)),
        transaction(4, "Successful", parentID=number(3)),
    ]
    for n, one in enumerate(chain):
        one["request"]["timestamp"], one["response"]["timestamp"] = at(n * 2000), at(n * 2000 + 90)
    chain[3]["request"]["timestamp"], chain[3]["response"]["timestamp"] = at(5500), at(5590)
    for n in random.Random(3).sample(range(4), 4):  # noqa: S311 -- any order
        site.ingest(put(f"{n}.json", json.dumps([chain[n]])))
    site.ingest(put("tasks.json", json.dumps([task(3), task(1, user="internal", n=701)])))
    site.db.execute("set variable as_of = timestamptz '2026-01-05'")
    site.build("staging.delivery", "marts.intervention")
    assert site.rows(
        "select right(message_uid, 2), last_event, attempts, attempts_exact, resolved_at is not null from staging.delivery"
    ) == [("01", "delivered", 4, True, True)]
    assert site.rows("select kind, right(message_key, 2) from marts.intervention") == [("replayed", "01")]


def test_a_task_says_who_asked_for_a_message_to_be_sent_again(site, put):
    site.ingest(put("tasks.json", json.dumps([task(1, 2), task(3, user="internal", n=701), task(n=702)])))
    who = keys.keyed(KEY, "user", "him-lark", "someone@larkhill.example")
    assert site.rows("select event_type, right(message_uid, 2), actor_key from raw.interface_event order by 2") == [
        ("replay_requested", "01", who),
        ("replay_requested", "02", who),
    ]
    assert site.rows("select loaded, ignored from account.file") == [(1, 2)]


WRITTEN = [
    (number(1), at(90)),
    ({"$oid": number(1)}, {"$date": at(90)}),
    ({"$oid": number(1)}, {"$date": {"$numberLong": "1767535200090"}}),
    ({"$oid": number(1)}, 1767535200090),
    (number(1), "2026-01-04 09:00:00.090"),
]


def test_every_way_to_write_a_transaction_is_the_same_transaction(site, put):
    site.ingest(put("a.json", json.dumps([transaction()])))
    ways = [
        transaction() | {"_id": ident, "response": {"status": status, "timestamp": when}}
        for ident, when in WRITTEN
        for status in (200, "200", {"$numberInt": "200"})
    ]
    totals = site.ingest(put("b.ndjson", *ways)).totals
    assert (totals["unchanged"], totals["lines_read"]) == (15, 15)


def test_a_mediators_time_without_an_offset_needs_a_zone(new_site, put):
    site = new_site("zone = 'America/New_York'\n")
    path = put(
        "a.json",
        json.dumps(
            [transaction(2), transaction(orchestrations=[call("look", "2026-01-04 09:00:00.031168")])], indent=1
        ),
    )
    with pytest.raises(ZoneNeeded, match=r"a.json, line 17: a time has no offset.*or give --zone"):
        site.ingest(path)
    site.ingest(path, zone="America/New_York")
    assert site.rows(
        "select time_basis, clock_id, epoch_us(occurred_at) % 1000000 from raw.interface_event where node_role = 'transform'"
    ) == [("site_zone", "openhim:mediator", 31168)]


def test_a_transaction_without_a_time_is_kept_out_and_a_step_without_one_left_out(site, put):
    times = ["soon", 0, "1970-01-01T00:00:00Z", None, {"$date": "Quillon"}]
    spoiled = [transaction(n) | {"request": {"timestamp": when}} for n, when in enumerate(times)]
    steps = [{"name": "look", "request": {"timestamp": when}} for when in times]
    (file,) = site.ingest(put("a.ndjson", *spoiled, transaction(9, orchestrations=steps))).files
    assert (file.loaded, dict(file.reasons), dict(file.findings)) == (1, {"no_time": 5}, {"step_without_time": 5})


def test_what_is_no_transaction_costs_one_record(site, put):
    path = put(
        "a.ndjson",
        transaction(),
        transaction() | {"_id": None},
        {"_id": number(5), "name": "Quillon"},
        "[1]\n",
        '"Quillon"\n',
        '{"_id": "5", "status": \n',
        transaction(2, routes=None, orchestrations={"name": "Quillon"}),
        "\n",
    )
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["ignored"], report.totals["quarantined"]) == (2, 1, 5)
    assert [rule for (rule,) in site.rows("select rule from account.quarantine order by line")] == [
        "no_id",
        "untyped",
        "untyped",
        "untyped",
        "unparseable",
    ]


def test_a_later_export_of_a_changed_transaction_adds_exactly_what_is_new(site, put):
    open_one = transaction(status="Processing", answered=None)
    site.ingest(put("a.json", json.dumps([open_one])))
    before = proven(site)
    site.ingest(put("b.json", json.dumps([transaction(routes=[call("lab", 5, 60)])])))
    assert sorted(set(proven(site)) - set(before)) == [
        ("ack_sent", 90),
        ("attempt_started", 5),
        ("delivered", 60),
        ("delivered", 90),
        ("routed", 5),
    ]
    assert site.ingest(put("c.json", json.dumps([open_one], indent=3))).totals["loaded"] == 0


def test_an_ambiguous_and_a_missing_local_time_are_resolved_and_flagged(site, put):
    night = [call("a", "2025-11-02 01:30:00"), call("b", "2026-03-08 02:30:00"), call("c", "2026-03-08 04:00:00")]
    site.ingest(put("a.json", json.dumps([transaction(orchestrations=night)])))
    found = site.rows(
        "select node_name, occurred_at at time zone 'UTC', quality_flags from raw.interface_event where node_role = 'transform' order by 1"
    )
    assert [(name, str(when), flags) for name, when, flags in found] == [
        ("a", "2025-11-02 05:30:00", ["time_ambiguous"]),
        ("b", "2026-03-08 07:30:00", ["time_in_gap"]),
        ("c", "2026-03-08 08:00:00", []),
    ]


def test_an_array_that_is_still_being_written_is_read_as_far_as_it_goes_and_then_whole(site, put):
    text = json.dumps([transaction(n) for n in range(3)])
    path = put("a.json", text[:-30])
    (file,) = intake.ingest_paths(site.db, site.settings, [path], settle_seconds=60).files
    assert (file.loaded, file.quarantined, dict(file.findings)) == (2, 0, {"tail_held_back": 1})
    path.write_text(text, encoding="utf-8")
    (file,) = intake.ingest_paths(site.db, site.settings, [path]).files
    assert (file.loaded, file.unchanged, file.quarantined) == (1, 2, 0)


@pytest.mark.skipif(not REAL.exists(), reason="the reference samples are not here")
def test_a_real_transaction_is_read(site):
    assert site.ingest(REAL).totals["loaded"] == 1
    assert {event for event, _ in proven(site)} >= {"received", "ack_sent", "routed"}
