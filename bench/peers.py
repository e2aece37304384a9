"""From posted to in the graph, beside ML Metadata's store and MLflow's tracking server with the same facts.

All three write to the same PostgreSQL. The peers run in an environment of their own under `var/bench/peers`, made
from `requirements-bench.txt`.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench import generator, ingest, load, rows, scene
from bench.rows import Peer, Row, Target
from bench.scene import BenchError, Scene

REQUIREMENTS = scene.ROOT / "requirements-bench.txt"
PROGRAMS = Path(__file__).resolve().parent / "peer_programs"
PEER_PATIENCE_S = 900.0
ML_METADATA, MLFLOW = "ML Metadata", "MLflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One comparison: what is measured, and what is asked of it."""

    metric: str
    peer: str
    ratio: float


ONE_BY_ONE = Question(metric="posted to in the graph, one by one", peer=f"{ML_METADATA} put_execution", ratio=3)
IN_BATCHES = Question(
    metric=f"posted to in the graph, batches of {ingest.BATCH}",
    peer=f"{ML_METADATA} put_lineage_subgraph",
    ratio=8,
)
TRACKING = Question(metric="posted to in the graph, one by one", peer=f"{MLFLOW} REST calls", ratio=5)


def run(stage: Scene) -> Iterator[Row]:
    many, few = (1_000, 200) if stage.quick else (6_000, 1_000)
    facts = list(islice(generator.lines(events=many, seed=scene.SEED, assets=2_000), many))
    stage.data.mkdir(parents=True, exist_ok=True)
    all_facts, some_facts = stage.data / "facts.jsonl", stage.data / "some-facts.jsonl"
    all_facts.write_bytes(b"\n".join(facts))
    some_facts.write_bytes(b"\n".join(facts[:few]))

    ours = [_posted_to_graph(stage, facts, batch=1) for _ in range(stage.runs(3))]
    ours_batched = [_posted_to_graph(stage, facts, batch=ingest.BATCH) for _ in range(stage.runs(3))]
    try:
        python = interpreter(stage)
    except BenchError as error:
        for question in (ONE_BY_ONE, IN_BATCHES, TRACKING):
            yield _unknown(question, str(error))
        return
    for question, values, batch in ((ONE_BY_ONE, ours, 1), (IN_BATCHES, ours_batched, ingest.BATCH)):
        try:
            peer = [_ml_metadata(stage, python, all_facts, batch) for _ in range(stage.runs(3))]
        except BenchError as error:
            yield _unknown(question, str(error))
        else:
            yield _row(question, values, peer, f"{many:,} events, one client of the peer, in process")
    try:
        peer, calls = _mlflow(stage, python, some_facts)
    except BenchError as error:
        yield _unknown(TRACKING, str(error))
    else:
        yield _row(
            TRACKING, ours, peer, f"{few:,} events of the peer in {calls:,} calls, {ingest.CONNECTIONS} connections"
        )


def _row(question: Question, values: Sequence[float], peer: Sequence[float], note: str) -> Row:
    return rows.measured(
        "peers",
        question.metric,
        values,
        "events/s",
        peer=Peer(name=question.peer, values=peer),
        target=Target(ratio=question.ratio),
        note=note,
    )


def _unknown(question: Question, reason: str) -> Row:
    return rows.not_measured(
        "peers", question.metric, "events/s", reason, peer=question.peer, target=Target(ratio=question.ratio)
    )


def _posted_to_graph(stage: Scene, facts: Sequence[bytes], *, batch: int) -> float:
    """Events a second from the first byte sent to the last event in the graph, on an empty service."""
    stage.say(f"peers: our own, {batch} a request")
    with stage.service() as service:
        warm = list(islice(generator.lines(events=500, seed=scene.SEED + 1, assets=100), 500))
        service.post(warm)
        service.settle()
        if batch == 1:
            requests = [service.request("/lineage", line) for line in facts]
            connections, expected = ingest.CONNECTIONS, 201
        else:
            requests = [service.request("/lineage", body) for body in ingest.batches(facts)]
            connections, expected = ingest.BATCH_CONNECTIONS, 200
        begun = time.perf_counter()
        load.closed(service.address, requests, connections=connections).expect(expected)
        return len(facts) / (service.settle() - begun)


def interpreter(stage: Scene) -> Path:
    """The interpreter of the peers' environment, made when absent or when the requirements have changed."""
    home = scene.ROOT / "var" / "bench" / "peers"
    python, stamp = home / "bin" / "python", home / "requirements.sha256"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return python
    stage.say("peers: installing ML Metadata, MLflow, Fairlearn and SHAP, a few minutes")
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(REQUIREMENTS)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"the peers could not be installed: {_last_line(done.stderr)}")
    stamp.write_text(digest, encoding="ascii")
    return python


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def _ml_metadata(stage: Scene, python: Path, facts: Path, batch: int) -> float:
    stage.say(f"peers: {ML_METADATA}, {batch} a call")
    if sys.version_info >= (3, 12):
        raise BenchError(f"{ML_METADATA} has no wheel for Python {sys.version_info.major}.{sys.version_info.minor}")
    command = [str(python), str(PROGRAMS / "ml_metadata_store.py"), "--batch", str(batch)]
    for name, value in psycopg.conninfo.conninfo_to_dict(stage.database("mlmd")).items():
        command += [f"--{name}", str(value)]
    command.append(str(facts))
    return _rate(_ask(command, dict(stage.environment)))


def _mlflow(stage: Scene, python: Path, facts: Path) -> tuple[list[float], int]:
    """Events a second of several runs, and the calls of the last."""
    stage.say(f"peers: {MLFLOW}")
    with tracking_server(stage, python) as address:
        client = [sys.executable, str(PROGRAMS / "mlflow_tracking.py"), "--host", address.host]
        client += ["--port", str(address.port), "--clients", str(ingest.CONNECTIONS), str(facts)]
        answers = [_ask(client, dict(stage.environment)) for _ in range(stage.runs(3))]
    return [_rate(answer) for answer in answers], answers[-1]["calls"]


@contextmanager
def tracking_server(stage: Scene, python: Path) -> Iterator[load.Address]:
    """MLflow's tracking server on an empty database, while the block lasts."""
    address = load.Address(scene.HOST, scene.free_port())
    store = urlsplit(stage.database("mlflow"))._replace(scheme="postgresql+psycopg").geturl()
    environment = dict(stage.environment) | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Its job runner takes a third of a core while idle; tracking does not need it.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [str(python), "-m", "mlflow", "server", "--backend-store-uri", store, "--no-serve-artifacts"]
    command += ["--host", address.host, "--port", str(address.port), "--workers", "2"]
    log = stage.data / "mlflow.log"
    with log.open("wb") as output, scene.program(command, environment, output, log, cwd=stage.data) as process:
        scene.wait_until_ready(address, "/health", process, log)
        yield address


def _ask(command: Sequence[str], environment: dict[str, str]) -> Any:
    """The JSON that a peer's program prints. Raises BenchError with its last words when it fails."""
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=PEER_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{Path(command[1]).name} was not done in {PEER_PATIENCE_S:.0f} s") from error
    if done.returncode:
        raise BenchError(f"{Path(command[1]).name} failed: {_last_line(done.stderr)}")
    return json.loads(done.stdout)


def _rate(answer: Any) -> float:
    return float(answer["events"]) / float(answer["seconds"])
