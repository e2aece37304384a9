"""Verdicts and incidents become notices of each outlet, once; claims are compared with verdicts, questions answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from governance import audit
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid
from governance.models import Team, TeamRole, User
from integrations import composing, connections, outlets
from integrations.models import Connection
from integrations.notices import Claim, Question
from integrations.outmodels import Dispatch, LiveClaim, Notice, Outlet, ReleaseQuestion
from policies import incidents
from policies.incidentmodels import Incident
from tests import factories
from tests.policies import stories
from tests.policies.test_incidents_of_what_is_live import alert, guard, served

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def team() -> Team:
    return factories.team("credit")


@pytest.fixture
def requester(team: Team) -> User:
    return factories.member(team, "requester")


def connected(team: Team, system: str, namespace: str) -> Connection:
    settings = connections.Settings(title=system, address="https://api.example")
    made = connections.create(actor=None, team=team, slug=system, system=system, namespace=namespace, settings=settings)
    return made.connection


def opened(connection: Connection, *kinds: str, **setting: Any) -> Outlet:
    return outlets.set_up(actor=None, connection=connection, kinds=kinds or ["verdict"], setting=setting)


def requests() -> list[tuple[str, Any]]:
    return list(Dispatch.objects.order_by("notice", "number").values_list("path", "document"))


def trained(version: str, **more: Any) -> dict[str, Any]:
    """As in the stories, from a repository with an owner."""
    story = stories.trained(version, **more)
    location = story["job"]["facets"]["sourceCodeLocation"] | {"repoUrl": "https://git.example/acme/loans.git"}
    return story | {"job": {"namespace": "jobs", "name": "train", "facets": {"sourceCodeLocation": location}}}


def github(team: Team) -> Connection:
    return connected(team, "github", "github://git.example")


def test_a_verdict_is_told_once_with_the_commit_of_its_training(team: Team, requester: User) -> None:
    guard()
    stories.grow(trained("1"))
    outlet = opened(github(team))
    promotion = stories.judge(stories.ask(requester))

    assert composing.compose() == 1
    assert composing.compose() == 0

    ((path, document),) = requests()
    assert path == "repos/acme/loans/statuses/3f2a9c1d"
    assert document["state"] == "success"
    assert document["target_url"].endswith(f"/promotions/{promotion.uuid}")
    told = Notice.objects.get(outlet=outlet)
    assert (told.document["headline"], told.document["commit"]) == ("credit 1 may go to production.", "3f2a9c1d")


def test_a_block_names_what_did_not_pass(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1", auc=0.5))
    opened(github(team))
    stories.judge(stories.ask(requester))
    composing.compose()

    (notice,) = Notice.objects.all()
    assert notice.document["state"] == "blocked"
    assert [one["check"] for one in notice.document["reasons"]] == ["kpi"]
    assert "1 of 1 checks did not pass" in notice.document["headline"]


def test_reminders_reach_chat_once(team: Team) -> None:
    outlet = opened(connected(team, "slack", "slack://acme"), "reminder")
    narrowed = opened(connected(team, "teams", "teams://acme"), "reminder", models=["credit"])
    says = {"says": "Owners: 3 of 12 items are done, 9 days left.", "page": "/maturity/initiatives/4", "days_left": 9}
    for action, detail in ((Action.INITIATIVE_REPORTED, says), (Action.ANSWER_REMINDED, {"days_left": 3})):
        with transaction.atomic():
            audit.record(actor=None, action=action, subject="initiative:4", detail=detail)

    assert (composing.compose(), composing.compose()) == (2, 0)

    told = Notice.objects.get(outlet=outlet)
    assert (told.document["headline"], told.document["model"]) == (says["says"], None)
    assert told.document["url"].endswith("/maturity/initiatives/4")
    ((_, document),) = requests()
    assert document["text"] == f"🔔 {says['says']}"
    # A reminder is about no model, so one that asks for some models alone does not want it.
    assert not Dispatch.objects.filter(notice__outlet=narrowed).exists()


def test_what_was_decided_before_is_not_told(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"))
    stories.judge(stories.ask(requester))
    opened(github(team))

    assert composing.compose() == 0


def test_what_an_outlet_does_not_want_is_noted_and_sends_nothing(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"))
    opened(github(team), stages=["staging"])
    stories.judge(stories.ask(requester))

    assert composing.compose() == 1
    assert requests() == []


def test_an_outlet_is_set_by_who_maintains_the_team_and_checked(team: Team, requester: User) -> None:
    connection = github(team)
    maintainer = factories.member(team, "maintainer", role=TeamRole.MAINTAINER)
    given: dict[str, Any] = {"connection": connection, "kinds": ["verdict"], "setting": {}}

    with pytest.raises(Denied):
        outlets.set_up(actor=requester, **given)
    for change, field in (
        ({"kinds": ["incident"]}, "kinds"),
        ({"setting": {"how": "by pigeon"}}, "setting"),
        ({"setting": {"unheard": 1}}, "setting"),
    ):
        with pytest.raises(Invalid) as refused:
            outlets.set_up(actor=maintainer, **(given | change))
        assert set(refused.value.fields) == {field}
    assert outlets.set_up(actor=maintainer, **given).is_active
    connections.retire(actor=None, connection=connection)
    with pytest.raises(Conflict):
        outlets.set_up(actor=maintainer, **given)


def test_a_protection_rule_waits_for_the_gate_and_is_then_answered(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"))
    connection = github(team)
    opened(connection)
    question = Question(
        callback="https://api.example/cb",
        stage="production",
        at=datetime.now(tz=UTC),
        commit="3f2a9c1d",
        about={"environment_name": "Prod"},
    )
    composing.note_questions(connection, [question, question])
    composing.compose()
    composing.compose()

    ((path, document),) = requests()
    assert path == question.callback
    assert "state" not in document
    assert document["environment_name"] == "Prod"
    assert "Nobody has asked yet" in document["comment"]

    stories.judge(stories.ask(requester))
    composing.compose()
    answers = [document.get("state") for path, document in requests() if path == question.callback]
    assert answers == [None, "approved"]
    assert ReleaseQuestion.objects.get().answer == "passed"


def test_of_two_models_of_a_commit_both_must_have_passed(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"), stories.trained("2", auc=0.5))
    row = ReleaseQuestion(stage="production", commit="3f2a9c1d", asked_at=AT)
    stories.judge(stories.ask(requester, "1"))
    assert composing.answer_to(row).state == "passed"
    stories.judge(stories.ask(requester, "2"))
    assert composing.answer_to(row).state == "blocked"
    assert composing.answer_to(ReleaseQuestion(stage="production", asked_at=AT)).state == "unknown"
    named = ReleaseQuestion(stage="production", model="credit", version="1", commit="3f2a9c1d", asked_at=AT)
    assert composing.answer_to(named).state == "passed"


def claim(version: str, at: datetime = AT) -> Claim:
    return Claim(
        namespace=stories.REGISTRY, model="credit", version=version, stage="production", at=at, how="alias champion"
    )


def test_a_version_made_live_past_the_gate_is_an_incident_and_put_back(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"), stories.trained("2"))
    connection = connected(team, "mlflow", stories.REGISTRY)
    opened(connection)
    stories.judge(stories.ask(requester, "1"))
    composing.compose()
    Dispatch.objects.all().delete()

    composing.note_claims(connection, [claim("2")])
    composing.compose()
    composing.compose()
    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.version, incident.closed_at) == (incidents.Kind.UNAPPROVED, "2", None)
    ((path, document),) = requests()
    assert path.endswith("registered-models/alias")
    assert document == {"name": "credit", "version": "1", "alias": "champion"}
    # The watch of deployments leaves it alone: what opened it closes it.
    incidents.watch()
    incident.refresh_from_db()
    assert incident.closed_at is None

    composing.note_claims(connection, [claim("1", AT + timedelta(seconds=5))])
    composing.compose()
    incident.refresh_from_db()
    assert incident.closed_as == incidents.Ending.GONE
    assert sorted(LiveClaim.objects.values_list("version", "state")) == [("1", "approved"), ("2", "superseded")]


def test_a_claim_that_the_gate_lets_in_afterwards_closes_its_incident(team: Team, requester: User) -> None:
    guard()
    stories.grow(stories.trained("1"))
    connection = connected(team, "mlflow", stories.REGISTRY)
    composing.note_claims(connection, [claim("1")])
    composing.compose()
    assert Incident.objects.get().closed_at is None

    stories.judge(stories.ask(requester, "1"))
    composing.compose()
    assert Incident.objects.get().closed_at is not None


def test_where_no_policy_judges_a_claim_is_none_of_our_business(team: Team) -> None:
    stories.grow(stories.trained("1"))
    composing.note_claims(connected(team, "mlflow", stories.REGISTRY), [claim("1")])
    composing.compose()

    assert Incident.objects.count() == 0
    assert LiveClaim.objects.get().state == "unguarded"


def test_a_critical_alert_asks_for_retraining_once(team: Team) -> None:
    opened(connected(team, "github", "github://github.com"), "retrain", dispatch_to="acme/train")
    stories.grow(stories.trained("1"), served("1"), alert("1"))
    incidents.watch()
    composing.compose()
    composing.compose()

    ((path, document),) = requests()
    assert path == "repos/acme/train/dispatches"
    assert document["client_payload"]["assay"]["model"]["name"] == "credit"
