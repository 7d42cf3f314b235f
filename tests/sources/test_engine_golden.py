"""What each engine's fixtures prove, as a table to read: tests/sources/golden/<kind>.txt. Write it anew with WARDFLOW_GOLDEN=1."""

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
KINDS = sorted(path.stem for path in GOLDEN.glob("*.txt"))
COLUMNS = """strftime(occurred_at at time zone 'America/New_York', '%H:%M:%S.%g') as at, event_type as event,
    coalesce(flow_name, flow_id) as flow, coalesce(node_name, '-') as node, node_role as role,
    right(message_uid, 6) as message, coalesce(right(replay_of_uid, 6), '-') as repeats, coalesce(attempt_no::varchar, '-') as attempt,
    clock_id as clock, coalesce(error_class, '-') as error, coalesce(error_code, '-') as code,
    coalesce(error_template, '-') as template, coalesce(native_type, '-') as native, array_to_string(quality_flags, ' ') as flags"""

TOUCHES = """strftime(occurred_at at time zone 'America/New_York', '%H:%M:%S.%g') as at, event_code as event,
    array_to_string(type_codes, ' ') as types, coalesce(action, '-') as action,
    coalesce(outcome, '-') as outcome, time_basis as basis, array_to_string(quality_flags, ' ') as flags"""
QUERIES = {"atna": f"select {TOUCHES} from raw.human_touch"}


def table(site, kind) -> str:
    found = site.db.execute(QUERIES.get(kind, f"select {COLUMNS} from raw.interface_event"))
    names = [column[0] for column in found.description]
    rows = sorted(found.fetchall())
    widths = [max(len(str(row[i])) for row in [names, *rows]) for i in range(len(names))]
    lines = [
        " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [names, *rows]
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fixtures_prove_exactly_these_events(site, fixtures, kind):
    site.ingest(fixtures / kind)
    golden = GOLDEN / f"{kind}.txt"
    if os.environ.get("WARDFLOW_GOLDEN"):
        golden.write_text(table(site, kind), encoding="utf-8")
    assert table(site, kind) == golden.read_text(encoding="utf-8")
