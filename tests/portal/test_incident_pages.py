"""Pages of incidents: found, read, and closed by the one who may."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import OwnerRole, Team, User
from lineage import identity
from policies import incidents
from policies.incidentmodels import Incident
from policies.incidents import Found, Kind
from tests import factories
from tests.portal.scenes import REGISTRY

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST_BUDGET = 8
PAGE_BUDGET = 14


@pytest.fixture
def incident(graph: UUID, team: Team) -> Incident:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    return opened(graph)


def opened(model: UUID, version: str = "7", kind: Kind = Kind.UNAPPROVED) -> Incident:
    return incidents.open_one(
        Found(
            kind=kind,
            key=f"live:{kind}:{version}",
            model=model,
            model_version=identity.version(model, version),
            namespace=REGISTRY,
            model_name="credit-risk",
            version=version,
            stage="production",
            severity="critical",
            headline=f"credit-risk {version} is live in production on <scoring> without a verdict.",
        )
    )


def test_an_empty_list_says_what_is_watched(member: User, sign_in: SignIn) -> None:
    assert "Nothing is wrong that Assay knows of" in sign_in(member).get("/incidents").text
    assert "None has been closed" in sign_in(member).get("/incidents?state=closed").text


def test_the_list_shows_what_is_open_and_filters_by_kind(incident: Incident, member: User, sign_in: SignIn) -> None:
    opened(incident.model, "8", Kind.ALERT)
    client = sign_in(member)
    with CaptureQueriesContext(connection) as asked:
        listed = client.get("/incidents")

    assert len(asked) <= LIST_BUDGET
    assert [one.version for one in listed.context["page"].rows] == ["8", "7"]
    assert "&lt;scoring&gt;" in listed.text
    assert [one.version for one in client.get("/incidents?kind=alert").context["page"].rows] == ["8"]
    assert client.get("/incidents?kind=other").status_code == 400


def test_the_page_says_what_to_do_and_who_answers(incident: Incident, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/incidents/{incident.uuid}")

    assert len(asked) <= PAGE_BUDGET
    assert "assay gate --model credit-risk --version 7 --to production" in page.text
    assert "Nobody has asked the gate about it." in page.text
    assert "credit" in page.text
    assert "Close the incident" not in page.text


def test_an_approver_closes_it_with_a_reason(incident: Incident, approver: User, member: User, sign_in: SignIn) -> None:
    address = f"/incidents/{incident.uuid}/close"

    assert sign_in(member).post(address, {"reason": "So it is."}).status_code == 403
    empty = sign_in(approver).post(address, {"reason": " "})
    assert (empty.status_code, "Say why" in empty.text) == (422, True)
    sent = sign_in(approver).post(address, {"reason": "It is a rehearsal."})
    assert sent["Location"] == f"/incidents/{incident.uuid}"

    page = sign_in(member).get(sent["Location"])
    assert "Closed by a person" in page.text
    assert "It is a rehearsal." in page.text
    assert sign_in(approver).get(address)["Location"] == f"/incidents/{incident.uuid}"
    again = sign_in(approver).post(address, {"reason": "Again."}, follow=True)
    assert "The incident is closed already." in again.text


def test_an_incident_that_is_not_there_is_not_found(member: User, sign_in: SignIn) -> None:
    assert sign_in(member).get("/incidents/11111111-1111-4111-8111-111111111111").status_code == 404
