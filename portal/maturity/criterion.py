"""A criterion, from what it asks down to the assets behind its number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from assessments import aggregates, catalogue, portfolio, previews, scoring, selectors
from assessments.framework import EXTENT_CREDITS, Criterion, Fact, Framework, Ladder, ScoredTest
from assessments.judging import FRESH_DAYS, FULL_VOLUME, REVIEWED_STRENGTH, STALE_DAYS, UNREVIEWED_STRENGTH
from assessments.measures.deliveries import Whose
from assessments.models import Snapshot
from governance import selectors as people
from governance.errors import NotFound
from governance.models import Team
from lineage import selectors as graph
from policies import selectors as gate
from portal.maturity import words
from portal.maturity.figures import Segment, stacked

# The numbers of scoring that the method page prints, from where they are used.
NUMBERS: Mapping[str, object] = {
    "fresh_days": int(FRESH_DAYS),
    "stale_days": int(STALE_DAYS),
    "full_volume": FULL_VOLUME,
    "reviewed": REVIEWED_STRENGTH,
    "unreviewed": UNREVIEWED_STRENGTH,
    "high": scoring.HIGH_CONFIDENCE,
    "medium": scoring.MEDIUM_CONFIDENCE,
    "heard_days": scoring.SOURCE_HEARD_WITHIN.days,
    "extents": [(words.EXTENTS[extent], credit) for extent, credit in EXTENT_CREDITS.items()],
}
# Misses on one page.
PAGE = 100
# Pages of what UUIDs stand for.
PAGES = {"asset": "asset", "version": "version", "run": "run", "promotion": "promotion"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """An item that does not count as good, with the page of the asset behind it, if it is still there."""

    label: str
    state: str
    missing: Sequence[str]
    href: str
    what: str
    team: str = ""
    slug: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A model that does not hold a criterion, and whether that keeps it from its next level."""

    model: str
    name: str
    team: str
    slug: str
    status: str
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamResult:
    """What a team came to in one criterion."""

    name: str
    slug: str
    result: Mapping[str, Any]
    counted: str
    needed: str
    bar: Sequence[Segment]


def across(framework: str, criterion: str, *, as_of: datetime | None, number: int = 1) -> dict[str, Any]:
    """One criterion over all teams, with a page of the misses that the snapshot keeps. Raises NotFound."""
    found, after = selectors.criterion(framework, criterion), (number - 1) * PAGE
    of = selectors.framework(framework)
    snapshot = portfolio.shown(framework, as_of=as_of)
    results = aggregates.results_of(snapshot, criterion) if snapshot else []
    listed = [(team, miss) for team, result in results for miss in result.get("misses", ())]
    models = (
        aggregates.not_holding(snapshot, found.id, found.level) if snapshot and isinstance(found, Criterion) else []
    )
    return {
        "framework": of,
        "criterion": found,
        "title": words.title(found.id),
        "snapshot": snapshot,
        "results": [team_result(found, team, result) for team, result in results],
        "misses": misses(listed[after : after + PAGE]),
        "from": after + 1,
        "until": min(after + PAGE, len(listed)),
        "kept": len(listed),
        "number": number,
        "has_more": after + PAGE < max(len(listed), len(models)),
        "models": blocked(models[after : after + PAGE]),
        "model_count": len(models),
        "kept_models": sum(is_kept for _, _, _, is_kept in models),
        "all_misses": sum(miss_count(found, result) for _, result in results),
        "tests": models_of(snapshot, found) if isinstance(found, ScoredTest) and snapshot else [],
    }


def blocked(models: Sequence[tuple[int | None, str, str, bool]]) -> list[Blocked]:
    """The models with their names and teams."""
    names = graph.named([UUID(model) for _, model, _, _ in models])
    teams = people.teams().in_bulk([team for team, _, _, _ in models if team is not None])
    return [
        Blocked(
            model=model,
            name=names[UUID(model)].name if UUID(model) in names else model,
            team=teams[team].name if team in teams else words.UNOWNED_NAME,
            slug=teams[team].slug if team in teams else words.UNOWNED,
            status=status,
            is_kept=is_kept,
        )
        for team, model, status, is_kept in models
    ]


def team_result(criterion: Criterion | ScoredTest, team: Team | None, result: Mapping[str, Any]) -> TeamResult:
    is_at_least = isinstance(criterion, Criterion) and (criterion.threshold is None or criterion.threshold.is_at_least)
    return TeamResult(
        name=team.name if team else "Unowned",
        slug=team.slug if team else words.UNOWNED,
        result=result,
        counted=words.counted(result),
        needed=words.needed(result, is_at_least=is_at_least),
        bar=bar(result, is_at_least=is_at_least),
    )


def bar(result: Mapping[str, Any], *, is_at_least: bool) -> list[Segment]:
    """The items as parts of a whole: good, unknown, bad."""
    items = result.get("items") or {}
    good, bad = ("true", "false") if is_at_least else ("false", "true")
    return stacked([("pass", items.get(good, 0)), ("unknown", items.get("unknown", 0)), ("fail", items.get(bad, 0))])


def misses(listed: Collection[tuple[Team | None, Mapping[str, Any]]]) -> list[Miss]:
    """The misses with their pages. Four queries at most, however many there are."""
    uuids = {UUID(miss["asset"]) for _, miss in listed}
    what = {uuid: named.what for uuid, named in graph.named(uuids).items()}
    if left := uuids - what.keys():
        what |= {one.uuid: "promotion" for one in gate.promotions().filter(uuid__in=left)}
    return [_miss(team, miss, what.get(UUID(miss["asset"]), "")) for team, miss in listed]


def _miss(team: Team | None, miss: Mapping[str, Any], what: str) -> Miss:
    return Miss(
        label=miss["label"],
        state=miss["state"],
        missing=miss["missing"],
        what=what,
        href=reverse(PAGES[what], args=[miss["asset"]]) if what else "",
        team=team.name if team else "",
        slug=team.slug if team else words.UNOWNED,
    )


def miss_count(criterion: Criterion | ScoredTest, result: Mapping[str, Any]) -> int:
    """How many items do not count as good, of which a snapshot keeps the first ones."""
    items = result.get("items")
    if not items or result["status"] == "not_applicable":
        return 0
    is_at_least = isinstance(criterion, Criterion) and (criterion.threshold is None or criterion.threshold.is_at_least)
    bad: int = items["false" if is_at_least else "true"] + items["unknown"]
    return bad


def every_miss(
    slug: str, team: Team | None, framework: str, criterion: str, *, as_of: datetime | None, number: int
) -> dict[str, Any]:
    """One page of all misses, counted again as of the snapshot's time. Raises NotFound."""
    found, after = selectors.criterion(framework, criterion), (number - 1) * PAGE
    snapshot = portfolio.shown(framework, as_of=as_of)
    if snapshot is None:
        raise NotFound(f"There is no snapshot of {framework} at that time.", fields={"framework": "no snapshot"})
    listed = previews.every_miss(
        of=Whose(team=team.pk if team else None, is_one_team=True),
        framework=framework,
        criterion=criterion,
        as_of=snapshot.as_of,
        after=after,
        limit=PAGE,
    )
    stored = aggregates.results_of(snapshot, criterion)
    own = next((result for owner, result in stored if owner == team), {})
    return {
        "slug": slug,
        "name": team.name if team else "Unowned",
        "framework": selectors.framework(framework),
        "criterion": found,
        "title": words.title(found.id),
        "snapshot": snapshot,
        "listed": listed,
        "published": miss_count(found, own) if own else 0,
        "from": after + 1,
        "until": after + len(listed.misses),
        "number": number,
        "has_more": after + PAGE < listed.total,
        "misses": misses(
            [
                (team, {"asset": one.asset, "label": one.label, "state": one.state, "missing": one.missing})
                for _, one in listed.misses
            ]
        ),
    }


def listed(framework: Framework) -> Sequence[Criterion | ScoredTest]:
    """The criteria of a framework of levels, or the tests of a rubric."""
    return framework.criteria if isinstance(framework, Ladder) else framework.tests


def models_of(snapshot: Snapshot, test: ScoredTest, team: Team | None = None) -> list[dict[str, Any]]:
    """The points of one test for each model, of all teams or of one."""
    rows = aggregates.points_of(snapshot, test.id)
    if team is not None:
        rows = [row for row in rows if row[0] == team.pk]
    names = graph.named([UUID(model) for _, model, _ in rows])
    return [
        {"model": model, "name": names[UUID(model)].name if UUID(model) in names else model, "result": result}
        for _, model, result in rows
    ]


def facts(missing: Sequence[str]) -> list[Fact]:
    """What would make it known, in the catalogue's words."""
    known = {fact.fact: fact for fact in catalogue.vocabulary().facts}
    return [known[name] for name in missing if name in known]


def basis(criterion: Criterion) -> str:
    """Why the threshold is what it is."""
    if criterion.threshold is None:
        return ""
    said = {one.basis: one.why for one in catalogue.vocabulary().bases}
    return said.get(criterion.threshold.basis, "The source says so, or it is peculiar to this criterion.")


def is_answerable(criterion: Criterion | ScoredTest) -> bool:
    """Whether people may answer it, as `answers.question` decides."""
    return (
        not isinstance(criterion, Criterion) or criterion.attestation is not None or bool(criterion.attested_fallback)
    )


def question(criterion: Criterion | ScoredTest) -> str:
    if isinstance(criterion, ScoredTest):
        return "Was this test made for every model, and is there a report of it?"
    return criterion.attestation.question if criterion.attestation else criterion.attested_fallback


def asked_evidence(criterion: Criterion | ScoredTest) -> Sequence[str]:
    return criterion.attestation.evidence if criterion.attestation else ()


def corroborated_by(criterion: Criterion | ScoredTest) -> str:
    """What stands beside an answer to compare it with; empty when nothing does."""
    asked = criterion.attestation if isinstance(criterion, Criterion) else None
    return asked.corroborated_by.measure if asked and asked.corroborated_by else ""


def level_of(framework: Framework, criterion: Criterion | ScoredTest) -> str:
    if isinstance(criterion, Criterion):
        return f"Level {criterion.level}: {words.level_name(framework, criterion.level)}"
    return criterion.section
