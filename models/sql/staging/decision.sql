-- Grain: one row per decision in the journal.
select
    decision_id,
    decided_at,
    actor,
    action,
    subject_kind,
    subject,
    facility,
    value,
    why,
    file_id,
    line
from raw.decision
