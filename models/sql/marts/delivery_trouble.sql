-- Grain: one row per stretch in which deliveries from a channel to a destination failed, or were slow, more than by chance.
-- measure: failing or slow.
-- The evidence of a slot is the logarithm of how much likelier it is that the trouble's share fails than that the usual one
-- does; it adds up, and a stretch begins where the sum was lowest before it crossed what a rule asks (a CUSUM).
-- started_at, ended_at: the first and the last failed or slow message.
-- detected_at: the sign with which the evidence was enough and the trouble long enough.
-- restored_at: the first success after the last sign; null while health is not proven.
-- blocked_share: how many of its failures came in a row without any success, from blocked_at to the success unblocked_at.
-- successes: those between the first and the last sign, the slots of these two left out.
-- Not published: what is an incident is in interface_incident.
with day as (
    select
        source,
        channel,
        destination,
        slot_date,
        least(1.0, sum(failures) / (sum(failures) + sum(successes))::double) as failing
    from marts.delivery_slot
    where failures + successes > 0
    group by
        source,
        channel,
        destination,
        slot_date
), usual as (
    select
        source,
        channel,
        destination,
        slot_date,
        count(*) over past as days,
        median(failing) over past as past_failing
    from day
    window past as (
        partition by source, channel, destination
        order by slot_date
        rows between 28 preceding and 1 preceding
    )
), measured as (
    select
        slot.source,
        slot.channel,
        slot.destination,
        slot.slot,
        'failing' as measure,
        slot.failures as bad,
        slot.successes as good,
        greatest(rule.failing_floor, coalesce(usual.past_failing, 0.0)) as usual_share,
        coalesce(usual.days, 0) as days,
        slot.first_failure_at as first_bad_at,
        slot.last_failure_at as last_bad_at,
        slot.first_success_at as first_good_at,
        slot.last_success_at as last_good_at,
        slot.failing_messages,
        slot.answered,
        greatest(rule.failing_share, 3 * coalesce(usual.past_failing, 0.0) / (1 + 2 * coalesce(usual.past_failing, 0.0))) as trouble_share,
        rule.failing_evidence as evidence_asked,
        rule.failing_health as health
    from marts.delivery_slot as slot
    inner join usual
        on usual.source = slot.source
        and usual.channel = slot.channel
        and usual.destination = slot.destination
        and usual.slot_date = slot.slot_date
    cross join marts.incident_rule as rule
    where slot.failures + slot.successes > 0
    union all
    select
        slot.source,
        slot.channel,
        slot.destination,
        slot.slot,
        'slow' as measure,
        slot.slow as bad,
        slot.timed - slot.slow as good,
        rule.slow_floor as usual_share,
        rule.usual_fewest_days as days,
        slot.first_slow_at as first_bad_at,
        slot.last_slow_at as last_bad_at,
        slot.first_success_at as first_good_at,
        slot.last_success_at as last_good_at,
        slot.slow as failing_messages,
        0 as answered,
        rule.slow_trouble_share as trouble_share,
        rule.slow_evidence as evidence_asked,
        rule.slow_health as health
    from marts.delivery_slot as slot
    cross join marts.incident_rule as rule
    where slot.timed > 0
), judged as (
    select
        *,
        bad > 0 and bad >= trouble_share / 2 * (bad + good) as is_bad
    from measured
), run as (
    select
        *,
        coalesce(sum(case when not is_bad then good end) over so_far, 0) as health_so_far,
        first_value(first_good_at ignore nulls) over later as next_good_at,
        coalesce(sum(good) over later, 0) as good_later
    from judged
    window so_far as (
        partition by source, channel, destination, measure
        order by slot
        rows unbounded preceding
    ), later as (
        partition by source, channel, destination, measure
        order by slot
        rows between 1 following and unbounded following
    )
), sign as (
    select
        run.*,
        health_so_far - lag(health_so_far) over line as good_between,
        lag(last_bad_at) over line as bad_before_at,
        lead(first_bad_at) over line as bad_after_at
    from run
    where is_bad
    window line as (
        partition by source, channel, destination, measure
        order by slot
    )
), parted as (
    select
        sign.*,
        sum(case
            when sign.bad_before_at is null or sign.good_between >= sign.health then 1
            when sign.first_bad_at > sign.bad_before_at + rule.quiet_minutes * interval 1 minute
                and sign.good_between > 0 then 1
            when sign.first_bad_at > sign.bad_before_at + 8 * rule.quiet_minutes * interval 1 minute then 1
            else 0
        end) over (
            partition by sign.source, sign.channel, sign.destination, sign.measure
            order by sign.slot
            rows unbounded preceding
        ) as part,
        least(
            rule.slot_evidence * case
                when sign.good > 0 and sign.failing_messages > 1 and sign.bad >= rule.storm_tries * sign.failing_messages then 2
                else 1
            end,
            sign.bad * ln(sign.trouble_share / sign.usual_share)
            + sign.good * ln((1 - sign.trouble_share) / (1 - sign.usual_share))
        )
        + least(coalesce(sign.good_between, 0), sign.health)
        * ln((1 - sign.trouble_share) / (1 - sign.usual_share)) as evidence
    from sign
    cross join marts.incident_rule as rule
), summed as (
    select
        *,
        sum(evidence) over (
            partition by source, channel, destination, measure, part
            order by slot
            rows unbounded preceding
        ) as total
    from parted
), lowered as (
    select
        *,
        least(0.0, coalesce(min(total) over (
            partition by source, channel, destination, measure, part
            order by slot
            rows between unbounded preceding and 1 preceding
        ), 0.0)) as lowest
    from summed
), climbed as (
    select
        *,
        sum(case when total <= lowest then 1 else 0 end) over (
            partition by source, channel, destination, measure, part
            order by slot
            rows unbounded preceding
        ) as climb
    from lowered
), timed as (
    select
        climbed.*,
        min(first_bad_at) over (
            partition by source, channel, destination, measure, part, climb
            order by slot
            rows unbounded preceding
        ) as began_at
    from climbed
    where total > lowest
), known as (
    select
        timed.*,
        timed.total - timed.lowest >= timed.evidence_asked
        and timed.last_bad_at >= timed.began_at + rule.trouble_minutes * interval 1 minute as is_known
    from timed
    cross join marts.incident_rule as rule
), bounded as (
    select
        known.*,
        good = 0 or coalesce(last_good_at < first_bad_at, true) as is_blocked,
        least(bad, rule.blocked_slot) as counted,
        coalesce(next_good_at, timestamptz '9999-01-01 00:00:00+00') as next_success_at,
        min(slot) over stretch as first_slot,
        max(slot) over stretch as last_slot
    from known
    cross join marts.incident_rule as rule
    window stretch as (
        partition by source, channel, destination, measure, part, climb
    )
), run_of_failures as (
    select
        *,
        sum(case when is_blocked then counted else 0 end) over run as run_bad,
        min(case when is_blocked then first_bad_at end) over run as run_began_at
    from bounded
    window run as (
        partition by source, channel, destination, measure, part, climb, next_success_at
    )
)
select
    source,
    channel,
    destination,
    measure,
    min(first_bad_at) as started_at,
    min(last_bad_at) filter (where is_known) as detected_at,
    max(last_bad_at) as ended_at,
    case
        when coalesce(bool_or(bad_after_at is not null and slot = last_slot), false)
            or arg_max(good_later, slot) >= max(health)
            then arg_max(
                case when last_good_at > last_bad_at then last_good_at else next_good_at end,
                slot
            )
    end as restored_at,
    arg_min(usual_share, slot) as usual_share,
    min(days) as days,
    count(*) as slots,
    sum(bad)::bigint as bad,
    sum(failing_messages)::bigint as failing_messages,
    sum(answered)::bigint as answered,
    max(run_bad) / sum(counted)::double as blocked_share,
    arg_min(run_began_at, (-run_bad, slot)) as blocked_at,
    nullif(arg_min(next_success_at, (-run_bad, slot)), timestamptz '9999-01-01 00:00:00+00') as unblocked_at,
    coalesce(sum(case when slot <> first_slot and slot <> last_slot then good end), 0)::bigint
    + coalesce(sum(case when slot <> first_slot then good_between end), 0)::bigint as successes
from run_of_failures
group by
    source,
    channel,
    destination,
    measure,
    part,
    climb
having bool_or(is_known)
