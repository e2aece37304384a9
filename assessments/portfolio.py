"""Reads over all teams at once, for leadership: one line per team, what blocks most, what moved, what to do next.

Everything comes from snapshots.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import median_low
from typing import Any
from uuid import UUID

from django.conf import settings

from assessments import aggregates, catalogue, changes, records, scoring, testscore
from assessments.changes import Change
from assessments.framework import Criterion, Framework, Ladder, Rubric
from assessments.models import Scorecard, Snapshot
from assessments.scoring import Action, Plan, SharedAction
from governance import selectors
from governance.criticality import Tier
from governance.models import Team

RECENT = timedelta(days=90)
# Of so many pairs of snapshots what moved is remembered: a page asks for one pair of each framework.
REMEMBERED_MOVES = 6
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One team by one framework: its scorecard without results, its target, and how much of that is done."""

    scorecard: Scorecard | None
    target: int | None = None
    percent_to_target: float | None = None
    # The median of its models, by section of a rubric.
    sections: Mapping[str, float | None] | None = None
    # Of the score since 90 days before; None without a snapshot then, or across a change of the catalogue.
    change: float | None = None

    @property
    def rating(self) -> Document:
        return self.scorecard.rating if self.scorecard else {}

    @property
    def is_rated(self) -> bool:
        """Whether there is a number to show, and nothing that speaks against showing it."""
        card = self.scorecard
        return card is not None and (card.level, card.score) != (None, None) and not card.rating.get("obstacles")

    @property
    def level(self) -> int | None:
        """The published level; while nothing was published, the computed one."""
        card = self.scorecard
        if card is None:
            return None
        return card.published_level if card.published_level is not None else card.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One team in the portfolio. No team: what nobody owns."""

    team: Team | None
    tier: Tier | None
    models: int
    rated: Mapping[str, Rated]
    # Scores with their times and catalogue versions.
    trend: Sequence[tuple[datetime, float, str]] = ()

    @property
    def slug(self) -> str:
        return self.team.slug if self.team else ""

    @property
    def is_rated(self) -> bool:
        return any(one.is_rated for one in self.rated.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All rated teams by one framework of levels. The level is one that at least half of the rated teams hold."""

    framework: str
    teams: int
    rated: int
    level: int | None
    possible: int | None
    lowest: int | None
    ladder_score: float | None
    # For each level, how many rated teams hold it, and how many may.
    holding: tuple[int, ...]
    may_hold: tuple[int, ...]
    rows: Mapping[str, int]
    exempted: int
    # Of the ladder score since 90 days before; None without a snapshot then, or across a change of the catalogue.
    change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSummary:
    """All production models by a rubric: the middle and the lowest score, and which section decides most often."""

    framework: str
    models: int
    scored: int
    median: float | None
    lowest: float | None
    lowest_models: tuple[str, ...]
    deciding: str
    change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A criterion of the next level that models in production do not hold, in numbers of models."""

    framework: str
    criterion: str
    failing: int
    unknown: int

    @property
    def models(self) -> int:
        return self.failing + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What moved for a team between two published snapshots. A level of None is not rated."""

    team: Team | None
    framework: str
    level_before: int | None
    level_after: int | None
    changes: Sequence[Change]

    @property
    def is_gain(self) -> bool:
        after, before = (-1 if level is None else level for level in (self.level_after, self.level_before))
        return after > before

    @property
    def level_moved(self) -> bool:
        return self.level_before != self.level_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A model that is another team's now."""

    model: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What the gating criteria of all teams rest on."""

    machine: int = 0
    reviewed: int = 0
    unknown: int = 0
    exempted: int = 0

    @property
    def all(self) -> int:
        return self.machine + self.reviewed + self.unknown + self.exempted


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFact:
    """A fact that unknown results lack. `decided_by_it` of them lack nothing else."""

    fact: str
    means: str
    known_by: str
    criteria: tuple[str, ...]
    teams: tuple[int, ...]
    results: int
    decided_by_it: int


def frameworks() -> list[Framework]:
    """Those of levels first, each by its slug."""
    known = catalogue.load(settings.FRAMEWORKS_FOLDER)
    return [*known.ladders, *known.rubrics]


def shown(framework: str, *, as_of: datetime | None = None, is_daily: bool = False) -> Snapshot | None:
    """The newest published snapshot of that time or before, as restated; the newest computed one if that is asked for,
    or while nothing has been published. None before the first."""
    found = Snapshot.objects.filter(framework=framework)
    if as_of is not None:
        found = found.filter(as_of__lte=as_of)
    ordered = found.order_by("-as_of", "-number")
    if is_daily:
        return ordered.first()
    return ordered.exclude(kind="computed").first() or ordered.first()


def before(snapshot: Snapshot, *, by: timedelta = timedelta(0)) -> Snapshot | None:
    """The newest published snapshot that is older than this one, by at least so much."""
    found = Snapshot.objects.filter(framework=snapshot.framework).exclude(kind="computed")
    older = found.filter(as_of__lt=snapshot.as_of) if not by else found.filter(as_of__lte=snapshot.as_of - by)
    return older.order_by("-as_of", "-number").first()


def lines(teams: Sequence[Team], snapshots: Mapping[str, Snapshot | None], *, at: datetime) -> list[Line]:
    """One line for every team by name, not rated ones too, and one for models that nobody owns if there are any."""
    targets = records.targets_at(at)
    cards = {
        slug: {card.team_id: card for card in _cards(snapshot)} if snapshot else {}
        for slug, snapshot in snapshots.items()
    }
    trends = aggregates.trends(next((one for one in snapshots.values() if one is not None), None))
    plans = {slug: plan for slug, snapshot in snapshots.items() if snapshot and (plan := plan_of(snapshot)) is not None}
    earlier = {slug: _scores_before(snapshot) for slug, snapshot in snapshots.items() if snapshot}
    known = {framework.framework: framework for framework in frameworks()}
    rubric = next((slug for slug in snapshots if isinstance(known.get(slug), Rubric)), None)
    tiers = risk_tiers(snapshots.get(rubric) if rubric else None)
    everyone: list[Team | None] = [*teams]
    if any(None in by_team for by_team in cards.values()):
        everyone.append(None)
    found: list[Line] = []
    for team in everyone:
        pk = team.pk if team else None
        rated = {}
        for slug, snapshot in snapshots.items():
            card = cards[slug].get(pk)
            target = targets.get((pk, slug)) if pk is not None else None
            percent = None
            if target is not None and card is not None and card.level is not None and snapshot and slug in plans:
                percents = aggregates.outlooks(snapshot, plans[slug])[pk].percents
                # A target from before a change of the catalogue may be a level that is no more.
                percent = percents[target.level] if target.level < len(percents) else None
            rated[slug] = Rated(
                scorecard=card,
                target=target.level if target else None,
                percent_to_target=percent,
                sections=aggregates.sections(snapshot).get(pk, {}) if snapshot and slug == rubric else None,
                change=_since(earlier.get(slug, {}).get(pk), card),
            )
        models = rated[rubric].rating.get("models", 0) if rubric else 0
        if team is None and not models:
            continue
        found.append(Line(team=team, tier=tiers.get(pk), models=models, rated=rated, trend=trends.get(pk, ())))
    return found


def _scores_before(snapshot: Snapshot) -> dict[int | None, float | None]:
    """By team, the score 90 days before, where the same catalogue was scored then."""
    earlier = before(snapshot, by=RECENT)
    if earlier is None or earlier.catalogue_version != snapshot.catalogue_version:
        return {}
    return dict(earlier.scorecards.filter(model=None).values_list("team_id", "score"))


def _since(score: float | None, card: Scorecard | None) -> float | None:
    return None if score is None or card is None or card.score is None else card.score - score


def risk_tiers(snapshot: Snapshot | None) -> dict[int | None, Tier]:
    """By team, the tier of its most critical model in production, as it was said at the time of the snapshot."""
    if snapshot is None:
        return {}
    models = {UUID(model): team for team, model, _, _ in aggregates.model_scores(snapshot)}
    order = list(Tier)
    found: dict[int | None, Tier] = {}
    for model, said in selectors.classifications(list(models), snapshot.as_of).items():
        if said.tier:
            team, tier = models[model], Tier(said.tier)
            found[team] = min(found.get(team, tier), tier, key=order.index)
    return found


def _cards(snapshot: Snapshot) -> list[Scorecard]:
    return list(snapshot.scorecards.filter(model=None).defer("results").select_related("team"))


def summary(ladder: Ladder, lines: Sequence[Line], snapshot: Snapshot | None) -> Summary:
    """All teams of these lines together. Teams that are not rated are counted beside, never as level 0."""
    rated = [line.rated[ladder.framework] for line in lines]
    levels = [(one.level, one.rating["possible"], one.rating) for one in rated if one.is_rated]
    known = [level for level, _, _ in levels if level is not None]
    possible = [most for _, most, _ in levels]
    scores = [rating["ladder_score"] for _, _, rating in levels]
    score = median_low(scores) if scores else None
    return Summary(
        framework=ladder.framework,
        teams=len(lines),
        rated=len(known),
        level=median_low(known) if known else None,
        possible=median_low(possible) if possible else None,
        lowest=min(known, default=None),
        ladder_score=score,
        holding=tuple(sum(level >= step for level in known) for step in range(ladder.top + 1)),
        may_hold=tuple(sum(most >= step for most in possible) for step in range(ladder.top + 1)),
        rows={row.row: median_low([_row(rating, row.row) for _, _, rating in levels]) for row in ladder.rows if levels},
        exempted=sum(rating["proofs"]["exempted"] for _, _, rating in levels),
        change=_change(snapshot, score, {line.team.pk if line.team else None for line in lines}),
    )


def _row(rating: Document, row: str) -> int:
    return next((int(one["level"]) for one in rating["rows"] if one["row"] == row), 0)


def _change(snapshot: Snapshot | None, score: float | None, teams: set[int | None]) -> float | None:
    """Against the middle ladder score of the same teams 90 days before."""
    earlier = before(snapshot, by=RECENT) if snapshot else None
    if snapshot is None or earlier is None or score is None or earlier.catalogue_version != snapshot.catalogue_version:
        return None
    rows = earlier.scorecards.filter(model=None, score__isnull=False).values_list("team_id", "score")
    scores = [value for team, value in rows if team in teams and value is not None]
    return score - median_low(scores) if scores else None


def test_summary(rubric: Rubric, lines: Sequence[Line], snapshot: Snapshot | None) -> TestSummary:
    """All production models of these teams together."""
    teams = {line.team.pk if line.team else None for line in lines}
    scored: list[tuple[str, float, list[str]]] = []
    models = 0
    for team, model, score, deciding in aggregates.model_scores(snapshot) if snapshot else ():
        if team in teams:
            models += 1
            if score is not None:
                scored.append((model, score, deciding))
    values = [score for _, score, _ in scored]
    times = Counter(section for _, _, deciding in scored for section in deciding)
    middle = median_low(values) if values else None
    lowest = min(values, default=None)
    order = [section.section for section in rubric.sections]
    return TestSummary(
        framework=rubric.framework,
        models=models,
        scored=len(scored),
        median=middle,
        lowest=lowest,
        lowest_models=tuple(model for model, score, _ in scored if score == lowest),
        deciding=max(times, key=lambda section: (times[section], -order.index(section)), default=""),
        change=_test_change(snapshot, middle, teams),
    )


def _test_change(snapshot: Snapshot | None, middle: float | None, teams: set[int | None]) -> float | None:
    earlier = before(snapshot, by=RECENT) if snapshot else None
    if snapshot is None or earlier is None or middle is None or earlier.catalogue_version != snapshot.catalogue_version:
        return None
    scores = [score for team, _, score, _ in aggregates.model_scores(earlier) if team in teams and score is not None]
    return middle - median_low(scores) if scores else None


def blockers(
    snapshots: Mapping[str, Snapshot | None], *, teams: Sequence[int | None] | None = None, limit: int = 10
) -> list[Blocker]:
    """The criteria of the next level that most production models do not hold. Of all teams unless some are named."""
    found = []
    for slug, snapshot in snapshots.items():
        if snapshot is None or (plan := plan_of(snapshot)) is None:
            continue
        counted: dict[str, list[int]] = {}
        for team, criterion, failing, unknown in aggregates.blocking(snapshot, plan):
            if teams is None or team in teams:
                sums = counted.setdefault(criterion, [0, 0])
                sums[0] += failing
                sums[1] += unknown
        found += [
            Blocker(framework=slug, criterion=criterion, failing=failing, unknown=unknown)
            for criterion, (failing, unknown) in counted.items()
        ]
    found.sort(key=lambda one: (-one.models, -one.failing, one.framework, one.criterion))
    return found[:limit]


Steps = Mapping[str, Mapping[str, Sequence[Action]]]


def steps(snapshots: Mapping[str, Snapshot | None], lines: Sequence[Line]) -> Steps:
    """Every next step of each rated team, the best first, by framework of levels and the team's slug."""
    found = {}
    for slug, snapshot in snapshots.items():
        if snapshot is None or (plan := plan_of(snapshot)) is None:
            continue
        outlooks = aggregates.outlooks(snapshot, plan)
        found[slug] = {
            line.slug: outlooks[line.team.pk].actions
            for line in lines
            if line.team is not None and line.rated[slug].is_rated
        }
    return found


def next_actions(steps: Steps) -> list[tuple[str, SharedAction]]:
    """The five steps that help these teams most by their effort, over all frameworks of levels, with who is helped."""
    found = [(slug, action) for slug, by_team in steps.items() for action in scoring.shared_actions(by_team)]
    found.sort(key=lambda entry: (-entry[1].gain / entry[1].effort.weight, entry[0], entry[1].criterion))
    return found[:5]


def first_step(steps: Steps, team: str) -> tuple[str, Action] | None:
    """The step that one team takes best, over all frameworks of levels, by the order of `scoring.next_actions`."""
    firsts = [(slug, by_team[team][0]) for slug, by_team in steps.items() if by_team.get(team)]
    return min(
        firsts, key=lambda entry: (not entry[1].needs_a_source, -entry[1].gain_by_effort, entry[0]), default=None
    )


def proofs(lines: Sequence[Line]) -> Proofs:
    """Summed over teams and frameworks of levels; a team that is not rated has its unknowns too."""
    found = [one.rating["proofs"] for line in lines for one in line.rated.values() if "proofs" in one.rating]
    return Proofs(**{name: sum(one[name] for one in found) for name in ("machine", "reviewed", "unknown", "exempted")})


def moved(snapshot: Snapshot, *, teams: Sequence[int | None] | None = None) -> list[Moved]:
    """What moved since the published snapshot before, teams with a moved level first. Empty for the first snapshot."""
    earlier = before(snapshot)
    if earlier is None:
        return []
    moves = [
        one
        for one in _moves(snapshot.pk, snapshot.digest, earlier.pk, earlier.digest)
        if teams is None or one.team in teams
    ]
    owners = selectors.teams().in_bulk([one.team for one in moves if one.team is not None])
    found = [
        Moved(
            team=owners[one.team] if one.team is not None else None,
            framework=snapshot.framework,
            level_before=one.level_before,
            level_after=one.level_after,
            changes=one.changes,
        )
        for one in moves
    ]
    found.sort(key=lambda one: (not one.level_moved, -len(one.changes), one.team.slug if one.team else "~"))
    return found


@dataclass(frozen=True, slots=True)
class _Move:
    team: int | None
    level_before: int | None
    level_after: int | None
    changes: Sequence[Change]


@lru_cache(maxsize=REMEMBERED_MOVES)
def _moves(pk: int, digest: str, earlier: int, earlier_digest: str) -> tuple[_Move, ...]:
    """Snapshots never change, so what moved between two is remembered: it takes all results of the teams that moved."""
    was, now = (_statuses(one) for one in (Snapshot.objects.get(pk=earlier), Snapshot.objects.get(pk=pk)))
    moved = [team for team in now if team in was and was[team] != now[team]]
    cards = {one: {card.team_id: card for card in _of(one, moved)} for one in (earlier, pk)}
    found = []
    for team in moved:
        old, new = cards[earlier][team], cards[pk][team]
        steps = [one for one in changes.between(old.results, new.results) if one.before and one.after]
        found.append(_Move(team, _level(old), _level(new), steps))
    return tuple(found)


def _level(card: Scorecard) -> int | None:
    return card.published_level if card.published_level is not None else card.level


def _of(snapshot: int, teams: Sequence[int | None]) -> list[Scorecard]:
    rows = Scorecard.objects.filter(snapshot=snapshot, model=None).defer("rating")
    return [card for card in rows if card.team_id in teams] if None in teams else list(rows.filter(team__in=teams))


def _statuses(snapshot: Snapshot) -> dict[int | None, tuple[object, ...]]:
    levels: dict[int | None, int | None] = dict(
        snapshot.scorecards.filter(model=None).values_list("team_id", "published_level")
    )
    return {
        team: (levels.get(team), *((one["criterion"], one["status"]) for one in results))
        for team, results in aggregates.thin(snapshot).items()
    }


def transfers(snapshot: Snapshot) -> list[Transfer]:
    """Models that changed teams since the published snapshot before."""
    earlier = before(snapshot)
    if earlier is None:
        return []
    was = dict(earlier.scorecards.exclude(model=None).values_list("model", "team__slug"))
    now = snapshot.scorecards.exclude(model=None).values_list("model", "team__slug")
    return [
        Transfer(model=str(model), before=was[model] or "", after=team or "")
        for model, team in now
        if model in was and was[model] != team
    ]


def band(rubric: Rubric, score: float | None) -> str:
    """The words for a rubric's score; empty without one."""
    return "" if score is None else testscore.band(rubric, score)


def plan_of(snapshot: Snapshot) -> Plan | None:
    """The gating criteria as the snapshot had them; None for a rubric, or when the catalogue has changed since."""
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(snapshot.framework)
    if not isinstance(found, Ladder) or catalogue.digest(found) != snapshot.catalogue_digest:
        return None
    return scoring.plan(found)


def criteria_of(framework: Framework) -> dict[str, Criterion]:
    return {criterion.id: criterion for criterion in framework.criteria} if isinstance(framework, Ladder) else {}


def missing_facts(snapshots: Mapping[str, Snapshot | None], *, team: Team | None = None) -> list[MissingFact]:
    """Facts that unknown results lack, those first that alone would make most results known. Of one team, or of all."""
    words = {fact.fact: fact for fact in catalogue.vocabulary().facts}
    criteria: dict[str, set[str]] = {}
    teams: dict[str, set[int]] = {}
    waiting: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for snapshot in snapshots.values():
        for pk, results in (aggregates.thin(snapshot) if snapshot else {}).items():
            if team is not None and pk != team.pk:
                continue
            for result in results:
                if result["status"] != "unknown":
                    continue
                facts = result["missing"] or ()
                for fact in facts:
                    waiting[fact] += 1
                    alone[fact] += len(facts) == 1
                    criteria.setdefault(fact, set()).add(result["criterion"])
                    if pk is not None:
                        teams.setdefault(fact, set()).add(pk)
    found = [
        MissingFact(
            fact=fact,
            means=words[fact].means if fact in words else "",
            known_by=words[fact].known_by if fact in words else "",
            criteria=tuple(sorted(criteria[fact])),
            teams=tuple(sorted(teams.get(fact, ()))),
            results=count,
            decided_by_it=alone[fact],
        )
        for fact, count in waiting.items()
    ]
    found.sort(key=lambda one: (-one.decided_by_it, -one.results, one.fact))
    return found
