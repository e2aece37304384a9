"""Requests to models are counted; what was asked and answered is dropped where it arrives."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations import doors, intake, translating
from integrations.models import Delivery
from integrations.systems.base import Scheme
from lineage.models import Event
from tests import factories
from tests.integrations import connecting, replaying

pytestmark = pytest.mark.django_db


def sent(name: str, **changes: str) -> Any:
    said = json.loads((replaying.FIXTURES / "kserve" / name).read_text())
    headers = {**dict(said["headers"]), **changes}
    return Client().post(
        f"/api/v1/hooks/log/{connecting.SECRET}",
        json.dumps(said["body"]),
        content_type="application/json",
        headers={name: value for name, value in headers.items() if name != "content-type"},
    )


def test_bodies_are_not_kept_and_a_while_of_requests_is_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    doors.forget()
    team = factories.team("loans")
    connecting.connection(team, slug="log", system="kserve", scheme=Scheme.SECRET_PATH)

    for number in range(3):
        id = f"q{number}"
        assert sent("log_request.json", **{"ce-id": id}).status_code == 202
        assert sent("log_response.json", **{"ce-id": id}).status_code == 202
    sent("log_response.json", **{"ce-id": "q0"})
    kept = list(Delivery.objects.values_list("body", flat=True))
    assert [bytes(body) for body in kept] == [b""] * 6

    assert translating.translate_due() == 0
    later = timezone.now() + intake.GATHER_FOR + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert translating.translate_due() == 6

    (event,) = Event.objects.all()
    told = json.loads(bytes(event.body))["run"]["facets"]["assay_decisionSamples"]
    assert (told["count"], told["answered"], told["latencyMs"]["p50"]) == (3, 3, 12.0)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"translated"}
