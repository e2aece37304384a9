"""The data that the model meets is like the data that it was trained on."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import DistributionFact
from policies.checks.reasons import Reasons, fresh, listed
from policies.checks.schema_match import Dataset
from policies.distributions import statistics
from policies.fairness.groups import ColumnName

Measure = Literal["stability_index", "kolmogorov_smirnov", "chi_squared"]
EvidenceName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LISTED = 200
SAID: dict[Measure, str] = {
    "stability_index": "stability index",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov distance",
    "chi_squared": "Cramér's V",
}


class DriftParameters(Parameters, frozen=True, kw_only=True):
    """What is compared, by which measure, and how far apart it may be.

    Either two files of evidence, `training_evidence` and `serving_evidence`, which are counted by column, or the facet
    `assay_dataProfile` of the training data and of the serving data: the input `training` (needed if the training has
    several), and `serving` (default: the one dataset that deployments of the model read). `columns`: default all that
    both have.

    `maximum` bounds the measure: the stability index, the distance (0 to 1), or Cramér's V (0 to 1). With
    `significance` a column drifts only if its distance or V is also less probable than that by chance, adjusted for the
    number of columns. A column with fewer rows than `minimum_sample_size` on either side is unknown.
    `recent_within_days`: an older profile of the serving data is unknown.
    """

    measure: Measure
    maximum: Annotated[float, msgspec.Meta(ge=0)]
    significance: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    columns: Annotated[list[ColumnName], msgspec.Meta(min_length=1, max_length=1_000)] | None = None
    training_evidence: EvidenceName | None = None
    serving_evidence: EvidenceName | None = None
    training: ColumnName | None = None
    serving: Dataset | None = None
    minimum_sample_size: Annotated[int, msgspec.Meta(ge=1)] = 100
    recent_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Drift(Check):
    """Each column of the serving data is distributed as in training, within the bound.

    Numbers in files of evidence are counted in the tenths of training for the stability index and the chi-squared test,
    and value by value for Kolmogorov and Smirnov; categories by their values. Between histograms that were sent, which
    must have the same edges, the distance is taken at the edges and so is a lower bound. Missing values are left out
    and told. Categories that are too rare for the chi-squared test are pooled. Probabilities of the test of Kolmogorov
    and Smirnov are exact for up to a million pairs of rows, and by its limiting distribution beyond.
    """

    id = "drift"
    title = "Serving data is like training data"
    remedy = (
        "Find out why the columns that are named have changed; train on recent data if the change is to stay. If data "
        "is missing, send assay_dataProfile or both files with the promotion. Then ask again."
    )
    needs = ("now", "distributions")
    parameters = DriftParameters
    is_slow = True

    def judge(self, parameters: DriftParameters, facts: Facts) -> Finding:
        required = {
            name: value
            for name in ("measure", "maximum", "significance", "minimum_sample_size")
            if (value := getattr(parameters, name)) is not None
        }
        known = facts.distributions
        if known is None or known.problem:
            why = known.problem if known else "The distributions are not known."
            return Finding(outcome=Outcome.UNKNOWN, summary=why, required=required)
        reasons = Reasons()
        is_fresh, said = fresh(facts.now, known.measured_at, parameters.recent_within_days, "profiled")
        if said:
            reasons.judge(is_fresh, said)
        measured = [_measured(parameters, fact) for fact in known.columns]
        drifted = _drifted(parameters, measured)
        lacking = sorted(set(parameters.columns or ()) - {fact.column for fact in known.columns})
        unknown = [f"{one.fact.column} ({one.problem})" for one in measured if one.problem]
        unknown += [f"{name} (not in both)" for name in lacking]
        if drifted:
            worst = sorted(drifted, key=lambda one: -one.value)
            names = listed(f"{one.fact.column} ({one.value:.3g})" for one in worst)
            reasons.judge(False, f"{SAID[parameters.measure]} above {parameters.maximum:g}: {names}")
        if unknown:
            reasons.judge(None, f"not known: {listed(unknown)}")
        if judged := [one for one in measured if not one.problem]:
            most = max(judged, key=lambda one: one.value)
            number = f"{len(judged)} columns, the most" if len(judged) > 1 else ""
            reasons.judge(
                True, f"{number} {most.fact.column} with a {SAID[parameters.measure]} of {most.value:.3g}".strip()
            )
        elif not unknown:
            reasons.judge(None, "there is no column to compare")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={one.fact.column: one.document for one in measured[:LISTED]},
            required=required,
            evidence={"training": known.training, "serving": known.serving},
        )

    def problem(self, parameters: DriftParameters) -> str:
        if (parameters.training_evidence is None) != (parameters.serving_evidence is None):
            return "training_evidence and serving_evidence go together"
        if parameters.training_evidence and (parameters.training or parameters.serving):
            return "compare either files of evidence or datasets"
        if parameters.measure == "stability_index" and parameters.significance is not None:
            return "the stability index has no significance"
        if parameters.measure != "stability_index" and parameters.maximum > 1:
            return f"maximum {parameters.maximum:g} is above 1, which {SAID[parameters.measure]} cannot be"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A column with how far apart it is, or why that is not known."""

    fact: DistributionFact
    value: float = 0.0
    probability: float | None = None
    problem: str = ""

    @property
    def document(self) -> dict[str, Any]:
        rows = {"training_rows": sum(self.fact.training), "serving_rows": sum(self.fact.serving)}
        if self.problem:
            return rows | {"problem": self.problem}
        found = rows | {"value": self.value, "missing": list(self.fact.missing)}
        return found if self.probability is None else found | {"probability": self.probability}


def _measured(parameters: DriftParameters, fact: DistributionFact) -> _Measured:
    rows = (sum(fact.training), sum(fact.serving))
    if fact.problem:
        return _Measured(fact=fact, problem=fact.problem)
    if min(rows) < parameters.minimum_sample_size:
        few = f"{min(rows):,} rows, fewer than {parameters.minimum_sample_size:,}"
        return _Measured(fact=fact, problem=few)
    match parameters.measure:
        case "stability_index":
            return _Measured(fact=fact, value=statistics.stability_index(fact.training, fact.serving))
        case "kolmogorov_smirnov":
            if not fact.is_ordered:
                return _Measured(fact=fact, problem="categories have no order")
            found = fact.distance
            distance = statistics.distance(fact.training, fact.serving) if found is None else found
            return _Measured(fact=fact, value=distance, probability=statistics.kolmogorov_smirnov(distance, *rows))
        case "chi_squared":
            _, one, other = statistics.pooled(fact.labels, fact.training, fact.serving)
            statistic, degrees, size = statistics.chi_squared(one, other)
            probability = statistics.chi_squared_tail(statistic, degrees) if degrees else 1.0
            return _Measured(fact=fact, value=size, probability=probability)


def _drifted(parameters: DriftParameters, measured: list[_Measured]) -> list[_Measured]:
    judged = [one for one in measured if not one.problem]
    beyond = [one.value > parameters.maximum for one in judged]
    if parameters.significance is not None:
        adjusted = statistics.holm([1.0 if one.probability is None else one.probability for one in judged])
        beyond = [is_far and p < parameters.significance for is_far, p in zip(beyond, adjusted, strict=True)]
    return [one for one, is_far in zip(judged, beyond, strict=True) if is_far]
