-- Grain: one row per wait: when who has to act heard of the news, as far as the logs and what people did say it.
-- Not published: wait_part has what it means for the wait.
-- known_at: the delivery to the system of record; where that says little, an estimate (decision 63):
-- - Who acted before the message came or without it was told another way, and needed what others need who needed no longer than this wait
-- was: the mean of what is left. Others are the facility's waits of the kind that were told by message, of that day, the day before and the day
-- after, of all days where those are fewer than five; each twentieth of them stands by its mean.
-- - How long it takes until somebody is told another way is the median of such waits, and how much that differs their standard deviation:
-- of the facility's where it has five, else of all facilities'. Who acted later than that by more than it differs may have been busy
-- meanwhile: half of what is beyond is taken off.
-- - Who acted after a message that took longer than 5 minutes may have been told before it. As many are taken to have been as of the waits
-- of facility and kind in those days whose message took as long acted visibly before it, out of as many as could have: who needs too long
-- to act before it is not seen. A few say little: half a wait is added to those that did, and one to those that could. They heard when
-- others did, or, as if of one wait more, at any moment before the message. The moment moves from the message by that share, and where
-- nobody was seen to be told another way it does not move.
-- is_seen: a log has a message about it. is_estimated: known_at is such an estimate.
-- spread_us: how far apart the moments are between which it was in 95 of 100; 0 where a message within 5 minutes says it. Of who was told another way, from
-- where who needed longest would have heard to where who needed least would have; of who may have been told before the message, 1.96 standard
-- deviations to either side.
with told as (
    select
        wait_key,
        min(occurred_at) filter (where is_told) as told_at
    from marts.wait_step
    group by wait_key
), timed as (
    select
        wait.wait_key,
        wait.wait_kind,
        wait.facility,
        wait.began_at,
        wait.acted_at,
        wait.until_at,
        wait.msg_type is not null as is_carried,
        told.wait_key is not null as is_seen,
        told.told_at as message_at,
        case when told.told_at <= coalesce(wait.acted_at, wait.until_at) then greatest(told.told_at, wait.began_at) end as told_at
    from marts.wait as wait
    left join told
        on told.wait_key = wait.wait_key
), answered as (
    select
        wait_kind,
        facility,
        unnest([began_at::date - 1, began_at::date, began_at::date + 1, null]) as near_date,
        date_diff('microsecond', told_at, acted_at) as need_us
    from timed
    where told_at is not null
        and acted_at is not null
), ranked as (
    select
        wait_kind,
        facility,
        near_date,
        need_us,
        ntile(20) over (partition by wait_kind, facility, near_date order by need_us) as twentieth
    from answered
), typical as (
    select
        wait_kind,
        facility,
        near_date,
        count(*) as waits,
        avg(need_us)::bigint as need_us
    from ranked
    group by
        wait_kind,
        facility,
        near_date,
        twentieth
), usual as (
    select
        wait_kind,
        facility,
        near_date,
        sum(waits) as waits,
        list(need_us) as needs_us
    from typical
    group by
        wait_kind,
        facility,
        near_date
), bounded as (
    select
        timed.*,
        timed.is_carried and timed.is_seen and timed.told_at is null and timed.acted_at is not null as is_told_otherwise,
        date_diff('microsecond', timed.began_at, timed.message_at) as message_us,
        date_diff('microsecond', timed.began_at, timed.acted_at) as acted_us,
        coalesce(near.needs_us, whole.needs_us, [0]) as needs_us
    from timed
    left join usual as near
        on near.wait_kind = timed.wait_kind
        and near.facility = timed.facility
        and near.near_date = timed.began_at::date
        and near.waits >= 5
    left join usual as whole
        on whole.wait_kind = timed.wait_kind
        and whole.facility = timed.facility
        and whole.near_date is null
), guess as (
    select
        wait_key,
        wait_kind,
        facility,
        acted_us - unnest(needs_us) as heard_us
    from bounded
    where is_told_otherwise
), otherwise as (
    select
        wait_key,
        wait_kind,
        facility,
        avg(heard_us) as heard_us,
        var_pop(heard_us) as heard_variance,
        min(heard_us) as first_us,
        max(heard_us) as last_us
    from guess
    where heard_us >= 0
    group by
        wait_key,
        wait_kind,
        facility
), patience as (
    select
        wait_kind,
        facility,
        count(*) as waits,
        median(heard_us) as patience_us,
        var_pop(heard_us) + avg(heard_variance) as patience_variance
    from otherwise
    group by grouping sets (
        (wait_kind, facility),
        (wait_kind)
    )
), late as (
    select
        bounded.*,
        coalesce(otherwise.heard_us, 0) as heard_us,
        coalesce(otherwise.first_us, 0) as first_us,
        coalesce(otherwise.last_us, 0) as last_us,
        coalesce(here.patience_us, everywhere.patience_us) as patience_us,
        coalesce(here.patience_variance, everywhere.patience_variance) as patience_variance,
        coalesce(here.waits, everywhere.waits, 0) as others
    from bounded
    left join otherwise
        on otherwise.wait_key = bounded.wait_key
    left join patience as here
        on here.wait_kind = bounded.wait_kind
        and here.facility = bounded.facility
        and here.waits >= 5
    left join patience as everywhere
        on everywhere.wait_kind = bounded.wait_kind
        and everywhere.facility is null
), outlasted as (
    select
        wait_kind,
        facility,
        near_date,
        least((count_if(is_told_otherwise) + 0.5) / (sum(could_act_before) + 1), 1)::double as told_share
    from (
        select
            wait_kind,
            facility,
            unnest([began_at::date - 1, began_at::date, began_at::date + 1]) as near_date,
            is_told_otherwise,
            case
                when message_us is null then 1
                else len(list_filter(needs_us, lambda need: need <= message_us - coalesce(patience_us, message_us / 2))) / len(needs_us)
            end::decimal(18, 6) as could_act_before
        from late
        where acted_at is not null
            and is_seen
            and coalesce(message_us > 3e8, true)
    )
    group by
        wait_kind,
        facility,
        near_date
), placed as (
    select
        late.*,
        outlasted.told_share,
        greatest(late.heard_us - late.patience_us - sqrt(late.patience_variance), 0) / 2 as busy_us,
        coalesce(greatest(late.message_us - late.patience_us, 0), 0) as outlasted_us,
        late.is_carried and late.told_at is not null and late.acted_at is not null and late.message_us > 3e8 as is_late
    from late
    left join outlasted
        on outlasted.wait_kind = late.wait_kind
        and outlasted.facility = late.facility
        and outlasted.near_date = late.began_at::date
), moved as (
    select
        *,
        case when others > 0 then told_share * (others * outlasted_us + message_us / 2) / (others + 1) else 0 end as earlier_us,
        told_share
        * (others * (power(outlasted_us, 2) + least(coalesce(patience_variance, 0), power(outlasted_us, 2))) + power(message_us, 2) / 3)
        / (others + 1) as earlier_squared
    from placed
)
select
    wait_key,
    began_at,
    until_at,
    is_carried,
    is_seen,
    case
        when not is_carried then began_at
        when is_late then told_at - to_microseconds(earlier_us::bigint)
        when told_at is not null then told_at
        when acted_at is null then until_at
        when is_seen then began_at + to_microseconds((heard_us - coalesce(busy_us, 0))::bigint)
        else acted_at
    end as known_at,
    is_told_otherwise or coalesce(is_late and others > 0, false) as is_estimated,
    coalesce(case
        when is_told_otherwise then last_us - least(first_us, patience_us)
        when is_late then 2 * 1.96 * sqrt(greatest(earlier_squared - power(earlier_us, 2), 0))
    end, 0)::bigint as spread_us
from moved
