"""The pieces of a KPI's own page: verdicts in words, parts as bars, and how it is counted."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import charts, flow, readings, words
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.markup import chip
from dashboard.parts.picture import draw_picture
from dashboard.readings import Reading
from models import wording
from models.kpi import Kpi


def draw_verdicts(reading: Reading) -> None:
    """Is it changing, is it good enough, may it be believed: three statements in that order."""
    chips = []
    if reading.look == "value":
        chips.append(chip(*words.variation(reading)))
        good = words.assurance(reading)
        if good:
            chips.append(chip(*good))
    chips.append(chip(*words.STATES[reading.state]))
    st.html(f'<p class="wf-verdict">{"".join(chips)}</p>', width="content")
    said = (*reading.why, wording.known_within(reading.resolution_minutes)) if reading.look != "withheld" else ()
    for sentence in dict.fromkeys(filter(None, said)):
        st.html(f'<p class="wf-foot">{escape(sentence)}</p>')


def draw_pair(here: Here, found: Mapping[str, Reading], kpi: Kpi) -> None:
    """The measures without which this one misleads, with their numbers; nothing where there are none."""
    named = [kpi.paired_with] if kpi.paired_with in found else []
    named += [other.kpi.id for other in found.values() if other.kpi.paired_with == kpi.id]
    if not named:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="pairs"):
        st.html('<p class="wf-foot">Read it together with</p>', width="content")
        for reading in (found[each] for each in dict.fromkeys(named) if each):
            shown = f"{reading.kpi.short_title}: {words.value(reading, here.suppress_below)}"
            here.link_to_kpi(reading.kpi, shown)


def trend_rows(reading: Reading) -> list[tuple[str, ...]]:
    """The trend as rows of words, newest first."""
    unit = reading.kpi.unit
    return [
        (
            wording.day(row["week"]),
            wording.value(row["value"], unit),
            wording.value(row.get("mean"), unit),
            wording.value(row.get("lower"), unit),
            wording.value(row.get("upper"), unit),
            words.RULES.get(row.get("rule") or "", wording.NONE),
        )
        for row in reversed(reading.weeks)
    ]


def draw_breakdown(here: Here, reading: Reading) -> None:
    """The KPI by the next smaller place; a click on a bar goes there."""
    kpi = reading.kpi
    judged = flow.with_verdict(kpi.id, readings.breakdown(here.found, here.person, kpi, here.view), reading.target)
    by = "facility" if here.view.facility is None else "unit"
    parts: list[readings.Row] = [row | {"name": words.unit_name(here.view.facility, row["part"])} for row in judged]
    if len(parts) < 2 or here.view.unit:  # noqa: PLR2004 — a single bar compares nothing
        return
    word = "channel" if kpi.family == "interfaces" and by == "unit" else by
    st.subheader(f"By {word}", anchor=False)
    chosen = draw_picture(
        charts.bars(
            parts,
            (reading.target, words.target(reading)) if reading.target is not None else None,
            lambda p: wording.value(p["value"], kpi.unit),
            lambda p: _said(here, reading, p),
        ),
        key=f"parts-{by}-{here.view.facility}",
        alt=f"{kpi.title} by {word}, worst first: " + "; ".join(_said(here, reading, p) for p in parts[:5]) + ".",
        heads=(word.capitalize(), "Value", "Counted", "Open"),
        rows=[
            (p["name"], _value(here, reading, p), _counted(reading, p), wording.number(p["open_cases"])) for p in parts
        ],
        numeric=("Value", "Counted", "Open"),
        choose=True,
    )
    if chosen and chosen[0]:
        place = str(chosen[0][0])
        view = (
            here.view.to(facility=place) if by == "facility" else here.view.to(facility=here.view.facility, unit=place)
        )
        st.switch_page(here.pages["kpi"], query_params=view.to_kpi(kpi.id).params)


def draw_counting(here: Here, reading: Reading) -> None:
    """Definition, what was left out with counts, how complete the inputs are, and what the number cannot know."""
    kpi = reading.kpi
    st.markdown(kpi.definition)
    left_out = readings.exclusions(here.found, here.person, kpi, here.view)
    if left_out:
        markup.table(
            "What was left out of the number, with counts",
            ("Left out", "Count"),
            [(row["rule"], _count(here, row["n"], about_people=kpi.about_people)) for row in left_out],
            numeric=("Count",),
        )
    else:
        st.caption("Nothing is left out.")
    for caveat in kpi.caveats:
        st.markdown(f":material/info: {caveat}")
    st.markdown(f"**When it is off target:** {kpi.action}")


def draw_caveats(shown: Sequence[Reading]) -> None:
    """What the numbers of a page cannot know, each beside its measure; nothing where nothing is to be said."""
    told = [(reading.kpi.short_title, " ".join(reading.kpi.caveats)) for reading in shown if reading.kpi.caveats]
    if told:
        st.subheader("What the numbers cannot know", anchor=False)
        markup.facts(told)


def _count(here: Here, n: int | None, *, about_people: bool) -> str:
    hidden = n is None or (about_people and 0 < n < here.suppress_below)
    return wording.suppressed(here.suppress_below) if hidden else wording.number(n)


def _value(here: Here, reading: Reading, part: readings.Row) -> str:
    if part.get("suppressed"):
        return wording.suppressed(here.suppress_below)
    return wording.value(part["value"], reading.kpi.unit)


def _counted(reading: Reading, part: readings.Row) -> str:
    return wording.NONE if part.get("suppressed") else words.counted(reading.kpi, part["denominator"])


def _said(here: Here, reading: Reading, part: readings.Row) -> str:
    of = "" if reading.kpi.unit == "count" or part.get("suppressed") else f" of {_counted(reading, part)}"
    return f"{part['name']}: {_value(here, reading, part)}{of}"
