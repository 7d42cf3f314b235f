-- Grain: one row per wait: when who has to act heard of the news, as far as the logs and what people did say it.
-- Not published: wait_part has what it means for the wait.
-- known_at: the delivery to the system of record, or, where people acted before that or without it, an estimate: they needed as long as
-- it needs as a rule (the median of the facility's waits of the kind that began on that day, the day before or the day after; of all
-- of them where fewer than five can tell), and had learnt of it another way before that.
-- Whoever was told another way may have been busy after it. How long it takes until somebody is told another way is the median of such
-- waits: of the facility's where it has five, else of all facilities' where there are three; fewer say nothing.
-- - Who acted much later than that plus what it needs as a rule was told at some moment between the two: half-way is taken.
-- - Who acted after a message that came later than that may have been told before it. As many of them are taken to have been as of all
-- waits of the facility and kind in those days whose message came as late acted visibly before it: the moment is moved by that share.
-- is_seen: a log has a message about it. is_estimated: known_at is such an estimate.
-- spread_us: how far apart the moments are between which it may well have been; 0 where it is not estimated. Of what people need: from what
-- one in ten needed less than to what one in ten needed more than, no longer than the wait; and how far it was moved.
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
        unnest([began_at::date - 1, began_at::date, began_at::date + 1]) as near_date,
        date_diff('microsecond', told_at, acted_at) as act_us
    from timed
    where told_at is not null
        and acted_at is not null
), usual as (
    select
        wait_kind,
        facility,
        near_date,
        count(*) as waits,
        median(act_us)::bigint as act_us,
        quantile_cont(act_us, 0.1)::bigint as quick_us,
        quantile_cont(act_us, 0.9)::bigint as slow_us
    from answered
    group by grouping sets (
        (wait_kind, facility, near_date),
        (wait_kind, facility)
    )
), bounded as (
    select
        timed.*,
        timed.is_carried and timed.is_seen and timed.told_at is null and timed.acted_at is not null as is_told_otherwise,
        date_diff('microsecond', timed.began_at, timed.message_at) as message_us,
        greatest(date_diff('microsecond', timed.began_at, timed.acted_at) - coalesce(near.act_us, whole.act_us, 0), 0) as otherwise_us,
        least(coalesce(near.slow_us, whole.slow_us, 0), date_diff('microsecond', timed.began_at, timed.acted_at))
        - least(coalesce(near.quick_us, whole.quick_us, 0), date_diff('microsecond', timed.began_at, timed.acted_at)) as needed_us
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
), patience as (
    select
        wait_kind,
        facility,
        count(*) as waits,
        median(otherwise_us)::bigint as patience_us
    from bounded
    where is_told_otherwise
    group by grouping sets (
        (wait_kind, facility),
        (wait_kind)
    )
), late as (
    select
        bounded.*,
        coalesce(here.patience_us, everywhere.patience_us) as patience_us
    from bounded
    left join patience as here
        on here.wait_kind = bounded.wait_kind
        and here.facility = bounded.facility
        and here.waits >= 5
    left join patience as everywhere
        on everywhere.wait_kind = bounded.wait_kind
        and everywhere.facility is null
        and everywhere.waits >= 3
), outlasted as (
    select
        wait_kind,
        facility,
        near_date,
        avg(is_told_otherwise::integer) as told_share
    from (
        select
            wait_kind,
            facility,
            unnest([began_at::date - 1, began_at::date, began_at::date + 1]) as near_date,
            is_told_otherwise
        from late
        where acted_at is not null
            and is_seen
            and (message_us is null or message_us > patience_us)
    )
    group by
        wait_kind,
        facility,
        near_date
), placed as (
    select
        late.*,
        case
            when late.is_told_otherwise then greatest(late.otherwise_us - late.patience_us, 0) / 2
            when late.acted_at is not null then greatest(late.message_us - late.patience_us, 0) * outlasted.told_share
        end as moved_us,
        case
            when late.is_told_otherwise then greatest(late.otherwise_us - late.patience_us, 0)
            when late.acted_at is not null
                then 2 * greatest(late.message_us - late.patience_us, 0) * sqrt(outlasted.told_share * (1 - outlasted.told_share))
        end as unsure_us
    from late
    left join outlasted
        on outlasted.wait_kind = late.wait_kind
        and outlasted.facility = late.facility
        and outlasted.near_date = late.began_at::date
)
select
    wait_key,
    began_at,
    until_at,
    is_carried,
    is_seen,
    case
        when not is_carried then began_at
        when told_at is not null then told_at - to_microseconds(coalesce(moved_us, 0)::bigint)
        when acted_at is null then until_at
        when is_seen then began_at + to_microseconds((otherwise_us - coalesce(moved_us, 0))::bigint)
        else acted_at
    end as known_at,
    is_told_otherwise or coalesce(is_carried and moved_us > 0, false) as is_estimated,
    coalesce(case when is_told_otherwise then needed_us end, 0) + coalesce(case when is_carried then unsure_us end, 0)::bigint as spread_us
from placed
