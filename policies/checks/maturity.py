"""The team is mature enough to run the model."""

from typing import Annotated

import msgspec

from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.reasons import Reasons


class MaturityParameters(Parameters, frozen=True, kw_only=True):
    """`framework`: the maturity model. `minimum_level`: the level that every team that owns the model has proven."""

    framework: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    minimum_level: Annotated[int, msgspec.Meta(ge=0, le=10)]


class Maturity(Check):
    """Every team that owns the model has proven at least the level asked for, in the newest snapshot of the framework.

    A team that is not rated, a model without owners, and a framework without a snapshot are unknown.
    """

    id = "maturity"
    title = "The team is mature enough"
    remedy = (
        "See on the team's scorecard which criteria are next, or assign the model to its owners; a framework that has "
        "no snapshot is measured by manage.py snapshot_maturity. Then ask again."
    )
    needs = ("maturity",)
    parameters = MaturityParameters

    def judge(self, parameters: MaturityParameters, facts: Facts) -> Finding:
        reasons, least = Reasons(), parameters.minimum_level
        if facts.maturity is None:
            reasons.judge(None, f"Maturity by {parameters.framework} is not known")
        elif not facts.maturity:
            reasons.judge(None, "No team owns the model")
        for fact in facts.maturity or ():
            if fact.level is None:
                reasons.judge(None, f"Team {fact.team} is not rated")
            else:
                said = f"Team {fact.team} has proven level {fact.level}"
                reasons.judge(fact.level >= least, said, f"{said}, below {least}")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={fact.team: fact.level for fact in facts.maturity or ()},
            required={"framework": parameters.framework, "minimum_level": least},
        )
