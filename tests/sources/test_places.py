"""The hospital's own list of places: a CSV beside an export that cannot return Location."""

import pytest

from models.catalog import build_order
from pipelines import visit_rules
from pipelines.build import build
from pipelines.errors import ConfigurationError

from .test_real_shape import EMERGENCY_VISIT, HOSPITAL_STAY, PLACES, REAL

LISTED = REAL + '\n[[sources]]\nname = "list"\nkind = "places"\nauthority = "ehr"\n'
LIST = """id,name,type,physical_type,organization
emergency,Emergency,emergency,area,larkhill
medicine,Medicine,,ward,larkhill
surgery,Surgery,,ward,larkhill
unknown,Unknown,,ward,larkhill
discharge-lounge,Discharge-Lounge,|1110-6,area,larkhill
"""
NUMBERS = """
    select facility, unit, 'attendance' as what, minutes_in_department as number from marts.ed_attendance
    union all select facility, unit, 'hours', sum(occupied_bed_hours) from marts.unit_hour group by all
    order by all
"""


def built(site):
    visit_rules.take_in(site.db, site.settings.visits)
    for table in build_order():
        build(site.db, site.settings, table)
    return site


def shown(site):
    site.build("staging.location")
    return site.rows("select location_id, name, is_emergency, is_ward, is_bed from staging.location order by 1")


def accounted(site):
    return site.rows("select line, byte_offset, rule from account.quarantine order by line")


def test_an_export_without_places_and_a_list_of_them_count_as_one_with_places(new_site, put):
    visits = put("visits/Encounter.ndjson", HOSPITAL_STAY, EMERGENCY_VISIT)
    export, listed = new_site(LISTED), new_site(LISTED)
    export.ingest(visits, put("visits/Location.ndjson", *PLACES), source="ehr")
    listed.ingest(visits, source="ehr")
    report = listed.ingest(put("places.csv", LIST))
    assert (report.totals["loaded"], report.totals["ignored"], report.files[0].source) == (5, 1, "list")
    assert built(listed).rows(NUMBERS) == built(export).rows(NUMBERS) != []


@pytest.mark.parametrize("list_first", [True, False])
def test_the_hospitals_own_row_wins_whole_over_the_export(new_site, put, list_first):
    site = new_site(LISTED)
    stamped = {**PLACES[1], "meta": {"lastUpdated": "2150-06-01T00:00:00Z"}}
    deliveries = [
        lambda: site.ingest(put("export/Location.ndjson", stamped), source="ehr"),
        lambda: site.ingest(put("places.csv", "id,name,type\nmedicine,Medicine 4,\n")),
    ]
    for deliver in reversed(deliveries) if list_first else deliveries:
        deliver()
    assert shown(site) == [("medicine", "Medicine 4", False, False, False)]
    site.ingest(put("later/places.csv", "id,name,type\nmedicine,Medicine 5,ward\n"))
    assert shown(site) == [("medicine", "Medicine 5", False, True, False)]


def test_a_row_that_says_what_the_export_says_outlives_the_exports_deletion(new_site, put):
    site = new_site(LISTED)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Location/w4"}}],
    }
    site.ingest(
        put("export/Location.ndjson", {"resourceType": "Location", "id": "w4", "name": "4 North"}), source="ehr"
    )
    site.ingest(put("places.csv", "id,name,part_of\nw4,4 North,\n"))
    site.ingest(put("gone/deleted/Bundle.ndjson", bundle), source="ehr")
    assert shown(site) == [("w4", "4 North", False, False, False)]


OWN = '\n[[sources]]\nname = "own"\nkind = "places"\npath = "own"\nauthority = "ehr"\n'


def place(kind="Location", ident="medicine", **more):
    return {"resourceType": kind, "id": ident, **more}


@pytest.mark.parametrize("list_first", [True, False])
@pytest.mark.parametrize("updated", [None, "2101-01-01T00:00:00Z"])
def test_the_hospitals_own_resource_wins_whole_like_a_row_of_a_list(new_site, put, list_first, updated):
    site = new_site(REAL + OWN)
    sent = [
        place(name="Medicine", physicalType={"coding": [{"code": "wa"}]}),
        place("Organization", "lark", name="Lark"),
    ]
    own = [place(name="Medicine 4"), place("Organization", "lark", name="Larkhill")]
    stamped = [each | {"meta": {"lastUpdated": "2150-06-01T00:00:00Z"}} for each in sent]
    mine = [each | ({"meta": {"lastUpdated": updated}} if updated else {}) for each in own]
    deliveries = [
        lambda: site.ingest(put("export/all.ndjson", *stamped), source="ehr"),
        lambda: site.ingest(put("own/all.ndjson", *mine), source="own"),
    ]
    for deliver in reversed(deliveries) if list_first else deliveries:
        deliver()
    assert shown(site) == [("medicine", "Medicine 4", False, False, False)]
    site.build("staging.organization")
    assert site.rows("select name from staging.organization where organization_id = 'lark'") == [("Larkhill",)]


def test_the_same_resource_in_the_list_and_in_the_export_outlives_the_exports_deletion(new_site, put):
    site = new_site(REAL + OWN)
    site.ingest(put("export/Location.ndjson", place(name="Medicine")), source="ehr")
    report = site.ingest(
        put("own/Location.ndjson", place(name="Medicine"), "{spoiled\n", place("Organization", "")), source="own"
    )
    assert {name: n for name, n in report.totals.items() if n} == {"lines_read": 3, "loaded": 1, "quarantined": 2}
    assert report.files[0].findings == {"side_loaded": 1}
    gone = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Location/medicine"}}]}
    site.ingest(put("gone/Bundle.ndjson", gone), source="ehr")
    assert shown(site) == [("medicine", "Medicine", False, False, False)]


def test_resources_of_places_that_come_with_an_export_are_the_exports(new_site, put):
    site = new_site(REAL + OWN)
    (file,) = site.ingest(put("export/Location.ndjson", place(name="Medicine"))).files
    assert (file.kind, file.findings) == ("fhir", {})


def test_the_delimiter_is_told_from_the_header_and_plain_words_stand_in_either_column(new_site, put):
    site = new_site(LISTED)
    site.ingest(
        put(
            "places.csv",
            "name;id;type;part_of\n4 North, west;w4;Ward;\nBed 1;b1;bed;w4\nRoom;r1;emergency room;Location/ed\n",
        )
    )
    assert shown(site) == [
        ("b1", "Bed 1", False, False, True),
        ("r1", "Room", True, False, False),
        ("w4", "4 North, west", False, True, False),
    ]
    assert site.rows("select part_of_id from staging.location order by location_id") == [("w4",), ("ed",), (None,)]


def test_each_line_that_is_no_place_is_kept_out_alone(new_site, put):
    site = new_site(LISTED)
    text = 'id,name,type\n,Nobody,\nw4,"4 North,\nw5,5 North,ward\n\nw6,6 North\nw7,7'
    report = site.ingest(put("places.csv", text))
    assert accounted(site) == [
        (2, 13, "no_id"),
        (3, 22, "unparseable"),
        (6, 52, "unparseable"),
        (7, 63, "truncated"),
    ]
    assert (report.totals["lines_read"], report.totals["loaded"], report.totals["ignored"]) == (7, 1, 2)


def test_a_list_without_its_header_is_not_loaded_and_says_why(new_site, put):
    site = new_site(LISTED)
    site.ingest(put("places.csv", "w4,4 North,ward\nw5,5 North,ward\n"), source="list")
    assert [rule for _, _, rule in accounted(site)] == ["no_header", "no_header"]


def test_text_that_is_no_code_is_counted_and_not_kept(new_site, put):
    site = new_site(LISTED)
    report = site.ingest(put("places.csv", "id,name,type,status\nw4,4 North,of Dr Quillon,open\n"))
    assert report.files[0].findings == {"side_loaded": 1, "unknown_status": 1, "unreadable_code": 1}
    assert site.rows("select types, status from raw.fhir_location") == [([], None)]


def test_a_mapped_log_in_csv_stays_a_log_though_it_has_the_columns_of_places(new_site, put):
    log = '\n[[sources]]\nname = "csv"\nkind = "ndjson-log"\nzone = "UTC"\nmapping = "csv.toml"\n'
    mapping = 'format = "csv"\n[fields]\nrecord_id = "id"\ntime = "ts"\nevent = "event"\nmessage = "msg"\n'
    site = new_site(LISTED + log, mappings={"csv.toml": mapping})
    (file,) = site.ingest(
        put("log.csv", "id,name,type,ts,event,channel,msg\n1,x,ADT^A01,2026-01-05T10:00:00Z,RECV,ADT,1\n")
    ).files
    assert (file.kind, file.source) == ("ndjson-log", "csv")


def test_a_list_given_as_an_export_is_named_as_what_it_is(site, put):
    with pytest.raises(ConfigurationError, match="is places, but source 'ehr' is configured as fhir"):
        site.ingest(put("places.csv", LIST), source="ehr")


@pytest.mark.parametrize(
    "content", ["id,name,type" + "x" * 300_000, '"' + "\0,;" * 90_000, "id,name\n1,x\n", "name,type\nx,y\n"]
)
def test_what_lacks_the_columns_of_places_is_left_alone(site, put, content):
    (found,) = site.ingest(put("x.csv", content)).unrecognised
    assert "nor a list of places" in found.why
