-- Grain: one row per connector of the channel whose tables carry the number 12 (see d_channels), and one for the whole channel
-- (metadata_id is null), of each server. For PostgreSQL, read-only. The table has no time: when it is read is part of the row.
select
    channel.channel_id,
    named.name as channel_name,
    ms.metadata_id,
    ms.server_id,
    ms.received,
    ms.filtered,
    ms.sent,
    ms.error,
    ms.received_lifetime,
    ms.filtered_lifetime,
    ms.sent_lifetime,
    ms.error_lifetime,
    now() as sampled_at
from d_ms12 as ms
join d_channels as channel
    on channel.local_channel_id = 12
left join channel as named
    on named.id = channel.channel_id
order by ms.server_id, ms.metadata_id
