"""A condition of one's own holds."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from policies.checks import conditions
from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.conditions import MAX_CHARS, Trouble
from policies.checks.facts import MeasurementFact


class ConditionParameters(Parameters, frozen=True, kw_only=True):
    """`condition` in the Common Expression Language, and in `says` what it means, for those who read the finding."""

    condition: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHARS)]
    says: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Condition(Check):
    """A condition over the facts of the promotion holds, where no other check asks the question.

    It is compiled with types when the policy is saved: an unknown name, or a text compared with a number, is an error
    there. What it asks about and nobody told, such as a metric that was not reported, is unknown. A condition that
    fails or runs long is an error. Neither opens a gate.
    """

    id = "condition"
    title = "The condition holds"
    remedy = "Read what the condition asks and what was measured; change the model or report what is missing."
    needs = ("now", "subject", "owners", "measurements", "production", "runs", "promotion_commit")
    parameters = ConditionParameters

    def judge(self, parameters: ConditionParameters, facts: Facts) -> Finding:
        known = values(facts)
        measured = {name: _readable(known[name]) for name in sorted(conditions.named(parameters.condition))}
        answer = conditions.evaluate(parameters.condition, known)
        meaning = parameters.says.rstrip(".") or parameters.condition
        match answer.trouble:
            case None:
                outcome = Outcome.PASS if answer.holds else Outcome.FAIL
                summary = f"{'Holds' if answer.holds else 'Does not hold'}: {meaning}."
            case Trouble.MISSING:
                outcome = Outcome.UNKNOWN
                summary = f"Not known: {answer.detail}, which the condition asks about."
            case Trouble.TOO_LONG:
                outcome = Outcome.ERROR
                summary = "The condition runs too long and was cut off."
            case Trouble.FAILED:
                outcome = Outcome.ERROR
                summary = f"The condition failed: {answer.detail}."
        return Finding(outcome=outcome, summary=summary, measured=measured, required=parameters.condition)

    def problem(self, parameters: ConditionParameters) -> str:
        try:
            conditions.compiled(parameters.condition)
        except conditions.NotACondition as error:
            return f"condition {error}" if str(error).startswith(("gives", "is")) else f"condition: {error}"
        return ""


def values(facts: Facts) -> dict[str, Any]:
    """The facts by the names that conditions use. What is not a number is left out: asking for it is unknown."""
    subject = facts.subject
    whole = [fact for fact in facts.measurements if not fact.segment]
    by_segment: dict[str, dict[str, float]] = {}
    for fact in facts.measurements:
        if fact.segment and fact.value is not None:
            by_segment.setdefault(fact.segment, {})[fact.metric] = fact.value
    inputs = [one for run in facts.runs for one in run.inputs]
    return {
        "model": subject.model if subject else "",
        "namespace": subject.namespace if subject else "",
        "version": subject.version if subject else "",
        "stage": subject.stage if subject else "",
        "commit": facts.promotion_commit or "",
        "tier": (subject.tier if subject else "") or "unclassified",
        "tags": subject.tags if subject else [],
        "data_classes": subject.data_classes if subject else [],
        "teams": subject.teams if subject else [],
        "owners": facts.owners,
        "evidence": subject.evidence if subject else [],
        "kpi": _numbers(whole),
        "kpi_of": by_segment,
        "sample_size": {fact.metric: fact.sample_size for fact in whole if fact.sample_size is not None},
        "measured_at": {fact.metric: datetime.fromisoformat(fact.measured_at) for fact in whole},
        "production": _numbers([fact for fact in facts.production_measurements if not fact.segment]),
        "has_production": facts.production_version is not None,
        "runs": len(facts.runs),
        "inputs": len(inputs),
        "pinned_inputs": sum(one.is_pinned for one in inputs),
        "now": datetime.fromisoformat(facts.now or "1970-01-01T00:00:00+00:00"),
    }


def _numbers(measurements: list[MeasurementFact]) -> dict[str, float]:
    return {fact.metric: fact.value for fact in measurements if fact.value is not None}


def _readable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _readable(one) for key, one in value.items()}
    return value
