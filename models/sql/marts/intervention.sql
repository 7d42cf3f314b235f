-- Grain: one row per thing that a person did by hand to a message or a channel.
-- Messages are sent again, thrown away, released, edited, removed, put in; channels are stopped and started.
-- unit: the channel.
-- kind: replayed, discarded, released, edited, deleted, manual_override, replay_requested, flow_stopped, flow_started.
-- A message that was asked to be sent again and then was is one intervention: the one that it was sent again. So is each message
-- that was sent again on a channel within five minutes of somebody asking for some, without saying which.
-- is_confirmed: the log shows that it was done. An engine's own event log says only that it was allowed: a channel counts as
-- stopped where messages came in the five minutes before and none in the five after, as started where none came before and some after;
-- of a removal, an import and a message put in by hand no log shows the effect.
-- is_of_message: done to messages, not to a channel.
-- is_replay_settled: sent again, and every delivery of it has ended. is_recovered: they were all delivered.
-- minutes_to_recover: the first failure of the original at those destinations to that delivery, only when one clock stamped both.
-- role: of who did it, Unknown where the log does not tell; never a name.
with replay as (
    select
        event_uid,
        source,
        flow_id,
        original_uid,
        message_uid,
        coalesce(incarnation, '') as incarnation,
        case when node_role = 'destination' then node_id end as node_id,
        occurred_at,
        lead(occurred_at) over (
            partition by
                source,
                message_uid,
                coalesce(incarnation, ''),
                case when node_role = 'destination' then node_id end
            order by occurred_at, event_uid
        ) as next_at
    from staging.interface_event
    where event_type = 'replayed'
), course as (
    select
        replay.event_uid,
        event.node_id,
        arg_max(event.event_type, event.event_order) as last_event,
        max(event.occurred_at) filter (where event.event_type = 'delivered') as delivered_at,
        arg_max(event.clock_id, event.event_order) filter (where event.event_type = 'delivered') as clock_id
    from replay
    inner join staging.interface_event as event
        on event.source = replay.source
        and event.message_uid = replay.message_uid
        and coalesce(event.incarnation, '') = replay.incarnation
        and event.occurred_at >= replay.occurred_at
        and (replay.next_at is null or event.occurred_at < replay.next_at)
        and (replay.node_id is null or event.node_id = replay.node_id)
    where event.node_role = 'destination'
        and event.event_type in (
            'routed',
            'queued',
            'held',
            'attempt_started',
            'attempt_failed',
            'response_received',
            'nack_received',
            'delivered',
            'failed',
            'dead_lettered',
            'discarded',
            'expired'
        )
    group by
        replay.event_uid,
        event.node_id
), failure as (
    select
        replay.event_uid,
        event.node_id,
        min(event.occurred_at) as failed_at,
        arg_min(event.clock_id, event.event_order) as clock_id
    from replay
    inner join staging.interface_event as event
        on event.source = replay.source
        and event.original_uid = replay.original_uid
        and event.occurred_at < replay.occurred_at
    where event.node_role = 'destination'
        and event.event_type in ('failed', 'dead_lettered', 'expired')
    group by
        replay.event_uid,
        event.node_id
), outcome as (
    select
        course.event_uid,
        bool_and(course.last_event in ('delivered', 'failed', 'dead_lettered', 'discarded', 'expired')) as is_settled,
        bool_and(course.last_event = 'delivered') as is_recovered,
        max(course.delivered_at) as delivered_at,
        min(failure.failed_at) as failed_at,
        bool_and(coalesce(course.clock_id = failure.clock_id, false)) as is_one_clock
    from course
    left join failure
        on failure.event_uid = course.event_uid
        and failure.node_id = course.node_id
    group by course.event_uid
), resent as (
    select
        source,
        original_uid,
        max(occurred_at) as last_replayed_at
    from replay
    group by
        source,
        original_uid
), asked as (
    select
        event_uid,
        source,
        flow_id,
        event_type,
        message_uid,
        original_uid,
        occurred_at,
        floor(date_diff('second', timestamptz '1970-01-01 00:00:00+00', occurred_at) / 300)::bigint as slot
    from staging.interface_event
    where event_type = 'replay_requested'
        or (
            node_role = 'system'
            and event_type in ('deleted', 'manual_override', 'flow_stopped', 'flow_started')
            and coalesce(actor_role, '') <> 'system'
        )
), looked_at as (
    select
        event_uid,
        source,
        flow_id,
        event_type,
        occurred_at,
        unnest([slot - 1, slot, slot + 1]) as slot
    from asked
    where message_uid is null
        and flow_id <> ''
        and event_type in ('replay_requested', 'flow_stopped', 'flow_started')
), sign as (
    select
        source,
        flow_id,
        event_type,
        occurred_at,
        floor(date_diff('second', timestamptz '1970-01-01 00:00:00+00', occurred_at) / 300)::bigint as slot
    from staging.interface_event
    where event_type = 'replayed'
        or (event_type = 'received' and node_role = 'source')
), seen as (
    select
        looked_at.event_uid,
        count(*) filter (where sign.event_type = 'replayed' and sign.occurred_at >= looked_at.occurred_at) as replays,
        count(*) filter (where sign.event_type = 'received' and sign.occurred_at < looked_at.occurred_at) as before,
        count(*) filter (where sign.event_type = 'received' and sign.occurred_at > looked_at.occurred_at) as after
    from looked_at
    inner join sign
        on sign.source = looked_at.source
        and sign.flow_id = looked_at.flow_id
        and sign.slot = looked_at.slot
    where sign.occurred_at between looked_at.occurred_at - interval 5 minute and looked_at.occurred_at + interval 5 minute
    group by looked_at.event_uid
), log as (
    select
        source,
        max(occurred_at) as last_event_at
    from staging.interface_event
    where node_role <> 'system'
    group by source
), effect as (
    select
        asked.event_uid,
        case
            when asked.event_type = 'replay_requested' and asked.message_uid is not null
                then coalesce(resent.last_replayed_at >= asked.occurred_at, false)
            when asked.event_type = 'replay_requested' then coalesce(seen.replays > 0, false)
            when asked.event_type = 'flow_stopped'
                then coalesce(seen.before > 0 and seen.after = 0 and log.last_event_at >= asked.occurred_at + interval 5 minute, false)
            when asked.event_type = 'flow_started' then coalesce(seen.before = 0 and seen.after > 0, false)
            else false
        end as is_confirmed
    from asked
    left join resent
        on resent.source = asked.source
        and resent.original_uid = asked.original_uid
    left join seen
        on seen.event_uid = asked.event_uid
    left join log
        on log.source = asked.source
), named as (
    select
        source,
        flow_id,
        arg_max(channel, event_order) as channel
    from staging.interface_event
    where node_role <> 'system'
    group by
        source,
        flow_id
), done as (
    select
        event.*,
        case
            when event.channel <> event.flow_id then event.channel
            else coalesce(named.channel, nullif(event.channel, ''), 'Unknown')
        end as channel_name,
        coalesce(effect.is_confirmed, true) as is_confirmed
    from staging.interface_event as event
    left join effect
        on effect.event_uid = event.event_uid
    left join named
        on named.source = event.source
        and named.flow_id = event.flow_id
    where event.event_type in ('replayed', 'discarded', 'released', 'edited', 'deleted', 'manual_override')
        or (event.event_type = 'replay_requested' and not effect.is_confirmed)
        or (event.event_type in ('flow_stopped', 'flow_started') and effect.event_uid is not null)
)
select
    done.event_uid as intervention_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    done.channel_name as unit,
    done.channel_name as channel,
    done.source,
    case when done.node_role = 'destination' then done.node else 'Unknown' end as destination,
    done.event_type as kind,
    coalesce(done.actor_role, 'Unknown') as role,
    done.root_message_uid as message_key,
    done.occurred_at,
    done.is_confirmed,
    done.event_type not in ('flow_stopped', 'flow_started') as is_of_message,
    done.event_type = 'replayed' as is_replay,
    done.event_type = 'replayed' and coalesce(outcome.is_settled, false) as is_replay_settled,
    done.event_type = 'replayed' and not coalesce(outcome.is_settled, false) as is_replay_open,
    coalesce(outcome.is_recovered, false) as is_recovered,
    case when outcome.is_recovered then outcome.delivered_at end as recovered_at,
    coalesce(outcome.is_recovered and outcome.is_one_clock and outcome.failed_at <= outcome.delivered_at, false) as is_recovery_known,
    case
        when outcome.is_recovered and outcome.is_one_clock and outcome.failed_at <= outcome.delivered_at
            then date_diff('microsecond', outcome.failed_at, outcome.delivered_at) / 6e7
    end as minutes_to_recover,
    date_trunc('hour', done.occurred_at::timestamp) as occurred_hour,
    done.occurred_at::date as occurred_date,
    date_trunc('week', done.occurred_at::date)::date as occurred_week,
    date_trunc('month', done.occurred_at::date)::date as occurred_month,
    done.file_id,
    done.line
from done
left join outcome
    on outcome.event_uid = done.event_uid
left join staging.registry_interface as interface
    on interface.source = done.source
    and interface.channel = done.channel_name
