"""Processes killed, messages lost: every acknowledged event reaches the graph, every promotion its verdict."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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
# For what takes seconds, where nobody else wants the machine.
WAIT_S = 180
SENDERS = 3
READERS = 2
# Requests that find their connection dead, or take another dead one while the pool is being renewed.
REFUSED_PER_LOSS = 2 * (SENDERS + READERS)
# Ends every connection of the application's role but the one that asks.
END_CONNECTIONS = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    )
    print(cursor.fetchone()[0])
"""


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
        insist(service, session, "lineage", event)
        body = {"model": name, "version": "1", "stage": "production"}
        ids.append(insist(service, session, "promotions", body).json()["id"])
    return ids


def insist(service: Service, session: requests.Session, path: str, document: dict[str, Any]) -> requests.Response:
    """As clients do: what is not possible now is sent again. One of the web server's processes may still hold
    connections that were ended, when none of those that were busy did."""
    deadline = time.monotonic() + WAIT_S
    while True:
        answer = session.post(f"{service.url}/api/v1/{path}", json=document, timeout=60)
        if answer.status_code != 503 or time.monotonic() > deadline:
            assert answer.status_code == 201, answer.text
            return answer
        time.sleep(float(answer.headers["Retry-After"]))


def await_verdicts(service: Service, session: requests.Session, ids: list[str]) -> None:
    """Odd ones pass and even ones are blocked, whatever happened meanwhile."""
    for number, promotion in enumerate(ids):
        deadline = time.monotonic() + WAIT_S
        state = "checking"
        while state == "checking" and time.monotonic() < deadline:
            with suppress(requests.RequestException):
                answer = session.get(f"{service.url}/api/v1/promotions/{promotion}", params={"wait": 20}, timeout=40)
                state = answer.json()["state"] if answer.ok else state
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
            until(lambda: services.answers(service), timeout_s=WAIT_S, what="the web server is back")
        before = len(acknowledged)
        until(lambda: len(acknowledged) > before, timeout_s=WAIT_S, what="it acknowledges again")
    finally:
        stop.set()
        for sender in senders:
            sender.join()

    until(lambda: backlog(service) == 0, timeout_s=WAIT_S, what="everything is in the graph")
    assert acknowledged <= names_in_the_graph(service)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What clients were answered, and the names of the datasets in what was acknowledged."""

    acknowledged: set[str] = field(default_factory=set)
    answers: list[tuple[float, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def since(self, moment: float) -> list[int]:
        return [status for at, status in self.answers if at >= moment]


@contextmanager
def traffic(service: Service, session: requests.Session, prefix: str) -> Iterator[Traffic]:
    """Clients post events, singly and in batches, and read pages and lists, until the block ends."""
    seen, stop = Traffic(), threading.Event()

    def run(own: requests.Session, number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            begun = time.monotonic()
            try:
                if number < SENDERS:
                    answer = send(own, f"{prefix}-{number}-{count}", 20 if count % 2 else 1)
                else:
                    path = "/assets" if number % 2 else "/api/v1/assets"
                    answer = own.get(f"{service.url}{path}", timeout=60, allow_redirects=False)
            except requests.RequestException as error:
                seen.failures.append(repr(error))
                continue
            seen.answers.append((begun, answer.status_code))
            if answer.status_code == 503 and "Retry-After" not in answer.headers:
                seen.failures.append(f"{answer.url} does not say when to come again")

    def send(own: requests.Session, name: str, size: int) -> requests.Response:
        names = [f"{name}-{item}" for item in range(size)]
        answer = own.post(
            f"{service.url}/api/v1/lineage",
            data="\n".join(json.dumps(dataset_event(name)) for name in names),
            headers={"Content-Type": "application/x-ndjson" if size > 1 else "application/json"},
            timeout=60,
        )
        if answer.ok:
            seen.acknowledged.update(names)
        return answer

    clients = []
    for number in range(SENDERS + READERS):
        own = signed_in(service) if number >= SENDERS and number % 2 else requests.Session()
        if number < SENDERS or not number % 2:
            own.headers.update(session.headers)
        clients.append(threading.Thread(target=run, args=(own, number)))
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        stop.set()
        for client in clients:
            client.join()


def signed_in(service: Service) -> requests.Session:
    """A person's browser, as far as cookies go."""
    browser = requests.Session()
    address = f"{service.url}/sign-in"
    browser.get(address, timeout=30)
    password = (service.data_dir / "secrets" / "admin_password").read_text().strip()
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    answer = browser.post(address, data=form, timeout=30, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return browser


def test_the_database_ends_all_connections(service: Service, session: requests.Session) -> None:
    """As a restart or a failover of the server does. Clients that come again get through, and nothing is restarted."""
    web = {process.pid for process in service.processes("granian")}

    with traffic(service, session, "ended") as seen:
        time.sleep(1)
        for _ in range(3):
            before = time.monotonic()
            assert int(service.manage("shell", "--no-imports", "-c", END_CONNECTIONS)) > 0
            time.sleep(1)
            lost = time.monotonic()
            assert seen.since(before).count(503) <= REFUSED_PER_LOSS
            time.sleep(1.5)
            assert set(seen.since(lost)) <= {200, 201}, "It answers again."

    assert seen.failures == []
    assert set(seen.since(0)) <= {200, 201, 503}
    assert {process.pid for process in service.processes("granian")} == web
    assert seen.acknowledged
    until(lambda: backlog(service) == 0, timeout_s=WAIT_S, what="everything is in the graph")
    assert seen.acknowledged <= names_in_the_graph(service)
    await_verdicts(service, session, ask(service, session, "after-ended"))


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux hands orphans to a process that ends them.")
@pytest.mark.parametrize("word", ["granian", "worker"])
def test_a_main_process_is_killed_alone(word: str, service: Service, session: requests.Session) -> None:
    """It cannot end its own processes any more. Old ones that went on would answer with the code of their time."""
    family = service.processes(word)
    (keeper,) = (process for process in family if process.parent() not in family)
    (main,) = (process for process in family if process.parent() == keeper)
    assert [process for process in family if process.parent() == main]

    with traffic(service, session, f"alone-{word}") as seen:
        time.sleep(1)
        main.kill()
        _, alive = psutil.wait_procs(family, timeout=WAIT_S)
        assert alive == []
        until(lambda: bool(service.processes(word)), timeout_s=WAIT_S, what="it was started again")
        until(lambda: services.answers(service), timeout_s=WAIT_S, what="the web server answers")
        time.sleep(1)

    assert set(seen.since(0)) <= {200, 201, 503}
    until(lambda: backlog(service) == 0, timeout_s=WAIT_S, what="everything is in the graph")
    assert seen.acknowledged
    assert seen.acknowledged <= names_in_the_graph(service)
    await_verdicts(service, session, ask(service, session, f"after-{word}"))


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
