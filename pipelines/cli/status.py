"""`wardflow status`, `readiness` and `interfaces`: the state of what was published, from its aggregates. No arithmetic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import local, print_json, print_table
from pipelines.cli.roles import role_of, role_option, snapshot_as

WINDOWS = ("4", "13", "26", "all")
CHANNEL_COUNTS = (
    "messages", "failed_first", "failed_final", "retried", "dead_lettered", "dead_letters_open", "handled_by_hand", "drifted",
    "queue_depth", "delivered", "ack_unknown", "hop_unknown",
)  # fmt: skip
CHANNEL_TIMES = (
    "oldest_queued_minutes", "oldest_dead_letter_minutes", "silent_minutes", "throughput_ratio", "ack_p50_ms", "ack_p95_ms",
    "ack_p99_ms", "hop_p50_ms", "hop_p95_ms", "hop_p99_ms", "silence_limit_minutes", "silence_basis", "engine_queue_depth",
)  # fmt: skip

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot


def weeks_option(command: Any) -> Any:  # noqa: ANN401 -- a click decorator
    """`--weeks`: which published window."""
    return click.option(
        "--weeks",
        type=click.Choice(WINDOWS),
        default="all",
        show_default=True,
        help="The last so many whole weeks before the data cut, or all time.",
    )(command)


def open_snapshot() -> Snapshot:
    """The current snapshot, read as this call's role."""
    return snapshot_as(role_of(call_of()))


@click.command()
@format_option
@role_option
@home_options
def status(as_format: str) -> None:
    """Show the last publication, freshness by source, incidents of the last seven days, failing checks, what classes of visits count as,
    quarantine, and what is late.

    \b
    Example: wardflow status
             wardflow status --format json
    """
    snapshot = open_snapshot()
    manifest = snapshot.manifest
    quarantined = snapshot.rows(
        "select source, sum(quarantined)::bigint as lines from total group by source having lines > 0 order by source",
        total="ledger_total",
    )
    waiting = (
        snapshot.rows(
            "select * exclude (exports) from completion where incomplete_exports > 0 order by source",
            completion="completion",
        )
        if any(table.name == "completion" for table in snapshot.tables())
        else []
    )
    visits = (
        snapshot.rows(
            "select source, class_code, visit_kind, count(*) as n from visit group by all order by source, n desc, class_code, visit_kind",
            visit="visit",
        )
        if any(table.name == "visit" for table in snapshot.tables())
        else []
    )
    states = snapshot.rows(
        "select state, count(*) as n from ready where grain = 'all' and facility is null group by state",
        ready="readiness",
    )
    document = {
        "snapshot": manifest.id,
        "as_of": snapshot.as_of,
        "published_at": manifest.published_at.astimezone(snapshot.zone),
        "role": snapshot.role,
        "sources": [
            {
                "source": each.source,
                "as_of": each.as_of and each.as_of.astimezone(snapshot.zone),
                "last_file_at": each.last_file_at and each.last_file_at.astimezone(snapshot.zone),
                "expected_every_hours": each.expected_every_hours,
                "late": each.is_late,
            }
            for each in manifest.sources
        ],
        "checks": {
            "passed": manifest.checks.passed,
            "failed": [
                {
                    "table": each.table,
                    "column": each.column,
                    "expectation": each.expectation,
                    "why": each.why,
                    "severity": each.severity,
                    "kpis": each.kpis,
                }
                for each in manifest.checks.failed
            ],
        },
        "kpis": {
            state: sum(row["n"] for row in states if row["state"] == state) for state in ("ready", "biased", "withheld")
        },
        "quarantined": quarantined,
        "visits": visits,
        "waiting": waiting,
        "late": [each.source for each in manifest.sources if each.is_late],
        "followed": _followed(snapshot),
        "incidents": _incidents(snapshot),
    }
    if as_format == "json":
        print_json(document)
    else:
        _say_status(snapshot, document)


def _incidents(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Those that are open at the data cut, and those of the seven days before it, the newest first."""
    if not any(table.name == "interface_incident" for table in snapshot.tables()):
        return []
    rows = snapshot.rows(
        """
        select source, channel, destination, kind, is_open, started_at, restored_at, minutes, messages_affected, seen, expected
        from incident
        where is_open or ended_at >= $as_of::timestamptz - interval 7 day
        order by is_open desc, started_at desc, source, channel
        """,
        {"as_of": snapshot.as_of},
        incident="interface_incident",
    )
    times = ("started_at", "restored_at")
    return [row | {name: row[name] and row[name].astimezone(snapshot.zone) for name in times} for row in rows]


def _say_incidents(rows: list[dict[str, Any]], snapshot: Snapshot) -> None:
    """One line each."""
    from models import wording

    for each in rows:
        said = wording.incident(each["kind"], each["minutes"], each["seen"], each["expected"])
        to = f" to {each['destination']}" if each["destination"] else ""
        still = ", still open" if each["is_open"] else ""
        click.echo(
            f"{local(each['started_at'], snapshot.zone)}  {each['channel']}{to} ({each['source']}): {said}{still}"
        )


def _followed(snapshot: Snapshot) -> list[dict[str, Any]]:
    from pipelines.lateness import followed

    last_read = {each.source: each.last_file_at for each in snapshot.manifest.sources}
    return [
        {
            "source": each.source,
            "files": each.files,
            "last_written_at": each.last_written_at and each.last_written_at.astimezone(snapshot.zone),
            "last_read_at": each.last_read_at and each.last_read_at.astimezone(snapshot.zone),
            "behind_seconds": round(each.behind_seconds),
        }
        for each in followed(call_of().settings(), last_read)
    ]


def _say_status(snapshot: Snapshot, document: dict[str, Any]) -> None:
    from models import wording

    kpis = document["kpis"]
    click.echo(f"Snapshot  {document['snapshot']}")
    click.echo(
        f"Data to   {local(document['as_of'], snapshot.zone)}, published {local(document['published_at'], snapshot.zone)}"
    )
    click.echo(
        f"KPIs      {kpis['ready']} ready, {kpis['biased']} biased, {kpis['withheld']} withheld (`wardflow readiness` says why)"
    )
    click.echo(f"Late      {', '.join(document['late']) or 'nothing'}")
    click.echo()
    print_table(
        ["source", "data to", "last file", "expected every", "late"],
        [
            [
                each["source"],
                local(each["as_of"], snapshot.zone),
                local(each["last_file_at"], snapshot.zone),
                f"{each['expected_every_hours']:g} h" if each["expected_every_hours"] else None,
                each["late"],
            ]
            for each in document["sources"]
        ],
    )
    if document["followed"]:
        click.echo()
        print_table(
            ["followed", "files", "last written", "last read", "behind"],
            [
                [
                    each["source"],
                    each["files"],
                    local(each["last_written_at"], snapshot.zone),
                    local(each["last_read_at"], snapshot.zone),
                    wording.duration(each["behind_seconds"] / 60) if each["behind_seconds"] else "nothing waits",
                ]
                for each in document["followed"]
            ],
        )
    if document["incidents"]:
        n_open = sum(each["is_open"] for each in document["incidents"])
        click.echo()
        click.echo(f"Incidents of the last 7 days ({n_open} still open; `wardflow interfaces` has all):")
        _say_incidents(document["incidents"], snapshot)
    click.echo()
    click.echo(f"Checks: {document['checks']['passed']:,} passed, {len(document['checks']['failed'])} failed")
    for each in document["checks"]["failed"]:
        click.echo(f"  {each['severity']}  {each['table']}: {each['expectation']}. {each['why']}")
    for source in dict.fromkeys(each["source"] for each in document["visits"]):
        said = ", ".join(
            f"{each['class_code'] or 'no class'} {each['visit_kind']} {each['n']:,}"
            for each in document["visits"]
            if each["source"] == source
        )
        click.echo(f"Visits of {source} by class: {said}")
    for each in document["waiting"]:
        click.echo(f"Waiting: {wording.waiting(each['source'], each['encounters_waiting'], each['files_missing'])}")
    for each in document["quarantined"]:
        click.echo(f"Quarantine: {each['lines']:,} lines of {each['source']} (`wardflow ledger` says why)")


@click.command()
@click.option("--facility", help="One facility instead of all together.")
@weeks_option
@format_option
@role_option
@home_options
def readiness(facility: str | None, weeks: str, as_format: str) -> None:
    """Say of each KPI whether it is ready, biased or withheld, and why.

    \b
    Example: wardflow readiness
             wardflow readiness --facility "Northfield General" --weeks 13
    """
    from models.kpis import KPIS

    snapshot = open_snapshot()
    rows = {row["kpi"]: row for row in snapshot.rows(
        f"select kpi, state, why, inputs from ready where facility is not distinct from $facility and {_in_window('ready')}",
        {"facility": facility, **_window(weeks)},
        ready="readiness",
    )}  # fmt: skip
    if not rows:
        _no_such(
            "facility",
            facility,
            snapshot.rows("select distinct facility as name from ready where facility is not null", ready="readiness"),
        )
    document = [
        {
            "kpi": kpi_id,
            "state": rows[kpi_id]["state"],
            "why": rows[kpi_id]["why"],
            "inputs": [
                {name: each[name] for name in ("table", "column", "completeness")}
                for each in json.loads(rows[kpi_id]["inputs"])
            ],
        }
        for kpi_id in KPIS
        if kpi_id in rows
    ]
    if as_format == "json":
        print_json(document)
        return
    click.echo(f"Data to {local(snapshot.as_of, snapshot.zone)}")
    for each in document:
        click.echo(f"{each['state']:<9} {each['kpi']}")
        for why in each["why"]:
            click.echo(f"          {why}")


@click.command()
@weeks_option
@format_option
@role_option
@home_options
def interfaces(weeks: str, as_format: str) -> None:
    """Show each interface channel: volume, failures, retries, dead letters, queue, latencies, last seen, silent or not.

    `silent`, `last_seen_at`, the queue and the open dead letters are as of the data cut. `silence_basis` says whether the longest
    silence is registered or learned; `ack_unknown` and `hop_unknown` count those of `delivered` whose latency nobody can know.
    `incidents` are what the data show in the window (silent, outage, retry_storm, error_burst, backlog, latency_shift,
    schema_drift), and the decision journal's entries about the channel (kind decision). `detected_at` is when the rules could
    first have known, `restored_at` is null while an incident is open.

    \b
    Example: wardflow interfaces --weeks 4
             wardflow interfaces --format json
    """
    snapshot = open_snapshot()
    rows = snapshot.rows(
        f"select * from channel where {_in_window('channel')} order by facility, source, channel",
        _window(weeks),
        channel="interface_channel",
    )
    decisions = snapshot.rows(
        "select decided_at, actor, action, subject, facility, why from entry where subject_kind = 'interface' order by decided_at",
        entry="decision",
    )
    happened = snapshot.rows(
        "select incident.* from incident where exists (select 1 from channel where channel.source = incident.source and "
        f"channel.channel = incident.channel and {_in_window('channel')} and incident.ended_date >= channel.period "
        "and incident.started_date < channel.period_end) or $grain = 'all' order by started_at, kind",
        _window(weeks),
        incident="interface_incident",
        channel="interface_channel",
    )
    from models import wording

    document = [_channel(row, decisions, happened, snapshot) for row in rows]
    if as_format == "json":
        print_json(document)
        return
    click.echo(
        f"Data to {local(snapshot.as_of, snapshot.zone)}; {'all time' if weeks == 'all' else f'last {weeks} whole weeks'}"
    )
    print_table(
        ["facility", "channel", "messages", "failed first", "failed", "retried", "dead", "queued", "ack p95", "last seen", "silent"],
        [
            [
                each["facility"], each["flow"], each["messages"], each["failed_first"], each["failed_final"], each["retried"],
                each["dead_lettered"], each["queue_depth"], wording.milliseconds(each["ack_p95_ms"]),
                local(each["last_seen_at"], snapshot.zone), each["silent"],
            ]
            for each in document
        ],
        right=frozenset(range(2, 9)),
    )  # fmt: skip
    _say_incidents(happened[::-1], snapshot)


def _channel(
    row: dict[str, Any], decisions: list[dict[str, Any]], happened: list[dict[str, Any]], snapshot: Snapshot
) -> dict[str, Any]:
    last_seen = row["last_seen_at"]
    found = [
        {
            **{
                name: each[name] for name in ("kind", "destination", "minutes", "messages_affected", "seen", "expected")
            },
            **{
                name: each[name] and each[name].astimezone(snapshot.zone)
                for name in ("started_at", "detected_at", "restored_at")
            },
        }
        for each in happened
        if (each["source"], each["channel"]) == (row["source"], row["channel"])
    ]
    about = [
        each for each in decisions if each["subject"] == row["channel"] and each["facility"] in {None, row["facility"]}
    ]
    return {
        "flow": row["channel"],
        "source": row["source"],
        "facility": row["facility"],
        **{name: int(row[name]) for name in CHANNEL_COUNTS},
        **{name: row[name] for name in CHANNEL_TIMES},
        "last_seen_at": last_seen and last_seen.astimezone(snapshot.zone),
        "last_message_at": row["last_message_at"] and row["last_message_at"].astimezone(snapshot.zone),
        "silent": bool(row["silent"]),
        "seen": row["is_seen"],
        "registered": row["is_registered"],
        "owner": row["owner"],
        "incidents": [
            *found,
            *(
                {"kind": "decision", **{name: each[name] for name in ("decided_at", "actor", "action", "why")}}
                for each in about
            ),
        ],
    }


def _in_window(table: str) -> str:
    """The condition that picks one published window: the newest of that many days, or all time."""
    newest = f"(select max(period_end) from {table} where grain = 'window')"
    return f"grain = $grain and ($days is null or (period_end - period = $days and period_end = {newest}))"


def _window(weeks: str) -> dict[str, object]:
    return {"grain": "all", "days": None} if weeks == "all" else {"grain": "window", "days": int(weeks) * 7}


def _no_such(what: str, given: str | None, known: list[dict[str, Any]]) -> None:
    names = ", ".join(sorted(row["name"] for row in known))
    raise WrongUse(f"There is no {what} {given!r}. Known: {names or 'none'}.")
