"""The catalogue of checks is shown from their classes and case files, in the portal and over the API."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import User
from governance.tokens import Scope
from policies import manual, publishing
from policies.checks.base import Outcome
from policies.checks.catalogue import CHECKS
from tests import factories
from tests.portal.conftest import POLICY

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
QUERY_BUDGET = 8


def test_the_list_has_every_check_and_searches_in_what_is_told_of_them(member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    everything, found = client.get("/checks"), client.get("/checks?q=assay_loadTest latency")

    assert all(f'href="/checks/{check_id}"' in everything.text for check_id in CHECKS)
    assert 'href="/checks/load"' in found.text
    assert 'href="/checks/kpi"' not in found.text


def test_a_search_in_vain_says_so_and_leads_back(member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/checks?q=<b>nothing</b>")

    assert "Nothing matches" in answer.text
    assert "&lt;b&gt;nothing" in answer.text
    assert 'href="/checks"' in answer.text


def test_htmx_gets_the_list_alone(member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/checks?q=drift", headers={"HX-Request": "true"})

    assert answer.text.lstrip().startswith('<section class="section" id="check-list"')
    assert answer["HX-Replace-Url"] == "/checks?q=drift"


@pytest.mark.parametrize("check_id", CHECKS)
def test_the_page_of_a_check_tells_all_of_it(member: User, sign_in: SignIn, check_id: str) -> None:
    page = manual.page(check_id)
    assert page is not None

    answer = sign_in(member).get(f"/checks/{check_id}")

    assert answer.status_code == 200
    assert answer.text.count('data-label="Says"') == len(page.cases)
    assert all(f"<code>{parameter.name}</code>" in answer.text for parameter in page.parameters)
    assert {Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN} <= {case.outcome for case in page.cases}


def test_a_check_that_does_not_exist_is_not_found(member: User, sign_in: SignIn) -> None:
    assert sign_in(member).get("/checks/nothing").status_code == 404


def test_the_page_names_the_policies_that_ask_it_within_its_budget(member: User, sign_in: SignIn) -> None:
    publishing.publish(actor=None, text=POLICY % 0.8)
    client = sign_in(member)

    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/checks/kpi")

    assert 'href="/policies/production-credit"' in answer.text
    assert len(queries) <= QUERY_BUDGET
    assert "None yet." in client.get("/checks/load").text


def test_the_api_gives_the_same(member: User) -> None:
    client = factories.client(member, Scope.READ)

    listed = client.get("/api/v1/checks").json()["results"]
    found = client.get("/api/v1/checks?q=spdx").json()["results"]
    one = client.get("/api/v1/checks/kpi").json()

    assert [check["check"] for check in listed] == sorted(CHECKS)
    assert [check["check"] for check in found] == ["licence"]
    assert one == next(check for check in listed if check["check"] == "kpi")
    assert one["schema"]["properties"]["metric"]["type"] == "string"
    assert client.get("/api/v1/checks/nothing").status_code == 404
    assert client.get("/api/v1/checks?x=1").status_code == 400
