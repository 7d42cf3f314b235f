"""Every awkward case that truth.json lists was answered: what was planted in the files is what the account and the marts say."""

import json
import shutil
from collections import defaultdict

import duckdb
import polars as pl
import pytest

from models.publication import load_current
from pipelines import intake, keys, warehouse
from pipelines.home import Home
from pipelines.settings import load
from pipelines.sources.fhir_projection import PROJECTIONS
from sample_data.delivery import PACKINGS
from tests.exported import latest_of, manifest_of, resources_of

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")
TABLES = {
    "Encounter": ("fhir_encounter", "encounter_key"),
    "EncounterHistory": ("fhir_encounter_history", "encounter_history_key"),
    "Appointment": ("fhir_appointment", "appointment_key"),
    "Condition": ("fhir_condition", "condition_key"),
    "Coverage": ("fhir_coverage", "coverage_key"),
    "Claim": ("fhir_claim", "claim_key"),
}


def table(home, name):
    manifest = load_current(home.published)
    return pl.read_parquet([home.published / file for file in manifest.table(name).files])


@pytest.fixture(scope="module")
def planted(simulated):
    """Entries of truth.json's `planted` by kind."""
    found = defaultdict(list)
    for row in json.loads((simulated / "truth.json").read_text())["planted"]:
        found[row["kind"]].append(row)
    return found


@pytest.fixture(scope="module")
def ask(published_home):
    """One column of the warehouse's answer to a query."""
    db = duckdb.connect(str(published_home.warehouse_path), read_only=True)

    def answer(query, **parameters):
        return [row[0] if len(row) == 1 else row for row in db.execute(query, parameters or None).fetchall()]

    yield answer
    db.close()


@pytest.fixture(scope="module")
def key_of(published_home):
    """What stands for an identifier in the warehouse."""
    key = keys.load(load(published_home.path))
    return lambda kind, ident: keys.keyed(key, kind, "ehr", ident)


def account_of(home, folder):
    """The counts of all files of one delivered folder together."""
    files = table(home, "file").filter(pl.col("path").str.contains(f"/fhir/{folder}/", literal=True))
    return {count: files[count].sum() for count in COUNTS}


def test_an_export_loads_completely_however_it_is_packed(published_home, simulated, planted):
    assert {row["packing"] for row in planted["packed_export"]} == set(PACKINGS)
    for row in planted["packed_export"]:
        account = account_of(published_home, row["folder"])
        folder = simulated / "fhir" / row["folder"]
        deletions = sum(entry["count"] for entry in manifest_of(folder)["deleted"])
        wanted = sum(resource["resourceType"] in PROJECTIONS for resource in resources_of(folder))
        assert account["lines_read"] == row["resources"] + row["headers"] + row["unwanted"] + deletions, row["packing"]
        assert account["loaded"] + account["unchanged"] == wanted + deletions, row["packing"]
        assert account["ignored"] == account["lines_read"] - wanted - deletions >= row["headers"] + row["unwanted"]
        assert (account["superseded"], account["quarantined"]) == (0, 0)
        assert account["loaded"] > 0, row["packing"]


def test_every_export_is_complete_and_verified_and_the_account_balances(published_home):
    exports = table(published_home, "export")
    assert exports["is_complete"].all()
    assert exports["is_verified"].all()
    files = table(published_home, "file")
    assert files["lines_read"].sum() == sum(files[count].sum() for count in COUNTS[1:])
    assert files["quarantined"].sum() == 0


def test_of_every_type_as_many_resources_are_known_as_a_careful_reader_knows(simulated, ask):
    latest = latest_of(simulated)
    for kind, (name, key) in TABLES.items():
        gone = f"select {key} from raw.{name} where is_deleted"
        known = ask(f"select count(distinct {key}) from raw.{name} where {key} not in ({gone})")
        assert known == [len(latest[kind])], kind


def test_a_visit_that_was_deleted_or_is_absent_from_a_full_export_counts_nowhere(ask, planted, key_of):
    for kind in ("deleted_encounter", "absent_encounter"):
        removed = [key_of("encounter", row["encounter"]) for row in planted[kind]]
        assert removed
        for key in removed:
            assert ask("select count(*) > 1 from raw.fhir_encounter where encounter_key = $k", k=key) == [True]
            assert ask("select 1 from staging.encounter where encounter_key = $k", k=key) == []
            assert ask("select 1 from marts.ed_attendance where encounter_key = $k", k=key) == []
    absent = ask("select encounter_key from raw.fhir_encounter where list_contains(flags, 'absent')")
    assert sorted(absent) == sorted(removed)


def test_visits_of_an_export_wait_for_its_late_file(simulated, planted, tmp_path):
    (folder,) = (row["folder"] for row in planted["packed_export"] if row["packing"] == "late")
    home = Home(tmp_path / "home")
    landed = home.landing / "fhir" / folder
    shutil.copytree(simulated / "fhir" / folder, landed)
    shutil.copy(simulated / "wardflow.toml", home.settings_path)
    keys.create(load(home))
    late = next((landed / "late").iterdir())
    held = late.rename(tmp_path / late.name)
    settings = load(home.path)
    visits = sum(r["resourceType"] == "Encounter" for r in resources_of(landed))
    with warehouse.connect(settings) as db:
        intake.ingest_paths(db, settings, [landed])
        incomplete = "select incomplete_exports, files_missing, encounters_waiting from account.completion"
        assert db.execute(incomplete).fetchall() == [(1, 1, visits)]
        held.rename(late)
        intake.ingest_paths(db, settings, [landed])
        assert db.execute(incomplete).fetchall() == [(0, 0, 0)]


def test_visits_written_in_r5_are_the_same_kind_of_visit(ask, planted):
    (row,) = planted["r5_encounter"]
    told = ask("select count(distinct encounter_key) from staging.encounter_history")
    assert told == [row["encounters"]]
    words = ask(
        """
        select distinct encounter.status, class_code is null, started_at is null
        from staging.encounter as encounter
        semi join staging.encounter_history using (encounter_key)
        """
    )
    assert {status for status, _, _ in words} == {"in-progress", "finished"}
    assert not any(classless or undated for _, classless, undated in words)
    steps = ask("select distinct status from staging.encounter_history")
    assert set(steps) == {"arrived", "triaged", "in-progress", "finished"}


def test_places_and_patients_that_are_asked_for_by_identifier_are_found(simulated, ask, planted):
    assert planted["conditional_reference"][0]["facility"] == "Eastbrook Community"
    unknown = ask(
        """
        select encounter_key
        from staging.encounter_location as spell
        anti join staging.location using (location_id)
        where location_id is not null
        """
    )
    assert len(set(unknown)) == planted["missing_locations"][0]["visits"]
    asking = "list_contains(flags, 'conditional_reference')"
    found = ask(
        f"""
        select count(*), count(distinct patient_key), count(*) filter (patient_key in (select patient_key from marts.patient_identity))
        from staging.order
        where order_key in (select order_key from raw.fhir_service_request where {asking})
        """
    )
    ((orders, patients, resolved),) = found
    eastbrook = [ident for ident in latest_of(simulated)["ServiceRequest"] if ident.startswith("sr-ec-")]
    assert orders == resolved == len(eastbrook)
    assert patients > 100


def test_wards_that_a_department_manages_belong_to_its_hospital(simulated, ask, planted):
    (row,) = planted["managing_department"]
    assert ask("select count(*) from staging.organization where is_department") == [row["departments"]]
    found = ask(
        """
        select distinct facility
        from marts.location
        semi join (
            from staging.location semi join (from staging.organization where is_department) using (organization_id)
        ) using (location_id)
        """
    )
    assert sorted(found) == sorted(json.loads((simulated / "truth.json").read_text())["facilities"])


def test_full_and_versioned_addresses_lead_to_the_visits_that_are_here(ask, simulated, key_of):
    orders = [ident for ident in latest_of(simulated)["ServiceRequest"] if ident.startswith("sr-wh-")]
    wanted = [key_of("order", ident) for ident in orders]
    found = ask(
        "select count(*) from staging.order semi join staging.encounter using (encounter_key) where list_contains($k, order_key)",
        k=wanted,
    )
    assert found == [len(orders)]
    strange = ("foreign_reference", "unchecked_base", "unresolved_reference")
    assert ask("select 1 from account.finding where list_contains($r, rule)", r=list(strange)) == []


def test_clocks_that_run_wrong_are_estimated_as_far_as_messages_prove_it(ask, planted):
    found = {
        (facility, clock.partition(":")[2] or "EHR"): (ahead, within)
        for facility, clock, ahead, within in ask(
            """select facility, other_clock_id, median(ahead_ms), median(within_ms)
            from marts.clock_skew
            inner join (select distinct source, facility from marts.interface_channel where is_registered) using (source)
            where is_both_ways or other_clock_id = 'sender of ORDERS' group by all"""
        )
    }
    for row in planted["clock_skew"]:
        if row["host"] != "EHR":
            ahead, within = found[row["facility"], row["host"]]
            assert abs(ahead - row["milliseconds"]) <= within
        else:  # seen one way: the quickest message took a few milliseconds of it
            assert all(
                0 <= row["milliseconds"] - ahead < 50 for (_, host), (ahead, _) in found.items() if host == "EHR"
            )


def test_elements_that_came_and_went_are_in_the_drift_report(published_home, planted):
    drift = table(published_home, "drift")
    (rack,), (gone,) = planted["vendor_element"], planted["vanished_element"]

    def of(row):
        (found,) = drift.filter((pl.col("resource_type") == row["type"]) & (pl.col("path") == row["path"])).iter_rows(
            named=True
        )
        return found

    assert (of(rack)["is_unknown"], of(rack)["is_new"]) == (True, True)
    assert of(rack)["first_seen_at"].isoformat() > rack["from"]
    assert of(gone)["has_vanished"]
    unknown = drift.filter("is_unknown")
    assert {(each["resource_type"], each["path"]) for each in unknown.iter_rows(named=True)} - {("Specimen", "?")} == {
        (rack["type"], rack["path"])  # `?` is a name that too few lines of a small file carry to be shown
    }


def test_times_without_zone_or_hour_keep_their_precision_and_are_counted(ask, planted):
    (zone_less,), (date_only,) = planted["zone_less_time"], planted["date_only_time"]
    flagged = (
        "select count(distinct appointment_key) from raw.fhir_appointment where list_contains(flags, 'zoneless_time')"
    )
    assert ask(flagged) == [zone_less["appointments"]]
    assert ask("select distinct length(created) from raw.fhir_claim") == [len("2025-10-16")]
    assert ask("select count(distinct claim_key) from raw.fhir_claim") == [date_only["claims"]]


def test_a_merge_holds_until_it_is_taken_back(ask, planted, key_of):
    (merge,), (mistake,) = planted["merged_patient"], planted["merge_taken_back"]
    survivor = "select surviving_key from marts.patient_identity where patient_key = $k"
    merged, kept = (key_of("patient", merge[side]) for side in ("patient", "replaced_by"))
    assert ask(survivor, k=merged) == [kept]
    for side in ("patient", "replaced_by"):
        person = key_of("patient", mistake[side])
        assert ask(survivor, k=person) == [person]
    bases = ask("select distinct basis from staging.patient_merge where merged_key = $k", k=merged)
    assert set(bases) == {"Patient.link", "ADT A40"}
    taken_back = key_of("patient", mistake["patient"])
    found = ask("select distinct basis from staging.patient_merge where merged_key = $k and not is_merge", k=taken_back)
    assert set(found) == {"Patient.link", "ADT A37"}


def test_a_change_that_only_exports_prove_lies_in_the_interval_that_the_ledger_gives(ask, planted, key_of):
    (row,) = planted["undated_change"]
    true = {(key_of("order", change["id"]), change["status"]): change["at"] for change in row["changes"]}
    found = ask(
        """
        select resource_key, to_status, basis, cast(not_before as varchar), cast(not_after as varchar), from_status
        from marts.state_change
        where resource_type = 'ServiceRequest'
            and list_contains($keys, resource_key)
        """,
        keys=sorted({key for key, _ in true}),
    )
    assert {basis for _, _, basis, *_ in found} <= {"between_exports", "recorded"}
    proven = [each for each in found if each[2] == "between_exports"]
    for key, status, _, not_before, not_after, _ in proven:
        (lies_within,) = ask(
            """
            select coalesce(cast($at as timestamptz) >= cast($low as timestamptz), true)
                and cast($at as timestamptz) <= cast($high as timestamptz)
            """,
            at=true[key, status],
            low=not_before,
            high=not_after,
        )
        assert lies_within, (key, status, not_before, true[key, status], not_after)
    assert len({key for key, *_ in proven}) > 50
    assert any(from_status == "active" and status == "completed" for _, status, _, _, _, from_status in proven)
