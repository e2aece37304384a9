"""A cluster serves only what a verdict has let in; what takes away or leaves the models as they are is allowed."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations import admission
from integrations.admission import Asked, Decision, Served
from integrations.systems.base import Context, KnowsNothing, Message, Refused
from integrations.systems.kubernetes import KubernetesOptions
from tests.integrations import replaying

MESSAGE = Message(received_at=replaying.RECEIVED_AT)
LOANS_9 = Served(namespace="mlflow://ml", name="loans", version="9")


class Knows(KnowsNothing):
    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        return ("mlflow://ml", "loans", uri[-1]) if uri.startswith("s3://bank/loans/") else None


def service(uri: str = "s3://bank/loans/9", **annotations: str) -> dict[str, Any]:
    return {
        "kind": "InferenceService",
        "metadata": {"name": "loans", "namespace": "bank", "annotations": annotations},
        "spec": {"predictor": {"model": {"storageUri": uri}}},
    }


def review(object: Any, *, before: Any = None, operation: str = "CREATE", kind: str = "") -> dict[str, Any]:
    request = {
        "uid": "u-1",
        "operation": operation,
        "kind": {"kind": kind or (object or before)["kind"]},
        "namespace": "bank",
        "name": "loans",
        "object": object,
        "oldObject": before,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def asked(document: Any, **options: Any) -> Asked:
    context = Context(namespace="kserve://cluster", known=Knows(), options=KubernetesOptions(**options))
    return admission.read(document, MESSAGE, context)


def decided(found: Asked, *, let_in: bool = False, is_guarded: bool = True, admit_unknown: bool = False) -> Decision:
    def says(answer: bool) -> Callable[[Served, str], bool]:
        return lambda _served, _stage: answer

    return admission.decide(found, let_in=says(let_in), is_guarded=says(is_guarded), admit_unknown=admit_unknown)


def test_the_model_version_is_read_as_the_status_is() -> None:
    found = asked(review(service()))

    assert (found.uid, found.object, found.stage, found.models) == ("u-1", "bank/loans", "production", [LOANS_9])
    assert asked(review(service(**{"assay.environment": "staging"}))).stage == "staging"
    assert asked(review(service()), environment="dev").stage == "dev"


def test_what_was_let_in_is_allowed_and_what_was_not_is_refused_by_name() -> None:
    found = asked(review(service()))

    assert decided(found, let_in=True) == Decision(allowed=True)
    refused = decided(found)
    assert not refused.allowed
    assert refused.message == "Loans 9 was not let into production: ask for its promotion first."


def test_where_no_policy_asks_it_is_allowed_with_a_warning() -> None:
    decision = decided(asked(review(service())), is_guarded=False)

    assert decision.allowed
    assert "No policy" in decision.warnings[0]


@pytest.mark.parametrize("object", [service("gs://other/files"), service(""), service(**{"assay.model": "loans"})])
def test_what_nobody_knows_is_refused_unless_the_connection_admits_it(object: Any) -> None:
    found = asked(review(object))

    assert not decided(found, let_in=True).allowed
    admitted = decided(found, let_in=True, admit_unknown=True)
    assert (admitted.allowed, len(admitted.warnings)) == (True, 1)


@pytest.mark.parametrize(
    "document",
    [
        review(None, before=service(), operation="DELETE"),
        review(service(), before=service(), operation="UPDATE"),
        review(service() | {"metadata": {"deletionTimestamp": "2026-03-01T00:00:00Z"}}, operation="UPDATE"),
    ],
    ids=["deleted", "the model stays", "finalizers"],
)
def test_what_serves_nothing_new_is_always_allowed(document: Any) -> None:
    assert decided(asked(document)).allowed


def test_an_update_to_another_version_or_stage_is_judged() -> None:
    assert not decided(asked(review(service(), before=service("s3://bank/loans/8"), operation="UPDATE"))).allowed
    to_production = review(service(), before=service(**{"assay.environment": "dev"}), operation="UPDATE")
    assert not decided(asked(to_production)).allowed


def test_every_predictor_of_a_seldon_deployment_is_judged() -> None:
    graphs = [{"graph": {"modelUri": f"s3://bank/loans/{number}"}} for number in (8, 9)]
    object = {"kind": "SeldonDeployment", "metadata": {"name": "loans"}, "spec": {"predictors": graphs}}

    assert [one.version for one in asked(review(object)).models] == ["8", "9"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "apiVersion"),
        ({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}, "apiVersion"),
        ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "request.uid"),
        (review({"kind": "Pod"}), "request.kind.kind"),
    ],
)
def test_what_is_no_question_is_refused_by_its_field(document: Any, field: str) -> None:
    with pytest.raises(Refused, match=field):
        asked(document)


def test_the_answer_is_a_review_with_the_same_uid() -> None:
    decision = Decision(allowed=False, message="No.", warnings=["w" * 300])

    assert admission.answer("u-1", decision) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": "u-1",
            "allowed": False,
            "status": {"code": 403, "message": "No."},
            "warnings": ["w" * 256],
        },
    }
