"""What was received is translated into the event log, tried again, and joined to the models that it means."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from governance.errors import Conflict, Denied
from governance.models import AuditEntry, OwnerRole, Team, User
from integrations import joins, openlineage, redelivery, retention, systems, translating
from integrations.joins import Decision
from integrations.known import MAX_BYTES, Graph
from integrations.models import Connection, Delivery, Join
from integrations.openlineage import Dataset, Event
from integrations.systems import circleci, locations
from integrations.systems.base import Context, Message
from lineage import eventlog, events, live, projection
from lineage import selectors as lineage
from lineage.models import Event as LogEvent
from lineage.models import RunIO
from tests import factories
from tests.integrations import connecting, replaying

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ENDED = (replaying.FIXTURES / "circleci" / "workflow_failed.json").read_bytes()
REGISTRY = "mlflow://ml.example"


def received(connection: Connection, body: bytes = ENDED, *, key: str = "k", type: str = "") -> Delivery:
    return Delivery.objects.create(connection=connection, key=key, body=body, type=type, due_at=timezone.now())


def alert(model: str = "credit-risk") -> bytes:
    labels = {"alertname": "DriftHigh", "model": model, "version": "7", "severity": "critical"}
    one = {"status": "firing", "labels": labels, "startsAt": "2026-03-02T08:00:00Z", "fingerprint": "f1"}
    return json.dumps({"version": "4", "alerts": [one], "groupKey": "g"}).encode()


def registered(namespace: str = REGISTRY, name: str = "credit-risk", *, at: str = "") -> None:
    model = Dataset(namespace, name).as_model("7")
    if at:
        model = model.saying(assay_modelFiles=locations.files(at))
    event = events.read(json.dumps(openlineage.of_dataset(model, at=AT)).encode())
    eventlog.append([event], sender=None)
    projection.project()


def models_read() -> set[str]:
    """The namespaces of the models that the alerts in the log are about."""
    bodies = (json.loads(bytes(one.body)) for one in LogEvent.objects.filter(kind="run"))
    return {one["namespace"] for body in bodies for one in body["inputs"]}


def test_a_delivery_becomes_events_of_the_connections_account(team: Team) -> None:
    connection = connecting.connection(team)
    delivery = received(connection)

    assert translating.translate_due() == 1

    delivery.refresh_from_db()
    assert (delivery.state, delivery.events, delivery.due_at, delivery.type) == (
        "translated",
        2,
        None,
        "workflow-completed",
    )
    assert {event.sender for event in LogEvent.objects.all()} == {connection.user}
    connection.refresh_from_db()
    assert connection.last_success_at is not None
    assert translating.translate_due() == 0


def test_what_cannot_be_translated_is_kept_with_its_reason(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connecting.connection(team)
    lacking = received(connection, b'{"type": "workflow-completed"}', key="lacking")
    ping = received(connection, b'{"type": "ping"}', key="ping")
    unknown = received(connection, b'{"type": "of tomorrow"}', key="unknown")
    good = received(connection, key="good")

    translating.translate_due()

    for one in (lacking, ping, unknown, good):
        one.refresh_from_db()
    assert [one.state for one in (lacking, ping, unknown, good)] == ["refused", "ignored", "unknown", "translated"]
    assert "project.id" in lacking.error
    connection.refresh_from_db()
    assert "project.id" in connection.last_error


def test_a_mistake_in_a_module_is_tried_again_and_then_left(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(message: Message, context: Context) -> Iterator[Event]:
        raise ZeroDivisionError

    monkeypatch.setattr(systems, "BY_SLUG", {"circleci": replace(circleci.SYSTEM, translate=broken)})
    delivery = received(connecting.connection(team))

    for attempt in range(1, translating.MAX_ATTEMPTS + 1):
        assert translating.translate_due() == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == ("failed", attempt)
        assert "ZeroDivisionError" in delivery.error
        assert (delivery.due_at is None) == (attempt == translating.MAX_ATTEMPTS)
        Delivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def test_one_that_cannot_be_stored_holds_up_no_other(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connecting.connection(team)
    bad, good = received(connection, key="bad"), received(connection, b'{"type": "ping"}', key="good")
    Delivery.objects.filter(pk=bad.pk).update(type="x")
    real = translating.note_health

    def fails_for_the_first(connection: Connection, told: Any, now: datetime) -> None:
        if any(one.type == "x" for one in told):
            with database.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        real(connection, told, now)

    monkeypatch.setattr(translating, "note_health", fails_for_the_first)

    assert translating.translate_due() == 2

    for one in (bad, good):
        one.refresh_from_db()
    assert (bad.state, bad.due_at, good.state) == ("failed", None, "ignored")


def test_redelivery_and_replay_change_nothing_that_is_known(owner: User, outsider: User, team: Team) -> None:
    connection = connecting.connection(team)
    delivery = received(connection)
    translating.translate_due()
    count = LogEvent.objects.count()
    delivery.refresh_from_db()

    with pytest.raises(Denied):
        redelivery.redeliver(actor=outsider, delivery=delivery)
    redelivery.redeliver(actor=owner, delivery=delivery)
    assert translating.translate_due() == 1
    since = timezone.now() - timedelta(hours=1)
    assert redelivery.replay(actor=owner, connection=connection, since=since) == 1
    assert translating.translate_due() == 1

    assert LogEvent.objects.count() == count
    assert AuditEntry.objects.filter(action__startswith="delivery.", actor=owner).count() == 2


def test_the_only_model_of_a_name_is_meant_and_the_join_is_shown(team: Team) -> None:
    registered()
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    received(connection, alert())

    translating.translate_due()

    assert models_read() == {REGISTRY}
    (join,) = Join.objects.all()
    assert (join.name, join.model_namespace, join.state) == ("credit-risk", REGISTRY, "automatic")


def test_a_model_that_is_registered_later_is_found_later(team: Team) -> None:
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    delivery = received(connection, alert())
    translating.translate_due()
    delivery.refresh_from_db()
    assert delivery.unresolved == ["model credit-risk"]
    assert delivery.due_at is not None
    projection.project()  # The alert's own word for it is a model by now, and no candidate.

    registered()
    Delivery.objects.update(due_at=timezone.now())
    translating.translate_due()

    delivery.refresh_from_db()
    assert not delivery.unresolved
    assert not Delivery.objects.filter(due_at__isnull=False).exists()
    assert models_read() == {connection.namespace, REGISTRY}


def test_of_two_models_people_say_which_is_meant(owner: User, outsider: User, team: Team) -> None:
    registered()
    registered("sagemaker://eu")
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    delivery = received(connection, alert())
    translating.translate_due()
    assert models_read() == {connection.namespace}
    assert {join.state for join in Join.objects.all()} == {"proposed"}
    ours = Join.objects.get(model_namespace=REGISTRY)

    with pytest.raises(Denied):
        joins.decide(actor=outsider, join=ours, decision=Decision.CONFIRM)
    joins.decide(actor=owner, join=ours, decision=Decision.CONFIRM, reason="The one in use.")
    assert translating.translate_due() == 1

    assert models_read() == {connection.namespace, REGISTRY}
    with pytest.raises(Conflict):
        joins.decide(actor=owner, join=ours, decision=Decision.CONFIRM)
    joins.decide(actor=owner, join=ours, decision=Decision.UNDO)
    assert Graph(connection).model("credit-risk", "7") is None
    joins.decide(actor=owner, join=ours, decision=Decision.REJECT)
    assert Graph(connection).model("credit-risk", "7") == ("sagemaker://eu", "credit-risk")
    delivery.refresh_from_db()
    actions = AuditEntry.objects.filter(action__startswith="join.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["join.confirmed", "join.undone", "join.rejected"]


def test_a_model_of_others_is_confirmed_only_by_who_may_change_it(owner: User, other_team: Team, team: Team) -> None:
    registered()
    registered("sagemaker://eu")
    model = lineage.asset_named(kind="model", namespace=REGISTRY, name="credit-risk")
    factories.ownership(model.uuid, OwnerRole.STEWARD, other_team)
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    received(connection, alert())
    translating.translate_due()

    with pytest.raises(Denied, match="manage_assets"):
        joins.decide(actor=owner, join=Join.objects.get(asset=model.uuid), decision=Decision.CONFIRM)


def test_files_lie_where_the_longest_known_part_says(team: Team) -> None:
    registered(at="s3://models/credit-risk")
    registered(name="other", at="s3://models/credit-risk/other")
    graph = Graph(connecting.connection(team))

    assert graph.artifact("s3://models/credit-risk/model.onnx") == (REGISTRY, "credit-risk", "7")
    assert graph.artifact("s3a://models/credit-risk/other/") == (REGISTRY, "other", "7")
    assert graph.artifact("s3://models/else") is None
    assert graph.artifact("s3://user:secret@models/credit-risking?signature=x") is None
    assert graph.unresolved == {"files s3://models/else", "files s3://models/credit-risking"}


def served(uri: str) -> bytes:
    """KServe says that it serves the files at an address."""
    at = "2026-03-02T08:00:00Z"
    ready = [{"type": "Ready", "status": "True", "lastTransitionTime": at}]
    status = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "loans", "namespace": "bank", "uid": "u-1", "generation": 1, "creationTimestamp": at},
        "spec": {"predictor": {"sklearn": {"storageUri": uri}}},
        "status": {"conditions": ready, "modelStatus": {"transitionStatus": "UpToDate"}},
    }
    return json.dumps(status).encode()


def models_served() -> list[str]:
    return [f"{one.namespace} {one.name} {one.key}" for one in live.versions()]


def test_a_join_by_files_is_shown_taken_back_by_the_owner_and_made_again(
    owner: User, outsider: User, team: Team, other_team: Team
) -> None:
    registered(at="s3://models/credit-risk/7")
    model = lineage.asset_named(kind="model", namespace=REGISTRY, name="credit-risk")
    factories.ownership(model.uuid, OwnerRole.STEWARD, team)
    connection = connecting.connection(other_team, slug="cluster", system="kserve")
    received(connection, served("s3://user:secret@models/credit-risk/7?signature=x"))
    translating.translate_due()
    projection.project()
    (join,) = Join.objects.all()
    assert (join.rule, join.state, join.version) == ("files", "automatic", "7")
    assert (join.name, join.found_at) == ("s3://models/credit-risk/7", "s3://models credit-risk/7")
    assert models_served() == [f"{REGISTRY} credit-risk 7"]
    assert joins.told_through([join])[join.pk].runs == 1

    with pytest.raises(Denied, match="manage_assets"):
        joins.decide(actor=outsider, join=join, decision=Decision.REJECT)
    joins.decide(actor=owner, join=join, decision=Decision.REJECT, reason="Those are of a trial.")
    projection.project()
    assert models_served() == []
    assert Graph(connection).artifact("s3://models/credit-risk/7") is None

    joins.decide(actor=owner, join=join, decision=Decision.UNDO, reason="They are of version 7 after all.")
    projection.project()
    assert models_served() == [f"{REGISTRY} credit-risk 7"]
    join.refresh_from_db()
    assert join.state == "automatic"
    assert [(entry.action, entry.detail["reason"]) for entry in joins.history(join)] == [
        ("join.undone", "They are of version 7 after all."),
        ("join.rejected", "Those are of a trial."),
    ]
    with pytest.raises(Conflict):
        joins.decide(actor=owner, join=join, decision=Decision.UNDO)


def test_the_longest_address_that_is_looked_up_is_stored(team: Team) -> None:
    registered(at="s3://models/credit-risk")
    connection = connecting.connection(team, slug="cluster", system="kserve")
    no_pattern = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(40))
    longest = f"s3://models/credit-risk/{no_pattern}"[:MAX_BYTES]
    received(connection, served(longest))

    translating.translate_due()

    assert Join.objects.get().name == longest
    for longer in (f"{longest}0", f"s3://models/credit-risk/{'é' * 1_000}"):
        assert Graph(connection).artifact(longer) is None


def test_of_two_versions_at_one_place_the_owner_says_which(owner: User, team: Team) -> None:
    registered(at="s3://models/credit-risk")
    registered(name="other", at="s3://models/credit-risk")
    connection = connecting.connection(team, slug="cluster", system="kserve")
    elsewhere = connecting.connection(team, slug="second", system="kserve", namespace="kserve://second")
    for one in (connection, elsewhere):
        received(one, served("s3://models/credit-risk"))
    translating.translate_due()
    projection.project()
    assert {join.state for join in Join.objects.all()} == {"proposed"}
    assert models_served() == []

    meant = Join.objects.get(connection=connection, model_name="other")
    joins.decide(actor=owner, join=meant, decision=Decision.CONFIRM)

    assert set(Join.objects.filter(model_name="other").values_list("state", flat=True)) == {"confirmed"}
    assert translating.translate_due() == 2
    projection.project()
    assert set(models_served()) == {f"{REGISTRY} other 7"}


def about() -> list[tuple[str, str | None]]:
    """What runs in the graph read: the namespace, and the version."""
    return list(RunIO.objects.values_list("asset__namespace", "version__key"))


def test_what_was_told_by_a_name_that_is_another_models_is_taken_back(owner: User, team: Team) -> None:
    registered()
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    received(connection, alert())
    translating.translate_due()
    projection.project()
    assert about() == [(REGISTRY, "7")]
    join = Join.objects.get()

    joins.decide(actor=owner, join=join, decision=Decision.REJECT, reason="A model of the same name elsewhere.")
    projection.project()
    assert about() == [(connection.namespace, None)]
    joins.decide(actor=owner, join=join, decision=Decision.UNDO)
    projection.project()
    assert about() == [(REGISTRY, "7")]


def test_a_registry_names_its_own_models(team: Team) -> None:
    registered("sagemaker://eu")
    graph = Graph(connecting.connection(team, slug="ml", system="mlflow", namespace=REGISTRY))

    assert graph.model("credit-risk", "7") is None
    assert graph.unresolved == set()


def test_a_deployment_serves_the_version_that_its_open_run_reads(team: Team) -> None:
    job = openlineage.Job("k8s://c", "ns/credit").as_service("KSERVE")
    model = Dataset(REGISTRY, "credit-risk").as_model("7")
    run = openlineage.run_id("k8s://c", "uid-1")
    event = openlineage.of_run(openlineage.Type.START, at=AT, run=run, job=job, inputs=[model])
    eventlog.append([events.read(json.dumps(event).encode())], sender=None)
    projection.project()
    graph = Graph(connecting.connection(team))

    assert graph.served("k8s://c", "ns/credit") == (REGISTRY, "credit-risk", "7")
    assert graph.served("k8s://c", "ns/none") is None


def test_old_deliveries_are_deleted_unless_they_wait(team: Team, settings: Any) -> None:
    connection = connecting.connection(team)
    old, waiting, new = (received(connection, key=key) for key in ("old", "waiting", "new"))
    before = timezone.now() - timedelta(days=settings.DELIVERY_DAYS + 1)
    Delivery.objects.filter(pk__in=[old.pk, waiting.pk]).update(received_at=before)
    Delivery.objects.filter(pk__in=[old.pk, new.pk]).update(due_at=None)

    assert retention.prune() == 1
    assert set(Delivery.objects.values_list("key", flat=True)) == {"waiting", "new"}
