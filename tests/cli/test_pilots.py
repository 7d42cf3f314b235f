"""Pilots and the board pack on the command line: what was registered, what became of it, and the printed page."""

import re

NAME = "discharge-by-noon"


def test_a_registered_pilot_is_listed_and_shown_as_it_was_planned(wardflow):
    (row,) = [each for each in wardflow.json("pilot", "list") if each["pilot"] == NAME]
    assert row["facility"] == "Northfield General"
    assert NAME in wardflow("pilot", "list").stdout
    plan = wardflow.json("pilot", "show", NAME)
    assert (plan["kpi"], plan["unit"], plan["expected"]) == ("discharge_order_to_departure", "4 North", -35)
    assert "registered by" in wardflow("pilot", "show", NAME).stdout


def test_ten_days_are_too_few_to_tell_and_the_document_keeps_its_shape(wardflow):
    found = wardflow.json("pilot", "evaluate", NAME)
    assert found.keys() >= {
        "pilot", "kpi", "design", "effect", "effect_low", "effect_high", "unit", "p_value", "verdict", "why", "guardrails",
        "needs_more_weeks", "minimum_detectable_effect", "series",
    }  # fmt: skip
    assert (found["verdict"], found["effect"]) == ("cannot_tell", None)
    assert "it takes 4 on each side" in found["why"][0]
    assert f"{NAME}: cannot tell" in wardflow("pilot", "evaluate", NAME).stdout


def test_an_unknown_pilot_names_the_nearest(wardflow):
    code, line = wardflow.error("pilot", "evaluate", "discharge-by-night")
    assert code == 2
    assert f"Did you mean {NAME!r}?" in line


def _is_self_contained(text: str) -> bool:
    return not re.search(r"<script|<link|<img|@import|url\(|https?://|\bon\w+=", text)


def test_a_pilot_s_report_is_one_file_with_room_for_what_only_people_know(wardflow, tmp_path):
    out = tmp_path / "report.html"
    assert wardflow("pilot", "report", NAME, "--out", str(out)).exit_code == 0
    text = out.read_text()
    assert "To be written by you" in text
    assert _is_self_contained(text)
    assert wardflow("pilot", "report", NAME, "--out", str(out)).exit_code == 2  # never overwrites


def test_the_board_pack_is_one_printable_file_of_totals_for_every_role(wardflow, tmp_path):
    from models.kpis import FAMILIES, KPIS

    out = tmp_path / "board.html"
    answer = wardflow.json("export", "--html", str(out), "--role", "leadership")
    assert answer["file"] == str(out)
    text = out.read_text()
    assert _is_self_contained(text)
    assert "@page" in text
    for word in ("Overview", "Pilots", "Can the data be trusted?", "Definitions", "<svg role=", "Eastbrook Community"):
        assert word in text
    families = {kpi.family for kpi in KPIS.values()}
    assert all(f"<h2>{heading}</h2>" in text for family, heading in FAMILIES.items() if family in families)
    assert wardflow("export", "--html", str(out)).exit_code == 2  # never overwrites


def test_an_export_says_what_it_is_of(wardflow, tmp_path):
    assert wardflow("export").exit_code == 2
    both = wardflow("export", "--html", str(tmp_path / "a.html"), "--parquet", str(tmp_path / "b"))
    assert both.exit_code == 2
    assert "one of them" in both.stderr


def test_a_pilot_is_refused_while_its_plan_cannot_be_judged(new_home):
    for plan in ('{"kpi": "lab_turnaround"}', '{"kpi": "lab_turnarond", "starts_on": "2026-05-04"}', "soon"):
        assert new_home.error("decide", "pilot", "lounge", "--kind", "pilot", "--why", "a try", "--value", plan)[0] != 0
    plan = '{"kpi": "lab_turnaround", "starts_on": "2026-05-04", "expected": -10}'
    answer = new_home("decide", "pilot", "lounge", "--kind", "pilot", "--why", "a try", "--value", plan)
    assert answer.exit_code == 0
