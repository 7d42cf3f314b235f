"""What a person sees and does in a real browser: widths, themes, drilling, keyboard, and what assistive technology reads."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from models.journal import Access
from tests.dashboard.snapshot import CASE

PAGES = {
    "overview": "/",
    "one facility": "/?facility=Northfield+General",
    "by stakeholder": "/?board=stakeholder",
    "emergency": "/emergency",
    "turnaround": "/turnaround",
    "backlog": "/backlog",
    "bottlenecks": "/bottlenecks",
    "delays": "/delays?wait=boarding",
    "messages stuck": "/bottlenecks?workflow=message-delivery",
    "pain": "/pain",
    "pilots": "/pilots",
    "one pilot": "/pilots?pilot=discharge-by-noon",
    "interfaces": "/interfaces",
    "one channel": "/interfaces?channel=mirth%2FADT-OUT",
    "data quality": "/data-quality",
    "dictionary": "/dictionary",
    "one table": "/dictionary?table=marts.handoff",
    "one kpi": "/kpi?kpi=ed_boarding_ed2",
    "one message": "/message?message=mirth:77",
    "one case": f"/case?kpi=ed_boarding_ed2&case={CASE}",
}
WAIT = 60_000  # a busy machine loads the parts of Streamlit slowly


def visit(page: Page, address: str) -> None:
    """Open a page and wait until it has settled."""
    page.goto(address)
    expect(page.locator("h1.wf-title")).to_be_visible(timeout=WAIT)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible(timeout=WAIT)
    expect(page.locator(".stMain [data-testid=stSkeleton]")).to_have_count(0, timeout=WAIT)


def open_for_review(page: Page) -> None:
    box = page.get_by_role("combobox", name="Purpose")
    box.scroll_into_view_if_needed()
    box.click()
    page.get_by_role("option", name="Incident review").click()
    page.get_by_role("button", name="Open and record").click()
    expect(page.get_by_text("Opened for: Incident review")).to_be_visible(timeout=WAIT)


def is_within_its_window(page: Page) -> bool:
    over = page.evaluate("""() => { const main = document.querySelector('[data-testid=stMain]');
        return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth) }""")
    return over <= 0


def serious_to_axe(page: Page) -> list[tuple[str, str, str]]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}).response["violations"]
    return [
        (v["id"], n["html"][:160], n.get("any", [{}])[0].get("message", "") if n.get("any") else "")
        for v in found
        if v["impact"] in ("serious", "critical")
        for n in v["nodes"]
    ]


# Loading a page takes longer than looking at it: axe looks while it is there.
@pytest.mark.parametrize(
    ("site", "width", "theme"),
    [
        ("url", 1280, "light"),
        ("url", 1280, "dark"),
        ("url", 400, "light"),
        ("url", 400, "dark"),
        ("failed_url", 1280, "light"),
    ],
)
def test_every_page_renders_without_exception_or_horizontal_scroll_and_axe_finds_nothing_serious_and_no_low_contrast(
    browser: Browser, request, site, width, theme
):
    base = request.getfixturevalue(site)
    page = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme).new_page()
    for name, path in PAGES.items():
        visit(page, base + path)
        assert page.locator("[data-testid=stException]").count() == 0, name
        assert is_within_its_window(page), name
        if (site, width) == ("url", 1280):
            assert serious_to_axe(page) == [], name
    page.context.close()


def test_at_least_nine_cards_stand_on_the_first_screen(browser: Browser, url):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    visit(page, url)
    boxes = [card.bounding_box() for card in page.locator("[class*='st-key-card-']").all()]
    assert sum(box["y"] + box["height"] <= 1000 for box in boxes if box) >= 9
    page.close()


def test_the_filters_fold_into_one_button_on_a_phone(browser: Browser, url):
    page = browser.new_page(viewport={"width": 400, "height": 900})
    visit(page, url)
    expect(page.locator(".st-key-filters-wide")).to_be_hidden()
    page.get_by_role("button", name=re.compile("All facilities")).click()
    page.get_by_role("combobox", name="Facility").click()
    page.get_by_role("option", name="Eastbrook Community").click()
    expect(page.locator(".wf-headline")).to_contain_text("Three of twelve measures need attention.", timeout=WAIT)
    assert "facility=Eastbrook" in page.url
    page.close()


def test_walking_from_the_front_page_through_a_kpi_to_a_case(page: Page, url, home):
    visit(page, url)
    page.locator(".st-key-card-ed_boarding_ed2").get_by_role("link").click()
    expect(page.locator("h1.wf-title")).to_contain_text("Boarding", timeout=WAIT)
    assert "kpi=ed_boarding_ed2" in page.url
    open_for_review(page)
    page.get_by_role("link", name=f"Case {CASE[:8]}").click()
    expect(page.locator("h1.wf-title")).to_have_text(f"Journey of case {CASE[:8]}", timeout=WAIT)
    expect(page.locator(".wf-journey")).to_contain_text("ORM O01 dead-lettered", timeout=WAIT)
    expect(page.locator(".wf-journey")).to_contain_text("fhir/2026-04-12/Encounter.ndjson:14")
    lines = (home / "access" / "access.ndjson").read_text().splitlines()
    assert any(Access.from_line(line).what == f"journey_event: journey of {CASE}" for line in lines)
    page.locator(".st-key-path").get_by_role("link", name="Boarding after decision").click()
    expect(page.locator("h1.wf-title")).to_contain_text("admit decision", timeout=WAIT)


def test_the_numbers_on_the_cards_are_the_published_ones(page: Page, url):
    visit(page, url)
    shown = {
        "ed_boarding_ed2": "4 h 04",
        "ed_left_before_seen": "4.2 %",
        "interface_ack_latency": "840 ms",
        "ed_arrivals": "315",
    }
    for kpi, said in shown.items():
        expect(page.locator(f".st-key-card-{kpi} .wf-value")).to_contain_text(said)


def test_a_link_opens_the_same_view_in_another_browser(browser: Browser, url):
    page = browser.new_page()
    visit(page, f"{url}/kpi?kpi=ed_boarding_ed2&facility=Northfield+General&weeks=4")
    expect(page.locator(".wf-headline")).to_contain_text("in the last 4 weeks")
    expect(page.locator(".st-key-path")).to_contain_text("Northfield General")
    page.close()


def test_the_keyboard_reaches_the_questions_then_the_filters_then_the_cards_with_a_visible_focus(page: Page, url):
    visit(page, url)
    page.set_viewport_size({"width": 1280, "height": 1000})
    seen: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
            const box = e.closest('[data-baseweb=select], .stSelectbox');
            return [(e.getAttribute('aria-label') || e.innerText || e.tagName).trim().slice(0, 60),
                s.outlineStyle !== 'none' || s.boxShadow !== 'none' || Boolean(box)] }""")
        seen.append(name)
        if name.startswith("ED length of stay"):
            assert outline
            break
    words = ("How are we doing", "Can I trust", "Facility", "ED arrivals")
    order = [next(i for i, name in enumerate(seen) if word in name) for word in words]
    assert order == sorted(order), seen
    page.keyboard.press("Enter")
    expect(page.locator("h1.wf-title")).to_contain_text("Median time in the emergency department", timeout=WAIT)


def test_every_chart_has_a_text_and_a_table(page: Page, url):
    visit(page, f"{url}/kpi?kpi=ed_boarding_ed2")
    charts = page.locator("[data-testid=stPlotlyChart]")
    expect(charts).to_have_count(2, timeout=WAIT)
    assert page.locator("[aria-label*='weekly values from week of']").count() >= 1
    page.get_by_text("The same as a table").first.click()
    expect(page.locator("table.wf-table").first).to_contain_text("Mon 6 Apr 2026")
    assert page.locator(".modebar-btn").count() == 0
