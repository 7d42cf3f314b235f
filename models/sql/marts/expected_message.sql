-- Grain: one row per laboratory order or result that the facility's engine should carry a message of.
-- Only in the time for which the log shows that the facility's engine carries such messages. One that was not seen while numbers
-- that the engine gave are missing from its log is left out: nobody knows whether it is missing.
-- what: order or result.
-- due_at: when it was ordered or verified: the sender should send then.
-- expected_by_at: due, and the hospital's message_stuck_minutes more.
-- source, channel: where most of the facility's messages of the kind first come in; null where none has come.
-- seen_at: when the engine received the first message of this order and kind.
-- is_missing: expected by now, and none came in time.
-- is_settled: seen, or the log goes on beyond expected_by_at.
-- is_open: none was seen.
with carried as (
    select
        facility,
        case when msg_type = 'ORU' then 'result' else 'order' end as what,
        min(received_at) as first_at,
        max(received_at) as last_at
    from marts.message
    where msg_type in ('ORM', 'OML', 'ORU')
    group by
        facility,
        case when msg_type = 'ORU' then 'result' else 'order' end
), carrier as (
    select distinct
        facility,
        case when msg_type = 'ORU' then 'result' else 'order' end as what,
        source,
        channel
    from marts.message
    where msg_type in ('ORM', 'OML', 'ORU')
), gap as (
    select
        carrier.facility,
        carrier.what,
        gap.from_at,
        gap.until_at
    from marts.log_gap as gap
    inner join carrier
        on carrier.source = gap.source
        and carrier.channel = gap.channel
    where gap.from_at is not null
), seen as (
    select
        order_key,
        case when msg_type = 'ORU' then 'result' else 'order' end as what,
        min(received_at) as seen_at,
        arg_min(message_key, received_at) as message_key,
        arg_min(source, received_at) as source,
        arg_min(channel, received_at) as channel
    from marts.message
    where msg_type in ('ORM', 'OML', 'ORU')
        and order_key is not null
    group by
        order_key,
        case when msg_type = 'ORU' then 'result' else 'order' end
), due as (
    select
        'order' as what,
        'orders' as data_domain,
        lab.*,
        ordered_at as due_at
    from marts.lab_order as lab
    where not is_revoked
    union all
    select
        'result' as what,
        'results' as data_domain,
        lab.*,
        verified_at as due_at
    from marts.lab_order as lab
), registered as (
    select
        facility,
        data_domain,
        min(owner) as owner
    from staging.registry_interface
    group by
        facility,
        data_domain
), usual as (
    select
        due.facility,
        due.what,
        seen.source,
        seen.channel,
        count(*) as messages
    from due
    inner join seen
        on seen.order_key = due.order_key
        and seen.what = due.what
    group by
        due.facility,
        due.what,
        seen.source,
        seen.channel
    qualify row_number() over (partition by due.facility, due.what order by count(*) desc, seen.source, seen.channel) = 1
), expected as (
    select
        due.*,
        due.due_at + $message_stuck_minutes * interval '1 minute' as expected_by_at,
        carried.last_at,
        seen.seen_at,
        seen.message_key,
        usual.source,
        usual.channel,
        registered.owner
    from due
    inner join carried
        on carried.facility = due.facility
        and carried.what = due.what
        and due.due_at between carried.first_at and carried.last_at
    left join seen
        on seen.order_key = due.order_key
        and seen.what = due.what
    left join usual
        on usual.facility = due.facility
        and usual.what = due.what
    left join registered
        on registered.facility = due.facility
        and registered.data_domain = due.data_domain
    where seen.seen_at is not null
        or not exists (
            select 1
            from gap
            where gap.facility = due.facility
                and gap.what = due.what
                and due.due_at <= gap.until_at
                and due.due_at + $message_stuck_minutes * interval '1 minute' >= gap.from_at
        )
)
select
    md5(what || ':' || order_key) as expectation_key,
    what,
    order_key,
    encounter_key,
    message_key,
    source,
    channel,
    facility,
    unit,
    owner,
    due_at,
    expected_by_at,
    seen_at,
    (seen_at is not null or expected_by_at <= last_at) and not coalesce(seen_at <= expected_by_at, false) as is_missing,
    seen_at is not null or expected_by_at <= last_at as is_settled,
    seen_at is null as is_open,
    date_trunc('hour', due_at::timestamp) as due_hour,
    due_at::date as due_date,
    date_trunc('week', due_at::date)::date as due_week,
    date_trunc('month', due_at::date)::date as due_month,
    file_id,
    line
from expected
