"""The right people have approved."""

from typing import Annotated

import msgspec

from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.facts import ApprovalFact
from policies.checks.ownership import Role
from policies.checks.reasons import Reasons, listed


class ApprovalsParameters(Parameters, frozen=True, kw_only=True):
    """How many people must approve, and in which roles of the model's owners.

    `different_people`: each role is spoken for by another person. `makers_known`: it must be known of everybody who
    made the version which account is theirs, so that nobody approves their own work under another name.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    roles: list[Role] = []
    different_people: bool = True
    makers_known: bool = False


class Approvals(Check):
    """Enough people have approved, in every role that the policy names, and none of them made the version.

    Who requested the promotion, committed, ran, or registered the version does not count. An owner speaks in their
    role; where a team alone is the owner, each of its members does. While people are still to speak the promotion
    waits; it is judged again with each of them. A rejection fails.
    """

    id = "approvals"
    title = "The right people have approved"
    remedy = "Ask somebody in the roles that are missing, who did not make the version, to approve on its page."
    needs = ("approvals",)
    parameters = ApprovalsParameters
    awaits_people = True

    def judge(self, parameters: ApprovalsParameters, facts: Facts) -> Finding:
        reasons = Reasons()
        if any(fact.decision == "reject" for fact in facts.approvals):
            reasons.judge(False, "Somebody rejected it")
        counted = [fact for fact in facts.approvals if fact.decision == "approve" and not fact.is_maker]
        people = "person" if parameters.count == 1 else "people"
        said = f"{len(counted)} of {parameters.count} {people} approved"
        reasons.judge(len(counted) >= parameters.count or None, said)
        missing = _unspoken(parameters, counted)
        if missing:
            reasons.judge(None, f"still to speak: {listed(role.replace('_', ' ') for role in missing)}")
        if parameters.makers_known and facts.strangers:
            reasons.judge(None, f"it is not known whose account {listed(facts.strangers)} is")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={"approved": len(counted), "roles": sorted({role for fact in counted for role in fact.roles})},
            required={"count": parameters.count, "roles": parameters.roles},
        )

    def problem(self, parameters: ApprovalsParameters) -> str:
        if len(set(parameters.roles)) < len(parameters.roles):
            return "a role is named twice"
        if parameters.different_people and len(parameters.roles) > parameters.count:
            return f"{len(parameters.roles)} roles of different people need a count of {len(parameters.roles)}"
        return ""


def _unspoken(parameters: ApprovalsParameters, counted: list[ApprovalFact]) -> list[str]:
    """The roles that nobody has spoken in; of different people, those left over when as many as can be are matched."""
    if not parameters.different_people:
        held = {role for fact in counted for role in fact.roles}
        return [role for role in parameters.roles if role not in held]
    speaker: dict[int, str] = {}
    return [role for role in parameters.roles if not _seat(role, counted, speaker, set())]


def _seat(role: str, counted: list[ApprovalFact], speaker: dict[int, str], tried: set[int]) -> bool:
    """Give the role a person of its own, moving others to another role where that helps."""
    for place, fact in enumerate(counted):
        if role in fact.roles and place not in tried:
            tried.add(place)
            if place not in speaker or _seat(speaker[place], counted, speaker, tried):
                speaker[place] = role
                return True
    return False
