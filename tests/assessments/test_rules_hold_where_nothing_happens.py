"""A stable model is not punished for not releasing, and gates may ask how mature a team is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assessments import assessing, catalogue, snapshots
from assessments.assessing import LadderCard
from assessments.judging import Proof, Result, Status
from assessments.measures import counting
from assessments.measures.counting import Scope
from assessments.snapshots import Kind
from governance.models import Team, User
from policies import ports, publishing
from policies.ports import TeamLevel
from tests import factories
from tests.assessments import stories

pytestmark = pytest.mark.django_db

POLICY = """
policy: house
applies: {stage: production, model: {name: "credit*"}}
rules:
  - {check: kpi, metric: auc, minimum: 0.8}
  - {check: kpi, metric: auc, not_worse_than_production_by: 0.1, mode: shadow}
"""


def result(team: Team, criterion: str) -> Result:
    ladder = catalogue.load().ladders[0]
    now = timezone.now() + timedelta(seconds=1)
    card = assessing.cards(ladder, counting.count([ladder], as_of=now), assessing.said(now))[Scope(team.pk)]
    assert isinstance(card, LadderCard)
    return card.results[criterion]


def serve(name: str, pipeline: User, team: Team, *, drilled: bool) -> None:
    """A model that has served for a year and a half without another release."""
    stories.owned(team, name, since=600)
    drill = stories.deployed(name, "1", 0, service="drill")
    drill["job"] = {"namespace": "jobs", "name": f"drill {name}"}
    drill["eventTime"] = (timezone.now() - timedelta(days=40)).isoformat()
    drill["run"]["facets"] = {"assay_drill": {"rule": "gate", "passed": True}}
    events = [*stories.trained(name, "1", 500), stories.deployed(name, "1", 490)]
    stories.grow(*events, *([drill] if drilled else []), sender=pipeline)


@pytest.mark.parametrize(("drilled", "status"), [(True, Status.PASS), (False, Status.UNKNOWN)])
def test_a_blocking_rule_that_was_proved_stands_in(team: Team, drilled: bool, status: Status) -> None:
    pipeline = factories.user("pipeline", is_service=True)
    serve("credit", pipeline, team, drilled=drilled)
    publishing.publish(actor=None, text=POLICY)

    found = result(team, "google-performance-target")

    assert (found.status, found.proof) == (status, Proof.RULE if drilled else Proof.NONE)
    # What only watches does not block.
    assert result(team, "google-champion-comparison").status is Status.UNKNOWN


def test_every_model_of_the_team_needs_the_rule(team: Team) -> None:
    pipeline = factories.user("pipeline", is_service=True)
    serve("credit", pipeline, team, drilled=True)
    serve("fraud", pipeline, team, drilled=True)
    publishing.publish(actor=None, text=POLICY)

    assert result(team, "google-performance-target").status is Status.UNKNOWN


def test_the_gate_is_told_the_published_level(team: Team, other_team: Team) -> None:
    reader = ports.maturity.reader
    assert reader is not None
    assert reader(teams=[team.slug], framework="google-mlops") is None
    pipeline = factories.user("pipeline", is_service=True)
    stories.owned(team, "credit")
    now = timezone.now()
    event = stories.deployed("credit", "1", 0)
    event["eventTime"] = (now - timedelta(days=2)).isoformat()
    stories.grow(event, sender=pipeline)
    snapshots.take(kind=Kind.COMPUTED)

    assert reader(teams=[team.slug, other_team.slug], framework="google-mlops") == [
        TeamLevel(team=team.slug, level=0),
        TeamLevel(team=other_team.slug, level=None),
    ]
    assert reader(teams=[team.slug], framework="nothing") is None
