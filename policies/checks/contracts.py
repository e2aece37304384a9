"""No contract of the data upstream is broken."""

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.reasons import listed


class ContractsParameters(Parameters, frozen=True, kw_only=True):
    """Nothing to set."""


class Contracts(Check):
    """No dataset upstream of the model has an open breach of its data contract.

    Where no contracts are kept nobody knows, and the answer is unknown.
    """

    id = "contracts"
    title = "No data contract upstream is broken"
    remedy = (
        "Settle the breaches with the owners of the data, then ask again. Without contracts in this installation leave "
        "the rule out or set its mode to shadow."
    )
    needs = ("breaches",)
    parameters = ContractsParameters

    def judge(self, parameters: ContractsParameters, facts: Facts) -> Finding:
        required = {"open_breaches": 0}
        if facts.breaches is None:
            return Finding(
                outcome=Outcome.UNKNOWN, summary="No data contracts are kept for what is upstream.", required=required
            )
        broken = listed(f"{breach.dataset} ({breach.summary})" for breach in facts.breaches)
        return Finding(
            outcome=Outcome.FAIL if facts.breaches else Outcome.PASS,
            summary=f"Broken: {broken}." if broken else "No contract upstream is broken.",
            measured={"open_breaches": len(facts.breaches)},
            required=required,
            evidence={breach.dataset: {"breach": breach.summary, "since": breach.since} for breach in facts.breaches},
        )
