"""Two teams with models in production and a third without, in snapshots of three weeks."""

from dataclasses import dataclass
from datetime import timedelta

from assessments import answers, portfolio, snapshots
from assessments.models import Answer, Snapshot
from assessments.snapshots import Kind
from governance.models import Team, TeamRole, User
from tests import factories
from tests.assessments import people, stories
from tests.assessments.stories import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The teams, and people by what they may do. The lead manages `credit`."""

    credit: Team
    fraud: Team
    idle: Team
    lead: User
    assessor: User
    sponsor: User
    auditor: User
    stranger: User

    @property
    def snapshot(self) -> Snapshot:
        found = portfolio.shown("google-mlops")
        assert found is not None
        return found


def organisation(*, is_measured: bool = True) -> Organisation:
    """The last snapshot is as of NOW. Not measured: the teams and people alone, which is quicker."""
    pipeline = factories.user("pipeline", is_service=True)
    teams = {slug: factories.team(slug) for slug in ("credit", "fraud", "idle")}
    Team.objects.update(created_at=stories.ago(400))
    lead = factories.member(teams["credit"], "lead", role=TeamRole.MAINTAINER)
    if is_measured:
        _measured(teams, pipeline, lead)
    return Organisation(
        **teams,
        lead=lead,
        assessor=people.assessor(),
        sponsor=people.sponsor(),
        auditor=factories.auditor("auditor"),
        stranger=factories.member(teams["idle"], "stranger", role=TeamRole.MAINTAINER),
    )


def _measured(teams: dict[str, Team], pipeline: User, lead: User) -> None:
    for slug, name, integration in (
        ("credit", "credit", "AIRFLOW"),
        ("credit", "limits", None),
        ("fraud", "fraud", "AIRFLOW"),
    ):
        stories.owned(teams[slug], name)
        stories.grow(
            *stories.trained(name, "1", 60, integration=integration),
            stories.deployed(name, "1", 50),
            *stories.trained(name, "2", 20, integration=integration),
            *stories.trained(name, "3", 2, integration=integration),
            stories.deployed(name, "3", 1.5),
            sender=pipeline,
        )
    stories.promoted("credit", "1", 55, by=lead)
    for weeks in (2, 1, 0):
        snapshots.take(kind=Kind.PUBLISHED, as_of=NOW - timedelta(days=7 * weeks))


def answered(scene: Organisation, criterion: str = "google-shared-operation") -> Answer:
    rota = answers.EvidenceReference(title="Duty rota", reference="https://wiki.example/rota")
    return answers.give(
        actor=scene.lead,
        team=scene.credit,
        framework="google-mlops",
        criterion=criterion,
        extent="most_or_all",
        evidence=[rota],
    )
