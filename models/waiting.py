"""Five reasons for which work waits until somebody begins it: batching, contention, prioritisation, unavailability, extraneous.

Here: DuckDB SQL over one relation of work. Not here: which work is known (`models/sql/marts/work_span.sql`), windows and small
numbers (`pipelines.aggregates.waiting_tables`).

The relation has one row per piece of work:

    team         text: who or what does such work; a pool of people or of places, never one person
    is_place     true of places, each of which is taken as long as somebody is in it; all of a team alike
    places       how many of them the record lists; null of people, and where it lists none; all of a team alike
    item         text, unique
    enabled_at   when it could have begun: the step before was done, or it was asked for
    started_at   when somebody began it; null while it waits
    ended_at     when that was done, the data cut while it goes on; null where nobody wrote it down (then it takes no time)

A wait is the time from enabled to started (to the data cut while it waits), cut into stretches of which each has one reason, in this
order, so the five add up to the wait to the microsecond:

    batching        until the last piece of those that the team began in the same second was there
    unavailability  the team does no such work in this hour of the day (weekdays and weekends apart): of at least `DEMAND_HOURS` such
                    hours in which work was there, in less than `WORKED_SHARE` any was done, and none is being done
    prioritisation  all hands are busy, with work among it that came later than this
    contention      all hands are busy, with work that came earlier
    extraneous      the rest: hands were free, or nobody wrote down what they did. What a team does beside its recorded work is here

*All hands* is learnt too: what the team was busy with at once, at the busiest moment of nine in ten of the hours of that kind in which
work waited; of places, which are there at every hour, what the record lists, else what was taken at once at the busiest moment of all.
Work of people that is said to go on for more than `LONGEST_HOURS` was forgotten: it keeps nobody busy after that.
After Lashkevich, Milani, Chapela-Campa, Suvorau and Dumas, "Why am I waiting?" (2022), with pools of people instead of single ones.
"""

import duckdb

REASONS = ("batching", "contention", "prioritisation", "unavailability", "extraneous")
DEMAND_HOURS = 5
WORKED_SHARE = 0.1
BUSIEST = 0.9
LONGEST_HOURS = 24
_HOUR = 3_600_000_000

_WORK = """
create or replace temp table waiting_work as
select
    (row_number() over (order by team, item))::integer as work_id,
    team,
    is_place,
    places,
    item,
    epoch_us(enabled_at) as enabled_us,
    epoch_us(coalesce(started_at, $as_of)) as started_us,
    started_at is not null as is_started,
    least(
        epoch_us(coalesce(ended_at, started_at)),
        case when not is_place then epoch_us(started_at) + $longest end
    ) as ended_us
from {work}
where enabled_at <= coalesce(started_at, $as_of)
"""
_BATCHES = """
create or replace temp table waiting_batch as
select
    work_id,
    least(max(enabled_us) over (partition by team, started_us // 1000000), started_us) as complete_us
from waiting_work
where is_started
qualify count(*) over (partition by team, started_us // 1000000) > 1
"""
_SEGMENTS = """
create or replace temp table waiting_segment as
with point as (
    select team, unnest([enabled_us, started_us, ended_us]) as us from waiting_work
), bound as (
    select team, min(us) // $hour as first_hour, max(us) // $hour as last_hour from point group by team
), moment as (
    select distinct team, us from point where us is not null
    union
    select team, unnest(range(first_hour, last_hour + 2)) * $hour as us from bound
), segment as (
    select team, us as from_us, lead(us) over (partition by team order by us) as until_us from moment
), service as (
    select
        team,
        enabled_us,
        started_us,
        ended_us,
        unnest(range(started_us // $hour, (ended_us - 1) // $hour + 1)) as hour
    from waiting_work
    where is_started and ended_us > started_us
)
select
    segment.team,
    segment.from_us // $hour as hour,
    segment.from_us,
    segment.until_us,
    count(service.team) as busy,
    max(service.enabled_us) as newest_us
from segment
left join service
    on service.team = segment.team
    and service.hour = segment.from_us // $hour
    and service.started_us <= segment.from_us
    and service.ended_us >= segment.until_us
where segment.until_us is not null
group by all
"""
_CALENDAR = """
create or replace temp table waiting_calendar as
with waited as (
    select distinct team, unnest(range(enabled_us // $hour, (started_us - 1) // $hour + 1)) as hour
    from waiting_work
    where started_us > enabled_us
), hour as (
    select
        segment.team,
        segment.hour,
        max(segment.busy) as peak,
        any_value(waited.hour) is not null as is_waited
    from waiting_segment as segment
    left join waited on waited.team = segment.team and waited.hour = segment.hour
    group by segment.team, segment.hour
), dated as (
    select
        hour.*,
        isodow(make_timestamptz(hour * $hour)) > 5 as is_weekend,
        extract(hour from make_timestamptz(hour * $hour)) as hour_of_day
    from hour
), listed as (
    select team, max(places) as places
    from waiting_work
    where is_place
    group by team
), place as (
    select segment.team, coalesce(any_value(listed.places), max(segment.busy)) as places
    from waiting_segment as segment
    inner join listed on listed.team = segment.team
    group by segment.team
), kind as (
    select
        team,
        is_weekend,
        hour_of_day,
        count(*) filter (where is_waited or peak > 0) as demand_hours,
        count(*) filter (where peak > 0) as worked_hours,
        greatest(coalesce(quantile_disc(peak, $busiest) filter (where is_waited), max(peak)), 1) as hands
    from dated
    group by team, is_weekend, hour_of_day
)
select
    dated.team,
    dated.hour,
    coalesce(place.places, kind.hands) as hands,
    place.team is null and kind.demand_hours >= $demand_hours and kind.worked_hours < $worked_share * kind.demand_hours as is_off
from dated
inner join kind
    on kind.team = dated.team and kind.is_weekend = dated.is_weekend and kind.hour_of_day = dated.hour_of_day
left join place on place.team = dated.team
"""
_PARTS = """
create or replace temp table waiting_part as
with hourly as (
    select
        work.work_id,
        work.team,
        work.enabled_us,
        greatest(work.enabled_us, coalesce(batch.complete_us, work.enabled_us)) as batched_us,
        work.started_us,
        unnest(range(work.enabled_us // $hour, (work.started_us - 1) // $hour + 1)) as hour
    from waiting_work as work
    left join waiting_batch as batch on batch.work_id = work.work_id
    where work.started_us > work.enabled_us
), stretch as (
    select
        hourly.work_id,
        greatest(least(segment.until_us, hourly.started_us) - greatest(segment.from_us, hourly.batched_us), 0) as us,
        case
            when calendar.is_off and segment.busy = 0 then 'unavailability'
            when segment.busy >= calendar.hands and segment.newest_us > hourly.enabled_us then 'prioritisation'
            when segment.busy >= calendar.hands then 'contention'
            else 'extraneous'
        end as reason
    from hourly
    inner join waiting_segment as segment
        on segment.team = hourly.team
        and segment.hour = hourly.hour
        and segment.from_us < hourly.started_us
        and segment.until_us > hourly.enabled_us
    inner join waiting_calendar as calendar
        on calendar.team = hourly.team and calendar.hour = hourly.hour
), summed as (
    select
        work_id,
        sum(us) filter (where reason = 'contention') as contention_us,
        sum(us) filter (where reason = 'prioritisation') as prioritisation_us,
        sum(us) filter (where reason = 'unavailability') as unavailability_us,
        sum(us) filter (where reason = 'extraneous') as extraneous_us
    from stretch
    group by work_id
)
select
    work.item,
    work.is_started,
    (work.started_us - work.enabled_us)::bigint as wait_us,
    (coalesce(batch.complete_us - work.enabled_us, 0))::bigint as batching_us,
    coalesce(summed.contention_us, 0)::bigint as contention_us,
    coalesce(summed.prioritisation_us, 0)::bigint as prioritisation_us,
    coalesce(summed.unavailability_us, 0)::bigint as unavailability_us,
    coalesce(summed.extraneous_us, 0)::bigint as extraneous_us
from waiting_work as work
left join waiting_batch as batch on batch.work_id = work.work_id
left join summed on summed.work_id = work.work_id
"""


def split(db: duckdb.DuckDBPyConnection, work: str, as_of: object) -> None:
    """Fill the temporary table `waiting_part`: of each item of the relation `work` its wait and the five parts, in microseconds.

    Hours of the day are those of the connection's time zone. Work that began before it was enabled is left out: two clocks.
    """
    db.execute(_WORK.format(work=work), {"as_of": as_of, "longest": LONGEST_HOURS * _HOUR})
    db.execute(_BATCHES)
    db.execute(_SEGMENTS, {"hour": _HOUR})
    db.execute(
        _CALENDAR,
        {"hour": _HOUR, "busiest": BUSIEST, "demand_hours": DEMAND_HOURS, "worked_share": WORKED_SHARE},
    )
    db.execute(_PARTS, {"hour": _HOUR})
