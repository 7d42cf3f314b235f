"""Configuration, the registry, the journal and the writer's lock: what people write by hand, and one writer at a time."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.journal import Decision
from pipelines import decisions, registry
from pipelines.errors import ConfigurationError, HomeBusy
from pipelines.home import Home
from pipelines.settings import load
from pipelines.sources import discover
from tests.sources.conftest import Site, make_home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").create()


def test_the_template_is_a_valid_configuration_with_its_defaults(home):
    found = load(home)
    assert (found.windows.critical_ack_minutes, found.windows.handoff_accept_minutes) == (60, 30)
    assert found.sources == ()
    assert registry.read(home.registry_path).interface == ()


def test_every_commented_line_of_the_template_is_a_valid_setting_too(home):
    lines = home.settings_path.read_text().splitlines()
    text = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and ("=" in line or "[" in line) else line for line in lines
    )
    sentences = [
        line for line in text.splitlines() if not line.startswith(("#", "The environment", "The configuration"))
    ]
    home.settings_path.write_text("\n".join(line for line in sentences if "WARDFLOW_" not in line))
    found = load(home)
    assert [source.name for source in found.sources] == [
        "ehr",
        "mirth",
        "audit",
        "openhim",
        "processes",
        "iris",
        "routes",
        "azure",
        "adt-link",
        "engine",
        "places",
    ]
    assert [alert.kind for alert in found.alerts] == ["file", "webhook", "email"]


def test_the_environment_wins_over_the_file(home, monkeypatch):
    home.settings_path.write_text(
        "suppress_below = 7\n[windows]\ncritical_ack_minutes = 20\nhandoff_accept_minutes = 25\n"
    )
    monkeypatch.setenv("WARDFLOW_SUPPRESS_BELOW", "9")
    monkeypatch.setenv("WARDFLOW_WINDOWS__CRITICAL_ACK_MINUTES", "45")
    found = load(home)
    assert found.suppress_below == 9
    assert (found.windows.critical_ack_minutes, found.windows.handoff_accept_minutes) == (45, 25)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("supress_below = 3", r"there is no setting 'supress_below'. Did you mean 'suppress_below'\?"),
        ("zone = 'Mars/Olympus'", r"'Mars/Olympus' is no IANA time zone"),
        ("suppress_below = -1", r"suppress_below = -1: Input should be greater than or equal to 0"),
        ("site = ", r"is not valid TOML"),
        (
            "[[sources]]\nname = 'ehr'\nkind = 'fhir'\n[[sources.visits]]\nkind = 'inpatint'\nclasses = ['EMER']",
            r"sources.0.visits.0.kind = 'inpatint': 'inpatint' is no kind of visit. Did you mean 'inpatient'\?",
        ),
        (
            "[[sources]]\nname = 'ehr'\nkind = 'fhir'\n[[sources.visits]]\nkind = 'hospital'\nclasses = ['EMER']",
            r"'hospital' is no kind of visit. Write one of emergency, inpatient, ",
        ),
        (
            "[[sources]]\nname = 'ehr'\nkind = 'fhir'\n[[sources.visits]]\nkind = 'home'",
            r"sources.0.visits.0: a rule without a condition would take every visit",
        ),
        (
            "[[sources]]\nname = 'ehr'\nkind = 'fhir'\n[[sources.visits]]\nkind = 'home'\nclases = ['HH']",
            r"there is no setting 'sources.0.visits.0.clases'. Did you mean 'classes'\?",
        ),
        ("site_key = 'x'", r"a key must stay outside the home"),
        ("[[sources]]\nname='a'\nkind='fax'", r"sources.0.kind = 'fax'"),
        ("[[sources]]\nname='a'\nkind='fhir'\n[[sources]]\nname='a'\nkind='fhir'", r"two sources are called 'a'"),
        (
            "[[sources]]\nname='a'\nkind='ndjson-log'\n[sources.mapping]\ntime='t'",
            r"a mapping is a file of its own: `wardflow mapping propose SAMPLE` writes one",
        ),
        (
            "[[sources]]\nname='a'\nkind='ndjson-log'\nmapping='none.toml'",
            r"Source 'a': there is no mapping file .*none.toml. `wardflow mapping propose` writes one",
        ),
    ],
)
def test_a_mistake_is_one_line_with_value_rule_and_cure(home, text, line):
    home.settings_path.write_text(text)
    with pytest.raises(ConfigurationError, match=line) as caught:
        load(home)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_manifest_gets_the_settings_without_secrets_paths_or_addresses(home, monkeypatch):
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "never to be published")
    home.settings_path.write_text(
        "[[sources]]\nname='a'\nkind='fhir'\npath='/srv/x'\n[[alerts]]\nkind='webhook'\nurl='https://h/secret'"
    )
    text = str(load(home).resolved())
    assert "'name': 'a'" in text
    assert not any(private in text for private in ("never to be", "/srv/x", "secret", str(home.path)))


def test_a_second_writer_waits_and_says_so_in_one_line(home):
    said: list[str] = []
    entered = threading.Event()

    def other() -> None:
        with home.lock(say=said.append):
            entered.set()

    with home.lock():
        waiting = threading.Thread(target=other)
        waiting.start()
        assert not entered.wait(0.5)
    waiting.join(5)
    assert entered.is_set()
    assert len(said) == 1
    assert "one writer at a time. Waiting." in said[0]


def test_waiting_too_long_is_an_error(home):
    with home.lock(), pytest.raises(HomeBusy, match="Try again when it has finished"), home.lock(wait_seconds=0):
        pass


def test_every_configured_source_is_discovered_in_batches_with_stable_ids(home, put, tmp_path):
    put("fhir/2026-01-05/manifest.json", "{}")
    put("fhir/2026-01-05/Patient.ndjson", "")
    put("fhir/2026-01-05/deleted/Bundle.ndjson", "")
    put("fhir/2026-01-06/Patient.ndjson", "")
    put("logs/a.xml", "")
    put("logs/b.xml", "")
    delivered = tmp_path / "delivered"
    home.settings_path.write_text(
        f"[[sources]]\nname='ehr'\nkind='fhir'\npath='{delivered}/fhir'\n[[sources]]\nname='m'\nkind='mirth'\npath='{delivered}/logs/*.xml'"
    )
    (home.landing / "loose").mkdir()
    assert [(batch.source, batch.paths[0].name) for batch in discover(home)] == [
        ("ehr", "2026-01-05"),
        ("ehr", "2026-01-06"),
        ("m", "a.xml"),
        ("m", "b.xml"),
        (None, "loose"),
    ]
    assert [batch.id for batch in discover(home)] == [batch.id for batch in discover(home)]


REGISTRY = """
[[system]]
id = "LIS"
[[interface]]
flow = "ORDERS"
source = "mirth-lark"
kind = "router"
max_silence_minutes = 60
[[downtime]]
source = "mirth-lark"
starts_at = 2026-03-06T12:00:00-05:00
ends_at = 2026-03-06T14:00:00-05:00
[[holiday]]
date = 2026-12-25
[[record]]
domain = "results"
system = "LIS"
[[workflow]]
id = "critical"
[[workflow.step]]
name = "verified"
window_minutes = 30
[[workflow.step]]
name = "acknowledged"
[[criterion]]
name = "hours"
weight = 4
[[criterion]]
name = "safety"
weight = 3
[[option]]
id = "runner"
effort_days = 10
fixes = ["mirth-lark/ORDERS", "critical/verified"]
scores = { safety = 4 }
[[option]]
id = "nothing"
effort_days = 1
fixes = ["critical/acknowledged"]
"""


def test_the_registry_replaces_what_it_said_before(site):
    site.home.registry_path.write_text(REGISTRY)
    registry.take_in(site.db, site.settings)
    registry.take_in(site.db, site.settings)
    assert site.rows("select flow, source, kind, max_silence_minutes from raw.registry_interface") == [
        ("ORDERS", "mirth-lark", "router", 60)
    ]
    assert site.rows(
        "select flow, date_diff('minute', starts_at, ends_at), holiday_date::varchar "
        "from raw.registry_downtime, raw.registry_holiday"
    ) == [(None, 120, "2026-12-25")]
    assert site.rows("select step_no, step, window_minutes from raw.registry_workflow order by 1") == [
        (1, "verified", 30),
        (2, "acknowledged", None),
    ]
    assert site.rows("select id, effort_days, saves, fixes, criteria, scores from raw.registry_option order by 1") == [
        ("nothing", 1, 1, ["critical/acknowledged"], [], []),
        ("runner", 10, 1, ["mirth-lark/ORDERS", "critical/verified"], ["safety"], [4]),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('kind = "router"', 'kind = "roouter"', "interface.0.kind = 'roouter'"),
        ('system = "LIS"', 'system = "RIS"', "the system of record for 'results' is 'RIS', which no"),
        (
            "[[record]]",
            '[[interface]]\nflow="ORDERS"\nsource="mirth-lark"\n[[record]]',
            "interface 'mirth-lark/ORDERS' is listed twice",
        ),
        (
            "[[record]]",
            '[[alias]]\nsource="m"\nflow_id="a"\nis_now="b"\n[[alias]]\nsource="m"\nflow_id="b"\nis_now="c"\n[[record]]',
            "the alias m/a leads to 'b', which was taken over itself",
        ),
        ("12:00:00", "14:00:00", "ends before it starts"),
        ("12:00:00-05:00", "12:00:00", "downtime.0.starts_at"),
        ("effort_days = 10", "effort_days = 0", "option.0.effort_days = 0"),
        (
            "critical/verified",
            "critical/verifed",
            "fixes 'critical/verifed', which is neither .* Did you mean 'critical/verified'?",
        ),
        ("safety = 4", "safety = 6", "option.0.scores.safety = 6"),
        ("safety = 4", "savety = 4", r"a score for 'savety', which no \[\[criterion\]\] has as name"),
        ("safety = 4", "hours = 4", "a score for 'hours', which is measured"),
        ("weight = 4", "weight = -4", "criterion.0.weight = -4"),
        ('name = "safety"', 'name = "hours"', "criterion 'hours' is listed twice"),
        ("max_silence_minutes", "max_silence_minuets", "interface.0.max_silence_minuets"),
    ],
)
def test_a_mistake_in_the_registry_is_one_line_and_keeps_what_was_there(site, old, new, line):
    site.home.registry_path.write_text(REGISTRY)
    registry.take_in(site.db, site.settings)
    site.home.registry_path.write_text(REGISTRY.replace(old, new))
    with pytest.raises(ConfigurationError, match=line):
        registry.take_in(site.db, site.settings)
    assert site.rows("select count(*) from raw.registry_interface") == [(1,)]


def entry(why: str) -> str:
    return Decision(
        decided_at=datetime(2026, 1, 5, 14, tzinfo=UTC),
        actor="a@b.c",
        action="annotate",
        subject_kind="kpi",
        subject="ed_arrivals",
        why=why,
    ).to_line()


def test_the_journal_comes_in_with_its_account_and_a_spoiled_line_is_quarantined(site):
    path = site.home.decisions_path
    path.write_text(entry("first") + "\n{spoiled\n\n" + entry("second") + "\n" + entry("first") + "\n")
    assert decisions.take_in(site.db, site.settings) == 2
    assert decisions.take_in(site.db, site.settings) == 2
    assert site.rows("select why, line from raw.decision order by line") == [("first", 1), ("second", 4)]
    assert site.rows("select lines_read, loaded, unchanged, ignored, quarantined from account.file") == [
        (5, 2, 1, 1, 1)
    ]
    path.write_text(path.read_text() + entry("third") + "\n")
    assert decisions.take_in(site.db, site.settings) == 3
    assert len(site.rows("select * from account.file")) == 1


def test_the_environments_home_does_not_redirect_the_home_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("WARDFLOW_HOME", str(tmp_path / "other"))
    found = load(Home(tmp_path / "named").create())
    assert (found.home, found.key_path.name) == (tmp_path / "named", "named.key")


def test_a_home_named_by_a_relative_path_delivers_each_file_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Home(Path("home")).create()
    (home.landing / "logs").mkdir()
    (home.landing / "logs" / "day.ndjson").write_text("{}\n")
    home.settings_path.write_text(
        'zone = "UTC"\n[[sources]]\nname = "engine"\nkind = "ndjson-log"\npath = "landing/logs"\n'
    )
    assert [batch.id for batch in discover(home)] == ["engine:landing/logs/day.ndjson"]


def test_a_home_named_through_another_folder_gives_its_files_the_same_names(tmp_path):
    path = make_home(tmp_path / "home").landing / "Patient.ndjson"
    path.write_text('{"resourceType": "Patient", "id": "p"}\n')
    (tmp_path / "elsewhere").mkdir()
    roundabout = Site(Home(tmp_path / "elsewhere" / ".." / "home"))
    roundabout.ingest(path)
    assert roundabout.ingest(roundabout.home.landing).totals["unchanged"] == 1
    assert roundabout.rows("select path from account.file") == [("landing/Patient.ndjson",)]
    roundabout.db.close()
