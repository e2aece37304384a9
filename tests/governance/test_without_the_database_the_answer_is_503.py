"""The database's absence is real here: the connection is closed and its address made wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from psycopg import errors as postgresql
from pytest_django import DjangoDbBlocker

from governance import middleware, problems, tokens
from governance.models import User
from tests import factories


@pytest.fixture
def database_away(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nobody listens where the database should be."""
    host, port = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
    with django_db_blocker.unblock():
        yield
    connection.settings_dict.update(HOST=host, PORT=port)


@pytest.fixture
def away(database_away: None) -> Client:
    return Client(headers={"Authorization": f"Bearer {tokens._new_secret()}"})


@pytest.mark.parametrize("path", ["/api/v1/whoami", "/api/v1/teams", "/api/v1/audit", "/readyz", "/metrics"])
def test_machines_get_a_problem_that_says_to_come_again(path: str, away: Client) -> None:
    response = away.get(path)

    assert response.status_code == 503
    assert response.headers["Content-Type"] == problems.CONTENT_TYPE
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["code"] == "unavailable"
    assert b"Traceback" not in response.content
    assert b"127.0.0.1" not in response.content


def test_events_are_not_refused_for_good(away: Client) -> None:
    response = away.post("/api/v1/lineage", {"eventType": "START"}, content_type="application/json")

    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_people_get_a_page(database_away: None) -> None:
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a" * 32

    response = browser.get("/assets", follow=False)

    assert response.status_code == 503
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Retry-After"]


def test_the_process_is_still_alive(away: Client) -> None:
    assert away.get("/livez").status_code == 200


def test_the_service_recovers_by_itself(committed_db: object, member: User) -> None:
    api = factories.client(member)
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    refused = api.get("/api/v1/whoami")
    connection.settings_dict["PORT"] = port

    assert refused.status_code == 503
    assert api.get("/api/v1/whoami").status_code == 200


@pytest.mark.parametrize(
    ("cause", "is_transient"),
    [
        (None, True),
        (postgresql.AdminShutdown(), True),
        (postgresql.TooManyConnections(), True),
        (postgresql.DeadlockDetected(), True),
        (postgresql.QueryCanceled(), True),
        (postgresql.LockNotAvailable(), True),
        (postgresql.DiskFull(), True),
        (postgresql.ProgramLimitExceeded(), False),
    ],
)
def test_only_what_may_pass_later_is_unavailable(cause: Any, is_transient: bool) -> None:
    error = OperationalError("x")
    error.__cause__ = cause

    assert middleware.is_transient(error) is is_transient
    assert not middleware.is_transient(ValueError())
