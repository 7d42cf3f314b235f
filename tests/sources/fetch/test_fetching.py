"""Polling Mirth's PostgreSQL and its REST API: in small pages, from where the last poll ended, and nothing personal lands."""

import json
from functools import partial
from importlib.resources import files

import pytest
from click.testing import CliRunner
from pyarrow import parquet

from pipelines import fetch
from pipelines.cli import main
from pipelines.errors import ConfigurationError, HomeBusy, SourceUnreachable
from pipelines.fetch.landing import Memory
from pipelines.settings import load

SOURCE = """
[[sources]]
name = "mirth-lark"
kind = "mirth"
authorities = { mrn = "urn:lark:mrn", visit = "urn:lark:visit", placer = "urn:lark:placer" }
[sources.poll]
page_messages = 2
"""
ORDERS = "b7a1f0de-0000-4000-8000-000000000001"
BY_DATABASE = SOURCE + 'database_env = "MIRTH_DATABASE"\n'
BY_API = SOURCE + 'user = "wardflow"\npassword_env = "MIRTH_PASSWORD"\n'


def pages(site) -> list:
    return sorted(site.home.landing.rglob("*Z.parquet"))


def poll(site, **how) -> fetch.Fetched:
    """One poll, and the ingest that follows it."""
    (source,) = fetch.polled(site.settings)
    found = fetch.fetch(site.settings, source, **how)
    if pages(site):
        site.ingest(site.home.landing)
    return found


def forget_the_last_poll(site) -> None:
    memory = Memory.of(site.settings, site.settings.sources[0])
    memory.polled_at = memory.looked_back_at = 0
    memory.save()


def uids(site) -> set:
    return {uid for (uid,) in site.rows("select event_uid from raw.interface_event")}


def by_xml(new_site, fixtures):
    site = new_site()
    site.ingest(fixtures / "mirth/2026-01-04.xml")
    return site


@pytest.fixture
def database(mirth_tables, monkeypatch):
    monkeypatch.setenv("MIRTH_DATABASE", mirth_tables.reader)
    return mirth_tables


@pytest.fixture
def over_rest(api, monkeypatch) -> str:
    monkeypatch.setenv("MIRTH_PASSWORD", api.password)
    return f'{BY_API}api = "http://127.0.0.1:{api.port}/api"\n'


def test_a_real_postgresql_gives_the_events_of_the_xml_and_its_documented_query_gives_no_more(
    new_site, database, fixtures, put
):
    site = new_site(BY_DATABASE)
    assert (poll(site).rows, len(pages(site))) == (9, 1)
    whole = by_xml(new_site, fixtures)
    assert uids(site) == uids(whole)
    told = """
        select event_type, node_id, occurred_at, clock_id, flow_name, node_name, native_type, correlation_key, msg_type, mrn_key,
            visit_key, placer_key, attempt_no, ack_code, error_class, error_code, error_template, error_fingerprint, sent_at
        from raw.interface_event order by all
    """
    unsaid = "replace (null as mrn_key, null as visit_key, null as placer_key, null as msg_type)"  # of messages without custom columns
    assert site.rows(f"select * {unsaid} from ({told})") == whole.rows(f"select * {unsaid} from ({told})")
    query = (files("pipelines") / "templates/mirth_extract.sql").read_text(encoding="utf-8")
    report = site.ingest(put("psql.csv", database.csv(query)))
    assert (report.totals["loaded"], report.totals["unchanged"]) == (0, 7)


def test_the_next_poll_reads_what_is_new_and_what_changed(new_site, database):
    site = new_site(BY_DATABASE)
    poll(site)
    before = uids(site)
    assert poll(site).rows == 0  # message 14 waits as it waited
    database.run(
        """
        update d_mm12 set status = 'S', send_attempts = 3, send_date = send_date + interval '1 hour',
            response_date = response_date + interval '1 hour' where message_id = 14 and id = 1;
        update d_m12 set processed = true where id = 14;
        insert into d_m12 select 15, server_id, received_date, true, 11 from d_m12 where id = 11;
        insert into d_mm12 select id, 15, server_id, received_date, status, connector_name, send_attempts, send_date, response_date, 0
            from d_mm12 where message_id = 11
        """
    )
    assert poll(site).rows == 4
    fresh = ", ".join(f"'{uid}'" for uid in before)
    assert site.rows(
        f"select message_uid[38:], event_type from raw.interface_event where event_uid not in ({fresh}) order by all"
    ) == [
        ("14", "attempt_started"),
        ("14", "delivered"),
        ("15", "ack_sent"),
        ("15", "attempt_started"),
        ("15", "delivered"),
        ("15", "received"),
        ("15", "replayed"),
        ("15", "routed"),
    ]
    assert poll(site).rows == 0


def test_what_was_processed_again_in_its_place_is_found_when_a_poll_looks_back(new_site, database):
    site = new_site(BY_DATABASE)
    poll(site)
    database.run(
        "update d_mm12 set received_date = received_date + interval '2 hours' where message_id = 11 and id = 0"
    )
    assert poll(site).rows == 0
    forget_the_last_poll(site)
    assert poll(site).rows == 9
    assert site.rows("select message_uid[38:] from raw.interface_event where event_type = 'replayed'") == [("11",)]


@pytest.mark.usefixtures("database")
def test_a_poll_that_was_stopped_anywhere_goes_on_and_nothing_comes_twice(new_site, fixtures, monkeypatch):
    whole = uids(by_xml(new_site, fixtures))
    monkeypatch.setattr("pipelines.fetch.landing.ROWS_A_PAGE", 1)
    for save in range(1, 5):  # the crash comes after a page lies in landing/, before it is remembered
        site = new_site(BY_DATABASE)
        saved = iter(range(1, 100))
        with monkeypatch.context() as patch:
            kept = Memory.save
            patch.setattr(Memory, "save", lambda self: kept(self) if next(saved) != save else 1 / 0)  # noqa: B023
            with pytest.raises(ZeroDivisionError):
                poll(site)
        poll(site)
        assert uids(site) == whole
        assert not list(site.home.path.rglob(".*.parquet"))


@pytest.mark.usefixtures("database")
def test_a_poll_stops_between_pages_when_its_time_is_over(new_site):
    site = new_site(BY_DATABASE)
    first = poll(site, seconds=1e-9)
    assert first.is_cut_short
    assert 0 < first.rows < 9
    poll(site)
    assert site.rows("select count(distinct message_uid) from raw.interface_event") == [(5,)]


def test_a_channel_is_its_id_and_not_the_number_of_its_tables(new_site, database):
    site = new_site(BY_DATABASE)
    poll(site)
    database.run(
        """
        alter table d_m12 rename to d_m4; alter table d_mm12 rename to d_mm4; alter table d_mc12 rename to d_mc4;
        alter table d_mcm12 rename to d_mcm4;
        update d_channels set local_channel_id = 4 where local_channel_id = 12;
        alter table d_m3 rename to d_m12; alter table d_mm3 rename to d_mm12; alter table d_mc3 rename to d_mc12;
        drop table d_mcm3;
        update d_channels set local_channel_id = 12 where local_channel_id = 3
        """
    )
    before = uids(site)
    forget_the_last_poll(site)
    assert poll(site).rows == 9
    assert uids(site) == before


def test_the_login_may_only_read_and_a_refusal_is_one_line_without_the_address(new_site, database, monkeypatch):
    site = new_site(BY_DATABASE)
    database.run("revoke select on d_mc12 from wardflow")
    with pytest.raises(SourceUnreachable, match=r"Source 'mirth-lark': the database cannot be read \(42501\)"):
        poll(site)
    monkeypatch.setenv("MIRTH_DATABASE", "postgresql://wardflow:geheim@127.0.0.1:1/mirthdb")
    with pytest.raises(SourceUnreachable) as refused:
        poll(site)
    assert "geheim" not in str(refused.value)
    monkeypatch.setenv("MIRTH_DATABASE", "")
    with pytest.raises(ConfigurationError, match="the variable MIRTH_DATABASE holds no address"):
        poll(site)


@pytest.mark.parametrize("road", ["database", "api"])
def test_nobody_can_be_found_in_what_lands_but_by_the_numbers_that_were_asked_for(new_site, planted, road, request):
    if road == "database":
        request.getfixturevalue("database")
    site = new_site(BY_DATABASE if road == "database" else request.getfixturevalue("over_rest"), in_file=True)
    poll(site)
    numbers = {"LKM778812", "LKV5501", "LKP9001"}  # custom columns that the settings name: hashed when they are read
    landed = "".join(str(parquet.read_table(path).to_pylist()) for path in pages(site))
    assert not [name for name in planted if name in landed and name not in numbers]
    assert not [name for name in planted if name in site.everything()]
    assert not [name for name in planted if name in (site.home.path / "fetch/mirth-lark.json").read_text()]


def test_the_rest_api_gives_the_events_of_the_xml_in_small_pages_and_contents_of_failed_messages_only(
    new_site, over_rest, api, fixtures
):
    site = new_site(over_rest)
    poll(site)
    assert uids(site) == uids(by_xml(new_site, fixtures))
    asked = [query for path, query in api.asked if path.endswith("/messages")]
    assert {query["limit"] for query in asked} <= {"1", "2"}
    assert [query["minMessageId"] for query in asked if query["includeContent"] == "true"] == ["12"]
    assert site.rows(
        "select distinct error_class, error_code from raw.interface_event where error_class is not null"
    ) == [("nack", "204")]
    api.asked.clear()
    assert poll(site).rows == 0
    assert [query["minMessageId"] for path, query in api.asked if path.endswith("/messages")] == ["14"]


def test_only_the_named_address_is_called_and_who_refuses_is_said_in_one_line(new_site, over_rest, api, monkeypatch):
    site = new_site(over_rest)
    api.redirects = True
    with pytest.raises(SourceUnreachable, match="HTTP 302"):
        poll(site)
    api.redirects = False
    monkeypatch.setenv("MIRTH_PASSWORD", "wrong")
    with pytest.raises(SourceUnreachable, match="HTTP 401"):
        poll(site)
    monkeypatch.setenv("MIRTH_PASSWORD", "")
    with pytest.raises(ConfigurationError, match="there is no password for 'wardflow'"):
        poll(site)


def test_one_poll_of_a_source_at_a_time(new_site, over_rest):
    site = new_site(over_rest)
    with Memory.locked(site.settings, site.settings.sources[0]), pytest.raises(HomeBusy):
        poll(site)
    assert fetch.is_due(site.settings, site.settings.sources[0])
    poll(site)
    assert not fetch.is_due(site.settings, site.settings.sources[0])


@pytest.mark.parametrize(
    ("poll_table", "mistake"),
    [
        ("", "one of database_env, database_file and api"),
        ("database_env = 'A'\napi = 'https://mirth/api'\nuser = 'u'\npassword_env = 'P'", "one of database_env"),
        ("api = 'http://mirth.example/api'\nuser = 'u'\npassword_env = 'P'", "https"),
        ("api = 'https://mirth.example/api'", "user"),
    ],
)
def test_a_poll_must_say_where_and_as_whom(tmp_path, poll_table, mistake):
    (tmp_path / "wardflow.toml").write_text(f"[[sources]]\nname='m'\nkind='mirth'\n[sources.poll]\n{poll_table}\n")
    with pytest.raises(ConfigurationError, match=mistake):
        load(tmp_path)


def test_where_and_as_whom_are_in_no_manifest_and_pages_lie_where_the_source_delivers(new_site, over_rest):
    site = new_site(over_rest)
    assert "127.0.0.1" not in json.dumps(site.settings.resolved())
    assert site.settings.sources[0].path == "landing/mirth-lark"


def test_the_command_polls_and_takes_in_and_the_scheduler_polls_what_is_due(new_site, over_rest, api, monkeypatch):
    import dagster as dg

    from pipelines.defs.sensors.polled_engines import polled_engines

    site = new_site(over_rest)
    wardflow = partial(CliRunner().invoke, main, env={"WARDFLOW_HOME": str(site.home.path)})
    first = wardflow(["fetch", "mirth-lark", "--format", "json"])
    assert json.loads(first.stdout) == [{"source": "mirth-lark", "rows": 9, "pages": 1, "loaded": 9}]
    assert "mirth-lark: 9 rows in 1 pages, 0 of them new" in wardflow(["fetch", "--full"]).stderr
    wrong = wardflow(["fetch", "ehr"])
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)
    assert "Polled are: mirth-lark" in wrong.stderr
    monkeypatch.setenv("WARDFLOW_HOME", str(site.home.path))

    def tick() -> str | None:
        told = polled_engines()
        assert isinstance(told, dg.SkipReason)
        return told.skip_message

    assert tick() == "No source is due."
    forget_the_last_poll(site)
    assert tick() == "mirth-lark: 9 rows."
    forget_the_last_poll(site)
    api.redirects = True
    with pytest.raises(dg.Failure, match="HTTP 302"):
        polled_engines()


def counted(site) -> list[tuple]:
    told = "flow_id[33:], flow_name, node_id, server_id, received_count, sent_count, received_lifetime_count"
    return site.rows(f"select {told} from raw.counter_sample order by sampled_at, node_id")


def test_the_counters_of_a_real_postgresql_are_sampled_with_the_time_of_the_poll(new_site, database, put):
    database.run(
        """
        insert into d_ms12 values (null, '1', 5, 0, 4, 1, 105, 0, 104, 1), (0, '1', 5, 0, 0, 0, 105, 0, 0, 0),
            (1, '1', 4, 0, 4, 1, 104, 0, 104, 1)
        """
    )
    site = new_site(BY_DATABASE)
    poll(site)
    first = [
        ("0001", "ORDERS", node, "1", received, sent, 100 + received)
        for node, received, sent in (("", 5, 4), ("0", 5, 0), ("1", 4, 4))
    ]
    assert counted(site) == first
    assert site.rows("select distinct sampled_at > now() - interval 1 minute from raw.counter_sample") == [(True,)]
    database.run("update d_ms12 set received = 0, sent = 0")
    poll(site)  # within ten minutes of the last sample
    assert counted(site) == first
    memory = Memory.of(site.settings, site.settings.sources[0])
    memory.counted_at = 0
    memory.save()
    poll(site)
    again = [(*row[:4], 0, 0, row[6]) for row in first]
    assert counted(site) == first + again
    query = (files("pipelines") / "templates/mirth_counters.sql").read_text(encoding="utf-8")
    report = site.ingest(put("statistics.csv", database.csv(query)))
    assert (report.totals["loaded"], report.totals["ignored"]) == (3, 1)
    assert counted(site) == first + again + again


def test_a_login_that_may_not_read_counters_reads_messages_all_the_same(new_site, database):
    database.run("insert into d_ms12 values (null, '1', 5, 0, 4, 1); revoke select on d_ms12 from wardflow")
    site = new_site(BY_DATABASE)
    assert poll(site).rows == 9
    assert counted(site) == []


def test_counters_over_rest_are_those_of_whole_channels(new_site, api, over_rest):
    site = new_site(over_rest)
    api.statistics = (
        f"<list><channelStatistics><serverId>1</serverId><channelId>{ORDERS}</channelId><received>5</received><sent>4</sent>"
        "<error>1</error><filtered>0</filtered><queued>2</queued></channelStatistics></list>"
    )
    poll(site)
    assert counted(site) == [("0001", None, "", "1", 5, 4, None)]
