"""What is published of an incident's cost: no number of too few patients, and none that could be subtracted."""

import duckdb
import pytest

from pipelines.aggregates import incident_tables


@pytest.mark.parametrize(
    ("patients", "delayed", "shown"),
    [
        (4, 4, (None, None)),  # too few waited
        (12, 9, (12, None)),  # 12 - 9 leaves three who were not delayed
        (12, 3, (12, None)),
        (12, 7, (12, 7)),
        (12, 12, (12, 12)),
        (12, 0, (12, 0)),
    ],
)
def test_small_numbers_of_patients_are_hidden(patients, delayed, shown):
    with duckdb.connect() as db:
        numbers = ", ".join(f"1.0 as {name}" for name in incident_tables.NUMBERS if "patients" not in name)
        db.execute("create schema marts")
        db.execute(
            f"create table marts.incident_impact as select 'i' as incident_id, 'boarding' as wait_kind, 'North' as facility, 8 as weeks, "
            f"{patients} as patients, {delayed} as delayed_patients, {numbers}"
        )
        incident_tables.fill(db, 5)
        found = db.execute("select patients, delayed_patients, waits is null from aggregate_incident_impact").fetchall()
    assert found == [(*shown, shown[0] is None)]
