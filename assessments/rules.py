"""Rules in force: what the policies demand of every promotion to production, whether or not one happened.

A stable model that needs no release is not punished for it: where nothing can be counted, a blocking rule of a policy
that judges each of the team's models holds in place of the count, once a drill or a real refusal showed that it blocks.
Policies are read as they stand; a selector that asks for more than name, namespace and team is taken as not met.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from assessments.judging import RuleInForce
from assessments.measures.counting import Counted, Scope
from assessments.measures.facts import PRODUCTION
from governance import selectors as governance_selectors
from policies import selectors as policy_selectors
from policies.checks.base import Mode
from policies.checks.kpi import KpiParameters
from policies.selection import Candidate, Rule

# A tier that no model has, so that a selector by tier finds nothing.
NO_TIER = "?"


def _has_target(rule: Rule) -> bool:
    said = rule.parameters
    return isinstance(said, KpiParameters) and (said.minimum is not None or said.maximum is not None)


def _compares(rule: Rule) -> bool:
    return isinstance(rule.parameters, KpiParameters) and rule.parameters.not_worse_than_production_by is not None


# Which rule stands in for which criterion. The others that allow it ask for tests that no rule demands by category.
HOLDING: Mapping[str, Callable[[Rule], bool]] = {
    "google-champion-comparison": _compares,
    "google-performance-target": _has_target,
    "google-no-gate-bypass": lambda rule: True,
    "google-validation-stops-pipeline": lambda rule: rule.check.id == "data-quality",
    "google-deployability-check": lambda rule: rule.check.id == "schema-match",
    "google-serving-api-test": lambda rule: rule.check.id == "schema-match",
}


def in_force(counted: Counted) -> dict[tuple[Scope, str], RuleInForce]:
    """For each scope and criterion the rule that holds, with the time of the last drill, if all its models have it."""
    applying = [
        (policy, {name for name, holds in HOLDING.items() if any(map(holds, _blocking(policy.rules, counted.as_of)))})
        for version, policy in policy_selectors.current_policies()
        if max(version.created_at, policy.effective_from or version.created_at) <= counted.as_of
    ]
    if not any(names for _, names in applying):
        return {}
    teams = {team.pk: team.slug for team in governance_selectors.teams()}
    held: dict[Scope, set[str]] = {}
    drilled: dict[Scope, datetime] = {}
    for scope in counted.standings:
        if scope.model is None:
            continue
        namespace, name = counted.names[scope.model]
        owners = frozenset({teams[scope.team]} if scope.team in teams else ())
        candidate = Candidate(stage=PRODUCTION, namespace=namespace, model=name, teams=owners, tier=NO_TIER)
        demanded = {one for policy, names in applying if names and policy.matches(candidate) for one in names}
        whole = Scope(scope.team)
        held[scope] = demanded
        held[whole] = held[whole] & demanded if whole in held else demanded
        if scope.model in counted.refused:
            at = drilled[scope] = counted.refused[scope.model]
            drilled[whole] = max(at, drilled.get(whole, at))
    return {
        (scope, name): RuleInForce(drilled_at=drilled.get(scope)) for scope, names in held.items() for name in names
    }


def _blocking(listed: tuple[Rule, ...], at: datetime) -> list[Rule]:
    return [
        rule
        for rule in listed
        if rule.mode is Mode.ENFORCE and (rule.effective_from is None or rule.effective_from <= at)
    ]
