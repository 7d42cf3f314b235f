"""The rules of visits from wardflow.toml to the mart: what a delivered Encounter counts as, and what a changed rule changes."""

from models.catalog import build_order, upstream
from pipelines import visit_rules
from pipelines.build import build

from .conftest import SETTINGS

DAY_CASES = """
[[sources.visits]]
kind = "day_surgery"
classes = ["AMB"]
types = ["110468005"]
[[sources.visits]]
kind = "virtual"
profiles = ["http://ehr.example/StructureDefinition/video"]
[[sources.visits]]
kind = "inpatient"
service_types = ["surgery"]
has_parent = false
"""


def with_rules(rules: str) -> str:
    return SETTINGS.replace('kind = "fhir"\n', f'kind = "fhir"\n{rules}', 1)


def encounter(ident, code, **more):
    return {"resourceType": "Encounter", "id": ident, "status": "finished", "class": {"code": code}, **more}


def concept(code):
    return {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": "Ottoline Quillon"}


def kinds(site):
    visit_rules.take_in(site.db, site.settings.visits)
    wanted = upstream("marts.visit")
    for table in build_order():
        if table.full_name in wanted:
            build(site.db, site.settings, table)
    return site.rows("select visit_kind, rule_no from marts.visit order by line")


def test_a_rule_sees_class_type_service_profile_and_parent_of_what_was_delivered(new_site, put):
    site = new_site(with_rules(DAY_CASES))
    site.ingest(
        put(
            "Encounter.ndjson",
            encounter("e1", "AMB", type=[concept("110468005")]),
            encounter("e2", "AMB", meta={"profile": ["http://ehr.example/StructureDefinition/video|2.0"]}),
            encounter("e3", "EMER", serviceType=concept("surgery")),
            encounter("e4", "EMER", serviceType=concept("surgery"), partOf={"reference": "Encounter/e3"}),
            encounter("e5", "AMB", type=[concept("185349003")]),
        )
    )
    assert kinds(site) == [
        ("day_surgery", 1),
        ("virtual", 2),
        ("inpatient", 3),
        ("emergency", 1000),
        ("ambulatory", 1006),
    ]


def test_a_changed_rule_needs_no_new_ingest(new_site, put):
    site = new_site()
    site.ingest(put("Encounter.ndjson", encounter("e1", "URG")))
    assert kinds(site) == [("unknown", None)]
    changed = new_site(with_rules("[[sources.visits]]\nkind = 'emergency'\nclasses = ['URG']\n")).settings
    site.settings = site.settings.model_copy(update={"sources": changed.sources})
    assert kinds(site) == [("emergency", 1)]
