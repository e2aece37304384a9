"""Reads of snapshots: next steps and what-if come out as when they were computed."""

from datetime import timedelta

import pytest

from assessments import assessing, catalogue, scoring, selectors, snapshots, targets
from assessments.measures import counting
from assessments.measures.counting import Scope
from assessments.models import Scorecard
from assessments.snapshots import Kind
from governance.errors import Conflict, NotFound
from governance.models import Team, User
from tests import factories
from tests.assessments import people, stories
from tests.assessments.stories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def scorecard(team: Team, owner: User) -> Scorecard:
    pipeline = factories.user("pipeline", is_service=True)
    Team.objects.filter(pk=team.pk).update(created_at=stories.ago(400))
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 60),
        stories.deployed("credit", "1", 50),
        *stories.trained("credit", "2", 2),
        sender=pipeline,
    )
    stories.promoted("credit", "1", 55, by=owner)
    snapshots.take(kind=Kind.PUBLISHED, as_of=NOW)
    return selectors.scorecard(selectors.snapshot("google-mlops"), team=team)


def test_next_steps_and_what_if_are_those_of_the_rating(scorecard: Scorecard, team: Team) -> None:
    ladder = selectors.ladder("google-mlops")
    counted = counting.count([ladder], as_of=NOW)
    card = assessing.cards(ladder, counted, assessing.said(NOW))[Scope(team.pk)]
    assert isinstance(card, assessing.LadderCard)
    plan = scoring.plan(ladder)

    actions = selectors.next_actions(scorecard)

    assert actions == scoring.next_actions(plan, card.results)
    assert len(actions) == 5
    assert all(action.needs_a_source for action in actions)
    passing = [action.criterion for action in actions]
    expected = scoring.what_if(plan, card.results, counted.standings[Scope(team.pk)], passing, at=NOW)
    assert selectors.what_if(scorecard, passing) == expected
    assert selectors.what_if(scorecard, []) == card.rating


def test_what_cannot_be_asked_is_said(scorecard: Scorecard, other_team: Team) -> None:
    with pytest.raises(NotFound):
        selectors.what_if(scorecard, ["google-nothing"])
    with pytest.raises(NotFound):
        selectors.scorecard(scorecard.snapshot, team=other_team)
    with pytest.raises(NotFound):
        selectors.snapshot("google-mlops", as_of=NOW - timedelta(days=1))
    with pytest.raises(NotFound):
        selectors.ladder("ml-test-score")
    unrated = Scorecard(snapshot=scorecard.snapshot, team=other_team, level=None, results=[])
    assert selectors.next_actions(unrated) == []
    with pytest.raises(Conflict):
        selectors.what_if(unrated, [])


def test_a_trend_and_what_changed(scorecard: Scorecard, team: Team) -> None:
    assert len(selectors.changed(scorecard)) == len(selectors.ladder("google-mlops").criteria)
    snapshots.take(kind=Kind.PUBLISHED, as_of=NOW + timedelta(days=7))

    trend = list(selectors.trend("google-mlops", team))

    assert [one.snapshot.as_of for one in trend] == [NOW, NOW + timedelta(days=7)]
    assert selectors.changed(trend[1]) == []
    assert [one.team for one in selectors.scorecards(trend[0].snapshot)] == [team]


def test_the_newest_target_stands(team: Team) -> None:
    assert selectors.target("google-mlops", team) is None
    sponsor = people.sponsor()
    for level in (1, 2):
        targets.set_level(actor=sponsor, team=team, framework="google-mlops", level=level)

    found = selectors.target("google-mlops", team)

    assert found is not None
    assert found.level == 2
    assert catalogue.load().ladders
