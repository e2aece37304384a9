"""A team's page: where it stands by each framework, criterion by criterion, and what would move it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from assessments import aggregates, delivery, editions, portfolio, records, scoring, selectors, targets
from assessments.framework import Criterion, Framework, Ladder, Level, Rubric, Section
from assessments.models import Initiative, Scorecard, Snapshot, Target
from assessments.scoring import Action
from assessments.selectors import Supposed
from assessments.snapshots import Kind
from governance import selectors as people
from governance.criticality import Tier
from governance.models import Team, TeamRole
from lineage import selectors as graph
from portal.maturity import board, criterion, figures, grid, words
from portal.maturity.figures import Chart, Segment, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One framework, with its target."""

    framework: str
    title: str
    steps: Sequence[Step]
    big: str
    name: str
    small: str
    says: str
    index: str
    target: int | None
    percent: str
    is_provisional: bool
    exempted: int
    note: str
    rows: Sequence[tuple[str, Sequence[Step]]]
    obstacles: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A step with the initiatives that have taken it up."""

    action: Action
    title: str
    effort: str
    initiatives: Sequence[Initiative]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A criterion in the list of a level."""

    criterion: Criterion
    title: str
    result: Mapping[str, Any]
    counted: str
    needed: str
    bar: Sequence[Segment]
    confidence: float
    may_tick: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The criteria of one level, or of one row of it."""

    title: str
    anchor: str
    asked: Sequence[Asked]
    # The first level that does not hold is what a reader came for.
    is_open: bool

    @property
    def holding(self) -> int:
        return sum(one.result["status"] in {"pass", "not_applicable"} for one in self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model of the team, rated by the same measures."""

    uuid: str
    name: str
    level: int | None
    score: float | None
    sections: Sequence[tuple[str, float | None]]


def context(team: Team | None, framework: Framework, *, as_of: datetime | None, is_daily: bool) -> dict[str, Any]:
    """What the page shows of one framework, with the tiles of all."""
    frameworks = portfolio.frameworks()
    shown = {one.framework: portfolio.shown(one.framework, as_of=as_of, is_daily=is_daily) for one in frameworks}
    cards = {slug: card(snapshot, team) for slug, snapshot in shown.items()}
    own, snapshot = cards[framework.framework], shown[framework.framework]
    standing = {one.framework: selectors.target(one.framework, team) if team else None for one in frameworks}
    plan = portfolio.plan_of(snapshot) if snapshot else None
    actions = selectors.next_actions(own, limit=None) if own and plan else []
    models = model_rows(snapshot, team, framework)
    under_way = list(records.initiatives(is_open=True, team=team)) if team else []
    return {
        "team": team,
        "name": team.name if team else "Unowned",
        "slug": team.slug if team else words.UNOWNED,
        "framework": framework,
        "frameworks": frameworks,
        "is_ladder": isinstance(framework, Ladder),
        "snapshot": snapshot,
        "scorecard": own,
        "tiles": [tile(one, cards[one.framework], standing[one.framework], shown) for one in frameworks],
        "obstacles": obstacles(own, shown),
        "groups": groups(framework, own) if own and isinstance(framework, Ladder) else [],
        "actions": [
            NextStep(
                action=action,
                title=words.title(action.criterion),
                effort=words.EFFORTS[action.effort.value],
                initiatives=board.taken_up(under_way, framework.framework, action.criterion),
            )
            for action in actions[:5]
        ],
        "leads": [one.user for one in people.members(team) if one.role == TeamRole.MAINTAINER] if team else [],
        "may_suppose": bool(own and plan and own.level is not None),
        "is_changed_catalogue": bool(snapshot and plan is None and isinstance(framework, Ladder)),
        "is_compared": snapshot is not None and portfolio.before(snapshot) is not None,
        "changed": [(change, words.title(change.criterion)) for change in moved(own)],
        "models": models,
        "model_counts": counts(framework, [one.level for one in models]),
        "chart": trend(framework, team, until=snapshot.as_of if snapshot else None),
        "beside": selectors.beside(own) if own else None,
        "breaks": [one for one in editions.breaks(framework.framework) if snapshot and one.since <= snapshot.made_at],
        "waiting": _waiting(own),
        "initiatives": [board.how_far(one, timezone.now()) for one in under_way],
        "ending": board.ending_of(team) if team else [],
        "lapsing": [(one, words.title(one.criterion)) for one in records.lapsing_soon(timezone.now()).filter(team=team)]
        if team
        else [],
        "tier": (tier := tier_of(team, shown)),
        "proposed": propose(framework, tier),
        "outcomes": words.delivered(delivery.of_team(team, as_of=as_of)),
        "proof_bar": figures.proven(own.rating["proofs"]) if own and "proofs" in own.rating else [],
        "target": standing[framework.framework],
        "sections": framework.sections if isinstance(framework, Rubric) else (),
    }


def _waiting(own: Scorecard | None) -> list[tuple[str, str]]:
    """The unknown criteria between the level and the possible one."""
    return [(name, words.title(name)) for name in (own.rating.get("waiting_on", ()) if own else ())]


def tier_of(team: Team | None, shown: Mapping[str, Snapshot | None]) -> Tier | None:
    """The tier of the team's most critical model in production; None while nobody has classified one."""
    rubrics = [shown[one.framework] for one in portfolio.frameworks() if isinstance(one, Rubric)]
    return portfolio.risk_tiers(rubrics[0]).get(team.pk) if team and rubrics else None


def propose(framework: Framework, tier: Tier | None) -> int | None:
    """The target that the tier speaks for."""
    return targets.proposed(framework, tier) if isinstance(framework, Ladder) and tier else None


def card(snapshot: Snapshot | None, team: Team | None) -> Scorecard | None:
    """The team's scorecard; None where it has none, which is a way of not being rated."""
    if snapshot is None:
        return None
    return snapshot.scorecards.select_related("team", "snapshot").filter(team=team, model=None).first()


def obstacles(own: Scorecard | None, shown: Mapping[str, Snapshot | None]) -> list[str]:
    """Why nothing is rated; empty when it is."""
    if own is None:
        return [grid.NEW_TEAM] if any(shown.values()) else [grid.NO_SNAPSHOT]
    return list(own.rating.get("obstacles", ()))


def tile(
    framework: Framework, own: Scorecard | None, target: Target | None, shown: Mapping[str, Snapshot | None]
) -> Tile:
    rating = own.rating if own else {}
    if isinstance(framework, Rubric):
        return _rubric_tile(framework, rating, obstacles(own, shown))
    level = None if own is None else own.published_level if own.published_level is not None else own.level
    names = [one.name for one in framework.levels]
    percent = None
    if own is not None and target is not None and own.level is not None and portfolio.plan_of(own.snapshot):
        plan = scoring.plan(framework)
        percent = scoring.percent_to_target(plan, selectors.results_of(own), target.level)
    note = ""
    if own is not None and own.level is not None and own.published_level not in {None, own.level}:
        note = f"Computed: level {own.level}. The published level moves when two snapshots in a row agree."
    return Tile(
        framework=framework.framework,
        title=framework.title,
        steps=figures.steps(names, level, rating.get("possible")),
        big="–" if level is None else str(level),  # noqa: RUF001
        name=words.level_name(framework, level) or "Not rated",
        small="" if rating.get("ladder_score") is None else f"{rating['ladder_score']:.2f}",
        says=rating.get("says", "Not rated"),
        index="" if rating.get("index") is None else f"{rating['index']:.0f}",
        target=target.level if target else None,
        percent=words.percent(percent),
        is_provisional=rating.get("is_provisional", False),
        exempted=rating.get("proofs", {}).get("exempted", 0),
        note=note,
        rows=[
            (row.title, figures.steps(names, one["level"], one["possible"]))
            for row in framework.rows
            for one in rating.get("rows", ())
            if one["row"] == row.row
        ],
        obstacles=obstacles(own, shown),
    )


def _rubric_tile(rubric: Rubric, rating: Mapping[str, Any], why_not: Sequence[str]) -> Tile:
    median, lowest = rating.get("median"), rating.get("lowest")
    decided = rating.get("decided_by", {})
    title = {section.section: section.title for section in rubric.sections}
    says = "Not rated" if median is None else f"Median {median:.1f}, lowest model {lowest:.1f}, out of 7"
    if decided:
        says += f"; decided by {title[max(decided, key=decided.__getitem__)].lower()}"
    return Tile(
        framework=rubric.framework,
        title=rubric.title,
        steps=[],
        big="–" if median is None else f"{median:.1f}",  # noqa: RUF001
        name=portfolio.band(rubric, median) or "Not rated",
        small="" if median is None else "median of its models, out of 7",
        says=says,
        index="",
        target=None,
        percent="",
        is_provisional=False,
        exempted=0,
        note=f"{rating.get('models', 0)} models in production" if rating else "",
        rows=[],
        obstacles=why_not,
    )


def groups(ladder: Ladder, own: Scorecard) -> list[Group]:
    """The criteria by level, and by row where the framework has rows."""
    results = {one["criterion"]: one for one in own.results}
    found: list[Group] = []
    anchors: set[str] = set()
    next_level = (own.level or 0) + 1
    for level in ladder.levels[1:]:
        for row in ladder.rows or (None,):
            listed = [
                one
                for one in ladder.criteria
                if one.level == level.level and (row is None or one.row == row.row) and one.id in results
            ]
            if listed:
                anchor = f"row-{row.row}" if row else f"level-{level.level}"
                found.append(
                    Group(
                        title=_title(level, row.title if row else ""),
                        anchor=anchor if anchor not in anchors else f"{anchor}-{level.level}",
                        asked=[_asked(one, results[one.id]) for one in listed],
                        is_open=level.level == next_level,
                    )
                )
                anchors.add(anchor)
    return found


def _title(level: Level, row: str) -> str:
    return f"Level {level.level}: {level.name}" + (f" · {row}" if row else "")


def _asked(one: Criterion, result: Mapping[str, Any]) -> Asked:
    is_at_least = one.threshold is None or one.threshold.is_at_least
    parts = result.get("confidence") or {}
    product = 1.0
    for name in ("coverage", "freshness", "volume", "strength"):
        product *= parts.get(name, 0.0)
    return Asked(
        criterion=one,
        title=words.title(one.id),
        result=result,
        counted=words.counted(result),
        needed=words.needed(result, is_at_least=is_at_least),
        bar=criterion.bar(result, is_at_least=is_at_least),
        confidence=product,
        may_tick=one.gating and result["status"] not in {"pass", "not_applicable"},
    )


def moved(own: Scorecard | None) -> list[Any]:
    """What moved since the published scorecard before. In the first, everything is new: nothing moved."""
    return [one for one in selectors.changed(own) if one.before and one.after] if own else []


def model_rows(snapshot: Snapshot | None, team: Team | None, framework: Framework) -> list[ModelRow]:
    if snapshot is None:
        return []
    rows = list(snapshot.scorecards.filter(team=team).exclude(model=None).defer("results").order_by("model"))
    names = graph.named([one.model for one in rows if one.model])
    title = {one.section: one.title for one in framework.sections} if isinstance(framework, Rubric) else {}
    found = [
        ModelRow(
            uuid=str(one.model),
            name=names[one.model].name if one.model in names else str(one.model),
            level=one.level,
            score=one.score,
            sections=[
                (title.get(part["section"], part["section"]), part["score"]) for part in one.rating.get("sections", ())
            ],
        )
        for one in rows
        if one.model is not None
    ]
    return sorted(found, key=lambda one: (one.score if one.score is not None else -1.0, one.name))


def counts(framework: Framework, levels: Sequence[int | None]) -> list[tuple[str, int]]:
    """How many models are at each level: one bad model is seen and not averaged away."""
    if not isinstance(framework, Ladder):
        return []
    found = [(f"Level {one.level}", sum(level == one.level for level in levels)) for one in framework.levels]
    unrated = sum(level is None for level in levels)
    return [*found, ("Not rated", unrated)] if unrated else found


def trend(framework: Framework, team: Team | None, *, until: datetime | None) -> Chart | None:
    """The published scores of the last year. A line is cut where the catalogue changed."""
    if team is None or until is None:
        return None
    rows = [
        one
        for one in selectors.trend(framework.framework, team).defer("results")
        if one.score is not None and until - aggregates.TREND < one.snapshot.as_of <= until
    ]
    target = selectors.target(framework.framework, team)
    points = [(one.snapshot.as_of, one.score or 0.0, one.snapshot.catalogue_version) for one in rows]
    restated = {one.snapshot.as_of for one in rows if one.snapshot.kind == Kind.RESTATEMENT}
    return chart(framework, points, restated=restated, goal=float(target.level) if target else None)


def chart(
    framework: Framework,
    points: Sequence[tuple[datetime, float, str]],
    *,
    restated: Collection[datetime] = (),
    goal: float | None = None,
    height: float = figures.CHART_HEIGHT,
) -> Chart | None:
    """Scores with the catalogue version that each was made by, over the levels of the framework."""
    top = float(framework.top) if isinstance(framework, Ladder) else float(grid.TOP_SCORE)
    return figures.over_time(
        [(at, score, f"{score:.2f}" + (", restated" if at in restated else "")) for at, score, _ in points],
        top,
        y_labels=[(float(step), str(step)) for step in range(0, int(top) + 1, 1 if height > 20 * top else 2)],
        versions=[version for _, _, version in points],
        restated=restated,
        goal=goal,
        height=height,
    )


def supposed(own: Scorecard, ticked: Sequence[str], target: Target | None, ladder: Ladder) -> dict[str, Any]:
    """What the what-if panel says, before and after."""
    after: Supposed = selectors.supposed(own, ticked, target.level if target else None)
    before: Supposed = selectors.supposed(own, [], target.level if target else None)
    names = [one.name for one in ladder.levels]
    return {
        "ticked": ticked,
        "before": before,
        "after": after,
        "after_says": str(after.rating),
        "after_steps": figures.steps(names, after.rating.level, after.rating.possible),
        "after_name": words.level_name(ladder, after.rating.level),
        "index_change": words.signed((after.rating.index or 0) - (before.rating.index or 0)),
        "score_change": words.signed((after.rating.ladder_score or 0) - (before.rating.ladder_score or 0)),
        "percent_before": words.percent(before.percent_to_target),
        "percent_after": words.percent(after.percent_to_target),
        "query": ",".join(ticked),
    }


def model_context(team: Team | None, framework: Framework, model: UUID) -> dict[str, Any]:
    """One model by one framework: statuses alone, or points. Raises NotFound."""
    snapshot = portfolio.shown(framework.framework)
    own = selectors.scorecard(snapshot, team=team, model=model) if snapshot else None
    named = graph.named([model]).get(model)
    listed = framework.criteria if isinstance(framework, Ladder) else framework.tests
    results = {one["criterion"]: one for one in own.results} if own else {}
    return {
        "team": team,
        "slug": team.slug if team else words.UNOWNED,
        "name": team.name if team else "Unowned",
        "framework": framework,
        "frameworks": portfolio.frameworks(),
        "snapshot": snapshot,
        "scorecard": own,
        "model": model,
        "model_name": named.name if named else str(model),
        "rows": [(one, words.title(one.id), results[one.id]) for one in listed if one.id in results],
        "section_titles": _sections(framework),
    }


def _sections(framework: Framework) -> Sequence[Section]:
    return framework.sections if isinstance(framework, Rubric) else ()


def of_address(slug: str) -> Team | None:
    """The team that an address names; None for what nobody owns. Raises NotFound."""
    return None if slug == words.UNOWNED else people.team(slug)
