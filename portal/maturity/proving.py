"""What the numbers of the leadership page are made of, listed: ratings, results of criteria, models, releases."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from assessments import aggregates, delivery, portfolio, proofs
from assessments.framework import Framework, Ladder, Rubric
from assessments.measures.deliveries import Whose
from assessments.models import Snapshot
from assessments.portfolio import Line, Rated
from governance import selectors
from governance.models import Team
from lineage import selectors as graph
from portal.maturity import grid, words

PAGE = 100
PARTS: Mapping[str, str] = {
    "releases": "All releases",
    "lead": "With a known lead time",
    "models": "By model in production",
    "known": "Known to have failed or not",
    "failed": "Failed",
    "recovered": "Failed and recovered",
    "reworked": "Soon after a failed one",
}
KINDS: Mapping[str, str] = {
    "machine": "Measured",
    "reviewed": "Reviewed answers",
    "unknown": "Nothing known",
    "exempted": "Exempted",
}
BANDS = ("high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of which time, of which tier, and whether of unpublished snapshots too: as the leadership page was asked."""

    as_of: datetime | None
    tier: str
    is_daily: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRow:
    """One team by one framework of levels."""

    name: str
    slug: str
    framework: Framework
    rated: Rated
    change: str
    says: str
    unknown: int
    exempted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionRow:
    """One criterion over all teams, in numbers of teams."""

    id: str
    title: str
    is_gating: bool
    passing: int
    failing: int
    unknown: int
    other: int


def portfolio_lines(asked: Asked) -> tuple[dict[str, Snapshot | None], list[Line]]:
    """The snapshots and teams that the leadership page shows for the same question."""
    shown = {
        one.framework: portfolio.shown(one.framework, as_of=asked.as_of, is_daily=asked.is_daily)
        for one in portfolio.frameworks()
    }
    at = max((one.as_of for one in shown.values() if one is not None), default=asked.as_of or timezone.now())
    lines = portfolio.lines(list(selectors.teams().order_by("name", "slug")), shown, at=at)
    if asked.tier:
        lines = [line for line in lines if (line.tier or "") == ("" if asked.tier == "none" else asked.tier)]
    return shown, lines


def ratings(asked: Asked, *, framework: Framework | None, band: str, number: int) -> dict[str, Any]:
    """Teams with their ratings, of one framework or of one band of confidence, and the criteria or models below."""
    shown, lines = portfolio_lines(asked)
    ladders = [one for one in portfolio.frameworks() if isinstance(one, Ladder) and framework in {None, one}]
    rows = [_rating(line, one, shown) for one in ladders for line in lines]
    if band:
        rows = [row for row in rows if row.rated.is_rated and row.rated.rating["band"] == band]
    teams = {line.team.pk if line.team else None for line in lines}
    snapshot = shown[framework.framework] if framework else None
    models = _models(framework, snapshot, teams, lines, number) if isinstance(framework, Rubric) and snapshot else None
    return {
        "framework": framework,
        "frameworks": portfolio.frameworks(),
        "band": band,
        "band_words": words.BANDS[band].word if band else "",
        "rows": rows,
        "rated": sum(row.rated.is_rated for row in rows),
        "levels": _levels(framework, snapshot, teams) if isinstance(framework, Ladder) and snapshot else [],
        "models": models,
        "number": number,
        "has_more": bool(models and number * PAGE < models["count"]),
        "is_taken": any(shown.values()),
    }


def _rating(line: Line, ladder: Ladder, shown: Mapping[str, Snapshot | None]) -> RatingRow:
    rated = line.rated[ladder.framework]
    said = rated.rating.get("proofs", {})
    why_not = " ".join(grid.reasons(line, shown)) or "Not rated."
    return RatingRow(
        name=_name(line.team),
        slug=line.slug or words.UNOWNED,
        framework=ladder,
        rated=rated,
        change=words.signed(rated.change),
        says=str(rated.rating["says"]).removeprefix(f"Level {rated.level}").strip(", ") if rated.is_rated else why_not,
        unknown=said.get("unknown", 0),
        exempted=said.get("exempted", 0),
    )


def _levels(ladder: Ladder, snapshot: Snapshot, teams: Collection[int | None]) -> list[tuple[str, list[CriterionRow]]]:
    """The criteria of each level with the numbers of teams by status."""
    counts: dict[str, Counter[str]] = {}
    for team, results in aggregates.thin(snapshot).items():
        for result in results if team in teams else ():
            counts.setdefault(result["criterion"], Counter())[result["status"]] += 1
    found = []
    for level in ladder.levels:
        rows = [
            _criterion(one.id, counts.get(one.id, Counter()), is_gating=one.gating)
            for one in ladder.criteria
            if one.level == level.level
        ]
        if rows:
            found.append((f"Level {level.level}: {level.name}", rows))
    return found


def _criterion(name: str, counts: Counter[str], *, is_gating: bool) -> CriterionRow:
    return CriterionRow(
        id=name,
        title=words.title(name),
        is_gating=is_gating,
        passing=counts["pass"],
        failing=counts["fail"],
        unknown=counts["unknown"] + counts["expired"],
        other=counts["not_applicable"],
    )


def _models(
    rubric: Rubric, snapshot: Snapshot, teams: Collection[int | None], lines: Sequence[Line], number: int
) -> dict[str, Any]:
    """A page of the models by a rubric, the lowest first, those without a score last."""
    listed = [row for row in aggregates.model_scores(snapshot) if row[0] in teams]
    listed.sort(key=lambda row: (row[2] is None, row[2] or 0.0, row[1]))
    first = (number - 1) * PAGE
    part = listed[first : first + PAGE]
    names = graph.named([UUID(model) for _, model, _, _ in part])
    owners = {line.team.pk if line.team else None: line for line in lines}
    section = {one.section: one.title for one in rubric.sections}
    return {
        "count": len(listed),
        "from": first + 1,
        "until": first + len(part),
        "rows": [
            {
                "model": model,
                "name": names[UUID(model)].name if UUID(model) in names else model,
                "team": _name(owners[team].team),
                "slug": owners[team].slug or words.UNOWNED,
                "score": score,
                "deciding": ", ".join(section[one] for one in deciding),
            }
            for team, model, score, deciding in part
        ],
    }


def results(
    asked: Asked, *, kind: str, framework: Framework | None, team: Team | None, is_one_team: bool, number: int
) -> dict[str, Any]:
    """Gating criteria of teams by what they rest on, one row for each team and criterion."""
    shown, lines = portfolio_lines(asked)
    owners = {line.team.pk if line.team else None: line.team for line in lines}
    if is_one_team:
        owners = {pk: owner for pk, owner in owners.items() if owner == team}
    wanted = [one for slug, one in shown.items() if framework is None or slug == framework.framework]
    listed = [one for one in proofs.proven(wanted, owners.keys()) if not kind or one.kind == kind]
    first = (number - 1) * PAGE
    part = listed[first : first + PAGE]
    return {
        "kind": kind,
        "kinds": KINDS,
        "framework": framework,
        "team": team,
        "is_one_team": is_one_team,
        "name": _name(team) if is_one_team else "",
        "slug": (team.slug if team else words.UNOWNED) if is_one_team else "",
        "rows": [
            {
                "name": _name(owners[one.team]),
                "slug": owner.slug if (owner := owners[one.team]) else words.UNOWNED,
                "framework": one.framework,
                "criterion": one.criterion,
                "title": words.title(one.criterion),
                "result": one.result,
                "rests": KINDS[one.kind.value],
            }
            for one in part
        ],
        "count": len(listed),
        "from": first + 1,
        "until": first + len(part),
        "number": number,
        "has_more": first + PAGE < len(listed),
        "is_taken": any(shown.values()),
    }


def releases(*, part: str, team: Team | None, is_one_team: bool, as_of: datetime | None, number: int) -> dict[str, Any]:
    """The releases (or models) behind the measures of delivery, counted again as of when those were kept."""
    at, first = delivery.newest_at(as_of), (number - 1) * PAGE
    of = Whose(team=team.pk if team else None, is_one_team=is_one_team)
    kept = delivery.of_team(team, as_of=as_of) if is_one_team else delivery.of_all(as_of=as_of)
    found: dict[str, Any] = {"count": 0, "rows": [], "frequencies": []}
    if at is not None and part == "models":
        found["count"], found["frequencies"] = delivery.frequencies(as_of=at, of=of, after=first, limit=PAGE)
    elif at is not None:
        found["count"], found["rows"] = delivery.releases(as_of=at, of=of, part=part, after=first, limit=PAGE)
    names = graph.named([one.model for one in found["rows"]])
    people = selectors.teams().in_bulk([one.team for one in (*found["rows"], *found["frequencies"]) if one.team])
    return {
        "part": part,
        "parts": PARTS,
        "team": team,
        "is_one_team": is_one_team,
        "name": _name(team) if is_one_team else "",
        "slug": (team.slug if team else words.UNOWNED) if is_one_team else "",
        "at": at,
        "outcomes": words.delivered(kept),
        "count": found["count"],
        "releases": [
            (one, names[one.model].name if one.model in names else str(one.model), people.get(one.team or 0))
            for one in found["rows"]
        ],
        "models": [(one, people.get(one.team or 0)) for one in found["frequencies"]],
        "from": first + 1,
        "until": first + len(found["rows"]) + len(found["frequencies"]),
        "number": number,
        "has_more": first + PAGE < found["count"],
    }


def _name(team: Team | None) -> str:
    return team.name if team else words.UNOWNED_NAME
