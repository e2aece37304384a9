"""The model version could be made again."""

from typing import Annotated, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import MeasurementFact, RecipeFact, RepeatFact
from policies.checks.reasons import Reasons, at_most, listed

Ingredient = Literal["commit", "environment", "parameters", "seed", "data"]
WORDS: dict[Ingredient, str] = {
    "commit": "the commit",
    "environment": "the environment",
    "parameters": "the parameters",
    "seed": "the seed",
    "data": "the versions of all inputs",
}


class SecondRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which metrics must come out alike (default: all that both runs measured), and how far apart they may be."""

    metrics: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class ReproducibleParameters(Parameters, frozen=True, kw_only=True):
    """What must be known of the training run, and whether a `second_run` must have come to the same."""

    requires: Annotated[list[Ingredient], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(WORDS)
    )
    second_run: SecondRun | None = None


class Reproducible(Check):
    """Everything that the training would be repeated from is known; optionally a second run came to the same results.

    The commit comes from the facet `sourceCodeLocation`, parameters and seed from `assay_trainingParameters`, the
    environment from `assay_environment` (an image by its digest, the digest of a lock file, or all packages with their
    versions), data from inputs that are pinned. A second run is another completed run of the same job with the same
    of all that is required; its metrics are compared with those of this version.
    """

    id = "reproducible"
    title = "The model could be made again"
    remedy = (
        "Report the training run with assay_trainingParameters, assay_environment, the commit and pinned inputs; for a "
        "second run, train again from the same of it. Then ask again."
    )
    needs = ("recipe",)
    parameters = ReproducibleParameters

    def judge(self, parameters: ReproducibleParameters, facts: Facts) -> Finding:
        recipe = facts.recipe
        if recipe is None:
            return Finding(
                outcome=Outcome.UNKNOWN,
                summary="No run that wrote this version is known.",
                required=parameters.requires,
            )
        reasons = Reasons()
        missing = [WORDS[name] for name in parameters.requires if getattr(recipe, name) is None]
        reasons.judge(not missing, f"run {recipe.run} can be repeated", f"not known: {listed(missing)}")
        repeated = None
        if parameters.second_run is not None and not missing:
            repeated = self._second(parameters, parameters.second_run, recipe, facts.repeats, reasons)
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={name: getattr(recipe, name) for name in parameters.requires},
            required=parameters.requires + (["second run"] if parameters.second_run else []),
            evidence={"run": recipe.run, "second_run": repeated},
        )

    def problem(self, parameters: ReproducibleParameters) -> str:
        return "requires names one twice" if len(set(parameters.requires)) < len(parameters.requires) else ""

    def _second(
        self,
        parameters: ReproducibleParameters,
        asked: SecondRun,
        recipe: RecipeFact,
        repeats: list[RepeatFact],
        reasons: Reasons,
    ) -> str | None:
        """The run that was compared. The newest of the same recipe counts."""
        same = [
            one
            for one in repeats
            if all(getattr(one.recipe, name) == getattr(recipe, name) for name in parameters.requires)
        ]
        if not same:
            reasons.judge(None, "no second run from the same is known")
            return None
        second = same[0]
        ours, theirs = _values(second.own), _values(second.measurements)
        both = [name for name in ours if name in theirs and (asked.metrics is None or name[0] in asked.metrics)]
        lacking = sorted(set(asked.metrics or ()) - {metric for metric, _ in both})
        if lacking or not both:
            reasons.judge(None, f"run {second.recipe.run} was not measured by {listed(lacking) or 'the same metrics'}")
            return second.recipe.run
        apart = [name for name in both if not at_most(abs(ours[name] - theirs[name]), asked.tolerance)]
        differ = listed(f"{' of '.join(filter(None, name))} {ours[name]:g} and {theirs[name]:g}" for name in apart)
        reasons.judge(
            not apart,
            f"run {second.recipe.run} came to the same within {asked.tolerance:g}",
            f"run {second.recipe.run} came to other results: {differ}",
        )
        return second.recipe.run


def _values(measurements: list[MeasurementFact]) -> dict[tuple[str, str], float]:
    return {(fact.metric, fact.segment): fact.value for fact in measurements if fact.value is not None}
