"""How fast the state of messages is told from their events: `python tests/benchmarks/bench_state.py [EVENTS]`, or `make bench`.

Twenty million events (WARDFLOW_BENCH_STATE_EVENTS for another number), made inside the warehouse: four million messages on
twenty channels over ninety days, each received, routed, tried, acknowledged by its destination and to its sender; one in fifty
is refused, one in a thousand of these sent again by a person. Then the tables are built that the state of messages needs, as
`wardflow run` builds them, each in a statement of its own: events with their repeats resolved, deliveries, messages, and the marts
of both. The tables of hours, rhythm and incidents are built and told apart.

Prints a table: seconds on the clock and of the processor, and the peak memory of the process; fails when a limit is missed by far.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

GOAL_SECONDS, GOAL_MB = 60, 4096
"""For twenty million events on two cores: message state; printed when missed."""
EVENTS = 20_000_000
LEAST = 10_000
"""Events a second which no change may fall below, even on a machine that others use."""
THREADS = 2
MEMORY_LIMIT = "2500MB"
"""What DuckDB may hold; the process takes more."""
STATE = ("marts.message_delivery", "marts.message")
BESIDE = ("marts.channel_hour",)
"""Tables of the same events that say nothing of one message's state."""
_WORTH_A_LINE = 0.5

_EVENTS = """
    insert into raw.interface_event by name
    select
        md5(number::varchar) as event_uid,
        'engine' as source,
        'event' as source_kind,
        ['RECV', 'ROUTE', 'TRY', 'ACK', 'ACKUP'][step + 1] as native_type,
        timestamptz '2026-01-04 09:00:00+00' + message * interval 1940 millisecond + step * interval 40 millisecond as occurred_at,
        'offset' as time_basis,
        'ms' as time_precision,
        false as time_ambiguous,
        'engine:eng1' as clock_id,
        case when step = 3 and message % 50 = 0 then 'nack_received'
            else ['received', 'routed', 'attempt_started', 'delivered', 'ack_sent'][step + 1] end as event_type,
        'CH' || (message % 20)::varchar as flow_id,
        'CH' || (message % 20)::varchar as flow_name,
        if(step in (1, 2, 3), 'LIS', '') as node_id,
        if(step in (1, 2, 3), 'LIS', null) as node_name,
        if(step in (1, 2, 3), 'destination', 'source') as node_role,
        if(step in (1, 2, 3), 'outbound', 'inbound') as direction,
        'engine:' || md5('m' || message::varchar) as message_uid,
        'engine:' || md5('m' || message::varchar) as root_message_uid,
        case when message % 1000 = 999 then 'engine:' || md5('m' || (message - 999)::varchar) end as replay_of_uid,
        case when step = 0 then md5('c' || message::varchar) end as correlation_key,
        case when step = 0 then 'hl7v2' end as msg_standard,
        case when step = 0 then 'ORM' end as msg_type,
        case when step = 0 then 'O01' end as msg_trigger,
        case when step = 0 then md5('p' || (message % 5000)::varchar) end as mrn_key,
        case when step = 0 then md5('v' || (message % 9000)::varchar) end as visit_key,
        case when step = 0 then md5('o' || message::varchar) end as placer_key,
        case when step = 2 then 1 end as attempt_no,
        true as attempts_exact,
        case when step = 3 then if(message % 50 = 0, 'AE', 'AA') when step = 4 then 'AA' end as ack_code,
        case when step in (3, 4) then 'application' end as ack_level,
        case when step = 3 and message % 50 = 0 then 'nack' end as error_class,
        case when step = 3 and message % 50 = 0 then 'unknown key <text>' end as error_template,
        1 as file_id,
        number + 1 as line,
        []::varchar[] as quality_flags
    from (select number, number // 5 as message, (number % 5)::integer as step from range(?, ?) as t(number))
"""


def state(home: str, events: int) -> tuple[dict[str, tuple[float, float]], float]:
    """In a process of its own: by table seconds on the clock and of the processor, and the peak memory in MB."""
    os.environ["WARDFLOW_SITE_KEY"] = "a site key for benchmarks only"
    from models.catalog import build_order, upstream
    from pipelines import warehouse
    from pipelines.build import build
    from pipelines.home import Home
    from pipelines.settings import load

    made = Home(Path(home)).create()
    made.settings_path.write_text(f'threads = {THREADS}\nmemory_limit = "{MEMORY_LIMIT}"\nzone = "America/New_York"\n')
    settings = load(made)
    with warehouse.connect(settings) as db:
        for first in range(0, events, 1_000_000):
            db.execute(_EVENTS, [first, min(first + 1_000_000, events)])
        db.execute("checkpoint")
    wanted = frozenset[str]().union(*(upstream(name) for name in (*STATE, *BESIDE)))
    found: dict[str, tuple[float, float]] = {}
    with warehouse.connect(settings) as db:
        for table in build_order():
            if table.full_name in wanted:
                clock, processor = time.perf_counter(), time.process_time()
                build(db, settings, table)
                found[table.full_name] = (time.perf_counter() - clock, time.process_time() - processor)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(events: int) -> list[str]:
    """Measure, print, and say what was missed."""
    from models.catalog import upstream

    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("WARDFLOW_BENCH_FOLDER")) as name,
        multiprocessing.get_context("spawn").Pool(1) as pool,
    ):
        found, peak = pool.apply(state, (str(Path(name) / "home"), events))
    needed = frozenset[str]().union(*(upstream(name) for name in STATE))
    clock, processor = (sum(found[name][i] for name in found if name in needed) for i in (0, 1))
    print("\n| table | clock | processor |\n|---|---|---|")  # noqa: T201 -- what this script is for
    for name, (seconds, of_processor) in found.items():
        if of_processor >= _WORTH_A_LINE:
            print(f"| {name}{'' if name in needed else ' (beside)'} | {seconds:.1f} s | {of_processor:.1f} s |")  # noqa: T201
    print(  # noqa: T201
        f"message state of {events:,} events: {clock:.1f} s, {processor:.1f} s of the processor, {peak:,.0f} MB at the peak"
    )
    if clock > GOAL_SECONDS * events / EVENTS or peak > GOAL_MB:
        print(f"the goal of {GOAL_SECONDS} s and {GOAL_MB:,} MB for {EVENTS:,} events is missed")  # noqa: T201
    slow = f"{events / clock:,.0f} events a second, fewer than {LEAST:,}" if events / clock < LEAST else ""
    large = f"{peak:,.0f} MB at the peak, more than {GOAL_MB:,}" if peak > GOAL_MB else ""
    return [each for each in (slow, large) if each]


def test_the_state_of_messages_is_told_fast_and_in_bounded_memory():
    assert run(int(os.environ.get("WARDFLOW_BENCH_STATE_EVENTS", str(EVENTS)))) == []


if __name__ == "__main__":
    sys.exit("; ".join(run(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)) or 0)
