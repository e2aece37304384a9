"""No contract of the data upstream is broken."""

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.reasons import Reasons, listed


class ContractsParameters(Parameters, frozen=True, kw_only=True):
    """`inputs_covered`: each input of the training must have a contract of its own."""

    inputs_covered: bool = False


class Contracts(Check):
    """No dataset upstream of the model breaks its data contract.

    A contract is the facet `assay_contract` of a dataset: columns, assertions, how fresh it is kept. It is held against
    what was observed last: the facet `schema`, the newest of each assertion in `dataQualityAssertions`, and when the
    dataset was last written. So a breach is open until a later observation is good. Where no contracts are kept, or
    what one promises was not observed, nobody knows, and the answer is unknown.
    """

    id = "contracts"
    title = "No data contract upstream is broken"
    remedy = (
        "Settle the breaches with the owners of the data and have it observed anew, then ask again. What nobody "
        "observed needs a schema or dataQualityAssertions facet; a dataset without a contract needs assay_contract."
    )
    needs = ("contracts",)
    parameters = ContractsParameters

    def judge(self, parameters: ContractsParameters, facts: Facts) -> Finding:
        required = {"open_breaches": 0} | ({"inputs_covered": True} if parameters.inputs_covered else {})
        known = facts.contracts
        if known is None:
            return Finding(
                outcome=Outcome.UNKNOWN, summary="It is not known what the model was made from.", required=required
            )
        reasons = Reasons()
        broken = [contract for contract in known.contracts if contract.breaches]
        for contract in broken:
            said = listed((breach.summary for breach in contract.breaches), "; ")
            reasons.judge(False, f"{contract.dataset} breaks its contract: {said}")
        for contract in known.contracts:
            if contract.unknown:
                reasons.judge(None, f"not observed of {contract.dataset}: {listed(contract.unknown)}")
        if parameters.inputs_covered and known.inputs_without:
            reasons.judge(None, f"without a contract: {listed(known.inputs_without)}")
        if known.problem:
            reasons.judge(None, known.problem)
        if not known.contracts:
            reasons.judge(None, "no data contracts are kept for what is upstream")
        names = listed(contract.dataset for contract in known.contracts)
        reasons.judge(True, f"kept: {names}")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={"contracts": len(known.contracts), "open_breaches": sum(len(one.breaches) for one in broken)},
            required=required,
            evidence={
                contract.dataset: [{"breach": breach.summary, "since": breach.since} for breach in contract.breaches]
                for contract in broken
            },
        )
