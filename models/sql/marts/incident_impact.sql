-- Grain: one row per incident and kind of wait whose news the flow in trouble carries.
-- Not published: it is kept beside interface_incident, with the aggregates.
-- The waits that began during the incident, until somebody acted, against those of the same hours of the eight weeks before and after.
-- A week in which the same flow was in trouble in those hours too, or in which nobody waited, is no comparison.
-- waits, patients: that began during the incident.
-- late_minutes: what the interfaces took of them (every part but people and unknown). delayed_patients: for whom they took longer than in
-- 95 of 100 waits of the comparison.
-- minutes: what the waits took in all, to the data cut where nobody has acted yet.
-- usual_late_minutes, usual_minutes: what as many waits of the comparison took. lost_late_minutes, lost_minutes: the difference: the first is
-- what the data were late, the second how much longer people waited in all, be it for this or for something else.
-- ..._low, ..._high: 95 % prediction interval, from how the weeks of the comparison differ among themselves (Student's t); of what the
-- data were late together with how much earlier or later people may have heard (spread_us of wait_heard). Each errs by itself, so squares
-- are added. Null with fewer than three weeks.
with carried as (
    select distinct
        wait.wait_kind,
        wait.facility,
        part.source,
        part.channel,
        part.destination
    from marts.wait_part as part
    inner join marts.wait as wait
        on wait.wait_key = part.wait_key
    where part.channel is not null
        and wait.is_to_action
), trouble as (
    select distinct
        incident.incident_id,
        incident.source,
        incident.channel,
        incident.started_at,
        incident.ended_at,
        carried.wait_kind,
        carried.facility
    from marts.interface_incident as incident
    inner join carried
        on carried.source = incident.source
        and carried.channel = incident.channel
        and (incident.destination is null or carried.destination = incident.destination)
    where incident.kind <> 'schema_drift'
), shifted as (
    select
        *,
        unnest(range(-8, 9)) as week
    from trouble
), hours as (
    select
        *,
        (started_at::timestamp + week * interval 7 day)::timestamptz as from_at,
        (ended_at::timestamp + week * interval 7 day)::timestamptz as until_at
    from shifted
), troubled as (
    select distinct
        hours.incident_id,
        hours.wait_kind,
        hours.facility,
        hours.week
    from hours
    inner join marts.interface_incident as other
        on other.source = hours.source
        and other.channel = hours.channel
        and other.kind <> 'schema_drift'
        and other.started_at < hours.until_at
        and other.ended_at > hours.from_at
    where hours.week <> 0
), waited as (
    select
        hours.incident_id,
        hours.wait_kind,
        hours.facility,
        hours.week,
        wait.wait_key,
        wait.patient_key,
        wait.minutes
    from hours
    inner join marts.wait as wait
        on wait.wait_kind = hours.wait_kind
        and wait.facility = hours.facility
        and wait.began_at >= hours.from_at
        and wait.began_at < hours.until_at
    left join troubled
        on troubled.incident_id = hours.incident_id
        and troubled.wait_kind = hours.wait_kind
        and troubled.facility = hours.facility
        and troubled.week = hours.week
    where troubled.week is null
), split as (
    select
        waited.incident_id,
        waited.wait_kind,
        waited.facility,
        waited.week,
        waited.wait_key,
        any_value(waited.patient_key) as patient_key,
        any_value(waited.minutes) as minutes,
        coalesce(sum(part.minutes::decimal(18, 6)) filter (where part.part not in ('people', 'unknown')), 0) as late_minutes,
        any_value(heard.spread_us) / 2 / 6e7 as unsure_minutes
    from waited
    left join marts.wait_part as part
        on part.wait_key = waited.wait_key
    left join marts.wait_heard as heard
        on heard.wait_key = waited.wait_key
    group by
        waited.incident_id,
        waited.wait_kind,
        waited.facility,
        waited.week,
        waited.wait_key
), week_mean as (
    select
        incident_id,
        wait_kind,
        facility,
        week,
        avg(minutes::decimal(18, 6)) as mean_minutes,
        avg(late_minutes) as mean_late_minutes
    from split
    where week <> 0
    group by
        incident_id,
        wait_kind,
        facility,
        week
), comparison as (
    select
        incident_id,
        wait_kind,
        facility,
        count(*) as weeks,
        avg(mean_minutes::decimal(18, 6)) as mean_minutes,
        avg(mean_late_minutes::decimal(18, 6)) as mean_late_minutes,
        round(stddev_samp(mean_minutes), 6) * sqrt(1 + 1 / count(*)) as deviation,
        round(stddev_samp(mean_late_minutes), 6) * sqrt(1 + 1 / count(*)) as late_deviation
    from week_mean
    group by
        incident_id,
        wait_kind,
        facility
), usual as (
    select
        incident_id,
        wait_kind,
        facility,
        quantile_cont(late_minutes, 0.95) as long_minutes
    from split
    where week <> 0
    group by
        incident_id,
        wait_kind,
        facility
), hit as (
    select
        split.incident_id,
        split.wait_kind,
        split.facility,
        count(*) as waits,
        count(distinct split.patient_key) as patients,
        count(distinct split.patient_key) filter (where split.late_minutes > usual.long_minutes) as delayed_patients,
        sum(split.minutes::decimal(18, 6))::double as minutes,
        sum(split.late_minutes)::double as late_minutes,
        sum(power(split.unsure_minutes, 2)::decimal(18, 6))::double as unsure_squares
    from split
    left join usual
        on usual.incident_id = split.incident_id
        and usual.wait_kind = split.wait_kind
        and usual.facility = split.facility
    where split.week = 0
    group by
        split.incident_id,
        split.wait_kind,
        split.facility
), bounded as (
    select
        hit.*,
        coalesce(comparison.weeks, 0) as weeks,
        hit.waits * comparison.mean_minutes as usual_minutes,
        hit.waits * comparison.mean_late_minutes as usual_late_minutes,
        hit.waits * comparison.deviation * student.t as margin,
        sqrt(power(hit.waits * comparison.late_deviation * student.t, 2) + hit.unsure_squares) as late_margin
    from hit
    left join comparison
        on comparison.incident_id = hit.incident_id
        and comparison.wait_kind = hit.wait_kind
        and comparison.facility = hit.facility
    left join (
        values
        (3, 4.303), (4, 3.182), (5, 2.776), (6, 2.571), (7, 2.447), (8, 2.365), (9, 2.306),
        (10, 2.262), (11, 2.228), (12, 2.201), (13, 2.179), (14, 2.160), (15, 2.145), (16, 2.131)
    ) as student (weeks, t)
        on student.weeks = comparison.weeks
)
select
    incident_id,
    wait_kind,
    facility,
    waits,
    patients,
    coalesce(delayed_patients, 0) as delayed_patients,
    weeks,
    late_minutes,
    usual_late_minutes,
    late_minutes - usual_late_minutes as lost_late_minutes,
    late_minutes - usual_late_minutes - late_margin as lost_late_low,
    late_minutes - usual_late_minutes + late_margin as lost_late_high,
    minutes,
    usual_minutes,
    minutes - usual_minutes as lost_minutes,
    minutes - usual_minutes - margin as lost_low,
    minutes - usual_minutes + margin as lost_high
from bounded
