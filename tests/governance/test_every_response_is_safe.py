import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from governance.models import User
from tests import factories

pytestmark = pytest.mark.django_db

# Words of the error that PostgreSQL gives and of how Python tells it.
TELLTALE = (b"relation", b"governance_", b"SELECT", b"ProgrammingError", b"Traceback")
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


@pytest.fixture
def no_tables() -> None:
    """A fault that no code of ours expects: the tables are out of sight until the test's transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path TO nowhere")


@pytest.fixture
def faulty(member: User) -> Client:
    api = factories.client(member)
    api.raise_request_exception = False
    return api


@pytest.mark.parametrize("path", ["/api/v1/teams", "/api/v1/whoami", "/api/v1/assets", "/metrics"])
def test_a_fault_of_ours_tells_machines_nothing(path: str, faulty: Client, no_tables: None) -> None:
    response = faulty.get(path)

    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert all(word not in response.content for word in TELLTALE)


def test_a_fault_of_ours_tells_people_nothing(client: Client, member: User, request: pytest.FixtureRequest) -> None:
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    request.getfixturevalue("no_tables")

    response = client.get("/assets")

    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("text/html")
    assert all(word not in response.content for word in TELLTALE)


def test_an_unknown_host_is_refused(client: Client) -> None:
    response = client.get("/api/v1/whoami", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert response.json()["code"] == "malformed"


def test_debug_is_off_unless_asked_for() -> None:
    assert settings.DEBUG is False
