"""What kinds of visit there are, and what the standard's class codes mean where a hospital says nothing else.

Here: the closed list and the defaults. Not here: a hospital's own rules (wardflow.toml, `pipelines.visit_rules`), how rules are
applied (`sql/marts/visit.sql`).
"""

from collections.abc import Mapping

KINDS = (
    "emergency",
    "inpatient",
    "observation",
    "short_stay",
    "day_surgery",
    "ambulatory",
    "virtual",
    "home",
    "planned",
    "other",
)
"""Every kind that a rule may give; a visit that no rule decides is `unknown`."""

DEFAULTS: Mapping[str, str] = {
    "EMER": "emergency",
    "IMP": "inpatient",
    "ACUTE": "inpatient",
    "NONAC": "inpatient",
    "OBSENC": "observation",
    "SS": "short_stay",
    "AMB": "ambulatory",
    "VR": "virtual",
    "HH": "home",
    "FLD": "other",
    "PRENC": "planned",
}
"""HL7 v3 ActEncounterCode → kind; asked after every rule of the source."""

FIRST_DEFAULT = 1000
"""Number of the first default rule; a source's own rules count from 1."""


def default_rules() -> list[dict[str, object]]:
    """The defaults as rows of `raw.visit_rule`; a null condition is not asked."""
    return [
        {"rule_no": FIRST_DEFAULT + number, "class_codes": [code], "visit_kind": kind}
        for number, (code, kind) in enumerate(DEFAULTS.items())
    ]
