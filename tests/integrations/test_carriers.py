"""What Assay sends to other systems, request by request."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from integrations import carriers, systems
from integrations.carriers import chat, github, gitlab, mlflow, pipelines, sagemaker, webhook
from integrations.carriers.base import Answer, Setting
from integrations.notices import Claim, Kind, Notice, Question, Reason, State, Subject

SUBJECT = Subject(
    namespace="mlflow://ml.example",
    model="credit-risk",
    version="7",
    stage="production",
    commit="4f2c9d1e",
    repository="https://github.example/acme/loans.git",
)
PASSED = Notice(
    kind=Kind.VERDICT,
    id="2f0d",
    at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    subject=SUBJECT,
    state=State.PASSED,
    headline="credit-risk 7 may go to production.",
    url="https://assay.example/promotions/2f0d",
)
BLOCKED = replace(
    PASSED,
    state=State.BLOCKED,
    headline="credit-risk 7 may not go to production: 1 of 4 checks failed.",
    reasons=[
        Reason(check="fairness", title="Groups are treated alike", outcome="fail", summary="0.3 <!channel> > 0.2")
    ],
)
RETRAIN = replace(PASSED, kind=Kind.RETRAIN, id="9a1b", state=None, severity="critical", headline="AUC fell.")


def test_mlflow_gets_the_alias_after_a_pass_alone() -> None:
    setting, namespace = mlflow.MlflowSetting(), SUBJECT.namespace

    tag, url, alias = mlflow.CARRIER.requests(PASSED, setting, namespace)
    assert tag.document == {"name": "credit-risk", "version": "7", "key": "assay.verdict.production", "value": "passed"}
    assert url.document["value"] == PASSED.url
    assert alias.path == "api/2.0/mlflow/registered-models/alias"
    assert alias.document == {"name": "credit-risk", "version": "7", "alias": "champion"}
    assert [one.document["value"] for one in mlflow.CARRIER.requests(BLOCKED, setting, namespace)] == [
        "blocked",
        BLOCKED.url,
    ]
    assert mlflow.CARRIER.requests(PASSED, setting, "mlflow://other.example") == []


def test_an_alias_that_others_moved_is_moved_back_if_it_is_ours() -> None:
    claim = Claim(
        namespace=SUBJECT.namespace,
        model="credit-risk",
        version="9",
        stage="production",
        at=PASSED.at,
        how="alias champion",
    )

    (request,) = mlflow.restore(claim, "7", mlflow.MlflowSetting())
    assert request.document == {"name": "credit-risk", "version": "7", "alias": "champion"}
    assert list(mlflow.restore(replace(claim, stage="staging"), "7", mlflow.MlflowSetting())) == []


@pytest.mark.parametrize(("notice", "state"), [(PASSED, "success"), (BLOCKED, "failure")])
def test_github_shows_the_verdict_at_the_commit(notice: Notice, state: str) -> None:
    (request,) = github.CARRIER.requests(notice, github.GithubSetting(), "github://github.example")

    assert request.path == "repos/acme/loans/statuses/4f2c9d1e"
    assert request.document["state"] == state
    assert request.document["context"] == "assay/production/credit-risk"
    assert request.document["target_url"] == notice.url


def test_a_check_run_of_github_names_what_failed() -> None:
    (request,) = github.CARRIER.requests(BLOCKED, github.GithubSetting(how="check_run"), "github://github.example")

    assert request.document["conclusion"] == "failure"
    assert "Groups are treated alike" in request.document["output"]["summary"]


def test_a_commit_of_another_instance_is_left_alone() -> None:
    assert github.CARRIER.requests(PASSED, github.GithubSetting(), "github://github.com") == []
    assert gitlab.CARRIER.requests(PASSED, gitlab.GitlabSetting(), "gitlab://gitlab.example") == []


@pytest.mark.parametrize(("state", "said"), [("passed", "approved"), ("blocked", "rejected"), ("unknown", None)])
def test_a_protection_rule_is_answered_and_waits_while_nothing_is_known(state: str, said: str | None) -> None:
    question = Question(callback="https://api.github.example/cb", stage="production", at=PASSED.at, commit="4f2c9d1e")
    answer = msgspec.convert({"state": state, "headline": "So it is.", "url": "https://assay.example/p"}, Answer)

    (request,) = github.reply(question, answer)
    assert request.path == question.callback
    assert request.document.get("state") == said
    assert request.document["environment_name"] == "production"


def test_gitlab_shows_the_verdict_and_starts_a_pipeline() -> None:
    notice = replace(BLOCKED, subject=replace(SUBJECT, repository="https://gitlab.example/acme/sub/loans.git"))

    (status,) = gitlab.CARRIER.requests(notice, gitlab.GitlabSetting(), "gitlab://gitlab.example")
    assert status.path == "api/v4/projects/acme%2Fsub%2Floans/statuses/4f2c9d1e"
    assert status.document["state"] == "failed"
    assert gitlab.CARRIER.requests(RETRAIN, gitlab.GitlabSetting(), "gitlab://gitlab.example") == []
    setting = gitlab.GitlabSetting(retrain_project="acme/train")
    (started,) = gitlab.CARRIER.requests(RETRAIN, setting, "gitlab://gitlab.example")
    assert started.path == "api/v4/projects/acme%2Ftrain/pipeline"
    assert {"key": "ASSAY_MODEL", "value": "credit-risk"} in started.document["variables"]


def test_sagemaker_gets_the_approval_status() -> None:
    setting = sagemaker.SagemakerSetting(packages="arn:aws:sagemaker:eu-central-1:123456789012")

    (request,) = sagemaker.CARRIER.requests(BLOCKED, setting, SUBJECT.namespace)
    assert request.document["ModelPackageArn"].endswith(":model-package/credit-risk/7")
    assert request.document["ModelApprovalStatus"] == "Rejected"
    assert sagemaker.CARRIER.requests(BLOCKED, sagemaker.SagemakerSetting(), SUBJECT.namespace) == []


def test_retraining_is_asked_of_the_pipeline_of_the_model_or_of_all() -> None:
    (run,) = pipelines.AIRFLOW.requests(RETRAIN, pipelines.AirflowSetting(dags={"*": "train/all"}), "")
    assert run.path == "api/v2/dags/train%2Fall/dagRuns"
    assert run.document["dag_run_id"] == "assay__9a1b"
    (run,) = pipelines.KUBEFLOW.requests(RETRAIN, pipelines.KubeflowSetting(pipelines={"credit-risk": "p1"}), "")
    assert run.document["pipeline_version_reference"] == {"pipeline_id": "p1"}
    (run,) = github.CARRIER.requests(RETRAIN, github.GithubSetting(dispatch_to="acme/train"), "github://github.com")
    assert run.path == "repos/acme/train/dispatches"


def test_chat_cannot_be_made_to_call_people() -> None:
    (request,) = chat.SLACK.requests(BLOCKED, Setting(), "")

    assert "<!channel>" not in msgspec.json.encode(request.document).decode()
    assert request.document["blocks"][-1]["elements"][0]["url"] == BLOCKED.url
    (card,) = chat.TEAMS.requests(BLOCKED, Setting(), "")
    assert card.document["attachments"][0]["content"]["body"][1]["facts"][0]["title"] == "Groups are treated alike"


def test_a_webhook_carries_the_whole_notice_under_a_name_that_stays() -> None:
    (request,) = webhook.CARRIER.requests(BLOCKED, Setting(), "")

    assert request.headers == {"webhook-id": "verdict-2f0d"}
    assert request.document["reasons"][0]["check"] == "fairness"


def test_only_what_is_wanted_is_carried() -> None:
    for wanted in ({"stages": ["staging"]}, {"models": ["other"]}, {"namespaces": ["x://y"]}):
        assert webhook.CARRIER.requests(PASSED, msgspec.convert(wanted, Setting), "") == []


def test_hostile_names_stay_one_segment_of_a_path() -> None:
    hostile = replace(RETRAIN, subject=replace(SUBJECT, model="../../x"))
    for carrier in carriers.ALL:
        for request in carrier.requests(hostile, carrier.setting(), SUBJECT.namespace):
            assert ".." not in request.path
    commit = replace(PASSED, subject=replace(SUBJECT, commit="../../issues?x"))
    (request,) = github.CARRIER.requests(commit, github.GithubSetting(), "github://github.example")
    assert request.path == "repos/acme/loans/statuses/..%2F..%2Fissues%3Fx"


def test_what_can_be_told_can_be_connected() -> None:
    assert set(carriers.BY_SLUG) <= set(systems.BY_SLUG)
