import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from governance.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    response = client.get("/api/v1/schema")
    assert response.status_code == 200
    described: dict[str, Any] = yaml.safe_load(response.content)
    return described


def views(patterns: list[URLPattern | URLResolver] | None = None) -> list[type[APIView]]:
    found: list[type[APIView]] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            found += views(pattern.url_patterns)
        else:
            view: type[object] = getattr(pattern.callback, "view_class", object)
            if issubclass(view, APIView):
                found.append(view)
    return found


def test_the_document_is_openapi_3_1_without_warnings(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    call_command("spectacular", validate=True, fail_on_warn=True, file="/dev/null")


def test_every_operation_says_how_it_refuses(document: dict[str, Any]) -> None:
    operations = [one for path in document["paths"].values() for one in path.values()]

    assert operations
    for operation in operations:
        refusal = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
        assert refusal == {"$ref": "#/components/schemas/Problem"}
        assert operation["summary"], operation["operationId"]


def test_governance_answers_as_the_document_says(document: dict[str, Any], administrator: User) -> None:
    described = document["paths"]["/api/v1/whoami"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    answer = factories.client(administrator).get("/api/v1/whoami").json()

    assert set(answer) == set(described["properties"])


def test_every_api_view_states_the_scope_of_each_method() -> None:
    ours = [view for view in views() if not view.__module__.startswith("drf_spectacular")]

    assert ours
    for view in ours:
        offered = {method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)}
        assert set(getattr(view, "scopes", {})) == offered, view


def test_the_page_for_reading_it_runs_under_our_policy(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()
    script = client.get("/api/v1/docs?script=")

    assert "<style" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(address.startswith("/") for address in addresses)
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content
