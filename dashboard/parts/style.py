"""Hands style.css to the browser, with the theme's own colours as variables. No colour is typed here."""

from pathlib import Path

import streamlit as st

_CSS = Path(__file__).parents[1] / "style.css"
_NAMES = {
    "improve": "blueTextColor",
    "concern": "orangeTextColor",
    "neutral": "violetTextColor",
    "quiet": "grayTextColor",
    "border": "borderColor",
    "soft": "secondaryBackgroundColor",
    "page": "backgroundColor",
    "link": "linkColor",
    "focus": "primaryColor",
}


def draw_style() -> None:
    """Put the style sheet on the page. `light-dark()` follows the theme in force, so switching needs no rerun."""
    named = {
        name: [st.get_option(f"theme.{side}.{option}") for side in ("light", "dark")] for name, option in _NAMES.items()
    }
    variables = "".join(
        f"--wf-{name}: light-dark({light}, {dark});" for name, (light, dark) in named.items() if light and dark
    )
    st.html(f"<style>:root {{{variables}}}\n{_style_sheet()}</style>")


@st.cache_resource(show_spinner=False)
def _style_sheet() -> str:
    return _CSS.read_text(encoding="utf-8")
