-- Grain: one row per source of messages, kind of identifier, and whether and why not it joins the source's messages.
-- identifier: visit, placer, filler and accession join a message to a case; control_id (MSH-10 under its sender) and trace (a correlation
-- id) join it to the logs of other engines.
-- reason: null where it joins. not_carried (the message has none, or the log does not keep it, or of a control id nobody says who sent
-- it); unknown (no export has a number like it: a number of an authority that is not set up joins nothing); only_here (no other
-- engine's log has that id); not_the_same (one has, of another day or date of sending, or more than one message has it).
-- share: of the source's messages, 0 to 1.
with held as (
    select
        message_key,
        source,
        unnest(['visit', 'placer', 'filler', 'accession', 'control_id', 'trace']) as identifier,
        unnest([
            visit_key,
            case when placer_key is distinct from filler_key then placer_key end,
            filler_key,
            accession_key,
            control_key,
            trace_key
        ]) as id
    from staging.message
), of_case as (
    select
        'visit' as identifier,
        visit_key as id
    from staging.encounter_identifier
    union
    select
        unnest(['placer', 'filler', 'accession']) as identifier,
        placer_key as id
    from staging.order_identifier
), of_logs as (
    select
        identifier,
        id
    from held
    where identifier in ('control_id', 'trace')
        and id is not null
    group by
        identifier,
        id
    having min(source) <> max(source)
), passed as (
    select
        message_key,
        basis as identifier
    from marts.message_passage
    where basis is not null
    union
    select
        from_message_key as message_key,
        basis as identifier
    from marts.message_passage
    where basis is not null
), judged as (
    select
        held.source,
        held.identifier,
        case
            when held.id is null then 'not_carried'
            when of_case.id is not null or passed.message_key is not null then null
            when held.identifier not in ('control_id', 'trace') then 'unknown'
            when of_logs.id is not null then 'not_the_same'
            else 'only_here'
        end as reason
    from held
    left join of_case
        on of_case.identifier = held.identifier
        and of_case.id = held.id
    left join of_logs
        on of_logs.identifier = held.identifier
        and of_logs.id = held.id
    left join passed
        on passed.identifier = held.identifier
        and passed.message_key = held.message_key
)
select
    source,
    identifier,
    reason,
    count(*) as messages,
    count(*) / sum(count(*)) over (partition by source, identifier) as share
from judged
group by
    source,
    identifier,
    reason
