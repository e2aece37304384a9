"""The graph page on a generated graph of 10,000 assets, driven as people do: mouse, keyboard, back button, link."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

from bench import landscape
from governance.models import User
from tests.conftest import CommittedDatabase
from tests.portal.test_in_a_browser import CHROMIUM, browser, found_by_axe, open_page, server, shared_server

__all__ = ["browser", "open_page", "server", "shared_server"]
ASSETS = 10_000
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium, chromium-browser or google-chrome on the PATH"),
]


@pytest.fixture
def hub(committed_db: CommittedDatabase, member: User) -> str:
    """The asset with the most neighbours in a generated graph."""
    address = committed_db.environment["DATABASE_URL"]
    landscape.fill(address, assets=ASSETS, seed=1)
    with psycopg.connect(address) as database:
        row = database.execute(
            "SELECT a.uuid FROM lineage_edge e JOIN lineage_asset a ON a.id = e.source_id "
            "GROUP BY a.uuid ORDER BY count(*) DESC, a.uuid LIMIT 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


def drawn(page: Page) -> int:
    return int(page.locator("#graph-canvas").get_attribute("data-drawn") or 0)


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_a_large_graph_is_opened_searched_moved_in_time_and_taken_along(
    hub: str, member: User, approver: User, open_page: Callable[..., Page]
) -> None:
    page = open_page(member)
    page.goto(f"/graph?asset={hub}")
    expect(page.locator("#graph-canvas")).to_have_attribute("data-drawn", "27")
    # How soon is measured by the bench, which has the machine for itself.
    assert page.evaluate("performance.getEntriesByName('graph-drawn').length") == 1

    # By keyboard: the root, more after it, along a line, and back with the button of the browser.
    canvas = page.locator("#graph-canvas")
    canvas.focus()
    page.keyboard.press("Home")
    expect(page.get_by_label("Chosen node")).to_contain_text("25 shown, 175 more")
    page.keyboard.press("d")
    expect(canvas).to_have_attribute("data-drawn", "52")
    expect(page.locator("#announcements")).to_contain_text("More after")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcements")).to_contain_text("job ")
    page.keyboard.press("ArrowLeft")
    assert asked(page)["at"] == [hub]
    page.go_back()
    expect(canvas).to_have_attribute("data-drawn", "27")
    page.go_forward()
    expect(canvas).to_have_attribute("data-drawn", "52")

    # The search inside the hub brings one of those that are not shown.
    seek = page.get_by_role("search", name="After it").get_by_label("Search among them")
    seek.press_sequentially("build", delay=10)
    page.locator("#graph-panel .graph__seen button").first.click()
    expect(canvas).to_have_attribute("data-drawn", "53")

    # The search inside the view.
    page.get_by_label("Search inside").fill("billing")
    expect(page.locator("#graph-found")).to_contain_text("of 53 match")
    page.get_by_label("Search inside").press("Enter")
    assert asked(page)["find"] == ["billing"]
    assert asked(page)["at"] != [hub]

    # The same address shows the same to somebody else.
    other = open_page(approver)
    other.goto(page.url)
    expect(other.locator("#graph-canvas")).to_have_attribute("data-drawn", "53")
    chosen = page.get_by_label("Chosen node").inner_text()
    expect(other.get_by_label("Chosen node")).to_have_text(chosen, use_inner_text=True)

    # Groups, and one of them opened.
    page.get_by_label("Group by").select_option("team")
    expect(page.locator("#graph-count")).not_to_have_text("53 nodes")
    grouped = drawn(page)
    canvas.focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Open the group").click()
    expect(page.get_by_label("Open groups").get_by_role("button")).to_have_count(1)
    assert grouped < drawn(page) < 53
    page.get_by_label("Group by").select_option("")
    expect(canvas).to_have_attribute("data-drawn", "53")

    # Another day, other graphs; none has runs or fields here, which is said and not drawn.
    page.get_by_label("As of").fill("2025-04-01")
    expect(canvas).not_to_have_attribute("data-drawn", "53")
    assert asked(page)["as_of"] == ["2025-04-01"]
    page.get_by_label("Evidence").check()
    expect(canvas).to_have_attribute("data-drawn", "1")
    page.get_by_label("Fields").check()
    expect(canvas).to_have_attribute("data-drawn", "1")
    assert "down" not in asked(page)

    # Taken along.
    page.goto(f"/graph?asset={hub}")
    with page.expect_download() as saved:
        page.get_by_role("button", name="SVG").click()
    svg = Path(saved.value.path()).read_text(encoding="utf-8")
    assert svg.startswith("<svg ")
    assert svg.count("<rect") == 1 + drawn(page)
    with page.expect_download() as events:
        page.get_by_role("link", name="OpenLineage events").click()
    assert events.value.suggested_filename == f"events-{hub}.ndjson"


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)], ids=["wide-light", "phone-dark"])
def test_the_graph_shuts_no_reader_out(
    hub: str, member: User, open_page: Callable[..., Page], width: int, dark: bool
) -> None:
    page = open_page(member, width=width, dark=dark)
    found = []
    for query in (f"at={hub}", "group=team&depth=2", "form=list", f"depth=10&down={hub}.500"):
        page.goto(f"/graph?asset={hub}&{query}")
        if "form" not in query:
            page.locator("#graph-canvas[data-drawn]").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        for violation in found_by_axe(page):
            found.append((query, violation["id"], [node["html"][:160] for node in violation["nodes"]]))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((query, "scrolls sideways", []))
    for address in (f"/assets/{hub}/impact", "/assets?q=refnds&sort=name"):
        page.goto(address)
        for violation in found_by_axe(page):
            found.append((address, violation["id"], [node["html"][:160] for node in violation["nodes"]]))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((address, "scrolls sideways", []))

    assert found == [], json.dumps(found, indent=1)
