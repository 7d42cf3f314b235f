-- Grain: one row per message that repeats another one.
-- original_uid: the first message of the chain: an engine that makes a new message of every retry names only the one before.
-- A chain that leads back to itself, or is longer than a thousand, ends where it was followed to.
with recursive repeated as (
    select
        source,
        message_uid,
        min(replay_of_uid) as replay_of_uid
    from raw.interface_event
    where replay_of_uid is not null
        and replay_of_uid <> message_uid
    group by
        source,
        message_uid
), step as (
    select
        source,
        message_uid,
        replay_of_uid as original_uid,
        1 as distance
    from repeated
    union all
    select
        step.source,
        step.message_uid,
        repeated.replay_of_uid as original_uid,
        step.distance + 1 as distance
    from step
    inner join repeated
        on repeated.source = step.source
        and repeated.message_uid = step.original_uid
    where step.distance < 1000
        and repeated.replay_of_uid <> step.message_uid
)
select
    source,
    message_uid,
    arg_max(original_uid, distance) as original_uid
from step
group by
    source,
    message_uid
