"""How changes reach production, worked by hand; and that none of it moves a level."""

from datetime import datetime
from typing import Any

import pytest

from assessments import delivery, snapshots
from assessments.measures.deliveries import Whose
from assessments.snapshots import Kind
from governance.models import Team, User
from tests import factories
from tests.assessments import stories
from tests.assessments.stories import NOW, ago

pytestmark = pytest.mark.django_db


def alert(name: str, days_ago: float) -> dict[str, Any]:
    said = {"id": f"a{days_ago}", "kind": "quality", "severity": "critical", "openedAt": ago(days_ago).isoformat()}
    event = stories.evaluated(name, "1", days_ago - 0.01)
    event["inputs"] = [stories.registered(name, None)]
    event["run"]["facets"] = {"assay_alerts": {"alerts": [said]}}
    return event


def merged(name: str, key: str, days_ago: float) -> dict[str, Any]:
    """CI of the commit that a version was trained from."""
    event = stories.trained(name, key, days_ago, commit=f"c{key}")[1]
    event |= {"inputs": [], "outputs": [], "run": {"runId": f"ci {name} {key}"}}
    event["run"]["facets"] = {"assay_commit": {"mergedAt": ago(days_ago).isoformat()}}
    return event


@pytest.fixture
def history(team: Team) -> User:
    """Three releases: one merged ten days before, one that a critical alert met and a third one mended."""
    pipeline = factories.user("pipeline", is_service=True)
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 101, commit="c1"),
        merged("credit", "1", 110),
        stories.deployed("credit", "1", 100),
        *stories.trained("credit", "2", 44, commit=None),
        stories.deployed("credit", "2", 40),
        alert("credit", 38),
        *stories.trained("credit", "3", 37, commit=None),
        stories.deployed("credit", "3", 36),
        sender=pipeline,
    )
    return pipeline


def test_it_comes_out_as_worked_by_hand(team: Team, other_team: Team, history: User) -> None:
    snapshots.take(kind=Kind.COMPUTED, as_of=NOW)

    found = delivery.of_team(team)

    assert found is not None
    assert (found["releases"], found["failed"], found["known"], found["reworked"]) == (3, 1, 3, 1)
    assert found["change_fail_rate"] == found["rework_rate"] == pytest.approx(1 / 3)
    # 10, 4 and 1 days; from the alert to the next version two days.
    assert found["lead_days"] == {"median": 4.0, "lower": 2.5, "upper": 7.0, "items": 3}
    assert found["recovery_hours"]["median"] == pytest.approx(48)
    assert found["releases_a_year"]["median"] == pytest.approx(3 * 365 / 180)
    assert delivery.of_all() == found
    assert delivery.of_team(other_team) is None


def test_every_number_opens_to_the_releases_behind_it(team: Team, other_team: Team, history: User) -> None:
    snapshots.take(kind=Kind.COMPUTED, as_of=NOW)
    kept = delivery.of_team(team)
    assert kept is not None
    own = Whose(team=team.pk, is_one_team=True)

    counts = {
        part: delivery.releases(as_of=NOW, of=own, part=part, limit=10)[0]
        for part in ("releases", "lead", "known", "failed", "recovered", "reworked")
    }

    assert counts == {
        "releases": kept["releases"],
        "lead": kept["lead_days"]["items"],
        "known": kept["known"],
        "failed": kept["failed"],
        "recovered": kept["recovery_hours"]["items"],
        "reworked": kept["reworked"],
    }
    total, (second,) = delivery.releases(as_of=NOW, of=Whose(), after=1, limit=1)
    assert (total, second.version, second.is_failed, second.broke_at) == (
        3,
        stories.version("credit", "2"),
        True,
        ago(38),
    )
    assert second.lead_days == pytest.approx(4)
    assert second.recovery_hours == pytest.approx(48)
    models, (model,) = delivery.frequencies(as_of=NOW, of=own, limit=10)
    assert (models, model.releases, model.model) == (1, 3, stories.model("credit"))
    assert delivery.releases(as_of=NOW, of=Whose(team=other_team.pk, is_one_team=True), limit=10) == (0, [])
    assert delivery.releases(as_of=NOW, of=Whose(is_one_team=True), limit=10) == (0, [])


def test_a_time_is_recorded_once_and_answers_for_later(team: Team, history: User) -> None:
    assert delivery.of_all() is None
    for at in (ago(50), NOW, NOW):
        snapshots.take(kind=Kind.COMPUTED, as_of=at)

    def releases(at: datetime) -> int | None:
        found = delivery.of_team(team, as_of=at)
        return None if found is None else found["releases"]

    assert [releases(at) for at in (ago(60), ago(50), ago(1), NOW)] == [None, 1, 1, 3]
