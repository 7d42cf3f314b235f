"""The catalogue of tables, read from the SQL files themselves."""

import pytest

from models import catalog
from models.catalog import (
    SQL_ROOT,
    WHO_IS_WHO,
    Table,
    build_order,
    find_table,
    new_parser,
    read_table,
    tables,
    upstream,
)
from models.errors import BadDeclaration
from models.kpis import KPIS


def test_nothing_that_is_counted_or_published_reads_who_touched_what():
    touched = {"raw.human_touch", "raw.fhir_audit_event", "staging.human_touch"}
    reading = [table for table in tables() if table.layer == "marts" and upstream(table.full_name) & touched]
    assert [table.full_name for table in reading] == ["marts.result_opening"]  # of which only sums leave the warehouse
    assert not any(table.is_published for table in reading)
    assert not {kpi.mart for kpi in KPIS.values()} & {table.name for table in reading}


def test_every_file_is_one_table_that_opens_with_its_grain():
    assert len(tables()) == len(list(SQL_ROOT.glob("*/*.sql")))
    assert all(table.grain.startswith("one row per ") for table in tables())


def test_every_file_is_one_select_in_lower_case_without_a_template():
    for table in tables():
        code = "\n".join(line for line in table.query.splitlines() if not line.startswith("--"))
        assert code.startswith(("select", "with")), table.full_name
        assert ";" not in code, table.full_name
        assert "{{" not in code, table.full_name
        assert not [word for word in ("SELECT", "FROM", "WHERE", "JOIN") if word in code], table.full_name


def test_what_is_kept_as_a_view_binds_nothing_that_changes_from_run_to_run():
    assert [table.full_name for table in tables() if table.is_view and not table.parameters] == [
        "staging.interface_event"
    ]
    assert not [table for table in tables() if table.is_view and table.parameters]


def test_staging_joins_nothing():
    joining = {
        path.stem for path in (SQL_ROOT / "staging").glob("*.sql") if " join " in path.read_text(encoding="utf-8")
    }
    assert joining == {
        *("patient_merge", "identity"),  # who is who: the rest is looked up in what they find
        *("message_origin", "interface_event"),  # which message a repeated one was: decision 0028
        "delivery",  # the few events of messages that were given up or sent again: decision 0030
        "acknowledgement",  # which message was answered: decision 0034
        *(
            "flow_channel",
            "queue_sample",
            "counter_sample",
            "registry_interface",
        ),  # what a flow is called today: decision 0037
    }


def test_columns_that_hold_references_are_looked_up_and_the_files_text_says_which():
    order = find_table("staging.order")
    assert "staging.identity" in order.reads
    assert order.grain == "one row per ServiceRequest."
    assert "patient_key" in order.comments[1]
    assert order.query.count("left join staging.identity") == 3
    assert "raw.interface_event" not in upstream("staging.order", without=WHO_IS_WHO)


def test_a_table_comes_after_all_it_reads():
    order = [table.full_name for table in build_order()]
    for table in build_order():
        assert all(order.index(name) < order.index(table.full_name) for name in table.reads if name in order)


def test_a_mart_that_is_a_step_on_the_way_to_others_says_why_it_is_not_published():
    published = {table.name for table in tables() if table.is_published}
    assert {"interface_incident", "message_delivery"} <= published
    assert not published & {"channel_arrival", "delivery_slot", "order", "registry_downtime"}


def test_what_a_query_reads_and_binds_is_taken_from_the_query():
    handoff = find_table("marts.handoff")
    assert handoff.parameters == {"as_of", "handoff_accept_minutes"}
    assert "staging.task" in handoff.reads
    assert find_table("marts.lab_order").reads >= {"staging.order"}  # a reserved word, named without its quotes


def test_upstream_goes_down_to_the_raw_tables():
    assert upstream("marts.interface_channel") >= {"raw.interface_event", "raw.registry_interface", "staging.delivery"}
    assert upstream("raw.fhir_task") == {"raw.fhir_task"}


def test_an_unknown_table_says_what_was_meant():
    with pytest.raises(BadDeclaration, match=r"Did you mean 'marts.handoff'"):
        find_table("marts.handof")


def test_comments_are_the_documentation(tmp_path):
    path = tmp_path / "marts" / "thing.sql"
    path.parent.mkdir()
    path.write_text(
        "-- Grain: one row per thing.\n-- Things are few.\n-- size: how large.\n-- They last.\nselect 1 as size\n"
    )
    with new_parser() as parser:
        table = read_table(path, parser)
    assert (table.full_name, table.grain, table.description) == (
        "marts.thing",
        "one row per thing.",
        "Things are few. They last.",
    )
    assert table.column_notes == {"size": "how large."}


def test_a_column_s_meaning_goes_on_until_its_sentence_ends_and_may_be_of_several():
    query = """-- Grain: one row per thing.
-- from_at, until_at: the readings around it,
-- at most an hour apart. kind: missing or reset (a counter was
-- set back).
-- Kept for a year."""
    table = Table("marts", "thing", query, frozenset(), frozenset())
    assert table.description == "Kept for a year."
    assert table.column_notes == {
        "from_at": "the readings around it, at most an hour apart.",
        "until_at": "the readings around it, at most an hour apart.",
        "kind": "missing or reset (a counter was set back).",
    }


@pytest.mark.parametrize("query", ["select 1", "-- Some things.\nselect 1"])
def test_a_file_without_a_grain_is_refused(query):
    with pytest.raises(BadDeclaration, match="Make its first line"):
        _ = Table("marts", "thing", query, frozenset(), frozenset()).grain


def test_comments_alone_are_no_query_but_still_read():
    assert Table("marts", "thing", "-- Grain: one row per thing.", frozenset(), frozenset()).comments == (
        "Grain: one row per thing.",
    )
    assert catalog.LAYERS == ("raw", "staging", "marts")
