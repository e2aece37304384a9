"""A change of the yardstick is not one of the team: both are scored for 90 days, and the break says what differs."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assessments import catalogue, editions, selectors, snapshots
from assessments.snapshots import Kind
from governance.models import Team, User
from portal.maturity import figures
from tests import factories
from tests.assessments import stories

pytestmark = pytest.mark.django_db

ADJUSTMENT = """
adjusts: google-mlops
revision: pilot
reason: Few teams report load tests yet.
advisory: [google-load-test]
"""


@pytest.fixture
def history(team: Team, owner: User) -> None:
    pipeline = factories.user("pipeline", is_service=True)
    stories.owned(team, "credit")
    stories.grow(*stories.trained("credit", "1", 60), stories.deployed("credit", "1", 50), sender=pipeline)


def test_both_are_scored_for_ninety_days(team: Team, history: None, tmp_path: Path, settings: Settings) -> None:
    snapshots.take(kind=Kind.PUBLISHED, as_of=stories.ago(14))
    (tmp_path / "pilot.yaml").write_text(ADJUSTMENT)
    settings.FRAMEWORKS_FOLDER = tmp_path

    taken = snapshots.take(kind=Kind.PUBLISHED, as_of=stories.ago(7))

    versions = [one.catalogue_version for one in taken if one.framework == "google-mlops"]
    assert versions == ["0.1", "0.1+pilot"]
    assert [one.catalogue_version for one in taken if one.framework != "google-mlops"] == ["0.1", "0.1"]
    assert snapshots.take(kind=Kind.PUBLISHED, as_of=stories.ago(7)) == []
    assert selectors.snapshot("google-mlops").catalogue_version == "0.1+pilot"
    line = [card.snapshot.catalogue_version for card in selectors.trend("google-mlops", team)]
    assert line == ["0.1", "0.1+pilot"]
    assert not list(snapshots.verify("google-mlops"))
    (found,) = editions.breaks("google-mlops")
    assert (found.before, found.after, found.changed) == ("0.1", "0.1+pilot", ("google-load-test",))
    assert (found.added, found.removed) == ((), ())
    # Pages and the API say what differs, and what the one before comes to at the same time.
    card = selectors.scorecard(selectors.snapshot("google-mlops"), team=team)
    before = selectors.beside(card)
    assert before is not None
    assert (before.snapshot.catalogue_version, before.snapshot.as_of) == ("0.1", card.snapshot.as_of)
    assert selectors.beside(before) == card
    reader = factories.client(factories.user("reader"))
    (told,) = reader.get("/api/v1/frameworks/google-mlops/versions").json()["results"]
    assert (told["before"], told["after"], told["changed"]) == ("0.1", "0.1+pilot", ["google-load-test"])
    scored = reader.get(f"/api/v1/teams/{team.slug}/scorecard?framework=google-mlops").json()
    assert (scored["beside"]["id"], scored["beside"]["score"]) == (before.pk, before.score)
    assert reader.get("/api/v1/changes").json()["breaks"] == [told]
    scores = [(one.snapshot.as_of, 1.0, one.snapshot.catalogue_version) for one in (before, card)]
    assert len(figures.sparkline(scores, 2.0)) == 2
    now = timezone.now()
    frameworks = list(catalogue.load(tmp_path).frameworks.values())
    assert [one.version for one in editions.beside(frameworks, now)] == ["0.1"]
    assert editions.beside(frameworks, now + timedelta(days=91)) == []


def test_without_a_change_nothing_is_scored_twice(history: None) -> None:
    first = snapshots.take(kind=Kind.COMPUTED)
    second = snapshots.take(kind=Kind.COMPUTED)

    assert len(first) == len(second) == 3
    assert editions.breaks("google-mlops") == []
