"""A KPI of the model version is good enough."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import MeasurementFact


class KpiParameters(Parameters, frozen=True, kw_only=True):
    """Which metric (of which segment), and what it must reach.

    `better` says which way is good for the comparison with production; by default lower if only a maximum is given.
    """

    metric: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    segment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    minimum: float | None = None
    maximum: float | None = None
    not_worse_than_production_by: Annotated[float, msgspec.Meta(ge=0)] | None = None
    better: Literal["higher", "lower"] | None = None

    @property
    def is_lower_better(self) -> bool:
        if self.better is not None:
            return self.better == "lower"
        return self.maximum is not None and self.minimum is None


class Kpi(Check):
    """The newest measurement of a metric keeps its bounds and is not worse than production's by more than allowed.

    The version in production is the one that passed into the stage last, this version left out. Without one the
    comparison does not apply. A measurement that is missing or not a number is unknown.
    """

    id = "kpi"
    title = "The KPI is good enough"
    remedy = "Improve the model, or report the missing measurement with the model version, then ask again."
    needs = ("measurements", "production")
    parameters = KpiParameters

    def judge(self, parameters: KpiParameters, facts: Facts) -> Finding:
        required = self._required(parameters)
        measurement = _find(facts.measurements, parameters)
        name = parameters.metric + (f" of {parameters.segment}" if parameters.segment else "")
        if measurement is None or measurement.value is None:
            said = "is not a number" if measurement else "was not reported"
            return Finding(outcome=Outcome.UNKNOWN, summary=f"{name} {said}.", required=required)
        value = measurement.value
        measured: dict[str, Any] = {"value": value}
        outcomes, reasons = [], []
        if parameters.minimum is not None:
            outcomes.append(value >= parameters.minimum)
            reasons.append(f"{'at least' if outcomes[-1] else 'below'} {parameters.minimum:g}")
        if parameters.maximum is not None:
            outcomes.append(value <= parameters.maximum)
            reasons.append(f"{'at most' if outcomes[-1] else 'above'} {parameters.maximum:g}")
        evidence = {"measured_at": measurement.measured_at, "dataset": measurement.dataset}
        margin = parameters.not_worse_than_production_by
        if margin is not None and facts.production_version is not None:
            other = _find(facts.production_measurements, parameters)
            evidence["production_version"] = facts.production_version
            if other is None or other.value is None:
                return Finding(
                    outcome=Outcome.FAIL if False in outcomes else Outcome.UNKNOWN,
                    summary=f"{name} of the version in production ({facts.production_version}) is not known.",
                    measured=measured,
                    required=required,
                    evidence=evidence,
                )
            measured["production"] = other.value
            outcomes.append(_keeps_up(value, other.value, margin, is_lower_better=parameters.is_lower_better))
            said = "not worse" if outcomes[-1] else "worse"
            reasons.append(f"{said} than production's {other.value:g} by more than {margin:g}")
        if not outcomes:
            return Finding(
                outcome=Outcome.NOT_APPLICABLE,
                summary="No other version is in this stage to compare with.",
                measured=measured,
                required=required,
                evidence=evidence,
            )
        return Finding(
            outcome=Outcome.PASS if all(outcomes) else Outcome.FAIL,
            summary=f"{name} is {value:.6g}: {', '.join(reasons)}.",
            measured=measured,
            required=required,
            evidence=evidence,
        )

    def problem(self, parameters: KpiParameters) -> str:
        low, high = parameters.minimum, parameters.maximum
        if low is None and high is None and parameters.not_worse_than_production_by is None:
            return "say minimum, maximum or not_worse_than_production_by"
        if low is not None and high is not None and low > high:
            return f"minimum {low:g} is above maximum {high:g}"
        return ""

    def _required(self, parameters: KpiParameters) -> dict[str, Any]:
        said = {
            "minimum": parameters.minimum,
            "maximum": parameters.maximum,
            "not_worse_than_production_by": parameters.not_worse_than_production_by,
        }
        return {key: value for key, value in said.items() if value is not None}


def _keeps_up(value: float, production: float, margin: float, *, is_lower_better: bool) -> bool:
    """Whether the value is worse than production's by no more than the margin.

    A hair more than the margin is the rounding of binary fractions (0.90 - 0.89 is more than 0.01), not a loss.
    """
    loss = value - production if is_lower_better else production - value
    return loss <= margin or math.isclose(loss, margin, rel_tol=1e-9, abs_tol=1e-12)


def _find(measurements: Sequence[MeasurementFact], parameters: KpiParameters) -> MeasurementFact | None:
    return next(
        (fact for fact in measurements if (fact.metric, fact.segment) == (parameters.metric, parameters.segment)), None
    )
