"""Samples of Mirth's counters: known by their columns, each row once, and never without the time at which it was read."""

import pytest
from pyarrow import csv, parquet

from pipelines.errors import ZoneNeeded

HEADER = "CHANNEL_ID,METADATA_ID,SERVER_ID,RECEIVED,FILTERED,SENT,ERROR,SAMPLED_AT\n"
ROW = "ch-1,,srv,10,1,7,2,2026-01-04 09:00:00-05\n"


def test_a_sample_as_csv_and_as_parquet_is_the_same_and_comes_in_once(site, fixtures, tmp_path):
    table = fixtures / "mirth/counters.csv"
    assert site.ingest(table).totals["loaded"] == 3
    parquet.write_table(csv.read_csv(table), tmp_path / "again.bin")
    assert site.ingest(tmp_path / "again.bin").totals["unchanged"] == 3
    told = "flow_name, node_id, received_count, received_lifetime_count, epoch(sampled_at) // 3600 % 24"
    assert site.rows(f"select {told} from raw.counter_sample order by sampled_at, node_id") == [
        ("ORDERS", "", 14, 1014, 13),
        ("ORDERS", "1", 14, 1014, 13),
        ("ORDERS", "", 3, 1023, 15),
    ]
    assert "Quillon" not in site.everything()


def test_a_spoiled_row_costs_that_row_and_counters_without_a_time_say_nothing(site, put):
    bad = (
        "ch-1,,srv,ten,1,7,2,2026-01-04 09:00:00-05\n",
        ",,srv,10,1,7,2,2026-01-04 09:00:00-05\n",
        "ch-1,,srv,10,1,7,2,\n",
        "ch-1,2\n",
    )
    report = site.ingest(put("report.csv", HEADER, ROW, *bad))
    assert report.totals["loaded"] == 1
    rules = [(3, None), (4, "no_id"), (5, "no_sample_time"), (6, "unparseable")]
    assert site.rows("select line, rule from account.quarantine order by all") == rules[1:]
    assert site.rows("select received_count, sent_count from raw.counter_sample") == [(10, 7)]
    without = put("bare.csv", HEADER.replace(",SAMPLED_AT", ""), "ch-1,,srv,10,1,7,2\n")
    assert site.ingest(without).totals["quarantined"] == 1


def test_a_time_without_an_offset_needs_a_zone(new_site, put):
    local = put("derby.csv", HEADER, ROW.replace("-05\n", "\n"))
    with pytest.raises(ZoneNeeded, match="line 2: a time has no offset"):
        new_site("[[sources]]\nname='mirth-lark'\nkind='mirth'").ingest(local)
    site = new_site()
    site.ingest(local)
    assert site.rows("select time_basis, epoch(sampled_at) // 3600 % 24 from raw.counter_sample") == [("site_zone", 14)]
