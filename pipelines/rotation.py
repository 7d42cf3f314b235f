"""Replacing the site key: the warehouse is built anew from the delivered files under a new key, compared, and swapped.

Keyed hashes cannot be turned into others, so the files are read again. Steps, each of which may be the last before a
crash: (1) build and compare `rotation/warehouse.duckdb` in the home; (2) write the next key beside the key file; (3)
put the new warehouse in the old one's place; (4) lay the former key aside and put the next one in its place; (5) clear
up. Until 3 the former warehouse and key are the pair; from 3 on the new warehouse and the next key are, and
`warehouse.connect` does step 4 when it finds it undone. Here: the order and the comparison. Not here: key files
(`keys`), reading files (`intake`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl
from pydantic import SecretStr

from models.catalog import build_order, tables
from models.kpis import KPIS
from pipelines import due, durable, intake, keys, warehouse
from pipelines.aggregates import aggregate
from pipelines.append import append_line
from pipelines.build import build, data_cut
from pipelines.carrying_over import carried_over
from pipelines.errors import ConfigurationError, PipelineError
from pipelines.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import duckdb

    from pipelines.home import Home
    from pipelines.settings import Settings

_NAMED = 3
_KEYED_NAME = r" [0-9a-f]{8}$"
"""How the name ends that an engine's record is given by its key, where its own may be a person's: another under another key."""
_DIGITS = 9
_READ = (*SOURCES, "manifest")


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation did. `former` is where the former key lies, null where it is gone or in the environment.

    `finished_earlier`: it only finished one that had been cut off after the new warehouse was in place. `decisions` were about
    exceptions and cases and stand in the journal under their new numbers too; `decisions_left` only under former ones.
    """

    finished_earlier: bool
    files: int = 0
    rows: int = 0
    kpis: int = 0
    decisions: int = 0
    decisions_left: int = 0
    former: Path | None = None


@dataclass(frozen=True)
class _Account:
    """What two warehouses of the same files have in common whatever their key: lines by source, rows by table, KPI values."""

    lines: dict[tuple[str, str, str | None], tuple[int, ...]]
    files: int
    rows: dict[str, int]
    values: pl.DataFrame


def rotate(
    home: Home,
    settings: Settings,
    *,
    zone: str | None = None,
    keep_former: bool = True,
    say: Callable[[str], None] = lambda _step: None,
) -> Rotation:
    """Give the home a new site key; the caller holds `Home.lock`. The next run publishes under the new key.

    The new key is random; where the key comes from WARDFLOW_SITE_KEY it is WARDFLOW_NEW_SITE_KEY. `zone` reads logs
    without offsets that were once taken in with one.

    Raises:
        ConfigurationError: WARDFLOW_NEW_SITE_KEY is missing, too short or the key itself.
        PipelineError: a delivered file is gone, or the new warehouse is not the same; the former pair stays in use.
    """
    if _finish(home, settings):
        return Rotation(finished_earlier=True, former=_former(settings))
    if not home.warehouse_path.exists():
        raise PipelineError(
            f"{home.path} holds no warehouse yet, so there is nothing to rotate. Run `wardflow run` first."
        )
    key = _next_key(settings)
    shutil.rmtree(home.rotation, ignore_errors=True)
    try:
        say("reading the account")
        with warehouse.connect(settings) as db:
            deliveries = _deliveries(db, home)
            before = _account(db, settings, say)
        home.rotation.mkdir(mode=0o700)
        target = home.rotation / home.warehouse_path.name
        following = settings.model_copy(update={"site_key": SecretStr(key.decode())})
        with warehouse.connect(following, path=target) as db:
            _fill(db, following, deliveries, zone, say)
            after = _account(db, following, say)
            say("comparing")
            _compare(before, after)
            _attach(db, home)
            _keep_times(db)
            carried = carried_over(db, home.decisions_path)
            db.execute("detach former")
            db.execute("checkpoint")
    except BaseException:
        shutil.rmtree(home.rotation, ignore_errors=True)
        raise
    for line in carried.lines:  # before the swap: of a rotation that stops here they are numbers that nothing has
        append_line(home.decisions_path, line)
    former = _swap(home, settings, target, key, keep_former=keep_former, say=say)
    return Rotation(
        finished_earlier=False,
        files=after.files,
        rows=sum(after.rows.values()),
        kpis=after.values["kpi"].n_unique(),
        decisions=len(carried.lines),
        decisions_left=carried.left,
        former=former,
    )


def _finish(home: Home, settings: Settings) -> bool:
    """Finish a rotation that was cut off after the new warehouse was in place; forget one that was cut off before."""
    if settings.site_key is not None or keys.staged(settings) is None:
        return False
    warehouse.connect(settings).close()
    unfinished = keys.staged_path(settings).exists()
    keys.staged_path(settings).unlink(missing_ok=True)
    shutil.rmtree(home.rotation, ignore_errors=True)
    return not unfinished


def _former(settings: Settings) -> Path | None:
    found = sorted(former_keys(settings), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def former_keys(settings: Settings) -> list[Path]:
    """Key files that rotations have laid aside, by name."""
    return sorted(settings.key_path.parent.glob(f"{settings.key_path.name}.former-*"))


def _next_key(settings: Settings) -> bytes:
    if settings.site_key is None:
        return keys.new()
    following = keys.staged(settings)
    if following is None:
        raise ConfigurationError(
            "The site key comes from WARDFLOW_SITE_KEY, so the next one must too. Set WARDFLOW_NEW_SITE_KEY and run this again."
        )
    if len(following) < keys.SHORTEST_KEY or following == keys.load(settings):
        raise ConfigurationError(
            f"WARDFLOW_NEW_SITE_KEY must be another key than WARDFLOW_SITE_KEY, of {keys.SHORTEST_KEY} bytes or more. Choose another."
        )
    return following


def _deliveries(db: duckdb.DuckDBPyConnection, home: Home) -> list[tuple[str, Path]]:
    """Source and file of everything ever taken in, each once, in that order.

    Raises:
        PipelineError: some are gone, and no other delivered file holds the same bytes.
    """
    rows = db.execute(
        "select source, path, sha256 from account.file where list_contains($kinds, kind) order by file_id",
        {"kinds": list(_READ)},
    ).fetchall()
    places = {path: home.path.absolute() / path.partition("!/")[0] for _, path, _ in rows}
    covered = {sha256 for _, path, sha256 in rows if places[path].exists()}
    gone = list(dict.fromkeys(path for _, path, sha256 in rows if sha256 not in covered))
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise PipelineError(
            f"{', '.join(gone[:_NAMED])}{more}: no longer there, and a hash cannot be turned into another. "
            "Restore what was delivered, then rotate the key; nothing was changed."
        )
    return list(dict.fromkeys((source, places[path]) for source, path, _ in rows if places[path].exists()))


def _fill(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    deliveries: Sequence[tuple[str, Path]],
    zone: str | None,
    say: Callable[[str], None],
) -> None:
    for source, group in groupby(deliveries, key=lambda delivery: delivery[0]):
        say(f"reading {source} again")
        intake.ingest_paths(db, settings, [path for _, path in group], source=source, zone=zone)


def _account(db: duckdb.DuckDBPyConnection, settings: Settings, say: Callable[[str], None]) -> _Account:
    """Build every table from what the warehouse holds, and sum it up."""
    due.take_in_decided(db, settings)
    lines = db.execute(
        """
        select source, kind, resource_type, sum(lines_read)::bigint, sum(loaded)::bigint, sum(unchanged)::bigint,
            sum(superseded)::bigint, sum(ignored)::bigint, sum(quarantined)::bigint, count(*)
        from account.file where list_contains($kinds, kind) group by all
        """,
        {"kinds": list(_READ)},
    ).fetchall()
    values = pl.DataFrame(schema=aggregate.VALUE_SCHEMA)
    if lines:
        say("building every table")
        for table in build_order():
            build(db, settings, table)
        say("computing every KPI")
        values = _values(db, settings)
    counted = db.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where list_contains(['raw', 'staging', 'marts'], schema_name)"
    ).fetchall()
    return _Account(
        {(source, kind, resource): tuple(counts) for source, kind, resource, *counts, _ in lines},
        sum(row[-1] for row in lines),
        {name: due.row_count(db, name) for (name,) in counted},
        values,
    )


def _values(db: duckdb.DuckDBPyConnection, settings: Settings) -> pl.DataFrame:
    cuts = {table.name: data_cut(db, settings, [table.full_name]) for table in tables() if table.layer == "marts"}
    spans = aggregate.window_list(max(cuts.values()))
    # An empty mart says nothing that its number of rows does not, and that is compared before.
    filled = {name for name in cuts if due.row_count(db, f"marts.{name}")}
    found = aggregate.inputs(db, [kpi for kpi in KPIS.values() if kpi.mart in filled], cuts)
    nothing = pl.DataFrame(schema=aggregate.VALUE_SCHEMA)
    values = pl.concat([nothing, *(aggregate.kpi_values(each, spans) for each in found)])
    rounded = values.with_columns(
        pl.col(pl.Float64).round_sig_figs(_DIGITS),  # sums depend on the order of rows
        pl.col("facility", "unit").str.replace(_KEYED_NAME, ""),
    )
    return rounded.sort(pl.all(), nulls_last=True)


def _compare(before: _Account, after: _Account) -> None:
    """Raise where the new warehouse is not the same. A file that grew was booked each time it had; now it is booked once."""
    loaded = {key: counts[1] for key, counts in before.lines.items()} == {
        key: counts[1] for key, counts in after.lines.items()
    }
    differing = [name for name, rows in before.rows.items() if after.rows.get(name) != rows]
    if not loaded or (before.files == after.files and before.lines != after.lines):
        found = [key[0] for key in before.lines if before.lines.get(key) != after.lines.get(key)]
        what = f"the account of {min(found) if found else 'a source'} differs"
    elif differing:
        name = min(differing)
        what = f"{name} has {after.rows.get(name, 0)} rows instead of {before.rows[name]}"
    elif not before.values.equals(after.values):
        changed = before.values.join(after.values, on=before.values.columns, how="anti", nulls_equal=True)
        what = f"KPI values differ ({changed['kpi'][0] if len(changed) else 'new values'})"
    else:
        return
    raise PipelineError(
        f"Read again, the delivered files do not give the same warehouse: {what}. A file may have been replaced since it was taken in. "
        "The former key and warehouse stay in use; restore what was delivered and rotate again."
    )


def _attach(db: duckdb.DuckDBPyConnection, home: Home) -> None:
    db.execute(f"attach '{str(home.warehouse_path).replace(chr(39), chr(39) * 2)}' as former (read_only)")


def _keep_times(db: duckdb.DuckDBPyConnection) -> None:
    """When each file was first taken in stays what it was."""
    db.execute(
        """
        update account.file set ingested_at = former.ingested_at
        from (
            select source, path, sha256, min(ingested_at) as ingested_at from former.account.file group by all
        ) as former
        where file.source = former.source and file.path = former.path and file.sha256 = former.sha256
        """
    )


def _swap(
    home: Home, settings: Settings, target: Path, key: bytes, *, keep_former: bool, say: Callable[[str], None]
) -> Path | None:
    for path in (home.warehouse_path, target):
        if path.with_name(f"{path.name}.wal").exists():
            raise PipelineError(
                f"{path} is not closed cleanly: its .wal is there. Run `wardflow status`, then rotate again."
            )
    from_file = settings.site_key is None
    if from_file:
        say("keeping the next key ready")
        keys.stage(settings, key)
    say("swapping the warehouse")
    durable.replace(target, home.warehouse_path)
    say("swapping the key")
    former = keys.promote(settings, keep_former=keep_former) if from_file else None
    say("clearing up")
    shutil.rmtree(home.rotation, ignore_errors=True)
    return former
