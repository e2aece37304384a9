"""Writing a made-up organisation: people and owners by the functions that anybody uses, the history through the log.

What happened is told by events alone. Verdicts are those of a gate elsewhere (`assay_promotion`), because a promotion
of our own is decided now and never in the past. Answers are entered with the time at which they were given; the audit
log says when they were entered. So no clock is set back.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assessments import answers, catalogue, targets
from assessments.framework import Ladder
from assessments.models import Target
from assessments.organisation import practice
from assessments.organisation.history import REGISTRY, Teller
from assessments.organisation.practice import HISTORY_DAYS, Draws, MadeUpModel, MadeUpTeam, Practice
from governance import audit, ownership, selectors, teams, users
from governance.actions import Action
from governance.errors import Conflict, Invalid, NotFound
from governance.models import OwnerRole, Team, TeamRole, User
from governance.permissions import Permission
from lineage import evidence, identity, intake, projection
from lineage.bodies import Piece
from lineage.identity import Family

SENDER = "generated-organisation"
ASSESSOR = "generated-assessor"
SPONSOR = "generated-sponsor"
PEOPLE = {"lead": TeamRole.MAINTAINER, "engineer": TeamRole.MEMBER, "approver": TeamRole.APPROVER}
MOST_TEAMS = 5_000
PIECES = 2_000
# Answers are given again before they expire.
ANSWERED_DAYS_AGO = (520, 350, 180, 20)
EXTENTS = ("none", "some", "at_least_half", "most_or_all", "most_or_all")


@dataclass(slots=True)
class Written:
    """What was new."""

    teams: int = 0
    models: int = 0
    answers: int = 0
    events: Counter[str] = field(default_factory=Counter)


def seed(*, actor: User, team_count: int, number: int, until: datetime | None = None) -> Written:
    """Write an organisation of so many teams whose history ends with `until` (today, 00:00 UTC, when absent).

    Written again it changes nothing; with more teams it grows. Raises Invalid, and Conflict when another one is there.
    """
    if not 1 <= team_count <= MOST_TEAMS:
        says = f"1 to {MOST_TEAMS:,}."
        raise Invalid(f"teams: {says}", fields={"teams": says})
    before = selectors.generated()
    if before is not None:
        if before.detail["seed"] != number:
            says = f"An organisation of seed {before.detail['seed']} is here already."
            raise Conflict(f"seed: {says}", fields={"seed": says})
        until = datetime.fromisoformat(before.detail["until"])
    now = timezone.now()
    end = until or now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if end > now:
        raise Invalid("until: lies in the future.", fields={"until": "Lies in the future."})
    if before is None:
        with transaction.atomic():
            audit.record(
                actor=actor,
                action=Action.ORGANISATION_GENERATED,
                subject=selectors.GENERATED,
                detail={"seed": number, "until": end.isoformat(), "teams": team_count},
            )
    return Organisation(actor=actor, draws=Draws(number), until=end).write(team_count)


class Organisation:
    """One made-up organisation on its way into the installation."""

    def __init__(self, *, actor: User, draws: Draws, until: datetime) -> None:
        self.actor, self.draws, self.until = actor, draws, until
        self.sender = self._account(SENDER, is_service=True)
        self.assessor = self._account(ASSESSOR, everywhere=[Permission.ASSESS])
        self.sponsor = self._account(SPONSOR, everywhere=[Permission.SET_TARGETS])
        self.written = Written()

    def write(self, team_count: int) -> Written:
        made = [practice.team(self.draws, number) for number in range(team_count)]
        people = {}
        for one in made:
            with transaction.atomic():
                people[one.slug] = self._team(one)
        self._send(self._events(made))
        for one in made:
            with transaction.atomic():
                self._owners(one, people[one.slug])
                self._answers(one, people[one.slug])
        return self.written

    def _account(self, name: str, **more: Any) -> User:
        try:
            return selectors.user(name)
        except NotFound:
            return users.create(actor=self.actor, username=name, **more)

    def _team(self, one: MadeUpTeam) -> Team:
        try:
            return selectors.team(one.slug)
        except NotFound:
            made = teams.create(actor=self.actor, slug=one.slug, name=one.name)
        for part, role in PEOPLE.items():
            person = self._account(f"{one.slug}-{part}")
            teams.add_member(actor=self.actor, team=made, user=person, role=role)
        self.written.teams += 1
        return made

    def _events(self, made: list[MadeUpTeam]) -> Iterator[Piece]:
        for one in made:
            for model in practice.models(self.draws, one):
                for line in Teller(self.draws, model, self.until).lines():
                    yield Piece(line, 0)

    def _send(self, pieces: Iterator[Piece]) -> None:
        """Into the log and on into the graph, so that owners and scorecards find the models."""
        while part := list(islice(pieces, PIECES)):
            for outcomes in intake.take(part, sender=self.sender, now=timezone.now()):
                for outcome in outcomes:
                    if outcome.error is not None:
                        raise AssertionError(f"A generated event was refused: {outcome.error.message}")
                    self.written.events[outcome.status] += 1
            projection.project(limit=PIECES)
        while not evidence.is_projected(evidence.watermark()):
            projection.project(limit=PIECES)

    def _owners(self, one: MadeUpTeam, team: Team) -> None:
        lead = selectors.user(f"{one.slug}-lead")
        for model in practice.models(self.draws, one):
            if not model.has_owner:
                continue
            for role in (OwnerRole.TECHNICAL_OWNER, OwnerRole.BUSINESS_OWNER):
                _, is_new = ownership.assign(
                    actor=self.actor,
                    asset=_asset(model),
                    role=role,
                    team=team,
                    user=lead if role is OwnerRole.BUSINESS_OWNER else None,
                    since=self.until - timedelta(days=HISTORY_DAYS + 30),
                )
            self.written.models += is_new

    def _answers(self, one: MadeUpTeam, team: Team) -> None:
        """What people answered over time, each answer reviewed by another person two days later."""
        lead = selectors.user(f"{one.slug}-lead")
        if Target.objects.filter(team=team).exists():
            return
        for framework, criterion in _questions():
            for days_ago in ANSWERED_DAYS_AGO:
                if one.practice(days_ago) < Practice.RECORDED or self.draws.chance(8, "answer", team.slug, criterion):
                    continue
                given = answers.give(
                    actor=lead,
                    team=team,
                    framework=framework,
                    criterion=criterion,
                    extent=EXTENTS[one.practice(days_ago)],
                    evidence=[{"title": "Team page", "reference": f"https://wiki.generated.example/{team.slug}"}],
                    given_at=self.until - timedelta(days=days_ago),
                )
                answers.review(
                    actor=self.assessor,
                    answer=given,
                    decision="accept",
                    reviewed_at=self.until - timedelta(days=days_ago - 2),
                )
                self.written.answers += 1
        for slug, ladder in catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.items():
            if isinstance(ladder, Ladder):
                level = min(ladder.top, 1 + self.draws.below(ladder.top, "target", team.slug))
                targets.set_level(actor=self.sponsor, team=team, framework=slug, level=level)


def _questions() -> list[tuple[str, str]]:
    """The questions of our frameworks: attested criteria and tests."""
    found = []
    for slug, framework in catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.items():
        listed = framework.criteria if isinstance(framework, Ladder) else framework.tests
        found += [(slug, one.id) for one in listed if one.attestation is not None]
    return found


def _asset(model: MadeUpModel) -> UUID:
    return identity.asset(Family.DATASET, REGISTRY, model.name)
