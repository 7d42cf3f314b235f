"""Errors the analytic core raises, and nothing else.

Every message gives the value, the rule it broke and the cure, on one line. They are caught only at the edges
(asset, page, command), where a person sees that line.

* ModelError
  x UnknownKpi
  x UnknownDimension
  x UnknownRole
  x ZoneMissing
  x BadDeclaration
  x BadSeries
  * PublicationError
    x NothingPublished
    x UnreadableManifest
    x UnknownTable
  x BadJournalEntry
"""

from collections.abc import Collection
from difflib import get_close_matches


class ModelError(Exception):
    """Base class: catch this to handle any mistake in a request to the core."""


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The cure for a mistyped name: the nearest known one, else the whole list."""
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(sorted(known))}."


class UnknownKpi(ModelError):
    """A KPI id that no declaration carries."""

    def __init__(self, kpi_id: str, known: Collection[str]) -> None:
        super().__init__(f"There is no KPI {kpi_id!r}.{did_you_mean(kpi_id, known)}")


class UnknownDimension(ModelError):
    """A breakdown or filter that the KPI does not declare."""

    def __init__(self, dimension: str, kpi_id: str, known: Collection[str]) -> None:
        super().__init__(f"KPI {kpi_id!r} cannot be broken down by {dimension!r}.{did_you_mean(dimension, known)}")


class UnknownRole(ModelError):
    """A role that no audience is granted to."""

    def __init__(self, role: str, known: Collection[str]) -> None:
        super().__init__(f"There is no role {role!r}.{did_you_mean(role, known)}")


class ZoneMissing(ModelError):
    """A data cut without the hospital's calendar: local midnights cannot be placed."""

    def __init__(self, as_of: object) -> None:
        super().__init__(
            f"The data cut {as_of} carries no named time zone, so the ends of local days are unknown. "
            "Give it the hospital's zone: as_of.astimezone(ZoneInfo(zone))."
        )


class BadDeclaration(ModelError):
    """A KPI declaration or SQL file that breaks a rule of this project."""


class BadSeries(ModelError):
    """A series of which no control chart can be drawn."""


class PublicationError(ModelError):
    """What was published cannot be read."""


class NothingPublished(PublicationError):
    """The home holds no snapshot yet."""

    def __init__(self, published: object) -> None:
        super().__init__(f"Nothing is published in {published}. Run `wardflow run` to publish a first snapshot.")


class UnreadableManifest(PublicationError):
    """A manifest that is damaged or from an unknown version of Wardflow."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"The manifest {path} cannot be read: {reason}. Run `wardflow run` to publish again.")


class UnknownTable(PublicationError):
    """A table that the snapshot does not name."""

    def __init__(self, table: str, known: Collection[str]) -> None:
        super().__init__(f"The snapshot holds no table {table!r}.{did_you_mean(table, known)}")


class BadJournalEntry(ModelError):
    """A decision or access entry that breaks a rule of the journal."""
