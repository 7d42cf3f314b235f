"""The codes that FHIR itself fixes, by element: the required bindings of R4, R4B and R5 together.

Here: lists of codes. Not here: which element has which (the projections), the hospital's own codes. A value that is not
listed is not kept, because people write names anywhere; the row says so (`unknown_<element>`).
"""

from __future__ import annotations

REQUEST_STATUS = ("draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown")
REQUEST_INTENT = (
    *("proposal", "plan", "directive", "order", "original-order", "reflex-order", "filler-order", "instance-order"),
    "option",
)
PRIORITY = ("routine", "urgent", "asap", "stat")
EVENT_STATUS = (
    *("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"),
)
ENCOUNTER_STATUS = (
    *(
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
    ),
    *("on-hold", "discharged", "completed", "discontinued"),
)
ENCOUNTER_LOCATION_STATUS = ("planned", "active", "reserved", "completed")
LOCATION_STATUS = ("active", "suspended", "inactive")
REPORT_STATUS = (
    *("registered", "partial", "preliminary", "modified", "final", "amended", "corrected", "appended", "cancelled"),
    *("entered-in-error", "unknown"),
)
OBSERVATION_STATUS = (
    *("registered", "specimen-in-process", "preliminary", "final", "amended", "corrected", "appended", "cancelled"),
    *("entered-in-error", "unknown", "cannot-be-obtained"),
)
IMAGING_STATUS = ("registered", "available", "cancelled", "entered-in-error", "unknown")
TASK_STATUS = (
    *("draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold"),
    *("failed", "completed", "entered-in-error"),
)
SEX = ("male", "female", "other", "unknown")
FINANCIAL_STATUS = ("active", "cancelled", "draft", "entered-in-error")
CLAIM_USE = ("claim", "preauthorization", "predetermination")
OUTCOME = ("queued", "complete", "error", "partial")
MEDICATION_REQUEST_STATUS = (
    *("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown", "ended"),
)
MEDICATION_STATEMENT_STATUS = (
    *("active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"),
    *("recorded", "draft"),
)
ADMINISTRATION_STATUS = ("in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown")
DISPENSE_STATUS = (
    *("preparation", "in-progress", "cancelled", "on-hold", "completed", "entered-in-error", "stopped", "declined"),
    "unknown",
)
APPOINTMENT_STATUS = (
    *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "entered-in-error", "checked-in"),
    "waitlist",
)
SLOT_STATUS = ("busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error")
DOCUMENT_STATUS = ("current", "superseded", "entered-in-error")
COMPOSITION_STATUS = (
    *("preliminary", "final", "amended", "entered-in-error", "registered", "partial", "corrected", "appended"),
    *("cancelled", "deprecated", "unknown"),
)
ATTESTATION = ("personal", "professional", "legal", "official")
CONSENT_STATUS = ("draft", "proposed", "active", "rejected", "inactive", "entered-in-error", "not-done", "unknown")
CONSENT_DECISION = ("deny", "permit")
RESPONSE_STATUS = ("in-progress", "completed", "amended", "entered-in-error", "stopped")
FLAG_STATUS = ("active", "inactive", "entered-in-error")
ISSUE_STATUS = (*REPORT_STATUS, "mitigated")
SEVERITY = ("high", "moderate", "low")
GUIDANCE_STATUS = ("success", "data-requested", "data-required", "in-progress", "failure", "entered-in-error")
LIST_STATUS = ("current", "retired", "entered-in-error")
LIST_MODE = ("working", "snapshot", "changes")
MEASURE_STATUS = ("complete", "pending", "error")
MEASURE_TYPE = ("individual", "subject-list", "summary", "data-collection", "data-exchange")
