"""What a hospital is made of: wards, rooms, beds and who is on duty in each hour of the week. No behaviour.

Northfield General is larger and runs its beds fuller; Eastbrook Community is smaller, calmer at the front door and
thinner in its laboratory at night; Westhaven Regional is the smallest, with one team for everything after dark. More
facilities are made from the same three templates.
"""

from dataclasses import dataclass, replace

SATURDAY, SUNDAY = 5, 6
MORE_NAMES = (
    "Southmere Hospital",
    "Lakeside General",
    "Ridgeway Community",
    "Harbor View Hospital",
)


@dataclass(frozen=True)
class Ward:
    """A ward: `code` makes its Location id, `kind` is medical, surgical, icu or observation."""

    code: str
    name: str
    kind: str
    beds: int


@dataclass(frozen=True)
class Roster:
    """People on duty by hour of the day: (from hour, weekdays, weekend) steps, in order, the first at hour 0."""

    steps: tuple[tuple[int, int, int], ...]

    def on_duty(self, hour_of_week: int) -> int:
        """Staff present in this hour of the week (0 = Monday, midnight to one)."""
        day, hour = divmod(hour_of_week, 24)
        step = max((s for s in self.steps if s[0] <= hour), key=lambda s: s[0])
        return step[2] if day in (SATURDAY, SUNDAY) else step[1]


@dataclass(frozen=True)
class Facility:
    """One hospital. `engine` is the kind of integration engine it runs: mirth or ndjson; relay is the second one, see `relay`."""

    index: int
    slug: str
    code: str
    name: str
    prefix: str
    engine: str
    visits_per_day: float
    rooms: int
    wards: tuple[Ward, ...]
    stay_days: float
    acceptance_minutes: float
    rosters: tuple[tuple[str, Roster], ...]

    @property
    def source(self) -> str:
        """Name of the engine's log source and of its folder."""
        return f"{'mirth' if self.engine == 'mirth' else 'engine'}-{self.slug}"

    @property
    def organization(self) -> str:
        """Id of the facility's Organization."""
        return f"org-{self.slug}"

    @property
    def nursing(self) -> str:
        """Id of the department that manages its wards."""
        return f"{self.organization}-nursing"

    def place(self, *parts: str) -> str:
        """Id of a Location of this facility."""
        return "-".join(("loc", self.code, *parts))


NORTHFIELD = Facility(
    index=0,
    slug="northfield",
    code="ng",
    name="Northfield General",
    prefix="NG",
    engine="mirth",
    visits_per_day=40.0,
    rooms=12,
    wards=(
        Ward("4n", "4 North", "medical", 21),
        Ward("5s", "5 South", "surgical", 13),
        Ward("icu", "Intensive Care", "icu", 5),
        Ward("obs", "Observation Unit", "observation", 3),
    ),
    stay_days=3.7,
    acceptance_minutes=12.0,
    rosters=(
        ("triage", Roster(((0, 1, 1), (9, 2, 2), (22, 1, 1)))),
        ("doctors", Roster(((0, 1, 1), (8, 2, 2), (11, 3, 3), (23, 2, 2)))),
        ("nurses", Roster(((0, 3, 3), (7, 4, 4), (11, 5, 5), (23, 3, 3)))),
        ("ward_nurses", Roster(((0, 3, 3), (7, 5, 4), (19, 3, 3)))),
        ("cleaners", Roster(((0, 1, 1), (7, 2, 1), (15, 2, 2), (23, 1, 1)))),
        ("collectors", Roster(((0, 1, 1), (5, 3, 2), (11, 2, 2), (20, 1, 1)))),
        ("analysers", Roster(((0, 3, 3), (6, 5, 4), (20, 3, 3)))),
        ("verifiers", Roster(((0, 1, 1), (6, 2, 1), (20, 1, 1)))),
    ),
)
EASTBROOK = Facility(
    index=1,
    slug="eastbrook",
    code="ec",
    name="Eastbrook Community",
    prefix="EC",
    engine="ndjson",
    visits_per_day=30.0,
    rooms=9,
    wards=(
        Ward("mu", "Maple Unit", "medical", 18),
        Ward("ou", "Oak Unit", "surgical", 11),
        Ward("icu", "Critical Care", "icu", 4),
    ),
    stay_days=3.3,
    acceptance_minutes=10.0,
    rosters=(
        ("triage", Roster(((0, 1, 1), (10, 2, 2), (20, 1, 1)))),
        ("doctors", Roster(((0, 1, 1), (9, 2, 2), (23, 1, 1)))),
        ("nurses", Roster(((0, 2, 2), (7, 3, 3), (11, 4, 4), (23, 2, 2)))),
        ("ward_nurses", Roster(((0, 2, 2), (7, 4, 3), (19, 2, 2)))),
        ("cleaners", Roster(((0, 1, 1), (8, 2, 1), (20, 1, 1)))),
        ("collectors", Roster(((0, 1, 1), (5, 2, 2), (19, 1, 1)))),
        ("analysers", Roster(((0, 2, 2), (6, 3, 3), (9, 4, 3), (19, 2, 2)))),
        ("verifiers", Roster(((0, 1, 1), (7, 2, 1), (19, 1, 1)))),
    ),
)
WESTHAVEN = Facility(
    index=2,
    slug="westhaven",
    code="wh",
    name="Westhaven Regional",
    prefix="WH",
    engine="ndjson",
    visits_per_day=19.0,
    rooms=7,
    wards=(
        Ward("cu", "Cedar Unit", "medical", 9),
        Ward("bu", "Birch Unit", "surgical", 6),
        Ward("icu", "Special Care", "icu", 2),
        Ward("obs", "Short Stay Unit", "observation", 2),
    ),
    stay_days=3.2,
    acceptance_minutes=11.0,
    rosters=(
        ("triage", Roster(((0, 1, 1), (10, 2, 1), (19, 1, 1)))),
        ("doctors", Roster(((0, 1, 1), (9, 2, 2), (22, 1, 1)))),
        ("nurses", Roster(((0, 2, 2), (7, 3, 3), (23, 2, 2)))),
        ("ward_nurses", Roster(((0, 2, 2), (7, 3, 3), (19, 2, 2)))),
        ("cleaners", Roster(((0, 1, 1), (8, 2, 1), (18, 1, 1)))),
        ("collectors", Roster(((0, 1, 1), (5, 2, 1), (17, 1, 1)))),
        ("analysers", Roster(((0, 2, 2), (6, 3, 3), (18, 2, 2)))),
        ("verifiers", Roster(((0, 1, 1), (7, 2, 1), (17, 1, 1)))),
    ),
)
NAMED = (NORTHFIELD, EASTBROOK, WESTHAVEN)


def facilities(number: int) -> tuple[Facility, ...]:
    """The first `number` facilities; after the named ones, copies of them in turn under made-up names.

    Raises:
        ValueError: `number` is below one.
    """
    if number < 1:
        raise ValueError(f"{number} facilities: a simulation needs at least 1.")
    made = list(NAMED[:number])
    for index in range(len(NAMED), number):
        template = NAMED[index % len(NAMED)]
        at = index - len(NAMED)
        name = MORE_NAMES[at] if at < len(MORE_NAMES) else f"Hospital {index + 1}"
        slug = name.lower().replace(" ", "-")
        made.append(
            replace(
                template,
                index=index,
                slug=slug,
                code=f"h{index + 1}",
                name=name,
                prefix=f"H{index + 1}X",
                visits_per_day=template.visits_per_day * (0.9 + 0.05 * (index % 5)),
            )
        )
    return tuple(made)
