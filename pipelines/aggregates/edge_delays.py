"""Where the time between two steps of a workflow went: `delay_edge` of the aggregates folder.

Here: how far the stretches of a case's waits (`marts.wait_part`) overlap the time from one of its steps to the next. Not here: what
an edge is and which are hidden (`process_tables`), the waits by themselves (`wait_tables`).

Only kinds of wait that are a workflow's own count (`models.waits`): they follow each other within a case, so no moment counts twice.
What no wait of theirs covers is left over: nobody had been asked yet. The edges of a process engine's instance are held against the waits
of the order or the visit that it is about, of all those kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.waits import WAIT_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

NAME = "delay_edge"
_EDGE = ("workflow", "facility", "activity", "next_activity")
_HOP = ("part", "source", "channel", "destination")
_SPAN = ("grain", "period", "period_end")

_OVERLAPS = """
create or replace temp table edge_overlap as
with kind as (
    select
        unnest($kinds) as wait_kind,
        unnest($workflows) as workflow
), step as (
    select
        event.workflow,
        event.facility,
        event.case_date,
        event.activity,
        event.next_activity,
        event.occurred_at,
        lead(event.occurred_at) over (partition by event.workflow, event.case_key order by event.step_no) as next_at,
        coalesce(process.order_key, process.encounter_key, event.case_key) as subject_key,
        process.case_key is not null as is_process
    from marts.workflow_event as event
    left join marts.process_case as process
        on process.case_key = event.case_key
        and process.match = 'matched'
    where event.workflow in (select workflow from kind)
        or process.case_key is not null
)
select
    step.workflow,
    step.facility,
    step.case_date,
    step.activity,
    step.next_activity,
    part.part,
    part.source,
    part.channel,
    part.destination,
    sum(date_diff('microsecond', greatest(part.from_at, step.occurred_at), least(part.until_at, step.next_at))) as lasts_us
from step
inner join marts.wait as wait
    on coalesce(wait.order_key, wait.encounter_key) = step.subject_key
inner join kind
    on kind.wait_kind = wait.wait_kind
    and (kind.workflow = step.workflow or step.is_process)
inner join marts.wait_part as part
    on part.wait_key = wait.wait_key
where part.from_at < step.next_at
    and part.until_at > step.occurred_at
group by all
"""
_IN_WINDOW = f"""
select {", ".join((*_EDGE, *_HOP))}, round(sum(lasts_us) / 6e7, 3) as minutes
from edge_overlap
where ($start is null or case_date >= $start) and ($end is null or case_date < $end)
group by grouping sets (
    ({", ".join((*_EDGE, *_HOP))}),
    ({", ".join((*(name for name in _EDGE if name != "facility"), *_HOP))})
)
"""


def delay_edges(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], process_edge: pl.DataFrame
) -> pl.DataFrame:
    """The table `delay_edge`: minutes by workflow, facility, window, edge, part and hop, null where `process_edge` hides the edge."""
    own = {kind.id: kind.workflow for kind in WAIT_KINDS.values() if kind.workflow}
    db.execute(_OVERLAPS, {"kinds": list(own), "workflows": list(own.values())})
    found = pl.concat(
        db.sql(_IN_WINDOW, params={"start": each.start, "end": each.end})
        .pl()
        .with_columns(grain=pl.lit(each.name), period=pl.lit(each.start, pl.Date), period_end=pl.lit(each.end, pl.Date))
        for each in window_list
    )
    db.execute("drop table edge_overlap")
    keys = [*_EDGE, *_SPAN]
    return (
        found.join(process_edge.select(*keys, "suppressed"), on=keys, how="left", nulls_equal=True)
        .with_columns(suppressed=pl.col("suppressed").fill_null(value=True))
        .with_columns(minutes=pl.when(~pl.col("suppressed")).then("minutes"))
        .select(*_EDGE, *_SPAN, *_HOP, "minutes", "suppressed")
    )
