"""Every address of the API states its scopes, and every page asks for the person."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.authentication import SessionAuthentication

from governance import rest
from governance.models import Team
from governance.tokens import Scope
from integrations import doors
from integrations.systems.base import Scheme
from tests.integrations import connecting

API = "api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
# The description of the API and its reading page.
OPEN_API = frozenset({"api-schema", "api-docs"})
# For probes and collectors; /metrics asks for a token by itself (tests/governance/test_health_and_figures.py).
PROBES = frozenset({"livez", "readyz", "metrics"})
# Pages for people who are not signed in: signing in and out, the colours, and the way to the first page.
OPEN_PAGES = frozenset({"sign-in", "sign-out", "theme", "home"})
# Any valid token may ask whose it is.
WITHOUT_SCOPE = frozenset({"api-whoami"})
# Outside systems prove each delivery by their connection's scheme: tests/integrations/test_deliveries_are_received.py.
HOOKS = "api/v1/hooks/"
# POST that changes nothing.
ONLY_READS = frozenset({"api-policies-validate", "api-policies-test", "api-policies-simulate", "api-policies-diff"})
EXAMPLES = {"uuid": str(uuid.UUID(int=1)), "slug": "credit", "str": "somebody", "int": "1"}


@dataclass(frozen=True, slots=True)
class Address:
    """One routed address: its pattern, its name, its view."""

    pattern: str
    name: str
    view: Any

    @property
    def example(self) -> str:
        return "/" + re.sub(r"<(\w+):\w+>", lambda match: EXAMPLES[match[1]], self.pattern)

    @property
    def methods(self) -> set[str]:
        """The methods that a class-based view of the API carries out."""
        return {method.upper() for method in METHODS if hasattr(self.view.cls, method)}


def routed(patterns: list[Any], before: str = "") -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routed(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield Address(before + str(pattern.pattern), pattern.name or "", pattern.callback)


ADDRESSES = list(routed(get_resolver().url_patterns))
OF_API = [
    one
    for one in ADDRESSES
    if one.pattern.startswith(API) and one.name not in OPEN_API and not one.pattern.startswith(HOOKS)
]
OF_HOOKS = [one for one in ADDRESSES if one.pattern.startswith(HOOKS)]
PAGES = [one for one in ADDRESSES if not one.pattern.startswith(API) and one.name not in PROBES]


def test_there_is_what_the_tests_below_look_at() -> None:
    assert len(OF_API) > 20
    assert len(PAGES) > 20
    assert {*OPEN_API, *PROBES, *OPEN_PAGES, *WITHOUT_SCOPE, *ONLY_READS} <= {one.name for one in ADDRESSES}


@pytest.mark.parametrize("address", OF_API, ids=lambda one: one.pattern)
def test_the_api_states_a_scope_for_each_method(address: Address) -> None:
    scopes = address.view.cls.scopes

    assert set(scopes) == address.methods
    if address.name in WITHOUT_SCOPE:
        assert set(scopes.values()) == {None}
        return
    for method, scope in scopes.items():
        is_read = method == "GET" or address.name in ONLY_READS
        assert (Scope(scope) is Scope.READ) == is_read, method
        assert Scope(scope) is not Scope.ALL


@pytest.mark.parametrize("address", OF_API, ids=lambda one: one.pattern)
def test_the_api_asks_for_tokens_or_sessions_and_nothing_else(address: Address) -> None:
    view = address.view.cls

    assert view.permission_classes == [rest.HasScope]
    assert view.authentication_classes in (
        [rest.TokenAuthentication, SessionAuthentication],
        [rest.TokenAuthentication],
    )


@pytest.mark.django_db
@pytest.mark.parametrize("address", OF_API, ids=lambda one: one.pattern)
def test_the_api_refuses_who_shows_nothing(address: Address, client: Client) -> None:
    for method in sorted(address.methods):
        answer = client.generic(method, address.example, b"{}", content_type="application/json")

        assert answer.status_code == 401, method
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", [one for one in ADDRESSES if one.pattern.startswith(HOOKS)], ids=lambda one: one.pattern
)
def test_hooks_take_nothing_without_a_proof(address: Address, client: Client, team: Team) -> None:
    slug = address.example.removeprefix("/" + HOOKS).partition("/")[0]
    assert client.post(address.example, b"{}", content_type="application/json").status_code == 404
    connecting.connection(team, slug=slug, scheme=Scheme.SECRET_PATH)
    doors.forget()

    for method in ("POST", "PUT", "OPTIONS"):
        answer = client.generic(method, address.example, b"{}", content_type="application/json")
        assert answer.status_code == 401, method
    assert client.get(address.example).status_code == 405
    doors.forget()


@pytest.mark.django_db
@pytest.mark.parametrize("address", [one for one in PAGES if one.name not in OPEN_PAGES], ids=lambda one: one.pattern)
def test_a_page_sends_strangers_to_sign_in(address: Address, client: Client) -> None:
    """Reading an address that only takes a form leads there by way of the form's page."""
    answers = [send(address.example, follow=True) for send in (client.get, client.head, client.post)]
    asked = [answer for answer in answers if answer.status_code != 405]

    assert asked
    for answer in asked:
        assert answer.redirect_chain[-1][0].startswith(f"{reverse(settings.LOGIN_URL)}?next=")
    # A form that was sent is not lost to another page.
    sent = answers[-1]
    assert (
        sent.status_code == 405 or sent.redirect_chain[0][0] == f"{reverse(settings.LOGIN_URL)}?next={address.example}"
    )


@pytest.mark.django_db
def test_the_pages_for_strangers_hold_nothing(client: Client) -> None:
    """The colours are a cookie, the first page is a redirect, and leaving without having come in does nothing."""
    assert client.get(reverse("home"))["Location"] == reverse("assets")
    assert client.post(reverse("theme"))["Location"] == reverse("assets")
    assert client.post(reverse("sign-out"))["Location"] == reverse("sign-in")
    assert client.get(reverse("sign-in")).status_code == 200
