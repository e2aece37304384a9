"""People come in by name and password; each entry and each refused try on an account is kept in the audit log."""

import pytest
from django.test import Client
from pytest_django import Settings

from governance.actions import Action
from governance.models import AuditEntry, User
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    """What makes a password hard to guess from its hash makes each sign-in take a third of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person() -> User:
    account = factories.user("owner")
    account.set_password(PASSWORD)
    account.save(update_fields=["password"])
    return account


def test_a_part_asked_for_after_the_session_loads_the_page_anew(client: Client) -> None:
    answer = client.get("/assets", headers={"HX-Request": "true"})

    assert (answer.text, answer.headers["HX-Refresh"]) == ("", "true")


def test_the_right_password_opens_the_assets(client: Client, person: User) -> None:
    answer = client.post("/sign-in", {"username": "owner", "password": PASSWORD})

    assert answer.headers["Location"] == "/assets"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (person, Action.SIGNED_IN, "user:owner")


def test_sign_in_goes_on_to_the_page_that_was_asked_for(client: Client, person: User) -> None:
    answer = client.post("/sign-in", {"username": "owner", "password": PASSWORD, "next": "/tokens"})

    assert answer.headers["Location"] == "/tokens"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
@pytest.mark.parametrize("address", ["/sign-in", "/theme"])
def test_no_address_leads_elsewhere(client: Client, person: User, address: str, target: str) -> None:
    answer = client.post(address, {"username": "owner", "password": PASSWORD, "theme": "dark", "next": target})

    assert answer.headers["Location"] == "/assets"


def test_a_wrong_password_is_refused_and_kept(client: Client, person: User) -> None:
    answer = client.post("/sign-in", {"username": "owner", "password": "wrong"})

    assert answer.status_code == 200
    assert "The name or the password is not right" in answer.text
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (None, Action.SIGN_IN_REFUSED, "user:owner")


@pytest.mark.parametrize("username", ["correct horse battery", "a\x00b", "x" * 500, ""])
def test_a_name_that_is_no_account_is_refused_and_not_kept(client: Client, username: str) -> None:
    answer = client.post("/sign-in", {"username": username, "password": "wrong"})

    assert answer.status_code == 200
    assert not AuditEntry.objects.exists()


def test_signing_out_ends_the_session_and_takes_a_form(client: Client, person: User) -> None:
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    by_link = client.get("/sign-out", follow=True)
    by_form = client.post("/sign-out")

    assert (by_link.status_code, by_link.redirect_chain) == (200, [("/assets", 302)])
    assert client.get("/assets").status_code == 302
    assert by_form.headers["Location"] == "/sign-in"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (person, Action.SIGNED_OUT, "user:owner")


def test_whoever_is_not_signed_in_leaves_without_an_entry(client: Client) -> None:
    assert client.post("/sign-out").headers["Location"] == "/sign-in"

    assert not AuditEntry.objects.exists()


def test_a_form_without_its_token_is_refused_with_a_page(person: User) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "owner", "password": PASSWORD})

    assert answer.status_code == 403
    assert "load the page again" in answer.text


@pytest.mark.parametrize(
    ("chosen", "attribute"), [("dark", 'data-bs-theme="dark"'), ("light", 'data-bs-theme="light"')]
)
def test_the_chosen_colours_stay(client: Client, chosen: str, attribute: str) -> None:
    client.post("/theme", {"theme": chosen, "next": "/sign-in"})

    assert attribute in client.get("/sign-in").text


@pytest.mark.parametrize("chosen", ["system", '"><script>'])
def test_any_other_choice_follows_the_system(client: Client, chosen: str) -> None:
    client.post("/theme", {"theme": "dark"})
    client.post("/theme", {"theme": chosen})

    assert "data-bs-theme" not in client.get("/sign-in").text
