"""One message in the logs of several engines: the ids that each engine writes down, and that they join and nothing else does."""

import pytest

from pipelines import keys
from tests.sources.conftest import SETTINGS
from tests.sources.test_engine_logs import KEY, RAW, connector
from tests.sources.test_engine_logs import message as mirth_message
from tests.sources.test_openhim import transaction

SITE = """
zone = "America/New_York"
[[sources]]
name = "mirth-lark"
kind = "mirth"
authorities = { placer = "urn:lark:placer" }

[[sources]]
name = "gate"
kind = "ndjson-log"
mapping = "gate.toml"

[[sources]]
name = "hub"
kind = "openhim"

[[sources]]
name = "ehr"
kind = "fhir"
"""
GATE = """
constants = { event = "received" }
[fields]
time = "at"
message = "id"
control_id = "msh10"
sending_application = "msh3"
sending_facility = "msh4"
trace = "correlation"
"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def gate(n, at, **more):
    """A record of the second engine: a message that it received on 4 January, at so many seconds past nine."""
    return {"id": n, "at": f"2026-01-04T09:00:{at:02}-05:00"} | more


@pytest.fixture
def site(new_site):
    return new_site(SITE, mappings={"gate.toml": GATE})


def passages(site):
    site.build("marts.message_passage")
    return site.rows("select from_source, source, basis from marts.message_passage where place > 1 order by source")


def test_a_control_id_joins_a_mirth_log_and_a_mapped_log_by_its_sender(site, put):
    order = mirth_message(
        connector(0, "TRANSFORMED", raw=RAW), connector(1, "SENT", 5, 1, 6, 900)
    )  # EHR at L sent CTL7
    site.ingest(put("a.xml", order), source="mirth-lark")
    theirs = {"msh10": "CTL7", "msh3": "EHR^1.2.3^ISO", "msh4": "L"}
    site.ingest(
        put("gate.ndjson", gate(1, 1, **theirs), gate(2, 2, **theirs | {"msh3": "LIS"}), gate(3, 3, msh10="CTL7")),
        source="gate",
    )
    assert passages(site) == [("mirth-lark", "gate", "control_id")]
    assert site.rows(
        "select distinct control_key from raw.interface_event where control_key is not null order by 1"
    ) == sorted(
        [(keys.keyed(KEY, "control", "msh:EHR/L", "CTL7"),), (keys.keyed(KEY, "control", "msh:LIS/L", "CTL7"),)]
    )


def test_a_journey_that_crosses_two_engines_shows_the_hops_of_both(site, put):
    """Only Mirth's log says which order it is."""
    order = mirth_message(connector(0, "TRANSFORMED", raw=RAW), connector(1, "SENT", 5, 1, 6, 900))
    site.ingest(put("a.xml", order), source="mirth-lark")
    site.ingest(put("gate.ndjson", gate(1, 1, msh10="CTL7", msh3="EHR", msh4="L")), source="gate")
    site.db.execute(
        "insert into raw.fhir_service_request by name select 'o1' as order_key, 'e1' as encounter_key, [$placer] as placer_keys, "
        "'active' as status, 'order' as intent, 'ehr' as source, 1 as file_id, 1 as line, false as is_deleted, "
        "'v' as version_hash, []::varchar[] as flags",
        {"placer": keys.keyed(KEY, "placer", "urn:lark:placer", "P5")},
    )
    site.build("marts.message")
    about = "select source, msg_type, order_key, encounter_key from marts.message order by received_at"
    assert site.rows(about) == [("mirth-lark", "ORM", "o1", "e1"), ("gate", "ORM", "o1", "e1")]


@pytest.mark.parametrize(
    "written", [TRACE, TRACE.upper(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", f"00-{TRACE}-00f067aa0ba902b7-01"]
)
def test_a_correlation_id_joins_an_openhim_log_however_it_is_written(site, put, written):
    headed = transaction()
    headed["request"] |= {"headers": {"x-correlation-id": TRACE, "authorization": "Basic LKM778812"}}
    site.ingest(put("hub.ndjson", headed), source="hub")
    site.ingest(put("gate.ndjson", gate(1, 1, correlation=written)), source="gate")
    assert passages(site) == [("hub", "gate", "trace")]


def test_an_openhim_transaction_is_known_by_its_own_number_where_no_header_names_it(site, put):
    site.ingest(put("hub.ndjson", transaction(n=0xABC)), source="hub")
    site.ingest(put("gate.ndjson", gate(1, 1, correlation=f"{0xABC:024x}")), source="gate")
    assert passages(site) == [("hub", "gate", "trace")]


def test_a_short_correlation_id_joins_only_where_the_settings_say_whose_it_is(new_site, put):
    """`1042` of one engine is not `1042` of another, unless the hospital says that one system numbers for both."""
    said = SITE.replace('mapping = "gate.toml"\n', 'mapping = "gate.toml"\nauthorities = { trace = "bus" }\n')
    both = said + '\n[[sources]]\nname = "next"\nkind = "ndjson-log"\nmapping = "gate.toml"\n'
    for text, joined in ((both, []), (both + 'authorities = { trace = "bus" }\n', [("gate", "next", "trace")])):
        site = new_site(text, mappings={"gate.toml": GATE})
        site.ingest(put("gate.ndjson", gate(1, 1, correlation="1042")), source="gate")
        site.ingest(put("next.ndjson", gate(1, 2, correlation="1042")), source="next")
        assert passages(site) == joined


IMAGING = RAW.replace("ORC|NW|P5\r", "ORC|NW\rOBR|1|||X" + "|" * 14 + "ACC9^LARK^urn:lark:accession^URI\r")


def test_an_accession_number_finds_the_order_of_its_study(site, put):
    site.ingest(put("a.xml", mirth_message(connector(0, "TRANSFORMED", raw=IMAGING))), source="mirth-lark")
    typed = {"type": {"coding": [{"code": "ACSN"}]}, "system": "urn:lark:accession", "value": "ACC9"}
    resources = (
        {"resourceType": "ServiceRequest", "id": "o1", "status": "active", "intent": "order", "subject": {"reference": "Patient/p"}},
        {"resourceType": "ImagingStudy", "id": "i1", "status": "available", "subject": {"reference": "Patient/p"},
         "basedOn": [{"reference": "ServiceRequest/o1"}], "identifier": [typed]},
    )  # fmt: skip
    site.db.execute("update raw.interface_event set visit_key = null")
    site.ingest(put("fhir/export.ndjson", *resources), source="ehr")
    site.build("marts.message")
    assert site.rows("select order_key from marts.message") == site.rows(
        "select order_key from raw.fhir_service_request"
    )


PLANTED = "Ottoline Fairweather-Stubbs, 17 Larkspur Mews, Quillonbury, 555-0142, LKM778812"
GUID = "11111111-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("source", "file", "ids"),
    [
        ("otel-lark", "otlp/traces.jsonl", [f"{1:032x}"]),  # traceId
        ("azure-lark", "azure/batches.json", [f"{4:032x}", GUID]),  # an app's operation, a gateway's correlation id
        ("azure-lark", "azure/logic-apps.json", [GUID]),  # the client's tracking id, planted text in the fixture
        ("iris-lark", "intersystems/message-headers.csv", [GUID]),  # SuperSession, likewise
    ],
)
def test_each_engine_writes_down_the_id_that_systems_hand_on(new_site, put, fixtures, source, file, ids):
    site = new_site(SETTINGS)
    said = (fixtures / file).read_text(encoding="utf-8").replace(PLANTED, GUID)
    site.ingest(put(file.partition("/")[2], said), source=source)
    found = {key for (key,) in site.rows("select distinct trace_key from raw.interface_event")}
    assert found >= {keys.keyed(KEY, "trace", "", each.replace("-", "")) for each in ids}


def test_a_capture_hashes_the_same_numbers_as_the_engine_that_sent_the_message(new_site, put):
    """MSH-3, MSH-4 and MSH-10, ORC-3 and OBR-18, read from bytes by the one and from XML by the other."""
    site = new_site(SETTINGS)
    filled = IMAGING.replace("ORC|NW\r", "ORC|NW||F3^^urn:lark:filler^URI\r")
    site.ingest(put("a.xml", mirth_message(connector(0, "TRANSFORMED", raw=filled))), source="mirth-lark")
    site.ingest(put("port.hl7", filled), source="capture-lark")
    hashed = "control_key, placer_key, filler_key, accession_key"
    (told,) = site.rows(f"select distinct {hashed} from raw.interface_event where event_type = 'received'")
    filler = keys.keyed(KEY, "filler", "urn:lark:filler", "F3")
    assert told == (
        keys.keyed(KEY, "control", "msh:EHR/L", "CTL7"),
        filler,
        filler,
        keys.keyed(KEY, "accession", "urn:lark:accession", "ACC9"),
    )


def test_a_mapped_log_names_the_fillers_and_the_accession_number(new_site, put):
    settings = SITE.replace(
        'mapping = "gate.toml"\n', 'mapping = "gate.toml"\nauthorities = { accession = "urn:lark:accession" }\n'
    )
    site = new_site(settings, mappings={"gate.toml": GATE + 'filler = "orc3"\naccession = "acc"\n'})
    site.ingest(put("gate.ndjson", gate(1, 1, orc3="F3", acc="ACC9")), source="gate")
    assert site.rows("select placer_key, filler_key, accession_key from raw.interface_event") == [
        (*[keys.keyed(KEY, "filler", "gate", "F3")] * 2, keys.keyed(KEY, "accession", "urn:lark:accession", "ACC9"))
    ]
