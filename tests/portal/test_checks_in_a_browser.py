"""The catalogue of checks in a real browser: found by a word, read, and followed from a finding."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from governance.models import User
from policies.models import Promotion
from tests.portal.test_in_a_browser import apart, browser, open_page, server, shared_server
from tests.portal.test_waivers_in_a_browser import look

pytestmark = [pytest.mark.browser]
__all__ = ["browser", "open_page", "server", "shared_server"]


def test_a_check_is_found_and_read(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    member: User,
    open_page: Callable[..., Page],
) -> None:
    promotion = apart(lambda: judge(ask(minimum=0.95)))
    page = open_page(member)

    # By a word, as it is typed; the address remembers it.
    page.goto("/assets")
    page.get_by_role("link", name="Checks", exact=True).click()
    expect(page.get_by_role("link", name="ownership", exact=True)).to_be_visible()
    look(page)
    page.get_by_label("Search by question, parameter or facet").press_sequentially("dataProfile")
    expect(page.get_by_role("link", name="ownership", exact=True)).to_have_count(0)
    expect(page).to_have_url("/checks?q=dataProfile")

    # By keyboard to the page of the check, where a case opens to its rule.
    page.get_by_role("link", name="drift", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Serving data is like training data")).to_be_visible()
    page.locator("summary", has_text="too few rows").click()
    expect(page.locator("details[open]").get_by_text("measure: stability_index")).to_be_visible()
    look(page)

    # And from a finding that failed.
    page.goto(f"/promotions/{promotion.uuid}")
    page.get_by_role("link", name="kpi", exact=True).first.click()
    expect(page.get_by_role("heading", name="The KPI is good enough")).to_be_visible()
    expect(page.get_by_role("link", name="production-credit")).to_be_visible()
