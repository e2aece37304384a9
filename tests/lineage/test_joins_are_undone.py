"""What runs told through a join is taken back when its owners say that it was none, until they undo that."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import evidence, identity, live, naming, projection
from lineage.models import Asset, Observation, RunIO
from lineage.naming import Decision
from tests import factories
from tests.lineage import dump, growing, strategies

pytestmark = pytest.mark.django_db
MODEL, PLACE = ("mlflow://ml", "credit-risk"), ("s3://models", "credit-risk/7")
RUN = "0190a0b0-0000-7000-8000-000000000001"


def served(*, joined: bool = True, at: str = "2026-03-01T10:00:00Z", **facets: Any) -> dict[str, Any]:
    """A deployment serves the version that lies at the place."""
    facets |= {"datasetType": {"datasetType": "MODEL"}, "version": {"datasetVersion": "7"}}
    if joined:
        facets["assay_joined"] = {"rule": "files", "namespace": PLACE[0], "name": PLACE[1]}
    return {
        "eventTime": at,
        "eventType": "RUNNING",
        "producer": strategies.PRODUCER,
        "run": {"runId": RUN},
        "job": {"namespace": "k8s://c", "name": "bank/loans", "facets": {"jobType": {"processingType": "SERVICE"}}},
        "inputs": [{"namespace": MODEL[0], "name": MODEL[1], "facets": facets}],
    }


def grow(*told: dict[str, Any]) -> None:
    growing.append(told)
    growing.project()


def asset(names: tuple[str, str]) -> Asset:
    return Asset.objects.get(uuid=identity.asset("dataset", *names))


def decide(actor: User, decision: Decision) -> None:
    naming.decide(actor=actor, asset=asset(MODEL), other=asset(PLACE), decision=decision, reason="Old files.")
    growing.project()


def read() -> list[tuple[str, str | None]]:
    return [
        (io.asset.name, io.version.key if io.version else None)
        for io in RunIO.objects.select_related("asset", "version").order_by("asset__name")
    ]


def around(client: Client) -> set[str]:
    job = identity.asset("job", "k8s://c", "bank/loans")
    answer = client.get("/api/v1/graph", {"asset": str(job), "direction": "upstream", "depth": "3"})
    return {node["name"] for node in answer.json()["nodes"]}


def test_an_undone_join_says_what_was_said_and_a_redone_one_what_was_meant(owner: User, member: User) -> None:
    reader = factories.client(member, Scope.READ)
    grow(served())
    assert read() == [("credit-risk", "7")]
    assert [one.key for one in live.versions()] == ["7"]
    whole = dump.graph()

    decide(owner, Decision.REJECTED)

    assert read() == [("credit-risk/7", None)]
    assert live.versions() == []
    assert around(reader) == {"bank/loans", "credit-risk/7"}

    decide(owner, Decision.UNDONE)

    assert read() == [("credit-risk", "7")]
    assert around(reader) == {"bank/loans", "credit-risk"}
    again = dump.graph()
    # Beside the decisions themselves.
    assert {table for table in whole if again[table] != whole[table]} == {"declarations", "kinds"}


def test_what_is_told_later_and_what_is_told_by_itself(owner: User) -> None:
    grow(served())
    decide(owner, Decision.REJECTED)

    grow(served(at="2026-03-01T11:00:00Z"))
    assert read() == [("credit-risk/7", None)]
    # The sender names the version itself: that is no join, and nobody took it back.
    grow(served(at="2026-03-01T12:00:00Z", joined=False))
    assert read() == [("credit-risk", "7"), ("credit-risk/7", None)]

    grown = dump.graph()
    with connection.cursor() as cursor:
        for table in projection.GRAPH_TABLES:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event")
    growing.project()
    assert dump.graph() == grown


def test_what_a_run_measured_of_a_version_that_it_did_not_mean_is_not_known_of_it(owner: User) -> None:
    metrics = {"metrics": [{"name": "auc", "value": 0.4}]}
    version = identity.version(identity.asset("dataset", *MODEL), "7")

    def known() -> list[float | None]:
        return [one.value for one in evidence.measurements(version)]

    grow(served(assay_modelMetrics=metrics))
    assert known() == [0.4]
    decide(owner, Decision.REJECTED)
    assert known() == []
    grow(served(at="2026-03-01T11:00:00Z", assay_modelMetrics=metrics))
    assert known() == []
    decide(owner, Decision.UNDONE)
    assert known() == [0.4]
    assert set(Observation.objects.values_list("run", flat=True)) == {UUID(RUN)}
