-- Grain: one row per hospital: every threshold of what makes an incident, with its reason.
-- slot_seconds: what failed or was slow is counted in five minutes: short enough to be known soon, long enough to count.
-- gap_minutes: two messages less than this apart are never silence, however busy the flow is.
-- pace_weeks: what is usual at an hour of the week is learned from the eight weeks before, the busiest and quietest left out.
-- pace_fewest_weeks: below this a flow is too young to say what is usual: only the registry's limit speaks.
-- silence_floor: messages that should have come and did not: by chance alone that is one gap in 160,000 (e to the 12th).
-- silence_margin: times the longest lull of a usual week of that flow, counted in messages that should have come.
-- registered_margin: beyond a registered limit, but no longer than a usual week's longest lull and a half, is no incident: a
-- limit in minutes knows no nights.
-- log_gap_messages: messages due from the other flows of a log; when none of them came either, the log is missing.
-- usual_days: failures, latencies and waits are compared with the median of the 28 days before that had any.
-- usual_fewest_days: with fewer days than this nothing is called unusual; an outage needs no history.
-- failing_floor: a flow that never failed is taken to fail twice in a hundred, so that two bad luck are no trouble.
-- slow_floor: one delivery in twenty lies beyond the usual 95th percentile; a little more is allowed for.
-- slow_factor: slow is at least three times the usual median, however narrow the usual spread is.
-- failing_share, slow_trouble_share: the share that a trouble is taken to have at least; the usual one is weighed against it.
-- slot_evidence: at most so much evidence counts of one slot, so that a hiccup of a busy minute is none and three slots are
-- enough; twice as much where several messages of a slot are tried over and over and some get through.
-- failing_evidence: about one chance in 160,000 (e to the 12th) that the usual failures look like this.
-- slow_evidence: latencies move together more than failures do, so more is asked (e to the 16th).
-- trouble_minutes: a trouble lasts from its first to its last sign at least this long.
-- failing_health: so many successes in a row between two failures make two troubles of them.
-- slow_health: so many ordinary deliveries in a row between two slow ones make two troubles of them.
-- quiet_minutes: without any success in between, failures further apart than this are two troubles.
-- blocked_share: so many of a trouble's failures came without any success in between: an outage, whatever lies around it.
-- blocked_slot: at most so many failures of a slot count for that: a log that keeps the last try only has all of them there.
-- storm_tries: failed tries of one message within a slot, on average: faster than any engine's usual back-off.
-- storm_blind_tries: the same where nothing gets through at all: then only a pause of less than five seconds is a storm.
-- wait_minutes: a message that is not delivered after this is overdue.
-- wait_fewest: so many overdue messages at once are a backlog.
-- wait_margin: times the usual day's longest queue of overdue messages.
-- merge_minutes: two queues of overdue messages that lie nearer than this are one.
-- follow_before_minutes: a trouble that begins this much before another, or later while that lasts, follows from it.
-- follow_after_minutes: so long after a trouble is over, others still follow from it: queues run empty, feeds catch up.
-- Not published: it is the same for everybody, and stands in this file.
select
    300 as slot_seconds,
    15 as gap_minutes,
    8 as pace_weeks,
    3 as pace_fewest_weeks,
    12.0 as silence_floor,
    2.1 as silence_margin,
    1.5 as registered_margin,
    8.0 as log_gap_messages,
    28 as usual_days,
    7 as usual_fewest_days,
    0.02 as failing_floor,
    0.07 as slow_floor,
    3.0 as slow_factor,
    0.3 as failing_share,
    0.5 as slow_trouble_share,
    5.5 as slot_evidence,
    12.0 as failing_evidence,
    16.0 as slow_evidence,
    10 as trouble_minutes,
    15 as failing_health,
    8 as slow_health,
    720 as quiet_minutes,
    0.6 as blocked_share,
    12 as blocked_slot,
    8 as storm_tries,
    60 as storm_blind_tries,
    20 as wait_minutes,
    5 as wait_fewest,
    3.0 as wait_margin,
    60 as merge_minutes,
    30 as follow_before_minutes,
    60 as follow_after_minutes
