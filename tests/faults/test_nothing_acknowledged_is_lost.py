"""Processes killed, messages lost: every acknowledged event reaches the graph, every promotion its verdict."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from governance.celery import app
from tests import service as services
from tests.service import Service, until

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.broker]
POLICY = """\
policy: faults
applies: {stage: production}
rules:
  - check: kpi
    metric: auc
    minimum: 0.8
  - check: lineage-complete
  - check: ownership
    roles: [steward]
    mode: shadow
"""
PROMOTIONS = 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    with services.database() as url, services.running(folder, url) as running:
        policies = folder / "policies"
        policies.mkdir()
        (policies / "faults.yaml").write_text(POLICY)
        running.manage("policies", "apply", str(policies))
        yield running


@pytest.fixture(scope="module")
def session(service: Service) -> requests.Session:
    return service.session("all")


def trained(name: str, auc: float) -> dict[str, Any]:
    """One run that wrote version 1 of a model, with its figure, its pinned input and its commit."""
    return {
        "eventTime": "2026-03-01T10:00:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"run of {name}"},
        "job": {
            "namespace": "jobs",
            "name": f"train-{name}",
            "facets": {
                "sourceCodeLocation": {
                    "type": "git",
                    "url": "https://git.example/r",
                    "repoUrl": "https://git.example/r",
                    "version": "3f2a9c1d0b7e",
                }
            },
        },
        "inputs": [{"namespace": "n", "name": "data", "facets": {"version": {"datasetVersion": "v7"}}}],
        "outputs": [
            {
                "namespace": "registry://r",
                "name": name,
                "facets": {
                    "datasetType": {"datasetType": "MODEL"},
                    "version": {"datasetVersion": "1"},
                    "assay_modelMetrics": {"metrics": [{"name": "auc", "value": auc}]},
                },
            }
        ],
    }


def ask(service: Service, session: requests.Session, prefix: str) -> list[str]:
    """Post the runs of models and ask for their promotion at once; gives the ids of the promotions."""
    ids = []
    for number in range(PROMOTIONS):
        name = f"{prefix}-{number}"
        event = trained(name, 0.9 if number % 2 else 0.7)
        assert session.post(f"{service.url}/api/v1/lineage", json=event, timeout=30).status_code == 201
        body = {"model": name, "version": "1", "stage": "production"}
        asked = session.post(f"{service.url}/api/v1/promotions", json=body, timeout=30)
        assert asked.status_code == 201, asked.text
        ids.append(asked.json()["id"])
    return ids


def await_verdicts(service: Service, session: requests.Session, ids: list[str]) -> None:
    """Odd ones pass and even ones are blocked, whatever happened meanwhile."""
    for number, promotion in enumerate(ids):
        deadline = time.monotonic() + 90
        state = "checking"
        while state == "checking" and time.monotonic() < deadline:
            with suppress(requests.RequestException):
                answer = session.get(f"{service.url}/api/v1/promotions/{promotion}", params={"wait": 20}, timeout=40)
                state = answer.json()["state"]
        assert state == ("passed" if number % 2 else "blocked")


def test_workers_killed_in_the_middle_of_promotions(service: Service, session: requests.Session) -> None:
    ids = ask(service, session, "worker")

    for process in service.processes("worker"):
        with suppress(psutil.NoSuchProcess):
            process.kill()

    await_verdicts(service, session, ids)


def test_the_broker_loses_all_its_messages(service: Service, session: requests.Session) -> None:
    stop = threading.Event()

    def lose() -> None:
        while not stop.is_set():
            purge(service)

    thief = threading.Thread(target=lose)
    thief.start()
    try:
        ids = ask(service, session, "broker")
        time.sleep(1)
    finally:
        stop.set()
        thief.join()

    await_verdicts(service, session, ids)


def purge(service: Service) -> None:
    """Throw away what waits in the queue."""
    broker = os.environ.get("BROKER_URL", "")
    if not broker:
        for message in (service.data_dir / "broker").glob("*"):
            message.unlink(missing_ok=True)
        time.sleep(0.002)
        return
    with app.connection_for_write(broker) as connection:
        connection.SimpleQueue("celery").clear()
    time.sleep(0.01)


def test_the_web_server_is_killed_in_the_middle_of_batches(service: Service, session: requests.Session) -> None:
    acknowledged: set[str] = set()
    stop = threading.Event()

    def post(sender: int) -> None:
        own = requests.Session()
        own.headers.update(session.headers)
        number = 0
        while not stop.is_set():
            number += 1
            names = [f"batch-{sender}-{number}-{item}" for item in range(50)]
            body = "\n".join(json.dumps(dataset_event(name)) for name in names)
            with suppress(requests.RequestException):
                answer = own.post(
                    f"{service.url}/api/v1/lineage",
                    data=body,
                    headers={"Content-Type": "application/x-ndjson"},
                    timeout=10,
                )
                if answer.status_code == 200:
                    acknowledged.update(names)

    senders = [threading.Thread(target=post, args=(sender,)) for sender in range(3)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(2):
            time.sleep(1.5)
            for process in service.processes("granian"):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            until(lambda: services.answers(service), timeout_s=60, what="the web server is back")
        time.sleep(1.5)
    finally:
        stop.set()
        for sender in senders:
            sender.join()

    assert acknowledged
    until(lambda: backlog(service) == 0, timeout_s=60, what="everything is in the graph")
    assert acknowledged <= names_in_the_graph(service)


def dataset_event(name: str) -> dict[str, Any]:
    return {
        "eventTime": "2026-03-01T10:00:00Z",
        "producer": "urn:assay:test",
        "dataset": {"namespace": "n", "name": name},
    }


def backlog(service: Service) -> int:
    return int(rows(service, "SELECT count(*) FROM lineage_outbox")[0][0])


def names_in_the_graph(service: Service) -> set[str]:
    return {row[0] for row in rows(service, "SELECT name FROM lineage_asset")}


def rows(service: Service, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(service.database_url) as connection:
        found: list[tuple[Any, ...]] = connection.execute(query.encode()).fetchall()
        return found
