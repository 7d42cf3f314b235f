"""Tables that are taken over while what they read has not changed: the list of what they read is the list of their queries."""

import inspect
import re

import pytest

from pipelines.aggregates import (
    aggregate_tables,
    conformance_tables,
    edge_delays,
    exception_tables,
    kpi_delays,
    lost_tables,
    process_tables,
    reach_tables,
    time_shares,
    wait_tables,
    waiting_tables,
)

MADE_BY = {
    "workflows": (process_tables, conformance_tables, waiting_tables, edge_delays),
    "delays": (wait_tables,),
    "times": (kpi_delays, time_shares),
    "exceptions": (exception_tables,),
    "lost": (lost_tables,),
    "reach": (reach_tables,),
}


@pytest.mark.parametrize("group", aggregate_tables.GROUPS)
def test_a_group_of_tables_follows_from_all_that_its_queries_read(group):
    queries = re.findall(
        r"\b(?:from|join)\s+((?:staging|marts)\.\w+)", "\n".join(map(inspect.getsource, MADE_BY[group]))
    )
    of_kpis = {kpi.table for kpi in kpi_delays.TIMED} if group == "times" else set()
    assert set(queries) | of_kpis == set(aggregate_tables.READ_BY[group])
