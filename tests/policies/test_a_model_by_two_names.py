"""The gate and the watch take a model by two names as one, and no better for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.models import User
from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from lineage import identity
from policies import incidents
from policies.incidentmodels import Incident
from policies.models import Promotion
from tests import factories
from tests.policies import stories
from tests.policies.stories import REGISTRY
from tests.policies.test_figures_of_what_is_live import figures

pytestmark = pytest.mark.django_db
NOW = datetime.now(tz=UTC).replace(microsecond=0)
OTHER = "s3://models"
SERVER = Job("k8s://prod", "serving/credit").as_service("KSERVE")


@pytest.fixture
def member() -> User:
    return factories.member(factories.team("risk"), "requester")


def guard(rules: str = "{check: kpi, metric: auc, minimum: 0.8}", name: str = "guarded", namespace: str = "") -> None:
    model = f", model: {{namespace: '{namespace}'}}" if namespace else ""
    stories.publish(f"policy: {name}\napplies: {{stage: production{model}}}\nrules:\n  - {rules}\n")


def model(namespace: str = REGISTRY, version: str = "1", **facets: Any) -> Dataset:
    return Dataset(namespace, "credit").as_model(version).saying(**facets)


def told(*datasets: Dataset) -> list[Event]:
    return [openlineage.of_dataset(one, at=NOW) for one in datasets]


def joined() -> Event:
    return openlineage.of_dataset(
        Dataset(REGISTRY, "credit").as_model().also_called(Dataset(OTHER, "credit")), at=NOW - timedelta(days=1)
    )


def auc(value: float) -> dict[str, Any]:
    return {"assay_modelMetrics": {"metrics": [{"name": "auc", "value": value, "measuredAt": NOW.isoformat()}]}}


def asked(actor: User, namespace: str = REGISTRY, version: str = "1") -> Promotion:
    return stories.judge(stories.ask(actor, version, namespace=namespace))


def finding(promotion: Promotion) -> tuple[str, str]:
    found = promotion.findings.get()
    return found.outcome, found.summary


class TestTheGate:
    def test_what_was_trained_and_measured_by_the_other_name_counts(self, member: User) -> None:
        stories.publish(
            stories.POLICY.replace("approvals: {count: 1}\n", "").replace(
                "  - check: ownership\n    roles: [steward]\n", ""
            )
        )
        training = stories.trained("1")
        training["outputs"][0]["namespace"] = OTHER
        stories.grow(training, *told(model()))
        assert asked(member).state == "blocked"

        stories.grow(joined())

        assert asked(member).state == "passed"

    def test_personal_data_reaches_it_by_the_other_name(self, member: User) -> None:
        guard("{check: personal-data}")
        training = stories.trained("1")
        training["outputs"][0]["namespace"] = OTHER
        training["inputs"][0]["facets"]["tags"] = {"tags": [{"key": "pii", "value": "true", "field": "email"}]}
        stories.grow(training, *told(model()))
        assert finding(asked(member))[0] == "unknown"

        stories.grow(joined())

        assert finding(asked(member))[0] == "fail"

    def test_contradicting_values_are_unknown(self, member: User) -> None:
        guard()
        stories.grow(*told(model(**auc(0.95)), model(OTHER, **auc(0.7))), joined())

        for namespace in (REGISTRY, OTHER):
            outcome, summary = finding(asked(member, namespace))
            assert (outcome, summary) == ("unknown", "auc is told differently by two names of the model.")

    @pytest.mark.parametrize(
        ("rule", "facet", "good", "bad", "outcome"),
        [
            (
                "{check: security}",
                "assay_testResults",
                {"results": [{"category": "security", "name": "scan", "outcome": "passed"}]},
                {"results": [{"category": "security", "name": "scan", "outcome": "failed"}]},
                "fail",
            ),
            (
                "{check: security}",
                "assay_testResults",
                {"results": [{"category": "security", "name": "scan", "outcome": "passed"}]},
                {"results": "lost"},
                "unknown",
            ),
            (
                "{check: load, p99_ms: 100}",
                "assay_loadTest",
                {"requests": 5_000, "errors": 0, "latencyMs": {"p99": 50}},
                {"requests": 5_000, "errors": 0, "latencyMs": {"p99": 500}},
                "unknown",
            ),
            (
                "{check: documentation, sections: [limitations], minimum_length: 4}",
                "assay_modelCard",
                {"limitations": "Not for minors."},
                {"limitations": "TODO"},
                "unknown",
            ),
            (
                "{check: licence, allow: [MIT], of: [model]}",
                "assay_license",
                {"expression": "MIT"},
                {"expression": "GPL-3.0-only"},
                "unknown",
            ),
        ],
    )
    def test_of_what_two_names_say_at_once_the_better_is_not_picked(
        self, member: User, rule: str, facet: str, good: Any, bad: Any, outcome: str
    ) -> None:
        guard(rule)
        told_by = {"1": (REGISTRY, OTHER), "2": (OTHER, REGISTRY), "3": (OTHER, REGISTRY)}
        for version, (one, other) in told_by.items():
            stories.grow(*told(model(one, version, **{facet: good}), model(other, version)), joined())
            assert asked(member, version=version).state == "passed"

            stories.grow(*told(model(other, version, **{facet: bad})))

            assert finding(asked(member, version=version))[0] == outcome
        assert finding(asked(member, OTHER))[0] == outcome

    @pytest.mark.parametrize("rule", ["check: data-quality", "check: contracts"])
    def test_what_is_said_of_data_by_another_name_counts_if_it_is_worse(self, member: User, rule: str) -> None:
        guard(f"{{{rule}}}")
        names = ["unique", "complete", "fresh", "known"]
        promised = {"assertions": [{"assertion": name} for name in names]}
        data, other = Dataset("n", "data").saying(assay_contract=promised), Dataset("s3://lake", "data")

        def checked(data: Dataset, number: int, *, success: bool) -> Event:
            said = {"assertions": [{"assertion": names[number], "success": success}]}
            found = Dataset(data.namespace, data.name).at("v7").saying(dataQualityAssertions=said)
            run = openlineage.run_id("check", data.namespace, number)
            at = NOW - timedelta(minutes=number)
            return openlineage.of_run(Type.COMPLETE, at=at, run=run, job=Job("jobs", "check"), inputs=[found])

        stories.grow(stories.trained("1"), openlineage.of_dataset(data, at=NOW))
        stories.grow(*(checked(data, number, success=True) for number in range(4)))
        assert asked(member).state == "passed"

        # Each by one name well and by the other badly, at one instant.
        stories.grow(*(checked(other, number, success=False) for number in range(4)))
        stories.grow(openlineage.of_dataset(data.also_called(other), at=NOW))

        outcome, summary = finding(asked(member))
        assert outcome == "fail"
        assert all(name in summary for name in names)

    def test_profiles_that_contradict_each_other_tell_nothing(self, member: User) -> None:
        guard(
            "{check: drift, measure: stability_index, maximum: 0.2, serving: {namespace: n, name: requests}, "
            "training: data}"
        )

        def profile(*counts: int) -> dict[str, Any]:
            return {"assay_dataProfile": {"columns": [{"name": "age", "edges": [18, 50, 100], "counts": counts}]}}

        requests, other = Dataset("n", "requests"), Dataset("s3://lake", "requests")
        trained_on = Dataset("n", "data").at("v7").saying(**profile(200, 200))
        stories.grow(stories.trained("1"), *told(trained_on, requests.saying(**profile(200, 200))))
        stories.grow(*told(other.saying(**profile(390, 10))))
        assert asked(member).state == "passed"

        stories.grow(openlineage.of_dataset(requests.also_called(other), at=NOW - timedelta(days=1)))

        assert finding(asked(member))[0] == "unknown"

    def test_production_is_what_passed_by_any_name_and_another_version(self, member: User) -> None:
        guard("{check: kpi, metric: auc, not_worse_than_production_by: 0.01}")
        stories.grow(
            *told(model(**auc(0.9)), model(OTHER, **auc(0.9)), model(OTHER, "2", **auc(0.5)), model("other://r"))
        )
        guard("{check: kpi, metric: auc, minimum: 0.8}", name="first", namespace=REGISTRY)
        assert asked(member).state == "passed"
        stories.grow(joined())

        assert finding(asked(member, OTHER, "2"))[0] == "fail"
        # The same version is nothing to compare with, whatever it is called.
        assert finding(asked(member, OTHER))[0] == "not_applicable"


def served(namespace: str, version: str = "1") -> Event:
    run = openlineage.run_id("revision", namespace, version)
    return openlineage.of_run(Type.RUNNING, at=NOW, run=run, job=SERVER, inputs=[model(namespace, version)])


def standing() -> list[tuple[str, str, str]]:
    found = Incident.objects.filter(closed_at=None).order_by("id")
    return list(found.values_list("kind", "namespace", "version"))


class TestTheWatch:
    def test_what_was_let_in_by_one_name_may_be_served_by_the_other(self, member: User) -> None:
        guard()
        stories.grow(*told(model(**auc(0.9)), model(OTHER)), served(OTHER))
        assert asked(member).state == "passed"
        incidents.watch()
        assert standing() == [("unapproved", OTHER, "1")]

        stories.grow(joined())
        incidents.watch()

        assert standing() == []
        assert Incident.objects.get().closed_as == incidents.Ending.APPROVED
        live = (REGISTRY, "credit", "1", "production")
        assert figures()["assay_model_verdict"] == {(*live, "passed"): 1}
        assert figures()["assay_model_kpi"] == {(*live, "auc", ""): 0.9}

    def test_another_version_is_not_let_in_by_it(self, member: User) -> None:
        guard()
        stories.grow(*told(model(**auc(0.9)), model(OTHER, "2")), served(OTHER, "2"), joined())
        assert asked(member).state == "passed"

        incidents.watch()

        assert standing() == [("unapproved", OTHER, "2")]

    def test_a_policy_guards_what_is_served_by_a_name_that_it_does_not_know(self) -> None:
        guard(namespace=REGISTRY)
        stories.grow(*told(model()), served(OTHER))
        incidents.watch()
        assert standing() == []

        stories.grow(joined())
        incidents.watch()
        incidents.watch()

        assert standing() == [("unapproved", REGISTRY, "1")]

    def test_what_one_name_blocked_is_not_let_in_by_another(self, member: User) -> None:
        guard("{check: kpi, metric: auc, minimum: 0.8}", name="strict", namespace=OTHER)
        guard("{check: kpi, metric: auc, minimum: 0.1}", name="lax", namespace=REGISTRY)
        stories.grow(*told(model(**auc(0.5)), model(OTHER)), served(OTHER), joined())
        assert (asked(member, OTHER).state, asked(member).state) == ("blocked", "passed")

        incidents.watch()

        assert standing() == [("unapproved", OTHER, "1")]
        assert figures()["assay_model_verdict"] == {(OTHER, "credit", "1", "production", "blocked"): 1}

    def test_an_alert_by_the_other_name_is_about_what_is_live(self) -> None:
        said = {"id": "f1", "severity": "critical", "kind": "drift", "openedAt": NOW.isoformat()}
        alert = openlineage.of_run(
            Type.OTHER,
            at=NOW,
            run=openlineage.run_id("alert"),
            job=Job("alertmanager://prod", "Drift"),
            inputs=[model(REGISTRY), model(OTHER)],
            facets={"assay_alerts": {"alerts": [said]}},
        )
        stories.grow(*told(model()), served(OTHER), alert, joined())

        incidents.watch()

        assert standing() == [("alert", OTHER, "1")]
        assert Incident.objects.get().model_version == identity.version(identity.asset("dataset", OTHER, "credit"), "1")
