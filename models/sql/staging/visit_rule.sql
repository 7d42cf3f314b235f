-- Grain: one row per rule that says what kind of visit an Encounter is.
-- source: whose Encounters it is for; null for everybody's.
-- rule_no: the order in which rules are asked; the first whose conditions all hold decides.
-- class_codes: one of them must be the Encounter's; null is not asked, as in every condition.
-- place: the visit has a stay at such a place, inpatient or emergency.
select
    source,
    rule_no,
    class_codes,
    type_codes,
    service_type_codes,
    profiles,
    has_parent,
    place,
    visit_kind
from raw.visit_rule
