"""Rating every team and every model at one time: measures, answers and exemptions in, results and ratings out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from assessments import judging, rules, scoring, testscore
from assessments.framework import Criterion, Extent, Framework, Ladder, Rubric
from assessments.items import State, Tally
from assessments.judging import Evidence, GivenAnswer, Result
from assessments.measures import counting, populations
from assessments.measures.counting import Counted, Points, Scope
from assessments.models import Answer, Exemption
from assessments.scoring import Rating, Standing
from assessments.testscore import PointEvidence, Report, TeamScore, TestPoints, TestScore

NOBODY = Standing(production_versions=0, heard_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderCard:
    """A team or model by a framework of levels."""

    rating: Rating
    results: Mapping[str, Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model by a rubric of tests."""

    score: TestScore
    points: Mapping[str, TestPoints]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCard:
    """A team by a rubric of tests: its models' scores taken together. Obstacles: why there are none."""

    score: TeamScore
    obstacles: tuple[str, ...]


Card = LadderCard | ModelCard | TeamCard


@dataclass(frozen=True, kw_only=True)
class Said:
    """What people said that counts at a time, by scope and criterion. A word for a team holds for its models."""

    answers: Mapping[tuple[Scope, str, str], Answer]
    exemptions: Mapping[tuple[Scope, str, str], Exemption]

    def of(self, scope: Scope, framework: str) -> "SaidOfScope":
        """What counts for the scope's criteria: a word for the model itself before one for its team."""
        scopes = [Scope(scope.team)] if scope.model is None else [Scope(scope.team), scope]
        return SaidOfScope(
            answers={name: one for place in scopes for name, one in self._answered.get((place, framework), ())},
            exemptions={name: one for place in scopes for name, one in self._exempted.get((place, framework), ())},
        )

    @cached_property
    def _answered(self) -> dict[tuple[Scope, str], list[tuple[str, Answer]]]:
        found: dict[tuple[Scope, str], list[tuple[str, Answer]]] = {}
        for (scope, framework, name), answer in self.answers.items():
            found.setdefault((scope, framework), []).append((name, answer))
        return found

    @cached_property
    def _exempted(self) -> dict[tuple[Scope, str], list[tuple[str, Exemption]]]:
        found: dict[tuple[Scope, str], list[tuple[str, Exemption]]] = {}
        for (scope, framework, name), exemption in self.exemptions.items():
            found.setdefault((scope, framework), []).append((name, exemption))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidOfScope:
    """The answers and exemptions of one scope by one framework, by criterion."""

    answers: Mapping[str, Answer]
    exemptions: Mapping[str, Exemption]


def said(as_of: datetime) -> Said:
    """The newest answer of each scope to each criterion, and the exemptions in force. Two queries and a half."""
    answers = (
        Answer.objects.filter(answered_at__lte=as_of)
        .order_by("team_id", "model", "framework", "criterion", "-id")
        .distinct("team_id", "model", "framework", "criterion")
        .select_related("lapse")
        .prefetch_related("reviews")
    )
    exemptions = Exemption.objects.filter(granted_at__lte=as_of, ends_at__gt=as_of).order_by("ends_at", "id")
    return Said(
        answers={(Scope(one.team_id, one.model), one.framework, one.criterion): one for one in answers},
        exemptions={(Scope(one.team_id, one.model), one.framework, one.criterion): one for one in exemptions},
    )


def cards(framework: Framework, counted: Counted, told: Said) -> dict[Scope, Card]:
    """The cards of every team, of what nobody owns, and of every model in production."""
    if isinstance(framework, Ladder):
        return dict(_ladder(framework, counted, told))
    return dict(_rubric(framework, counted, told))


def given(answer: Answer, at: datetime) -> GivenAnswer:
    """An answer as it stood at that time. One that its first review rejected is as good as none, and says so."""
    reviews = [review for review in answer.reviews.all() if review.reviewed_at <= at]
    first = next((review for review in reviews if not review.is_recheck), None)
    lapse = getattr(answer, "lapse", None)
    because = ""
    if lapse is not None and lapse.lapsed_at <= at:
        because = lapse.because
    elif first is not None and first.decision == "reject":
        because = f"The review rejected the answer: {first.reason}"
    return GivenAnswer(
        extent=Extent(answer.extent),
        is_reviewed=first is not None and first.decision == "accept",
        expires_at=answer.expires_at,
        lapsed_because=because,
        id=answer.pk,
    )


def _ladder(ladder: Ladder, counted: Counted, told: Said) -> Iterable[tuple[Scope, LadderCard]]:
    plan = scoring.plan(ladder)
    by_model = _by_model(counted)
    demanded = rules.in_force(counted) if any(one.rule_in_force_allowed for one in ladder.criteria) else {}
    ageing = {criterion.id: counting.ageing(criterion) for criterion in ladder.criteria}
    distinct = set(ageing.values())
    for scope, standing in counted.standings.items():
        said, ages = told.of(scope, ladder.framework), counted.ages(scope)
        aged = {kinds: tuple(ages[kind] for kind in kinds if kind in ages) for kinds in distinct}
        evidence = {}
        for criterion in ladder.criteria:
            name = criterion.id
            answer, exemption = said.answers.get(name), said.exemptions.get(name)
            evidence[name] = Evidence(
                tally=_tally(criterion, scope, counted, by_model),
                applies=_applies(criterion, scope, counted),
                ages=aged[ageing[name]],
                rule=demanded.get((scope, name)) if demanded else None,
                answer=given(answer, counted.as_of) if answer is not None else None,
                exemption=_exemption(exemption),
            )
        results = judging.judge_all(ladder, evidence, at=counted.as_of)
        rating = scoring.rate(plan, results, standing, at=counted.as_of)
        yield scope, LadderCard(rating=rating, results=results)


def _by_model(counted: Counted) -> dict[str, dict[UUID, Tally]]:
    """A model's own items, whoever owned it for most of a measure's window."""
    return {
        name: {scope.model: tally for scope, tally in tallies.items() if scope.model is not None}
        for name, tallies in counted.tallies.items()
    }


def _tally(
    criterion: Criterion, scope: Scope, counted: Counted, by_model: Mapping[str, Mapping[UUID, Tally]]
) -> Tally | None:
    """The items of the scope; none at all when nobody measures the criterion."""
    if criterion.id not in counted.tallies:
        return None
    own = (
        by_model[criterion.id].get(scope.model) if scope.model is not None else counted.tallies[criterion.id].get(scope)
    )
    return own or counting.nothing(criterion)


def _exemption(found: Exemption | None) -> judging.Exemption | None:
    return judging.Exemption(ends_at=found.ends_at, id=found.pk) if found is not None else None


def _applies(criterion: Criterion, scope: Scope, counted: Counted) -> State:
    """Whether the population a criterion asks for exists. Not to see it proves nothing unless every kind is told."""
    condition = criterion.applies_when
    if condition is None or condition.exists is None:
        return State.TRUE
    if scope in counted.present.get(condition.exists, frozenset()):
        return State.TRUE
    is_kind = condition.exists in populations.KINDS_OF_ENDPOINTS
    return State.FALSE if is_kind and scope in counted.kinds_known else State.UNKNOWN


def _rubric(rubric: Rubric, counted: Counted, told: Said) -> Iterable[tuple[Scope, ModelCard | TeamCard]]:
    by_team: dict[int | None, dict[str, TestScore]] = {}
    for scope in counted.standings:
        if scope.model is None:
            by_team.setdefault(scope.team, {})
            continue
        said = told.of(scope, rubric.framework)
        points = {
            test.id: testscore.points(
                test, _point_evidence(test.id, test.facts, scope, counted, said), at=counted.as_of
            )
            for test in rubric.tests
        }
        card = ModelCard(score=testscore.score(rubric, points), points=points)
        by_team.setdefault(scope.team, {})[str(scope.model)] = card.score
        yield scope, card
    for team, scores in by_team.items():
        standing = counted.standings.get(Scope(team), NOBODY)
        yield Scope(team), TeamCard(score=testscore.team(scores), obstacles=standing.obstacles(counted.as_of))


def _point_evidence(
    test: str, facts: tuple[str, ...], scope: Scope, counted: Counted, said: SaidOfScope
) -> PointEvidence:
    known = Points(full=State.UNKNOWN, half=State.UNKNOWN, missing=facts)
    if scope.model is not None and test in counted.points:
        known = counted.points[test].get(scope.model, known)
    answer = said.answers.get(test)
    report = None
    if answer is not None:
        found = given(answer, counted.as_of)
        report = Report(
            # A report says that the test was made for the model, whole.
            is_reviewed=found.is_reviewed and judging.accepts(found.extent, judging.FALLBACK_ACCEPTS),
            expires_at=found.expires_at,
            lapsed_because=found.lapsed_because,
            id=found.id,
        )
    return PointEvidence(
        full=known.full,
        half=known.half,
        report=report,
        exemption=_exemption(said.exemptions.get(test)),
        missing=known.missing,
    )
