"""A KPI of the model version is good enough."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import MeasurementFact
from policies.checks.reasons import Reasons, at_most, fresh

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Margin = Annotated[float, msgspec.Meta(ge=0)]


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to compare with: a model by its registry name, at a version or at its newest."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)] | None = None
    namespace: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)] | None = None


class KpiParameters(Parameters, frozen=True, kw_only=True):
    """Which metric (of which segment, or of which segments), and what it must reach.

    `better` says which way is good for comparisons; by default lower if only a maximum is given. `baseline` names the
    model that stands for what was there before, such as hand-coded rules that are evaluated like a model. With
    `same_evaluation_data` comparisons count only if both were measured on the same version of the same dataset.
    A measurement older than `measured_within_days`, or of fewer rows than `minimum_sample_size`, is unknown.
    """

    metric: Name
    segment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    segments: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=100)] | None = None
    minimum: float | None = None
    maximum: float | None = None
    not_worse_than_production_by: Margin | None = None
    baseline: Baseline | None = None
    better_than_baseline_by: Margin | None = None
    better: Literal["higher", "lower"] | None = None
    same_evaluation_data: bool = False
    measured_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    minimum_sample_size: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @property
    def is_lower_better(self) -> bool:
        if self.better is not None:
            return self.better == "lower"
        return self.maximum is not None and self.minimum is None

    @property
    def judged_segments(self) -> list[str]:
        return [self.segment] if self.segments is None else self.segments


class Kpi(Check):
    """The newest measurement of a metric keeps its bounds and stands up to production and to the baseline.

    It is not worse than production's by more than allowed, and better than the baseline's by as much as asked; of
    several segments each one is. The version in production is the one that passed into the stage last, this version
    left out. Without one that comparison does not apply. A measurement that is missing, not a number, too old or of too
    few rows is unknown.
    """

    id = "kpi"
    title = "The KPI is good enough"
    remedy = "Improve the model, or report the missing measurement with the model version, then ask again."
    needs = ("now", "measurements", "production", "baseline")
    parameters = KpiParameters

    def judge(self, parameters: KpiParameters, facts: Facts) -> Finding:
        judged = [_Segment(parameters, facts, segment) for segment in parameters.judged_segments]
        applicable = [one for one in judged if one.applies]
        reasons = Reasons()
        for one in applicable:
            reasons.judge({Outcome.PASS: True, Outcome.FAIL: False}.get(one.outcome), one.said)
        return Finding(
            outcome=reasons.outcome if applicable else Outcome.NOT_APPLICABLE,
            summary=reasons.sentence if applicable else "No other version is in this stage to compare with.",
            measured=judged[0].measured if len(judged) == 1 else {one.name: one.measured for one in judged},
            required=_required(parameters),
            evidence=judged[0].evidence if len(judged) == 1 else {one.name: one.evidence for one in judged},
        )

    def problem(self, parameters: KpiParameters) -> str:
        low, high = parameters.minimum, parameters.maximum
        asked = (low, high, parameters.not_worse_than_production_by, parameters.better_than_baseline_by)
        if all(bound is None for bound in asked):
            return "say minimum, maximum, not_worse_than_production_by or better_than_baseline_by"
        if low is not None and high is not None and low > high:
            return f"minimum {low:g} is above maximum {high:g}"
        if (parameters.baseline is None) != (parameters.better_than_baseline_by is None):
            return "baseline and better_than_baseline_by go together"
        if parameters.segments is not None and parameters.segment:
            return "say segment or segments"
        if len(set(parameters.judged_segments)) < len(parameters.judged_segments):
            return "segments names one twice"
        return ""


class _Segment:
    """The answer for one segment, put together from each thing that is asked of it."""

    def __init__(self, parameters: KpiParameters, facts: Facts, segment: str) -> None:
        self.parameters = parameters
        self.name = parameters.metric + (f" of {segment}" if segment else "")
        self.measured: dict[str, Any] = {}
        self.evidence: dict[str, Any] = {}
        self.applies = True
        self._reasons = Reasons()
        self._own = _find(facts.measurements, parameters.metric, segment)
        if self._own is None or self._own.value is None:
            self._reasons.judge(None, _why_unknown(self._own))
            return
        self.measured["value"] = self._own.value
        self.evidence |= {"measured_at": self._own.measured_at, "dataset": self._own.dataset}
        self._bounds(self._own.value)
        self._worth(self._own, facts.now)
        self._production(self._own, facts, segment)
        self._baseline(self._own, facts, segment)
        self.applies = bool(self._reasons.passed or self._reasons.failed or self._reasons.unknown)

    @property
    def outcome(self) -> Outcome:
        return self._reasons.outcome

    @property
    def said(self) -> str:
        reasons = self._reasons
        if "value" not in self.measured:
            return f"{self.name} {', '.join(reasons.unknown)}"
        said = [*reasons.failed, *reasons.unknown, *reasons.passed]
        return f"{self.name} is {self.measured['value']:.6g}: {', '.join(said)}"

    def _bounds(self, value: float) -> None:
        low, high = self.parameters.minimum, self.parameters.maximum
        if low is not None:
            self._reasons.judge(value >= low, f"at least {low:g}", f"below {low:g}")
        if high is not None:
            self._reasons.judge(value <= high, f"at most {high:g}", f"above {high:g}")

    def _worth(self, own: MeasurementFact, now: str) -> None:
        """Whether the measurement says something of today, and enough."""
        is_fresh, said = fresh(now, own.measured_at, self.parameters.measured_within_days, "measured")
        if said:
            self._reasons.judge(is_fresh, said)
        least = self.parameters.minimum_sample_size
        if least is not None:
            self.measured["sample_size"] = own.sample_size
            if own.sample_size is None:
                self._reasons.judge(None, "it is not known on how many rows")
            else:
                said = f"on {own.sample_size:,} rows"
                self._reasons.judge(own.sample_size >= least or None, said, f"{said}, fewer than {least:,}")

    def _production(self, own: MeasurementFact, facts: Facts, segment: str) -> None:
        margin = self.parameters.not_worse_than_production_by
        if margin is None or facts.production_version is None:
            return
        self.evidence["production_version"] = facts.production_version
        other = _find(facts.production_measurements, self.parameters.metric, segment)
        of_whom = f"the version in production ({facts.production_version})"
        if (value := self._comparable(own, other, of_whom)) is None:
            return
        self.measured["production"] = value
        by = f"than production's {value:g} by more than {margin:g}"
        self._reasons.judge(at_most(self._loss(own, value), margin), f"not worse {by}", f"worse {by}")

    def _baseline(self, own: MeasurementFact, facts: Facts, segment: str) -> None:
        baseline, margin = self.parameters.baseline, self.parameters.better_than_baseline_by
        if baseline is None or margin is None:
            return
        found = facts.baseline
        if found is None:
            self._reasons.judge(None, f"the baseline {baseline.model} is not known")
            return
        self.evidence["baseline"] = f"{found.name} {found.version}"
        other = _find(found.measurements, self.parameters.metric, segment)
        if (value := self._comparable(own, other, f"the baseline {found.name}")) is None:
            return
        self.measured["baseline"] = value
        by = f"than the baseline's {value:g}" + (f" by {margin:g}" if margin else "")
        better = "not worse" if not margin else "better"
        self._reasons.judge(at_most(self._loss(own, value), -margin), f"{better} {by}", f"not {better} {by}")

    def _comparable(self, own: MeasurementFact, other: MeasurementFact | None, of_whom: str) -> float | None:
        """The other's value; None, with the reason noted, when the two cannot be compared."""
        if other is None or other.value is None:
            self._reasons.judge(None, f"that of {of_whom} is not known")
            return None
        if self.parameters.same_evaluation_data and (own.dataset is None or own.dataset != other.dataset):
            self._reasons.judge(None, f"{of_whom} was not measured on the same data")
            return None
        return other.value

    def _loss(self, own: MeasurementFact, other: float) -> float:
        """By how much the own value is worse than the other."""
        value = own.value or 0.0
        return value - other if self.parameters.is_lower_better else other - value


def _why_unknown(own: MeasurementFact | None) -> str:
    if own is None:
        return "was not reported"
    return "is told differently by two names of the model" if own.is_contradicted else "is not a number"


def _required(parameters: KpiParameters) -> dict[str, Any]:
    names = (
        "minimum",
        "maximum",
        "not_worse_than_production_by",
        "better_than_baseline_by",
        "measured_within_days",
        "minimum_sample_size",
    )
    return {name: value for name in names if (value := getattr(parameters, name)) is not None}


def _find(measurements: Sequence[MeasurementFact], metric: str, segment: str) -> MeasurementFact | None:
    return next((fact for fact in measurements if (fact.metric, fact.segment) == (metric, segment)), None)
