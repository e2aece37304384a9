"""Every number of the leadership page leads to criteria, to the misses, to the asset; what-if answers as one ticks."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from assessments import targets
from tests.assessments import scenes
from tests.assessments.scenes import Organisation
from tests.portal.test_in_a_browser import apart, browser, found_by_axe, open_page, server, shared_server

pytestmark = [pytest.mark.browser]
__all__ = ["browser", "open_page", "server", "shared_server"]
TRAINED = "/maturity/teams/credit/criteria/google-mlops/google-orchestrated-training"
ASSET = re.compile(r"/(assets|versions|runs|promotions)/[0-9a-f-]{36}$")


def organisation() -> Organisation:
    scene = scenes.organisation()
    targets.set_level(actor=scene.sponsor, team=scene.credit, framework="google-mlops", level=1)
    scenes.answered(scene)
    return scene


def look(page: Page) -> None:
    """What axe-core can tell in both colours, folded parts opened, and that nothing scrolls sideways on a phone."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for width, colours in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
        found = found_by_axe(page)
        assert [(page.url, one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def follow_to_the_asset(page: Page) -> None:
    """From a page of criteria over a criterion and its misses to a page of the graph."""
    for link in page.locator("main a[href*='/criteria/']").all():
        address = link.get_attribute("href") or ""
        if "/criteria/" not in address or not link.is_visible():
            continue
        before = page.url
        link.click()
        misses = page.locator("section[aria-labelledby=misses] tbody a")
        if misses.count():
            misses.first.click()
            expect(page).to_have_url(ASSET)
            expect(page.locator("h1")).to_be_visible()
            return
        page.goto(before)
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    pytest.fail(f"No criterion of {page.url} leads to an asset.")


def test_every_number_of_the_board_opens_down_to_the_asset(open_page: Callable[..., Page]) -> None:
    scene = apart(organisation)
    page = open_page(scene.sponsor)
    page.goto("/maturity")
    look(page)

    # Every number is a link, and every link opens.
    cells = page.locator("main .grid-cell")
    assert cells.count() > 25
    assert page.locator("main .grid-cell:not(:has(a))").count() == 0
    numbers = {
        link.get_attribute("href") or ""
        for link in page.locator("main a").all()
        if re.search(r"\d", link.inner_text())
        or link.locator("xpath=ancestor::td[contains(@class,'grid-cell')]").count()
    }
    pages = {address.partition("#")[0] for address in numbers if address.startswith("/maturity")}
    for address in sorted(pages):
        assert page.request.get(address).status == 200, address

    # A level, a row and what holds models back: each down to the asset. Of a rubric: to the models and their tests.
    for address in (
        "/maturity/teams/credit?framework=google-mlops#criteria",
        "/maturity/teams/credit?framework=microsoft-mlops#row-people",
    ):
        assert address in numbers
        page.goto("/maturity")
        page.locator(f"main a[href='{address}']").first.click()
        expect(page.get_by_role("heading", name="credit", exact=False).first).to_be_visible()
        follow_to_the_asset(page)
    # What is unknown, a next step, and what holds models back: the same way.
    page.goto("/maturity")
    page.locator("main a[href='/maturity/unknown?team=credit']").first.click()
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    follow_to_the_asset(page)
    page.goto("/maturity")
    page.locator(".portfolio__step a[href*='/criteria/']").first.click()
    expect(page.locator("#asks-title")).to_be_visible()
    page.goto("/maturity")
    page.locator("section[aria-labelledby=holds-title] tbody a").first.click()
    page.locator("section[aria-labelledby=misses] tbody td:first-child a").first.click()
    expect(page).to_have_url(ASSET)
    page.goto("/maturity")
    page.locator("main a[href*='framework=ml-test-score#section-data']").first.click()
    page.locator("section[aria-labelledby=models] tbody a").first.click()
    expect(page.get_by_role("link", name="In the graph")).to_be_visible()


def test_what_if_answers_as_one_ticks(open_page: Callable[..., Page]) -> None:
    scene = apart(organisation)
    page = open_page(scene.sponsor)
    page.goto("/maturity/teams/credit")
    look(page)
    panel = page.locator("#what-if")
    expect(panel).to_contain_text("Nothing is stored")

    panel.get_by_label("Shared operation").check()

    expect(page.locator("#what-if")).to_contain_text("ladder score")
    expect(page.locator("#what-if").get_by_label("Shared operation")).to_be_checked()
    expect(page.locator("#what-if")).to_contain_text("index")
    page.locator("#what-if").get_by_role("button", name="Make it an initiative").click()
    expect(page.get_by_role("heading", name="Open an initiative")).to_be_visible()
    expect(page.get_by_text("Shared operation")).to_be_visible()
    look(page)
    page.get_by_label("Name").fill("Owners on duty")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", name="Owners on duty")).to_be_visible()
    look(page)


def test_an_assessor_reviews_and_no_page_shuts_a_reader_out(open_page: Callable[..., Page]) -> None:
    scene = apart(organisation)
    page = open_page(scene.assessor)
    page.goto("/maturity/reviews")
    look(page)
    page.get_by_role("link", name="Shared operation").click()
    look(page)
    page.get_by_role("button", name="Accept the answer").click()
    expect(page.get_by_text("Reviewed, with your name in the record.")).to_be_visible()
    expect(page.get_by_text("Accepted", exact=True)).to_be_visible()
    for address in (
        TRAINED,
        "/maturity/criteria/google-mlops/google-orchestrated-training",
        "/maturity/method",
        "/maturity/unknown",
        "/maturity/snapshots",
        "/maturity/initiatives",
        "/maturity/teams/idle",
        "/maturity/teams/credit?framework=ml-test-score",
    ):
        page.goto(address)
        look(page)
