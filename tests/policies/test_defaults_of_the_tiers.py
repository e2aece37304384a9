"""Every tier has its default policy, and a more critical one asks more."""

import itertools

import pytest

from governance.criticality import Tier
from policies import casefiles, documents, publishing, starters
from policies.checks.goals import GoalsParameters
from policies.models import PolicyVersion

POLICIES = {starter.name: documents.parse(starter.text) for starter in starters.starters()}
BY_TIER = [POLICIES[f"tier-{tier}"] for tier in Tier]


@pytest.mark.parametrize("starter", starters.starters(), ids=lambda starter: starter.name)
def test_it_is_a_policy_of_its_own_name(starter: starters.Starter) -> None:
    assert POLICIES[starter.name].slug in {starter.name, "production-standard"}
    assert "Scope: " in POLICIES[starter.name].description or starter.name == "standard"


@pytest.mark.parametrize("file", sorted(starters.FOLDER.glob("*.cases.yaml")), ids=lambda file: file.name)
def test_its_cases_come_as_expected(file: object) -> None:
    name = str(file).rpartition("/")[2].removesuffix(".cases.yaml")
    text = (starters.FOLDER / f"{name}.cases.yaml").read_text()

    assert [result.problem for result in casefiles.run(POLICIES[name], text) if result.problem] == []


def test_a_more_critical_tier_asks_no_less() -> None:
    def goals(policy: documents.Policy) -> GoalsParameters:
        (found,) = (rule.parameters for rule in policy.rules if isinstance(rule.parameters, GoalsParameters))
        return found

    for stricter, laxer in itertools.pairwise(BY_TIER):
        enforced = {rule.check.id for rule in laxer.rules if rule.mode == "enforce"}
        assert enforced <= {rule.check.id for rule in stricter.rules if rule.mode == "enforce"}
        assert stricter.approvals >= laxer.approvals
        assert goals(stricter).minimum_goals >= goals(laxer).minimum_goals
        assert (goals(stricter).measured_within_days or 1e9) < (goals(laxer).measured_within_days or 1e9)
        assert (goals(stricter).minimum_sample_size or 0) >= (goals(laxer).minimum_sample_size or 0)


@pytest.mark.django_db
def test_they_are_published_once_and_take_no_name_that_is_taken() -> None:
    own = starters.defaults()[0].text.replace("count: 2", "count: 3")
    publishing.publish(actor=None, text=own)

    first, again = publishing.publish_defaults(), publishing.publish_defaults()

    assert [version.policy.slug for version in first] == [f"tier-{name}" for name in ["high", "medium", "low"]] + [
        "tier-unclassified"
    ]
    assert again == []
    assert PolicyVersion.objects.get(policy__slug="tier-life-threatening").document == own
