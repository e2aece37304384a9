"""From the results of all criteria to levels, scores and confidence. Pure.

Three numbers, because each says something else: the level is a promise that everything up to it holds; the ladder score
shows movement inside a level; the index shows work done above a gap. Only the level has a name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from assessments.framework import Criterion, Effort, Ladder
from assessments.judging import Proof, Result, Status

SOURCE_HEARD_WITHIN = timedelta(days=14)
# Of a level's gating criteria, at most one in so many may be exempted.
EXEMPTED_PART = 4
BEST_BELOW_NEXT = 0.99
HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.8, 0.5


class ConfidenceBand(StrEnum):
    """How far the evidence carries the rating. A rating of low confidence is provisional and never ranked."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether there is anything to rate: versions in production, and when a source was last heard."""

    production_versions: int
    heard_at: datetime | None

    def obstacles(self, at: datetime) -> tuple[str, ...]:
        """Why a rating would say nothing; empty when it may be made."""
        found = []
        if self.production_versions < 1:
            found.append("No model version has been in production for 24 hours.")
        if self.heard_at is None:
            found.append("No authenticated source has sent an event about its assets.")
        elif at - self.heard_at > SOURCE_HEARD_WITHIN:
            found.append(f"No authenticated source has sent an event since {self.heard_at:%Y-%m-%d}.")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRating:
    """One row rated on its own."""

    row: str
    level: int
    possible: int
    ladder_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBar:
    """What the gating criteria rest on, in numbers of criteria. Those that do not apply are left out."""

    machine: int = 0
    reviewed: int = 0
    unknown: int = 0
    exempted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A team (or model) rated by one framework. Not rated: no level and no number, and the obstacles say why.

    `waiting_on` are the unknown criteria between the level and the possible one.
    """

    framework: str
    version: str
    obstacles: tuple[str, ...] = ()
    level: int | None = None
    possible: int | None = None
    waiting_on: tuple[str, ...] = ()
    ladder_score: float | None = None
    index: float | None = None
    rows: tuple[RowRating, ...] = ()
    confidence: float = 0.0
    proofs: ProofBar = ProofBar()
    # The first level that too many exemptions keep from holding.
    capped_at: int | None = None

    @property
    def is_rated(self) -> bool:
        return self.level is not None

    @property
    def band(self) -> ConfidenceBand:
        if self.confidence >= HIGH_CONFIDENCE:
            return ConfidenceBand.HIGH
        return ConfidenceBand.MEDIUM if self.confidence >= MEDIUM_CONFIDENCE else ConfidenceBand.LOW

    @property
    def is_provisional(self) -> bool:
        return self.is_rated and self.band is ConfidenceBand.LOW

    def __str__(self) -> str:
        """The level pair: "Level 1, up to 2 if 3 unknowns resolve", with an asterisk when something is exempted."""
        if self.level is None:
            return "Not rated"
        asterisk = f"* ({self.proofs.exempted} exempted)" if self.proofs.exempted else ""
        if self.possible == self.level:
            return f"Level {self.level}{asterisk}"
        unknowns = f"{len(self.waiting_on)} unknown{'s' if len(self.waiting_on) > 1 else ''}"
        resolve = "resolve" if len(self.waiting_on) > 1 else "resolves"
        return f"Level {self.level}{asterisk}, up to {self.possible} if {unknowns} {resolve}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The gating criteria of a framework by level, looked up once for any number of ratings."""

    framework: str
    version: str
    top: int
    gating: tuple[Criterion, ...]
    by_level: tuple[tuple[Criterion, ...], ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A step that would raise the ladder score, and by how much for its effort."""

    criterion: str
    gain: float
    effort: Effort
    needs_a_source: bool
    missing: tuple[str, ...]
    says: str

    @property
    def gain_by_effort(self) -> float:
        return self.gain / self.effort.weight


def plan(ladder: Ladder) -> Plan:
    gating = tuple(criterion for criterion in ladder.criteria if criterion.gating)
    return Plan(
        framework=ladder.framework,
        version=ladder.version,
        top=ladder.top,
        gating=gating,
        by_level=tuple(
            tuple(criterion for criterion in gating if criterion.level == level) for level in range(ladder.top + 1)
        ),
        rows=tuple(row.row for row in ladder.rows),
    )


def rate(plan: Plan, results: Mapping[str, Result], standing: Standing, *, at: datetime) -> Rating:
    """The rating at an instant. `results` has one for every gating criterion; others are not looked at."""
    if obstacles := standing.obstacles(at):
        return Rating(
            framework=plan.framework, version=plan.version, obstacles=obstacles, proofs=_proofs(plan.gating, results)
        )
    capped_at = _capped_at(plan, results)
    level = _level(plan.by_level, results, capped_at, possible=False)
    possible = _level(plan.by_level, results, capped_at, possible=True)
    return Rating(
        framework=plan.framework,
        version=plan.version,
        level=level,
        possible=possible,
        waiting_on=tuple(
            criterion.id
            for criterion in plan.gating
            if criterion.level <= possible and not results[criterion.id].status.holds
        ),
        ladder_score=_ladder_score(plan.by_level, results, level),
        index=100 * _mean_credit(plan.gating, results),
        rows=tuple(_row(plan, row, results, capped_at) for row in plan.rows),
        confidence=_confidence(plan, results, possible),
        proofs=_proofs(plan.gating, results),
        capped_at=capped_at,
    )


def what_if(
    plan: Plan, results: Mapping[str, Result], standing: Standing, passing: Collection[str], *, at: datetime
) -> Rating:
    """The rating if these criteria passed."""
    return rate(plan, with_passed(results, passing), standing, at=at)


def percent_to_target(plan: Plan, results: Mapping[str, Result], target: int) -> float:
    """How much of what the target level asks is done; 100 only when the level is reached."""
    asked = [criterion for criterion in plan.gating if criterion.level <= target]
    if _level(plan.by_level, results, _capped_at(plan, results), possible=False) >= target:
        return 100.0
    return min(99.0, 100 * _mean_credit(asked, results))


def next_actions(plan: Plan, results: Mapping[str, Result], *, limit: int | None = 5) -> list[Action]:
    """The steps that raise the ladder score most for their effort; those that only need an event source come first.

    Only criteria of the next level can raise it, as long as one of them does not hold.
    """
    capped_at = _capped_at(plan, results)
    level = _level(plan.by_level, results, capped_at, possible=False)
    if level == plan.top:
        return []
    before = _ladder_score(plan.by_level, results, level)
    actions = []
    for criterion in plan.by_level[level + 1]:
        result = results[criterion.id]
        if result.status.holds:
            continue
        changed = with_passed(results, [criterion.id])
        reached = _level(plan.by_level, changed, capped_at, possible=False)
        gain = _ladder_score(plan.by_level, changed, reached) - before
        if gain > 0:
            actions.append(
                Action(
                    criterion=criterion.id,
                    gain=gain,
                    effort=criterion.effort,
                    needs_a_source=result.needs_a_source,
                    missing=result.missing,
                    says=criterion.next_action,
                )
            )
    actions.sort(key=lambda action: (not action.needs_a_source, -action.gain_by_effort, action.criterion))
    return actions[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedAction:
    """A step that several teams could take."""

    criterion: str
    teams: tuple[str, ...]
    gain: float
    effort: Effort


def shared_actions(by_team: Mapping[str, Sequence[Action]], *, limit: int = 5) -> list[SharedAction]:
    """The steps that help an organisation most: gain over all teams by effort. Give each team's actions unlimited."""
    shared: dict[str, list[tuple[str, Action]]] = {}
    for team in sorted(by_team):
        for action in by_team[team]:
            shared.setdefault(action.criterion, []).append((team, action))
    found = [
        SharedAction(
            criterion=criterion,
            teams=tuple(team for team, _ in helped),
            gain=sum(action.gain for _, action in helped),
            effort=helped[0][1].effort,
        )
        for criterion, helped in shared.items()
    ]
    found.sort(key=lambda action: (-action.gain / action.effort.weight, action.criterion))
    return found[:limit]


def _level(
    by_level: Sequence[Iterable[Criterion]], results: Mapping[str, Result], capped_at: int | None, *, possible: bool
) -> int:
    """The highest level up to which every gating criterion holds (or, for the possible one, may hold)."""
    end = len(by_level) if capped_at is None else capped_at
    for level in range(1, end):
        for criterion in by_level[level]:
            status = results[criterion.id].status
            if not (status.may_hold if possible else status.holds):
                return level - 1
    return end - 1


def _capped_at(plan: Plan, results: Mapping[str, Result]) -> int | None:
    for level in range(1, plan.top + 1):
        criteria = plan.by_level[level]
        exempted = sum(results[criterion.id].is_exempted for criterion in criteria)
        if exempted * EXEMPTED_PART > len(criteria):
            return level
    return None


def _ladder_score(by_level: Sequence[Iterable[Criterion]], results: Mapping[str, Result], level: int) -> float:
    if level == len(by_level) - 1:
        return float(level)
    return level + min(BEST_BELOW_NEXT, _mean_credit(by_level[level + 1], results))


def _mean_credit(criteria: Iterable[Criterion], results: Mapping[str, Result]) -> float:
    """Over those that apply; 0 when none does, since nothing was shown."""
    credits = [
        results[criterion.id].credit
        for criterion in criteria
        if results[criterion.id].status is not Status.NOT_APPLICABLE
    ]
    return sum(credits) / len(credits) if credits else 0.0


def _row(plan: Plan, row: str, results: Mapping[str, Result], capped_at: int | None) -> RowRating:
    by_level = [[criterion for criterion in criteria if criterion.row == row] for criteria in plan.by_level]
    level = _level(by_level, results, capped_at, possible=False)
    return RowRating(
        row=row,
        level=level,
        possible=_level(by_level, results, capped_at, possible=True),
        ladder_score=_ladder_score(by_level, results, level),
    )


def _confidence(plan: Plan, results: Mapping[str, Result], possible: int) -> float:
    """Over the gating criteria that matter for the possible level and the next one."""
    looked_at = [
        results[criterion.id].confidence.product
        for criterion in plan.gating
        if criterion.level <= possible + 1 and results[criterion.id].status is not Status.NOT_APPLICABLE
    ]
    return sum(looked_at) / len(looked_at) if looked_at else 0.0


def _proofs(criteria: Iterable[Criterion], results: Mapping[str, Result]) -> ProofBar:
    machine = reviewed = unknown = exempted = 0
    for criterion in criteria:
        result = results[criterion.id]
        if result.is_exempted:
            exempted += 1
        elif result.status is Status.NOT_APPLICABLE:
            continue
        elif result.proof is Proof.ANSWER:
            reviewed += 1
        elif result.proof is Proof.NONE:
            unknown += 1
        else:
            machine += 1
    return ProofBar(machine=machine, reviewed=reviewed, unknown=unknown, exempted=exempted)


def with_passed(results: Mapping[str, Result], passing: Collection[str]) -> dict[str, Result]:
    """The results as if these criteria passed."""
    changed = dict(results)
    for criterion in passing:
        if criterion not in changed:
            raise KeyError(criterion)
        changed[criterion] = replace(changed[criterion], status=Status.PASS, credit=1.0, is_exempted=False)
    return changed
