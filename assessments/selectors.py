"""Reads of maturity for pages, the API and reports: always from snapshots, never measured on the way."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from assessments import catalogue, changes, documents, scoring
from assessments.changes import Change
from assessments.framework import Criterion, Framework, Ladder, ScoredTest
from assessments.judging import Result
from assessments.models import Scorecard, Snapshot, Target
from assessments.scoring import Action, Rating, Standing
from governance.errors import Conflict, Invalid, NotFound
from governance.models import Team


def ladder(framework: str) -> Ladder:
    """The framework of levels of that name. Raises NotFound."""
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(framework)
    if not isinstance(found, Ladder):
        raise NotFound(f"There is no framework of levels {framework}.", fields={"framework": "unknown"})
    return found


def instant(text: str | None, *, field: str = "as_of") -> datetime | None:
    """A time in ISO 8601, or a day, which ends at its midnight in UTC. Raises Invalid naming the field."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), datetime.max.time(), UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        says = "A day such as 2026-01-31, or a time with its zone such as 2026-01-31T12:00:00Z."
        raise Invalid(f"{field}: {says}", fields={field: says}) from None


def framework(slug: str) -> Framework:
    """A framework of any form. Raises NotFound."""
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(slug)
    if found is None:
        raise NotFound(f"There is no framework {slug}.", fields={"framework": "unknown"})
    return found


def criterion(slug: str, name: str) -> Criterion | ScoredTest:
    """A criterion of a framework of levels, or a test of a rubric. Raises NotFound."""
    found = framework(slug)
    listed: Sequence[Criterion | ScoredTest] = found.criteria if isinstance(found, Ladder) else found.tests
    for one in listed:
        if one.id == name:
            return one
    raise NotFound(f"{slug} has no criterion {name}.", fields={"criterion": "unknown"})


def snapshot(framework: str, *, as_of: datetime | None = None, kind: str = "") -> Snapshot:
    """The newest snapshot of a framework that speaks of that time or before it, restatements first. Raises NotFound."""
    found = Snapshot.objects.filter(framework=framework)
    if as_of is not None:
        found = found.filter(as_of__lte=as_of)
    if kind:
        found = found.filter(kind=kind)
    newest = found.order_by("-as_of", "-number").first()
    if newest is None:
        raise NotFound(f"There is no snapshot of {framework} at that time.", fields={"framework": "no snapshot"})
    return newest


def snapshots(framework: str = "") -> QuerySet[Snapshot]:
    """All snapshots, or those of one framework."""
    found = Snapshot.objects.select_related("restates")
    return found.filter(framework=framework) if framework else found


def scorecards(snapshot: Snapshot) -> QuerySet[Scorecard]:
    """The teams of a snapshot by name, what nobody owns last."""
    return snapshot.scorecards.filter(model=None).select_related("team").order_by("team__slug")


def scorecard(snapshot: Snapshot, *, team: Team | None, model: UUID | None = None) -> Scorecard:
    """One team's, or one model's. Raises NotFound for a team that did not exist then."""
    found = snapshot.scorecards.select_related("team").filter(team=team, model=model).first()
    if found is None:
        raise NotFound(f"{snapshot} has no such scorecard.", fields={"team": "not in this snapshot"})
    return found


def trend(framework: str, team: Team) -> QuerySet[Scorecard]:
    """The team's published scorecards, the oldest first; of a time restated or scored twice, the newest one."""
    kinds = ("published", "restatement")
    return (
        Scorecard.objects.filter(team=team, model=None, snapshot__framework=framework, snapshot__kind__in=kinds)
        .select_related("snapshot")
        .order_by("snapshot__as_of", "-snapshot__number")
        .distinct("snapshot__as_of")
    )


def beside(scorecard: Scorecard) -> Scorecard | None:
    """The same at the same time by the catalogue before, while both are scored."""
    at = scorecard.snapshot
    return (
        Scorecard.objects.filter(
            team=scorecard.team,
            model=scorecard.model,
            snapshot__framework=at.framework,
            snapshot__as_of=at.as_of,
            snapshot__kind=at.kind,
        )
        .exclude(snapshot__catalogue_digest=at.catalogue_digest)
        .select_related("snapshot")
        .order_by("-snapshot__number")
        .first()
    )


def changed(scorecard: Scorecard) -> list[Change]:
    """What moved since the published scorecard before; everything is new in the first."""
    before = (
        Scorecard.objects.filter(
            team=scorecard.team,
            model=scorecard.model,
            snapshot__framework=scorecard.snapshot.framework,
            snapshot__kind="published",
            snapshot__as_of__lt=scorecard.snapshot.as_of,
        )
        .order_by("-snapshot__as_of", "-snapshot__number")
        .first()
    )
    return changes.between(before.results if before else [], scorecard.results)


def target(framework: str, team: Team) -> Target | None:
    """The target that stands."""
    return Target.objects.filter(framework=framework, team=team).order_by("-id").first()


def next_actions(scorecard: Scorecard, *, limit: int | None = 5) -> list[Action]:
    """The steps that raise the ladder score most for their effort; none while the team is not rated."""
    if scorecard.level is None:
        return []
    plan = scoring.plan(_same_catalogue(scorecard))
    return scoring.next_actions(plan, documents.read_results(scorecard.results), limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A rating that would be, and how much of the target would be done."""

    rating: Rating
    percent_to_target: float | None


def supposed(scorecard: Scorecard, passing: Collection[str], target: int | None) -> Supposed:
    """`what_if` with the way to a target level."""
    rating = what_if(scorecard, passing)
    if target is None:
        return Supposed(rating=rating, percent_to_target=None)
    results = scoring.with_passed(documents.read_results(scorecard.results), passing)
    percent = scoring.percent_to_target(scoring.plan(_same_catalogue(scorecard)), results, target)
    return Supposed(rating=rating, percent_to_target=percent)


def what_if(scorecard: Scorecard, passing: Collection[str]) -> Rating:
    """The rating if these criteria passed. Raises NotFound for an unknown criterion, Conflict when nothing is rated."""
    ladder = _same_catalogue(scorecard)
    if scorecard.level is None:
        raise Conflict("Not rated: there is nothing to change.", code="not_rated")
    results = documents.read_results(scorecard.results)
    if unknown := sorted(set(passing) - results.keys()):
        raise NotFound(f"{ladder.framework} has no criterion {unknown[0]}.", fields={"criterion": "unknown"})
    at = scorecard.snapshot.as_of
    return scoring.what_if(scoring.plan(ladder), results, Standing(production_versions=1, heard_at=at), passing, at=at)


def results_of(scorecard: Scorecard) -> dict[str, Result]:
    """The results of a framework of levels, as far as next steps and what-if need them."""
    return documents.read_results(scorecard.results)


def _same_catalogue(scorecard: Scorecard) -> Ladder:
    """The framework as the snapshot had it. Raises Conflict when it has changed since."""
    found = ladder(scorecard.snapshot.framework)
    if catalogue.digest(found) != scorecard.snapshot.catalogue_digest:
        raise Conflict("The catalogue has changed since this snapshot.", code="catalogue_changed")
    return found
