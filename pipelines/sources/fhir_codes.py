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
