"""How fast mapped logs come in, with every record accounted for: `make bench`, or `python tests/benchmarks/bench_logs.py [EVENTS]`.

One million events (WARDFLOW_BENCH_EVENTS for another number) of an in-house log, once as NDJSON and once as CSV, and as many HL7
envelopes, half of them acknowledgements, as an MLLP capture. On each file,
in one run on this machine:

- the whole accounted load into a new warehouse: fields, keyed hashes, times, identity, error vocabulary, account;
- the floor: DuckDB's own reader with the same columns named, which hashes nothing, knows no lines and fails on one bad record; of
  HL7 Python's `split`;
- the same events again in other bytes, of which none may be new.

Beside the seconds on the clock stand those of the processor, all threads together: on a machine that others use only these
can be compared. Prints a table; fails when a limit below is missed.
"""

import csv
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

GOAL = 300_000
"""Events a second on two cores, which is wanted; printed when missed."""
LEAST = 10_000
"""What no change may fall below, even on a machine that others use."""
MOST_MEMORY_MB = 2048
THREADS = 2
STEPS = ("RECV", "ROUTE", "TRY", "ACK", "ACKUP")
COLUMNS = (
    "seq",
    "ts",
    "host",
    "channel",
    "msg",
    "event",
    "dest",
    "control_id",
    "type",
    "attempt",
    "ack",
    "error",
    "mrn",
    "visit",
    "placer",
    "note",
)


def events(n: int) -> Iterator[dict[str, str]]:
    """Messages of five events each, one in fifty refused; identifiers on the first event, as engines write them."""
    begin = datetime(2026, 1, 4, 9, tzinfo=UTC)
    for i in range(n):
        number, step = i // len(STEPS), STEPS[i % len(STEPS)]
        record = {
            "seq": str(i),
            "ts": (begin + timedelta(milliseconds=37 * i)).isoformat(timespec="milliseconds"),
            "host": "eng1",
            "channel": f"CH{number % 20}",
            "msg": f"M{number}",
            "event": step,
            "note": "some text that nobody reads",
        }
        if step == "RECV":
            record |= {"control_id": f"C{number}", "type": "ORM^O01", "placer": f"P{number}"}
            record |= {"mrn": f"LK{number % 5000}", "visit": f"V{number % 9000}"}
        elif step != "ACKUP":
            record["dest"] = "LIS"
        if step == "TRY":
            record["attempt"] = "1"
        if step in {"ACK", "ACKUP"}:
            record["ack"] = "AE" if step == "ACK" and number % 50 == 0 else "AA"
            if record["ack"] == "AE":
                record["error"] = "Unknown key: field 'PID-3' 12345"
        yield record


def written(folder: Path, n: int) -> dict[str, tuple[Path, Path]]:
    """The file of each format, and the same events in other bytes."""
    folder.mkdir(exist_ok=True)
    made = {form: (folder / f"a.{form}", folder / f"b.{form}") for form in ("ndjson", "csv")}
    with made["ndjson"][0].open("w") as lines, made["ndjson"][1].open("w") as others:
        for record in events(n):
            lines.write(json.dumps(record) + "\n")
            others.write(json.dumps(record, separators=(",", ":")) + "\n")
    for path, end in zip(made["csv"], ("\n", "\r\n"), strict=True):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator=end)
            writer.writeheader()
            writer.writerows(events(n))
    made["hl7"] = (folder / "a.mllp", folder / "b.mllp")
    made["hl7"][0].write_bytes("".join(exchanges(n)).encode())
    made["hl7"][1].write_bytes("".join(exchanges(n)).replace("\x1c\r", "\x1c\r\n").encode())
    return made


HL7_GOAL = 100_000
"""Envelopes a second, which is wanted."""


def exchanges(n: int) -> Iterator[str]:
    """Half of them orders of 1.2 kB, each answered: HL7 v2 as an MLLP capture holds it."""
    begin = datetime(2026, 1, 4, 9, tzinfo=UTC)
    results = "".join(f"OBX|{k}|NM|{k}00-1^Test {k}^LN||{k}.5|g/L|3-8|N|||F\r" for k in range(1, 13))
    for i in range(n // 2):
        at = f"{begin + timedelta(seconds=i):%Y%m%d%H%M%S}"
        yield (
            f"\x0bMSH|^~\\&|EHR|LARK|LIS|LARK|{at}||ORM^O01^ORM_O01|C{i}|P|2.5.1|||AL|NE\r"
            f"PID|1||LK{i % 5000}^^^L^MR||Nobody^At^All||19310203|F|||12 No Street^^Nowhere\r"
            f"PV1|1|I|W1^101^A{'|' * 16}V{i % 9000}^^^LARK^VN\rORC|NW|P{i}^EHR\rOBR|1|P{i}^EHR||58410-2^CBC^LN\r"
            f"{results}NTE|1||{'some text that nobody reads ' * 8}\r\x1c\r"
            f"\x0bMSH|^~\\&|LIS|LARK|EHR|LARK|{at}||ACK^O01|A{i}|P|2.5.1\rMSA|{'AE' if i % 50 == 0 else 'AA'}|C{i}\r\x1c\r"
        )


def split(path: Path) -> tuple[float, float]:
    """The floor of HL7: Python's `split`, of every message its segments and of every segment its fields."""
    content = path.read_bytes().decode()
    return timed(lambda: [[s.split("|") for s in text.split("\r")] for text in content.split("\x0b")])


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def floor(path: Path, form: str) -> tuple[float, float]:
    """DuckDB's own reader, the better of two runs."""
    import duckdb

    columns = "{" + ", ".join(f"'{name}': 'varchar'" for name in COLUMNS) + "}"
    reader = "read_ndjson" if form == "ndjson" else "read_csv"
    more = "" if form == "ndjson" else ", header=true, delim=',', quote='\"'"
    named = ", ".join(name for name in COLUMNS if name != "note")
    with duckdb.connect(config={"threads": THREADS}) as db:
        db.execute("set preserve_insertion_order = false")
        query = f"create or replace table t as select {named} from {reader}('{path}', columns={columns}{more})"
        return min(timed(lambda: db.execute(query)) for _ in range(2))


def load(home: str, form: str, path: str, other: str) -> dict[str, tuple[float, float] | float]:
    """In a process of its own: the first load, the same events in other bytes, the peak memory in MB."""
    os.environ["WARDFLOW_SITE_KEY"] = "a site key for benchmarks only"
    from pipelines import ledger, log_mapping, warehouse
    from pipelines.home import Home
    from pipelines.settings import load as load_settings

    made = Home(Path(home)).create()
    mapping = log_mapping.IN_HOUSE.read_text().replace('format = "ndjson"', f'format = "{form}"')
    (made.path / "log.toml").write_text(mapping)
    kind = 'hl7"\nzone = "UTC' if form == "hl7" else 'ndjson-log"\nmapping = "log.toml'
    made.settings_path.write_text(f'threads = {THREADS}\n[[sources]]\nname = "engine"\nkind = "{kind}"\n')
    settings = load_settings(made)
    db = warehouse.connect(settings)
    reports = []
    first = timed(lambda: reports.append(ledger.ingest_paths(db, settings, [Path(path)]).totals))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    again = timed(lambda: reports.append(ledger.ingest_paths(db, settings, [Path(other)]).totals))
    db.close()
    n = reports[0]["loaded"]
    assert [(each["loaded"], each["unchanged"]) for each in reports] == [(n, 0), (0, n)], reports
    return {"load": first, "other bytes": again, "peak MB": peak, "events": n}


def run(n: int) -> list[str]:
    """Measure, print, and say what was missed."""
    found = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("WARDFLOW_BENCH_FOLDER")) as name:
        folder = Path(name)
        print("\n| | clock | processor | events a second |\n|---|---|---|---|")  # noqa: T201 -- what this script is for
        for form, (path, other) in written(folder / "logs", n).items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                result = pool.apply(load, (str(folder / f"home-{form}"), form, str(path), str(other)))
            assert result["events"] == n
            result |= {"floor": split(path) if form == "hl7" else floor(path, form)}
            for what in ("floor", "load", "other bytes"):
                clock, processor = result[what]
                print(f"| {form}, {what} | {clock:.2f} s | {processor:.2f} s | {n / clock:,.0f} |")  # noqa: T201
            rate = n / result["load"][0]
            if rate < LEAST:
                found.append(f"{form}: {rate:,.0f} events a second, fewer than {LEAST:,}")
            elif rate < (goal := HL7_GOAL if form == "hl7" else GOAL):
                print(f"{form}: the goal of {goal:,} a second is missed")  # noqa: T201
            if result["peak MB"] > MOST_MEMORY_MB:
                found.append(f"{form}: {result['peak MB']:.0f} MB at the peak, more than {MOST_MEMORY_MB}")
    return found


def test_mapped_logs_come_in_fast_and_in_bounded_memory_and_known_events_add_nothing():
    assert run(int(os.environ.get("WARDFLOW_BENCH_EVENTS", "1000000"))) == []


if __name__ == "__main__":
    sys.exit("; ".join(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)) or 0)
