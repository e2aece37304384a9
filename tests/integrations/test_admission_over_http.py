"""A cluster asks over HTTP and is answered from the verdicts; who is not believed gets no answer."""

import json
from typing import Any

import pytest
from django.test import Client

from integrations import doors
from integrations.models import Delivery
from integrations.systems.base import Scheme
from tests import factories
from tests.integrations import connecting
from tests.integrations.test_admission import review
from tests.policies import stories

pytestmark = pytest.mark.django_db


def service(version: str) -> dict[str, Any]:
    annotations = {"assay.model": "credit", "assay.version": version}
    metadata = {"name": "credit", "namespace": "bank", "annotations": annotations}
    return {"kind": "InferenceService", "metadata": metadata, "spec": {"predictor": {}}}


def asked(document: Any, *, secret: str = connecting.SECRET) -> Any:
    return Client().post(
        f"/api/v1/hooks/cluster/{secret}/admission", json.dumps(document), content_type="application/json"
    )


def test_only_what_a_verdict_let_in_is_served() -> None:
    doors.forget()
    requester = factories.member(factories.team("credit"), "requester")
    cluster = connecting.connection(
        factories.team("platform"), slug="cluster", system="kserve", scheme=Scheme.SECRET_PATH
    )
    cluster.options = {"registry": stories.REGISTRY}
    cluster.save(update_fields=["options"])
    stories.publish(
        "policy: credit\napplies: {stage: production}\nrules:\n  - check: kpi\n    metric: auc\n    minimum: 0.8\n"
    )
    stories.grow(stories.trained("1"), stories.trained("2"))
    assert stories.judge(stories.ask(requester)).state == "passed"

    allowed = asked(review(service("1")))
    refused = asked(review(service("2")))

    assert (allowed.status_code, allowed.json()["response"]) == (200, {"uid": "u-1", "allowed": True})
    answer = refused.json()["response"]
    assert (answer["uid"], answer["allowed"], answer["status"]["code"]) == ("u-1", False, 403)
    assert "Credit 2 was not let into production" in answer["status"]["message"]
    assert not Delivery.objects.exists()
    assert asked(review(service("1")), secret="not the secret").status_code == 401
    assert asked({"kind": "Pod"}).status_code == 400
