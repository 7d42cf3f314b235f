-- Grain: one row per channel, destination and five minutes in which something was delivered or failed there.
-- failures: failed tries; those that a log collapsed into its last one count when that one ended, if they are a storm's: of
-- fewer nobody knows when they were.
-- failing_messages: messages of which a try failed. answered: tries that the receiver answered with a refusal.
-- timed, slow: deliveries whose latency is known and can be judged, and those of them that are slow for this destination.
-- What happened in a planned downtime is left out.
-- Not published: a step from events to delivery_trouble.
with delivered as (
    select
        delivery.source,
        delivery.channel,
        delivery.destination,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', delivery.delivered_at) // rule.slot_seconds as slot,
        delivery.delivered_at,
        not delivery.attempts_exact and delivery.attempts > rule.storm_tries as is_collapsed,
        delivery.attempts,
        delivery.is_latency_known and day.slow_ms is not null as is_timed,
        delivery.is_latency_known and coalesce(delivery.ack_latency_ms > day.slow_ms, false) as is_slow
    from marts.message_delivery as delivery
    left join marts.latency_day as day
        on day.source = delivery.source
        and day.channel = delivery.channel
        and day.destination = delivery.destination
        and day.delivered_date = delivery.delivered_at::date
    cross join marts.incident_rule as rule
    where delivery.delivered_at is not null
), failed as (
    select
        event.source,
        event.channel,
        event.node as destination,
        event.original_uid,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', event.occurred_at) // rule.slot_seconds as slot,
        greatest(
            count(*) filter (where event.event_type in ('attempt_failed', 'nack_received')),
            count(*) filter (where event.event_type in ('failed', 'dead_lettered', 'expired'))
        ) as failures,
        count(*) filter (where event.event_type = 'nack_received') as answered,
        min(event.occurred_at) as first_at,
        max(event.occurred_at) as last_at
    from staging.interface_event as event
    cross join marts.incident_rule as rule
    where event.node_role = 'destination'
        and event.event_type in ('attempt_failed', 'nack_received', 'failed', 'dead_lettered', 'expired')
        and event.message_uid is not null
    group by
        event.source,
        event.channel,
        event.node,
        event.original_uid,
        slot
), counted as (
    select
        source,
        channel,
        destination,
        slot,
        count(*) as successes,
        min(delivered_at) as first_success_at,
        max(delivered_at) as last_success_at,
        coalesce(sum(attempts - 1) filter (where is_collapsed), 0) as failures,
        count(*) filter (where is_collapsed) as failing_messages,
        0 as answered,
        min(delivered_at) filter (where is_collapsed) as first_failure_at,
        max(delivered_at) filter (where is_collapsed) as last_failure_at,
        count(*) filter (where is_timed) as timed,
        count(*) filter (where is_slow) as slow,
        min(delivered_at) filter (where is_slow) as first_slow_at,
        max(delivered_at) filter (where is_slow) as last_slow_at
    from delivered
    group by
        source,
        channel,
        destination,
        slot
    union all
    select
        source,
        channel,
        destination,
        slot,
        0 as successes,
        null as first_success_at,
        null as last_success_at,
        sum(failures) as failures,
        count(*) as failing_messages,
        sum(answered) as answered,
        min(first_at) as first_failure_at,
        max(last_at) as last_failure_at,
        0 as timed,
        0 as slow,
        null as first_slow_at,
        null as last_slow_at
    from failed
    group by
        source,
        channel,
        destination,
        slot
), slot as (
    select
        source,
        channel,
        destination,
        slot,
        sum(successes)::bigint as successes,
        min(first_success_at) as first_success_at,
        max(last_success_at) as last_success_at,
        sum(failures)::bigint as failures,
        sum(failing_messages)::bigint as failing_messages,
        sum(answered)::bigint as answered,
        min(first_failure_at) as first_failure_at,
        max(last_failure_at) as last_failure_at,
        sum(timed)::bigint as timed,
        sum(slow)::bigint as slow,
        min(first_slow_at) as first_slow_at,
        max(last_slow_at) as last_slow_at
    from counted
    group by
        source,
        channel,
        destination,
        slot
)
select
    slot.*,
    to_timestamp(slot.slot * rule.slot_seconds)::date as slot_date
from slot
cross join marts.incident_rule as rule
where not exists (
    select 1
    from staging.registry_downtime as downtime
    where downtime.source = slot.source
        and coalesce(downtime.channel, slot.channel) = slot.channel
        and downtime.starts_at < to_timestamp((slot.slot + 1) * rule.slot_seconds)
        and downtime.ends_at > to_timestamp(slot.slot * rule.slot_seconds)
)
