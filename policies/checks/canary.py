"""The model held up on a part of the traffic."""

from typing import Annotated, Any

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import CanaryFact
from policies.checks.reasons import Reasons, at_most, fresh

Margin = Annotated[float, msgspec.Meta(ge=0)]


class CanaryParameters(Parameters, frozen=True, kw_only=True):
    """How long and how large the canary must have been, and how much worse its metrics may be than the baseline's.

    `higher_is_worse_by` and `lower_is_worse_by` name metrics with their margins: of an error rate or a latency the
    first, of a conversion or an accuracy the second.
    """

    minimum_requests: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    minimum_hours: Margin | None = None
    minimum_traffic: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    error_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    higher_is_worse_by: dict[str, Margin] = {}
    lower_is_worse_by: dict[str, Margin] = {}
    ended_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Canary(Check):
    """The newest canary of this version ended well, was long and large enough, and no worse than its baseline.

    Read is the facet `assay_canary` of the version. One that still runs, or is too small, too short or too old, is
    unknown; one that failed or was aborted fails.
    """

    id = "canary"
    title = "The model held up on a part of the traffic"
    remedy = (
        "Run a canary of this version for as long as the policy asks and report it in the facet assay_canary; find out "
        "why if it failed. Then ask again."
    )
    needs = ("now", "canaries")
    parameters = CanaryParameters

    def judge(self, parameters: CanaryParameters, facts: Facts) -> Finding:
        required = {name: value for name, value in msgspec.structs.asdict(parameters).items() if value}
        if not facts.canaries:
            return Finding(outcome=Outcome.UNKNOWN, summary="No canary of this version is known.", required=required)
        canary, reasons = facts.canaries[0], Reasons()
        match canary.outcome:
            case "pass":
                reasons.judge(True, f"passed after {canary.requests:,} requests")
            case "running":
                reasons.judge(None, "still running")
            case _:
                reasons.judge(False, "aborted" if canary.outcome == "aborted" else "failed")
        self._size(parameters, canary, reasons)
        measured = self._metrics(parameters, canary, reasons)
        is_fresh, said = fresh(facts.now, canary.ended_at, parameters.ended_within_days, "ended")
        if said:
            reasons.judge(is_fresh, said)
        return Finding(
            outcome=reasons.outcome,
            summary=f"Canary: {reasons.sentence}",
            measured={"outcome": canary.outcome, "requests": canary.requests, "hours": canary.hours} | measured,
            required=required,
            evidence={"deployment": canary.deployment, "ended_at": canary.ended_at},
        )

    def problem(self, parameters: CanaryParameters) -> str:
        both = sorted(parameters.higher_is_worse_by.keys() & parameters.lower_is_worse_by.keys())
        return f"{both[0]} cannot be worse both ways" if both else ""

    def _size(self, parameters: CanaryParameters, canary: CanaryFact, reasons: Reasons) -> None:
        if canary.requests < parameters.minimum_requests:
            reasons.judge(None, f"{canary.requests:,} requests, fewer than {parameters.minimum_requests:,}")
        for name, value, least in (
            ("hours", canary.hours, parameters.minimum_hours),
            ("of the traffic", canary.traffic, parameters.minimum_traffic),
        ):
            if least is None:
                continue
            if value is None:
                reasons.judge(
                    None, f"it is not known how many {name}" if name == "hours" else f"the share {name} is not known"
                )
            else:
                reasons.judge(value >= least or None, f"{value:g} {name}", f"{value:g} {name}, less than {least:g}")

    def _metrics(self, parameters: CanaryParameters, canary: CanaryFact, reasons: Reasons) -> dict[str, Any]:
        measured: dict[str, Any] = {}
        if parameters.error_rate is not None and canary.requests:
            rate = measured["error_rate"] = canary.errors / canary.requests
            good, bad = (f"{rate:.3%} failed, {word} {parameters.error_rate:.3%}" for word in ("at most", "above"))
            reasons.judge(rate <= parameters.error_rate, good, bad)
        asked = [(name, margin, 1) for name, margin in parameters.higher_is_worse_by.items()]
        asked += [(name, margin, -1) for name, margin in parameters.lower_is_worse_by.items()]
        for name, margin, sign in asked:
            ours, theirs = canary.metrics.get(name, (None, None))
            if ours is None or theirs is None:
                reasons.judge(None, f"{name} is not known of both sides")
                continue
            measured[name] = {"canary": ours, "baseline": theirs}
            said = f"{name} {ours:g} against {theirs:g}"
            reasons.judge(at_most(sign * (ours - theirs), margin), said, f"{said}, worse by more than {margin:g}")
        return measured
