"""A running service takes what unmodified clients send, down to the bytes on the wire."""

import gzip
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from tests import service as services
from tests.lineage import sent
from tests.service import Service

pytestmark = pytest.mark.slow
# What a scheduler's task does, with nothing but the client. It prints what the service must have in the end.
SENDER = """
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as quality
from openlineage.client.serde import Serde
from openlineage.client.uuid import generate_new_uuid

client = OpenLineageClient()
run = Run(str(generate_new_uuid()))
metrics = quality.DataQualityMetricsInputDatasetFacet(
    columnMetrics={"age": quality.ColumnMetrics(nullCount=0, min=float("nan"), max=float("inf"))}
)
for state in (RunState.START, RunState.RUNNING, RunState.COMPLETE):
    event = RunEvent(
        eventType=state,
        eventTime="2026-03-01T10:00:00.123456789Z",
        run=run,
        job=Job("jobs", "train é"),
        inputs=[InputDataset("s3://lake", "loans", inputFacets={"dataQualityMetrics": metrics})],
        outputs=[OutputDataset("s3://lake", "scores " * 1000)],
        producer="https://producer.example/1",
    )
    client.emit(event)
    print(Serde.to_json(event))
client.close(20)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with services.database() as url, services.running(tmp_path_factory.mktemp("service"), url) as running:
        yield running


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return str(service.session("lineage:write").headers["Authorization"]).removeprefix("Bearer ")


def stored(service: Service) -> list[bytes]:
    with psycopg.connect(service.database_url) as connection:
        return [row[0] for row in connection.execute("SELECT body FROM lineage_event ORDER BY id", binary=True)]


def left(service: Service) -> int:
    """How many events are not in the graph."""
    with psycopg.connect(service.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM lineage_outbox").fetchone()
        assert row is not None
        return int(row[0])


# --- openlineage-python --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "compression"), [("", ""), ("http", ""), ("http", "gzip"), ("async_http", ""), ("async_http", "gzip")]
)
def test_the_python_client_needs_only_environment_variables(
    kind: str, compression: str, service: Service, token: str
) -> None:
    before = len(stored(service))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENLINEAGE")}
    if kind:
        environment |= {
            "OPENLINEAGE__TRANSPORT__TYPE": kind,
            "OPENLINEAGE__TRANSPORT__URL": service.url,
            "OPENLINEAGE__TRANSPORT__AUTH": json.dumps({"type": "api_key", "apiKey": token}),
        }
    else:
        environment |= {"OPENLINEAGE_URL": service.url, "OPENLINEAGE_API_KEY": token}
    if compression:
        environment["OPENLINEAGE__TRANSPORT__COMPRESSION"] = compression

    printed = subprocess.run(
        [sys.executable, "-c", SENDER], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert printed.returncode == 0, printed.stderr
    expected = printed.stdout.encode().splitlines()
    assert len(expected) == 3
    assert sorted(stored(service)[before:]) == sorted(expected)
    services.until(lambda: left(service) == 0, timeout_s=60, what="the events are in the graph")


# --- Bytes on the wire ---------------------------------------------------------------------------------------------


class Wire:
    """One connection, written and read by hand."""

    def __init__(self, service: Service, token: str) -> None:
        address = urlsplit(service.url)
        assert address.hostname
        assert address.port
        self._socket = socket.create_connection((address.hostname, address.port), timeout=60)
        self._answers = self._socket.makefile("rb")
        self._head = (
            "POST /api/v1/lineage HTTP/1.1\r\n"
            f"Host: {address.netloc}\r\n"
            "User-Agent: openlineage-java/1.54.0\r\n"
            "Accept: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\n"
        )

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()

    def send(self, headers: str, body: bytes) -> None:
        self._socket.sendall(f"{self._head}{headers}\r\n".encode() + body)

    def close_for_writing(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer; status 0 when the server has hung up."""
        line = self._answers.readline()
        if not line:
            return 0, b""
        length = 0
        while (header := self._answers.readline().strip()) != b"":
            name, _, value = header.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
        return int(line.split()[1]), self._answers.read(length)


def chunked(body: bytes, size: int) -> bytes:
    parts = (body[begin : begin + size] for begin in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def large_event(name: str) -> bytes:
    """3 MB that gzip cannot make small."""
    chance = random.Random(name)
    facet = {"plan": [chance.randbytes(500).hex() for _ in range(3_000)]}
    return sent.body(
        sent.run_event(job={"namespace": "jobs", "name": name}, run={"runId": sent.RUN_ID, "facets": {"x": facet}})
    )


@pytest.mark.parametrize("size", [1_000, 65_536, 10_000_000])
@pytest.mark.parametrize("is_gzipped", [True, False])
def test_a_chunked_body_is_stored_whole(size: int, is_gzipped: bool, service: Service, token: str) -> None:
    raw = large_event(f"chunks of {size}, {is_gzipped}")
    encoding = "Content-Encoding: gzip\r\n" if is_gzipped else ""

    with Wire(service, token) as wire:
        for expected in (201, 200):  # The connection is kept; the same event is stored once.
            body = gzip.compress(raw) if is_gzipped else raw
            wire.send(f"{encoding}Transfer-Encoding: chunked\r\n", chunked(body, size))
            status, answer = wire.answer()
            assert status == expected, answer

    assert stored(service).count(raw) == 1


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ("Transfer-Encoding: chunked\r\n", b"zz\r\n"),
        ("Transfer-Encoding: chunked\r\n", b""),
        ("Content-Length: 500000\r\n", b""),
    ],
)
def test_a_sender_that_hangs_up_leaves_nothing(headers: str, rest: bytes, service: Service, token: str) -> None:
    before = stored(service)
    part = sent.body(sent.run_event(job={"namespace": "jobs", "name": f"half {headers}"}))[:-5]
    body = b"%x\r\n%s\r\n" % (len(part), part) + rest if "chunked" in headers else part

    with Wire(service, token) as wire:
        wire.send(headers, body)
        wire.close_for_writing()
        status, _ = wire.answer()

    assert status in (0, 400)
    assert stored(service) == before
    assert requests.get(f"{service.url}/livez", timeout=30).ok


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(service: Service, token: str) -> None:
    with Wire(service, token) as wire:
        wire.send("Content-Length: 900000000\r\n", b"{")
        status, answer = wire.answer()

    assert status == 413
    assert json.loads(answer)["code"] == "too_large"


def test_a_refusal_reaches_a_client_that_is_still_sending(service: Service, token: str) -> None:
    """And the connection, or a new one, takes the next event."""
    session = requests.Session()
    raw = large_event("refused at first")

    refused = session.post(f"{service.url}/api/v1/lineage", raw, headers={"Authorization": "Bearer x"}, timeout=60)
    accepted = session.post(
        f"{service.url}/api/v1/lineage", raw, headers={"Authorization": f"Bearer {token}"}, timeout=60
    )

    assert (refused.status_code, accepted.status_code) == (401, 201)
    assert raw in stored(service)


@pytest.mark.parametrize("address", ["/api/v1/lineage", "/api/v1/lineage/", "/api/v1/lineage/batch/"])
def test_no_address_of_events_is_redirected(address: str, service: Service, token: str) -> None:
    response = requests.post(
        service.url + address, b"[]", headers={"Authorization": f"Bearer {token}"}, timeout=60, allow_redirects=False
    )

    assert response.status_code == 200
