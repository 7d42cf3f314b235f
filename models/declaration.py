"""The shape of a KPI's declaration, and of a question asked about one. No arithmetic and no KPI is here.

A declaration (in `models.kpis`) is read by the pipeline that publishes the number, the tests that pin it, the data
dictionary that explains it, the command line and the page that draws it. `models.kpi` computes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

import narwhals.stable.v2 as nw

from models import backlog
from models.backlog import Grain
from models.errors import BadDeclaration
from models.measures import CompletionTime, Count, Mean, Measure, OpenAt, Quantile, Rate, Share, Total

Family = Literal["emergency", "beds", "results", "handoffs", "tasks", "exceptions", "interfaces"]
Stakeholder = Literal["patients", "clinicians", "operations", "it"]
"""Whose day a number describes: what patients wait for, clinicians' friction, operations' throughput, the IT that carries it."""
Unit = Literal["percent", "minutes", "milliseconds", "count", "ratio"]
"""What a value is counted in; a ratio is a plain number with decimals, such as attempts for each delivery."""
Direction = Literal["up", "down", "neither"]

SHORT_TITLE_LENGTH = 26
_TIMES = ("minutes", "milliseconds")
_NO_TIME: Mapping[type, str] = {
    Share: "It is a share of cases and judges no time of theirs.",
    OpenAt: "It counts what is open at an instant, not how long anything took.",
    Rate: "It adds up amounts by the hour, not the time of any case.",
    Total: "It adds up amounts by the hour, not the time of any case.",
    Count: "It counts how often, not how long.",
}


@dataclass(frozen=True)
class Exclusion:
    """Rows that a KPI leaves out. `rule` completes "left out: …"; each exclusion's count is reported.

    `unknown` names the requirement's column whose gap this exclusion stands for: completeness is then measured before
    these rows are left out.
    """

    rule: str
    when: nw.Expr
    unknown: str | None = None


@dataclass(frozen=True)
class Requirement:
    """A boolean mart column that must be true for at least this share (0 to 1) of the cohort, or the KPI is not ready.

    `missing` says in one sentence what is unknown and what that does to the number; `below` is the state it leads to.
    """

    column: str
    at_least: float
    missing: str
    below: Literal["biased", "withheld"] = "biased"


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One number a hospital is run by: its meaning, its arithmetic, and who acts on it.

    `begins` names the instant at which the time of a case begins, of every KPI that measures such a time. `clock` is the
    mart's calendar that decides the period a row belongs to (columns `<clock>_hour`, `_date`, `_week`, `_month`, local).
    `case` is the mart's key column. `open_when` is the boolean mart column that is true for work still open at the data
    cut. `uses` names the mart columns that the measure's and exclusions' expressions read.
    `resolution` names the mart column that says how exactly the times of a case are known, in minutes (0: recorded exactly;
    else the interval that successive exports prove; null: they have not come). `on_overview` puts it on the front
    page, which holds twelve. `paired_with` is the KPI without which this one misleads.
    """

    id: str
    title: str
    short_title: str
    definition: str
    source: str
    version: str
    family: Family
    matters_to: Stakeholder
    mart: str
    case: str
    measure: Measure
    unit: Unit
    improves: Direction
    clock: str
    dimensions: tuple[str, ...]
    owner: str
    action: str
    uses: tuple[str, ...] = ()
    target: float | None = None
    exclusions: tuple[Exclusion, ...] = ()
    requires: tuple[Requirement, ...] = ()
    caveats: tuple[str, ...] = ()
    open_when: str | None = None
    about_people: bool = True
    on_overview: bool = False
    paired_with: str | None = None
    resolution: str | None = None
    begins: str | None = None

    def __post_init__(self) -> None:
        if len(self.short_title) > SHORT_TITLE_LENGTH:
            raise BadDeclaration(
                f"KPI {self.id!r} has the short title {self.short_title!r} of {len(self.short_title)} characters; "
                f"cards hold {SHORT_TITLE_LENGTH}. Shorten it."
            )
        if self.resolution is not None and isinstance(self.measure, Rate | Total):
            raise BadDeclaration(
                f"KPI {self.id!r} has the resolution {self.resolution!r}, but adds up amounts, not cases. Leave it out."
            )
        if self.begins is None and self.counts_no_time is None:
            raise BadDeclaration(
                f"KPI {self.id!r} measures the time of cases and does not say when it begins. "
                "Name the column of that instant as `begins`."
            )

    @property
    def table(self) -> str:
        """The mart with its layer, as the warehouse names it."""
        return f"marts.{self.mart}"

    @property
    def duration(self) -> str | None:
        """The mart's column of the time that each case took, null where the measure is of something else."""
        match self.measure:
            case CompletionTime(duration=column):
                return column
            case Quantile(column=column) | Mean(column=column):
                return column if self.unit in _TIMES else None
            case Share(within=column):
                return column
            case _:  # nothing that a case takes
                return None

    @property
    def counts_no_time(self) -> str | None:
        """Why nobody can say where its time went, in a sentence; null for a KPI that measures the time of cases."""
        if self.family == "interfaces" and self.duration:
            return "It is the time of a message, not of a patient: the page of interfaces tells it hop by hop."
        return (
            None if self.duration else _NO_TIME.get(type(self.measure), "It is a number of something else than time.")
        )

    @property
    def columns(self) -> frozenset[str]:
        """Every mart column that this KPI's value can depend on."""
        named: set[str] = {self.case, *self.uses, *self.dimensions, *(each.column for each in self.requires)}
        match self.measure:
            case Quantile(column=column) | Mean(column=column) | Total(column=column):
                named.add(column)
            case Rate(events=events, exposure=exposure):
                named |= {events, exposure}
            case CompletionTime(duration=duration, finished=finished):
                named |= {duration, finished}
            case OpenAt(opened=opened, closed=closed):
                named |= backlog.columns(opened) | backlog.columns(closed)
            case _:  # a share's or a count's columns stand in `uses`
                pass
        named |= {each for each in (self.open_when, self.resolution) if each is not None}
        return frozenset(named | {f"{self.clock}_{suffix}" for suffix in backlog.CALENDAR.values()})


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time: local dates (`end` exclusive, null unlimited). Without `grain` a value covers all of it; with
    it, one value per local period.
    """

    start: date | None = None
    end: date | None = None
    grain: Grain | None = None


@dataclass(frozen=True, kw_only=True)
class Selection(Span):
    """What a person asks of a KPI: breakdown, filters (values are any of), and a span of time."""

    by: tuple[str, ...] = ()
    where: Mapping[str, Sequence[object]] = field(default_factory=lambda: MappingProxyType({}))
