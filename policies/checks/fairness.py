"""A fairness metric keeps its bound with certainty."""

import difflib
import math
from typing import Annotated, Any, Literal

import msgspec

from governance.errors import Invalid
from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import EvaluationFact
from policies.fairness import judging
from policies.fairness.definitions import DEFINITIONS, Against, Definition, Kind, interval_text
from policies.fairness.groups import ColumnName, Columns, Part
from policies.fairness.judging import Comparison, Correction, Group, Judgement, Measured, Method

# A sentence names so many comparisons, a finding lists so many.
NAMED = 3
LISTED = 20


class FairnessParameters(Parameters, frozen=True, kw_only=True):
    """Which table, what its columns mean, which metric, which bound, and how sure to be.

    `evidence` is the name of a file given with the promotion; `label`, `prediction` (or `score`, for classes with a
    `threshold`), `sensitive` and `weight` are columns of it. `positive` is the value of label and prediction that
    counts as positive, when they are not 0 and 1. Groups are the combinations of all sensitive columns or those of each
    column; missing values are a group. Each group is compared with every other (`between_groups`), with all rows
    (`to_overall`) or with the values in `reference`.

    `four_fifths` has its own minimum, 0.8. A group with fewer rows under the metric than `minimum_group_size` is not
    judged: what is found is then insufficient at best, unless `small_groups` are left out. `when_insufficient` says
    what it means when the interval reaches across the bound: unknown, fail, or whatever the value itself says.
    """

    evidence: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    label: ColumnName
    sensitive: Annotated[list[ColumnName], msgspec.Meta(min_length=1, max_length=10)]
    metric: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    maximum: float | None = None
    minimum: float | None = None
    prediction: ColumnName | None = None
    score: ColumnName | None = None
    threshold: float | None = None
    weight: ColumnName | None = None
    positive: bool | int | float | str | None = None
    groups: Literal["intersections", "each_column"] = "intersections"
    compare: Literal["between_groups", "to_overall", "to_reference"] = "between_groups"
    reference: dict[str, str | None] | None = None
    confidence: Annotated[float, msgspec.Meta(ge=0.5, le=0.9999)] = 0.95
    correction: Literal["holm", "none"] = "holm"
    minimum_group_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 30
    small_groups: Literal["insufficient", "leave_out"] = "insufficient"
    when_insufficient: Literal["unknown", "fail", "judge_by_value"] = "unknown"

    @property
    def columns(self) -> Columns:
        """What to count in the evidence."""
        return Columns(
            label=self.label,
            sensitive=self.sensitive,
            prediction=self.prediction,
            score=self.score,
            threshold=self.threshold,
            weight=self.weight,
            positive=self.positive,
        )

    @property
    def part(self) -> Part:
        """Which counts the metric needs."""
        return self.definition.part

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.metric]

    @property
    def bound(self) -> float:
        """The bound on the side that the metric has."""
        given = self.maximum if self.definition.kind.is_worse_higher else self.minimum
        bound = self.definition.minimum if given is None else given
        if bound is None:
            raise ValueError(f"A rule on {self.metric} without a bound is refused when it is published.")
        return bound

    @property
    def method(self) -> Method:
        return Method(
            against=Against(self.compare),
            reference=self.reference or {},
            confidence=self.confidence,
            correction=Correction(self.correction),
            minimum_size=self.minimum_group_size,
        )

    @property
    def groupings(self) -> list[list[str]]:
        return [self.sensitive] if self.groups == "intersections" else [[name] for name in self.sensitive]


class Fairness(Check):
    """A fairness metric over groups of people keeps its bound: its whole confidence interval does.

    The metrics are Fairlearn's, from counts of the evidence by group. If all of the interval is beyond the bound, the
    check fails and names the groups; if it reaches across, there are too few rows to tell, which is unknown unless the
    rule says otherwise. One group alone cannot be compared, so it is unknown as well. The finding carries the formula,
    its source, and how the interval was made.
    """

    id = "fairness"
    title = "The model treats groups of people alike"
    remedy = (
        "Mitigate the difference between the groups that are named, or evaluate on more rows of the groups whose "
        "intervals are wide, then ask again."
    )
    needs = ("evaluations",)
    parameters = FairnessParameters
    is_slow = True

    def judge(self, parameters: FairnessParameters, facts: Facts) -> Finding:
        required = _required(parameters)
        fact = _find(facts, parameters)
        if fact is None or fact.counts is None:
            why = f"cannot be used: {fact.problem}" if fact else "is not available."
            return Finding(
                outcome=Outcome.UNKNOWN, summary=f"The evidence {parameters.evidence!r} {why}", required=required
            )
        try:
            measured = judging.measure(fact.counts, parameters.definition, parameters.method, parameters.groupings)
        except Invalid as error:
            return Finding(outcome=Outcome.UNKNOWN, summary=error.message, required=required)
        outcome, reason = _outcome(parameters, measured)
        return Finding(
            outcome=outcome,
            summary=f"{_said(parameters, measured)}, {reason}",
            measured=_document(parameters, measured),
            required=required,
            evidence={
                "evidence": fact.evidence,
                "digest": fact.digest,
                "rows": fact.counts.rows,
                "definition": _definition(parameters),
            },
        )

    def problem(self, parameters: FairnessParameters) -> str:
        definition = DEFINITIONS.get(parameters.metric)
        if definition is None:
            near = difflib.get_close_matches(parameters.metric, DEFINITIONS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(DEFINITIONS)}"
            return f"there is no fairness metric {parameters.metric!r}{hint}"
        return _bound_problem(parameters, definition) or _columns_problem(parameters) or _reference_problem(parameters)


def _bound_problem(parameters: FairnessParameters, definition: Definition) -> str:
    if definition.kind.is_worse_higher:
        if parameters.minimum is not None or parameters.maximum is None:
            return f"{parameters.metric} takes a maximum, and only that"
        return ""
    if parameters.maximum is not None or (parameters.minimum is None and definition.minimum is None):
        return f"{parameters.metric} takes a minimum, and only that"
    return ""


def _columns_problem(parameters: FairnessParameters) -> str:
    if len(set(parameters.sensitive)) < len(parameters.sensitive):
        return "sensitive names a column twice"
    if parameters.threshold is not None and parameters.score is None:
        return "a threshold needs the column of the score"
    match parameters.part:
        case Part.CONFUSION if parameters.prediction is None and parameters.threshold is None:
            return f"{parameters.metric} needs prediction, or score and threshold"
        case Part.LOSSES if parameters.columns.number is None:
            return f"{parameters.metric} needs prediction or score"
        case Part.CALIBRATION if parameters.score is None:
            return f"{parameters.metric} needs score"
    return ""


def _reference_problem(parameters: FairnessParameters) -> str:
    if (parameters.compare == "to_reference") != (parameters.reference is not None):
        return "compare: to_reference and reference go together"
    if parameters.reference is not None and set(parameters.reference) != set(parameters.sensitive):
        return f"reference needs a value of each of {', '.join(parameters.sensitive)}"
    is_mean = all(measure.is_mean for measure in parameters.definition.measures)
    if parameters.compare == "to_overall" and not is_mean:
        return f"{parameters.metric} has no interval against all rows; compare between_groups or to_reference"
    return ""


def _find(facts: Facts, parameters: FairnessParameters) -> EvaluationFact | None:
    wanted = (parameters.evidence, parameters.columns)
    return next((fact for fact in facts.evaluations if (fact.evidence, fact.columns) == wanted), None)


def _required(parameters: FairnessParameters) -> dict[str, Any]:
    side = "maximum" if parameters.definition.kind.is_worse_higher else "minimum"
    return {side: parameters.bound, "confidence": parameters.confidence}


def _outcome(parameters: FairnessParameters, measured: Measured) -> tuple[Outcome, str]:
    """The outcome with the end of the sentence that tells it."""
    bound, is_worse_higher = parameters.bound, measured.definition.kind.is_worse_higher
    judgement = measured.judged(bound)
    if judgement is Judgement.OUTSIDE:
        broken = [_pair(comparison) for comparison, _ in measured.breaking(bound)]
        more = f"; and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        return (
            Outcome.FAIL,
            f"all {'above' if is_worse_higher else 'below'} {bound:g}: {'; '.join(broken[:NAMED])}{more}.",
        )
    limit = f"{'at most' if is_worse_higher else 'at least'} {bound:g}"
    reasons = _insufficient(parameters, measured)
    if judgement is Judgement.INSIDE and not reasons:
        return Outcome.PASS, f"all {limit}."
    if judgement is Judgement.INSUFFICIENT and measured.comparisons:
        reasons.insert(0, "the interval reaches across the bound")
    why = f"not enough to tell whether it is {limit}: {', '.join(reasons)}."
    value = measured.value_judged if parameters.small_groups == "leave_out" else measured.value
    match parameters.when_insufficient:
        case "fail":
            return Outcome.FAIL, why
        case "judge_by_value" if measured.comparisons and not measured.single and not math.isnan(value):
            keeps = value <= bound if is_worse_higher else value >= bound
            return (Outcome.PASS if keeps else Outcome.FAIL), f"{why} The rule goes by the value {value:.3g}."
        case _:
            return Outcome.UNKNOWN, why


def _insufficient(parameters: FairnessParameters, measured: Measured) -> list[str]:
    """Why a metric that keeps its bound may do so only for lack of groups."""
    reasons = [f"{', '.join(by)} has one group only" for by in measured.single]
    if measured.small and parameters.small_groups == "insufficient":
        names = list(dict.fromkeys(group.name for group in measured.small))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        reasons.append(f"{', '.join(names[:NAMED])}{more} below {parameters.minimum_group_size} rows")
    if not measured.comparisons and not reasons:
        reasons.append("no two groups are large enough to compare")
    return reasons


def _said(parameters: FairnessParameters, measured: Measured) -> str:
    low, high = measured.interval.lower, measured.interval.upper
    value = "undefined" if math.isnan(measured.value_judged) else f"{measured.value_judged:.3g}"
    by = " and ".join(parameters.sensitive)
    if not measured.comparisons:
        return f"{parameters.metric} by {by}"
    return (
        f"{parameters.metric} by {by} is {value} ({low:.3g} to {high:.3g} with {parameters.confidence:.4g} confidence)"
    )


def _pair(comparison: Comparison) -> str:
    measure = comparison.group.measure.title
    if comparison.kind in {Kind.SMALLEST, Kind.LARGEST}:
        return f"{comparison.group.name}, {measure}"
    against = comparison.other.name if comparison.other else "all"
    return f"{comparison.group.name} against {against}, {measure}"


def _document(parameters: FairnessParameters, measured: Measured) -> dict[str, Any]:
    """What was measured, for charts and machines. What is not a number is None: JSON has no word for it."""
    broken = measured.breaking(parameters.bound)[:LISTED]
    return {
        "metric": parameters.metric,
        "value": _number(measured.value),
        "value_judged": _number(measured.value_judged),
        "lower": _number(measured.interval.lower),
        "upper": _number(measured.interval.upper),
        "comparisons": len(measured.comparisons),
        "groups": [_group(group, parameters.confidence) for group in measured.groups],
        "breaking": [
            {
                "measure": comparison.group.measure.name,
                "group": comparison.group.name,
                "against": comparison.other.name if comparison.other else None,
                "value": _number(comparison.value),
                "lower": _number(found.lower),
                "upper": _number(found.upper),
            }
            for comparison, found in broken
        ],
    }


def _group(group: Group, confidence: float) -> dict[str, Any]:
    found = group.estimate.interval(confidence)
    return {
        "group": group.name,
        "values": dict(zip(group.by, group.values, strict=True)),
        "measure": group.measure.name,
        "rows": group.estimate.tally.rows,
        "value": _number(group.estimate.value),
        "lower": _number(found.lower),
        "upper": _number(found.upper),
        "is_small": group.is_small,
    }


def _definition(parameters: FairnessParameters) -> dict[str, Any]:
    definition = parameters.definition
    return {
        "formula": definition.formula(Against(parameters.compare)),
        "source": definition.source,
        "interval": interval_text(definition, is_corrected=parameters.correction == "holm"),
        "minimum_group_size": parameters.minimum_group_size,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
