"""What to fix first, in words: losses ranked, options scored by the hospital's weights, what stops when a channel stops.

Here: published rows put together and said. Not here: ranks and scores (`models.priorities`), what was lost (`pain`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import channels, data, readings
from dashboard.here import Here
from dashboard.pain import Pain, hours, name
from models import wording
from models.kpis import KPIS
from models.priorities import COSTS, Loss, Option, Rank, Scored, Turn, ranked, scored, turns
from models.waits import WAIT_KINDS

Row = dict[str, Any]

LISTED = 10
FEW = 10


@dataclass(frozen=True)
class Ranked:
    """A loss in its place in the list."""

    row: Row
    rank: Rank


@dataclass(frozen=True)
class Choice:
    """The hospital's options, best first, with the weights and what would turn the order. `missing` says what is not there."""

    options: list[tuple[Row, Scored]]
    weights: dict[str, float]
    turns: list[Turn]
    values: dict[str, Option]
    missing: str = ""


def item(row: Row) -> str:
    """How options name what they fix: `source/channel` or `workflow/step`."""
    return f"{row['workflow']}/{row['activity']}" if row["workflow"] else f"{row['source']}/{row['channel']}"


def options(here: Here) -> list[Row]:
    """The options that the registry names."""
    return data.rows(here.found, here.person, "improvement_option", order=("option_id",))


def ranking(found: Pain, named: Sequence[Row]) -> list[Ranked]:
    """The losses in the order in which to fix them. What several options fix takes the effort of the least one."""
    effort: dict[str, float] = {}
    for option in named:
        for fixed in option["fixes"]:
            effort[fixed] = min(option["effort_days"], effort.get(fixed, option["effort_days"]))
    rows = {item(row): row for row in found.steps}
    losses = [_loss(row, found.total) for row in found.steps]
    return [Ranked(rows[rank.id], rank) for rank in ranked(losses, effort)]


def _loss(row: Row, total: Row | None) -> Loss:
    """A loss with what cannot be told of it: of a step its own unknown hours; of a hop, which unknown hours do not name, as much as of the
    place as a whole. Unknown hours that are hidden, because too few patients have any, count as none.
    """
    unknown = row["unknown_hours"] or 0.0
    if total is not None and not row["workflow"]:
        unknown = row["lost_hours"] * (total["unknown_hours"] or 0.0) / total["lost_hours"]
    low, high = row["lost_low"] or 0.0, row["lost_high"] or row["lost_hours"]
    return Loss(item(row), row["lost_hours"], low, high, row["estimated_hours"], unknown)


def first_to_fix(found: Sequence[Ranked]) -> str:
    """The head of the list in a sentence."""
    if not found:
        return "Nothing stands out that could be fixed."
    row, rank = found[0].row, found[0].rank
    effort = f"{days(rank.effort)} of effort" if rank.is_effort_supplied else "an effort that nobody has supplied"
    return (
        f"First: {name(row)} ({row['owner'] or 'nobody answers for it'}), {hours(row['lost_hours'])} lost, "
        f"{wording.share(rank.confidence)} sure, against {effort}."
    )


def days(amount: float) -> str:
    """Days of effort."""
    return "1 day" if amount == 1 else f"{amount:g} days"


def choice(here: Here, found: Pain, named: Sequence[Row]) -> Choice:
    """The options scored with the registry's weights beside what is measured here."""
    weights = {
        row["criterion"]: row["weight"]
        for row in data.rows(here.found, here.person, "criterion", order=("-weight", "criterion"))
    }
    if not named or not any(weights.values()):
        return Choice(
            [], weights, [], {}, "Name each [[option]] and each [[criterion]] with its weight in registry.toml."
        )
    ranks = {each.rank.id: each for each in ranking(found, named)}
    values = [_option(row, [ranks[fixed] for fixed in row["fixes"] if fixed in ranks]) for row in named]
    rows = {row["option_id"]: row for row in named}
    order = scored(values, weights, COSTS)
    return Choice(
        [(rows[each.id], each) for each in order],
        weights,
        turns(values, weights, COSTS),
        {each.id: each for each in values},
    )


def _option(row: Row, fixed: Sequence[Ranked]) -> Option:
    """An option's values: the hours lost at what it fixes times the part it saves, the patients of the one with most of them (one
    patient may be in several), how sure those hours are, its effort, and its scores.
    """
    lost = sum(each.row["lost_hours"] for each in fixed)
    sure = sum(each.row["lost_hours"] * each.rank.confidence for each in fixed)
    return Option(
        row["option_id"],
        {
            "hours": row["saves"] * lost,
            "patients": float(max((each.row["patients"] for each in fixed), default=0)),
            "confidence": sure / lost if lost else 0.0,
            "effort": row["effort_days"],
            **dict(zip(row["criteria"] or (), row["scores"] or (), strict=True)),
        },
    )


def value(criterion: str, amount: float) -> str:
    """An option's value by a criterion."""
    match criterion:
        case "hours":
            return hours(amount)
        case "patients":
            return wording.number(amount)
        case "confidence":
            return wording.share(amount)
        case "effort":
            return days(amount)
        case _:
            return f"{amount:g} of 5"


def criterion(which: str) -> str:
    """What a criterion is called."""
    return {"hours": "Hours saved", "confidence": "Sure"}.get(which, which.capitalize())


def verdict(found: Choice) -> str:
    """Which option is first, and how sure that is whatever the weights."""
    row, best = found.options[0]
    said = f"{title(row)} is first with {best.score:.2f} of 1"
    return f"{said}; of all possible weights it is first with {wording.share(best.wins)} of them."


def title(row: Row) -> str:
    """An option's name."""
    return row["title"] or row["option_id"]


def sensitivity(found: Choice) -> list[tuple[str, str, str]]:
    """For each criterion its name, its weight, and how far that must move before another option is first."""
    names = {row["option_id"]: title(row) for row, _ in found.options}
    return [(criterion(turn.criterion), f"{turn.weight:g}", _turn(turn, names)) for turn in found.turns]


def _turn(turn: Turn, names: dict[str, str]) -> str:
    parts = [
        f"{word} {_weight(at)}: {names[who]}"
        for word, at, who in (("below", turn.below, turn.first_below), ("above", turn.above, turn.first_above))
        if at is not None and who is not None
    ]
    return "; ".join(parts) or "no weight of it changes the first"


def reach(here: Here) -> list[Row]:
    """The channels of the place with what would stop if one stopped, those with most patients a day first."""
    known = {(row["source"], row["channel"]): row for row in channels.channels(here)}
    rows = data.rows(here.found, here.person, "channel_reach", readings.in_window(here.found, here.view))
    found = [row | known[key] | row for row in rows if (key := (row["source"], row["channel"])) in known]
    return sorted(found, key=lambda row: (-(row["patients"] or 0) / row["days"], row["channel"], row["source"]))


def a_day(row: Row, column: str) -> str:
    """A number of a channel by day, below ten with one decimal."""
    if row[column] is None:
        return wording.NONE
    amount = row[column] / row["days"]
    return f"{amount:.1f}" if 0 < amount < FEW else wording.number(amount)


def waiting(row: Row) -> tuple[str, ...]:
    """The kinds of wait that a channel's news ends, each with the measure that counts it."""
    found = [WAIT_KINDS[kind] for kind in row["wait_kinds"] or () if kind in WAIT_KINDS]
    return tuple(f"{each.title} ({KPIS[each.kpi].short_title})" if each.kpi else each.title for each in found)


def if_it_stops(rows: Sequence[Row]) -> str:
    """The channel whose silence most patients would feel, in a sentence."""
    worst = next((row for row in rows if row["patients"]), None)
    if worst is None:
        return "No channel carries news that somebody waits for, as far as the logs show."
    return (
        f"If {worst['channel']} ({worst['source']}) stops, {a_day(worst, 'messages')} messages a day do not reach "
        f"{', '.join(worst['destinations'] or ('anybody',))}, and {a_day(worst, 'patients')} patients a day wait for news that nobody has."
    )


def _weight(amount: float) -> str:
    """A weight to two digits, as people write it: `0.18`, `4.2`, `110`."""
    return wording.number(round(amount)) if amount >= 10 else f"{amount:.2g}"  # noqa: PLR2004 - two digits
