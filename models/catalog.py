"""The tables this project builds, found by reading `models/sql`. Nothing here runs a query on data.

A table is one `.sql` file holding one `select`. Its name is its path: `sql/marts/ed_attendance.sql` builds
`marts.ed_attendance`. What it reads, and which parameters it binds, is taken from the query, never declared twice.
The leading comment block is its documentation: the first line is the grain, then what a reader must know; lines of the
form `column: meaning` (or `one, other: meaning`) document columns, until the sentence ends.
A line `Looked up in identity: a_key, b_keys.` names columns that hold references:
the table is the query with each of them replaced by what it stands for in `staging.identity`, so that no staging file
repeats that join. A line that begins `Not published: ` says of a
mart why it stays in the warehouse: it is a step on the way to others.
"""

import re
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from models import times
from models.errors import BadDeclaration, did_you_mean

SQL_ROOT = Path(__file__).parent / "sql"
WHO_IS_WHO = frozenset({"staging.patient_merge"})
"""What an engine's log says of patients; it renames keys everywhere, and makes no other table newer or of another kind."""
LAYERS = ("raw", "staging", "marts")

_GRAIN = re.compile(r"^Grain: (?P<grain>one row per .+\.)$")
_NAMES = r"[a-z][a-z0-9_]*(?:(?:, | and )[a-z][a-z0-9_]*)*"
_COLUMN = re.compile(rf"^(?P<columns>{_NAMES}): (?P<meaning>.+)$")
_NEXT_COLUMN = re.compile(rf"(?<=\.) (?={_NAMES}: )")
_ALIAS = re.compile(r" AS .*$")  # DuckDB 2.0 names a table as the query does: staging."order" AS requested
_LOOKED_UP = re.compile(r"^-- Looked up in identity: (?P<columns>[a-z_, ]+)\.$", re.MULTILINE)
_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Table:
    """One table that the pipeline builds: `create table <full_name> as <query>`, or the view of that query."""

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
    def is_view(self) -> bool:
        """Whether it is worked out where it is read, and stored nowhere: its comments say that it is kept as a view."""
        return any(line.startswith("Kept as a view") for line in self.comments)

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
    def is_published(self) -> bool:
        """Whether a snapshot holds it: every mart that does not say why it is only a step on the way to others."""
        return self.layer == "marts" and not any(line.startswith("Not published: ") for line in self.comments)

    @property
    def description(self) -> str:
        """What a reader must know, as one paragraph; the grain and the columns' own lines are not in it."""
        return self._documented[0]

    @property
    def column_notes(self) -> dict[str, str]:
        """The meaning of the columns that the comments explain."""
        return self._documented[1]

    @property
    def _documented(self) -> tuple[str, dict[str, str]]:
        """The comments after the grain, told apart. A line goes on with the column before it until that one's sentence has ended."""
        items: list[str] = []
        for line in filter(None, self.comments[1:]):
            is_more = items and _COLUMN.match(items[-1]) and not items[-1].endswith(".") and not _COLUMN.match(line)
            items = [*items[:-1], f"{items[-1]} {line}"] if is_more else [*items, line]
        notes: dict[str, str] = {}
        for item in items:
            parts = _NEXT_COLUMN.split(item) if _COLUMN.match(item) else []
            for found in filter(None, map(_COLUMN.match, parts)):
                notes |= dict.fromkeys(re.split(r", | and ", found["columns"]), found["meaning"])
        return " ".join(item for item in items if not _COLUMN.match(item)), notes


def read_table(path: Path, parser: duckdb.DuckDBPyConnection) -> Table:
    """The table that one `.sql` file builds; `parser` is a `new_parser`."""
    query = _with_lookups(path.read_text(encoding="utf-8"))
    code = re.sub(r"--[^\n]*", "", query)
    found = parser.get_table_names(_PARAMETER.sub("null", code), qualified=True)  # refuses unbound ones
    reads = frozenset(_ALIAS.sub("", name).replace('"', "") for name in found)
    return Table(path.parent.name, path.stem, query, reads, frozenset(_PARAMETER.findall(code)))


def new_parser() -> duckdb.DuckDBPyConnection:
    """A database without a table, which only parses. Opening one takes as long as parsing a hundred queries: open one for all."""
    parser = duckdb.connect()
    for macro in times.MACROS:
        parser.execute(macro)
    return parser


def _with_lookups(query: str) -> str:
    """The query with the columns that its header names looked up in `staging.identity`; the comments stay in front."""
    named = _LOOKED_UP.search(query)
    if named is None:
        return query
    code = re.sub(r"\A(?:--[^\n]*\n)+", "", query)
    columns = named["columns"].split(", ")
    values = [
        f"coalesce({name}_found.{'keys' if name.endswith('_keys') else 'key'}, as_sent.{name}) as {name}"
        for name in columns
    ]
    lists = "".join(_LIST_LOOKUP.format(name=name) for name in columns if name.endswith("_keys"))
    joins = (
        f"left join {name}_found on {name}_found.keys_sent = as_sent.{name}"
        if name.endswith("_keys")
        else f"left join staging.identity as {name}_found on {name}_found.alias_key = as_sent.{name}"
        for name in columns
    )
    comments = query.removesuffix(code)
    return (
        f"{comments}with as_sent as (\n{code}){lists}\nselect as_sent.* replace ({', '.join(values)})\nfrom as_sent\n"
        + "\n".join(joins)
    )


_LIST_LOOKUP = """, {name}_found as (
    select
        sent.keys_sent,
        list(coalesce(identity.key, sent.key_sent) order by sent.place) as keys
    from (
        select
            {name} as keys_sent,
            unnest({name}) as key_sent,
            generate_subscripts({name}, 1) as place
        from (select distinct {name} from as_sent where len({name}) > 0)
    ) as sent
    left join staging.identity as identity
        on identity.alias_key = sent.key_sent
    group by sent.keys_sent
    having count(identity.key) > 0
)"""
"""What a list of keys stands for, of those lists only of which some key does."""


@cache
def tables() -> tuple[Table, ...]:
    """Every table, by layer and name."""
    with new_parser() as parser:
        return tuple(read_table(path, parser) for path in sorted(SQL_ROOT.glob("*/*.sql")))


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


@cache
def upstream(full_name: str, *, without: frozenset[str] = frozenset()) -> frozenset[str]:
    """Every table, raw ones included, that a table is made from, itself included; `without` are not followed."""
    known = {table.full_name: table for table in tables()}
    found: set[str] = set()
    waiting = [full_name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(known[name].reads - without if name in known else ())
    return frozenset(found)
