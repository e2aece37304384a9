"""From evidence to the result of one criterion: its status, credit and how far the evidence carries. Pure.

Whatever is unknown counts as bad in the low end of a number and as good in its high end. So missing data can never
help, and never looks like a failure either.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from assessments.framework import Attestation, Criterion, Extent, Ladder, Measure, Statistic, Threshold
from assessments.items import State, Tally

DRILL_HOLDS = timedelta(days=365)
FRESH_DAYS = 7.0
STALE_DAYS = 45.0
CADENCE_GRACE = 1.5
FULL_VOLUME = 5
REVIEWED_STRENGTH = 0.7
UNREVIEWED_STRENGTH = 0.4
# An answer in place of a measure speaks for every item, so nothing less is taken.
FALLBACK_ACCEPTS = Extent.MOST_OR_ALL
EXTENTS = list(Extent)


class Status(StrEnum):
    """Where a criterion stands. Only pass and not applicable let a level hold."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    NOT_APPLICABLE = "not_applicable"

    @property
    def holds(self) -> bool:
        return self in {Status.PASS, Status.NOT_APPLICABLE}

    @property
    def may_hold(self) -> bool:
        """With everything unknown read as good."""
        return self is not Status.FAIL


class Proof(StrEnum):
    """What a status rests on."""

    MACHINE = "machine"
    RULE = "rule_in_force"
    ANSWER = "reviewed_answer"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old the newest event of one fact is, and how often it is declared to come."""

    fact: str
    days: float
    cadence_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """The rule is blocking in the policy of every production model, and a drill last showed that it blocks."""

    drilled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """What people said. Without a review it is shown and does not count; once lapsed it never counts again."""

    extent: Extent
    is_reviewed: bool
    expires_at: datetime
    lapsed_because: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Someone outside the team took the criterion out for a time. It never counts as a pass."""

    ends_at: datetime
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known about one criterion of one team or model. No tally: nobody measured it."""

    tally: Tally | None = None
    applies: State = State.TRUE
    ages: tuple[Age, ...] = ()
    rule: RuleInForce | None = None
    answer: GivenAnswer | None = None
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How well the evidence covers the claim, as the product of its parts."""

    coverage: float = 0.0
    freshness: float = 0.0
    volume: float = 0.0
    strength: float = 0.0

    @property
    def product(self) -> float:
        return self.coverage * self.freshness * self.volume * self.strength


NO_EVIDENCE = Evidence()
NO_CONFIDENCE = Confidence()
NO_TALLY = Tally()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One criterion judged. `low` and `high` are the ends between which the statistic lies; None is without bound.

    `reason` is empty where the numbers say it all. `needed` is how many items must count (or, for "at most", may),
    where that can be said. It `needs_a_source` when nothing known speaks against it, so that connecting what reports
    the missing facts may be all there is to do.
    """

    criterion: str
    status: Status
    credit: float
    proof: Proof = Proof.NONE
    reason: str = ""
    low: float | None = None
    high: float | None = None
    needed: int | None = None
    tally: Tally = NO_TALLY
    confidence: Confidence = NO_CONFIDENCE
    missing: tuple[str, ...] = ()
    needs_a_source: bool = False
    is_exempted: bool = False
    answer: int | None = None
    exemption: int | None = None


def judge(criterion: Criterion, evidence: Evidence, *, at: datetime) -> Result:
    """The result of one criterion at an instant."""
    if evidence.exemption is not None and at < evidence.exemption.ends_at:
        return Result(
            criterion=criterion.id,
            status=Status.NOT_APPLICABLE,
            credit=0.0,
            reason=f"Exempted until {evidence.exemption.ends_at:%Y-%m-%d}.",
            tally=evidence.tally or NO_TALLY,
            is_exempted=True,
            exemption=evidence.exemption.id,
        )
    if evidence.applies is State.FALSE or evidence.applies is State.NOT_APPLICABLE:
        return Result(
            criterion=criterion.id, status=Status.NOT_APPLICABLE, credit=0.0, reason="Does not apply to this team."
        )
    if criterion.attestation is not None:
        return _answered(criterion, criterion.attestation, evidence.answer, at)
    if criterion.measure is None or criterion.threshold is None:
        raise ValueError(f"{criterion.id} has neither a question nor a measure, which the catalogue refuses.")
    result = _measured(criterion, criterion.measure, criterion.threshold, evidence, at)
    if evidence.applies is State.UNKNOWN and result.status is Status.FAIL:
        # It fails if it applies, and it may not apply: only a pass is certain.
        return replace(result, status=Status.UNKNOWN, proof=Proof.NONE, reason="Whether it applies is unknown.")
    return result


def judge_all(ladder: Ladder, evidence: Mapping[str, Evidence], *, at: datetime) -> dict[str, Result]:
    """A result for every criterion of the framework. A criterion without evidence is unknown."""
    results = {}
    for criterion in ladder.criteria:
        known = evidence.get(criterion.id, NO_EVIDENCE)
        condition = criterion.applies_when
        if condition is not None and condition.known is not None:
            other = evidence.get(condition.known, NO_EVIDENCE).tally or NO_TALLY
            known = replace(known, applies=State.TRUE if other.known else State.UNKNOWN)
        results[criterion.id] = judge(criterion, known, at=at)
    return results


def _answered(criterion: Criterion, asked: Attestation, given: GivenAnswer | None, at: datetime) -> Result:
    if given is None:
        return Result(criterion=criterion.id, status=Status.UNKNOWN, credit=0.0, reason="Nobody has answered.")
    strength = REVIEWED_STRENGTH if given.is_reviewed else UNREVIEWED_STRENGTH
    confidence = Confidence(coverage=1.0, freshness=1.0, volume=1.0, strength=strength)
    status, credit, proof = Status.UNKNOWN, 0.0, Proof.NONE
    if given.lapsed_because:
        reason, confidence = given.lapsed_because, NO_CONFIDENCE
    elif at >= given.expires_at:
        status, confidence = Status.EXPIRED, NO_CONFIDENCE
        reason = f"The answer expired on {given.expires_at:%Y-%m-%d}."
    elif not given.is_reviewed:
        reason = "The answer waits for its review by another person."
    else:
        is_enough = accepts(given.extent, asked.accept_from)
        status = Status.PASS if is_enough else Status.FAIL
        credit, proof = given.extent.credit, Proof.ANSWER
        reason = f"Answered: {given.extent.replace('_', ' ')}."
    return Result(
        criterion=criterion.id,
        status=status,
        credit=credit,
        proof=proof,
        reason=reason,
        confidence=confidence,
        answer=given.id,
    )


def accepts(answer: Extent, least: Extent) -> bool:
    return EXTENTS.index(answer) >= EXTENTS.index(least)


def _measured(criterion: Criterion, measure: Measure, threshold: Threshold, evidence: Evidence, at: datetime) -> Result:
    tally = evidence.tally or NO_TALLY
    if tally.items == 0:
        return _without_items(criterion, evidence, at)
    ends = _ends(measure.statistic, threshold, tally)
    status = Status.PASS if ends.passes else Status.FAIL if ends.fails else Status.UNKNOWN
    bad = tally.false if threshold.is_at_least else tally.true
    result = Result(
        criterion=criterion.id,
        status=status,
        # Where nothing is known nothing was shown, whatever the arithmetic of "at most" says.
        credit=ends.credit if tally.known else 0.0,
        proof=Proof.NONE if status is Status.UNKNOWN else Proof.MACHINE,
        reason="",
        low=ends.low if math.isfinite(ends.low) else None,
        high=ends.high if math.isfinite(ends.high) else None,
        needed=ends.needed,
        tally=tally,
        confidence=Confidence(
            coverage=tally.known / tally.items,
            freshness=freshness(evidence.ages),
            volume=1.0 if measure.window_days == "as_of" else min(1.0, tally.items / FULL_VOLUME),
            strength=tally.strength,
        ),
        missing=tally.missing,
        needs_a_source=status is Status.UNKNOWN and bool(tally.missing) and bad == 0,
    )
    answer = _fallback(criterion, evidence.answer, at)
    if status is Status.UNKNOWN and answer is not None and bad == 0 and measure.statistic is not Statistic.MEDIAN:
        # A known bad item contradicts the answer, which then lapses for good (see answers).
        return replace(
            result,
            status=Status.PASS,
            credit=1.0,
            proof=Proof.ANSWER,
            reason="A reviewed answer stands in for facts that no source reports.",
            confidence=Confidence(coverage=1.0, freshness=1.0, volume=1.0, strength=REVIEWED_STRENGTH),
            answer=answer.id,
            needs_a_source=False,
        )
    return result


def _without_items(criterion: Criterion, evidence: Evidence, at: datetime) -> Result:
    """Nothing happened that could be counted. A rule in force that a drill has proved holds all the same."""
    missing = evidence.tally.missing if evidence.tally else criterion.measure.facts if criterion.measure else ()
    rule = evidence.rule
    if criterion.rule_in_force_allowed and rule is not None:
        if rule.drilled_at is not None and at - DRILL_HOLDS < rule.drilled_at <= at:
            return Result(
                criterion=criterion.id,
                status=Status.PASS,
                credit=1.0,
                proof=Proof.RULE,
                reason=f"Nothing to count; the rule is in force and was proved on {rule.drilled_at:%Y-%m-%d}.",
                confidence=Confidence(coverage=1.0, freshness=1.0, volume=1.0, strength=REVIEWED_STRENGTH),
            )
        reason = "Nothing to count; the rule is in force but no drill within a year proved that it blocks."
    else:
        reason = "Nothing to count." if evidence.tally is not None else "Nobody measures this yet."
    return Result(
        criterion=criterion.id,
        status=Status.UNKNOWN,
        credit=0.0,
        reason=reason,
        missing=missing,
        needs_a_source=bool(missing),
    )


def _fallback(criterion: Criterion, given: GivenAnswer | None, at: datetime) -> GivenAnswer | None:
    """The answer that may stand in for facts nobody reports, if it is good for that."""
    if not criterion.attested_fallback or given is None or not given.is_reviewed or given.lapsed_because:
        return None
    return given if at < given.expires_at and accepts(given.extent, FALLBACK_ACCEPTS) else None


@dataclass(frozen=True, slots=True)
class _Ends:
    low: float
    high: float
    passes: bool
    fails: bool
    credit: float
    needed: int | None


def _ends(statistic: Statistic, threshold: Threshold, tally: Tally) -> _Ends:
    match statistic:
        case Statistic.SHARE:
            return _counted(threshold, tally, of=tally.items)
        case Statistic.COUNT:
            return _counted(threshold, tally, of=1)
        case Statistic.MEDIAN:
            return _median(threshold, tally)


def _counted(threshold: Threshold, tally: Tally, *, of: int) -> _Ends:
    """A share (of the items) or a count (of one). Compared in whole items, so that no rounding decides."""
    numerator, denominator = _ratio(threshold.value)
    sure, possible = tally.true, tally.true + tally.unknown
    low, high = sure / of, possible / of
    if threshold.is_at_least:
        needed = -(-numerator * of // denominator)
        proven = (sure - tally.unproven / 2) / of
        credit = min(1.0, proven / threshold.value) if threshold.value else 1.0
        return _Ends(low, high, sure >= needed, possible < needed, credit, needed)
    allowed = numerator * of // denominator
    return _Ends(low, high, possible <= allowed, sure > allowed, _credit_at_most(high, threshold.value), allowed)


def _median(threshold: Threshold, tally: Tally) -> _Ends:
    """Of an even number the worse of the middle two counts, so that one more bad value can never help."""
    known = sorted(tally.values)
    # A known item without a value tells nothing about the median.
    unknown = tally.items - len(known)
    middle = tally.items // 2 if not threshold.is_at_least else (tally.items - 1) // 2
    low, high = _at(known, middle - unknown, -math.inf), _at(known, middle, math.inf)
    if threshold.is_at_least:
        credit = max(0.0, min(1.0, low / threshold.value)) if threshold.value else 1.0
        return _Ends(low, high, low >= threshold.value, high < threshold.value, credit, None)
    return _Ends(
        low, high, high <= threshold.value, low > threshold.value, _credit_at_most(high, threshold.value), None
    )


def _at(values: Sequence[float], index: int, outside: float) -> float:
    return values[index] if 0 <= index < len(values) else outside


def _credit_at_most(worst: float, allowed: float) -> float:
    if worst <= 0:
        return 1.0
    return min(1.0, allowed / worst)


@lru_cache(maxsize=1_000)
def _ratio(value: float) -> tuple[int, int]:
    """The threshold as its author wrote it: 0.9 is nine tenths, not the double nearest to it."""
    return Decimal(repr(value)).as_integer_ratio()


def freshness(ages: Sequence[Age]) -> float:
    """1 while the oldest of the newest events is at most 7 days old (or within its cadence), then falling to 0."""
    return min((_fresh(age) for age in ages), default=1.0)


def _fresh(age: Age) -> float:
    grace = max(FRESH_DAYS, CADENCE_GRACE * (age.cadence_days or 0.0))
    return max(0.0, min(1.0, 1.0 - (age.days - grace) / (STALE_DAYS - FRESH_DAYS)))
