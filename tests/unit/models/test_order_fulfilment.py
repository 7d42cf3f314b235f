"""The mart of all orders for a service: which count, and when one was fulfilled."""

import pytest


def at(day, hour=0):
    return f"2026-01-{day:02}T{hour:02}:00:00-05:00"


def order(hospital, key="o1", status="active", seen=4, **columns):
    """An order placed on the 3rd at 08:00, as the export of some day shows it."""
    placed = {"order_key": key, "status": status, "intent": "order", "authored_on": at(3, 8)}
    hospital.deliver("fhir_service_request", **placed | columns, exported_at=at(seen))


def test_an_order_is_fulfilled_between_the_exports_that_show_it_before_and_after(hospital, clock):
    order(hospital)
    order(hospital, status="completed", seen=5)
    row = hospital.one("marts.order_fulfilment")
    assert (row["fulfilled_at"].day, clock(row["fulfilled_at"])) == (5, "00:00")
    assert (row["minutes_to_fulfilment"], row["resolution_minutes"]) == (40 * 60, 24 * 60)
    assert (row["is_fulfilled"], row["is_open"], row["is_fulfilment_time_known"]) == (True, False, True)


def test_a_provenance_of_its_completion_is_exact(hospital):
    order(hospital)
    order(hospital, status="completed", seen=5)
    hospital.deliver(
        "fhir_provenance", provenance_key="p1", recorded=at(4, 10),
        codes=[{"system": "http://hl7.org/fhir/request-status", "code": "completed"}],
        targets=[{"resource_type": "ServiceRequest", "resource_key": "o1", "version_id": None}],
    )  # fmt: skip
    row = hospital.one("marts.order_fulfilment")
    assert (row["minutes_to_fulfilment"], row["resolution_minutes"]) == (26 * 60, 0)


@pytest.mark.parametrize(("status", "is_revoked"), [("active", False), ("on-hold", False), ("revoked", True)])
def test_an_order_that_is_not_fulfilled_waits_until_the_data_cut(hospital, status, is_revoked):
    order(hospital, status=status)
    row = hospital.one("marts.order_fulfilment")
    assert (row["minutes_to_fulfilment"], row["resolution_minutes"]) == ((28 * 24 + 4) * 60, None)  # to the 31st, 12:00
    assert (row["is_fulfilled"], row["is_revoked"], row["is_open"]) == (False, is_revoked, not is_revoked)


def test_an_order_opened_again_is_not_fulfilled(hospital):
    for day, status in ((4, "completed"), (5, "active")):
        order(hospital, status=status, seen=day)
    row = hospital.one("marts.order_fulfilment")
    assert (row["is_fulfilled"], row["fulfilled_at"], row["resolution_minutes"]) == (False, None, None)


def test_decisions_plans_and_drafts_are_no_orders_for_a_service(hospital):
    order(hospital, "o1", codes=[{"system": "http://snomed.info/sct", "code": "32485007"}])
    order(hospital, "o2", intent="plan")
    order(hospital, "o3", status="draft")
    order(hospital, "o4", category_codes=["363679005"])
    order(hospital, "o5")
    assert [(row["order_key"], row["order_kind"]) for row in hospital.build("marts.order_fulfilment")] == [
        ("o4", "imaging"),
        ("o5", "other"),
    ]


def test_a_completed_order_of_which_nothing_says_when_is_left_out(hospital):
    hospital.deliver(
        "fhir_service_request", order_key="o1", status="completed", authored_on=at(3, 8), seen_from=None, seen_to=None
    )
    row = hospital.one("marts.order_fulfilment")
    assert (row["is_fulfilled"], row["is_fulfilment_time_known"], row["minutes_to_fulfilment"]) == (True, False, None)
