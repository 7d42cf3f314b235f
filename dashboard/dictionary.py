"""What each number and table means, found by words: from the declarations and the generated data dictionary."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from models.dictionary import PATH
from models.kpi import Kpi
from models.kpis import KPIS
from models.publication import Manifest
from models.published import MEANINGS, TABLES

LAYERS = ("marts", "staging")


@dataclass(frozen=True)
class Entry:
    """One table of the dictionary: what a row of it is, and its columns as name, type and meaning."""

    name: str
    says: str
    columns: tuple[tuple[str, str, str], ...]


def kpis(words: str) -> list[Kpi]:
    """The KPIs that say all of these words somewhere in their declaration; all of them for no word."""
    return [kpi for kpi in KPIS.values() if _has(words, _spoken(kpi))]


def tables(words: str) -> list[Entry]:
    """The tables that hold all of these words in their name, description or columns."""
    return [
        entry
        for entry in entries().values()
        if _has(words, (entry.name, entry.says, *(part for column in entry.columns for part in column)))
    ]


def rows_of(found: Manifest, entry: Entry) -> int | None:
    """How many rows of it are published; null when it is not."""
    name = entry.name.removeprefix("marts.")
    return found.tables[name].rows if name in found.tables else None


@cache
def entries() -> dict[str, Entry]:
    """The tables by name: what is published as totals, then the generated dictionary, which the tests keep fresh."""
    found = {
        name: Entry(name, grain, tuple((column, "", MEANINGS[column]) for column in columns.split()))
        for name, (grain, columns) in TABLES.items()
    }
    for section in PATH.read_text(encoding="utf-8").split("\n### ")[1:]:
        name, _, body = section.partition("\n")
        if name.split(".")[0] in LAYERS:
            says = next(line for line in body.splitlines() if line)
            cells = [_cells(line) for line in body.splitlines() if line.startswith("| `")]
            found[name] = Entry(name, says, tuple((c[0], c[1], c[2]) for c in cells))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "").replace("\\|", "|") for cell in line.strip("|").split(" |")] + ["", ""]


def _spoken(kpi: Kpi) -> tuple[str, ...]:
    return (kpi.id, kpi.title, kpi.short_title, kpi.definition, kpi.source, kpi.owner, kpi.mart, *kpi.caveats)


def _has(words: str, texts: Iterable[str]) -> bool:
    text = " ".join(texts).lower()
    return all(word in text for word in words.lower().split())
