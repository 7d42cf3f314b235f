"""What may look wrong with a line that was loaded all the same: every finding by its stable name, with its meaning and cure.

Here: one sentence each, as people read it on the Data-quality page. Not here: finding them (`fhir_rules`, `log_events`,
`intake`), and what keeps a line out (`source.CURES`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_rules import missing, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINES = {
    "end_before_start": "A period ends before it begins; durations from it are left out. Correct it in the source.",
    "location_end_before_start": "A stay at a location ends before it begins. Correct it in the source.",
    "unreadable_time": "A time is not written as FHIR asks; it was not kept. Ask the sender for ISO 8601 times.",
    "impossible_time": "A time names a day or hour that does not exist. Correct it in the source.",
    "date_only_time": "A day without a time of day: it is kept as a day, and no duration is computed from it. Ask for times.",
    "zoneless_time": "A time without an offset: it is read in its source's zone; where that is not set, which instant it was is not known.",
    "ambiguous_time": "A local time of the hour that comes twice in autumn: the first of the two is taken. Ask for offsets.",
    "missing_time": "A local time that the clock leaves out in spring: it is read as if it had not. Ask for offsets.",
    "far_time": "A time lies after the export, or more than 20 years before it. Right for de-identified data, else a slip.",
    "unreadable_code": "A code is not written as a code; it was not kept. Ask the sender to write text elsewhere.",
    "unreadable_birth_date": "A birth date is not written as FHIR asks; the year is not known. Ask for YYYY-MM-DD.",
    "malformed_id": "An id has characters that FHIR does not allow; of a place only its keyed hash is kept. Ask for FHIR ids.",
    "over_long_id": "An id is longer than the 64 characters that FHIR allows. It is used as it is; ask for FHIR ids.",
    "conditional_reference": "A search instead of an id, which leads to what carries that identifier. Ask for literal references.",
    "contained_reference": "A reference points inside its own resource, which is not read. Ask for literal references.",
    "unresolved_reference": "A reference is no reference that FHIR knows and points to nothing. Ask for Type/id.",
    "wrong_target": "A reference points to a type that FHIR does not allow there, so nothing joins. Correct it in the source.",
    "subject_is_no_patient": "A record is about a group, device or place; it belongs to no patient's journey. Nothing to do.",
    "logical_reference": "A reference gives a business identifier instead of an id; it is resolved by that. Nothing to do.",
    "foreign_reference": "A reference points to another server, so it joins nothing here. Right for outside records.",
    "unchecked_base": "A reference is absolute, and whose server it names is not known. Set the source's base.",
    "side_loaded": "A place of the hospital's own list: it counts instead of what an export says of it. Nothing to do.",
    "unresolved_location": "A stay names no location by its id, so it counts for no unit. Ask for literal references.",
}
OF_FILES = {
    "unresolved_deletion": "A reported deletion names no resource of this server by its id, so nothing was deleted. Ask for Type/id.",
    "absence_not_applied": "Known resources that the export lacks; its request shows no parameters (those of a POST never do), so "
    "nothing was taken for deleted. Set the source's full_exports = true if its exports hold everything, else false.",
    "tail_held_back": "The file was still being written: its unfinished last record is read next time. Nothing to do.",
    "manifest_count_differs": "A file holds more or fewer resources than the manifest counts. Export again.",
    "file_of_manifest_missing": "The manifest names files that are not here. Deliver the export again, whole.",
    "export_reports_errors": "The server reports errors of this export, so it may lack resources. Read its error files.",
    "transaction_time_unreadable": "The manifest does not say when the export was true; the newest resource decides.",
}
"""Those of a file as a whole, which `wardflow ingest` says."""
_LOGS = {
    "no_control_id": "A message without a control id: it can be matched to no acknowledgement. Map the engine's column.",
    "time_of_sender": "Nothing says when a message was captured: it counts when its sender dated it (MSH-7). Capture with times.",
    "test_traffic": "A message that says of itself that it is no production (MSH-11); no figure counts it. Nothing to do.",
    "content_purged": "The engine had thrown the message's content away before it was exported. Export sooner.",
    "unmapped_assigner": "A message names who assigned a number, but no setting (assigners) says which system that is: it joins nothing.",
    "time_in_gap": "A local time that the spring clock change skips. Let the engine log offsets.",
    "time_ambiguous": "A local time that the autumn clock change repeats. Let the engine log offsets.",
    "unknown_status": "The engine writes a state that Wardflow does not know; it was not guessed. Tell who maintains Wardflow.",
    "engine_crashed": "The engine crashed over this message; when is not recorded, so it counts as failed when it came. Nothing to do.",
    "time_of_alert": "The extract shows how far an alert was escalated and who has it, not since when: it counts when it was raised.",
    "span_not_placed": "A span or log record lacks its time or its ids and was left out. Look at the exporter.",
    "step_without_time": "A step of a message has no readable time and was left out. Ask who writes the mediator for ISO 8601 times.",
    "sent_at_unreadable": "The sender's own time could not be read, or has no zone; only it was dropped. State its format in the mapping.",
    "mapped_column_missing": "The header lacks a column that the mapping names. Correct the mapping, or ask for the column.",
    "unknown_operation": "The engine's log names an operation that Wardflow does not know; it is counted and proves nothing.",
    "operation_refused": "Somebody tried an operation that the engine did not allow; it did nothing. Nothing to do.",
    "own_account": "What Wardflow's own account did in the engine: left out of every figure. Nothing to do.",
    "unknown_event": "An event word that the source's mapping does not translate. Add it to the mapping.",
}

FINDINGS: Mapping[str, str] = {
    **_LINES,
    **OF_FILES,
    **_LOGS,
    **{
        missing(name): f"The required element {name} is missing. Ask the sender to fill it."
        for projection in PROJECTIONS.values()
        for name, _ in projection.required
    },
    **{
        unknown(
            column.name
        ): f"The {column.name} is none of the codes that FHIR allows; it was not kept. Ask for FHIR codes."
        for projection in PROJECTIONS.values()
        for column in projection.columns
        if column.allowed
    },
    "unknown_location_status": "The status of a stay at a location is none of FHIR's codes; it was not kept. Ask for FHIR codes.",
    "unknown_status_history": "A former status is none of FHIR's codes; it was not kept. Ask for FHIR codes.",
}
"""Every finding that a file's account may count: what it means and what a person can do about it."""
