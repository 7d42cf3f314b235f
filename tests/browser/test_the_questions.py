"""Every question of docs/questions.md is answered within three clicks of the front page."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_in_a_browser import WAIT, visit

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"


class Question(NamedTuple):
    asked: str
    clicks: list[str]
    answer: str


def questions() -> list[Question]:
    """What the page says: a heading that asks, numbered clicks, and the words that answer."""
    found = []
    for part in PAGE.read_text(encoding="utf-8").split("\n### ")[1:]:
        asked, _, way = part.partition("\n")
        read = re.search(r'^Read: "(.+)"$', way, re.MULTILINE)
        assert read, asked
        found.append(Question(asked, re.findall(r"^\d\. Click \*\*(.+?)\*\*$", way, re.MULTILINE), read.group(1)))
    return found


def test_there_are_twelve_and_none_is_more_than_three_clicks_away():
    assert len(questions()) == 12
    assert all(1 <= len(question.clicks) <= 3 for question in questions())


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.asked)
def test_the_clicks_lead_to_the_answer(page: Page, url, question):
    page.set_viewport_size({"width": 1280, "height": 1000})
    visit(page, url)
    for name in question.clicks:
        link = page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name))
        link.or_(page.get_by_role("radio", name=name)).first.click()
    expect(page.locator("[data-testid=stMain]")).to_contain_text(question.answer, timeout=WAIT)
    assert page.locator("[data-testid=stException]").count() == 0
