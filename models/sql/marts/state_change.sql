-- Grain: one row per change of state of a Task, ServiceRequest, Appointment or Encounter.
-- A change that only successive versions or exports prove happened after the last sign of the old state and no later than the
-- first sign of the new one; states that came and went in between left no trace.
-- from_status: the state before; null for the first one that is known.
-- not_before: the last sign of the state before, or when the resource was created; null when nothing says.
-- not_after: the first sign of the new state.
-- happened_at: when it happened; null unless that is exact.
-- resolution_minutes: the time between not_before and not_after; 0 when exact, null when not_before is unknown.
-- basis: recorded (the resource, its history or a Provenance of the change says when), between_versions (a version's own time), between_exports (only exports).
-- is_collapsed: the states that FHIR has between the two were never seen, so that this change stands for several.
with recorded as (
    select
        encounter_key,
        status,
        started_at,
        ended_at,
        step_no,
        lag(status) over (partition by encounter_key order by step_no) as from_status,
        row_number() over (partition by encounter_key order by step_no desc) as from_last,
        file_id,
        line
    from staging.encounter_status
    where started_at is not null
        and status is not null
), closing as (
    select
        encounter.encounter_key,
        encounter.status,
        recorded.ended_at as started_at,
        recorded.status as from_status,
        encounter.file_id,
        encounter.line
    from recorded
    join staging.encounter as encounter
        on encounter.encounter_key = recorded.encounter_key
    where recorded.from_last = 1
        and recorded.ended_at is not null
        and encounter.status <> recorded.status
), history as (
    select
        encounter_key,
        from_status,
        status,
        started_at,
        file_id,
        line
    from recorded
    union all
    select
        encounter_key,
        from_status,
        status,
        started_at,
        file_id,
        line
    from closing
), told_version as (
    select
        resource_type,
        resource_key,
        version_id,
        min(recorded_at) as told_at
    from staging.provenance_target
    where version_id is not null
        and recorded_at is not null
    group by
        resource_type,
        resource_key,
        version_id
), version as (
    select
        state.* exclude (written_at),
        least(state.written_at, told_version.told_at) as written_at,
        nullif(
            lead(state.last_updated) over (
                partition by state.resource_type, state.resource_key
                order by state.last_updated nulls last
            ),
            state.last_updated
        ) as replaced_at
    from staging.state_version as state
    left join told_version
        on told_version.resource_type = state.resource_type
        and told_version.resource_key = state.resource_key
        and told_version.version_id = state.version_id
    where state.resource_type <> 'Encounter'
        or state.resource_key not in (select encounter_key from history)
), sign as (
    select
        *,
        written_at as sign_at,
        'between_versions' as basis
    from version
    where written_at is not null
    union all
    select
        *,
        seen_from as sign_at,
        'between_exports' as basis
    from version
    where seen_from is not null
        and (replaced_at is null or seen_from < replaced_at)
    union all
    select
        *,
        seen_to as sign_at,
        'between_exports' as basis
    from version
    where seen_to > seen_from
        and (replaced_at is null or seen_to < replaced_at)
), ordered_sign as (
    select
        *,
        row_number() over signs as place,
        lag(status) over signs as from_status,
        lag(sign_at) over signs as last_sign_at
    from sign
    window signs as (
        partition by resource_type, resource_key
        order by sign_at, basis desc, last_updated, file_id, line
    )
), changed as (
    select
        *,
        case when place = 1 then case when created_at <= sign_at then created_at end else last_sign_at end as not_before
    from ordered_sign
    where place = 1
        or status <> from_status
), told as (
    select
        changed.resource_type,
        changed.resource_key,
        changed.place,
        max(target.recorded_at) as told_at
    from changed
    inner join staging.provenance_target as target
        on target.resource_type = changed.resource_type
        and target.resource_key = changed.resource_key
        and target.state = changed.status
        and target.recorded_at <= changed.sign_at
    where changed.not_before is null
        or target.recorded_at >= changed.not_before
    group by
        changed.resource_type,
        changed.resource_key,
        changed.place
), proven as (
    select
        changed.resource_type,
        changed.resource_key,
        changed.encounter_key,
        changed.from_status,
        changed.status as to_status,
        changed.not_before,
        changed.sign_at as not_after,
        case
            when changed.place = 1
                and changed.created_at <= changed.sign_at
                and changed.status in ('draft', 'requested', 'ready', 'active', 'proposed', 'pending', 'booked', 'waitlist')
                then changed.created_at
            when changed.recorded_at <= changed.sign_at
                and (changed.place = 1 or changed.recorded_at >= changed.last_sign_at) then changed.recorded_at
            else told.told_at
        end as happened_at,
        changed.basis,
        changed.source,
        changed.file_id,
        changed.line
    from changed
    left join told
        on told.resource_type = changed.resource_type
        and told.resource_key = changed.resource_key
        and told.place = changed.place
), change as (
    select
        resource_type,
        resource_key,
        encounter_key,
        from_status,
        to_status,
        coalesce(happened_at, not_before) as not_before,
        coalesce(happened_at, not_after) as not_after,
        happened_at,
        case when happened_at is null then basis else 'recorded' end as basis,
        source,
        file_id,
        line
    from proven
    union all
    select
        'Encounter' as resource_type,
        history.encounter_key as resource_key,
        history.encounter_key,
        history.from_status,
        history.status as to_status,
        history.started_at as not_before,
        history.started_at as not_after,
        history.started_at as happened_at,
        'recorded' as basis,
        encounter.source,
        history.file_id,
        history.line
    from history
    join staging.encounter as encounter
        on encounter.encounter_key = history.encounter_key
)
select
    change.resource_type,
    change.resource_key,
    change.encounter_key,
    coalesce(organization.facility, 'Unknown') as facility,
    change.from_status,
    change.to_status,
    change.not_before,
    change.not_after,
    change.happened_at,
    date_diff('microsecond', change.not_before, change.not_after) / 6e7 as resolution_minutes,
    change.basis,
    change.basis <> 'recorded'
        and case change.resource_type
            when 'Task' then change.to_status = 'completed'
                and coalesce(change.from_status, 'draft') in ('draft', 'requested', 'received', 'accepted', 'ready')
            when 'ServiceRequest' then change.to_status = 'completed'
                and coalesce(change.from_status, 'draft') = 'draft'
            when 'Appointment' then change.to_status in ('arrived', 'checked-in', 'fulfilled', 'noshow')
                and coalesce(change.from_status, 'proposed') in ('proposed', 'pending', 'waitlist')
            else change.to_status = 'finished'
                and coalesce(change.from_status, 'planned') in ('planned', 'arrived', 'triaged')
        end as is_collapsed,
    change.source,
    change.file_id,
    change.line
from change
left join staging.encounter as encounter
    on encounter.encounter_key = change.encounter_key
left join marts.organization as organization
    on organization.organization_id = encounter.organization_id
