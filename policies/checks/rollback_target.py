"""There is something to go back to."""

from typing import Annotated

import msgspec

from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.reasons import Reasons, fresh


class RollbackTargetParameters(Parameters, frozen=True, kw_only=True):
    """`accept_fallback`: something other than an earlier version will do, such as hand-coded rules.

    `tested_within_days`: the way back was tried so recently; only a fallback can say so.
    """

    accept_fallback: bool = True
    tested_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None


class RollbackTarget(Check):
    """If this version has to go, another one that passed into the stage stands ready, or a fallback that was named.

    The earlier version is the one that passed into the stage last, this version left out. A fallback is named in the
    facet `assay_rollback` of the version or of the model as a whole. With neither nobody knows what would take over.
    """

    id = "rollback-target"
    title = "There is something to go back to"
    remedy = (
        "Name in the facet assay_rollback what takes over if this version has to go, with testedAt when that was tried "
        "out. Then ask again."
    )
    needs = ("now", "production_version", "fallback")
    parameters = RollbackTargetParameters

    def judge(self, parameters: RollbackTargetParameters, facts: Facts) -> Finding:
        earlier = facts.production_version
        fallback = facts.fallback if parameters.accept_fallback else None
        reasons = Reasons()
        if parameters.tested_within_days is not None:
            tested = fallback.tested_at if fallback else None
            is_fresh, said = fresh(facts.now, tested, parameters.tested_within_days, "the way back was tried")
            reasons.judge(is_fresh, said)
        if earlier is not None:
            reasons.judge(True, f"version {earlier} passed into this stage before")
        elif fallback is not None:
            reasons.judge(True, f"a fallback stands ready: {fallback.description}")
        elif facts.fallback is not None:
            reasons.judge(False, "no other version passed into this stage, and a fallback is not accepted")
        else:
            reasons.judge(None, "no other version passed into this stage, and no fallback is named")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence[:1].upper() + reasons.sentence[1:],
            measured={"version": earlier, "fallback": facts.fallback.description if facts.fallback else None},
            required=msgspec.structs.asdict(parameters),
        )
