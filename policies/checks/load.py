"""The model answers fast enough under load."""

from typing import Annotated, Any

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import LoadFact
from policies.checks.reasons import Reasons, fresh

Milliseconds = Annotated[float, msgspec.Meta(gt=0)]


class LoadParameters(Parameters, frozen=True, kw_only=True):
    """Bounds of the newest load test, at least one of them.

    Latencies are in milliseconds by percentile, `error_rate` is the share of requests that failed (0 to 1). A test of
    fewer requests than `minimum_requests` says too little. `environment`: only tests there count.
    """

    p50_ms: Milliseconds | None = None
    p95_ms: Milliseconds | None = None
    p99_ms: Milliseconds | None = None
    maximum_ms: Milliseconds | None = None
    error_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    requests_per_second: Annotated[float, msgspec.Meta(gt=0)] | None = None
    minimum_requests: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    performed_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    environment: Annotated[str, msgspec.Meta(max_length=200)] | None = None

    @property
    def latencies(self) -> dict[str, float]:
        """The bounds by the names that load tests use."""
        bounds = {"p50": self.p50_ms, "p95": self.p95_ms, "p99": self.p99_ms, "max": self.maximum_ms}
        return {name: bound for name, bound in bounds.items() if bound is not None}


class Load(Check):
    """The newest load test of this version kept its bounds of latency, errors and throughput.

    Read is the facet `assay_loadTest` of the version. What the test did not measure is unknown, and so is a test that
    is too short or too old.
    """

    id = "load"
    title = "The model answers fast enough under load"
    remedy = (
        "Run a load test on this version and report it in the facet assay_loadTest; make the service faster or give it "
        "more machines where a bound is broken. Then ask again."
    )
    needs = ("now", "load_tests")
    parameters = LoadParameters

    def judge(self, parameters: LoadParameters, facts: Facts) -> Finding:
        required = {name: value for name, value in msgspec.structs.asdict(parameters).items() if value is not None}
        place = parameters.environment
        found = [fact for fact in facts.load_tests if place is None or fact.environment == place]
        if not found:
            where = f" in {place}" if place else ""
            return Finding(
                outcome=Outcome.UNKNOWN, summary=f"No load test of this version{where} is known.", required=required
            )
        newest, reasons = found[0], Reasons()
        measured = self._judge_one(parameters, newest, reasons)
        is_fresh, said = fresh(facts.now, newest.performed_at, parameters.performed_within_days, "tested")
        if said:
            reasons.judge(is_fresh, said)
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured=measured,
            required=required,
            evidence={"performed_at": newest.performed_at, "environment": newest.environment},
        )

    def problem(self, parameters: LoadParameters) -> str:
        if not parameters.latencies and parameters.error_rate is None and parameters.requests_per_second is None:
            return "say a latency (p50_ms, p95_ms, p99_ms, maximum_ms), error_rate or requests_per_second"
        return ""

    def _judge_one(self, parameters: LoadParameters, test: LoadFact, reasons: Reasons) -> dict[str, Any]:
        measured: dict[str, Any] = {"requests": test.requests}
        if test.requests < parameters.minimum_requests:
            reasons.judge(None, f"{test.requests:,} requests, fewer than {parameters.minimum_requests:,}")
        for name, bound in parameters.latencies.items():
            value = measured[f"{name}_ms"] = test.latency_ms.get(name)
            if value is None:
                reasons.judge(None, f"{name} was not measured")
            else:
                good, bad = f"{name} {value:g} ms, at most {bound:g}", f"{name} {value:g} ms, above {bound:g}"
                reasons.judge(value <= bound, good, bad)
        if parameters.error_rate is not None and test.requests:
            rate = measured["error_rate"] = test.errors / test.requests
            good, bad = (f"{rate:.3%} failed, {word} {parameters.error_rate:.3%}" for word in ("at most", "above"))
            reasons.judge(rate <= parameters.error_rate, good, bad)
        if parameters.requests_per_second is not None:
            speed = measured["requests_per_second"] = test.requests_per_second
            if speed is None:
                reasons.judge(None, "requests per second were not measured")
            else:
                least = parameters.requests_per_second
                good, bad = (f"{speed:g} requests per second, {word} {least:g}" for word in ("at least", "below"))
                reasons.judge(speed >= least, good, bad)
        return measured
