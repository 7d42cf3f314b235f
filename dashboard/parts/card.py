"""One KPI as a card: short title that opens it, the value large, the two verdicts, sparkline, change, target, what it is of."""

from html import escape

import streamlit as st

from dashboard import charts, words
from dashboard.here import Here
from dashboard.parts.markup import chip, unbroken
from dashboard.readings import Reading
from models import wording


def draw_cards(here: Here, shown: list[Reading], columns: int = 4) -> None:
    """The cards in a grid that fits as many as the width allows; each as high as its row."""
    grid = st.grid(columns=columns, min_column_width=218, gap=12)
    for reading in shown:
        with grid.cell():
            draw_card(here, reading)


def draw_card(here: Here, reading: Reading) -> None:
    """One card, as high as its place allows."""
    with st.container(border=True, height="stretch", key=f"card-{reading.kpi.id}"):
        _card(here, reading)


def _card(here: Here, reading: Reading) -> None:
    kpi = reading.kpi
    with st.container(horizontal=True, horizontal_alignment="distribute", key=f"top-{kpi.id}"):
        here.link_to_kpi(kpi)
        with st.popover(f":material/info: About {kpi.short_title}", type="tertiary", key=f"about-{kpi.id}"):
            draw_about(reading)
    st.html(_figures(here, reading))
    if reading.look == "withheld":
        why = escape(" ".join(reading.why))
        st.html(f'<div class="wf-hatched" aria-hidden="true"></div><p class="wf-why">{why}</p>')
        return
    if reading.look == "suppressed":
        st.html('<div class="wf-hidden" aria-hidden="true"></div>')
    elif reading.weeks:
        st.plotly_chart(
            charts.spark(reading.weeks, reading.target, lambda row: words.weekly(kpi, row)),
            width="stretch",
            config=charts.CONFIG,
            key=f"spark-{kpi.id}",
            alt=words.spark_alt(reading),
        )
    biased = " · " + chip("warning", "biased", "concern") if reading.state == "biased" else ""
    aim, of = escape(unbroken(words.target(reading))), escape(words.denominator(reading))
    st.html(f'<p class="wf-foot">{aim}{biased}<br>{of}</p>')


def _figures(here: Here, reading: Reading) -> str:
    shown = escape(words.value(reading, here.suppress_below))
    if reading.look != "value":
        icon = {"withheld": ("block", "checks failed"), "suppressed": ("visibility_off", "too few people")}
        chips = chip(*icon.get(reading.look, ("remove", "nothing to count")), "quiet")
        return f'<p class="wf-value wf-word">{shown}</p><p class="wf-verdict">{chips}</p>'
    change = words.change(reading)
    before = (reading.end - reading.start).days // 7
    against = f'<span class="wf-only-read"> against the {before} weeks before</span>'
    moved = f"<small>{escape(unbroken(change))}{against}</small>" if change else ""
    verdicts = [chip(*words.variation(reading))]
    good = words.assurance(reading)
    if good:
        verdicts.append(chip(*good))
    return f'<p class="wf-value">{unbroken(shown)}{moved}</p><p class="wf-verdict">{"".join(verdicts)}</p>'


def draw_line(here: Here, reading: Reading) -> None:
    """The same number on two lines, without its picture: for those that stand below the cards."""
    kpi = reading.kpi
    with st.container(key=f"line-{kpi.id}", gap=None):
        here.link_to_kpi(kpi, kpi.short_title)
        shown = escape(unbroken(words.value(reading, here.suppress_below)))
        chips = []
        if reading.look == "value":
            chips = [chip(*each) for each in (words.variation(reading), words.assurance(reading)) if each]
        st.html(f'<p class="wf-verdict"><strong>{shown}</strong>{"".join(chips)}</p>')


def draw_about(reading: Reading) -> None:
    """What the number means, who answers for it and how old it is: the popover of a card."""
    kpi = reading.kpi
    st.markdown(f"**{kpi.title}**")
    st.markdown(kpi.definition)
    st.markdown("  \n".join(f"**{name}** {text}" for name, text in about(reading)))
    for why in reading.why:
        st.caption(f":material/warning: {why}")


def about(reading: Reading) -> list[tuple[str, str]]:
    """Names and values that belong to every number."""
    change = words.change(reading)
    weeks = (reading.end - reading.start).days // 7
    return [
        ("Period", words.period(reading.start, reading.end)),
        ("Data to", wording.local_time(reading.as_of)),
        ("Change", f"{change} against the {weeks} weeks before" if change else "not known"),
        ("Target", f"{words.target(reading).removeprefix('target ')} ({reading.target_source})"),
        ("Owner", reading.owner or "nobody yet"),
        ("Last decision", reading.last_decision or "none"),
        ("Readiness", reading.state),
        ("Source", f"{reading.kpi.source}, version {reading.kpi.version}"),
    ]
