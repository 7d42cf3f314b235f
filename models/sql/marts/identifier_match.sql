-- Grain: one row per source of messages, kind of identifier, and whether and why not it joins the source's messages.
-- identifier: visit, placer, filler and accession join a message to a case; control_id (MSH-10 under its sender) and trace (a correlation
-- id) join it to the logs of other engines.
-- reason: null where it joins. not_carried (the message has none, or the log does not keep it, or of a control id nobody says who sent
-- it); unknown (no export has a number like it: a number of an authority that is not set up joins nothing); only_here (no other
-- engine's log has that id); not_the_same (one has, of another day or date of sending, or more than one message has it).
-- share: of the source's messages, 0 to 1.
with placer as (
    select distinct placer_key
    from staging.order_identifier
), visit as (
    select distinct visit_key
    from staging.encounter_identifier
), shared as (
    select
        id,
        min(source) <> max(source) as is_shared
    from (
        select
            control_key as id,
            source
        from staging.message
        union all
        select
            trace_key as id,
            source
        from staging.message
    ) as named
    where id is not null
    group by id
    having min(source) <> max(source)
), joined as (
    select
        message_key,
        basis
    from marts.message_passage
    where basis is not null
    union
    select
        from_message_key as message_key,
        basis
    from marts.message_passage
    where basis is not null
), judged as (
    select
        message.source,
        'visit' as identifier,
        message.visit_key is not null as is_carried,
        visit.visit_key is not null as is_joined,
        false as is_shared
    from staging.message as message
    left join visit
        on visit.visit_key = message.visit_key
    union all
    select
        message.source,
        'placer' as identifier,
        message.placer_key is not null and message.placer_key is distinct from message.filler_key as is_carried,
        placer.placer_key is not null as is_joined,
        false as is_shared
    from staging.message as message
    left join placer
        on placer.placer_key = message.placer_key
    union all
    select
        message.source,
        'filler' as identifier,
        message.filler_key is not null as is_carried,
        placer.placer_key is not null as is_joined,
        false as is_shared
    from staging.message as message
    left join placer
        on placer.placer_key = message.filler_key
    union all
    select
        message.source,
        'accession' as identifier,
        message.accession_key is not null as is_carried,
        placer.placer_key is not null as is_joined,
        false as is_shared
    from staging.message as message
    left join placer
        on placer.placer_key = message.accession_key
    union all
    select
        message.source,
        'control_id' as identifier,
        message.control_key is not null as is_carried,
        joined.message_key is not null as is_joined,
        shared.id is not null as is_shared
    from staging.message as message
    left join shared
        on shared.id = message.control_key
    left join joined
        on joined.message_key = message.message_key
        and joined.basis = 'control_id'
    union all
    select
        message.source,
        'trace' as identifier,
        message.trace_key is not null as is_carried,
        joined.message_key is not null as is_joined,
        shared.id is not null as is_shared
    from staging.message as message
    left join shared
        on shared.id = message.trace_key
    left join joined
        on joined.message_key = message.message_key
        and joined.basis = 'trace'
)
select
    source,
    identifier,
    case
        when not is_carried then 'not_carried'
        when is_joined then null
        when identifier not in ('control_id', 'trace') then 'unknown'
        when is_shared then 'not_the_same'
        else 'only_here'
    end as reason,
    count(*) as messages,
    count(*) / sum(count(*)) over (partition by source, identifier) as share
from judged
group by
    source,
    identifier,
    reason
