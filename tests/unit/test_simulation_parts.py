"""The parts of the simulated hospital by themselves: clock, queues, connectors, and a message that comes late."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_data.chance import stream
from sample_data.clock import DAY, HOUR, MINUTE, Calendar, hour_of_week, instant, instant_ms, to_ms
from sample_data.engine import Connector, Engine
from sample_data.engine_course import ACCEPTED, ERROR, Attempt, Delivery
from sample_data.export import Export
from sample_data.facility import NORTHFIELD, Roster, facilities
from sample_data.feeds import FeedPlants
from sample_data.hospital import Hospital
from sample_data.lab import Laboratory
from sample_data.operators import Desk
from sample_data.people import person_of
from sample_data.planted import Plants
from sample_data.records import Encounter
from sample_data.scheduling import Scheduling
from sample_data.staff import Simulation, Staff
from sample_data.trace import Trace
from sample_data.work_queues import WorkQueues

START = Calendar(1).start_ms


@given(st.integers(START, START + 200 * 24 * HOUR))
def test_a_written_instant_is_the_instant(ms):
    assert datetime.fromisoformat(instant_ms(ms)).astimezone(UTC).timestamp() == pytest.approx(ms / 1000, abs=1e-6)
    assert datetime.fromisoformat(instant(ms)).timestamp() == ms // 1000


def test_the_doubled_hour_is_told_apart_by_its_offset():
    first = to_ms(datetime(2025, 11, 2, 1, 30))  # noqa: DTZ001
    assert instant(first) == "2025-11-02T01:30:00-04:00"
    assert instant(first + HOUR) == "2025-11-02T01:30:00-05:00"
    assert hour_of_week(first) == hour_of_week(first + HOUR) == 6 * 24 + 1


def test_weeks_begin_on_local_mondays_whatever_the_clocks_do():
    calendar = Calendar(28)
    assert [instant(ms) for ms in calendar.week_starts] == [
        "2025-10-13T00:00:00-04:00",
        "2025-10-20T00:00:00-04:00",
        "2025-10-27T00:00:00-04:00",
        "2025-11-03T00:00:00-05:00",
    ]
    assert calendar.week_of(calendar.week_starts[3] - 1) == 2
    assert calendar.week_of(calendar.end_ms) is None
    assert calendar.week_of(calendar.start_ms - 1) is None


def test_a_roster_says_who_is_there():
    roster = Roster(((0, 1, 1), (8, 3, 2), (20, 2, 1)))
    monday, saturday = 0, 5 * 24
    assert [roster.on_duty(monday + hour) for hour in (7, 8, 19, 20)] == [1, 3, 3, 2]
    assert [roster.on_duty(saturday + hour) for hour in (7, 8, 19, 20)] == [1, 2, 2, 1]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=25),
    st.integers(1, 3),
)
def test_no_more_people_work_than_are_there_and_everyone_is_served(jobs, capacity):
    env = Simulation()
    staff = Staff(env, capacity)
    served = []

    def job(number, at, length, urgency):
        yield env.timeout(at)
        yield staff.acquire(urgency)
        assert staff.busy <= capacity
        yield env.timeout(length)
        staff.release()
        served.append(number)

    for number, (at, length, urgency) in enumerate(jobs):
        env.process(job(number, at, length, urgency))
    env.run()
    assert sorted(served) == list(range(len(jobs)))
    assert staff.busy == 0


def test_the_more_urgent_goes_first_and_who_gave_up_is_passed_over():
    env = Simulation()
    staff = Staff(env, 0)
    routine, gone, urgent = staff.acquire(5), staff.acquire(1), staff.acquire(2)
    staff.withdraw(gone)
    assert staff.waiting == 2
    staff.set_capacity(1)
    assert [turn.triggered for turn in (routine, gone, urgent)] == [False, False, True]
    staff.release()
    assert routine.triggered


@given(
    st.lists(st.integers(0, 20_000), min_size=1, max_size=40),
    st.booleans(),
    st.integers(0, 100),
    st.tuples(st.integers(0, 200_000), st.integers(1, 400_000)),
)
def test_a_connector_sends_one_message_at_a_time_in_order(gaps, patient, seed, outage):
    connector = Connector(stream(seed), "LIS", median_ms=90, spread=0.7, patient=patient)
    connector.plan_outages(0, 1, (outage[0], outage[0] + outage[1]))
    entered, last_end = 0, 0
    for gap in gaps:
        entered += gap
        delivery = connector.deliver(entered)
        attempts = delivery.attempts
        assert attempts[0].start > entered
        assert all(a.start <= a.end for a in attempts)
        assert all(a.end <= b.start for a, b in pairwise(attempts))
        assert attempts[-1].start >= last_end
        if delivery.is_delivered:
            assert attempts[-1].outcome == ACCEPTED
            assert not outage[0] <= attempts[-1].start < outage[0] + outage[1]
        assert delivery.tried_by(delivery.settled) == attempts[:-1]
        assert delivery.tried_by(delivery.settled + 1) == attempts
        last_end = delivery.settled


class _LateOrders(Engine):
    """An engine that keeps every order message for three hours."""

    def send(self, channel, kind, now, person, visit, **more):
        message = super().send(channel, kind, now + (3 * HOUR if channel == "ORDERS" else 0), person, visit, **more)
        message.sent = now
        return message


@pytest.mark.parametrize(("engine_class", "at_least", "at_most"), [(Engine, 0, 90), (_LateOrders, 180, 270)])
def test_a_late_order_message_delays_the_collection(tmp_path, engine_class, at_least, at_most):
    calendar = Calendar(1)
    env = Simulation(initial_time=calendar.start_ms)
    plants = Plants(calendar, 1)
    engine = engine_class(NORTHFIELD, 1, (calendar.start_ms, calendar.start_ms + 1), None, lambda _: None)
    trace = Trace()
    hospital = Hospital(env, NORTHFIELD, engine, Export(tmp_path, plants), trace, plants, 3)
    visit = Encounter("enc-1", "EMER", "NGV1", person_of("NG", 1, 1), env.now, "in-progress", "walk-in")
    laboratory = Laboratory(hospital, WorkQueues(hospital))
    done = [laboratory.order(visit, "loc-ng-ed", stat=True) for _ in range(5)]
    env.run(until=env.all_of(done))
    waits = [(order.verified - order.ordered) / 60 for order in trace.orders if order.verified is not None]
    assert len(waits) >= 4
    assert all(at_least < wait < at_most for wait in waits)


def test_a_late_result_message_delays_the_clinician():
    """What a person waits for is `Message.arrival`: after the last attempt, not when the message was sent."""
    engine = Engine(NORTHFIELD, 1, (START, START + 1), (START, START + 9 * HOUR), lambda _: None)
    person = person_of("NG", 1, 1)
    stuck = engine.send("ADT", "ADT^A01", START + HOUR, person, "NGV1")
    behind = engine.send("ADT", "ADT^A01", START + 2 * HOUR, person, "NGV2")
    free = engine.send("ORDERS", "ORM^O01", START + 2 * HOUR, person, "NGV2", placer="NGP1")
    assert stuck.settled >= START + 9 * HOUR
    assert behind.settled >= stuck.settled
    assert behind.deliveries[0].attempts[0].outcome == "refused"
    assert free.arrival("LIS") < START + 2 * HOUR + MINUTE
    assert free.arrival("nowhere") is None


def test_facilities_beyond_the_third_have_names_of_their_own():
    made = facilities(9)
    assert len({facility.slug for facility in made}) == len({facility.code for facility in made}) == 9
    assert [facility.engine for facility in made[:4]] == ["mirth", "ndjson", "ndjson", "mirth"]


def test_the_same_person_comes_back_with_the_same_name():
    assert person_of("NG", 12, 7) == person_of("NG", 12, 7)
    assert person_of("NG", 12, 7) != person_of("NG", 13, 7)


def test_imaging_orders_go_to_radiology_and_its_reports_to_the_ehr():
    engine = Engine(NORTHFIELD, 1, (START, START + 1), None, lambda _: None)
    person = person_of("NG", 1, 1)
    order = engine.send("IMAGING", "ORM^O01", START + HOUR, person, "NGV1", placer="NGP1")
    report = engine.send("IMAGING", "ORU^R01", START + 2 * HOUR, person, "NGV1", placer="NGP1")
    assert [[to.destination for to in message.deliveries] for message in (order, report)] == [["RIS"], ["EHR"]]


def test_the_appointment_book_is_open_on_weekdays_from_eight_to_six(tmp_path):
    sent = []
    env = Simulation(initial_time=START)
    engine = Engine(NORTHFIELD, 1, (START, START + 1), None, sent.append)
    plants = Plants(Calendar(7), 1)
    Scheduling(Hospital(env, NORTHFIELD, engine, Export(tmp_path, plants), Trace(), plants, 3))
    env.run(until=START + 14 * DAY)
    hours = {divmod(hour_of_week(message.sent), 24) for message in sent}
    assert hours == {(day, hour) for day in range(5) for hour in range(8, 18)}
    # nine an hour, ten hours a day, ten days
    assert 800 < len(sent) < 1000
    assert {message.kind for message in sent} == {"SIU^S12", "SIU^S13", "SIU^S15"}


def test_a_storm_tries_without_pause_and_without_end_and_is_over_with_its_time():
    storm = (START, START + HOUR)
    line = Connector(stream(2, "storm"), "EHR", median_ms=50, spread=0.5, patient=False)
    line.plan(storm=storm)
    hammered = [line.deliver(START + n * MINUTE) for n in range(40)]
    calm = [line.deliver(START + 2 * HOUR + n * MINUTE) for n in range(40)]
    # one attempt in twenty gets through
    assert 10 < sum(len(each.attempts) for each in hammered) / 40 < 30
    assert sum(len(each.attempts) for each in calm) / 40 < 1.2
    pauses = [b.start - a.end for each in hammered for a, b in pairwise(each.attempts) if a.start < storm[1]]
    assert set(pauses) == {1000}


def test_a_run_has_its_feed_plants_on_weekdays_or_says_that_it_has_no_room():
    for days in range(5, 60):
        feeds = FeedPlants(Calendar(days), 2)
        spans = (feeds.silent, feeds.storm, feeds.drift, feeds.burst, feeds.backlog)
        assert all(hour_of_week(begin) < 5 * 24 and end <= Calendar(days).end_ms for begin, end in spans)
    short = FeedPlants(Calendar(4), 1)
    assert {row["kind"]: "absent" in row for row in short.record(("North",))} == {
        "silent_feed": True,
        "retry_storm": True,
        "schema_drift": True,
        "error_burst": True,
        "backlog": True,
        "latency_shift": True,
    }


def test_the_desk_sends_most_dead_letters_again_and_throws_some_away():
    desk = Desk(facilities(2)[1], 1)
    dead = [Delivery("LIS", START, [Attempt(START, START + n, ERROR)]) for n in range(400)]
    for each in dead:
        desk.look_at(each, lambda at: at < START + HOUR, lambda: 1)
    rescues = [each.rescue for each in dead if each.rescue]
    again = [each for each in rescues if each.attempt]
    assert 220 < len(again) < 280  # 62 percent of 400
    assert 20 < len(rescues) - len(again) < 60  # 10 percent
    # nothing is sent to a destination that is down
    assert min(each.asked for each in again) >= START + HOUR
    assert 0.75 < sum(each.is_delivered for each in dead) / len(again) < 0.95
