import pytest
from django.conf import settings
from django.test import Client

from governance.models import User
from tests import factories

pytestmark = pytest.mark.django_db

PATHS = ["/livez", "/api/v1/whoami", "/api/v1/nothing", "/nothing", "/api/v1/docs", "/api/v1/schema", "/sign-in"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_foreign_or_inline_is_run_framed_sniffed_or_kept(path: str, client: Client) -> None:
    headers = client.get(path).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store" or "private" in headers["Cache-Control"]


def test_a_fault_of_ours_tells_clients_nothing(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("secret detail")

    api = factories.client(member)
    api.raise_request_exception = False
    monkeypatch.setattr("governance.selectors.teams", broken)

    response = api.get("/api/v1/teams")

    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert b"secret detail" not in response.content
    assert b"Traceback" not in response.content


def test_an_unknown_host_is_refused(client: Client) -> None:
    response = client.get("/api/v1/whoami", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert response.json()["code"] == "malformed"


def test_debug_is_off_unless_asked_for() -> None:
    assert settings.DEBUG is False
