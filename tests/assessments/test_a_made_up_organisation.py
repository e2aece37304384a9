"""The made-up organisation: always the same for a seed, written through the log, and known in every measure."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from assessments import assessing, catalogue
from assessments.assessing import LadderCard
from assessments.judging import Status
from assessments.measures import counting
from assessments.measures.counting import Scope
from assessments.models import Answer, Snapshot
from assessments.organisation import practice, seeding
from assessments.organisation.history import Teller
from assessments.organisation.practice import Draws, Practice
from governance import selectors
from governance.errors import Conflict, Invalid
from governance.models import AuditEntry, User
from lineage.models import Event
from tests import factories

UNTIL = datetime(2026, 3, 2, tzinfo=UTC)
# What no event can tell, or what does not happen in so small a history.
RARE = {"ms-low-change-failure", "mlts-data-6-feature-speed"}


def told(seed: int, number: int) -> list[bytes]:
    draws = Draws(seed)
    return [
        line
        for model in practice.models(draws, practice.team(draws, number))
        for line in Teller(draws, model, UNTIL).lines()
    ]


def test_a_seed_tells_the_same_story_every_time() -> None:
    assert told(1, 0) == told(1, 0)
    assert told(1, 0) != told(2, 0)
    assert all(b"urn:assay:generated:1" in line for line in told(1, 0))


def test_the_first_teams_show_every_way() -> None:
    teams = [practice.team(Draws(7), number) for number in range(len(practice.FIRST))]

    assert {(team.began_as, team.became) for team in teams} == {way[1:] for way in practice.WAYS}
    assert all(not team.silent_days for team in teams)
    many = [practice.team(Draws(7), number) for number in range(200)]
    assert len({team.slug for team in many}) == 200
    assert any(team.silent_days for team in many)


@pytest.mark.django_db
def test_what_is_written_is_known_and_written_once(administrator: User) -> None:
    assert not selectors.is_generated()

    written = seeding.seed(actor=administrator, team_count=2, number=1)

    assert (written.teams, written.events["created"]) == (2, Event.objects.count())
    assert selectors.is_generated()
    events, answers, entries = Event.objects.count(), Answer.objects.count(), AuditEntry.objects.count()
    again = seeding.seed(actor=administrator, team_count=2, number=1)
    assert (again.teams, again.models, again.answers, set(again.events)) == (0, 0, 0, {"duplicate"})
    assert (Event.objects.count(), Answer.objects.count()) == (events, answers)
    assert AuditEntry.objects.count() == entries
    with pytest.raises(Conflict, match="seed 1"):
        seeding.seed(actor=administrator, team_count=2, number=2)

    now = timezone.now()
    frameworks = catalogue.load().frameworks
    counted = counting.count(frameworks.values(), as_of=now)
    said = assessing.said(now)
    operated, by_hand = (selectors.team(practice.team(Draws(1), number).slug) for number in (0, 1))
    assert practice.team(Draws(1), 0).became is Practice.OPERATED
    for slug in ("google-mlops", "microsoft-mlops"):
        cards = assessing.cards(frameworks[slug], counted, said)
        good, bad = cards[Scope(operated.pk)], cards[Scope(by_hand.pk)]
        assert isinstance(good, LadderCard)
        assert isinstance(bad, LadderCard)
        unknown = {name for name, result in good.results.items() if not result.status.holds}
        assert unknown <= RARE, {name: good.results[name].missing for name in unknown}
        assert (bad.rating.level, good.rating.is_provisional) == (0, False)
        assert sum(result.status is Status.UNKNOWN for result in bad.results.values()) > 25
    known = [points for tests in counted.points.values() for points in tests.values() if points.full != "unknown"]
    assert len(known) > 60


@pytest.mark.parametrize(
    ("teams", "until"), [(0, None), (5_001, None), (1, timedelta(days=1))], ids=["none", "too many", "in the future"]
)
@pytest.mark.django_db
def test_what_cannot_be_written_is_refused(administrator: User, teams: int, until: timedelta | None) -> None:
    with pytest.raises(Invalid):
        seeding.seed(
            actor=administrator, team_count=teams, number=1, until=None if until is None else timezone.now() + until
        )

    assert not selectors.is_generated()


@pytest.mark.django_db
def test_the_command_publishes_months_too(capsys: pytest.CaptureFixture[str]) -> None:
    factories.user("admin", is_superuser=True)

    call_command("seed_organisation", "--teams", "1", "--months", "1")

    assert "1 teams" in capsys.readouterr().out
    assert Snapshot.objects.filter(kind="published").count() == 3
    with pytest.raises(CommandError, match="--months"):
        call_command("seed_organisation", "--months", "18")
    with pytest.raises(CommandError, match="no account"):
        call_command("seed_organisation", "--as", "nobody")
