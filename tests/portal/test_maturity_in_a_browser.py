"""Every number of the leadership page leads to criteria, to the misses, to the asset; what-if answers as one ticks."""

import html
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
ASSET_PAGE = re.compile(f".*{ASSET.pattern}")
ON_THE_WAY = re.compile(r"/maturity/(ratings|results|releases|teams|criteria|initiatives)\b")


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


def bare_numbers(page: Page) -> list[str]:
    """Numbers of the content that are not part of a link. Times, and what heads a column, count nothing."""
    found: list[str] = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT)
            const found = []
            while (walker.nextNode()) {
                const text = walker.currentNode.textContent.trim()
                const parent = walker.currentNode.parentElement
                if (/\\d/.test(text) && !parent.closest('a[href], time, thead, caption, select')) found.push(text)
            }
            return found
        }"""
    )
    return found


class Reader:
    """Reads pages once each, and tells whether links of their content lead to a page of the graph."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.read: dict[str, list[str]] = {}

    def links(self, address: str) -> list[str]:
        """The links of a page's content: what stands in every page leads nowhere in particular."""
        place = address.partition("#")[0]
        if place not in self.read:
            answer = self.page.request.get(place)
            assert answer.status == 200, place
            content = answer.text().partition("<main")[2]
            content = re.sub(r"<nav.*?</nav>|<ol class=.title-bar__trail.*?</ol>", "", content, flags=re.DOTALL)
            self.read[place] = [html.unescape(link) for link in re.findall(r'<a [^>]*href="(/[^"]*)"', content)]
        return self.read[place]

    def leads_to_an_asset(self, address: str, steps: int = 4) -> bool:
        """Over ratings, criteria and misses; no way is longer than `steps` pages."""
        links = self.links(address)
        if any(ASSET.match(link) for link in links):
            return True
        further = [link for link in dict.fromkeys(links) if ON_THE_WAY.match(link)]
        # Criteria first: nearest to the assets.
        further.sort(key=lambda link: "/criteria/" not in link)
        return steps > 1 and any(self.leads_to_an_asset(link, steps - 1) for link in further[:12])


def test_every_number_of_the_board_opens_down_to_the_asset(open_page: Callable[..., Page]) -> None:
    scene = apart(organisation)
    page = open_page(scene.sponsor)
    page.goto("/maturity")
    look(page)

    # On one screen stand the tiles, all teams, and what to do about them.
    assert page.locator(".board__screen").evaluate("(part) => part.getBoundingClientRect().bottom") <= 900
    for part in ("#tile-microsoft-mlops", "#portfolio", "#holds-title", "#moved-title", "#actions-title"):
        expect(page.locator(part)).to_be_in_viewport()
    # Every number is a link.
    assert bare_numbers(page) == []
    assert page.locator("main .grid-cell").count() > 25
    assert page.locator("main .grid-cell:not(:has(a))").count() == 0
    numbers = {
        link.get_attribute("href") or "": link.inner_text().strip()
        for link in page.locator("main .tiles a, main .section a, #confidence a").all()
        if re.search(r"\d", link.inner_text())
    }
    # And every link opens, over criteria and misses, down to the graph. A team without models has nothing there.
    reader = Reader(page)
    assert len(numbers) > 30
    for address, said in numbers.items():
        assert reader.leads_to_an_asset(address) or "idle" in address or re.match(r"0\b", said), (said, address)
    # What a page lists is as many as the number said.
    for rests in ("machine", "unknown", "reviewed"):
        link = page.locator(f"section[aria-labelledby=evidence-title] a[href*='rests={rests}']")
        count = link.inner_text().split()[0]
        link.click()
        expect(page.locator("section[aria-labelledby=results-title] .section__count")).to_contain_text(
            "none" if count == "0" else f"of {count}"
        )
        page.go_back()

    # One way by hand: a level, its criteria over all teams, the misses of one, the asset.
    page.locator("a:has(#tile-google-mlops)").click()
    page.get_by_role("link", name="Orchestrated training").first.click()
    page.locator("section[aria-labelledby=misses] tbody td:first-child a").first.click()
    expect(page).to_have_url(ASSET_PAGE)
    expect(page.locator("h1")).to_be_visible()
    # Confidence: the ratings, and the unknown criteria of one.
    page.goto("/maturity")
    page.locator("#confidence a[href*='band=']", has_text=re.compile("[1-9]")).first.click()
    look(page)
    page.locator("td[data-label=Unknown] a").first.click()
    look(page)
    page.locator("td[data-label=Criterion] a").first.click()
    expect(page.locator("#asks-title")).to_be_visible()
    # Delivery: the releases, and a version.
    page.goto("/maturity")
    page.locator("section[aria-labelledby=outcomes-title] a").first.click()
    look(page)
    page.locator("section[aria-labelledby=releases-title] tbody a").first.click()
    expect(page).to_have_url(ASSET_PAGE)
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
