-- Grain: one row per ward and hour.
-- From the hour in which the ward was first exported (of exports without a time: the first stay on any ward) to the data cut,
-- five years at most; the first and the last hour are as long as they were seen.
-- Hours are the local clock's, also where it is half an hour off UTC's; both are told apart on the night that has one hour twice.
-- Patients are counted by signed events and prefix sums: one aggregation and one running sum, never a join of ranges.
-- Whoever lies on the ward or in one of its beds counts once, inpatient or not (see unit_stay); a stay without an end is still there.
-- unit_hour_key: facility, ward and the hour's number since 1970.
-- staffed_beds: Locations of physical type bd that are part of the ward; a bed that is closed for lack of staff counts too.
-- patients_at_end: patients there at the end of the hour.
-- occupied_bed_hours: the time that patients spent on the ward within the hour, in hours.
-- staffed_bed_hours: beds by the length of the hour, in hours.
-- occupancy: occupied by staffed bed hours, null for a ward without beds; above 1 when patients lie in the corridor.
-- midnight_occupied_beds: patients there at local midnight, in the row of the hour that ends then; else 0.
-- midnight_staffed_beds: beds of that moment, in the same row; else 0.
with ward as (
    select
        facility,
        unit,
        count(*) filter (where is_bed) as staffed_beds,
        greatest(
            coalesce(min(first_exported_at), (select min(began_at) from marts.unit_stay where is_inpatient), $as_of),
            $as_of - interval 5 year
        ) as first_exported_at,
        arg_min(file_id, location_id) as file_id,
        arg_min(line, location_id) as line
    from marts.location
    where is_inpatient
    group by
        facility,
        unit
), stay as (
    select
        ward.facility,
        ward.unit,
        greatest(lain.began_at, ward.first_exported_at) as began_at,
        least(coalesce(lain.ended_at, $as_of), $as_of) as ended_at
    from marts.unit_stay as lain
    inner join ward
        on ward.facility = lain.facility
        and ward.unit = lain.unit
    where lain.is_inpatient
), change as (
    select
        facility,
        unit,
        date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, began_at) as changed_us,
        1 as patients
    from stay
    where ended_at > began_at
    union all
    select
        facility,
        unit,
        date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, ended_at) as changed_us,
        -1 as patients
    from stay
    where ended_at > began_at
), hourly_change as (
    select
        facility,
        unit,
        cast(floor(changed_us / 3.6e9) as bigint) as hour_no,
        sum(patients) as patients,
        sum(patients * (changed_us - cast(floor(changed_us / 3.6e9) as bigint) * 3600000000)) / 3.6e9 as patient_hours
    from change
    group by
        facility,
        unit,
        cast(floor(changed_us / 3.6e9) as bigint)
), ward_hour as (
    select
        facility,
        unit,
        staffed_beds,
        file_id,
        line,
        date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, first_exported_at) / 3.6e9 as first_hours,
        date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, $as_of) / 3.6e9 as last_hours,
        unnest(range(
            cast(floor(date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, first_exported_at) / 3.6e9) as bigint),
            cast(ceil(date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second, $as_of) / 3.6e9) as bigint)
        )) as hour_no
    from ward
), census as (
    select
        ward_hour.facility,
        ward_hour.unit,
        ward_hour.hour_no,
        ward_hour.staffed_beds,
        ward_hour.file_id,
        ward_hour.line,
        timestamptz '1970-01-01 00:00:00+00' - date_part('timezone', $as_of) % 3600 * interval 1 second
        + ward_hour.hour_no * interval 1 hour as began_at,
        greatest(ward_hour.first_hours - ward_hour.hour_no, 0) as begins,
        least(ward_hour.last_hours - ward_hour.hour_no, 1) as ends,
        coalesce(hourly_change.patients, 0) as patients,
        coalesce(hourly_change.patient_hours, 0) as patient_hours,
        sum(coalesce(hourly_change.patients, 0)) over (
            partition by ward_hour.facility, ward_hour.unit
            order by ward_hour.hour_no
        ) as patients_at_end
    from ward_hour
    left join hourly_change
        on hourly_change.facility = ward_hour.facility
        and hourly_change.unit = ward_hour.unit
        and hourly_change.hour_no = ward_hour.hour_no
), occupation as (
    select
        *,
        cast((patients_at_end - patients) * (ends - begins) + patients * ends - patient_hours as double) as occupied_bed_hours,
        cast(staffed_beds * (ends - begins) as double) as staffed_bed_hours,
        date_part('hour', began_at::timestamp) = 23 and ends = 1 as is_before_midnight
    from census
)
select
    concat(facility, '/', unit, '/', hour_no) as unit_hour_key,
    facility,
    unit,
    began_at,
    staffed_beds,
    cast(patients_at_end as bigint) as patients_at_end,
    occupied_bed_hours,
    staffed_bed_hours,
    case when staffed_bed_hours > 0 then occupied_bed_hours / staffed_bed_hours end as occupancy,
    is_before_midnight,
    cast(case when is_before_midnight then patients_at_end else 0 end as double) as midnight_occupied_beds,
    cast(case when is_before_midnight then staffed_beds else 0 end as double) as midnight_staffed_beds,
    date_trunc('hour', began_at::timestamp) as census_hour,
    began_at::date as census_date,
    date_trunc('week', began_at::date)::date as census_week,
    date_trunc('month', began_at::date)::date as census_month,
    file_id,
    line
from occupation
