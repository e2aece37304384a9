"""A system is connected in a browser, sends, and is looked at; what went live past the gate is an incident."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import requests
from playwright.sync_api import Page, expect

from governance.models import Team, TeamRole, User
from integrations import translating
from integrations.models import Connection, Join
from lineage import identity
from policies import incidents
from policies.incidents import Found, Kind
from tests import factories
from tests.portal.scenes import REGISTRY
from tests.portal.test_in_a_browser import apart, browser, open_page, server, shared_server
from tests.portal.test_waivers_in_a_browser import look

pytestmark = [pytest.mark.browser]
__all__ = ["browser", "open_page", "server", "shared_server"]


def send(server: str, secret: str, event: str, document: dict[str, Any]) -> int:
    """As GitHub does: the body, its signature, and what it is."""
    body = json.dumps(document).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": f"delivery of {event}",
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }
    return requests.post(f"{server}/api/v1/hooks/code", data=body, headers=headers, timeout=30).status_code


def joined(model: UUID) -> None:
    """A join by files, as a delivery makes it."""
    Join.objects.create(
        connection=Connection.objects.get(),
        rule="files",
        name="s3://models/credit-risk/7/model.onnx",
        asset=model,
        model_namespace=REGISTRY,
        model_name="credit-risk",
        version="7",
        found_at="s3://models credit-risk/7",
        state="automatic",
    )


def test_a_system_is_connected_and_heard(graph: UUID, team: Team, open_page: Callable[..., Page], server: str) -> None:
    def people() -> User:
        factories.policy_manager("publisher")
        return factories.member(team, "maintainer", role=TeamRole.MAINTAINER)

    page = open_page(apart(people))

    # From the empty list through the catalogue to the form.
    page.goto("/connections")
    look(page)
    page.get_by_role("link", name="Connect a system").click()
    page.get_by_label("Search systems").fill("github")
    expect(page.get_by_role("link", name="GitLab")).to_have_count(0)
    look(page)
    page.get_by_role("link", name="GitHub").click()
    page.get_by_label("Short name").fill("code")
    page.get_by_label("Name of the instance").fill("github://git.example")
    page.get_by_label("Address", exact=True).fill("https://api.git.example")
    look(page)
    page.get_by_role("button", name="Connect").click()

    # The secret is shown this once; the system sends with it.
    expect(page.get_by_role("heading", name="GitHub is connected")).to_be_visible()
    look(page)
    secret = str(page.locator(".token__secret [data-copy], .token__secret .identifier").first.text_content()).strip()
    assert send(server, secret, "ping", {"zen": "Keep it simple.", "hook_id": 1}) in {200, 202}
    assert send(server, secret, "unheard_of", {"action": "done"}) in {200, 202}
    assert send(server, "another secret of some length", "ping", {}) == 401
    apart(translating.translate_due)

    # What came is told, what is not understood too.
    page.goto("/connections/code")
    expect(page.get_by_text("Unknown type").first).to_be_visible()
    look(page)
    page.locator("#deliveries").get_by_role("link", name="unheard_of").click()
    expect(page.get_by_role("heading", name="Unknown type")).to_be_visible()
    look(page)
    page.goto("/connections")
    expect(page.get_by_role("link", name="GitHub")).to_be_visible()
    look(page)

    # The rules by which what it says would be joined, and what each joined.
    page.get_by_role("link", name="Joins").click()
    expect(page.get_by_role("heading", name="No join is like that")).to_be_visible()
    apart(lambda: joined(graph))
    page.get_by_role("radio", name="By files").check(force=True)
    expect(page.get_by_role("button", name="It is not")).to_be_visible()
    look(page)
    page.get_by_label("Why").fill("Those files are of a trial.")
    page.get_by_role("button", name="It is not").click()
    expect(page.get_by_text("“Those files are of a trial.”").first).to_be_visible()
    page.get_by_text("History").click()
    look(page)

    # What is carried out is set.
    page.goto("/connections/code")
    page.get_by_label("Verdicts").check()
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_text("What is carried out is set.")).to_be_visible()

    def found() -> None:
        assert Connection.objects.get().outlet.kinds == ["verdict"]
        incidents.open_one(
            Found(
                kind=Kind.UNAPPROVED,
                key="live:here",
                model=graph,
                model_version=identity.version(graph, "7"),
                namespace=REGISTRY,
                model_name="credit-risk",
                version="7",
                stage="production",
                severity="critical",
                headline="credit-risk 7 is live in production on scoring without a verdict.",
            )
        )

    apart(found)
    page.get_by_role("link", name="Incidents").click()
    look(page)
    page.locator("#incident-list").get_by_role("link", name="Live without a verdict").click()
    expect(page.get_by_text("assay gate --model credit-risk")).to_be_visible()
    look(page)
