"""The tables this project builds, found by reading `models/sql`. Nothing here runs a query on data.

A table is one `.sql` file holding one `select`. Its name is its path: `sql/marts/ed_attendance.sql` builds
`marts.ed_attendance`. What it reads, and which parameters it binds, is taken from the query, never declared twice.
The leading comment block is its documentation: the first line is the grain, then what a reader must know; lines of the
form `column: meaning` document columns.
"""

import re
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from models.errors import BadDeclaration, did_you_mean

SQL_ROOT = Path(__file__).parent / "sql"
LAYERS = ("raw", "staging", "marts")

_GRAIN = re.compile(r"^Grain: (?P<grain>one row per .+\.)$")
_COLUMN = re.compile(r"^(?P<column>[a-z][a-z0-9_]*): (?P<meaning>.+)$")
_ALIAS = re.compile(r" AS .*$")  # DuckDB 2.0 names a table as the query does: staging."order" AS requested
_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Table:
    """One table that the pipeline builds: `create table <full_name> as <query>`."""

    layer: str
    name: str
    query: str
    reads: frozenset[str]
    parameters: frozenset[str]

    @property
    def full_name(self) -> str:
        """Layer and name, as the warehouse knows it."""
        return f"{self.layer}.{self.name}"

    @property
    def comments(self) -> tuple[str, ...]:
        """The leading comment block, line by line, without its dashes."""
        lines: list[str] = []
        for line in self.query.splitlines():
            if not line.startswith("--"):
                break
            lines.append(line.removeprefix("--").strip())
        return tuple(lines)

    @property
    def grain(self) -> str:
        """What one row is: "one row per …"."""
        found = _GRAIN.match(self.comments[0]) if self.comments else None
        if found is None:
            raise BadDeclaration(
                f"The query of {self.full_name} does not open with its grain. "
                "Make its first line: -- Grain: one row per …"
            )
        return found["grain"]

    @property
    def description(self) -> str:
        """What a reader must know, as one paragraph; the grain and the columns' own lines are not in it."""
        return " ".join(line for line in self.comments[1:] if line and not _COLUMN.match(line))

    @property
    def column_notes(self) -> dict[str, str]:
        """The meaning of the columns that the comments explain."""
        found = (_COLUMN.match(line) for line in self.comments[1:])
        return {match["column"]: match["meaning"] for match in found if match}


def read_table(path: Path) -> Table:
    """The table that one `.sql` file builds."""
    query = path.read_text(encoding="utf-8")
    code = re.sub(r"--[^\n]*", "", query)
    with duckdb.connect() as parser:
        found = parser.get_table_names(_PARAMETER.sub("null", code), qualified=True)  # refuses unbound ones
    reads = frozenset(_ALIAS.sub("", name).replace('"', "") for name in found)
    return Table(path.parent.name, path.stem, query, reads, frozenset(_PARAMETER.findall(code)))


@cache
def tables() -> tuple[Table, ...]:
    """Every table, by layer and name."""
    return tuple(read_table(path) for path in sorted(SQL_ROOT.glob("*/*.sql")))


def find_table(full_name: str) -> Table:
    """The table with this layer and name.

    Raises:
        BadDeclaration: no file builds it.
    """
    known = {table.full_name: table for table in tables()}
    if full_name not in known:
        raise BadDeclaration(f"No file in models/sql builds {full_name!r}.{did_you_mean(full_name, known)}")
    return known[full_name]


def build_order() -> tuple[Table, ...]:
    """Every table after all tables that it reads."""
    known = {table.full_name: table for table in tables()}
    order = TopologicalSorter({name: sorted(table.reads & known.keys()) for name, table in known.items()})
    return tuple(known[name] for name in order.static_order())


def upstream(full_name: str) -> frozenset[str]:
    """Every table, raw ones included, that a table is made from, itself included."""
    known = {table.full_name: table for table in tables()}
    found: set[str] = set()
    waiting = [full_name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(known[name].reads if name in known else ())
    return frozenset(found)
