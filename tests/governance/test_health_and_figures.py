from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from governance import health
from governance.models import ApiToken, User
from governance.tokens import Scope
from tests import factories

pytestmark = pytest.mark.django_db


def test_alive_asks_nothing_of_the_database(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/livez")

    assert response.status_code == 200
    assert response.json() == {"status": "alive"}


def test_ready_when_the_database_has_this_codes_tables(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'governance'")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.headers["Retry-After"]
    (newest,) = (name for app, name in health.newest_migrations() if app == "governance")
    assert f"governance.{newest}" in response.json()["detail"]


def test_a_newer_database_is_ready_for_older_code(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('governance', '9999_new', now())")

    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_only_read(path: str, client: Client) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code in {200, 401}


def test_figures_are_for_tokens_that_read(member: User) -> None:
    response = factories.client(member, Scope.READ).get("/metrics")

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert b"\nassay_projection_backlog 0.0\n" in response.content


def test_figures_are_for_all_when_the_setting_says_so(client: Client, settings: Settings) -> None:
    settings.METRICS_PUBLIC = True

    assert client.get("/metrics").status_code == 200


def test_figures_come_in_the_form_that_was_asked_for(member: User) -> None:
    accept = "application/openmetrics-text; version=1.0.0"

    response = factories.client(member).get("/metrics", headers={"Accept": accept})

    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.content.endswith(b"# EOF\n")


def test_tokens_are_counted_by_state(member: User) -> None:
    api = factories.client(member)
    for _ in range(2):
        factories.secret(member)
    old = timezone.now() - timedelta(days=9)
    last, other = ApiToken.objects.order_by("-pk")[:2]
    ApiToken.objects.filter(pk=last.pk).update(revoked_at=old)
    ApiToken.objects.filter(pk=other.pk).update(created_at=old, expires_at=old + timedelta(days=1))

    text = api.get("/metrics").content.decode()

    for state in ("live", "expired", "revoked"):
        assert f'assay_api_tokens{{state="{state}"}} 1.0' in text
