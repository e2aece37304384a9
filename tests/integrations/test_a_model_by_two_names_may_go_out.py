"""Clusters, claims and questions take a version by several names as the gate does: as one, and no better for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.models import Team, User
from integrations import composing, doors, openlineage
from integrations.notices import Claim
from integrations.openlineage import Dataset, Event
from integrations.outmodels import Dispatch, LiveClaim, ReleaseQuestion
from integrations.systems.base import Scheme
from policies.incidentmodels import Incident
from policies.models import Promotion
from tests import factories
from tests.integrations import connecting
from tests.integrations.test_admission import review
from tests.integrations.test_admission_over_http import asked as reviewed
from tests.integrations.test_admission_over_http import service
from tests.integrations.test_what_is_carried_out import connected, opened, requests
from tests.policies import stories
from tests.policies.stories import REGISTRY
from tests.policies.test_a_model_by_two_names import auc, guard

pytestmark = pytest.mark.django_db
NOW = datetime.now(tz=UTC).replace(microsecond=0)
OTHER = "s3://models"
CREDIT, RISK = (REGISTRY, "credit"), (OTHER, "risk")


@pytest.fixture
def team() -> Team:
    return factories.team("credit")


@pytest.fixture
def member(team: Team) -> User:
    return factories.member(team, "requester")


def model(name: tuple[str, str], version: str = "1", **facets: Any) -> Event:
    return openlineage.of_dataset(Dataset(*name).as_model(version).saying(**facets), at=NOW)


def joined() -> Event:
    return openlineage.of_dataset(Dataset(*CREDIT).as_model().also_called(Dataset(*RISK)), at=NOW - timedelta(days=1))


def judged(actor: User, name: tuple[str, str], version: str = "1") -> Promotion:
    return stories.judge(stories.ask(actor, version, namespace=name[0], model=name[1]))


def contradicted(actor: User) -> None:
    """Blocked by one name, and let in by the other."""
    guard("{check: kpi, metric: auc, minimum: 0.8}", name="strict", namespace=OTHER)
    guard("{check: kpi, metric: auc, minimum: 0.1}", name="lax", namespace=REGISTRY)
    stories.grow(model(CREDIT, **auc(0.5)), model(RISK), joined())
    assert (judged(actor, RISK).state, judged(actor, CREDIT).state) == ("blocked", "passed")


class TestACluster:
    @pytest.fixture(autouse=True)
    def cluster(self, db: None) -> None:
        doors.forget()
        owner = factories.team("platform")
        made = connecting.connection(owner, slug="cluster", system="kserve", scheme=Scheme.SECRET_PATH)
        made.options = {"registry": REGISTRY}
        made.save(update_fields=["options"])

    def answer(self, version: str) -> tuple[bool, str]:
        said = reviewed(review(service(version))).json()["response"]
        return said["allowed"], said.get("status", {}).get("message", "")

    def test_serves_what_was_let_in_by_another_name(self, member: User) -> None:
        guard()
        stories.grow(model(CREDIT), model(RISK, **auc(0.9)), model(RISK, "2"))
        assert judged(member, RISK).state == "passed"
        assert not self.answer("1")[0]

        stories.grow(joined())

        assert self.answer("1") == (True, "")
        assert not self.answer("2")[0]

    def test_asks_for_a_verdict_where_a_policy_guards_another_name(self) -> None:
        guard(namespace=OTHER)
        stories.grow(model(CREDIT), model(RISK))
        assert self.answer("1")[0]

        stories.grow(joined())

        assert not self.answer("1")[0]

    def test_does_not_serve_what_another_name_blocked(self, member: User) -> None:
        contradicted(member)

        assert self.answer("1") == (False, f"Credit 1 was blocked for production as {OTHER} risk.")


def claim(version: str, at: datetime = NOW) -> Claim:
    return Claim(namespace=REGISTRY, model="credit", version=version, stage="production", at=at, how="alias champion")


class TestAClaim:
    def test_is_approved_by_what_another_name_was_let_in_by(self, team: Team, member: User) -> None:
        guard()
        stories.grow(model(CREDIT), model(RISK, **auc(0.9)))
        assert judged(member, RISK).state == "passed"
        connection = connected(team, "mlflow", REGISTRY)
        composing.note_claims(connection, [claim("1")])
        composing.compose()
        assert Incident.objects.get().closed_at is None

        stories.grow(joined())
        composing.compose()

        assert Incident.objects.get().closed_at is not None
        assert LiveClaim.objects.get().state == "approved"

    def test_is_compared_where_a_policy_guards_another_name(self, team: Team) -> None:
        guard(namespace=OTHER)
        stories.grow(model(CREDIT), model(RISK), joined())

        composing.note_claims(connected(team, "mlflow", REGISTRY), [claim("1")])
        composing.compose()

        incident = Incident.objects.get()
        assert (incident.namespace, incident.model_name) == RISK
        assert incident.headline == "credit 1 was made live in production without a verdict: alias champion."

    def test_of_what_another_name_blocked_is_put_back_to_what_both_let_in(self, team: Team, member: User) -> None:
        contradicted(member)
        # Version 2 is let in by the other name alone, 3 later and unknown to the registry of the claim.
        stories.grow(model(CREDIT, "2"), model(RISK, "2", **auc(0.9)), model(RISK, "3", **auc(0.9)))
        assert [judged(member, RISK, version).state for version in ("2", "3")] == ["passed", "passed"]
        connection = connected(team, "mlflow", REGISTRY)
        opened(connection)
        Dispatch.objects.all().delete()

        composing.note_claims(connection, [claim("1")])
        composing.compose()

        assert LiveClaim.objects.get().state == "unapproved"
        assert Incident.objects.get().closed_at is None
        restored = [document for path, document in requests() if path.endswith("registered-models/alias")]
        assert restored[-1] == {"name": "credit", "version": "2", "alias": "champion"}


def answer(**about: str) -> tuple[str, str]:
    said = composing.answer_to(ReleaseQuestion(stage="production", asked_at=NOW, **about))
    return said.state, said.headline


class TestAQuestion:
    def test_is_answered_by_what_was_decided_by_another_name(self, member: User) -> None:
        guard()
        stories.grow(model(CREDIT), model(RISK, **auc(0.9)))
        assert judged(member, RISK).state == "passed"
        assert answer(model="credit", version="1")[0] == "unknown"

        stories.grow(joined())

        assert answer(model="credit", version="1") == ("passed", "risk 1 may go to production.")
        assert answer(model="credit", version="2")[0] == "unknown"

    def test_is_not_answered_where_names_contradict_each_other(self, member: User) -> None:
        contradicted(member)

        for name in ("credit", "risk"):
            assert answer(model=name, version="1") == (
                "unknown",
                "risk 1 may not go to production by this name, and may by another.",
            )

    def test_of_a_commit_hears_what_another_name_was_blocked_for(self, member: User) -> None:
        guard("{check: kpi, metric: auc, minimum: 0.8}", name="strict", namespace=OTHER)
        stories.grow(stories.trained("1", auc=0.5), model(RISK))
        assert judged(member, RISK).state == "blocked"
        assert answer(commit="3f2a9c1d")[0] == "unknown"

        stories.grow(joined())

        assert answer(commit="3f2a9c1d") == ("blocked", "risk 1 may not go to production.")
