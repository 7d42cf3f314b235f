"""Two sources that read the same Mirth server: every delivery of it would stand twice, so that nothing is published.

Here: noticing it, and one line with the cure. Not here: the check that stops the publication (`data_quality.interface_marts`). Mirth
makes the ids of its channels up at random; other engines know channels by names, which two of them may share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_TWICE = r"""
    select sources, count(*) as channels
    from (
        select list_sort(list(distinct source)) as sources
        from staging.flow_channel
        where regexp_full_match(flow_id, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
        group by flow_id
        having count(distinct source) > 1
    )
    group by sources
    order by channels desc, sources
    limit 1
"""


def told(db: duckdb.DuckDBPyConnection) -> str | None:
    """Which sources bring the same channels, and the cure, in one line; null when none do, or nothing was built yet."""
    there = db.execute(
        "select 1 from duckdb_tables() where schema_name = 'staging' and table_name = 'flow_channel'"
    ).fetchall()
    found = db.execute(_TWICE).fetchall() if there else []
    if not found:
        return None
    sources, channels = found[0]
    names = " and ".join(repr(name) for name in sources)
    same = "the same channel" if channels == 1 else f"the same {channels} channels"
    return (
        f"The sources {names} bring {same} of one Mirth server, so that its deliveries stand twice. Name the server in one source of "
        "wardflow.toml, remove warehouse.duckdb, and run `wardflow run` to read everything again."
    )
