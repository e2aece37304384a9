"""Writing a policy in a real browser: errors in place as one types, published with a reason, compared."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from governance.models import User
from policies import publishing
from policies.models import Promotion
from tests import factories
from tests.portal.conftest import POLICY
from tests.portal.test_in_a_browser import apart, browser, found_by_axe, open_page, server, shared_server

pytestmark = [pytest.mark.browser]
__all__ = ["browser", "open_page", "server", "shared_server"]


def test_a_policy_is_mended_published_and_compared(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    approver: User,
    open_page: Callable[..., Page],
) -> None:
    def before() -> User:
        judge(ask())
        return factories.policy_manager("policy-manager")

    manager = apart(before)
    page = open_page(manager)
    page.goto("/policies/production-credit")
    page.get_by_role("link", name="Edit", exact=True).click()
    document = page.get_by_role("textbox", name="Document")

    # Errors stand beside the text while it is written, and lead to their place.
    document.fill((POLICY % 0.95).replace("metric:", "metrik:"))
    expect(page.get_by_role("heading", name="2 errors")).to_be_visible()
    expect(page.locator("#announcements")).to_contain_text("2 errors in the policy")
    expect(page.locator(".policy-editor__gutter .is-wrong")).to_have_count(2)
    page.get_by_role("link", name="unknown field").click()
    expect(document).to_be_focused()
    assert (
        page.evaluate("document.activeElement.value.slice(document.activeElement.selectionStart).slice(0, 6)")
        == "metrik"
    )
    document.fill(POLICY % 0.95)
    expect(page.get_by_role("heading", name="Valid")).to_be_visible()
    expect(page.locator(".policy-editor__gutter .is-wrong")).to_have_count(0)

    # What it would have decided.
    page.get_by_role("button", name="Try on the past").click()
    expect(page.get_by_text("1 of 1 promotion would have been decided otherwise.")).to_be_visible()
    assert found_by_axe(page) == []

    page.get_by_label("Why").fill("Too many misses.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("production-credit version 2 published.")).to_be_visible()
    assert found_by_axe(page) == []

    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("kpi of auc: minimum 0.95 instead of 0.8.")).to_be_visible()
    assert found_by_axe(page) == []

    # Who may not sees the text and no way to change it.
    other = open_page(approver)
    other.goto("/policies/production-credit")
    expect(other.get_by_role("heading", name="Versions")).to_be_visible()
    expect(other.get_by_role("link", name="Edit", exact=True)).to_have_count(0)


def test_the_pages_fit_a_telephone(administrator: User, open_page: Callable[..., Page]) -> None:
    def before() -> None:
        publishing.publish(actor=None, text=POLICY % 0.8, note="First.")
        publishing.publish(actor=None, text=POLICY % 0.9, note="Too many misses.")

    apart(before)
    page = open_page(administrator, width=390, dark=True)

    for address in ("", "/new", "/production-credit", "/production-credit/edit", "/production-credit/compare"):
        page.goto(f"/policies{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert found_by_axe(page) == [], address
