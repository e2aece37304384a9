"""How long a promotion waits for its verdict: one at a time, as a whole cold command, and many at once."""

import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any

import msgspec

from bench import inside, load, rows, scene
from bench.company import Company
from bench.generator import Reporter
from bench.rows import Better, Row, Target
from bench.scene import BenchError, Scene, Service

FINAL = frozenset({"blocked", "passed", "withdrawn", "waiting"})
AT_ONCE = 50
STAGE = "production"
POLICY = f"""
policy: bench-gate
applies: {{stage: {STAGE}}}
rules:
  - check: ownership
    roles: [business_owner, technical_owner, steward]
  - check: kpi
    metric: auc
    minimum: 0.50
    maximum: 1.00
  - check: lineage-complete
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model version that has everything the policy asks for."""

    namespace: str
    model: str
    version: str
    commit: str
    evidence: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "namespace": self.namespace,
            "version": self.version,
            "stage": STAGE,
            "commit": self.commit,
            "evidence": dict(self.evidence),
        }


def run(stage: Scene) -> Iterator[Row]:
    count = 20 if stage.quick else 100
    colds = 3 if stage.quick else 10
    with stage.service() as service:
        stage.say("gate: models with owners, figures and lineage")
        candidates = prepare(service, count=count + colds + AT_ONCE * stage.runs(3) + 5, seed=scene.SEED)
        verdict_times(service, [candidates.pop() for _ in range(5)])
        stage.say("gate: one at a time")
        verdicts = verdict_times(service, [candidates.pop() for _ in range(count)])
        stage.say("gate: cold command")
        cold = [_cold_command(service, candidates.pop()) for _ in range(colds)]
        at_once = []
        for number in range(stage.runs(3)):
            stage.say(f"gate: {AT_ONCE} at once, run {number + 1}")
            at_once.append(_all_decided(service, [candidates.pop() for _ in range(AT_ONCE)]))
    for name, share, target in (("p50", 0.50, 150), ("p95", 0.95, 400)):
        yield rows.measured(
            "gate",
            f"three checks, request to verdict {name}",
            [rows.percentile(verdicts, share) * 1000],
            "ms",
            better=Better.LESS,
            target=Target(value=target),
            note=f"{count} promotions, one after the other",
        )
    yield rows.measured(
        "gate",
        "assay gate as a cold process, more than the verdict",
        [taken - median(verdicts) for taken in cold],
        "s",
        better=Better.LESS,
        target=Target(value=0.5),
        note=f"the whole process {rows.number(median(cold))} s",
    )
    yield rows.measured(
        "gate",
        f"{AT_ONCE} promotions at once, all decided",
        at_once,
        "s",
        better=Better.LESS,
        target=Target(value=5.0),
    )


def prepare(service: Service, *, count: int, seed: int, policy: str = POLICY) -> list[Candidate]:
    """Post the trainings of `count` model versions, give the models owners, and set the policy."""
    trainings = list(islice(_trainings(seed), count))
    service.post([msgspec.json.encode(event) for event in trainings], batch=100)
    service.settle()
    service.call("POST", "/policies", {"document": policy})
    candidates = [_candidate(event) for event in trainings]
    models = sorted({(candidate.namespace, candidate.model) for candidate in candidates})
    inside.run(service, "bench.owners", input_text=json.dumps(models))
    return candidates


def _trainings(seed: int) -> Iterator[dict[str, Any]]:
    """Ends of training runs that wrote a model version, from inputs with versions, at a commit."""
    for event in Reporter(Company(seed=seed, assets=400)).events():
        is_pinned = all("version" in read["facets"] for read in event["inputs"])
        if event["outputs"] and "datasetType" in event["outputs"][0]["facets"] and is_pinned:
            yield event


def _candidate(event: dict[str, Any]) -> Candidate:
    plain = msgspec.json.decode(msgspec.json.encode(event))
    (model,) = plain["outputs"]
    return Candidate(
        namespace=model["namespace"],
        model=model["name"],
        version=model["facets"]["version"]["datasetVersion"],
        commit=plain["job"]["facets"]["sourceCodeLocation"]["version"],
    )


def verdict_times(service: Service, candidates: Sequence[Candidate], *, checks: int = 3) -> list[float]:
    """Seconds from request to verdict, one promotion after the other on one kept connection."""
    connection = http.client.HTTPConnection(service.address.host, service.address.port, timeout=60)
    taken = []
    for candidate in candidates:
        begun = time.perf_counter()
        promotion = _ask(connection, service, "POST", "/promotions", candidate.document())
        while promotion["state"] not in FINAL:
            promotion = _ask(connection, service, "GET", f"/promotions/{promotion['id']}?wait=30")
        taken.append(time.perf_counter() - begun)
        _must_have_passed(promotion, checks)
    connection.close()
    return taken


def _ask(
    connection: http.client.HTTPConnection,
    service: Service,
    method: str,
    path: str,
    document: dict[str, Any] | None = None,
) -> Any:
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    if document is not None:
        headers["Idempotency-Key"] = secrets.token_hex(16)
    body = None if document is None else json.dumps(document)
    connection.request(method, f"/api/v1{path}", body, headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status >= 300:
        raise BenchError(f"{method} {path}: {reply.status} {text[:500]!r}")
    return json.loads(text)


def _must_have_passed(promotion: dict[str, Any], checks: int = 3) -> None:
    """A gate that blocks early would be a fast gate: only a full evaluation with a pass of every check counts."""
    outcomes = {finding["check"]: finding["outcome"] for finding in promotion["findings"]}
    if promotion["state"] != "passed" or len(outcomes) != checks:
        raise BenchError(f"Promotion {promotion['id']} is {promotion['state']} with {outcomes}.")


def _cold_command(service: Service, candidate: Candidate) -> float:
    """Seconds of a whole `assay gate`, from no process to none."""
    command = [sys.executable, "-m", "assay_cli", "gate", "--model", candidate.model, "--version", candidate.version]
    command += ["--namespace", candidate.namespace, "--to", STAGE, "--commit", candidate.commit]
    environment = {
        "PATH": service.environment.get("PATH", ""),
        "PYTHONPATH": str(scene.ROOT / "cli"),
        "ASSAY_URL": f"http://{service.address.host}:{service.address.port}",
        "ASSAY_TOKEN": service.token,
    }
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=scene.ROOT, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begun
    if done.returncode:
        raise BenchError(f"assay gate: {done.returncode} {done.stdout[-300:]} {done.stderr[-300:]}")
    return taken


def _all_decided(service: Service, candidates: Sequence[Candidate]) -> float:
    """Seconds from the first request to the last `decided_at`, all requested at the same time."""
    requests = [
        load.request(
            service.address,
            "/api/v1/promotions",
            body=json.dumps(candidate.document()).encode(),
            token=service.token,
            headers={"Idempotency-Key": secrets.token_hex(16)},
        )
        for candidate in candidates
    ]
    begun = time.time()
    result = load.closed(service.address, requests, connections=len(requests), keep_bodies=True).expect(201)
    last = begun
    connection = http.client.HTTPConnection(service.address.host, service.address.port, timeout=60)
    for body in result.bodies:
        promotion = json.loads(body)
        while promotion["state"] not in FINAL:
            promotion = _ask(connection, service, "GET", f"/promotions/{promotion['id']}?wait=30")
        _must_have_passed(promotion)
        last = max(last, datetime.fromisoformat(promotion["decided_at"]).timestamp())
    connection.close()
    return last - begun
