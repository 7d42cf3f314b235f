"""Process mining of an event log: which step follows which, how long that takes, and on which paths cases go.

Here: DuckDB SQL over one relation of events, and what it finds as plain values. No file is read here, and nothing is
known of hospitals: `marts.workflow_event` and any imported log go through the same queries.

The relation has one row per event that completes a step:

    case_key     text, never null; "NA" is a case like any other
    activity     text, never null
    occurred_at  when the step was completed, never null
    tie          orders the events of a case that carry the same time: a declared rank, or the row of the file
    started_at   when the step was begun; null where that is unknown

Events of a case are ordered by time, then `tie`, then activity, so the order of the rows decides nothing. With
`ties="set"` the events of a case at one time are one step that names them all.

A wait is the time from one completed step to the next one. Where the next step's begin is known, it splits into queue
(nobody had begun) and service. Medians and percentiles interpolate between the two nearest values.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

Ties = Literal["order", "set"]
Row = dict[str, Any]

JOIN = " + "
"""Between the names of activities at the same time, under `ties="set"`."""

_AS_SETS = """
select
    {groups}
    case_key,
    string_agg(distinct activity, $join order by activity) as activity,
    occurred_at,
    0 as tie,
    min(started_at) as started_at
from {events}
group by all
"""
_ACTIVITIES = """
create or replace temp table process_activity as
select activity, (row_number() over (order by activity))::integer as code from (select distinct activity from {events})
"""
_STEPS = """
create or replace temp table process_step as
with event as (
    select
        {groups}
        case_key,
        code,
        tie,
        epoch_us(occurred_at) as done_us,
        epoch_us(started_at) as begun_us
    from {events} inner join process_activity using (activity)
), sequence as (
    select
        {groups}
        case_key,
        code,
        done_us,
        row_number() over in_case as step_no,
        lead(code) over in_case as next_code,
        lead(done_us) over in_case - done_us as wait_us,
        lead(begun_us) over in_case as next_begun_us
    from event
    window in_case as (partition by {groups} case_key order by done_us, tie, code)
)
select
    * exclude (next_begun_us),
    case when next_begun_us is not null then least(greatest(next_begun_us - done_us, 0), wait_us) end as queue_us
from sequence
"""
_TRACES = """
create or replace temp table process_trace as
select
    {groups}
    case_key,
    list_transform(list_sort(list((step_no << 32) | code)), lambda step: (step & 4294967295)::integer) as path,
    min(done_us) as first_us,
    max(done_us) as last_us
from process_step
group by {groups} case_key
"""
EDGE_COLUMNS = """
    count(*) as count,
    quantile_cont(wait_us, 0.5) / 1e6 as wait_median_seconds,
    avg(wait_us) / 1e6 as wait_mean_seconds,
    quantile_cont(wait_us, 0.9) / 1e6 as wait_p90_seconds,
    (sum(wait_us) / 1e6)::double as wait_total_seconds,
    quantile_cont(queue_us, 0.5) / 1e6 as queue_median_seconds,
    (sum(queue_us) / 1e6)::double as queue_total_seconds,
    (sum(wait_us - queue_us) / 1e6)::double as service_total_seconds,
    target.seconds as target_seconds,
    (
        sum(
            case
                when wait_us > target.seconds * 1e6 then wait_us - (target.seconds * 1e6)::bigint
                when target.seconds >= 0 then 0
            end
        ) / 1e6
    )::double as lost_seconds
"""
"""What is said of the steps from one activity to another; `target` holds the seconds that they may take."""

_EDGES = """
with step as (
    select
        process_step.*,
        before.activity as activity,
        after.activity as next_activity
    from process_step
    inner join process_activity as before on before.code = process_step.code
    inner join process_activity as after on after.code = process_step.next_code
    where {condition}
)
select
    {listed}
    step.activity as "from",
    step.next_activity as "to",
    {columns}
from step
left join process_target as target on {same}
group by grouping sets ({sets})
order by lost_seconds desc nulls last, wait_total_seconds desc, "from", "to"
"""
_TARGETS = """
create or replace temp table process_target as
select
    unnest($activity::varchar[]) as activity,
    unnest($next_activity::varchar[]) as next_activity,
    unnest($seconds::double[]) as seconds
"""
_VARIANTS = """
create or replace temp table process_variant as
select path, count(*) as count, len(list_distinct(path)) < len(path) as has_rework from process_trace group by path
"""
_COUNTED = """
select
    coalesce(sum(count), 0)::bigint as cases,
    count(*) as variants,
    coalesce(sum(count) filter (where has_rework), 0)::bigint as rework_cases,
    coalesce(sum(count) filter (where path = $happy::integer[]), 0)::bigint as happy_cases
from process_variant
"""
_ACTIVITY_COUNTS = """
with step as (
    select rowid as variant, count, path[1] as first_code, path[-1] as last_code, unnest(path) as code from process_variant
), seen as (
    select
        code,
        any_value(count) as cases,
        count(*) as times,
        any_value(first_code) = code as is_first,
        any_value(last_code) = code as is_last
    from step group by variant, code
)
select
    activity as name,
    sum(cases * times)::bigint as count,
    sum(cases)::bigint as cases,
    coalesce(sum(cases) filter (where times > 1), 0)::bigint as repeated_in,
    coalesce(sum(cases) filter (where is_first), 0)::bigint as starts,
    coalesce(sum(cases) filter (where is_last), 0)::bigint as ends
from seen inner join process_activity using (code)
group by activity
order by activity
"""
_THROUGHPUT = """
select
    count(*) as count,
    quantile_cont(last_us - first_us, 0.5) / 1e6 as median,
    quantile_cont(last_us - first_us, 0.9) / 1e6 as p90,
    avg(last_us - first_us) / 1e6 as mean
from process_trace
where case_key not in (select unnest($unfinished::varchar[]))
    and ($ends is null or list_contains($ends::integer[], path[-1]))
"""


@dataclass(frozen=True)
class Edge:
    """The steps from one activity to the next: how many, and how long they took. Times are seconds.

    `queue_*` and `service_*` are null where no begin is known, `target_seconds` and `lost_seconds` without a target;
    `lost_seconds` is what the waits took beyond the target, added up.
    """

    start: str
    end: str
    count: int
    wait_median_seconds: float
    wait_mean_seconds: float
    wait_p90_seconds: float
    wait_total_seconds: float
    queue_median_seconds: float | None
    queue_total_seconds: float | None
    service_total_seconds: float | None
    target_seconds: float | None
    lost_seconds: float | None


@dataclass(frozen=True)
class Variant:
    """One path from the first to the last step, and the number of cases that went it."""

    path: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Activity:
    """One kind of step: events, cases with it, cases with it more than once, cases that begin or end with it."""

    name: str
    count: int
    cases: int
    repeated_in: int
    starts: int
    ends: int


@dataclass(frozen=True)
class Throughput:
    """First to last step of the `count` finished cases, in seconds; null when there is none."""

    count: int
    median: float | None
    p90: float | None
    mean: float | None


@dataclass(frozen=True)
class Process:
    """What an event log says. Edges: most time lost first. Top variants: most cases first, equal ones by their path.

    `open_cases` is null when nothing tells which cases are finished; every case then counts in the throughput.
    `rework_cases` are cases in which any activity recurs.
    """

    cases: int
    events: int
    variants: int
    open_cases: int | None
    edges: tuple[Edge, ...]
    top_variants: tuple[Variant, ...]
    activities: tuple[Activity, ...]
    throughput: Throughput
    happy_path: tuple[str, ...]
    happy_cases: int
    rework_cases: int

    @property
    def happy_share(self) -> float | None:
        """The share of cases that went the happy path, 0 to 1; null without cases."""
        return self.happy_cases / self.cases if self.cases else None


def sequence(db: duckdb.DuckDBPyConnection, events: str, *, ties: Ties = "order", groups: Sequence[str] = ()) -> None:
    """Put the events in their order: temporary tables `process_activity`, `process_step` and `process_trace`.

    `groups` are columns of `events` that are the same for all events of a case; cases of different groups are apart.
    """
    listed = "".join(f"{name}, " for name in groups)
    if ties == "set":
        db.execute(
            f"create or replace temp table process_set as {_AS_SETS.format(events=events, groups=listed)}",
            {"join": JOIN},
        )
        events = "process_set"
    for query in (_ACTIVITIES, _STEPS, _TRACES):
        db.execute(query.format(events=events, groups=listed))


def mine(
    db: duckdb.DuckDBPyConnection,
    events: str,
    *,
    ties: Ties = "order",
    ends: Collection[str] = (),
    unfinished: Collection[str] | None = None,
    targets: Mapping[tuple[str, str], float] | None = None,
    happy_path: Sequence[str] = (),
    most_variants: int = 100,
) -> Process:
    """What the relation `events` says of its process.

    A case is open when it does not end with one of `ends`, or is one of `unfinished`. `targets` are seconds by edge.
    `happy_path` is the path that a case should take; without it, the one that most cases take. Of the variants the
    `most_variants` with most cases are told apart, all are counted.
    """
    sequence(db, events, ties=ties)
    db.execute(_VARIANTS)
    names: dict[int, str] = dict(db.execute("select code, activity from process_activity").fetchall())
    codes = {name: code for code, name in names.items()}
    top = db.execute(
        "select path, count from process_variant order by count desc, path limit ?", [most_variants]
    ).fetchall()
    happy = (
        [codes.get(name, 0) for name in happy_path] if happy_path else [code for path, _ in top[:1] for code in path]
    )
    (counted,) = _rows(db, _COUNTED, {"happy": happy})
    ((total,),) = db.execute(f"select count(*) from {events}").fetchall()  # noqa: S608 -- a relation's name, not a value
    finishing = [codes[name] for name in ends if name in codes] if ends else None
    (spans,) = _rows(db, _THROUGHPUT, {"unfinished": sorted(unfinished or ()), "ends": finishing})
    throughput = Throughput(**spans)
    return Process(
        **counted,
        events=total,
        open_cases=counted["cases"] - throughput.count if ends or unfinished is not None else None,
        edges=_edges(db, targets or {}),
        top_variants=tuple(Variant(tuple(names[code] for code in path), count) for path, count in top),
        activities=tuple(Activity(**row) for row in _rows(db, _ACTIVITY_COUNTS, {})),
        throughput=throughput,
        happy_path=tuple(happy_path) or tuple(names[code] for code in happy),
    )


def edge_query(
    *,
    groups: Sequence[str] = (),
    totals: bool = False,
    same: Sequence[str] = ("activity", "next_activity"),
    condition: str = "true",
    columns: str = EDGE_COLUMNS,
) -> str:
    """The query for edges after `sequence`, by `groups`; with `totals` also over all of the last group (then null).

    Targets are read from a table `process_target` with the columns `same` and `seconds`. `condition` chooses steps.
    """
    parts = [*(f"step.{name}" for name in groups), "step.activity", "step.next_activity", "target.seconds"]
    sets = [parts] + ([[part for part in parts if part != f"step.{groups[-1]}"]] if totals else [])
    return _EDGES.format(
        listed="".join(f"step.{name}, " for name in groups),
        columns=columns,
        same=" and ".join(f"target.{name} = step.{name}" for name in same),
        condition=condition,
        sets=", ".join(f"({', '.join(each)})" for each in sets),
    )


def _edges(db: duckdb.DuckDBPyConnection, targets: Mapping[tuple[str, str], float]) -> tuple[Edge, ...]:
    db.execute(
        _TARGETS,
        {
            "activity": [start for start, _ in targets],
            "next_activity": [end for _, end in targets],
            "seconds": list(targets.values()),
        },
    )
    return tuple(Edge(row.pop("from"), row.pop("to"), **row) for row in _rows(db, edge_query(), {}))


def _rows(db: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> list[Row]:
    found = db.execute(query, dict(parameters))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
