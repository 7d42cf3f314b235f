-- Grain: one row per channel seen in a log or named in the registry.
-- A channel that is seen but not registered has facility Unregistered; one registered but never seen has no messages.
-- What somebody asked an engine to do is no sign of a channel: some engines log it without one, or by its id.
-- messages: messages received by this channel, hops from another channel included; one sent again counts once.
-- last_message_at: when the channel last received a message; last_seen_at is any sign of it in the log.
-- silence_limit_minutes: how long it may be without a message: as registered, else as learned of the hours in which its last
-- one came (channel_rhythm); null where nobody knows.
-- silence_basis: registered, learned or unknown.
with seen as (
    select
        source,
        channel,
        count(distinct original_uid) filter (where event_type = 'received' and node_role = 'source') as messages,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        max(occurred_at) filter (where event_type = 'received' and node_role = 'source') as last_message_at
    from staging.interface_event
    where event_type <> 'replay_requested'
        and not (
            node_role = 'system'
            and event_type in (
                'deleted',
                'manual_override',
                'flow_started',
                'flow_stopped',
                'flow_changed',
                'accessed',
                'purged',
                'content_pruned',
                'unknown'
            )
        )
        and channel <> ''
    group by
        source,
        channel
), outcome as (
    select
        source,
        channel,
        count(*) filter (where is_failed) as failed,
        count(*) filter (where state = 'dead_lettered') as dead_lettered,
        count(*) filter (where attempts > 1) as retried,
        count(*) filter (where is_open) as queue_depth,
        min(received_at) filter (where is_open) as oldest_queued_at
    from marts.message_delivery
    group by
        source,
        channel
)
select
    coalesce(seen.source, interface.source) as source,
    coalesce(seen.channel, interface.channel) as channel,
    coalesce(interface.facility, 'Unregistered') as facility,
    interface.owner,
    interface.protocol,
    interface.data_domain,
    interface.criticality,
    interface.max_silence_minutes,
    coalesce(interface.max_silence_minutes, rhythm.learned_gap_minutes, whole.learned_gap_minutes) as silence_limit_minutes,
    case
        when interface.max_silence_minutes is not null then 'registered'
        when coalesce(rhythm.learned_gap_minutes, whole.learned_gap_minutes) is not null then 'learned'
        else 'unknown'
    end as silence_basis,
    coalesce(interface.kind, 'channel') as kind,
    interface.channel is not null as is_registered,
    seen.channel is not null as is_seen,
    coalesce(seen.messages, 0) as messages,
    coalesce(outcome.failed, 0) as failed,
    coalesce(outcome.dead_lettered, 0) as dead_lettered,
    coalesce(outcome.retried, 0) as retried,
    coalesce(outcome.queue_depth, 0) as queue_depth,
    outcome.oldest_queued_at,
    seen.first_seen_at,
    seen.last_seen_at,
    seen.last_message_at
from seen
full outer join staging.registry_interface as interface
    on interface.source = seen.source
    and interface.channel = seen.channel
left join outcome
    on outcome.source = seen.source
    and outcome.channel = seen.channel
left join marts.channel_rhythm as rhythm
    on rhythm.source = seen.source
    and rhythm.channel = seen.channel
    and rhythm.hour_class = case
        when extract(isodow from seen.last_message_at::timestamp) < 5 then strftime(seen.last_message_at::timestamp, 'Mon-Thu %H')
        else strftime(seen.last_message_at::timestamp, '%a %H')
    end
left join marts.channel_rhythm as whole
    on whole.source = seen.source
    and whole.channel = seen.channel
    and whole.hour_class = 'any'
