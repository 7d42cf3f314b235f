"""Why work waits before anyone begins it, and who hands over to whom, by facility and window.

Here: `models.waiting` over the work that is recorded with its team and begin; the handovers between roles, those that tasks name, else
whoever answers by the registry; small numbers hidden. Not here: what each reason is (`models.waiting`), which work is known
(`models/sql/marts/work_span.sql`), which role a step has (`step_role.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.doers import ROLES
from models.waiting import REASONS, split
from pipelines.aggregates.process_periods import IN_WINDOW, KEYS, hidden, over_windows, without_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from pipelines.aggregates.periods import Window

NAMES = ("process_waiting", "process_handover")

_SECONDS = ",\n    ".join(f"(sum({name}_us) / 1e6)::double as {name}_seconds" for name in ("wait", *REASONS))
_WAITING = f"""
select
    workflow,
    facility,
    activity,
    count(*) as cases,
    count(*) filter (where not is_started) as still_waiting,
    {_SECONDS}
from (select *, asked_date as case_date from waiting_part inner join marts.work_span using (item))
where {IN_WINDOW}
group by grouping sets ((workflow, facility, activity), (workflow, activity))
"""
_ROLES = """
create or replace temp table step_doer as
with called as (
    select unnest($codes::varchar[]) as role_code, unnest($names::varchar[]) as name
)
select workflow, case_key, activity, coalesce(called.name, step_role.role_code) as role
from marts.step_role
left join called using (role_code)
"""
_HANDOVERS = """
create or replace temp table handover as
with step as (
    select
        step.workflow,
        step.facility,
        step.case_date,
        step.case_key,
        step.wait_us,
        before.activity,
        after.activity as next_activity
    from process_step as step
    inner join process_activity as before on before.code = step.code
    inner join process_activity as after on after.code = step.next_code
)
select
    step.workflow,
    step.facility,
    step.case_date,
    step.case_key,
    coalesce(doer.role, giver.owner) as owner,
    coalesce(next_doer.role, taker.owner) as next_owner,
    doer.role is not null and next_doer.role is not null as is_recorded,
    step.wait_us
from step
left join staging.registry_step as giver on giver.workflow = step.workflow and giver.activity = step.activity
left join staging.registry_step as taker on taker.workflow = step.workflow and taker.activity = step.next_activity
left join step_doer as doer
    on doer.workflow = step.workflow and doer.case_key = step.case_key and doer.activity = step.activity
left join step_doer as next_doer
    on next_doer.workflow = step.workflow and next_doer.case_key = step.case_key and next_doer.activity = step.next_activity
where coalesce(doer.role, giver.owner) <> coalesce(next_doer.role, taker.owner)
    and '' not in (coalesce(doer.role, giver.owner), coalesce(next_doer.role, taker.owner))
"""
_HANDED_OVER = f"""
select
    workflow,
    facility,
    owner,
    next_owner,
    count(distinct case_key) as cases,
    count(*) as count,
    count(*) filter (where is_recorded) as recorded_count,
    quantile_cont(wait_us, 0.5) / 1e6 as wait_median_seconds,
    (sum(wait_us) / 1e6)::double as wait_total_seconds
from handover where {IN_WINDOW}
group by grouping sets ((workflow, facility, owner, next_owner), (workflow, owner, next_owner))
"""


def waiting_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], as_of: datetime | None, threshold: int
) -> dict[str, pl.DataFrame]:
    """The tables `NAMES`. Work counts in the window in which it was asked for, a handover in the one in which its case began.

    `models.process.sequence` has run. Without `as_of` work that nobody has begun is left out.
    """
    split(db, "marts.work_span", as_of)
    db.execute(_ROLES, {"codes": list(ROLES), "names": list(ROLES.values())})
    db.execute(_HANDOVERS)
    waiting, handover = (over_windows(db, query, window_list) for query in (_WAITING, _HANDED_OVER))
    roles = handover.select(*KEYS, axis=pl.concat_str("owner", "next_owner", separator="\n"))
    return {
        "process_waiting": without_numbers(
            waiting, hidden(waiting.select(*KEYS, "activity"), "activity", threshold), ("activity",)
        ),
        "process_handover": without_numbers(handover, hidden(roles, "axis", threshold), ("owner", "next_owner")),
    }
