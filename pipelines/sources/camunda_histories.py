"""The histories that Camunda 7 and Operaton keep: which columns of each are read, and what becomes of a record.

Here: activities (ACT_HI_ACTINST), process instances (ACT_HI_PROCINST), people's tasks (ACT_HI_TASKINST), incidents (ACT_HI_INCIDENT). Not
here: files and records (`camunda`). A column that is not named here never leaves the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMON = {"processDefinitionKey": "PROC_DEF_KEY_", "startTime": "START_TIME_", "endTime": "END_TIME_"}


@dataclass(frozen=True)
class History:
    """One history. `names`: each value by its name in the REST interface, and its column in the table. A JSON file is of it when it has
    all of `keys` near its beginning, a CSV when it has the columns `needed`.
    """

    id: str
    names: Mapping[str, str]
    needed: frozenset[str]
    keys: tuple[str, ...]
    records: str
    staged: str
    table: str
    key: str

    @property
    def patterns(self) -> list[re.Pattern[bytes]]:
        """`keys` as they stand in JSON."""
        return [re.compile(rb'(?<!\\)"' + name.encode() + rb'"\s*:') for name in self.keys]


_RULED = """
create or replace temp table engine_record as
{{said}}
select
    file_id, line, byte_offset,
    case
        when not is_record then if(ends_open, 'truncated', 'unparseable')
        when not is_typed or ({identity} is null and "processInstanceId" is null) then 'untyped'
        when {is_apart} and {identity} is not null and "processInstanceId" is null then null
        when {identity} is null or "processInstanceId" is null or {needed} is null then 'no_id'
        when instant_of("startTime") is null and local_of("startTime") is null then 'no_time'
        when "endTime" is not null and instant_of("endTime") is null and local_of("endTime") is null then 'no_time'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    is_record and {is_apart} and {identity} is not null and "processInstanceId" is null as is_ignored,
    keyed('process', $source, "processInstanceId") as process_key,
    named('process', "processDefinitionKey", keyed('definition', $source, "processDefinitionKey")) as process_definition,
    instant_of("startTime") as started_instant,
    local_of("startTime") as started_local,
    instant_of("endTime") as ended_instant,
    local_of("endTime") as ended_local,
    {columns}
from said
"""
_PLACED = """
with placed_at as (
    select
        *,
        coalesce(started_instant, placed(started_local, $zone)) as started_at,
        coalesce(ended_instant, placed(ended_local, $zone)) as ended_at
    from engine_record
    where rule is null
        and not is_ignored
)
"""
_TRACED = """
    started_at,
    ended_at,
    coalesce(ended_at, started_at) as occurred_at,
    file_id,
    line,
    if(falls_twice(started_local, $zone) or falls_twice(ended_local, $zone), ['ambiguous_time'], []::varchar[]) as quality_flags,
    byte_offset
from placed_at
"""
_TYPES = (
    "[a-z][A-Za-z]*(?:Task|Gateway|Process|Activity|Body|Event|Catch|Throw|Timer|Message|Signal|Error|Escalation|Conditional)"
    "|task|transaction"
)
"""What Camunda calls the types of activities."""
_STEP = """named('step', {0}, keyed('step', $source, {0}))"""
_ACTIVITY_STAGED = f"""
create or replace temp table process_staged as
{_PLACED}
select
    uid_of(
        concat_ws('|', 'camunda', $source, activity_key, epoch_ms(started_at), coalesce(epoch_ms(ended_at), -1), is_canceled)
    ) as activity_uid,
    $source as source,
    activity_key,
    process_key,
    process_definition,
    activity,
    activity_type,
    is_canceled,
{_TRACED}"""
_RECORD_STAGED = f"""
create or replace temp table process_staged as
{_PLACED}
select
    uid_of(
        concat_ws(
            '|', kind, $source, record_key, epoch_ms(started_at), coalesce(epoch_ms(ended_at), -1), coalesce(outcome, ''),
            coalesce(assignee_hash, '')
        )
    ) as record_uid,
    $source as source,
    kind,
    record_key,
    process_key,
    root_key,
    process_definition,
    activity,
    activity_key,
    encounter_key,
    visit_key,
    placer_key,
    has_business_key,
    assignee_hash,
    owner_hash,
    outcome,
    incident_type,
    coalesce(due_instant, placed(due_local, $zone)) as due_at,
{_TRACED}"""
_NOTHING = {
    "root_key": "null::varchar",
    "activity": "null::varchar",
    "activity_key": "null::varchar",
    "encounter_key": "null::varchar",
    "visit_key": "null::varchar",
    "placer_key": "null::varchar",
    "has_business_key": "false",
    "assignee_hash": "null::varchar",
    "owner_hash": "null::varchar",
    "outcome": "null::varchar",
    "incident_type": "null::varchar",
    "due_instant": "null::timestamptz",
    "due_local": "null::timestamp",
}


def _record(kind: str, identity: str, needed: str, columns: Mapping[str, str], *, is_apart: bool = False) -> str:
    """`is_apart`: such a record may belong to no process, and is then none of ours."""
    told = {"kind": f"'{kind}'", "record_key": f"keyed('{kind}', $source, {identity})", **_NOTHING, **columns}
    return _RULED.format(
        identity=identity,
        needed=needed,
        is_apart=str(is_apart).lower(),
        columns=",\n    ".join(f"{value} as {name}" for name, value in told.items()),
    )


ACTIVITIES = History(
    id="activities",
    names=_COMMON
    | {
        "id": "ID_",
        "activityId": "ACT_ID_",
        "activityType": "ACT_TYPE_",
        "processInstanceId": "PROC_INST_ID_",
        "canceled": "ACT_INST_STATE_",
    },
    needed=frozenset({"ACT_ID_", "PROC_DEF_KEY_", "PROC_INST_ID_", "START_TIME_"}),
    keys=("activityId", "activityType", "processInstanceId"),
    records=_RULED.format(
        identity="id",
        needed='("processDefinitionKey" || "activityId")',
        is_apart="false",
        columns=f"""keyed('activity', $source, id) as activity_key,
    {_STEP.format('"activityId"')} as activity,
    case when regexp_full_match("activityType", '{_TYPES}') then "activityType" end as activity_type,
    coalesce(lower(canceled) in ('true', '2'), false) as is_canceled""",
    ),
    staged=_ACTIVITY_STAGED,
    table="raw.process_activity",
    key="activity_uid",
)
INSTANCES = History(
    id="instances",
    names=_COMMON
    | {
        "processInstanceId": "PROC_INST_ID_",
        "businessKey": "BUSINESS_KEY_",
        "rootProcessInstanceId": "ROOT_PROC_INST_ID_",
        "state": "STATE_",
    },
    needed=frozenset({"BUSINESS_KEY_", "PROC_DEF_KEY_", "PROC_INST_ID_", "START_TIME_"}),
    keys=("businessKey", "startActivityId", "startTime"),
    records=_record(
        "instance",
        '"processInstanceId"',
        '"processDefinitionKey"',
        {
            "root_key": """keyed('process', $source, "rootProcessInstanceId")""",
            "encounter_key": """keyed('encounter', $encounter, trim("businessKey"))""",
            "visit_key": """keyed('visit', $visit, trim("businessKey"))""",
            "placer_key": """keyed('placer', $placer, trim("businessKey"))""",
            "has_business_key": '"businessKey" is not null',
            "outcome": """case when state in ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'EXTERNALLY_TERMINATED', 'INTERNALLY_TERMINATED')
        then lower(state) end""",
        },
    ),
    staged=_RECORD_STAGED,
    table="raw.process_record",
    key="record_uid",
)
TASKS = History(
    id="tasks",
    names=_COMMON
    | {
        "id": "ID_",
        "taskDefinitionKey": "TASK_DEF_KEY_",
        "processInstanceId": "PROC_INST_ID_",
        "activityInstanceId": "ACT_INST_ID_",
        "assignee": "ASSIGNEE_",
        "owner": "OWNER_",
        "due": "DUE_DATE_",
        "deleteReason": "DELETE_REASON_",
    },
    needed=frozenset({"TASK_DEF_KEY_", "PROC_INST_ID_", "START_TIME_", "ASSIGNEE_"}),
    keys=("taskDefinitionKey", "processInstanceId", "startTime"),
    records=_record(
        "task",
        "id",
        '"taskDefinitionKey"',
        {
            "activity": _STEP.format('"taskDefinitionKey"'),
            "activity_key": """keyed('activity', $source, "activityInstanceId")""",
            "assignee_hash": "keyed('user', $source, assignee)",
            "owner_hash": "keyed('user', $source, owner)",
            "outcome": """case when "deleteReason" in ('completed', 'deleted') then "deleteReason"
        when "deleteReason" is not null then 'other' end""",
            "due_instant": "instant_of(due)",
            "due_local": "local_of(due)",
        },
        is_apart=True,
    ),
    staged=_RECORD_STAGED,
    table="raw.process_record",
    key="record_uid",
)
INCIDENTS = History(
    id="incidents",
    names={
        "id": "ID_",
        "processDefinitionKey": "PROC_DEF_KEY_",
        "processInstanceId": "PROC_INST_ID_",
        "activityId": "ACTIVITY_ID_",
        "failedActivityId": "FAILED_ACTIVITY_ID_",
        "incidentType": "INCIDENT_TYPE_",
        "startTime": "CREATE_TIME_",
        "endTime": "END_TIME_",
        "deleted": "INCIDENT_STATE_",
    },
    needed=frozenset({"INCIDENT_TYPE_", "CREATE_TIME_", "PROC_INST_ID_"}),
    keys=("incidentType", "createTime", "processInstanceId"),
    records=_record(
        "incident",
        "id",
        '"incidentType"',
        {
            "activity": _STEP.format('coalesce("failedActivityId", "activityId")'),
            "outcome": """case when lower(deleted) in ('true', '2') then 'deleted' when "endTime" is not null then 'resolved' end""",
            "incident_type": """case when "incidentType" in ('failedJob', 'failedExternalTask') then "incidentType" else 'other' end""",
        },
        is_apart=True,
    ),
    staged=_RECORD_STAGED,
    table="raw.process_record",
    key="record_uid",
)
HISTORIES = (ACTIVITIES, TASKS, INCIDENTS, INSTANCES)
"""In the order in which a file is held against them."""
REST = {"instances": {"processInstanceId": "id"}, "incidents": {"startTime": "createTime"}}
"""Values that the REST interface calls otherwise in one history."""
