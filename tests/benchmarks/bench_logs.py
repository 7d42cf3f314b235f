"""How fast engine logs come in, with every record accounted for: `make bench`, or `python tests/benchmarks/bench_logs.py [EVENTS]`.

One million events (WARDFLOW_BENCH_EVENTS for another number) of an in-house log, once as NDJSON and once as CSV; half as many HL7 v2
messages and acknowledgements in a file; a fiftieth as many Mirth messages of two connectors as XML. On each file, in one run on
this machine:

- the whole accounted load into a new warehouse: fields, keyed hashes, times, identity, error vocabulary, account;
- the floor, which hashes nothing and keeps nothing: DuckDB's own reader with the same columns named, `split` of each segment of each
  HL7 message, `lxml.iterparse` of the Mirth messages;
- the same events again in other bytes, of which none may be new.

Beside the seconds on the clock stand those of the processor, all threads together: on a machine that others use only these
can be compared. Prints a table; fails when a limit below is missed.
"""

import csv
import json
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

GOAL = {"ndjson": 300_000, "csv": 300_000, "hl7": 100_000, "xml": 8_000}
"""Records a second on two cores, which are wanted; printed when missed."""
SHARE = {"ndjson": 1, "csv": 1, "hl7": 2, "xml": 50}
"""Of how many events of the in-house log there is one record in a file of this form."""
KIND = {"ndjson": "ndjson-log", "csv": "ndjson-log", "hl7": "hl7", "xml": "mirth"}
SLOWEST = 30
"""By how much no change may fall behind the goal, even on a machine that others use."""
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


def messages(n: int) -> Iterator[str]:
    """HL7 v2 messages, each followed by its acknowledgement, one in fifty a refusal."""
    begin = datetime(2026, 1, 4, 9, tzinfo=UTC)
    for i in range(n // 2):
        at = f"{begin + timedelta(milliseconds=37 * i):%Y%m%d%H%M%S.%f}"[:18] + "+0000"
        yield (
            f"MSH|^~\\&|EHR|LARK|LIS|LARK|{at}||ORM^O01|C{i}|P|2.5.1\r"
            f"PID|1||LK{i % 5000}^^^LARK^MR||Larkspur^Lavender||19310203|F|||17 Larkspur Mews\r"
            f"PV1|1|O|||||||||||||||||V{i % 9000}\rORC|NW|P{i}\rOBR|1|P{i}||718-7^Hemoglobin^LN\r"
        )
        code = "AE" if i % 50 == 0 else "AA"
        yield f"MSH|^~\\&|LIS|LARK|EHR|LARK|{at}||ACK^O01|A{i}|P|2.5.1\rMSA|{code}|C{i}\r"


def documents(n: int) -> Iterator[str]:
    """Mirth messages of a source and a destination: the first one of the fixture, again and again under other numbers and times."""
    fixture = Path(__file__).parents[1] / "sources" / "fixtures" / "mirth" / "2026-01-04.xml"
    with fixture.open(newline="") as file:
        text = file.read()
    first = text[: text.index("<message>\r\n<messageId>", 1)]
    for i in range(n):
        at = re.sub(r"<time>(\d+)</time>", lambda found: f"<time>{int(found[1]) + 37 * i}</time>", first)  # noqa: B023 -- called at once
        at = at.replace("<messageId>11<", f"<messageId>{i}<").replace("LK0001", f"C{i}")
        yield at.replace("LKM778812", f"LK{i % 5000}").replace("LKV5501", f"V{i % 9000}").replace("LKP9001", f"P{i}")


def written(folder: Path, n: int) -> dict[str, tuple[Path, Path]]:
    """The file of each form, and the same events in other bytes."""
    folder.mkdir(exist_ok=True)
    made = {form: (folder / f"a.{form}", folder / f"b.{form}") for form in GOAL}
    with made["ndjson"][0].open("w") as lines, made["ndjson"][1].open("w") as others:
        for record in events(n):
            lines.write(json.dumps(record) + "\n")
            others.write(json.dumps(record, separators=(",", ":")) + "\n")
    for path, end in zip(made["csv"], ("\n", "\r\n"), strict=True):
        with path.open("w", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS, lineterminator=end)
            writer.writeheader()
            writer.writerows(events(n))
    for form, several in (("hl7", messages), ("xml", documents)):
        records = list(several(n // SHARE[form]))
        for path, start in zip(made[form], (0, len(records) // 4 * 2), strict=True):
            with path.open("w", newline="") as file:
                file.writelines([*records[start:], *records[:start]])
    return made


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def floor(path: Path, form: str) -> tuple[float, float]:
    """What the form costs at the least, the better of two runs."""
    floors = {"hl7": _split, "xml": _iterparse}
    if form in floors:
        return min(timed(lambda: floors[form](path)) for _ in range(2))
    import duckdb

    columns = "{" + ", ".join(f"'{name}': 'varchar'" for name in COLUMNS) + "}"
    reader = "read_ndjson" if form == "ndjson" else "read_csv"
    more = "" if form == "ndjson" else ", header=true, delim=',', quote='\"'"
    named = ", ".join(name for name in COLUMNS if name != "note")
    with duckdb.connect(config={"threads": THREADS}) as db:
        db.execute("set preserve_insertion_order = false")
        query = f"create or replace table t as select {named} from {reader}('{path}', columns={columns}{more})"
        return min(timed(lambda: db.execute(query)) for _ in range(2))


def _split(path: Path) -> int:
    with path.open(newline="") as file:
        return sum(len(segment.split("|")) for segment in file.read().split("\r"))


def _iterparse(path: Path) -> None:
    """Mirth writes one document after the other, so that a root has to be put around them."""
    import io

    import lxml.etree

    whole = io.BytesIO(b"<all>" + path.read_bytes() + b"</all>")
    for _, element in lxml.etree.iterparse(whole, tag="connectorMessage"):
        element.clear()


def load(home: str, form: str, path: str, other: str) -> tuple[dict[str, tuple[float, float]], int, float]:
    """In a process of its own: the first load and the same events in other bytes, how many, the peak memory in MB."""
    os.environ["WARDFLOW_SITE_KEY"] = "a site key for benchmarks only"
    from pipelines import intake, log_mapping, warehouse
    from pipelines.home import Home
    from pipelines.settings import load as load_settings

    made = Home(Path(home)).create()
    more = 'zone = "UTC"\n'
    if KIND[form] == "ndjson-log":
        mapping = log_mapping.IN_HOUSE.read_text().replace('format = "ndjson"', f'format = "{form}"')
        (made.path / "log.toml").write_text(mapping)
        more = 'mapping = "log.toml"\n'
    made.settings_path.write_text(f'threads = {THREADS}\n[[sources]]\nname = "engine"\nkind = "{KIND[form]}"\n{more}')
    settings = load_settings(made)
    db = warehouse.connect(settings)
    reports = []
    first = timed(lambda: reports.append(intake.ingest_paths(db, settings, [Path(path)]).totals))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    again = timed(lambda: reports.append(intake.ingest_paths(db, settings, [Path(other)]).totals))
    db.close()
    n = reports[0]["loaded"]
    assert [(each["loaded"], each["unchanged"]) for each in reports] == [(n, 0), (0, n)], reports
    return {"load": first, "other bytes": again}, n, peak


def run(n: int) -> list[str]:
    """Measure, print, and say what was missed."""
    found = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("WARDFLOW_BENCH_FOLDER")) as name:
        folder = Path(name)
        print("\n| | clock | processor | records a second |\n|---|---|---|---|")  # noqa: T201 -- what this script is for
        for form, (path, other) in written(folder / "logs", n).items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                result, loaded, peak = pool.apply(load, (str(folder / f"home-{form}"), form, str(path), str(other)))
            records = n // SHARE[form]
            assert loaded == records
            result |= {"floor": floor(path, form)}
            for what in ("floor", "load", "other bytes"):
                clock, processor = result[what]
                print(f"| {form}, {what} | {clock:.2f} s | {processor:.2f} s | {records / clock:,.0f} |")  # noqa: T201
            rate = records / result["load"][0]
            if rate < GOAL[form] / SLOWEST:
                found.append(f"{form}: {rate:,.0f} records a second, far fewer than {GOAL[form]:,}")
            elif rate < GOAL[form]:
                print(f"{form}: the goal of {GOAL[form]:,} records a second is missed")  # noqa: T201
            if peak > MOST_MEMORY_MB:
                found.append(f"{form}: {peak:.0f} MB at the peak, more than {MOST_MEMORY_MB}")
    return found


def test_engine_logs_come_in_fast_and_in_bounded_memory_and_known_events_add_nothing():
    assert run(int(os.environ.get("WARDFLOW_BENCH_EVENTS", "1000000"))) == []


if __name__ == "__main__":
    sys.exit("; ".join(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)) or 0)
