"""What OpenLineage's clients send is taken as it comes, once each."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import eventlog, intake
from lineage.models import Event, Outbox, Run
from tests import factories
from tests.lineage import growing, sent

pytestmark = pytest.mark.django_db
LINEAGE = "/api/v1/lineage"
BATCH = "/api/v1/lineage/batch"
NDJSON = "application/x-ndjson"
BAD = sent.run_event(run={})


@pytest.fixture
def api(member: User) -> Client:
    return factories.client(member, Scope.LINEAGE_WRITE)


def post(api: Client, body: bytes, *, to: str = LINEAGE, kind: str = "application/json", gzipped: bool = False) -> Any:
    headers = {"Content-Encoding": "gzip"} if gzipped else {}
    return api.post(to, gzip.compress(body, compresslevel=1) if gzipped else body, content_type=kind, headers=headers)


def stored() -> bytes:
    return bytes(Event.objects.get().body)


# --- One event -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [LINEAGE, LINEAGE + "/"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_one_event_is_kept_as_it_came(address: str, gzipped: bool, api: Client, member: User) -> None:
    raw = json.dumps(sent.run_event(), indent=3).encode() + b"\n"

    response = post(api, raw, to=address, gzipped=gzipped)

    event = Event.objects.get()
    assert response.status_code == 201
    assert response.json() == {"status": "created", "event": event.pk, "warnings": []}
    assert stored() == raw.strip()
    assert event.sender == member
    assert Outbox.objects.get().event == event


def test_the_same_event_again_changes_nothing(api: Client) -> None:
    raw = sent.body(sent.run_event())
    post(api, raw)
    rows = list(Event.objects.values_list())

    for repeated in (raw, json.dumps(dict(reversed(sent.run_event().items())), indent=1).encode()):
        response = post(api, repeated)
        assert (response.status_code, response.json()) == (200, {"status": "duplicate"})

    assert list(Event.objects.values_list()) == rows
    assert Outbox.objects.count() == 1


@pytest.mark.parametrize("event", [sent.run_event(), sent.job_event(), sent.dataset_event()])
def test_every_kind_of_event(event: dict[str, Any], api: Client) -> None:
    assert post(api, sent.body(event)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "written", "warnings"),
    [
        ({"x": "@"}, b"NaN", []),
        ({"x": "@"}, b"-Infinity", []),
        ({"x": "@"}, b"1e999", []),
        ({"x": "@"}, b'"\\u0000"', []),
        ({"x": "@"}, b'{"\\ud800": "\\udfff"}', []),
        ({"x": "@"}, '"é😀"'.encode(), []),
        ({"eventTime": "@"}, b'"2026-03-01T10:00:00.123456789Z"', []),
        ({"eventTime": "@"}, b'"2026-03-01T10:00:00.999999999+05:30"', []),
        ({"eventTime": "@"}, b'"2026-03-01T10:00:00"', ["eventTime has no offset and is taken as UTC."]),
        ({"eventTime": "@"}, b'"2999-01-01T10:00:00Z"', ["eventTime lies in the future."]),
        ({"run": {"runId": "@"}}, b'"manual__1 \\u0000/\\ud800"', ["run.runId is not a UUID."]),
        ({"eventType": "@"}, b'"PAUSED"', ["eventType 'PAUSED' is unknown and taken as OTHER."]),
        ({"schemaURL": None}, b"", ["schemaURL is missing."]),
        ({"job": {"namespace": "@", "name": "a.b/c:d?e#f%00 g"}}, b'"x\\u0000y"', []),
    ],
)
def test_what_senders_really_write_is_kept_and_reaches_the_graph(
    changes: dict[str, Any], written: bytes, warnings: list[str], api: Client
) -> None:
    raw = sent.body(sent.run_event(**changes)).replace(b'"@"', written)

    response = post(api, raw)

    assert (response.status_code, response.json()["warnings"]) == (201, warnings)
    assert stored() == raw
    assert growing.project() == 1
    assert not Outbox.objects.exists()
    assert Run.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lineage_event SET body = ''",
        "DELETE FROM lineage_event",
        "TRUNCATE lineage_event CASCADE",
        "ALTER TABLE lineage_event DISABLE TRIGGER refuse_change",
    ],
)
def test_what_was_received_can_not_be_changed(statement: str, api: Client) -> None:
    raw = sent.body(sent.run_event())
    post(api, raw)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert stored() == raw


def test_secrets_are_masked_before_anything_is_stored(api: Client) -> None:
    source = {"name": "db", "uri": "postgres://etl:hunter2@db:5432/x"}
    dataset = {"namespace": "n", "name": "x", "facets": {"dataSource": source, "env": {"database.password": "hunter2"}}}

    assert post(api, sent.body(sent.run_event(inputs=[dataset]))).status_code == 201

    assert b"hunter2" not in stored()
    assert Event.objects.get().masked


@pytest.mark.parametrize("gzipped", [False, True])
def test_an_event_of_25_mb_is_stored_whole(gzipped: bool, api: Client) -> None:
    plan = [{"node": f"Project [column#{n}]" * 20, "children": [n, n + 1]} for n in range(60_000)]
    raw = sent.body(sent.run_event(run={"runId": sent.RUN_ID, "facets": {"spark.logicalPlan": {"plan": plan}}}))
    assert len(raw) > 25_000_000

    assert post(api, raw, gzipped=gzipped).status_code == 201

    assert stored() == raw


# --- Several events ------------------------------------------------------------------------------------------------


def array(events: list[Any]) -> bytes:
    return json.dumps(events, indent=2).encode()


def lines(events: list[Any]) -> bytes:
    return b"\r\n".join(map(sent.body, events)) + b"\r\n"


FORMS = [(array, "application/json"), (lines, NDJSON), (lines, "application/json"), (lines, "")]


@pytest.mark.parametrize(("form", "kind"), FORMS)
@pytest.mark.parametrize("gzipped", [False, True])
def test_each_event_of_a_list_has_its_own_result(
    form: Callable[[list[Any]], bytes], kind: str, gzipped: bool, api: Client
) -> None:
    first, second = sent.several(2)
    first.pop("schemaURL")

    response = post(api, form([first, BAD, second, first, 7]), kind=kind, gzipped=gzipped)

    ids = dict(Event.objects.values_list("run", "id"))
    assert response.status_code == 200
    answer = response.json()
    counts = {key: answer[key] for key in ("received", "created", "duplicate", "rejected")}
    assert counts == {"received": 5, "created": 2, "duplicate": 1, "rejected": 2}
    one, refused, two, again, number = answer["results"]
    assert [result["index"] for result in answer["results"]] == [0, 1, 2, 3, 4]
    assert one["warnings"] == ["schemaURL is missing."]
    assert {one["event"], two["event"]} == set(Event.objects.values_list("id", flat=True))
    assert again == {"index": 3, "status": "duplicate"}
    assert number["message"] == "An event is a JSON object, not a number."
    assert refused == {
        "index": 1,
        "status": "rejected",
        "code": "missing",
        "field": "run.runId",
        "message": "run.runId is missing.",
    }
    assert len(ids) == 1


@pytest.mark.parametrize("address", [BATCH, BATCH + "/"])
@pytest.mark.parametrize(("form", "kind"), FORMS)
def test_a_batch_is_answered_as_the_specification_says(
    address: str, form: Callable[[list[Any]], bytes], kind: str, api: Client
) -> None:
    response = post(api, form([*sent.several(2), BAD]), to=address, kind=kind)

    assert response.status_code == 200
    assert response.json() == {
        "status": "partial_success",
        "summary": {"received": 3, "successful": 2, "failed": 1, "retriable": 0, "non_retriable": 1},
        "failed_events": [{"index": 2, "reason": "run.runId is missing.", "retriable": False}],
    }


def test_a_batch_that_is_known_already_is_a_success(api: Client) -> None:
    body = array(sent.several(2))

    answers = [post(api, body, to=BATCH).json() for _ in range(2)]

    success = {"received": 2, "successful": 2, "failed": 0, "retriable": 0, "non_retriable": 0}
    assert answers == [{"status": "success", "summary": success, "failed_events": []}] * 2
    assert Event.objects.count() == 2


@pytest.mark.parametrize("address", [LINEAGE, BATCH])
def test_no_events_are_no_refusal(address: str, api: Client) -> None:
    response = post(api, b"[]", to=address)

    assert response.status_code == 200


@pytest.mark.parametrize("address", [LINEAGE, BATCH])
def test_when_nothing_was_good_no_client_may_take_it_for_a_success(address: str, api: Client) -> None:
    response = post(api, array([BAD, 7]), to=address)

    answer = response.json()
    assert (response.status_code, answer["status"], answer["code"]) == (400, 400, "all_rejected")
    assert len(answer.get("results") or answer["failed_events"]) == 2
    assert not Event.objects.exists()


def test_a_long_list_is_stored_in_several_transactions(api: Client) -> None:
    events = sent.several(2 * intake.CHUNK_EVENTS + 10)

    answer = post(api, lines([*events, events[0]]), kind=NDJSON).json()

    assert (answer["created"], answer["duplicate"]) == (len(events), 1)
    assert [result["index"] for result in answer["results"]] == list(range(len(events) + 1))
    assert Event.objects.count() == Outbox.objects.count() == len(events)


# --- Overload ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [LINEAGE, BATCH])
def test_overload_asks_to_come_again(address: str, api: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventlog, "_backlog", eventlog._Backlog())
    monkeypatch.setattr(eventlog, "BACKLOG_AGE_S", 0)
    settings.LINEAGE_MAX_BACKLOG = 2
    assert post(api, array(sent.several(3))).status_code == 200

    refused = post(api, sent.body(sent.job_event()), to=address)
    growing.project()
    accepted = post(api, sent.body(sent.job_event()), to=address)

    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["Retry-After"]) > 0
    assert accepted.status_code in (200, 201)
    assert Event.objects.count() == 4
