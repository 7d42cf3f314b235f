"""What the tables of a snapshot's aggregates and lineage say: one row of each, and the meaning of every column.

Text only. Tables of cases are marts and are explained by their own SQL files. A test compares these lists with the files
that a publication writes, so a column without a meaning is noticed.
"""

from collections.abc import Mapping

_WHERE_AND_WHEN = "kpi facility unit grain period period_end"
_INTERVALS = "comparison_effect comparison_low comparison_high net_effect net_low net_high"
_DELIVERED = "deliveries delivered failed_first failed_final retried"
_ACK = "ack_p50_ms ack_p95_ms ack_p99_ms"
_LINES = "lines_read loaded unchanged superseded ignored quarantined"

TABLES: Mapping[str, tuple[str, str]] = {
    "kpi_value": (
        "One row per KPI, place and period.",
        f"{_WHERE_AND_WHEN} value numerator denominator open_cases is_complete suppressed",
    ),
    "kpi_exclusion": (
        "One row per rule of a KPI that leaves cases out, place and period.",
        f"{_WHERE_AND_WHEN} rule n",
    ),
    "kpi_signal": (
        "One row per KPI, place and charted week.",
        "kpi facility unit week value mean lower upper rule rules is_last variation assurance warnings",
    ),
    "readiness": (
        "One row per KPI, facility and period.",
        "kpi facility grain period period_end state why inputs resolution_minutes",
    ),
    "backlog_week": (
        "One row per KPI of open work, place and week in which something came in or was finished.",
        "kpi facility unit week opened closed",
    ),
    "backlog_age": (
        "One row per KPI of open work, place and band of age, at the data cut.",
        "kpi facility unit band n oldest_minutes",
    ),
    "exception_count": (
        "One row per kind of exception and facility: what should have happened and did not, and is still open.",
        "kind facility waiting oldest_minutes suppressed",
    ),
    "pilot_result": (
        "One row per registered pilot.",
        (
            "pilot kpi facility unit starts_on registered_at registered_by reason design verdict why expected weeks_before weeks_after "
            f"cases_before cases_after before after effect effect_low effect_high p_value compared_with {_INTERVALS} "
            "minimum_detectable_effect needs_more_weeks guardrails"
        ),
    ),
    "pilot_week": (
        "One row per pilot, place and week.",
        "pilot place is_pilot week value mean lower upper rule",
    ),
    "process_summary": (
        "One row per workflow, facility and period: the cases that began in it.",
        (
            "workflow facility cases open_cases events variants rework_cases throughput_median_seconds throughput_p90_seconds "
            "throughput_mean_seconds grain period period_end on_path_cases off_path_cases unknown_path_cases suppressed"
        ),
    ),
    "process_edge": (
        "One row per workflow, facility, period and two steps that follow each other.",
        (
            "workflow facility activity next_activity cases count wait_median_seconds wait_mean_seconds wait_p90_seconds "
            "wait_total_seconds queue_median_seconds queue_total_seconds service_total_seconds target_seconds lost_seconds "
            "grain period period_end owner best_week best_week_mean_seconds saved_seconds suppressed"
        ),
    ),
    "process_variant": (
        "One row per workflow, facility, period and path; rare paths together in one row without a path.",
        "workflow facility path cases grain period period_end suppressed",
    ),
    "process_week": (
        "One row per workflow, facility, two steps that usually follow each other and week; weeks of few cases are left out.",
        "workflow facility activity next_activity week wait_p25_seconds wait_median_seconds wait_p75_seconds wait_p90_seconds",
    ),
    "process_waiting": (
        "One row per workflow, facility, period and step of which it is recorded who does it and when they began: why it waits.",
        (
            "workflow facility activity cases still_waiting wait_seconds batching_seconds contention_seconds prioritisation_seconds "
            "unavailability_seconds extraneous_seconds grain period period_end suppressed"
        ),
    ),
    "process_handover": (
        "One row per workflow, facility, period and two roles of which one hands work over to the other.",
        (
            "workflow facility owner next_owner cases count recorded_count wait_median_seconds wait_total_seconds grain period "
            "period_end suppressed"
        ),
    ),
    "process_deviation": (
        "One row per workflow, facility, period and way in which cases left the registered path; a case may do so in several ways.",
        "workflow facility kind activity cases grain period period_end suppressed",
    ),
    "process_rule": (
        "One row per workflow, facility, period and step that the registry gives a window.",
        (
            "workflow facility activity cases count within_count open_late_count undecided_count target_seconds step_no owner "
            "grain period period_end suppressed"
        ),
    ),
    "delay_part": (
        "One row per kind of wait, place, period and what of it: the whole, a part, or a hop. A wait counts where it began.",
        (
            "wait_kind facility unit grain period period_end split part source channel destination waits open_waits patients minutes "
            "minutes_across_clocks minutes_estimated minutes_uncertain suppressed is_withheld"
        ),
    ),
    "kpi_delay": (
        "One row per KPI of time, place, period and what of its cases' time: the whole, a part, a hop, or a kind of wait.",
        (
            f"{_WHERE_AND_WHEN} split wait_kind part source channel destination cases open_cases patients minutes "
            "minutes_across_clocks minutes_estimated minutes_uncertain suppressed is_withheld"
        ),
    ),
    "delay_edge": (
        "One row per workflow, facility, window, two steps that follow each other, and part and hop of the waits between them.",
        "workflow facility activity next_activity grain period period_end part source channel destination minutes suppressed",
    ),
    "interface_channel": (
        "One row per channel, seen or registered, and window.",
        (
            "grain period period_end source channel facility owner protocol data_domain criticality kind is_registered is_seen messages "
            "deliveries failed_first failed_final retried dead_lettered queue_depth oldest_queued_minutes engine_queue_depth "
            f"engine_queue_at delivered ack_unknown hop_unknown {_ACK} hop_p50_ms hop_p95_ms hop_p99_ms dead_letters_open "
            "oldest_dead_letter_minutes handled_by_hand silent_minutes drifted throughput_ratio first_seen_at last_seen_at "
            "last_message_at max_silence_minutes silence_limit_minutes silence_basis silent"
        ),
    ),
    "interface_hour": (
        "One row per channel and hour of the last eight days; an hour of which its log says nothing has no row.",
        "source channel began_at messages expected_messages expected_low expected_high silent_minutes is_last_day",
    ),
    "interface_history": (
        "One row per channel and local day or week since its source's first message.",
        (
            "grain period source channel hours missing_hours missing_messages messages counted_messages expected_messages "
            f"silent_minutes drifted {_DELIVERED} ack_unknown {_ACK} hop_p50_ms hop_p95_ms hop_p99_ms"
        ),
    ),
    "interface_error": (
        "One row per channel, destination, window and text of error.",
        "grain period period_end source channel destination error_class error_template n messages first_at last_at",
    ),
    "interface_destination": (
        "One row per channel, final destination and window.",
        f"grain period period_end source channel destination {_DELIVERED} ack_unknown queue_depth {_ACK} last_delivered_at",
    ),
    "lost_total": (
        "One row per newest window, facility (null: all) and cause, reason, hop or step that took hours; zero for a cause that took none.",
        (
            "breakdown facility cause reason source channel workflow activity owner grain period period_end lost_hours lost_low "
            "lost_high share share_low share_high hours_waited estimated_hours unknown_hours stretches patients wait_kinds suppressed"
        ),
    ),
    "channel_reach": (
        "One row per newest window and channel: who would not hear of what if it stopped.",
        (
            "source channel grain period period_end days messages msg_types destinations domains wait_kinds waits patients suppressed"
        ),
    ),
    "check_result": (
        "One row per check.",
        "table expectation column why severity passed unexpected_share kpis",
    ),
    "ledger_total": (
        "One row per source and type of resource.",
        f"source kind resource_type files {_LINES} last_exported_at",
    ),
    "source_freshness": ("One row per source.", "source as_of last_file_at expected_every_hours is_late"),
    "completion": (
        "One row per source that delivers exports with a manifest.",
        "source exports incomplete_exports files_missing encounters_waiting",
    ),
    "quarantine_total": (
        "One row per source, type of resource and rule by which lines were kept out.",
        "source resource_type rule cure n files last_seen_at",
    ),
    "validation": (
        "One row per source, type of resource and scope: how many lines fhir.resources judged.",
        "source resource_type scope lines checked failed as_r5",
    ),
    "validation_failure": (
        "One row per source, type of resource, scope, kind of failure and element.",
        "source resource_type scope rule path n last_seen_at",
    ),
    "finding_week": (
        "One row per source, type of resource, finding and week of export; the newest weeks, those without a finding too.",
        "source resource_type rule meaning week n lines has_risen",
    ),
    "drift": (
        "One row per source, type of resource and element that any line looked at carried.",
        "source resource_type path release lines looked_at first_seen_at last_seen_at is_unknown is_new has_vanished",
    ),
    "file": (
        "One row per delivered file; lineage, for engineers.",
        f"file_id source path sha256 bytes kind resource_type exported_at ingested_at {_LINES} reading",
    ),
    "quarantine": (
        "One row per line that could not be read; lineage, for engineers.",
        "file_id line byte_offset rule cure line_hash",
    ),
    "export": (
        "One row per export with a manifest; lineage, for engineers.",
        (
            "file_id source folder exported_at level types is_full problems files_named files_here is_counted is_complete is_verified"
        ),
    ),
    "finding": ("One row per delivered file and rule that its lines broke; lineage, for engineers.", "file_id rule n"),
}
"""Published table → what one row is, and its columns in order."""

MEANINGS: Mapping[str, str] = {
    "exports": "how many exports it delivered",
    "incomplete_exports": "exports of which a file that the manifest names has not come",
    "files_missing": "how many such files",
    "encounters_waiting": "encounters with a version that only incomplete exports brought; it does not count yet",
    "folder": "where the export lies",
    "level": "what was asked about: system, Patient or one Group; null where the manifest names no request",
    "types": "the types asked for; null for all",
    "is_full": "nothing in the request narrowed the answer; null where the manifest names no request, or one that shows no parameters",
    "problems": "errors that the server reported in the manifest",
    "files_named": "files of types that are read which the manifest names",
    "files_here": "those of them that came, under their own name or another",
    "is_counted": "every file holds as many resources as the manifest says",
    "is_verified": "complete, counted, without problems, and nothing in it was quarantined: what it lacks is gone",
    "kpi": "the KPI's id",
    "facility": "the hospital; null for all of them",
    "unit": "the ward, department or channel; null for all of them",
    "grain": "day, week, month, window (the last 4, 13 or 26 whole weeks and the equal time before each) or all",
    "period": "first local day of the period",
    "period_end": "first local day after the period",
    "week": "Monday of the local week; of a wait: in which its case began",
    "value": "the KPI's value in its unit, fractions 0 to 1; null when hidden or not known",
    "numerator": "what the value is made of, see the KPI's measure",
    "denominator": "how many cases the value is of",
    "open_cases": "cases still open at the data cut",
    "is_complete": "the data cover the whole period",
    "suppressed": "hidden, because it or what it gives away is of fewer people than the hospital shows",
    "rule": "the rule that applies",
    "n": "how many",
    "mean": "centre line of the control chart",
    "lower": "lower control limit",
    "upper": "upper control limit",
    "rules": "every rule of the control chart that fires at this point",
    "is_last": "the newest week of the chart",
    "variation": "is it changing: common_cause, improvement, concern, neutral_high or neutral_low",
    "assurance": "is it good enough: pass, fail, hit_or_miss or none",
    "warnings": "what to know about the chart, in sentences",
    "waiting": "how many are open at the data cut; null when hidden",
    "state": "ready, biased or withheld",
    "why": "the reasons, in sentences",
    "inputs": "completeness of each required column, as JSON",
    "resolution_minutes": "within how many minutes the ends of finished cases are known, on average; null without a resolution",
    "opened": "how many came in",
    "closed": "how many were finished",
    "band": "how long it has waited",
    "oldest_minutes": "how long the oldest of the place has waited, the same in each band",
    "days": "days of the window since the channel's first message",
    "msg_types": "kinds of message that it carried",
    "destinations": "systems that it delivered to",
    "domains": "domains of data whose system of record is one of them, see registry.toml",
    "breakdown": "all, cause, reason, or step: a hop of an interface or a step of a workflow",
    "cause": "integration, workflow or record; unknown hours are in no total; see `lost_time`",
    "lost_hours": "hours that patients lost, each counted once",
    "lost_low": "lower end of their 95 % interval, by drawing whole days again",
    "lost_high": "upper end of their 95 % interval",
    "share": "of all hours lost there",
    "share_low": "lower end of its 95 % interval",
    "share_high": "upper end of its 95 % interval",
    "hours_waited": "the same stretches, an hour lost to two things counted for both",
    "estimated_hours": "of the hours, those that rest on what is usual",
    "unknown_hours": "beyond the windows of the place or step, without a message in any log: in no other number",
    "stretches": "how many stretches of lost time",
    "patients": "how many patients",
    "wait_kinds": "what they waited for, see `wait`",
    "pilot": "the pilot's name in the decision journal",
    "starts_on": "first local day of the pilot",
    "registered_at": "when the plan was written down",
    "registered_by": "who wrote it down",
    "reason": "of a pilot: why, in their words; of lost hours: late, wrong, missing, queue, handoff, rework or documentation",
    "design": "how it is judged",
    "verdict": "improved, not_improved, worse or cannot_tell",
    "expected": "the hoped-for change in the KPI's unit, null when nobody said",
    "weeks_before": "whole weeks compared before the first day",
    "weeks_after": "whole weeks compared from the first day on",
    "cases_before": "cases before, rounded down to tens",
    "cases_after": "cases after, rounded down to tens",
    "before": "the KPI before",
    "after": "the KPI after",
    "effect": "after less before",
    "effect_low": "lower end of the effect's 95 % interval",
    "effect_high": "upper end of the effect's 95 % interval",
    "p_value": "how often days drawn again would show no change or the contrary, two-sided",
    "compared_with": "the places that did not take part",
    "comparison_effect": "their change in the same weeks",
    "comparison_low": "lower end of its 95 % interval",
    "comparison_high": "upper end of its 95 % interval",
    "net_effect": "the pilot's change less theirs",
    "net_low": "lower end of its 95 % interval",
    "net_high": "upper end of its 95 % interval",
    "minimum_detectable_effect": "the change that these weeks would show in four of five pilots",
    "needs_more_weeks": "how many more weeks on each side would show the hoped-for change; null when none or not known",
    "guardrails": "measures that must not become worse, with what became of each, as JSON",
    "place": "the pilot's place or one that it is compared with",
    "is_pilot": "whether it is the pilot's place",
    "workflow": "the workflow's id, see registry.toml",
    "cases": "how many cases",
    "events": "steps of those cases",
    "variants": "different paths that they took",
    "rework_cases": "cases in which a step came back",
    "throughput_median_seconds": "first to last step of finished cases, median",
    "throughput_p90_seconds": "first to last step of finished cases, 90 %",
    "throughput_mean_seconds": "first to last step of finished cases, mean",
    "activity": "the step before; of a deviation or a window: the step",
    "unknown_path_cases": "cases with a step that was sent without its time or place; in neither count",
    "on_path_cases": "finished cases that kept to the registered path; null where none is registered",
    "off_path_cases": "cases that left it, open ones too; the rest is open and may still keep to it",
    "within_count": "how many of them were within the window",
    "open_late_count": "how many of them still wait at the data cut and are late by then",
    "undecided_count": "open waits whose window has not passed at the data cut; not counted in count",
    "step_no": "the step's place in the registered path",
    "next_activity": "the step that followed it",
    "count": "how often",
    "wait_median_seconds": "time between the two, median",
    "wait_p25_seconds": "time between the two, 25 %",
    "wait_p75_seconds": "time between the two, 75 %",
    "next_owner": "who answers for the step that followed, as registered",
    "recorded_count": "of how many both roles are those that the tasks name; of the others who answers for the step by the registry",
    "still_waiting": "how many of them nobody has begun at the data cut",
    "wait_seconds": "from when work could begin to when it was begun or the data cut, all together; the five reasons add up to it",
    "batching_seconds": "of it until the last of those was there that were begun together",
    "contention_seconds": "of it while all hands were busy with what came before it",
    "prioritisation_seconds": "of it while all hands were busy and one of them with what came after it",
    "unavailability_seconds": "of it in hours in which the team does no such work",
    "extraneous_seconds": "the rest: hands were free, or nobody wrote down what they did",
    "best_week": "the best quartile week: of the weeks with at least ten waits, ranked by their mean, the one that a quarter reach",
    "best_week_mean_seconds": "time between the two in that week, mean",
    "saved_seconds": "what the waits took beyond that week's mean, all together; an arithmetic, not a forecast",
    "wait_mean_seconds": "time between the two, mean",
    "wait_p90_seconds": "time between the two, 90 %",
    "wait_total_seconds": "time between the two, all together",
    "queue_median_seconds": "until work on the second step began, median; null where its start is not known",
    "queue_total_seconds": "until work on the second step began, all together",
    "service_total_seconds": "work on the second step, all together",
    "target_seconds": "how long it may take, as registered",
    "lost_seconds": "time beyond what it may take, all together",
    "owner": "who answers for it, as registered; of an edge: for its second step",
    "wait_kind": "what is waited for, see models/waits.py",
    "split": "all: as a whole; part: by part; hop: what one channel, or its way to one destination, took; kind: by what was waited for",
    "part": "source, transport, queue, retry, unacknowledged, people, unknown or care, see models/waits.py; null unless split by part",
    "waits": "waits that have such a part, or passed that hop",
    "open_waits": "those of them that are not over at the data cut; they count with what they have waited so far",
    "minutes": "how long they took",
    "minutes_across_clocks": "those between two clocks, the record's and an engine's or two of an engine",
    "minutes_estimated": "those that end or begin at an instant that is estimated, because people acted before the message came",
    "minutes_uncertain": (
        "how many of them may well lie on the other side of that instant: about a standard deviation of each"
    ),
    "is_withheld": "more than a twentieth of the time may well belong elsewhere: only the whole has numbers",
    "channel": "the interface channel, by its name in the engine",
    "began_at": "when the hour began",
    "messages": (
        "messages that the channel received; null where its log is known to lack the whole period; of an error: how many had it"
    ),
    "protocol": "as registered",
    "data_domain": "what it carries, as registered",
    "criticality": "low, medium or high, as registered",
    "is_registered": "registry.toml names it",
    "is_seen": "a log shows it",
    "dead_lettered": "those that the engine gave up in the end",
    "oldest_queued_minutes": "how long the oldest of those that wait has waited at the data cut",
    "engine_queue_depth": "how many wait by the engine's own last word; null where its log does not say",
    "engine_queue_at": "when it said so",
    "hop_unknown": "delivered ones whose hop nobody can time: two clocks, or no time in the log",
    "dead_letters_open": "given up and neither delivered nor discarded since, at the data cut; where no delivery says so, by the "
    "engine's own last word",
    "oldest_dead_letter_minutes": "how long ago the oldest of them was given up",
    "handled_by_hand": "what people did to its messages: sent again, discarded, released, edited",
    "throughput_ratio": "messages by what is usual at those hours; null where less than one an hour is usual",
    "last_message_at": "when it last received a message",
    "max_silence_minutes": "longest silence, as registered",
    "silence_limit_minutes": "longest silence: as registered, else as learned of its own gaps; null where nobody knows",
    "silence_basis": "registered, learned or unknown",
    "silent": "it has been without a message for longer than that at the data cut, or is registered and was never seen",
    "hours": "hours of the period between the source's first message and its last",
    "missing_hours": "hours of which the log is known to lack messages and that show none: not known, not zero",
    "counted_messages": "received by the engine's own counters; null where these were not read, or were set back without a lifetime count",
    "missing_messages": "messages whose numbers never came, by the first message after them",
    "drifted": "messages in an unusual format",
    "deliveries": "messages by final destination",
    "delivered": "those that were delivered",
    "failed_first": "those whose first attempt did not succeed",
    "failed_final": "those that failed for good",
    "retried": "those that took more than one attempt",
    "queue_depth": "those that still wait; of a channel at the data cut, whenever they came",
    "ack_unknown": "delivered ones whose latency nobody can know: two clocks, or no time in the log",
    "ack_p50_ms": "last attempt to acknowledgement, median",
    "ack_p95_ms": "last attempt to acknowledgement, 95 %",
    "ack_p99_ms": "last attempt to acknowledgement, 99 %",
    "hop_p50_ms": "routed to acknowledged, median",
    "hop_p95_ms": "routed to acknowledged, 95 %",
    "hop_p99_ms": "routed to acknowledged, 99 %",
    "destination": "where the channel sends to; null for the channel itself",
    "error_class": "connect, timeout, nack, validate, transform, route, config, auth, capacity, purge or unknown",
    "error_template": "the error's text with everything that could name a person taken out",
    "first_at": "the first of them",
    "last_at": "the last of them",
    "last_delivered_at": "when one was last delivered",
    "expected_messages": "median of the same hour of the week in the four weeks before and after; null with fewer than two",
    "expected_low": "lower end of the band in which four of five of those hours lie",
    "expected_high": "upper end of that band",
    "silent_minutes": "minutes beyond its longest silence; of a channel without one, hours without a message where five are usual",
    "is_last_day": "whether it is one of the last 24 whole hours before the data cut",
    "table": "the table that is checked",
    "expectation": "what must hold",
    "column": "the column that is checked; null for the whole table",
    "severity": "structural (stops publication) or content (changes readiness)",
    "passed": "whether it held",
    "unexpected_share": "share of rows for which it did not",
    "kpis": "the KPIs that depend on it",
    "source": "the source system",
    "kind": (
        "what kind of source it is; of a channel: channel, or router where messages only pass through; of a deviation: skipped, "
        "repeated, out_of_order, exception (a step that is for exceptions happened) or not_registered; of an exception: what did not happen"
    ),
    "resource_type": "the FHIR resource; null for other sources",
    "files": "delivered files",
    "lines_read": "lines read; the sum of the five that follow",
    "loaded": "lines that brought a version that was not known",
    "unchanged": "lines that were known already",
    "superseded": "copies that say that they are incomplete",
    "ignored": "blank lines, headers and types that no KPI needs",
    "quarantined": "lines that could not be read",
    "last_exported_at": "data cut of the newest file",
    "as_of": "data cut of the source",
    "last_file_at": "when its newest file was ingested",
    "expected_every_hours": "how often it should come",
    "is_late": "whether it lags behind by more than that",
    "file_id": "the delivered file",
    "path": (
        "of a file: where it lies, relative to the home; of a workflow: its steps in order; of an element: where it stands "
        "in its resource, `?` for a name that FHIR does not define and that is not shown"
    ),
    "sha256": "digest of its bytes; of a log that was read on as it grew, of the digests of its parts",
    "bytes": "its size",
    "exported_at": "its data cut",
    "ingested_at": "when it was read",
    "reading": "what the release that read it reads of such a file; it is read again when a release reads more",
    "line": "the line in it, from 1",
    "byte_offset": "where the line begins",
    "cure": "what to do about it",
    "scope": "quarantine: lines that were kept out; sample: lines spread evenly through the rest",
    "lines": "how many there are; of an element: how many of the lines looked at carried it",
    "checked": "lines that were judged",
    "failed": "lines that fhir.resources refuses; they are loaded all the same",
    "as_r5": "lines judged by the models of R5, because of their shape",
    "last_seen_at": "data cut of the newest file that had it; of a channel: its last sign in the log",
    "first_seen_at": "data cut of the oldest file that had it; of a channel: its first sign in the log",
    "meaning": "what it means and what to do about it",
    "has_risen": "newest week only: its share of lines is more than twice that of the four weeks before",
    "release": "the release of FHIR that defines it, R4B before R5; null when none does",
    "looked_at": "lines that were looked at",
    "is_unknown": "FHIR does not define it there",
    "is_new": "earlier exports should have had it and had not; first seen in the last 90 days",
    "has_vanished": "exports since should have had it and had not",
    "line_hash": "keyed hash of the line, never its text",
}
