"""Forms for decisions, which go to the decision journal and nowhere else, and the list of those already taken."""

import json
from datetime import UTC, date, datetime
from typing import Any

import streamlit as st

from dashboard import data, words
from dashboard.here import Here
from dashboard.parts import markup
from models.errors import ModelError
from models.journal import Decision
from models.kpis import KPIS

ACTIONS = {  # subject kind → what can be decided about it
    "kpi": ("annotate", "assign", "acknowledge", "target", "rebase", "pilot"),
    "interface": ("acknowledge", "assign", "resolve", "annotate"),
    "case": ("annotate", "assign", "resolve"),
    "exception": ("assign", "acknowledge", "resolve", "annotate"),
}
SAID = {
    "annotate": "Annotate",
    "assign": "Assign",
    "acknowledge": "Acknowledge",
    "resolve": "Resolve",
    "target": "Change the target",
    "rebase": "Start a new baseline",
    "pilot": "Register a pilot",
}
DONE = {
    "annotate": "annotated",
    "assign": "assigned to",
    "acknowledge": "acknowledged",
    "resolve": "resolved",
    "target": "target set to",
    "rebase": "new baseline from",
    "pilot": "pilot",
}


def draw_deciding(here: Here, kind: str, subject: str) -> None:
    """A button that opens the form for decisions about one KPI, interface, case or exception."""
    with st.popover("Decide", icon=":material/edit_note:"):
        st.markdown("Recorded with your name, for everybody to see. Nothing is ever deleted.")
        action = st.selectbox("Decision", ACTIONS[kind], format_func=SAID.__getitem__, key=f"decide-{kind}")
        with st.form(f"decision-{kind}-{action}", border=False, clear_on_submit=True):
            value = _value(here, action, subject)
            why = st.text_input("Why", max_chars=400)
            if st.form_submit_button("Record", type="primary"):
                _record(here, kind, subject, action, value, why)


def draw_decisions(here: Here, kind: str, subject: str) -> None:
    """What was decided about the subject, newest first; nothing when nothing was."""
    taken = [d for d in data.decisions(here.found, here.person) if (d["subject_kind"], d["subject"]) == (kind, subject)]
    if taken:
        st.subheader("Decisions", anchor=False)
        markup.table(
            "Decisions, newest first",
            ("When", "Who", "What", "Where", "Why"),
            [
                (words.local(here.found, d["decided_at"]), d["actor"], _what(d), d["facility"] or "all", d["why"])
                for d in taken
            ],
        )


def notes(here: Here, kpi_id: str) -> list[tuple[date, str]]:
    """Decisions that a KPI's chart marks: what was decided about it, and pilots; the day and one word."""
    word = {
        "annotate": "note",
        "rebase": "new baseline",
        "target": "target changed",
        "pilot": "pilot",
        "assign": "assigned",
    }
    found = []
    for d in data.decisions(here.found, here.person):
        mine = d["subject_kind"] == "kpi" and d["subject"] == kpi_id
        here_too = d["facility"] in (None, here.view.facility) or here.view.facility is None
        if mine and here_too and d["action"] in word:
            when = date.fromisoformat(d["value"][:10]) if d["action"] == "rebase" else d["decided_at"].date()
            found.append((when, word[d["action"]]))
    return found


def _value(here: Here, action: str, subject: str) -> str | None:
    """The fields of one kind of decision, as the journal's `value`."""
    if action == "assign":
        return st.text_input("To whom", max_chars=120)
    if action == "rebase":
        chosen = st.date_input("New baseline from", value=here.found.as_of.date())
        return chosen.isoformat() if isinstance(chosen, date) else None
    if action == "target":
        unit = {"percent": "as a fraction, 0.05 is 5 %", "minutes": "in minutes", "milliseconds": "in milliseconds"}
        said = unit.get(KPIS[subject].unit, "as a number") if subject in KPIS else "as a number"
        return str(st.number_input(f"New target, {said}", min_value=0.0, step=0.01, format="%g"))
    if action == "pilot":
        name = st.text_input("Name of the pilot", max_chars=80)
        unit = st.text_input("Unit", max_chars=80, value=here.view.unit or "")
        starts = st.date_input("Starts on", value=here.found.as_of.date())
        hoped = st.number_input(
            "Hoped-for change", value=None, format="%g", help="With its sign, in the measure's unit"
        )
        plan = {"name": name, "unit": unit, "starts_on": str(starts), "kpi": subject, "expected": hoped}
        return json.dumps(plan, ensure_ascii=False)
    return None


def _record(here: Here, kind: str, subject: str, action: str, value: str | None, why: str) -> None:
    """Write the decision; a rule of the journal that it breaks is shown beside the form."""
    if action == "pilot":
        kind, subject = "pilot", str(json.loads(value or "{}").get("name", "")).strip()
    try:
        data.write_decision(
            Decision(
                decided_at=datetime.now(UTC).astimezone(),
                actor=here.person.name,
                action=action,  # type: ignore[arg-type] # Decision checks it
                subject_kind=kind,  # type: ignore[arg-type]
                subject=subject,
                why=why.strip(),
                facility=here.view.facility,
                value=value,
            )
        )
    except ModelError as error:
        st.error(str(error))
    else:
        st.success("Recorded. Numbers follow it from the next run.")


def _what(decision: dict[str, Any]) -> str:
    said = DONE.get(decision["action"], decision["action"])
    value = f" {decision['value']}" if decision["value"] and decision["action"] != "pilot" else ""
    waiting = " (from the next run)" if decision.get("is_pending") else ""
    return f"{said}{value}{waiting}"
