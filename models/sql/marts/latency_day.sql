-- Grain: one row per channel, destination and local day on which deliveries were acknowledged.
-- usual_ms: the median of the four weeks' daily medians before that day; null while fewer than seven days are known.
-- slow_ms: beyond this a delivery of that day is slow: the usual 95th percentile, at least three times the usual median.
-- Not published: a step to delivery_slot.
with timed as (
    select
        source,
        channel,
        destination,
        delivered_at::date as delivered_date,
        count(*) as deliveries,
        median(ack_latency_ms) as median_ms,
        quantile_cont(ack_latency_ms, 0.95) as p95_ms
    from marts.message_delivery
    where is_latency_known
    group by
        source,
        channel,
        destination,
        delivered_at::date
), usual as (
    select
        *,
        count(*) over past as days,
        median(median_ms) over past as past_median_ms,
        median(p95_ms) over past as past_p95_ms
    from timed
    window past as (
        partition by source, channel, destination
        order by delivered_date
        rows between 28 preceding and 1 preceding
    )
)
select
    usual.source,
    usual.channel,
    usual.destination,
    usual.delivered_date,
    usual.deliveries,
    usual.median_ms,
    usual.p95_ms,
    case when usual.days >= rule.usual_fewest_days then usual.past_median_ms end as usual_ms,
    case
        when usual.days >= rule.usual_fewest_days
            then greatest(usual.past_p95_ms, rule.slow_factor * usual.past_median_ms)
    end as slow_ms
from usual
cross join marts.incident_rule as rule
