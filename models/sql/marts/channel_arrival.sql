-- Grain: one row per message that one channel received.
-- A hop from another channel is received; a message that somebody sent again is not.
-- began_at: the local hour it came in, cut from the local time and taken off the instant, so that the hour which the clock
-- repeats in autumn is two hours.
-- Not published: what it counts is in channel_hour.
with arrival as (
    select
        source,
        channel,
        original_uid,
        min(occurred_at) as received_at
    from staging.interface_event
    where event_type = 'received'
        and node_role = 'source'
        and replay_of_uid is null
        and message_uid is not null
    group by
        source,
        channel,
        original_uid
)
select
    source,
    channel,
    original_uid,
    received_at,
    to_timestamp(
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', received_at)
        - date_diff('second', date_trunc('hour', received_at::timestamp), received_at::timestamp)
    ) as began_at
from arrival
