"""A waiver in a browser: asked by the one who needs it, who may not approve it, approved by the one who may."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from governance.models import User
from policies.models import Promotion
from tests.portal.test_in_a_browser import apart, browser, found_by_axe, open_page, server, shared_server

pytestmark = [pytest.mark.browser]
__all__ = ["browser", "open_page", "server", "shared_server"]


def look(page: Page) -> None:
    """What axe-core can tell in both colours, and that nothing scrolls sideways on a phone."""
    for width, colours in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
        found = found_by_axe(page)
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def test_a_waiver_is_asked_by_one_and_approved_by_another(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    member: User,
    approver: User,
    open_page: Callable[..., Page],
) -> None:
    promotion = apart(lambda: judge(ask(minimum=0.95)))

    # The one who needs it: from the finding to the form.
    asking = open_page(member)
    asking.goto(f"/promotions/{promotion.uuid}")
    asking.get_by_role("link", name="Ask for a waiver").click()
    expect(asking.get_by_role("heading", name="Ask for a waiver")).to_be_visible()
    look(asking)
    asking.get_by_label("Reason").fill("The sensor was replaced; retraining ends on Friday.")
    asking.get_by_label("Ticket").fill("RISK-17")
    asking.get_by_label("Days").fill("14")
    asking.get_by_role("button", name="Ask for the waiver").click()

    # They read why they may not decide.
    expect(asking.get_by_role("heading", name="Waiting for 1 approval")).to_be_visible()
    expect(asking.get_by_text("Nobody approves a waiver that they asked for")).to_be_visible()
    expect(asking.get_by_role("button", name="Approve")).to_have_count(0)
    look(asking)

    # The one who may finds it in the list and approves.
    deciding = open_page(approver)
    deciding.get_by_role("link", name="Waivers").click()
    look(deciding)
    deciding.get_by_label("Requested 1").check()
    deciding.locator("#waiver-list").get_by_role("link").first.click()
    deciding.get_by_label("Reason").first.fill("The harm is small until Friday.")
    deciding.get_by_role("button", name="Approve").click()
    expect(deciding.get_by_role("heading", name="In force")).to_be_visible()

    # The promotion goes on, and says what it stands on.
    deciding.get_by_role("link", name="credit-risk 7 to production").first.click()
    expect(deciding.get_by_role("heading", name="Waiting for 1 approval")).to_be_visible()
    expect(deciding.get_by_text("1 check is waived")).to_be_visible()
    deciding.get_by_label("Reason").fill("Read with its waiver.")
    deciding.get_by_role("button", name="Approve").click()
    expect(deciding.get_by_role("heading", name="Passed")).to_be_visible()
    expect(deciding.get_by_role("link", name="Waived")).to_be_visible()
    look(deciding)

    # Revoked, the promotion keeps its state and says that nothing covers it.
    deciding.get_by_role("link", name="Waived").click()
    deciding.get_by_text("Revoke this waiver").click()
    deciding.get_by_label("Reason").last.fill("The sensor fails again.")
    deciding.get_by_role("button", name="Revoke").click()
    expect(deciding.get_by_role("heading", name="Revoked")).to_be_visible()
    deciding.get_by_role("link", name="credit-risk 7 to production").first.click()
    expect(deciding.get_by_role("heading", name="Passed")).to_be_visible()
    expect(deciding.get_by_role("heading", name="No longer covered")).to_be_visible()
    look(deciding)
    deciding.goto("/promotions")
    expect(deciding.get_by_text("no longer covered")).to_be_visible()
