-- Grain: one row per time that a person spends in one unit without leaving it.
-- A person lies in one place at a time, over all visits of a journey. Stays of one visit in beds of one unit that overlap or follow each other are one
-- stay. Where stays in two units overlap, the emergency department holds the person until it says that he left; else the
-- stay that began last does, and when it has ended an earlier one that is still running does again. Nothing is clipped to
-- the Encounter's period: where stays are sent, they say where the person was.
-- encounter_key: the visit that sent the first of the stays.
-- stay_key: the inpatient visit that it belongs to, see visit.
-- began_at: from when the person lay here.
-- ended_at: until when; where no end was sent the visit's own end; null while there or unknown.
-- moves: changes of bed within the unit.
-- came_from: the unit before, of the same journey; null for the first.
-- is_transfer: from one ward to another; a change of bed, and admission from the emergency department, are none.
with segment as (
    select
        visit.journey_key,
        visit.patient_key,
        visit.encounter_key,
        visit.stay_key,
        visit.visit_kind,
        coalesce(place.facility, visit.organization, visit.organization_id, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        coalesce(place.is_inpatient, false) as is_inpatient,
        coalesce(place.is_emergency, false) as is_emergency,
        segment.location_id,
        segment.started_at as began_at,
        greatest(
            coalesce(segment.ended_at, visit.ended_at, timestamptz '9999-12-31 00:00:00+00'),
            segment.started_at
        ) as ended_at,
        segment.ended_at is not null as is_end_sent,
        segment.segment_no,
        segment.file_id,
        segment.line
    from staging.encounter_location as segment
    inner join marts.visit as visit
        on visit.encounter_key = segment.encounter_key
    left join marts.location as place
        on place.location_id = segment.location_id
    where segment.started_at is not null
        and coalesce(visit.status, '') not in ('planned', 'cancelled')
), ordered_segment as (
    select
        *,
        max(ended_at) over in_unit as until_now,
        lag(location_id) over (
            partition by journey_key, stay_key, facility, unit
            order by began_at, ended_at, encounter_key, segment_no
        ) as location_before
    from segment
    window in_unit as (
        partition by journey_key, stay_key, facility, unit
        order by began_at, ended_at, encounter_key, segment_no
        rows between unbounded preceding and 1 preceding
    )
), numbered_segment as (
    select
        *,
        sum(case when until_now >= began_at then 0 else 1 end) over (
            partition by journey_key, stay_key, facility, unit
            order by began_at, ended_at, encounter_key, segment_no
            rows unbounded preceding
        ) as stay_no
    from ordered_segment
), stay as (
    select
        journey_key,
        stay_key,
        facility,
        unit,
        stay_no,
        arg_min(encounter_key, began_at) as encounter_key,
        min(patient_key) as patient_key,
        bool_or(is_inpatient) as is_inpatient,
        bool_or(is_emergency) as is_emergency,
        bool_or(visit_kind = 'inpatient') as is_of_inpatient_visit,
        min(began_at) as began_at,
        max(ended_at) as ended_at,
        bool_and(is_end_sent) as is_end_sent,
        sum(case when until_now >= began_at and location_before <> location_id then 1 else 0 end) as moves,
        arg_min(file_id, began_at) as file_id,
        arg_min(line, began_at) as line
    from numbered_segment
    group by
        journey_key,
        stay_key,
        facility,
        unit,
        stay_no
), ordered_stay as (
    select
        *,
        case
            when max(ended_at) over (
                partition by journey_key
                order by began_at, ended_at, facility, unit, stay_key
                rows between unbounded preceding and 1 preceding
            ) > began_at then 0
            else 1
        end as is_first
    from stay
    where ended_at > began_at
), clustered_stay as (
    select
        *,
        sum(is_first) over (
            partition by journey_key
            order by began_at, ended_at, facility, unit, stay_key
            rows unbounded preceding
        ) as cluster_no
    from ordered_stay
), counted_stay as (
    select
        *,
        count(*) over (partition by journey_key, cluster_no) as stays
    from clustered_stay
), boundary as (
    select
        journey_key,
        cluster_no,
        began_at as changed_at
    from counted_stay
    where stays > 1
    union
    select
        journey_key,
        cluster_no,
        ended_at as changed_at
    from counted_stay
    where stays > 1
), piece as (
    select
        journey_key,
        cluster_no,
        changed_at as piece_began_at,
        lead(changed_at) over (partition by journey_key, cluster_no order by changed_at) as piece_ended_at
    from boundary
), claim as (
    select
        stay.*,
        piece.piece_began_at,
        piece.piece_ended_at,
        row_number() over (
            partition by piece.journey_key, piece.piece_began_at
            order by
                stay.is_emergency and stay.is_end_sent desc,
                stay.began_at desc,
                stay.is_of_inpatient_visit desc,
                stay.ended_at,
                stay.facility,
                stay.unit,
                stay.stay_key
        ) as claim_no
    from piece
    inner join counted_stay as stay
        on stay.journey_key = piece.journey_key
        and stay.cluster_no = piece.cluster_no
        and stay.began_at <= piece.piece_began_at
        and stay.ended_at >= piece.piece_ended_at
    where piece.piece_ended_at is not null
), ordered_claim as (
    select
        *,
        case
            when lag(concat_ws('/', stay_key, facility, unit, stay_no)) over in_time = concat_ws('/', stay_key, facility, unit, stay_no)
                then 0
            else 1
        end as is_first_piece
    from claim
    where claim_no = 1
    window in_time as (partition by journey_key, cluster_no order by piece_began_at)
), numbered_claim as (
    select
        *,
        sum(is_first_piece) over (
            partition by journey_key, cluster_no
            order by piece_began_at
            rows unbounded preceding
        ) as turn_no
    from ordered_claim
), lain as (
    select
        journey_key,
        stay_key,
        encounter_key,
        patient_key,
        facility,
        unit,
        is_inpatient,
        is_emergency,
        began_at,
        ended_at,
        moves,
        file_id,
        line
    from counted_stay
    where stays = 1
    union all
    select
        journey_key,
        stay_key,
        encounter_key,
        patient_key,
        facility,
        unit,
        is_inpatient,
        is_emergency,
        min(piece_began_at) as began_at,
        max(piece_ended_at) as ended_at,
        moves,
        file_id,
        line
    from numbered_claim
    group by
        journey_key,
        cluster_no,
        turn_no,
        stay_key,
        encounter_key,
        patient_key,
        facility,
        unit,
        is_inpatient,
        is_emergency,
        moves,
        file_id,
        line
), followed as (
    select
        *,
        lag(unit) over in_journey as came_from,
        lag(facility) over in_journey as came_from_facility,
        lag(is_inpatient) over in_journey as came_from_ward
    from lain
    window in_journey as (partition by journey_key order by began_at, ended_at, facility, unit, stay_key)
)
select
    concat(encounter_key, '/', facility, '/', unit, '/', date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', began_at)) as unit_stay_key,
    encounter_key,
    stay_key,
    journey_key,
    patient_key,
    facility,
    unit,
    is_inpatient,
    is_emergency,
    began_at,
    case when ended_at < timestamptz '9999-12-31 00:00:00+00' then ended_at end as ended_at,
    cast(moves as bigint) as moves,
    came_from,
    coalesce(is_inpatient and came_from_ward and (unit <> came_from or facility <> came_from_facility), false) as is_transfer,
    file_id,
    line
from followed
