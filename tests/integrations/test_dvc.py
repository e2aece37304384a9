"""DVC's files become stages of a commit, data by their hashes, and models with versions and metrics."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.systems import dvc
from integrations.systems.base import Context, Message, Refused
from integrations.systems.dvc.stages import DvcOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="dvc://git.example/acme/churn", options=DvcOptions())
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def test_a_stage_is_a_run_of_its_commit_with_data_by_their_hashes() -> None:
    prepared, trained = replaying.told(dvc.SYSTEM, "repository__commit.json", context=CONTEXT)

    assert (prepared["job"]["name"], trained["job"]["name"]) == ("pipelines/prepare", "pipelines/train@deep")
    code = replaying.facets(trained, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"]) == ("https://git.example/acme/churn", "4f2c9d1e" * 5)
    assert code["path"] == "pipelines/train.py"
    read = [(one["namespace"], one["name"], one["facets"]["version"]["datasetVersion"]) for one in prepared["inputs"]]
    assert read == [
        ("s3://lake", "churn/raw.csv", "e1"),
        ("dvc://git.example/acme/churn", "pipelines/data/customers.csv", "a1" * 16),
    ]
    assert prepared["outputs"][0]["facets"]["version"] == trained["inputs"][0]["facets"]["version"]
    assert replaying.facets(trained, "run", "facets", "assay_trainingParameters") == {
        "parameters": {"train.depth": 6, "train.seed": 11, "on": True},
        "seed": 11,
    }


def test_a_model_has_the_version_of_its_tag_and_the_metrics_of_its_stage() -> None:
    trained = replaying.told(dvc.SYSTEM, "repository__commit.json", context=CONTEXT)[1]

    file, model = trained["outputs"]
    assert file["name"] == "pipelines/models/churn.pkl"
    assert (model["name"], model["facets"]["version"]["datasetVersion"]) == ("churn", "v1.4.0")
    measured = {one["name"]: one["value"] for one in model["facets"]["assay_modelMetrics"]["metrics"]}
    assert measured == {"auc": 0.88, "by.young": 0.81}
    message = replaying.message(replaying.FIXTURES / "dvc" / "repository__commit.json")
    assert dvc.SYSTEM.claims is not None
    [claim] = dvc.SYSTEM.claims(message, CONTEXT)
    assert (claim.model, claim.version, claim.stage) == ("churn", "v1.4.0", "production")


def test_an_import_from_another_repository_leads_there() -> None:
    [event] = replaying.told(dvc.SYSTEM, "dvc_file__imported.json", context=CONTEXT)

    [source], [file] = event["inputs"], event["outputs"]
    assert (source["namespace"], source["name"]) == ("dvc://git.example/acme/loans", "use/loans.csv")
    assert source["facets"]["version"]["datasetVersion"] == "9b" * 20
    assert file["name"] == "loans.csv"


def test_experiments_are_runs_and_the_workspace_is_none() -> None:
    commit, experiment = replaying.told(dvc.SYSTEM, "exp_show__of_a_commit.json", context=CONTEXT)

    assert commit["eventTime"] == "2026-03-02T08:00:00+00:00"
    assert [one["name"] for one in commit["inputs"]] == ["data/customers.csv"]
    assert commit["outputs"][0]["facets"]["assay_modelMetrics"]["metrics"][0]["value"] == 0.88
    assert experiment["run"]["runId"] != commit["run"]["runId"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository as DVC leaves it, made with Git."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        environment = {"GIT_COMMITTER_DATE": "1772438400 +0100", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, env=environment, capture_output=True)

    (tmp_path / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n    - {path: m, md5: a1}\n"
    )
    (tmp_path / "dvc.yaml").write_text(
        "stages: {train: {cmd: x, outs: [m], metrics: [{auc.json: {cache: false}}, ../../etc/passwd]}}\n"
        "artifacts: {churn: {path: m, type: model}}\n"
    )
    (tmp_path / "auc.json").write_text('{"auc": 0.9}')
    (tmp_path / "raw.csv.dvc").write_text("outs:\n- {md5: b1, path: raw.csv}\n")
    git("init", "-q", "-b", "main")
    git("remote", "add", "origin", "https://ci:secret@git.example/acme/churn.git")
    git("add", ".")
    git("commit", "-q", "-m", "Train")
    git("tag", "-a", "churn@v2.0.0", "-m", "Version 2")
    git("tag", "churn#prod#1")
    return tmp_path


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_checkout_is_read_with_its_commit_time_and_tags(checkout: Path, is_packed: bool) -> None:
    if is_packed:
        subprocess.run(["git", "pack-refs", "--all"], cwd=checkout, check=True)
        subprocess.run(["git", "-c", "gc.reflogExpire=never", "gc", "-q"], cwd=checkout, check=True)
    sha = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True).stdout

    assert dvc.SYSTEM.read_files is not None
    pipeline, tracked = dvc.SYSTEM.read_files(checkout, NOW)

    document = pipeline.document
    assert (document["commit"], document["committed_at"]) == (sha.strip(), "2026-03-02T08:00:00+00:00")
    assert document["repository"] == "https://git.example/acme/churn"
    assert document["tags"] == ["churn#prod#1", "churn@v2.0.0"]
    assert document["metrics"] == {"auc.json": {"auc": 0.9}}
    [event] = dvc.SYSTEM.events(pipeline, CONTEXT)
    assert event["outputs"][1]["facets"]["version"]["datasetVersion"] == "v2.0.0"
    [known] = dvc.SYSTEM.events(tracked, CONTEXT)
    assert known["dataset"]["name"] == "raw.csv"


def test_a_folder_without_dvc_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    assert dvc.SYSTEM.read_files is not None
    with pytest.raises(Refused, match=r"neither a dvc\.lock"):
        list(dvc.SYSTEM.read_files(tmp_path, NOW))
    (tmp_path / "dvc.lock").write_text("stages: [")
    with pytest.raises(Refused, match="neither YAML nor JSON"):
        list(dvc.SYSTEM.read_files(tmp_path, NOW))


def test_what_is_no_file_of_dvc_is_refused() -> None:
    with pytest.raises(Refused):
        dvc.type_of(Message(received_at=NOW, document={"a": 1}))
