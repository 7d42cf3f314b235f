"""Laws of the ledger: whatever the order, the overlaps and the damage, every line is accounted for once and nothing counts twice."""

import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import keys
from pipelines.sources import SOURCES

UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUIET = settings(max_examples=8, deadline=None, suppress_health_check=UNCHECKED)
FUZZ = settings(max_examples=20, deadline=None, suppress_health_check=UNCHECKED)
SAMPLE = {
    "atna": "syslog.log",
    "azure": "logic-apps.json",
    "fhir": "2026-01-05/Encounter.ndjson",
    "hl7": "port-6661.mllp",
    "mirth": "2026-01-04.xml",
    "ndjson-log": "2026-01-04.ndjson",
    "intersystems": "message-headers.csv",
    "otlp": "traces.jsonl",
    "openhim": "mongoexport.ndjson",
    "camunda": "activities.ndjson",
    "places": "places.csv",
}


def records(kind: str, content: bytes) -> list[bytes]:
    if kind == "mirth":
        start = b"<message>\r\n<messageId>"
        return [start + part for part in content.split(start)[1:]]
    if kind == "hl7":
        return [b"[" + part for part in content.split(b"[")[1:]]
    return content[len(header(kind, content)) :].splitlines(keepends=True)


def header(kind: str, content: bytes) -> bytes:
    """What every file of the kind begins with."""
    return content.splitlines(keepends=True)[0] if kind in {"places", "intersystems"} else b""


def emptied(site) -> None:
    for table in site.tables():
        if table != "account.site_key":
            site.db.execute(f"delete from {table}")


@pytest.mark.parametrize("kind", sorted(SOURCES))
@QUIET
@given(data=st.data())
def test_order_duplicates_and_overlaps_of_files_change_nothing(kind, site, fixtures, data):
    content = (fixtures / kind / SAMPLE[kind]).read_bytes()
    parts = records(kind, content)
    chosen = data.draw(
        st.lists(st.lists(st.sampled_from(range(len(parts))), min_size=1, max_size=8), min_size=1, max_size=4)
    )
    chosen.append(list(range(len(parts))))  # everything arrives at least once
    order = data.draw(st.permutations(range(len(chosen))))
    together = data.draw(st.booleans())
    emptied(site)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i in order:
            path = Path(folder) / f"{i}{Path(SAMPLE[kind]).suffix}"
            path.write_bytes(header(kind, content) + b"".join(parts[n] for n in chosen[i]))
            paths.append(path)
        if together:
            report = site.ingest(*paths)
            loaded = report.totals["loaded"]
        else:
            loaded = sum(site.ingest(path).totals["loaded"] for path in paths)
        found = site.state()
        emptied(site)
        site.ingest(fixtures / kind / SAMPLE[kind])
        assert found == site.state()
        assert loaded <= len(parts)


NAMED = {"type": "Encounter", "url": "https://ehr/Encounter.ndjson"}


def day(n: int) -> str:
    return f"2026-01-{n:02}T00:00:00-05:00"


@pytest.fixture
def believing(new_site):
    """A site that takes for deleted however much an export lacks."""
    return new_site('zone = "America/New_York"\n[[sources]]\nname = "ehr"\nkind = "fhir"\nmax_absent_share = 1\n')


@QUIET
@given(data=st.data())
def test_what_was_seen_is_the_latest_is_gone_and_changed_does_not_depend_on_the_order_of_loading(believing, data):
    site = believing
    shown = st.tuples(st.sampled_from(["e1", "e2", "e3"]), st.sampled_from(["arrived", "in-progress", "finished"]))
    exports = data.draw(
        st.lists(st.lists(shown, min_size=1, max_size=4, unique_by=lambda one: one[0]), min_size=2, max_size=5)
    )
    found = []
    for order in (data.draw(st.permutations(range(len(exports)))), range(len(exports))):
        emptied(site)
        with tempfile.TemporaryDirectory() as folder:
            for n in order:
                resources = [{"resourceType": "Encounter", "id": i, "status": status} for i, status in exports[n]]
                (Path(folder) / str(n)).mkdir()
                (Path(folder) / str(n) / "Encounter.ndjson").write_text(
                    "".join(json.dumps(each) + "\n" for each in resources)
                )
                (Path(folder) / str(n) / "manifest.json").write_text(
                    json.dumps(
                        {
                            "transactionTime": day(n + 1),
                            "request": "https://ehr/$export?_type=Encounter",
                            "output": [NAMED],
                        }
                    )
                )
                site.ingest(Path(folder) / str(n))
        versions = """select encounter_key, status, day(seen_from), day(seen_to)
            from raw.fhir_encounter where not is_deleted order by all"""
        site.build("staging.encounter", "marts.state_change")
        latest = "select encounter_key, status from staging.encounter order by 1"
        changes = "select * exclude (file_id, line) from marts.state_change order by all"
        found.append((site.rows(versions), site.rows(latest), site.rows(changes)))
    assert found[0] == found[1]
    assert sorted(status for _, status in found[0][1]) == sorted(status for _, status in exports[-1])
    spells = [[n + 1 for n, one in enumerate(exports) if ("e1", status) in one] for status in ("arrived", "finished")]
    expected = [(min(days), max(days)) for days in spells if days]
    key = keys.keyed(b"a site key for tests only", "encounter", "ehr", "e1")
    assert expected == [(a, b) for k, status, a, b in found[0][0] if k == key and status != "in-progress"]


def mutated(content: bytes, seed: int, times: int) -> bytes:
    dice = random.Random(seed)  # noqa: S311 -- damage, not secrets
    data = bytearray(content)
    for _ in range(times):
        at = dice.randrange(len(data)) if data else 0
        match dice.randrange(6):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[at : at + dice.randrange(1, 200)]
            case 2:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 9)))
            case 3:
                data[at:at] = dice.choice(
                    [
                        b"\n",
                        b"\r",
                        b"\0",
                        b"<message>",
                        b"</message>",
                        b"{",
                        b'"',
                        b"]]>",
                        b"<![CDATA[",
                        b"\xed\xa0\x80",
                    ]
                )
            case 4:
                data[at:at] = data[max(0, at - 300) : at]
            case 5:
                data[at:] = data[at : at + dice.randrange(1, max(2, len(data) - at + 1))]
    return bytes(data)


@pytest.mark.parametrize("kind", sorted(SOURCES))
@FUZZ
@given(seed=st.integers(0, 2**32), times=st.integers(1, 12))
def test_no_damage_whatever_raises_or_loses_a_line(kind, site, fixtures, seed, times):
    emptied(site)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(SAMPLE[kind]).name
        path.write_bytes(mutated((fixtures / kind / SAMPLE[kind]).read_bytes(), seed, times))
        report = site.ingest(path)
        json.dumps(report.to_json())
        if kind not in {"mirth", "atna", "openhim", "camunda", "intersystems", "otlp", "azure", "hl7"} and report.files:
            assert report.totals["lines_read"] == len(path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines())


@FUZZ
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_whatever_they_are_called(site, content):
    emptied(site)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Encounter.ndjson", "a.xml", "a.zip", "manifest.json", "x.gz"):
            (Path(folder) / name).write_bytes(content)
        report = site.ingest(Path(folder))
        assert len(report.files) + len(report.unrecognised) == 5
