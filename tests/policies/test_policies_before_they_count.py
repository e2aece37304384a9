"""Cases beside a policy, simulation over the past, and dry runs: what would be decided, and nothing is written."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance import classification
from governance.errors import Denied, NotFound
from governance.models import AuditEntry, Team, User
from governance.yamldocuments import BadDocument
from lineage.models import Event
from policies import casefiles, documents, dryruns, simulation
from policies.models import Finding, Promotion, Verdict
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
CASES = """\
policy: credit
cases:
  - name: good enough
    promotion: {stage: production, model: credit-risk}
    approvals: 1
    facts:
      owners: {steward: somebody}
      measurements: [{metric: auc, segment: "", value: 0.9, measured_at: "2026-01-01T00:00:00Z", dataset: null}]
      runs:
        - {id: r, job: train, state: completed, repository: git, commit: c, inputs: [*INPUT]}
      promotion_commit: c
    expect: passed
    findings: {kpi: pass, ownership: pass}
  - name: no owner
    promotion: {stage: production, model: credit-risk}
    facts:
      measurements: [{metric: auc, segment: "", value: 0.9, measured_at: "2026-01-01T00:00:00Z", dataset: null}]
    expect: blocked
    findings: {ownership: fail, lineage-complete: unknown}
  - name: of somebody else
    promotion: {stage: staging, model: credit-risk}
    expect: not judged
""".replace("*INPUT", "{name: d, version: v, is_pinned: true}")


def rows() -> dict[str, int]:
    """How many rows there are of everything that a request would write."""
    return {str(model.__name__): model.objects.count() for model in (Promotion, Finding, Verdict, AuditEntry, Event)}


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body).encode(), content_type="application/json")


def test_cases_come_as_expected() -> None:
    results = casefiles.run(documents.parse(stories.POLICY), CASES)

    assert [(result.state, result.problem) for result in results] == [
        ("passed", ""),
        ("blocked", ""),
        ("not judged", ""),
    ]
    assert [result.line for result in results] == [3, 14, 20]


def test_a_case_that_comes_otherwise_says_how() -> None:
    policy = documents.parse(stories.POLICY.replace("0.8", "0.95"))
    wrong = CASES.replace("{ownership: fail, lineage-complete: unknown}", "{ownership: pass}")

    first, second, _ = casefiles.run(policy, wrong)

    assert first.problem == "expected passed, came to blocked (kpi: auc is 0.9: below 0.95.)"
    assert second.problem == "ownership: expected pass, came to fail"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("expect: passed", "expect: pass", "12:5: cases[0].expect: invalid enum value"),
        (
            "promotion: {stage: staging, model: credit-risk}",
            "promotion: {stage: staging}",
            "promotion.model: is missing",
        ),
        ("owners: {steward", "ownres: {steward", "7:7: cases[0].facts.ownres: unknown fact; did you mean 'owners'?"),
        ("policy: credit", "policy: other", "1:1: policy: these cases are of 'other'"),
        ("owners: {steward: somebody}", "owners: {steward: 7}", "7:7: cases[0].facts.owners"),
        ("value: 0.9", "value: .nan", "is not a finite number"),
        ("    approvals: 1\n", "    at: soon\n", "cases[0].at: is neither"),
    ],
)
def test_a_wrong_case_is_named_by_its_place(old: str, new: str, says: str) -> None:
    with pytest.raises(BadDocument) as caught:
        casefiles.run(documents.parse(stories.POLICY), CASES.replace(old, new, 1))

    assert says in str(caught.value)


@pytest.fixture
def past(team: Team, member: User) -> list[Promotion]:
    """Two promotions that were judged: one waits for its approval, one is blocked by its figure."""
    stories.publish()
    stories.owned(team)
    stories.grow(stories.trained("1", auc=0.9), stories.trained("2", auc=0.7))
    return [stories.judge(stories.ask(member, version)) for version in ("1", "2")]


def simulated(text: str, **more: Any) -> simulation.Simulation:
    now = timezone.now()
    return simulation.simulate(texts=[text], since=now - timedelta(days=1), until=now + timedelta(days=1), **more)


def test_the_same_policy_would_have_decided_the_same(past: list[Promotion]) -> None:
    before = rows()

    found = simulated(stories.POLICY)

    assert (found.simulated, found.changes, found.from_today) == (2, (), 0)
    assert found.was == found.would == {"waiting": 1, "blocked": 1}
    assert rows() == before


def test_a_draft_shows_what_would_change_and_why(past: list[Promotion]) -> None:
    stricter = simulated(stories.POLICY.replace("minimum: 0.8", "minimum: 0.95"))
    laxer = simulated(stories.POLICY.replace("minimum: 0.8", "minimum: 0.5").replace("count: 1", "count: 0"))

    (change,) = stricter.changes
    assert (change.version, change.was, change.would) == ("1", "waiting", "blocked")
    assert [(reason.check, reason.facts) for reason in change.because] == [("kpi", "stored")]
    assert [(change.version, change.would) for change in laxer.changes] == [("2", "passed"), ("1", "passed")]


def test_facts_that_were_not_stored_then_are_those_of_today(past: list[Promotion]) -> None:
    found = simulated(stories.POLICY.replace("approvals:", "  - {check: goals}\napprovals:"))

    assert found.from_today == 2
    assert {reason.check for change in found.changes for reason in change.because} == {"goals"}


def test_a_draft_is_taken_as_if_it_had_taken_effect(past: list[Promotion]) -> None:
    later = "effective_from: 2999-01-01\n" + stories.POLICY.replace("minimum: 0.8", "minimum: 0.95")

    assert len(simulated(later).changes) == 1


def test_policies_of_today_apply_beside_the_draft_unless_it_is_taken_alone(past: list[Promotion]) -> None:
    other = "policy: other\napplies: {stage: production}\nrules: [{check: ownership, roles: [steward]}]"

    assert simulated(other).would == {"waiting": 1, "blocked": 1}
    assert simulated(other, alone=True).would == {"passed": 2}


def test_it_says_when_there_were_more(past: list[Promotion]) -> None:
    assert simulated(stories.POLICY, limit=1).truncated
    assert not simulated(stories.POLICY, limit=2).truncated


def test_the_model_is_selected_as_it_was_classified_then(past: list[Promotion], administrator: User) -> None:
    classification.classify(actor=administrator, asset=past[0].model, tier="high", reason="since today")
    tiered = "policy: tiered\napplies: {stage: production, model: {tier: [high]}}\nrules: [{check: goals}]"

    assert simulated(tiered, alone=True).would == {"blocked": 2}
    assert all(not change.because for change in simulated(tiered, alone=True).changes)


def test_a_dry_run_says_what_a_request_would_come_to_and_leaves_nothing(team: Team, member: User) -> None:
    stories.publish()
    stories.owned(team)
    stories.grow(stories.trained("1"), stories.trained("2", auc=0.7))
    client = factories.client(member)
    before = rows()
    asked = {"model": "credit", "stage": "production", "dry_run": True}

    good = post(client, "promotions", asked | {"version": "1"})
    bad = post(client, "promotions", asked | {"version": "2"}).json()

    assert (good.status_code, good.json()["state"], good.json()["dry_run"]) == (200, "waiting", True)
    assert good.json()["policies"][0]["policy"] == "credit"
    assert (bad["state"], [finding["outcome"] for finding in bad["findings"]]) == ("blocked", ["fail", "pass", "pass"])
    assert rows() == before
    assert not connection.needs_rollback


def test_a_dry_run_is_refused_like_a_request(member: User, outsider: User, team: Team) -> None:
    stories.publish()
    stories.owned(team)
    stories.grow(stories.trained("1"))

    with pytest.raises(Denied):
        dryruns.run(actor=outsider, model="credit", version="1", stage="production", show=lambda row: row)
    with pytest.raises(NotFound):
        dryruns.run(actor=member, model="credit", version="9", stage="production", show=lambda row: row)


def test_over_http(past: list[Promotion], member: User) -> None:
    client = factories.client(member)
    day = {"since": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}

    found = post(client, "policies/simulate", {"documents": [stories.POLICY.replace("0.8", "0.95")], **day})
    tested = post(client, "policies/test", {"document": stories.POLICY, "cases": CASES}).json()
    broken = post(client, "policies/test", {"document": stories.POLICY, "cases": "cases: []"}).json()
    bad = post(client, "policies/simulate", {"documents": ["policy: x"], **day}).json()
    backwards = post(client, "policies/simulate", {"documents": ["x"], "since": day["until"], "until": day["since"]})

    assert found.json()["changes"][0]["because"][0]["check"] == "kpi"
    assert (tested["passed"], len(tested["cases"])) == (True, 3)
    assert (broken["passed"], broken["errors_in"], broken["errors"][0]["line"]) == (False, "cases", 1)
    assert bad["code"] == "bad_policy"
    assert backwards.status_code == 400
