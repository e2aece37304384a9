"""What a change of an asset touches, as a page and a table."""

import csv
import io
from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance.models import OwnerRole, Team, User
from lineage import identity
from tests import factories
from tests.lineage import growing
from tests.portal.scenes import HOSTILE, REGISTRY, WAREHOUSE, dataset, run_event

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
APPLICATIONS = identity.asset("dataset", WAREHOUSE, "applications")


@pytest.fixture
def served(graph: UUID) -> UUID:
    """The model of the small graph, with an endpoint that serves it."""
    model = dataset(
        "credit-risk", namespace=REGISTRY, datasetType={"datasetType": "MODEL"}, version={"datasetVersion": "7"}
    )
    event = run_event("endpoint", inputs=[model], outputs=[], run=str(UUID(int=5)), kind="RUNNING")
    event["job"]["facets"] = {
        "jobType": {
            "_producer": "https://example.com/p",
            "_schemaURL": "https://example.com/f.json",
            "processingType": "SERVICE",
            "integration": "SERVING",
        }
    }
    growing.append([event])
    growing.project()
    return graph


def test_the_page_names_assets_owners_models_and_deployments(
    served: UUID, team: Team, member: User, sign_in: SignIn
) -> None:
    factories.ownership(served, OwnerRole.STEWARD, team)

    answer = sign_in(member).get(f"/assets/{APPLICATIONS}/impact")

    text = " ".join(answer.text.split())
    assert answer.context["total"] == 5
    assert [(one.name, deployment) for one, deployment, _ in answer.context["deployed"]] == [
        ("credit-risk", "endpoint")
    ]
    assert "credit, steward" in text
    assert "1 model, 1 deployment" in text
    assert f"/graph?asset={APPLICATIONS}&amp;direction=downstream" in answer.text


@pytest.mark.parametrize(
    ("query", "count"),
    [("kind=model", 1), ("team=credit", 1), ("team=nobody", 4), ("q=CREDIT risk", 1), ("kind=job&team=credit", 0)],
)
def test_filters_narrow_the_list_and_the_table_alike(
    served: UUID, team: Team, member: User, sign_in: SignIn, query: str, count: int
) -> None:
    factories.ownership(served, OwnerRole.STEWARD, team)
    client = sign_in(member)

    page = client.get(f"/assets/{APPLICATIONS}/impact?{query}")
    table = client.get(f"/assets/{APPLICATIONS}/impact.csv?{query}")

    assert page.context["total"] == count
    assert len(list(csv.reader(io.StringIO(table.text)))) == count + 1


def test_a_search_gets_the_part_of_the_page(served: UUID, member: User, sign_in: SignIn) -> None:
    part = sign_in(member).get(f"/assets/{APPLICATIONS}/impact?kind=model", headers={"HX-Request": "true"})

    assert part.text.strip().startswith('<div class="columns__part" id="impact" data-announce="1 asset touched"')


def test_nothing_downstream_is_said_in_words(served: UUID, member: User, sign_in: SignIn) -> None:
    leaf = identity.asset("dataset", WAREHOUSE, HOSTILE)

    assert "Nothing is downstream" in sign_in(member).get(f"/assets/{leaf}/impact").text


def test_before_the_first_run_nothing_was_touched(served: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{APPLICATIONS}/impact?as_of=2025-12-31")

    assert "by that day" in answer.text


@pytest.mark.parametrize("query", ["kind=table", "days=8", "page=0", "as_of=soon", "q=%00"])
def test_a_broken_address_is_refused_with_a_page(served: UUID, member: User, sign_in: SignIn, query: str) -> None:
    assert sign_in(member).get(f"/assets/{served}/impact?{query}").status_code == 400
