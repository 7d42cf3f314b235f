"""The time of cases laid over the stretches of what they waited for meanwhile, so that no moment counts twice.

Here: from the stretches of waits (`marts.wait_part`) and the time of a KPI's cases (`models.attribution`) to the pieces of each case,
in the two temporary tables that `part_sums` reads. Not here: sums, what is published (`kpi_delays`).

A moment belongs to the wait that the case itself is, where it is one: boarding is the visit's own, an order's result the order's.
Any other moment of a visit is shared equally among the waits that run in it, as hours that are lost to several things are; waits that
lie within others count where no other runs. What nothing was awaited in is left over (`models.waits.CARE`): pieces add up to the case.

A result that is dated to the day was awaited by its visit from the collection on, for as long as it takes there as a rule: an estimate.
How far such estimates may be off together grows with the root of how many a day has, because each errs by itself.

How: everything that waits has a clock for each turn (its own waits, others, those within). A clock runs only while it is that turn's, at
the speed of one divided by how many waits run. A stretch's piece of a case is how far its clock went on while both lasted, so
no moment is ever looked at by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.attribution import intervals, link
from models.waits import CARE

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from models.kpi import Kpi
    from models.measures import Frame

TURNS = 3

_STRETCHES = """
create or replace temp table awaited as
with named as (
    select
        wait_key,
        wait_kind,
        is_within,
        encounter_key,
        order_key,
        substr(wait_key, strpos(wait_key, ':') + 1) as subject_key
    from marts.wait
), undated as (
    select
        'undated:' || order_key as wait_key,
        encounter_key,
        facility,
        coalesce(priority = 'stat', false) as is_stat,
        collected_at,
        count(*) over (partition by facility, collected_at::date) as of_the_day
    from marts.lab_order
    where encounter_key is not null
        and collected_at is not null
        and is_verified
        and not is_verified_time_known
), usual as (
    select
        facility,
        coalesce(priority = 'stat', false) as is_stat,
        median(date_diff('microsecond', collected_at, verified_at)) as lasts_us,
        quantile_cont(date_diff('microsecond', collected_at, verified_at), 0.9)
        - quantile_cont(date_diff('microsecond', collected_at, verified_at), 0.1) as spread_us
    from marts.lab_order
    where verified_at > collected_at
    group by all
), stretch as (
    select wait_key, part, source, channel, destination, from_at, until_at, is_across_clocks, is_estimated, minutes_uncertain, minutes
    from marts.wait_part
    union all
    select
        undated.wait_key,
        'people' as part,
        null as source,
        null as channel,
        null as destination,
        undated.collected_at as from_at,
        undated.collected_at + to_microseconds(usual.lasts_us::bigint) as until_at,
        false as is_across_clocks,
        true as is_estimated,
        usual.spread_us / 2 / 6e7 / sqrt(undated.of_the_day) as minutes_uncertain,
        usual.lasts_us / 6e7 as minutes
    from undated
    inner join usual
        on usual.facility = undated.facility
        and usual.is_stat = undated.is_stat
), whose as (
    select wait_key, 'order_to_result' as wait_kind, false as is_within, wait_key as subject_key, 'visit' as link, encounter_key as case_key
    from undated
    union all
    select wait_key, wait_kind, is_within, subject_key, 'visit' as link, encounter_key as case_key from named
    where encounter_key is not null
    union all
    select wait_key, wait_kind, is_within, subject_key, 'order' as link, order_key as case_key from named
    where order_key is not null
    union all
    select wait_key, wait_kind, is_within, subject_key, 'case' as link, subject_key as case_key from named
    where subject_key is distinct from encounter_key
        and subject_key is distinct from order_key
)
select
    cast(dense_rank() over (order by whose.link, whose.case_key) as integer) as awaited_no,
    whose.link,
    whose.case_key,
    case when whose.is_within and whose.link <> 'case' then 2 when whose.subject_key = whose.case_key then 0 else 1 end as turn,
    whose.wait_kind,
    part.part,
    part.source,
    part.channel,
    part.destination,
    part.from_at,
    part.until_at,
    part.is_across_clocks,
    part.is_estimated,
    part.minutes_uncertain / nullif(part.minutes, 0) as uncertain
from whose
inner join stretch as part
    on part.wait_key = whose.wait_key
"""
_WHOSE = "create or replace temp table awaited_of as select distinct link, case_key, awaited_no from awaited"
_CASES = """
create or replace temp table part_case as
select
    cast(row_number() over () as integer) as case_no,
    case when of_case.patient_key is not null then cast(dense_rank() over (order by of_case.patient_key) as integer) end as patient_no,
    $kpi as subject,
    of_case.* exclude (case_key, patient_key, minutes, began_at),
    awaited_of.awaited_no,
    of_case.began_at,
    case
        when of_case.minutes is null then greatest(of_case.began_at, $as_of::timestamptz)
        else of_case.began_at + to_microseconds(cast(greatest(of_case.minutes, 0) * 6e7 as bigint))
    end as until_at,
    date_diff('microsecond', of_case.began_at, until_at) / 6e7 as minutes
from of_case
left join awaited_of
    on awaited_of.link = $link
    and awaited_of.case_key = of_case.case_key
"""
_CLOCKS = f"""
create or replace temp table awaited_clock as
with own as (
    select awaited.* from awaited semi join part_case on part_case.awaited_no = awaited.awaited_no
), change as (
    select awaited_no, from_at as changed_at, turn, 1 as step from own
    union all
    select awaited_no, until_at as changed_at, turn, -1 as step from own
    union all
    select awaited_no, unnest([began_at, until_at]) as changed_at, null as turn, 0 as step from part_case where awaited_no is not null
), instant as (
    select
        awaited_no,
        changed_at,
        {", ".join(f"coalesce(sum(step) filter (where turn = {turn}), 0) as step_{turn}" for turn in range(TURNS))}
    from change
    group by
        awaited_no,
        changed_at
), running as (
    select
        awaited_no,
        changed_at,
        date_diff('microsecond', changed_at, lead(changed_at) over timeline) as lasts_us,
        {
    ", ".join(
        f"sum(step_{turn}) over (timeline rows between unbounded preceding and current row) as n_{turn}"
        for turn in range(TURNS)
    )
}
    from instant
    window timeline as (partition by awaited_no order by changed_at)
)
select
    awaited_no,
    changed_at,
    [{
    ", ".join(
        f"coalesce(sum(case when {' and '.join([*(f'n_{before} = 0' for before in range(turn)), f'n_{turn} > 0'])} "
        f"then lasts_us // n_{turn} else 0 end) over before, 0)"
        for turn in range(TURNS)
    )
}] as clock_us
from running
window before as (partition by awaited_no order by changed_at rows between unbounded preceding and 1 preceding)
"""
_PIECES = f"""
create or replace temp table part_piece as
with overlap as materialized (
    select
        part_case.case_no,
        awaited.* exclude (from_at, until_at, link, case_key),
        greatest(awaited.from_at, part_case.began_at) as from_at,
        least(awaited.until_at, part_case.until_at) as until_at
    from part_case
    inner join awaited
        on awaited.awaited_no = part_case.awaited_no
        and awaited.from_at < part_case.until_at
        and awaited.until_at > part_case.began_at
), timed as (
    select
        overlap.* exclude (awaited_no, turn, from_at, until_at),
        (closing.clock_us[overlap.turn + 1] - opening.clock_us[overlap.turn + 1]) / 6e7 as minutes
    from overlap
    inner join awaited_clock as opening
        on opening.awaited_no = overlap.awaited_no
        and opening.changed_at = overlap.from_at
    inner join awaited_clock as closing
        on closing.awaited_no = overlap.awaited_no
        and closing.changed_at = overlap.until_at
), piece as (
    select
        * exclude (minutes, is_across_clocks, is_estimated, uncertain),
        sum(minutes::decimal(18, 6)) as minutes,
        coalesce(sum(minutes::decimal(18, 6)) filter (where is_across_clocks), 0) as minutes_across_clocks,
        coalesce(sum(minutes::decimal(18, 6)) filter (where is_estimated), 0) as minutes_estimated,
        coalesce(sum((minutes * uncertain)::decimal(18, 6)), 0) as minutes_uncertain
    from timed
    where minutes > 0
    group by all
)
select * from piece
union all by name
select
    part_case.case_no,
    '{CARE.id}' as part,
    greatest(any_value(part_case.minutes)::decimal(18, 6) - coalesce(sum(piece.minutes), 0), 0) as minutes,
    0 as minutes_across_clocks,
    0 as minutes_estimated,
    0 as minutes_uncertain
from part_case
left join piece
    on piece.case_no = part_case.case_no
group by part_case.case_no
having any_value(part_case.minutes)::decimal(18, 6) - coalesce(sum(piece.minutes), 0) > 1e-4
"""


def lay(db: duckdb.DuckDBPyConnection) -> None:
    """What every visit, order and case waited for, as temporary tables."""
    db.execute(_STRETCHES)
    db.execute(_WHOSE)


def cut(db: duckdb.DuckDBPyConnection, kpi: Kpi, mart: Frame, *, as_of: datetime) -> None:
    """The cases of a KPI and their pieces as the temporary tables `part_case` and `part_piece`; `lay` comes before."""
    db.register("of_case", intervals(kpi, mart, as_of=as_of).collect("pyarrow").to_native())
    db.execute(_CASES, {"as_of": as_of, "link": link(kpi), "kpi": kpi.id})
    db.unregister("of_case")
    db.execute(_CLOCKS)
    db.execute(_PIECES)


def clear(db: duckdb.DuckDBPyConnection) -> None:
    """Take the temporary tables away."""
    for name in ("part_piece", "part_case", "awaited_clock", "awaited_of", "awaited"):
        db.execute(f"drop table if exists {name}")
