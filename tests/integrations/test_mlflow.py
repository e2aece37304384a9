"""MLflow's registry and runs become models, versions, runs with what they read and made, and claims."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.openlineage import Event
from integrations.systems import mlflow
from integrations.systems.base import Context, Message
from integrations.systems.mlflow import polling
from integrations.systems.mlflow.names import MlflowOptions
from tests.integrations import polled, replaying

CONTEXT = Context(namespace="mlflow://ml.example", options=MlflowOptions())
LOGGED = "m-" + "7" * 32
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def told(name: str, context: Context = CONTEXT) -> list[Event]:
    return replaying.told(mlflow.SYSTEM, name, context=context)


def claims(name: str) -> list[tuple[str, str, str, str]]:
    message = replaying.typed(mlflow.SYSTEM, replaying.message(replaying.FIXTURES / "mlflow" / name))
    assert mlflow.SYSTEM.claims is not None
    found = mlflow.SYSTEM.claims(message, CONTEXT)
    return [(claim.namespace, claim.model, claim.version, claim.stage) for claim in found]


def test_a_registered_model_comes_with_its_tags_and_description() -> None:
    for name in ("registered_model_created.json", "registered_models__page.json"):
        [event] = told(name)

        assert (event["dataset"]["namespace"], event["dataset"]["name"]) == ("mlflow://ml.example", "churn")
        assert replaying.facets(event, "dataset", "facets", "datasetType") == {"datasetType": "MODEL"}
        assert event["dataset"]["facets"]["tags"]["tags"] == [
            {"key": "owner", "value": "retention", "source": "MLFLOW"}
        ]
        assert "Ranks customers" in event["dataset"]["facets"]["documentation"]["description"]


def test_a_version_comes_with_the_place_of_its_files() -> None:
    [hooked] = told("model_version_created.json")
    polled_first, polled_second = told("model_versions__page.json")

    for event in (hooked, polled_first):
        assert event["dataset"]["facets"]["version"]["datasetVersion"] == "4"
        assert event["dataset"]["facets"]["assay_modelFiles"]["places"] == [
            {"namespace": "s3://models", "name": "churn/4"}
        ]
    # Of one that was registered from a logged model, that model knows.
    assert "assay_modelFiles" not in polled_second["dataset"]["facets"]
    [logged] = told("logged_models__page.json")
    assert logged["dataset"]["facets"]["version"]["datasetVersion"] == "5"
    assert logged["dataset"]["facets"]["assay_modelFiles"]["places"] == [
        {"namespace": "uri", "name": f"models:/{LOGGED}"},
        {"namespace": "s3://runs", "name": f"7/models/{LOGGED}/artifacts"},
    ]


def test_a_run_says_what_it_read_made_and_measured_and_who_started_it() -> None:
    start, end, child = told("runs__page.json")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T07:53:20+00:00")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-03-02T07:59:50+00:00")
    assert end["job"]["name"] == "churn-training"
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"]) == ("https://github.example/acme/churn", "4f2c9d1e" * 5)
    assert replaying.facets(end, "run", "facets", "assay_trainingParameters") == {
        "parameters": {"max_depth": "6", "random_state": "11"},
        "seed": "11",
    }
    assert replaying.facets(end, "run", "facets", "parent") == {
        "run": {"runId": "0191d6f1-7d50-7b9e-9a51-0c6f4f2f9c11"},
        "job": {"namespace": "airflow://sched.example", "name": "churn.train"},
    }
    read = [(one["namespace"], one["name"], one["facets"]["version"]["datasetVersion"]) for one in end["inputs"]]
    assert read == [
        ("s3://lake", "churn/customers.parquet", "d1"),
        ("mlflow://ml.example", "datasets/holdout", "d2"),
    ]
    assert end["inputs"][0]["facets"]["schema"]["fields"] == [{"name": "age", "type": "double"}]
    version, logged = end["outputs"]
    assert (version["name"], version["facets"]["version"]["datasetVersion"]) == ("churn", "5")
    assert (logged["name"], logged["facets"]["version"]["datasetVersion"]) == ("churn-training/logged model", LOGGED)
    measured = {(one["name"], one["value"]) for one in version["facets"]["assay_modelMetrics"]["metrics"]}
    assert measured == {("auc", 0.8), ("auc", 0.88), ("loss", None)}
    [on] = [one["dataset"] for one in version["facets"]["assay_modelMetrics"]["metrics"] if "dataset" in one]
    assert on == {"namespace": "mlflow://ml.example", "name": "datasets/holdout", "version": "d2"}
    assert child["eventType"] == "START"
    assert child["run"]["facets"]["parent"]["run"]["runId"] == end["run"]["runId"]


def test_a_commit_without_a_repository_is_of_the_one_that_the_connection_names() -> None:
    document = {
        "run": {
            "info": {"run_id": "0e" * 16, "experiment_id": "3", "status": "RUNNING", "start_time": 1772438100000},
            "data": {"tags": [{"key": "mlflow.source.git.commit", "value": "ab" * 20}]},
        }
    }
    context = Context(namespace="mlflow://x", options=MlflowOptions(repository="https://github.example/acme/x"))
    message = Message(received_at=NOW, document=document, type="runs")

    [event] = mlflow.SYSTEM.events(message, context)

    assert event["job"]["name"] == "experiment 3"
    assert event["job"]["facets"]["sourceCodeLocation"]["repoUrl"] == "https://github.example/acme/x"
    [without] = mlflow.SYSTEM.events(message, CONTEXT)
    assert "sourceCodeLocation" not in without["job"]["facets"]


@pytest.mark.parametrize(
    "name",
    [
        "model_version_alias_created.json",
        "registered_models__page.json",
        "model_versions__page.json",
        "databricks_stage.json",
    ],
)
def test_an_alias_or_stage_that_stands_for_production_is_a_claim(name: str) -> None:
    assert claims(name) == [("mlflow://ml.example", "churn", "4", "production")]


def test_other_deliveries_claim_nothing() -> None:
    assert claims("model_version_created.json") == claims("databricks_version.json") == []


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("test_of_the_address.json", "test"),
        ("prompt_created.json", "prompt.created"),
        ("model_version_tag_set.json", "model_version_tag.set"),
        ("model_version_alias_deleted.json", "model_version_alias.deleted"),
    ],
)
def test_tests_prompts_and_parts_of_tags_bring_nothing(name: str, type: str) -> None:
    message = replaying.typed(mlflow.SYSTEM, replaying.message(replaying.FIXTURES / "mlflow" / name))

    assert message.type == type
    assert type in mlflow.SYSTEM.ignored


class Server:
    """The questions that a poll asks, answered as MLflow 3.17 does."""

    def __init__(self) -> None:
        self.experiments = [{"experiment_id": "7", "name": "churn-training"}]
        self.models: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.page = 3

    def answers(self) -> dict[str, polled.Answer]:
        named = {
            "experiments/search": lambda asked: self._paged(asked, "experiments", self.experiments),
            "registered-models/search": lambda asked: self._paged(asked, "registered_models", self.models),
            "model-versions/search": self._search_versions,
            "runs/search": self._search_runs,
            "logged-models/search": lambda asked: {"models": []},
        }
        return {f"{polling.API}/{path}": answer for path, answer in named.items()}

    def _paged(self, asked: Mapping[str, Any], key: str, found: list[dict[str, Any]]) -> dict[str, Any]:
        start, most = int(asked.get("page_token", 0)), min(self.page, int(asked["max_results"]))
        after = {"next_page_token": str(start + most)} if start + most < len(found) else {}
        return {key: found[start : start + most], **after}

    def _search_versions(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = self.versions
        if "filter" in asked:
            ids = re.findall(r"'(\w+)'", asked["filter"])
            found = [one for one in found if one["run_id"] in ids]
        return self._paged(asked, "model_versions", sorted(found, key=lambda one: -one["last_updated_timestamp"]))

    def _search_runs(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        question = asked["filter"]
        if found := re.fullmatch(r"attributes.end_time >= (\d+)", question):
            runs = [one for one in self.runs if one["info"].get("end_time", 0) >= int(found[1]) > -1]
            runs = [one for one in runs if "end_time" in one["info"]]
        elif " IN (" in question:
            runs = [one for one in self.runs if one["info"]["run_id"] in re.findall(r"'(\w+)'", question)]
        else:
            runs = [one for one in self.runs if one["info"]["status"] == "RUNNING"]
        return self._paged(asked, "runs", sorted(runs, key=lambda one: one["info"].get("end_time", 0)))

    def add(self, number: int, *, at: int, ended: int | None = None) -> None:
        """A run that registered a version of a model of its own."""
        run: dict[str, Any] = {
            "run_id": f"{number:032x}",
            "experiment_id": "7",
            "status": "RUNNING" if ended is None else "FINISHED",
            "start_time": 1_772_000_000_000,
            "lifecycle_stage": "active",
        }
        self.runs.append({"info": run if ended is None else run | {"end_time": ended}})
        self.models.append({"name": f"m{number}", "last_updated_timestamp": at})
        version = {"name": f"m{number}", "version": "1", "last_updated_timestamp": at, "run_id": run["run_id"]}
        self.versions.append(version | {"source": f"s3://models/m{number}"})


def poll(client: polled.Http, cursor: Mapping[str, Any], now: datetime = NOW) -> tuple[list[Message], dict[str, Any]]:
    messages: list[Message] = []
    for page in polling.poll(client, CONTEXT, cursor, now):
        messages += page.messages
        # As it is kept between polls.
        cursor = json.loads(json.dumps(page.cursor))
    return messages, dict(cursor)


def versions_made(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        for event in mlflow.SYSTEM.events(message, CONTEXT):
            for output in event.get("outputs", ()):
                yield output["name"]


@pytest.fixture
def server() -> Iterator[tuple[Server, polled.Http]]:
    state = Server()
    with polled.serving(state.answers()) as client:
        yield state, client


def test_a_poll_tells_all_then_nothing_then_what_changed(server: tuple[Server, polled.Http]) -> None:
    state, client = server
    for number in range(5):
        state.add(number, at=1_772_000_100_000 + number, ended=1_772_000_100_000 + number * 3_600_000)

    messages, cursor = poll(client, {})
    assert sorted(set(versions_made(messages))) == ["m0", "m1", "m2", "m3", "m4"]
    assert sum(len(message.document.get("model_versions", ())) for message in messages) == 5

    messages, cursor = poll(client, cursor)
    # The runs of the last minute are asked for again, since clocks differ; they are told in the same words.
    assert {message.type for message in messages} <= {"runs"}
    assert list(versions_made(messages)) == ["m4"]

    state.add(5, at=1_772_100_000_000, ended=1_772_000_100_001)
    state.models[0]["aliases"] = [{"alias": "champion", "version": "1"}]
    messages, cursor = poll(client, cursor)
    # Its run ended before those that were told, and is found by the version that it made.
    assert "m5" in set(versions_made(messages))
    changed = [model for one in messages for model in one.document.get("registered_models", ())]
    assert [one["name"] for one in changed] == ["m0", "m5"]


def test_once_a_day_versions_are_read_whole(server: tuple[Server, polled.Http]) -> None:
    state, client = server
    for number in range(5):
        state.add(number, at=1_772_000_100_000 + number, ended=1_772_000_100_000)
    _, cursor = poll(client, {})
    state.versions[1]["tags"] = [{"key": "reviewed", "value": "yes"}]

    def reviewed(now: datetime) -> list[str]:
        messages, _ = poll(client, cursor, now)
        found = [version for one in messages for version in one.document.get("model_versions", ())]
        return [one["name"] for one in found if one.get("tags")]

    assert reviewed(NOW + timedelta(hours=23)) == []
    assert reviewed(NOW + timedelta(hours=25)) == ["m1"]


def test_a_run_that_goes_on_is_told_as_such(server: tuple[Server, polled.Http]) -> None:
    state, client = server
    state.add(1, at=1_772_000_100_000)

    messages, _ = poll(client, {})

    types = [event["eventType"] for one in messages for event in mlflow.SYSTEM.events(one, CONTEXT) if "run" in event]
    assert set(types) == {"START"}
