"""What an InferenceService serves becomes runs of a deployment; its request log becomes counts."""

from pathlib import Path
from typing import Any

import pytest

from integrations import openlineage
from integrations.openlineage import Event
from integrations.systems import kserve, kubernetes
from integrations.systems.base import Context, KnowsNothing, Message, Refused
from tests.integrations import replaying

NAMESPACE = "kserve://cluster"
UID = "5c0f4dd0-3b1e-4b53-9f1e-6a1f0f6f0001"


class Knows(KnowsNothing):
    """A registry that knows the files of one model version."""

    def model(self, name: str, version: str) -> tuple[str, str] | None:
        return ("mlflow://ml", name)

    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        return ("mlflow://ml", "loans", "9") if uri == "gs://bank/models/loans/9" else None


def told(name: str, **options: Any) -> dict[str, Event]:
    """The events of a fixture by the run they are of."""
    context = Context(namespace=NAMESPACE, known=Knows(), options=kubernetes.KubernetesOptions(**options))
    return {event["run"]["runId"]: event for event in replaying.told(kserve.SYSTEM, name, context=context)}


def revision(number: int) -> str:
    return openlineage.run_id(NAMESPACE, UID, f"loans-predictor-{number:05}")


def test_a_canary_is_a_run_of_its_own_beside_that_of_the_revision_before() -> None:
    events = told("canary.json")

    canary, before, gone = events[revision(3)], events[revision(2)], events[revision(1)]
    assert [one["eventType"] for one in (canary, before, gone)] == ["RUNNING", "RUNNING", "COMPLETE"]
    assert {one["eventTime"] for one in events.values()} == {"2026-03-02T09:05:00+00:00"}
    assert (canary["job"]["namespace"], canary["job"]["name"]) == (NAMESPACE, "bank/loans")
    assert replaying.facets(canary, "job", "facets", "jobType")["processingType"] == "SERVICE"
    assert replaying.facets(canary, "job", "facets", "sourceCodeLocation")["version"].startswith("4f2c9d1e")
    assert replaying.facets(canary, "run", "facets", "assay_deployment") == {
        "kind": "online",
        "stage": "canary",
        "environment": "production",
        "traffic": 0.2,
        "revision": "loans-predictor-00003",
    }
    (model,) = canary["inputs"]
    assert (model["namespace"], model["name"]) == ("mlflow://ml", "loans")
    assert model["facets"]["version"]["datasetVersion"] == "8"
    assert replaying.facets(model, "facets", "assay_canary") == {
        "outcome": "running",
        "deployment": "bank/loans",
        "traffic": 0.2,
    }
    # Which model the revision before serves is not in the object; it was told when that was the newest.
    assert before["inputs"] == []
    assert canary["run"]["facets"]["parent"]["job"] == {"namespace": "airflow://af", "name": "deploy.loans"}


def test_a_canary_that_is_taken_back_ends_and_the_revision_before_serves_again() -> None:
    events = told("rollback.json")

    assert events[revision(3)]["eventType"] == "ABORT"
    assert replaying.facets(events[revision(3)], "inputs", "0", "facets", "assay_canary")["outcome"] == "aborted"
    back = replaying.facets(events[revision(2)], "run", "facets", "assay_deployment")
    assert (back["rollback"], back["stage"], back["traffic"]) == (True, "full", 1.0)


def test_a_revision_that_cannot_load_fails_by_its_reason_alone() -> None:
    events = told("failed.json")

    assert events[revision(3)]["eventType"] == "FAIL"
    assert events[revision(3)]["run"]["facets"]["errorMessage"]["message"] == "ModelLoadFailed"
    assert events[revision(2)]["eventType"] == "RUNNING"
    assert "password" not in str(events)


def test_a_service_that_is_deleted_serves_no_more() -> None:
    events = told("deleted.json")

    assert {one["eventType"] for one in events.values()} == {"COMPLETE"}
    assert {one["eventTime"] for one in events.values()} == {"2026-03-05T10:00:00+00:00"}


@pytest.mark.parametrize("name", ["raw.json", "List__of_services.json", "InferenceServiceList__of_services.json"])
def test_without_revisions_each_generation_is_a_run_of_the_version_whose_files_it_loads(name: str) -> None:
    events = told(name, environment="staging")

    now = events[openlineage.run_id(NAMESPACE, UID, "generation 3")]
    assert now["eventType"] == "RUNNING"
    assert now["inputs"][0]["facets"]["version"]["datasetVersion"] == "9"
    assert replaying.facets(now, "run", "facets", "assay_deployment")["environment"] == "staging"
    assert events[openlineage.run_id(NAMESPACE, UID, "generation 2")]["eventType"] == "COMPLETE"


def test_files_that_nobody_knows_are_read_as_files() -> None:
    *_, event = replaying.told(kserve.SYSTEM, "raw.json")

    assert (event["inputs"][0]["namespace"], event["inputs"][0]["name"]) == ("gs://bank", "models/loans/9")


@pytest.mark.parametrize("name", ["log_request.json", "log_response.json"])
def test_the_log_counts_a_decision_and_tells_nothing_of_it(name: str) -> None:
    ((run, event),) = told(name).items()

    assert run == openlineage.run_id(NAMESPACE, "bank/loans", "requests", "2026-03-02")
    assert replaying.facets(event, "run", "facets", "assay_decisionSamples") == {"count": 1}
    assert event["inputs"] == []
    assert "a name" not in str(event)


def test_requests_and_answers_of_a_while_are_joined_by_their_id() -> None:
    system, folder = kserve.SYSTEM, replaying.FIXTURES / "kserve"
    logged = [replaying.typed(system, replaying.message(folder / f"log_{one}.json")) for one in ("response", "request")]
    alone = Message(
        received_at=replaying.RECEIVED_AT,
        headers={**logged[1].headers, "ce-id": "a2", "ce-time": "2026-03-02T10:00:01Z"},
        type=kserve.REQUEST,
    )
    assert system.gather is not None

    (gathered,) = system.gather([*logged, alone, alone, Message(received_at=replaying.RECEIVED_AT)])
    (event,) = system.events(gathered, Context(namespace=NAMESPACE))

    assert replaying.facets(event, "run", "facets", "assay_decisionSamples") == {
        "count": 2,
        "answered": 1,
        "from": "2026-03-02T10:00:00+00:00",
        "until": "2026-03-02T10:00:01+00:00",
        "latencyMs": {"p50": 12.0, "p95": 12.0, "p99": 12.0, "max": 12.0},
    }
    assert event["eventTime"] == "2026-03-02T10:00:01+00:00"


def test_request_and_answer_have_keys_of_their_own_and_a_state_has_one() -> None:
    folder = replaying.FIXTURES / "kserve"
    names = ("log_request.json", "log_response.json", "canary.json", "deleted.json", "rollback.json")
    keys = [kserve.key_of(replaying.message(folder / name)) for name in names]

    assert len(set(keys)) == len(keys)
    assert keys[2] == f"{UID} 810"


def test_an_export_is_read_object_by_object(tmp_path: Path) -> None:
    exported = (replaying.FIXTURES / "kserve" / "List__of_services.json").read_text()
    (tmp_path / "all.json").write_text(exported)
    (tmp_path / "manifest.yaml").write_text("kind: InferenceService\nmetadata: {name: a}\n---\n---\nkind: Secret\n")
    assert kserve.SYSTEM.read_files is not None

    found = [message.type for message in kserve.SYSTEM.read_files(tmp_path, replaying.RECEIVED_AT)]

    assert found == ["InferenceService", "ConfigMap", "InferenceService", "Secret"]


def test_a_file_that_is_none_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text("{")
    assert kserve.SYSTEM.read_files is not None

    with pytest.raises(Refused, match=r"all\.json"):
        list(kserve.SYSTEM.read_files(tmp_path / "all.json", replaying.RECEIVED_AT))
