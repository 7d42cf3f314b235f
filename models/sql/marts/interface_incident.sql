-- Grain: one row per stretch of hours in which one channel had one kind of trouble, as the data show it.
-- kind: silent (beyond what is registered or usual), retry_storm (most deliveries tried over and over), schema_drift
-- (messages in an unusual format). Hours of drift up to four apart are one stretch; of the others the next hour ends it.
-- amount: silent minutes, attempts, or messages in the unusual format.
with trouble as (
    select
        source,
        channel,
        facility,
        began_at,
        'silent' as kind,
        silent_minutes as amount
    from marts.channel_hour
    where silent_minutes > 0
    union all
    select
        source,
        channel,
        facility,
        began_at,
        'retry_storm' as kind,
        attempts::double as amount
    from marts.channel_hour
    where is_storm
    union all
    select
        source,
        channel,
        facility,
        began_at,
        'schema_drift' as kind,
        drifted_messages::double as amount
    from marts.channel_hour
    where drifted_messages > 0
), neighbour as (
    select
        *,
        lag(began_at) over (partition by source, channel, kind order by began_at) as before_at
    from trouble
), numbered as (
    select
        *,
        sum(case
            when before_at is null then 1
            when began_at > before_at + case when kind = 'schema_drift' then interval 4 hour else interval 1 hour end then 1
            else 0
        end) over (partition by source, channel, kind order by began_at rows unbounded preceding) as stretch
    from neighbour
)
select
    source,
    channel,
    facility,
    kind,
    min(began_at) as started_at,
    max(began_at) + interval 1 hour as ended_at,
    min(began_at)::date as started_date,
    (max(began_at) + interval 1 hour)::date as ended_date,
    count(*) as hours,
    sum(amount) as amount
from numbered
group by
    source,
    channel,
    facility,
    kind,
    stretch
