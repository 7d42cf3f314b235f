-- Grain: one row per thing that a person did to a message by hand: sent it again, threw it away, released, edited it.
-- unit: the channel.
-- kind: replayed, discarded, released, edited, deleted, manual_override, replay_requested.
-- A message that was asked to be sent again and then was is one intervention: the one that it was sent again.
-- role: of who did it, Unknown where the log does not tell; never a name.
with replay as (
    select
        source,
        original_uid,
        max(occurred_at) as last_replayed_at
    from staging.interface_event
    where event_type = 'replayed'
    group by
        source,
        original_uid
)
select
    event.event_uid as intervention_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    event.channel as unit,
    event.channel,
    event.source,
    case when event.node_role = 'destination' then event.node else 'Unknown' end as destination,
    event.event_type as kind,
    coalesce(event.actor_role, 'Unknown') as role,
    event.root_message_uid as message_key,
    event.occurred_at,
    date_trunc('hour', event.occurred_at::timestamp) as occurred_hour,
    event.occurred_at::date as occurred_date,
    date_trunc('week', event.occurred_at::date)::date as occurred_week,
    date_trunc('month', event.occurred_at::date)::date as occurred_month,
    event.file_id,
    event.line
from staging.interface_event as event
left join staging.registry_interface as interface
    on interface.source = event.source
    and interface.channel = event.channel
left join replay
    on replay.source = event.source
    and replay.original_uid = event.original_uid
    and event.event_type = 'replay_requested'
    and replay.last_replayed_at >= event.occurred_at
where replay.original_uid is null
    and event.event_type in (
    'replayed',
    'discarded',
    'released',
    'edited',
    'deleted',
    'manual_override',
    'replay_requested'
)
