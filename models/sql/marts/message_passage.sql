-- Grain: one row per message that the logs of several engines hold: each engine's own message, in the order of its way.
-- journey_message_key: the message of the first engine, which all of them have in common. place: 1 for that, then 2 and on.
-- from_message_key: the message of the engine before; null for the first. from_delivery_key: the delivery that handed it over.
-- basis: what joins it to the one before: control_id (MSH-10 under its sender, MSH-3 and MSH-4) or trace (an id that systems hand on).
-- from_source, from_channel and from_destination: the engine before, and its hop to this one; of the hops of its channel the one that is
-- called like this engine or channel, else the one whose deliveries lie nearest to what came in here (median).
-- Of two logs the one that had the message first sent it on, within a day. The time that the sender wrote into the message (MSH-7) has to
-- be the same second where both logs keep it: some engines cut it to seconds. An id that several messages of one log have within that
-- time joins nothing: a counter that began again, or an id that never changes.
with recursive named as (
    select
        message_key,
        source,
        received_at,
        date_trunc('second', sent_at) as sent_at,
        unnest([{'basis': 'control_id', 'key': control_key}, {'basis': 'trace', 'key': trace_key}], recursive := true)
    from staging.message
    where control_key is not null
        or trace_key is not null
), shared as (
    select
        basis,
        key
    from named
    where key is not null
    group by
        basis,
        key
    having min(source) <> max(source)
), candidate as (
    select
        named.*,
        count(*) over (partition by named.basis, named.key, named.source, named.sent_at) = 1 as is_only_sent,
        coalesce(named.received_at - lag(named.received_at) over repeated > interval 1 day, true)
        and coalesce(lead(named.received_at) over repeated - named.received_at > interval 1 day, true) as is_only_today
    from named
    inner join shared
        on shared.basis = named.basis
        and shared.key = named.key
    window repeated as (
        partition by named.basis, named.key, named.source
        order by named.received_at, named.message_key
    )
), dated as (
    select
        *,
        unnest([received_at::date, received_at::date + 1]) as near_date
    from candidate
    where is_only_today
), pair as (
    select
        later.message_key,
        later.received_at,
        earlier.message_key as from_message_key,
        earlier.received_at as from_received_at,
        later.basis
    from candidate as later
    inner join candidate as earlier
        on earlier.basis = later.basis
        and earlier.key = later.key
        and earlier.sent_at = later.sent_at
    where earlier.source <> later.source
        and earlier.is_only_sent
        and later.is_only_sent
        and (earlier.received_at, earlier.source) < (later.received_at, later.source)
        and later.received_at <= earlier.received_at + interval 1 day
    union all
    select
        later.message_key,
        later.received_at,
        earlier.message_key as from_message_key,
        earlier.received_at as from_received_at,
        later.basis
    from candidate as later
    inner join dated as earlier
        on earlier.basis = later.basis
        and earlier.key = later.key
        and earlier.near_date = later.received_at::date
    where earlier.source <> later.source
        and later.is_only_today
        and (earlier.sent_at is null or later.sent_at is null)
        and (earlier.received_at, earlier.source) < (later.received_at, later.source)
        and later.received_at <= earlier.received_at + interval 1 day
), link as (
    select
        pair.message_key,
        pair.from_message_key,
        pair.basis
    from pair
    qualify row_number() over (
        partition by pair.message_key
        order by pair.from_received_at desc, pair.basis, pair.from_message_key
    ) = 1
), hop as (
    select
        link.message_key,
        delivery.message_uid || ':' || delivery.node_id as delivery_key,
        delivery.source as from_source,
        delivery.channel as from_channel,
        delivery.destination as from_destination,
        message.source,
        message.channel,
        abs(date_diff(
            'microsecond',
            coalesce(delivery.last_attempt_at, delivery.delivered_at, delivery.first_event_at),
            message.received_at
        )) as gap_us
    from link
    inner join staging.message as message
        on message.message_key = link.message_key
    inner join staging.delivery as delivery
        on delivery.message_key = link.from_message_key
), lane as (
    select
        from_source,
        from_channel,
        from_destination,
        source,
        channel
    from hop
    group by
        from_source,
        from_channel,
        from_destination,
        source,
        channel
    qualify row_number() over (
        partition by from_source, from_channel, source, channel
        order by lower(from_destination) in (lower(source), lower(channel)) desc, median(gap_us), from_destination
    ) = 1
), handed as (
    select
        hop.message_key,
        hop.delivery_key,
        hop.from_source,
        hop.from_channel,
        hop.from_destination
    from hop
    inner join lane
        on lane.from_source = hop.from_source
        and lane.from_channel = hop.from_channel
        and lane.from_destination = hop.from_destination
        and lane.source = hop.source
        and lane.channel = hop.channel
    qualify row_number() over (partition by hop.message_key order by hop.gap_us, hop.delivery_key) = 1
), way as (
    select distinct
        first.from_message_key as message_key,
        first.from_message_key as journey_message_key,
        1 as place,
        cast(null as varchar) as from_message_key,
        cast(null as varchar) as basis
    from link as first
    left join link as before
        on before.message_key = first.from_message_key
    where before.message_key is null
    union all
    select
        link.message_key,
        way.journey_message_key,
        way.place + 1 as place,
        link.from_message_key,
        link.basis
    from way
    inner join link
        on link.from_message_key = way.message_key
)
select
    way.message_key,
    way.journey_message_key,
    way.place,
    way.from_message_key,
    handed.delivery_key as from_delivery_key,
    way.basis,
    message.source,
    message.channel,
    message.received_at,
    before.source as from_source,
    coalesce(handed.from_channel, before.channel) as from_channel,
    handed.from_destination,
    message.file_id,
    message.line
from way
inner join staging.message as message
    on message.message_key = way.message_key
left join staging.message as before
    on before.message_key = way.from_message_key
left join handed
    on handed.message_key = way.message_key
