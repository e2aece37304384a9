"""Policies are shown with the text of each version."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import User
from policies import publishing
from tests.portal.conftest import POLICY

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
QUERY_BUDGET = 8


def test_the_list_says_what_each_policy_asks(member: User, sign_in: SignIn) -> None:
    publishing.publish(actor=None, text=POLICY % 0.8)

    answer = sign_in(member).get("/policies")

    assert "production-credit" in answer.text
    assert "credit-*" in answer.text
    assert "lineage-complete (shadow)" in answer.text


def test_every_version_can_be_read(member: User, sign_in: SignIn) -> None:
    publishing.publish(actor=None, text=POLICY % 0.8)
    publishing.publish(actor=None, text=POLICY % 0.9)
    client = sign_in(member)

    newest, first = client.get("/policies/production-credit"), client.get("/policies/production-credit?version=1")

    assert "minimum: 0.9" in newest.text
    assert "minimum: 0.8" in first.text
    assert "This version has been replaced." in first.text
    assert "This version has been replaced." not in newest.text


def test_a_document_is_shown_as_text(member: User, sign_in: SignIn) -> None:
    publishing.publish(actor=None, text=POLICY % 0.8 + "# <script>alert(1)</script>\n")

    assert "# &lt;script&gt;" in sign_in(member).get("/policies/production-credit").text


@pytest.mark.parametrize("address", ["nowhere", "production-credit?version=9", "production-credit?version=x"])
def test_what_is_not_there_is_not_found(member: User, sign_in: SignIn, address: str) -> None:
    publishing.publish(actor=None, text=POLICY % 0.8)

    assert sign_in(member).get(f"/policies/{address}").status_code == 404


def test_the_empty_list_shows_a_first_policy(member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/policies")

    assert "No policy yet" in answer.text
    assert "policies apply" in answer.text


def test_the_list_keeps_to_its_budget_of_queries(member: User, sign_in: SignIn) -> None:
    for number in range(8):
        publishing.publish(actor=None, text=(POLICY % 0.8).replace("production-credit", f"policy-{number}"))
    client = sign_in(member)

    with CaptureQueriesContext(connection) as queries:
        client.get("/policies")

    assert len(queries) <= QUERY_BUDGET
