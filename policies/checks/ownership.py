"""Somebody answers for the model."""

from typing import Annotated, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters

Role = Literal["business_owner", "technical_owner", "steward"]


class OwnershipParameters(Parameters, frozen=True, kw_only=True):
    """`roles` that must have an owner now."""

    roles: Annotated[list[Role], msgspec.Meta(min_length=1)]


class Ownership(Check):
    """The model has an owner in each role the policy names, at the moment of the check."""

    id = "ownership"
    title = "Somebody answers for the model"
    remedy = "Assign the missing owners on the model's page, then ask again."
    needs = ("owners",)
    parameters = OwnershipParameters

    def judge(self, parameters: OwnershipParameters, facts: Facts) -> Finding:
        missing = [role for role in parameters.roles if role not in facts.owners]
        words = ", ".join(role.replace("_", " ") for role in missing)
        return Finding(
            outcome=Outcome.FAIL if missing else Outcome.PASS,
            summary=f"No owner as {words}." if missing else "Every role has an owner.",
            measured=facts.owners,
            required=parameters.roles,
        )

    def problem(self, parameters: OwnershipParameters) -> str:
        return "a role is named twice" if len(set(parameters.roles)) < len(parameters.roles) else ""
