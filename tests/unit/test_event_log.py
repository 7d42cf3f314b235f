"""`wardflow process --csv`: what is read of a file, what is left out and said, and that the rest comes to the right numbers."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import main

DEFAULT = Path(__file__).parents[2].parent / "shared" / "data"
REFERENCE = Path(os.environ.get("WARDFLOW_REFERENCE_DATA", DEFAULT)) / "process"
GOOD = """case,step,time
NA,order,2026-04-13 08:00:00
NA,verify,2026-04-13 09:00:00
B,order,2026-04-13 08:00:00
B,verify,2026-04-13 08:30:00
"""
NAMED = ("--case", "case", "--activity", "step", "--at", "time")


@pytest.fixture
def run(tmp_path):
    def run(text, *options):
        path = tmp_path / "log.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CliRunner().invoke(main, ["process", "--csv", str(path), *(options or NAMED)])

    return run


def answer(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_log_gives_its_edges_variants_and_throughput(run):
    found = answer(run(GOOD, *NAMED, "--format", "json"))
    assert (found["cases"], found["events"], found["variants"], found["open_cases"]) == (2, 4, 1, None)
    assert found["top_variants"] == [{"path": ["order", "verify"], "count": 2}]
    (edge,) = found["edges"]
    assert (edge["from"], edge["to"], edge["count"]) == ("order", "verify", 2)
    assert (edge["wait_median_seconds"], edge["wait_total_seconds"]) == ((60 + 30) / 2 * 60, (60 + 30) * 60)
    assert found["throughput_seconds"]["median"] == 45 * 60
    assert (found["rows"], found["bad_rows"]) == (4, [])


def test_the_text_ranks_the_waits_and_names_the_usual_path(run):
    result = run(GOOD, *NAMED, "--target", "order", "verify", "45", "--end", "verify")
    assert "2 cases, 0 open, 4 events, 1 variants" in result.stdout
    assert "Most usual path (100% of cases): order > verify" in result.stdout
    assert (
        "order  verify      2  45 min  57 min           1.5         –         0.2" in result.stdout
    )  # 15 minutes beyond, once


@pytest.mark.parametrize("form", ["semicolons", "tabs", "mark and CRLF", "quotes"])
def test_files_as_spreadsheets_write_them_are_read(run, form):
    text = {
        "semicolons": GOOD.replace(",", ";"),
        "tabs": GOOD.replace(",", "\t"),
        "mark and CRLF": "\ufeff" + GOOD.replace("\n", "\r\n"),
        "quotes": GOOD.replace("verify", '"verify,\nsaid ""final"""'),
    }[form]
    found = answer(run(text, *NAMED, "--format", "json"))
    last = 'verify,\nsaid "final"' if form == "quotes" else "verify"
    assert found["top_variants"] == [{"path": ["order", last], "count": 2}]


def test_equal_times_are_ordered_by_the_row_or_by_a_column_or_taken_as_one(run):
    text = "case,step,time,no\nA,second,2026-04-13,10\nA,first,2026-04-13,9\n"
    paths = {
        options: answer(run(text, *NAMED, *options, "--format", "json"))["top_variants"][0]["path"]
        for options in ((), ("--order", "no"), ("--ties", "set"))
    }
    assert paths == {
        (): ["second", "first"],
        ("--order", "no"): ["first", "second"],  # 9 before 10: numbers, not letters
        ("--ties", "set"): ["first + second"],
    }


def test_with_an_order_the_row_decides_nothing(run):
    lines = [f"{case},{step},2026-04-13 08:00,{place}" for case in "ABC" for place, step in enumerate("xyzx")]
    found = []
    for shuffled in (lines, lines[::-1], lines[5:] + lines[:5], lines[1::2] + lines[::2]):
        text = "\n".join(["case,step,time,no", *shuffled, ""])
        found.append(answer(run(text, *NAMED, "--order", "no", "--format", "json")))
    assert all(each == found[0] for each in found)
    assert found[0]["top_variants"] == [{"path": list("xyzx"), "count": 3}]


def test_starts_split_a_wait_and_tell_which_case_is_open(run):
    text = """case,step,time,kind
A,order,2026-04-13 08:00,complete
A,collect,2026-04-13 08:20,START
A,collect,2026-04-13 08:30,complete
B,order,2026-04-13 08:00,complete
B,collect,2026-04-13 08:20,start
B,collect,2026-04-13 08:10,suspend
"""
    found = answer(run(text, *NAMED, "--lifecycle", "kind", "--format", "json"))
    (edge,) = found["edges"]
    assert (edge["wait_total_seconds"], edge["queue_total_seconds"], edge["service_total_seconds"]) == (1800, 1200, 600)
    assert (found["events"], found["open_cases"]) == (3, 1)
    assert any("1 rows are neither start nor complete" in note for note in found["notes"])


def test_a_zone_moves_times_without_an_offset_only(run):
    night = """case,step,time
A,a,2026-03-29 01:30:00
A,b,2026-03-29 03:30:00
B,a,2026-03-29T01:30:00+01:00
B,b,2026-03-29T03:30:00+02:00
"""

    def waits(*options):
        found = answer(run(night, *NAMED, *options, "--format", "json"))
        return found["edges"][0]["wait_total_seconds"], len(found["notes"])

    assert waits() == ((120 + 60) * 60, 1)  # as written, and said so
    assert waits("--zone", "Europe/Berlin") == ((60 + 60) * 60, 0)


def test_bad_rows_are_left_out_and_each_rule_is_said_once_with_its_first_line(run):
    text = (
        GOOD.encode()
        + b"""B,"a
b",2026-04-13 08:40:00

B,c,yesterday
B,c,13/04/2026
,c,2026-04-13
B,,2026-04-13
B,c,
B,c
B,caf\xe9,2026-04-13 08:50:00
B,"c" c,2026-04-13 08:50:00
"""
    )
    result = run(text, *NAMED, "--format", "json")
    found = answer(result)
    assert [(each["line"], each["rule"], each["count"]) for each in found["bad_rows"]] == [
        (9, "no readable time", 2),
        (11, "no case", 1),
        (12, "no activity", 1),
        (13, "no time", 1),
        (14, "not 3 fields like the header", 1),
        (15, "text that is not UTF-8", 1),
        (16, "quotes that do not close", 1),
    ]
    assert (found["rows"], found["events"]) == (5 + 8, 5)
    assert len(result.stderr.splitlines()) == 7
    assert "log.csv, line 9: no readable time; 2 rows left out. Write times as 2026-04-13 08:05:00" in result.stderr


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        (
            GOOD,
            ("--case", "case", "--activity", "stp", "--at", "time"),
            2,
            "the column 'stp' is not in its header. Did you mean 'step'?",
        ),
        ("step,case,step,time\n", NAMED, 2, "the column 'step' is twice in its header. Rename one of them."),
        (GOOD, ("--case", "case", "--at", "time"), 2, "--csv needs --activity"),
        (GOOD, (*NAMED, "--zone", "Berlin"), 2, "--zone 'Berlin' is no time zone. Write it like Europe/Berlin."),
        (GOOD, (*NAMED, "--lifecycle", "step"), 2, "never says 'complete'. It says: 'order', 'verify'"),
        ("", NAMED, 1, "is empty"),
        ("case,step,time\n", NAMED, 1, "no row could be read. It holds a header only."),
        ("case,step,time\nA,a,b\n", NAMED, 1, "no row could be read. Line 2: no readable time."),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_cure(run, text, options, code, said):
    result = run(text, *options)
    assert result.exit_code == code
    (line,) = result.stderr.splitlines()
    assert said in line


def test_a_file_that_is_not_there_and_an_end_that_never_comes(run, tmp_path):
    result = CliRunner().invoke(main, ["process", "--csv", str(tmp_path / "none.csv"), *NAMED])
    assert (result.exit_code, "No such file or directory" in result.stderr) == (1, True)
    assert "no event of" in run(GOOD, *NAMED, "--end", "left").stderr


@pytest.mark.skipif(
    not REFERENCE.exists(),
    reason=f"THE EVENT LOG JUDGED BY pm4py IS NOT AT {REFERENCE}: set WARDFLOW_REFERENCE_DATA to compare",
)
def test_the_reference_file_is_read_with_its_begins(run):
    wanted = json.loads((REFERENCE / "patients_expected.json").read_text())
    columns = "--case patient --activity handling --at time --order .order --lifecycle registration_type --format json"
    found = answer(run((REFERENCE / "patients.csv").read_bytes(), *columns.split()))
    assert (found["cases"], found["events"], found["variants"]) == (
        wanted["n_cases"],
        wanted["n_events"],
        wanted["n_variants"],
    )
    waits = {(start, end): each for start, end, each in wanted["edge_wait_numpy"]}
    assert len(found["edges"]) == len(waits)
    for edge in found["edges"]:
        expected = waits[edge["from"], edge["to"]]
        assert edge["count"] == expected["n"]
        assert edge["wait_median_seconds"] == pytest.approx(expected["median"])
        assert edge["wait_total_seconds"] == pytest.approx(expected["total"])
        assert edge["queue_total_seconds"] + edge["service_total_seconds"] == pytest.approx(edge["wait_total_seconds"])
