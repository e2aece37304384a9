"""The data that the model was trained on was tested, and is sound."""

from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import AssertionFact, QualityFact
from policies.checks.reasons import Reasons, listed

Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class DataQualityParameters(Parameters, frozen=True, kw_only=True):
    """Which inputs count, by shell patterns on their names, and how many assertions each version needs.

    `warnings_fail`: assertions of severity `warn` count as well. `accept_inferred`: so do those of a run whose sender
    did not say which version it looked at, if this version was the valid one when the run began.
    """

    datasets: Annotated[list[Glob], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["*"])
    minimum_assertions: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    warnings_fail: bool = False
    accept_inferred: bool = False


class DataQuality(Check):
    """Each input of the training was asserted on, in exactly the version that was read, and all assertions held.

    Read are the standard facet `dataQualityAssertions`, as Great Expectations and dbt send it, and the standard facet
    `test` of runs that read the version and wrote nothing. Of the same assertion of the same column the newest counts.
    """

    id = "data-quality"
    title = "The training data is sound"
    remedy = (
        "Run the tests of the data with the version facet on what they look at, correct the data that failed, and "
        "train on the version that passed. Then ask again."
    )
    needs = ("quality",)
    parameters = DataQualityParameters

    def judge(self, parameters: DataQualityParameters, facts: Facts) -> Finding:
        chosen = [
            fact
            for fact in facts.quality
            if any(fnmatchcase(fact.input.name, pattern) for pattern in parameters.datasets)
        ]
        reasons = Reasons()
        for fact in chosen:
            self._judge_one(parameters, fact, reasons)
        if not chosen:
            what = "is known" if not facts.quality else f"matches {', '.join(parameters.datasets)}"
            reasons.judge(None, f"no input of the training {what}")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence if reasons.outcome is not Outcome.PASS else self._all_held(parameters, chosen),
            measured={fact.input.name: _tally(parameters, fact) for fact in chosen},
            required={"minimum_assertions": parameters.minimum_assertions, "failed": 0},
            evidence={fact.input.name: fact.input.version for fact in chosen},
        )

    def _judge_one(self, parameters: DataQualityParameters, fact: QualityFact, reasons: Reasons) -> None:
        name = fact.input.name
        if not fact.input.is_pinned:
            reasons.judge(None, f"{name} is not pinned to a version")
            return
        if fact.problem:
            reasons.judge(None, f"{name}: {fact.problem}")
            return
        counted = _counted(parameters, fact)
        failed = [
            f"{one.name} of {one.column}" if one.column else one.name
            for one in counted
            if not one.success and (parameters.warnings_fail or not one.is_warning)
        ]
        place = f"{name} {fact.input.version}"
        if failed:
            reasons.judge(False, f"{place} fails {listed(failed)}")
        elif len(counted) < parameters.minimum_assertions:
            few = f"no more than {len(counted)}" if counted else "no"
            reasons.judge(
                None,
                f"{few} assertion of {place} is known"
                if len(counted) < 2
                else f"{few} assertions of {place} are known",
            )
        else:
            reasons.judge(True, place)

    def _all_held(self, parameters: DataQualityParameters, chosen: list[QualityFact]) -> str:
        number = sum(len(_counted(parameters, fact)) for fact in chosen)
        inputs = f"{len(chosen)} inputs" if len(chosen) > 1 else chosen[0].input.name
        return f"{number} assertions on {inputs} held."


def _counted(parameters: DataQualityParameters, fact: QualityFact) -> list[AssertionFact]:
    return [one for one in fact.assertions if parameters.accept_inferred or not one.is_inferred]


def _tally(parameters: DataQualityParameters, fact: QualityFact) -> dict[str, int]:
    counted = _counted(parameters, fact)
    return {"assertions": len(counted), "failed": sum(not one.success for one in counted)}
