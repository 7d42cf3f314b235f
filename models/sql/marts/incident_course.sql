-- Grain: one row per incident and step of time around it: what was seen against what it is measured by.
-- Not published: it is kept beside interface_incident, with the aggregates.
-- A picture of the incident: 36 steps from half its length (at least half an hour) before to as much after.
-- seen: messages received (silent), median milliseconds (latency_shift), else messages delivered.
-- against: messages to be expected (silent), the usual median (latency_shift), messages that came (backlog), else failed
-- tries. Null where nothing is known.
with span as (
    select
        incident_id,
        source,
        channel,
        destination,
        kind,
        ceil((minutes + 2 * greatest(minutes / 2, 30.0)) * 60 / 36 / 60) * 60 as step_seconds,
        started_at - greatest(minutes / 2, 30.0) * interval 1 minute as from_at,
        from_at + 36 * step_seconds * interval 1 second as until_at
    from marts.interface_incident
    where kind <> 'schema_drift'
), step as (
    select
        incident_id,
        source,
        channel,
        destination,
        kind,
        step_seconds,
        unnest(generate_series(0, 35)) as step,
        from_at
    from span
), sign as (
    select
        span.incident_id,
        floor(date_diff('second', span.from_at, arrival.received_at) / span.step_seconds) as step,
        'received' as what,
        1.0 as amount
    from span
    inner join marts.channel_arrival as arrival
        on arrival.source = span.source
        and arrival.channel = span.channel
        and arrival.received_at >= span.from_at
        and arrival.received_at < span.until_at
    where span.kind = 'silent'
    union all
    select
        span.incident_id,
        floor(date_diff('second', span.from_at, delivery.delivered_at) / span.step_seconds) as step,
        'delivered' as what,
        delivery.ack_latency_ms as amount
    from span
    inner join marts.message_delivery as delivery
        on delivery.source = span.source
        and delivery.channel = span.channel
        and delivery.destination = span.destination
        and delivery.delivered_at >= span.from_at
        and delivery.delivered_at < span.until_at
    union all
    select
        span.incident_id,
        floor(date_diff('second', span.from_at, delivery.entered_at) / span.step_seconds) as step,
        'came' as what,
        1.0 as amount
    from span
    inner join marts.message_delivery as delivery
        on delivery.source = span.source
        and delivery.channel = span.channel
        and delivery.destination = span.destination
        and delivery.entered_at >= span.from_at
        and delivery.entered_at < span.until_at
    where span.kind = 'backlog'
    union all
    select
        span.incident_id,
        floor(date_diff('second', span.from_at, slot.first_failure_at) / span.step_seconds) as step,
        'failed' as what,
        slot.failures::double as amount
    from span
    inner join marts.delivery_slot as slot
        on slot.source = span.source
        and slot.channel = span.channel
        and slot.destination = span.destination
        and slot.first_failure_at >= span.from_at
        and slot.first_failure_at < span.until_at
), counted as (
    select
        incident_id,
        step,
        count(*) filter (where what = 'received') as received,
        count(*) filter (where what = 'delivered') as delivered,
        count(*) filter (where what = 'came') as came,
        median(amount) filter (where what = 'delivered') as median_ms,
        coalesce(sum(amount) filter (where what = 'failed'), 0.0) as failed
    from sign
    group by
        incident_id,
        step
), due as (
    select
        step.incident_id,
        step.step,
        sum(pace.expected * greatest(0, date_diff(
            'second',
            greatest(pace.began_at, step.from_at + step.step * step.step_seconds * interval 1 second),
            least(
                pace.began_at + interval 1 hour,
                step.from_at + (step.step + 1) * step.step_seconds * interval 1 second
            )
        ))) / 3600.0 as expected
    from step
    inner join marts.channel_pace as pace
        on pace.source = step.source
        and pace.channel = step.channel
        and pace.began_at > step.from_at + step.step * step.step_seconds * interval 1 second - interval 1 hour
        and pace.began_at < step.from_at + (step.step + 1) * step.step_seconds * interval 1 second
    where step.kind = 'silent'
    group by
        step.incident_id,
        step.step
)
select
    step.incident_id,
    step.source,
    step.channel,
    step.step,
    step.from_at + step.step * step.step_seconds * interval 1 second as began_at,
    step.step_seconds / 60.0 as step_minutes,
    case step.kind
        when 'silent' then coalesce(counted.received, 0)::double
        when 'latency_shift' then counted.median_ms
        else coalesce(counted.delivered, 0)::double
    end as seen,
    case step.kind
        when 'silent' then due.expected
        when 'latency_shift' then incident.expected
        when 'backlog' then coalesce(counted.came, 0)::double
        else coalesce(counted.failed, 0.0)
    end as against
from step
inner join marts.interface_incident as incident
    on incident.incident_id = step.incident_id
left join counted
    on counted.incident_id = step.incident_id
    and counted.step = step.step
left join due
    on due.incident_id = step.incident_id
    and due.step = step.step
