"""The JSON Schema that editors use agrees with what the server takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from governance.models import User
from governance.yamldocuments import BadDocument
from policies import documents, jsonschema
from policies.checks.catalogue import CHECKS
from tests import factories
from tests.policies.test_what_is_wrong_with_a_document import GOOD

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "policy.schema.json"


def errors(text: str) -> list[str]:
    content: Any = yaml.safe_load(text)
    return [error.message for error in Draft202012Validator(jsonschema.schema()).iter_errors(content)]


def test_it_is_a_schema_and_knows_every_check() -> None:
    schema = jsonschema.schema()
    Draft202012Validator.check_schema(schema)

    assert set(schema["properties"]["rules"]["items"]["properties"]["check"]["enum"]) == set(CHECKS)
    assert CHECKS.keys() <= schema["$defs"].keys()


def test_the_published_one_is_current() -> None:
    """Otherwise: manage.py policies schema > docs/policy.schema.json"""
    assert json.loads(PUBLISHED.read_text()) == jsonschema.schema()


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("{name: credit-*}", "{tier: [high, unclassified], tags: [a], data_classes: [personal]}"),
        GOOD.replace("stage: production", "stage: [staging, prod*], team: [credit]"),
        GOOD.replace("mode: warn", "effective_from: '2027-01-01'\n    mode: shadow"),
        GOOD + "effective_from: '2027-01-01T00:00:00Z'\ndescription: x\n",
    ],
)
def test_what_the_server_takes_editors_do_not_mark(text: str) -> None:
    documents.parse(text)

    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("metric: auc", "metrik: auc"),
        GOOD.replace("minimum: 0.8", "minimum: high"),
        GOOD.replace("check: kpi", "check: kpis"),
        GOOD.replace("mode: warn", "mode: loud"),
        GOOD.replace("name: credit-*", "tier: [hihg]"),
        GOOD.replace("name: credit-*", "tier: []"),
        GOOD.replace("stage: production, ", ""),
        GOOD.replace("[steward]", "[]"),
        GOOD.replace("policy: production-credit", "policy: Production Credit"),
        GOOD + "more: 1\n",
    ],
)
def test_what_editors_mark_the_server_refuses(text: str) -> None:
    assert errors(text)
    with pytest.raises(BadDocument):
        documents.parse(text)


@pytest.mark.django_db
def test_it_is_served(member: User) -> None:
    client: Client = factories.client(member)

    assert client.get("/api/v1/policies/schema").json() == jsonschema.schema()
