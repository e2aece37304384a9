"""Reads of what people said and set: answers with their reviews, exemptions, targets, initiatives.

Who answered what, who reviewed it and why is for the team itself, and for those who assess, set targets or audit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import QuerySet

from assessments import assessing, burnup, catalogue
from assessments.burnup import Done, Point
from assessments.framework import Criterion, Ladder
from assessments.models import Answer, Exemption, Initiative, Scorecard, Snapshot, Target
from governance import permissions, selectors
from governance.errors import Denied, NotFound
from governance.models import Team, User
from governance.permissions import Permission

Row = TypeVar("Row", Answer, Exemption)
READERS = (Permission.ASSESS, Permission.SET_TARGETS, Permission.READ_AUDIT)
LAPSES_SOON = timedelta(days=30)
# A source that was heard before and not for so long has fallen silent.
SILENT = timedelta(days=7)
ENDS_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an answer stands at a time: accepted, waiting, rejected, expired or lapsed, and why."""

    word: str
    because: str = ""


def may_read_all(actor: User) -> bool:
    """Whether the actor reads the words of every team: assessors, sponsors and auditors do."""
    return any(permissions.may(actor, permission) for permission in READERS)


def may_read(actor: User, team: Team) -> bool:
    return may_read_all(actor) or selectors.members(team).filter(user=actor).exists()


def require_reader(actor: User, team: Team) -> None:
    """Raise Denied unless the actor may read what people of the team said."""
    if not may_read(actor, team):
        raise Denied(
            f"The answers of {team.slug} are read by its members, assessors, sponsors and auditors.",
            code="permission_missing",
        )


def visible_answers(actor: User) -> QuerySet[Answer]:
    """The answers that the actor may read, with reviews and lapse."""
    return _visible(actor, Answer.objects.select_related("team", "answered_by", "lapse")).prefetch_related(
        "reviews__reviewer"
    )


def answer(actor: User, pk: int) -> Answer:
    found = visible_answers(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such answer that you may read.", fields={"answer": "unknown"})
    return found


def visible_exemptions(actor: User) -> QuerySet[Exemption]:
    return _visible(actor, Exemption.objects.select_related("team", "granted_by"))


def exemption(actor: User, pk: int) -> Exemption:
    found = visible_exemptions(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such exemption that you may read.", fields={"exemption": "unknown"})
    return found


def _visible(actor: User, rows: "QuerySet[Row]") -> "QuerySet[Row]":
    return rows if may_read_all(actor) else rows.filter(team__in=selectors.teams_of(actor))


def answers_to(team: Team, framework: str, criterion: str) -> list[Answer]:
    """Every answer of the team to a criterion, the newest first."""
    return list(
        Answer.objects.filter(team=team, framework=framework, criterion=criterion)
        .select_related("answered_by", "lapse")
        .prefetch_related("reviews__reviewer")
        .order_by("-id")
    )


def exemptions_of(team: Team, framework: str, criterion: str = "") -> QuerySet[Exemption]:
    """The exemptions of a team, those that ended included, the newest first."""
    found = Exemption.objects.filter(team=team, framework=framework).select_related("granted_by").order_by("-id")
    return found.filter(criterion=criterion) if criterion else found


def exemptions_in_force(at: datetime) -> QuerySet[Exemption]:
    return (
        Exemption.objects.filter(granted_at__lte=at, ends_at__gt=at)
        .select_related("team", "granted_by")
        .order_by("ends_at", "id")
    )


def exemptions_granted(after: datetime, until: datetime) -> QuerySet[Exemption]:
    """Exemptions granted between two times and still in force at the second, the newest first."""
    return (
        Exemption.objects.filter(granted_at__gt=after, granted_at__lte=until, ends_at__gt=until)
        .select_related("team")
        .order_by("-granted_at", "-id")
    )


def standing(answer: Answer, at: datetime) -> Standing:
    """What an answer is worth at a time, in a word."""
    given = assessing.given(answer, at)
    if given.lapsed_because:
        first = next((review for review in answer.reviews.all() if not review.is_recheck), None)
        rejected = first is not None and first.decision == "reject"
        return Standing(word="rejected" if rejected else "lapsed", because=given.lapsed_because)
    if at >= given.expires_at:
        return Standing(word="expired")
    return Standing(word="accepted") if given.is_reviewed else Standing(word="waiting")


def waiting_for_review(at: datetime) -> QuerySet[Answer]:
    """Answers that nobody has reviewed and that a newer one has not replaced, the oldest first."""
    return (
        _newest_answers(at)
        .filter(reviews=None, lapse=None, expires_at__gt=at)
        .select_related("team", "answered_by")
        .order_by("answered_at", "id")
    )


def lapsing_soon(at: datetime) -> QuerySet[Answer]:
    """Accepted answers that expire within 30 days, the first to go first."""
    return (
        _newest_answers(at)
        .filter(lapse=None, expires_at__gt=at, expires_at__lte=at + LAPSES_SOON)
        .filter(reviews__is_recheck=False, reviews__decision="accept")
        .select_related("team")
        .order_by("expires_at", "id")
    )


def _newest_answers(at: datetime) -> QuerySet[Answer]:
    newest = (
        Answer.objects.filter(answered_at__lte=at)
        .order_by("team_id", "model", "framework", "criterion", "-id")
        .distinct("team_id", "model", "framework", "criterion")
    )
    return Answer.objects.filter(pk__in=newest.values("pk"))


def targets_at(at: datetime) -> dict[tuple[int, str], Target]:
    """The target of each team by framework as it stood at that time."""
    found = Target.objects.filter(set_at__lte=at).order_by("team_id", "framework", "-id")
    return {(target.team_id, target.framework): target for target in found.distinct("team_id", "framework")}


def target_history(team: Team) -> QuerySet[Target]:
    return Target.objects.filter(team=team).select_related("set_by").order_by("-id")


def initiatives(*, is_open: bool | None = None, team: Team | None = None) -> QuerySet[Initiative]:
    """Initiatives, the first to end first among the open ones, the newest first among the closed."""
    found = Initiative.objects.select_related("sponsor").prefetch_related("teams")
    if team is not None:
        found = found.filter(teams=team)
    if is_open is None:
        return found.order_by("-id")
    if is_open:
        return found.filter(outcome="").order_by("ends_on", "id")
    return found.exclude(outcome="").order_by("-closed_at", "-id")


def ending_soon(today: date, *, team: Team | None = None) -> QuerySet[Initiative]:
    """Open initiatives whose last day is today or at most 14 days ahead, the first to end first."""
    return initiatives(is_open=True, team=team).filter(ends_on__gte=today, ends_on__lte=today + ENDS_SOON)


def under_way(today: date) -> QuerySet[Initiative]:
    """Open initiatives that have begun and not passed their last day."""
    return initiatives(is_open=True).filter(starts_on__lte=today, ends_on__gte=today)


def initiative(pk: int) -> Initiative:
    found = Initiative.objects.select_related("sponsor").prefetch_related("teams").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such initiative.", fields={"initiative": "unknown"})
    return found


def criteria_of(initiative: Initiative) -> list[Criterion]:
    """Those of its criteria that the catalogue still has."""
    framework = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(initiative.framework)
    if not isinstance(framework, Ladder):
        return []
    return [criterion for criterion in framework.criteria if criterion.id in initiative.criteria]


def progress(initiative: Initiative) -> Done:
    """How much is done in the newest snapshot until its last day; nothing before the first snapshot."""
    snapshots = Snapshot.objects.filter(framework=initiative.framework, as_of__date__lte=initiative.ends_on)
    newest = snapshots.order_by("-as_of", "-number").first()
    if newest is None:
        return burnup.total(criteria_of(initiative), [], missing_cards=initiative.teams.count())
    return _done(initiative, newest, criteria_of(initiative), list(initiative.teams.values_list("pk", flat=True)))


def burn_up(initiative: Initiative) -> list[Point]:
    """How far it was in each published snapshot, from the last one before its start; the newest of any kind at the end.

    A time that was restated counts as it was restated.
    """
    known = Snapshot.objects.filter(framework=initiative.framework, as_of__date__lte=initiative.ends_on)
    before = known.filter(kind="published", as_of__date__lt=initiative.starts_on).order_by("-as_of", "-number").first()
    during = list(
        known.filter(kind__in=["published", "restatement"], as_of__date__gte=initiative.starts_on)
        .order_by("as_of", "-number")
        .distinct("as_of")
    )
    newest = known.order_by("-as_of", "-number").first()
    looked_at = [before, *during] if before else during
    if newest is not None and newest not in looked_at and (not looked_at or newest.as_of > looked_at[-1].as_of):
        looked_at.append(newest)
    criteria = criteria_of(initiative)
    teams = list(initiative.teams.values_list("pk", flat=True))
    return [Point(at=one.as_of, number=one.number, done=_done(initiative, one, criteria, teams)) for one in looked_at]


def _done(initiative: Initiative, snapshot: Snapshot, criteria: list[Criterion], teams: Collection[int]) -> Done:
    cards = list(
        Scorecard.objects.filter(snapshot=snapshot, model=None, team__in=teams).values_list("results", flat=True)
    )
    return burnup.total(criteria, cards, missing_cards=len(teams) - len(cards))
