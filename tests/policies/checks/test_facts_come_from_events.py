"""Each check finds its facts in what senders posted: from events through the gate to the finding."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from governance.models import OwnerRole, Team, User
from lineage import identity
from policies import evidence_files, ports
from policies.models import Finding, GroupCounts
from policies.ports import TeamLevel
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
SHA = "3f2a9c1d0b7e5a6688aa11bb22cc33dd44ee55ff"
IMAGE = "registry.example/train@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
SCHEMA = {
    "fields": [
        {"name": "income", "type": "double"},
        {"name": "age", "type": "int"},
        {"name": "repaid", "type": "boolean"},
    ]
}
PROFILE = {"columns": [{"name": "age", "edges": [18, 30, 50, 100], "counts": [120, 230, 150]}]}


def policy(*rules: str) -> None:
    listed = "\n".join(f"  - {{{rule}}}" for rule in rules)
    stories.publish(f"policy: credit\napplies: {{stage: production}}\nrules:\n{listed}\n")


def found(actor: User, version: str = "1", **more: Any) -> Finding:
    """The finding of the only rule."""
    (finding,) = stories.judge(stories.ask(actor, version, **more)).findings.all()
    return finding


def dataset(name: str, version: str | None = None, *, namespace: str = "n", **facets: Any) -> dict[str, Any]:
    told = {"version": {"datasetVersion": version}} if version else {}
    return {"namespace": namespace, "name": name, "facets": told | facets}


def model(version: str | None = "1", **facets: Any) -> dict[str, Any]:
    return dataset("credit", version, namespace=stories.REGISTRY, datasetType={"datasetType": "MODEL"}, **facets)


def run(
    name: str, at: str = "2026-03-02T10:00:00Z", *, facets: Any = None, job: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "eventTime": at,
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": name, "facets": facets or {}},
        "job": {"namespace": "jobs", "name": name} | (job or {}),
    } | more


def training(
    version: str = "1", *, name: str = "train", seed: int | None = 7, auc: float = 0.9, **more: Any
) -> dict[str, Any]:
    location = {"type": "git", "url": "https://git.example/r", "repoUrl": "https://git.example/r", "version": SHA}
    parameters = {"parameters": {"depth": 6}} | ({"seed": seed} if seed is not None else {})
    return (
        run(
            f"{name} {version}",
            facets={"assay_trainingParameters": parameters, "assay_environment": {"image": IMAGE}},
            job={
                "name": "train",
                "facets": {"sourceCodeLocation": location, "assay_license": {"expression": "Apache-2.0"}},
            },
            inputs=[
                dataset(
                    "loans", "v7", schema=SCHEMA, assay_license={"expression": "CC-BY-4.0"}, assay_dataProfile=PROFILE
                )
            ],
            outputs=[model(version, assay_modelMetrics={"metrics": [{"name": "auc", "value": auc}]})],
        )
        | more
    )


def test_documentation_prefers_the_card_of_the_version(owner: User) -> None:
    policy("check: documentation")
    card = {"intendedUse": "Ranks applications for loans.", "limitations": ["Not for businesses.", "Not below 21."]}
    stories.grow(training(), run("card", outputs=[model(assay_modelCard=card)]))

    finding = found(owner)

    assert (finding.outcome, finding.evidence) == ("pass", {"facet": "assay_modelCard"})


def test_documentation_reads_the_headings_of_the_standard_facet(owner: User) -> None:
    policy("check: documentation")
    text = "# Credit\n\n## Intended use\n\nRanks applications for loans.\n\n## Limitations\n\nTODO\n"
    stories.grow(training(), run("doc", outputs=[model(None, documentation={"description": text})]))

    finding = found(owner)

    assert (finding.outcome, finding.summary) == ("fail", "Not written: limitations.")


def test_without_any_text_documentation_is_unknown(owner: User) -> None:
    policy("check: documentation")
    stories.grow(training())

    assert found(owner).outcome == "unknown"


def test_a_training_that_is_told_whole_is_reproducible(owner: User) -> None:
    policy("check: reproducible")
    stories.grow(training(), training("2", seed=None))

    assert found(owner).outcome == "pass"
    assert found(owner, "2").summary == "not known: the seed."


@pytest.mark.parametrize(("auc", "outcome"), [(0.9004, "pass"), (0.88, "fail")])
def test_a_second_run_is_compared(owner: User, auc: float, outcome: str) -> None:
    policy("check: reproducible, second_run: {metrics: [auc], tolerance: 0.001}")
    stories.grow(training(), training("2", name="again", auc=auc), training("3", name="other", seed=8))

    assert found(owner).outcome == outcome


def test_assertions_count_on_the_version_that_was_read_alone(owner: User) -> None:
    policy("check: data-quality")
    held, failed = ({"assertions": [{"assertion": "unique", "column": "id", "success": one}]} for one in (True, False))

    def checked(version: str, told: Any) -> dict[str, Any]:
        return run(
            f"expect {version}", inputs=[dataset("loans", version) | {"inputFacets": {"dataQualityAssertions": told}}]
        )

    stories.grow(training(), checked("v6", failed))
    assert found(owner).outcome == "unknown"

    stories.grow(checked("v7", held))
    assert found(owner).outcome == "pass"

    stories.grow(checked("v7", failed) | {"eventTime": "2026-03-03T10:00:00Z"})
    assert found(owner).summary == "loans v7 fails unique of id."


def test_tests_of_dbt_count_if_it_may_be_inferred_what_they_looked_at(owner: User) -> None:
    policy("check: data-quality, accept_inferred: true")
    written = run("load", "2026-03-01T09:00:00Z", outputs=[dataset("loans", "v7")])
    facets = {"test": {"tests": [{"name": "not_null_id", "status": "pass", "severity": "error"}]}}
    stories.grow(written, training(), run("dbt", "2026-03-01T12:00:00Z", facets=facets, inputs=[dataset("loans")]))

    assert found(owner).outcome == "pass"


def test_the_newest_facet_that_cannot_be_read_hides_what_older_ones_said(owner: User) -> None:
    policy("check: load, p99_ms: 100")
    good = {"requests": 5000, "latencyMs": {"p99": 80}}
    stories.grow(training(), run("load", inputs=[model(assay_loadTest=good)]))
    assert found(owner).outcome == "pass"

    stories.grow(run("load again", "2026-03-04T10:00:00Z", inputs=[model(assay_loadTest={"latencyMs": {"p99": 900}})]))
    assert found(owner).outcome == "unknown"


def test_serving_columns_are_found_through_the_deployment(owner: User) -> None:
    policy("check: schema-match, not_served: [repaid]")
    service = {"name": "api", "facets": {"jobType": {"processingType": "SERVICE"}}}
    requests = dataset("requests", schema={"fields": [{"name": "income", "type": "float64"}]})
    stories.grow(training(), run("api", job=service, inputs=[model(), requests]))

    finding = found(owner)

    assert (finding.outcome, finding.summary) == ("fail", "not served: age.")
    assert finding.evidence == {"training": "loans", "serving": "requests"}


def test_the_schema_of_training_is_the_one_of_then(owner: User) -> None:
    policy("check: schema-match, serving: {namespace: n, name: requests}, not_served: [repaid]")
    later = {"fields": [{"name": "zip", "type": "string"}]}
    stories.grow(
        training(),
        run("serve", outputs=[dataset("requests", schema=SCHEMA)]),
        run("change", "2026-03-09T10:00:00Z", outputs=[dataset("loans", "v8", schema=later)]),
    )

    assert found(owner).outcome == "pass"


def test_drift_between_profiles_that_were_sent(owner: User) -> None:
    policy("check: drift, measure: stability_index, maximum: 0.2, serving: {namespace: n, name: requests}")
    moved = {"columns": [PROFILE["columns"][0] | {"counts": [400, 80, 20]}]}
    stories.grow(training(), run("profile", outputs=[dataset("requests", assay_dataProfile=PROFILE)]))
    assert found(owner).outcome == "pass"

    stories.grow(run("profile 2", "2026-03-05T10:00:00Z", outputs=[dataset("requests", assay_dataProfile=moved)]))
    assert found(owner).outcome == "fail"


def test_drift_between_two_files_is_counted_once(owner: User) -> None:
    files_of = "training_evidence: a, serving_evidence: b"
    policy(f"check: drift, measure: kolmogorov_smirnov, maximum: 0.1, columns: [age], {files_of}")
    stories.grow(training())

    def stored(*ages: int) -> str:
        content = "age\n" + "\n".join(map(str, ages))
        digest = hashlib.sha256(content.encode()).hexdigest()
        evidence_files.store(actor=owner, digest=digest, content=[content.encode()])
        return digest

    files = {"a": stored(*range(200)), "b": stored(*range(30, 230))}

    findings = [found(owner, evidence=files) for _ in range(2)]

    assert [finding.outcome for finding in findings] == ["fail", "fail"]
    assert findings[0].measured is not None
    assert findings[0].measured["age"]["value"] == pytest.approx(0.15)
    assert GroupCounts.objects.count() == 1


def test_tests_by_runs_that_read_the_version(owner: User) -> None:
    policy("check: robustness, tests: [noise]")
    results = [{"category": "robustness", "name": "noise", "outcome": "passed"}]
    stories.grow(training(), run("suite", facets={"assay_testResults": {"results": results}}, inputs=[model()]))
    assert found(owner).outcome == "pass"

    results = [{"category": "robustness", "name": "noise", "outcome": "failed"}]
    stories.grow(run("suite 2", "2026-03-05T10:00:00Z", inputs=[model(assay_testResults={"results": results})]))
    assert found(owner).summary == "failed: noise."


def test_security_by_the_standard_facet(owner: User) -> None:
    policy("check: security")
    tests = {"tests": [{"name": "scan", "status": "pass", "type": "security"}]}
    stories.grow(training(), run("scan", facets={"test": tests}, inputs=[model()]))

    assert found(owner).outcome == "pass"


def test_a_canary_of_another_version_says_nothing_of_this_one(owner: User) -> None:
    policy("check: canary, minimum_requests: 100")
    canary = {"outcome": "pass", "requests": 500}
    stories.grow(training(), training("2"), run("canary", inputs=[model("2", assay_canary=canary)]))

    assert found(owner).outcome == "unknown"
    assert found(owner, "2").outcome == "pass"


def test_the_way_back_is_the_version_before_or_the_fallback(owner: User) -> None:
    policy("check: rollback-target")
    stories.grow(training(), training("2"))
    assert found(owner).outcome == "unknown"

    rollback = {"fallback": "the hand-coded rules"}
    stories.grow(run("note", outputs=[model(None, assay_rollback=rollback)]))
    first = found(owner)
    assert (first.outcome, first.promotion.state) == ("pass", "passed")

    assert found(owner, "2").measured == {"version": "1", "fallback": "the hand-coded rules"}


def test_licences_of_data_and_code(owner: User) -> None:
    policy("check: licence, allow: [CC-BY-4.0, MIT]")
    stories.grow(training())

    finding = found(owner)

    assert finding.summary == "code of a licence that is not allowed: train (Apache-2.0)."
    assert finding.measured == {"data loans": "CC-BY-4.0", "code train": "Apache-2.0", "model credit": None}


def test_personal_data_is_followed_to_the_model(owner: User) -> None:
    policy("check: personal-data")
    stories.grow(training())
    assert found(owner).summary == "Nobody has tagged loans."

    tagged = dataset("loans", "v7", tags={"tags": [{"key": "pii", "value": "true", "source": "x", "field": "age"}]})
    stories.grow(run("tag", "2026-03-01T08:00:00Z", outputs=[tagged]))
    finding = found(owner)
    assert (finding.outcome, finding.summary) == ("fail", "Personal and neither masked nor allowed: loans.age.")


def test_a_baseline_is_found_by_its_name(owner: User) -> None:
    policy("check: kpi, metric: auc, baseline: {model: credit-rules}, better_than_baseline_by: 0.05")
    rules = model("1", assay_modelMetrics={"metrics": [{"name": "auc", "value": 0.8}]}) | {"name": "credit-rules"}
    stories.grow(training())
    assert found(owner).outcome == "unknown"

    stories.grow(run("rules", outputs=[rules]))
    finding = found(owner)
    assert finding.outcome == "pass"
    assert finding.evidence is not None
    assert finding.evidence["baseline"] == "credit-rules 1"


def test_apps_above_answer_what_only_they_know(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "maturity", ports.Port[ports.MaturityReader]())
    policy("check: maturity, framework: google, minimum_level: 1")
    stories.grow(training())
    team = Team.objects.first() or factories.team("lending")
    factories.ownership(identity.asset("dataset", stories.REGISTRY, "credit"), OwnerRole.STEWARD, team)

    assert found(owner).outcome == "unknown"

    ports.maturity.register(lambda *, teams, framework: [TeamLevel(team=team, level=1) for team in teams])

    assert found(owner).outcome == "pass"


CONTRACT = {
    "version": "2",
    "columns": [{"name": "age", "type": "integer"}],
    "assertions": [{"assertion": "not_null", "column": "age"}],
}


def test_a_contract_is_held_against_what_was_observed_last(owner: User) -> None:
    policy("check: contracts")

    def observed(at: str, **facets: Any) -> tuple[str, str]:
        """What the check says once a job upstream of the training has written its data so."""
        wrote = [dataset("raw_loans", schema=facets.pop("schema", SCHEMA), **facets)]
        stories.grow(run(f"load {at}", at, outputs=wrote))
        finding = found(owner)
        return finding.outcome, finding.summary

    def asserted(holds: bool) -> dict[str, Any]:
        told = [{"assertion": "not_null", "column": "age", "success": holds}]
        return {"dataQualityAssertions": {"assertions": told}}

    stories.grow(training())
    assert found(owner).summary == "no data contracts are kept for what is upstream."

    made = run("prepare", "2026-03-01T09:00:00Z", inputs=[dataset("raw_loans")], outputs=[dataset("loans", "v7")])
    stories.grow(made)
    first = observed("2026-03-01T08:00:00Z", assay_contract=CONTRACT)
    assert first == ("unknown", "not observed of raw_loans: not_null of age.")
    assert observed("2026-03-02T08:00:00Z", **asserted(True)) == ("pass", "kept: raw_loans.")
    assert observed("2026-03-03T08:00:00Z", **asserted(False)) == (
        "fail",
        "raw_loans breaks its contract: not_null of age failed.",
    )
    # The breach is open until what is observed is good again, and no other good news settles it.
    assert observed("2026-03-04T08:00:00Z")[0] == "fail"
    assert observed("2026-03-05T08:00:00Z", **asserted(True))[0] == "pass"
    changed = {"fields": [{"name": "age", "type": "varchar"}]}
    assert observed("2026-03-06T08:00:00Z", schema=changed) == (
        "fail",
        "raw_loans breaks its contract: the column age is varchar and not integer.",
    )
    assert observed("2026-03-07T08:00:00Z")[0] == "pass"
    closed = CONTRACT | {"noOtherColumns": True}
    assert observed("2026-03-08T08:00:00Z", assay_contract=closed)[1].endswith("are there: income, repaid.")
    stale = {"freshWithinHours": 24}
    assert observed("2026-03-09T08:00:00Z", assay_contract=stale)[1].endswith("not written for more than 24 hours.")
    assert observed(timezone.now().isoformat(), assay_contract=stale)[0] == "pass"
    assert observed(timezone.now().isoformat(), assay_contract={})[0] == "unknown"
    assert observed(timezone.now().isoformat(), assay_contract={"_deleted": True})[0] == "unknown"


def test_a_question_is_answered_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    port = ports.Port[ports.MaturityReader]()

    def reader(*, teams: Any, framework: str) -> None:
        return None

    port.register(reader)
    port.register(reader)

    with pytest.raises(RuntimeError):
        port.register(lambda *, teams, framework: None)


def test_files_named_and_not_sent_are_unknown(owner: User, tmp_path: Path) -> None:
    policy("check: drift, measure: chi_squared, maximum: 0.1, training_evidence: a, serving_evidence: b")
    stories.grow(training())

    assert found(owner).summary == "The evidence 'a' is not available."
    assert found(owner, evidence={"a": "0" * 64, "b": "1" * 64}).summary == "The evidence 'a' was stated and not sent."
