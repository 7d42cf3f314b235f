-- Grain: one row per laboratory result that an audit trail shows somebody opened.
-- Not published: who touched what stays in the warehouse; only hours summed over enough people leave it (docs/privacy.md).
-- available_at: when it was verified and, where a message brought it, delivered: not to another engine, but by the last one on its way.
-- opened_at: when somebody first read the result, or the record of its order, after it was verified.
-- opener: a hash that says nothing but that it was the same person.
-- late_from_at: available, and the hospital's result_open_minutes more. minutes_late: from then until it was opened, zero in time.
-- minutes_lost: of those the ones in which the patient lost nothing else (lost_time), each shared between the results that waited then.
with report as (
    select
        report_key,
        unnest(order_keys) as order_key
    from staging.diagnostic_report
    where is_final
), access as (
    select
        order_keys,
        report_keys,
        occurred_at,
        user_hashes
    from staging.human_touch
    where kind = 'access'
        and is_done
), touch as (
    select
        unnest(order_keys) as order_key,
        occurred_at,
        user_hashes
    from access
    union all
    select
        report.order_key,
        read.occurred_at,
        read.user_hashes
    from (
        select
            unnest(report_keys) as report_key,
            occurred_at,
            user_hashes
        from access
    ) as read
    inner join report
        on report.report_key = read.report_key
), passed as (
    select from_delivery_key as delivery_key
    from marts.message_passage
    where from_delivery_key is not null
    union
    select delivery_key
    from marts.handover
    where next_source <> source
), delivered as (
    select
        message.order_key,
        min(delivery.delivered_at) as delivered_at
    from marts.message_delivery as delivery
    inner join marts.message as message
        on message.message_key = delivery.message_key
    where message.msg_type = 'ORU'
        and delivery.delivery_key not in (select delivery_key from passed)
    group by message.order_key
), opened as (
    select
        lab.order_key,
        lab.encounter_key,
        lab.patient_key,
        coalesce(lab.patient_key, lab.encounter_key, lab.order_key) as person,
        lab.facility,
        lab.unit,
        greatest(lab.verified_at, delivered.delivered_at) as available_at,
        min(touch.occurred_at) as opened_at,
        arg_min(touch.user_hashes[1], touch.occurred_at) as opener,
        lab.file_id,
        lab.line
    from marts.lab_order as lab
    inner join touch
        on touch.order_key = lab.order_key
        and touch.occurred_at >= lab.verified_at
    left join delivered
        on delivered.order_key = lab.order_key
    group by
        lab.order_key,
        lab.encounter_key,
        lab.patient_key,
        lab.facility,
        lab.unit,
        lab.verified_at,
        delivered.delivered_at,
        lab.file_id,
        lab.line
), timed as (
    select
        *,
        available_at + $result_open_minutes * interval '1 minute' as late_from_at
    from opened
), late as (
    select *
    from timed
    where opened_at > late_from_at
), taken as (
    select
        coalesce(patient_key, encounter_key, lost_key) as person,
        from_at,
        until_at
    from marts.lost_time
    where cause <> 'unknown'
), change as (
    select
        person,
        changed_at,
        sum(taken) as taken,
        sum(late) as late
    from (
        select person, from_at as changed_at, 1 as taken, 0 as late from taken
        union all
        select person, until_at as changed_at, -1 as taken, 0 as late from taken
        union all
        select person, late_from_at as changed_at, 0 as taken, 1 as late from late
        union all
        select person, opened_at as changed_at, 0 as taken, -1 as late from late
    )
    where person in (select person from late)
    group by
        person,
        changed_at
), course as (
    select
        person,
        changed_at,
        date_diff('microsecond', changed_at, lead(changed_at) over timeline) as lasts_us,
        sum(taken) over (timeline rows between unbounded preceding and current row) as taken,
        sum(late) over (timeline rows between unbounded preceding and current row) as late
    from change
    window timeline as (partition by person order by changed_at)
), lost as (
    select
        late.order_key,
        sum(course.lasts_us // course.late) / 6e7 as minutes_lost
    from late
    inner join course
        on course.person = late.person
        and course.changed_at >= late.late_from_at
        and course.changed_at < late.opened_at
    where course.taken = 0
        and course.late > 0
    group by late.order_key
)
select
    timed.order_key,
    timed.encounter_key,
    timed.patient_key,
    timed.facility,
    timed.unit,
    timed.available_at,
    timed.opened_at,
    timed.opener,
    timed.late_from_at,
    greatest(date_diff('microsecond', timed.late_from_at, timed.opened_at) / 6e7, 0) as minutes_late,
    coalesce(lost.minutes_lost, 0) as minutes_lost,
    timed.late_from_at::date as lost_date,
    timed.file_id,
    timed.line
from timed
left join lost
    on lost.order_key = timed.order_key
