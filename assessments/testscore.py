"""The score of one model by a rubric of tests: points, sections, the lowest section. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from assessments.framework import Rubric, ScoredTest
from assessments.items import State
from assessments.judging import Exemption

FULL, HALF, NONE = 1.0, 0.5, 0.0
RESULTS_HOLD = timedelta(days=180)
NEWEST_RESULT_HOLDS = timedelta(days=90)
REPEATED = 2
STARTED_BY_MACHINE = frozenset({"ci", "schedule", "event"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One result of a test of a model, with the version (or its commit) that it was of: the current one or the last."""

    at: datetime
    is_automated: bool
    started_by: str
    on_current: bool
    on_predecessor: bool
    passed_or_blocked: bool
    was_read_by_another: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A reviewed attestation with a report: it earns half a point until it expires."""

    is_reviewed: bool
    expires_at: datetime
    lapsed_because: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEvidence:
    """What is known of one test of one model: whether the full and the half point are earned, as facts tell."""

    full: State = State.UNKNOWN
    half: State = State.UNKNOWN
    report: Report | None = None
    exemption: Exemption | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPoints:
    """The points of one test, and those it may have. Not applicable: an exemption took it out of the sum."""

    test: str
    section: str
    points: float
    possible: float
    is_applicable: bool = True
    missing: tuple[str, ...] = ()
    report: int | None = None
    exemption: int | None = None

    @property
    def is_unknown(self) -> bool:
        return self.is_applicable and self.possible > self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionScore:
    """A section's points of all its tests. Without a score: too few of its tests apply."""

    section: str
    score: float | None
    possible: float | None
    applicable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScore:
    """A model's score is that of its lowest section; unknown tests count as nothing, and as full in `possible`."""

    score: float | None
    possible: float | None
    band: str
    sections: tuple[SectionScore, ...]
    deciding: tuple[str, ...]
    unknown_tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamScore:
    """Over a team's production models: the middle and the lowest score, and which section decides how often."""

    median: float | None
    lowest: float | None
    lowest_models: tuple[str, ...]
    decided_by: Mapping[str, float]
    models: int
    without_score: int


class Earned(StrEnum):
    """Which point facts about tests show."""

    FULL = "full"
    HALF = "half"


def earned(results: Sequence[TestResult] | None, *, at: datetime) -> dict[Earned, State]:
    """What results of a test's category are worth by the rule that holds unless a test has its own.

    None means that no source reports results at all, which is not the same as an empty list.
    """
    if results is None:
        return {Earned.FULL: State.UNKNOWN, Earned.HALF: State.UNKNOWN}
    recent = [result for result in results if at - RESULTS_HOLD < result.at <= at]
    repeated = sorted(
        (result for result in recent if result.is_automated and result.started_by in STARTED_BY_MACHINE),
        key=lambda result: result.at,
    )
    is_full = (
        len(repeated) >= REPEATED
        and at - repeated[-1].at < NEWEST_RESULT_HOLDS
        and repeated[-1].on_current
        and repeated[-1].passed_or_blocked
    )
    is_half = any(
        (result.on_current or result.on_predecessor) and (result.is_automated or result.was_read_by_another)
        for result in recent
    )
    return {
        Earned.FULL: State.TRUE if is_full else State.FALSE,
        Earned.HALF: State.TRUE if is_half else State.FALSE,
    }


def points(test: ScoredTest, evidence: PointEvidence, *, at: datetime) -> TestPoints:
    """The points of one test at an instant. A report alone earns at most half a point."""
    if evidence.exemption is not None and at < evidence.exemption.ends_at:
        return TestPoints(
            test=test.id,
            section=test.section,
            points=NONE,
            possible=NONE,
            is_applicable=False,
            exemption=evidence.exemption.id,
        )
    report = evidence.report
    is_reported = report is not None and report.is_reviewed and not report.lapsed_because and at < report.expires_at
    if evidence.full is State.TRUE:
        sure = FULL
    elif evidence.half is State.TRUE or is_reported:
        sure = HALF
    else:
        sure = NONE
    return TestPoints(
        test=test.id,
        section=test.section,
        points=sure,
        possible=max(
            sure, FULL if evidence.full is State.UNKNOWN else HALF if evidence.half is State.UNKNOWN else NONE
        ),
        missing=evidence.missing,
        report=report.id if report is not None and is_reported else None,
    )


def score(rubric: Rubric, tests: Mapping[str, TestPoints]) -> TestScore:
    """The score of one model. `tests` has the points of every test of the rubric."""
    sections = tuple(_section(rubric, section.section, tests) for section in rubric.sections)
    known = [section.score for section in sections if section.score is not None]
    possible = [section.possible for section in sections if section.possible is not None]
    is_whole = len(known) == len(sections)
    lowest = min(known) if is_whole else None
    return TestScore(
        score=lowest,
        possible=min(possible) if is_whole else None,
        band=band(rubric, lowest) if lowest is not None else "",
        sections=sections,
        deciding=tuple(section.section for section in sections if is_whole and section.score == lowest),
        unknown_tests=sum(test.is_unknown for test in tests.values()),
    )


def _section(rubric: Rubric, section: str, tests: Mapping[str, TestPoints]) -> SectionScore:
    """Points over the tests that apply, as if all did; with fewer than the rubric's minimum nothing is said."""
    listed = [tests[test.id] for test in rubric.tests if test.section == section]
    applicable = [test for test in listed if test.is_applicable]
    if len(applicable) < min(rubric.minimum_applicable, len(listed)):
        return SectionScore(section=section, score=None, possible=None, applicable=len(applicable))
    scale = len(listed) / len(applicable)
    return SectionScore(
        section=section,
        score=sum(test.points for test in applicable) * scale,
        possible=sum(test.possible for test in applicable) * scale,
        applicable=len(applicable),
    )


def band(rubric: Rubric, score: float) -> str:
    """The words for a score; above the last band its words hold."""
    return next((band.label for band in rubric.bands if score <= band.up_to), rubric.bands[-1].label)


def team(scores: Mapping[str, TestScore]) -> TeamScore:
    """The headline over a team's production models."""
    known = {model: scored.score for model, scored in scores.items() if scored.score is not None}
    lowest = min(known.values(), default=None)
    deciding: dict[str, float] = {}
    for model in known:
        for section in scores[model].deciding:
            deciding[section] = deciding.get(section, 0.0) + 1 / len(known)
    return TeamScore(
        median=median(known.values()) if known else None,
        lowest=lowest,
        lowest_models=tuple(sorted(model for model, value in known.items() if value == lowest)),
        decided_by=deciding,
        models=len(scores),
        without_score=len(scores) - len(known),
    )


def next_tests(rubric: Rubric, tests: Mapping[str, TestPoints], *, limit: int = 5) -> list[tuple[ScoredTest, float]]:
    """The tests of the lowest section with the points still to be had, best by effort first.

    Nothing outside the lowest section can raise the score.
    """
    deciding = score(rubric, tests).deciding
    open_tests = [
        (test, FULL - tests[test.id].points)
        for test in rubric.tests
        if test.section in deciding and tests[test.id].is_applicable and tests[test.id].points < FULL
    ]
    open_tests.sort(key=lambda found: (-found[1] / found[0].effort.weight, found[0].id))
    return open_tests[:limit]
