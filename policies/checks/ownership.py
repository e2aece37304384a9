"""Somebody answers for the model."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters

Role = Literal["business_owner", "technical_owner", "steward"]


class OwnershipParameters(Parameters, frozen=True, kw_only=True):
    """`roles` that must have an owner now."""

    roles: Annotated[list[Role], msgspec.Meta(min_length=1)]


class Ownership(Check):
    """The model has an owner in each role the policy names, at the moment of the check.

    Of an owner whose account has ended nobody knows who answers now: that is unknown until a successor is named.
    """

    id = "ownership"
    title = "Somebody answers for the model"
    remedy = "Assign the missing owners, or who took over from those who left, on the model's page; then ask again."
    needs = ("owners",)
    parameters = OwnershipParameters

    def judge(self, parameters: OwnershipParameters, facts: Facts) -> Finding:
        missing = [role for role in parameters.roles if role not in facts.owners]
        departed = [role for role in parameters.roles if role in facts.departed]
        outcome, summary = Outcome.PASS, "Every role has an owner."
        if missing:
            outcome, summary = Outcome.FAIL, f"No owner as {_words(missing)}."
        elif departed:
            names = ", ".join(dict.fromkeys(facts.owners[role] for role in departed))
            outcome = Outcome.UNKNOWN
            summary = f"The account of {names} has ended: nobody knows who answers as {_words(departed)} now."
        return Finding(
            outcome=outcome,
            summary=summary,
            measured=facts.owners,
            required=parameters.roles,
        )

    def problem(self, parameters: OwnershipParameters) -> str:
        return "a role is named twice" if len(set(parameters.roles)) < len(parameters.roles) else ""


def _words(roles: Iterable[str]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)
