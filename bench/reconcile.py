"""How long a registry of MLflow takes to be read: first whole, then again when nothing has changed in it.

The registry's answers are made beforehand and come from a small server of the bench's own, page by page as MLflow gives
them, so that the figures are of the poll, its translation and the append, beside the projector.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg

from bench import rows
from bench.rows import Better, Row, Target
from bench.scene import HOST, BenchError, Scene, Service

API = "/api/2.0/mlflow/"
MODELS, VERSIONS_OF_EACH = 2_000, 10
BEGUN_MS = 1_772_438_400_000
FIRST_S, UNCHANGED_S = 60.0, 5.0
PATIENCE_S = 1_800.0
Document = dict[str, Any]


def run(stage: Scene) -> Iterator[Row]:
    registry = Registry(models=MODELS // 20 if stage.quick else MODELS)
    # The service asks nothing on the loopback unless it is told to.
    inside = replace(stage, environment={**stage.environment, "ASSAY_OUTGOING_NETWORKS": f"{HOST}/32"})
    with answering(registry) as address, inside.service() as service:
        connect(service, address)
        stage.say(f"reconcile: {registry.told}, each with its run")
        first = read(service, after=0)
        begun = time.perf_counter()
        service.settle()
        settled = time.perf_counter() - begun
        stage.say("reconcile: again, unchanged")
        again = []
        for number in range(stage.runs(3)):
            again.append(read(service, after=1 + number))
    what = f"MLflow registry of {registry.told}, each with its run,"
    note = f"{first[1]:,} events"
    yield rows.measured(
        "reconcile",
        f"{what} read for the first time",
        [first[0]],
        "s",
        better=Better.LESS,
        target=Target(value=FIRST_S),
        note=note,
    )
    yield rows.measured(
        "reconcile", "the same, from its end until all is in the graph", [settled], "s", better=Better.LESS
    )
    yield rows.measured(
        "reconcile",
        "the same registry again, unchanged",
        [seconds for seconds, _ in again],
        "s",
        better=Better.LESS,
        target=Target(value=UNCHANGED_S),
        note=f"{sum(events for _, events in again):,} events told",
    )


class Registry:
    """Models, their versions, the runs that made them, and the logged models that they were registered from."""

    def __init__(self, *, models: int) -> None:
        count = models * VERSIONS_OF_EACH
        self.told = f"{models:,} models and {count:,} versions"
        self.models = [_model(number) for number in range(models)]
        self.versions = [_version(number) for number in range(count)]
        self.runs = [_run(number) for number in range(count)]
        self.logged = [_logged(number) for number in range(count)]
        self._places = {_run_id(number): number for number in range(count)}

    def answer(self, path: str, asked: Mapping[str, Any]) -> Document:
        question = str(asked.get("filter", ""))
        match path:
            case "experiments/search":
                return {"experiments": [{"experiment_id": "1", "name": "credit"}]}
            case "registered-models/search":
                return _page("registered_models", self.models, asked)
            case "model-versions/search" if question:
                return {"model_versions": [self.versions[place] for place in self._named(question)]}
            case "model-versions/search":
                # The newest change first.
                return _page("model_versions", self.versions[::-1], asked)
            case "logged-models/search":
                return {"models": [self.logged[place] for place in self._named(question)]}
            case "runs/search" if " IN (" in question:
                return {"runs": [self.runs[place] for place in self._named(question)]}
            case "runs/search" if question.startswith("attributes.end_time"):
                since = int(question.rpartition(" ")[2])
                found = [one for one in self.runs if one["info"]["end_time"] >= since]
                return _page("runs", found, asked)
            case "runs/search":
                return {}
        raise BenchError(f"MLflow was asked what the bench does not know: {path}")

    def _named(self, question: str) -> list[int]:
        ids = question.partition("(")[2].rstrip(")").replace("'", "").split(",")
        return [self._places[one.removeprefix("m-")] for one in ids]


def _page(key: str, listed: Sequence[Document], asked: Mapping[str, Any]) -> Document:
    start, most = int(asked.get("page_token", 0)), int(asked["max_results"])
    following = {"next_page_token": str(start + most)} if start + most < len(listed) else {}
    return {key: listed[start : start + most], **following}


def _run_id(number: int) -> str:
    return f"{number:032x}"


def _name(number: int) -> str:
    return f"scorecard-{number // VERSIONS_OF_EACH:05d}"


def _at(number: int) -> int:
    """One version a minute."""
    return BEGUN_MS + number * 60_000


def _number(number: int) -> int:
    return number % VERSIONS_OF_EACH + 1


def _model(number: int) -> Document:
    last = number * VERSIONS_OF_EACH + VERSIONS_OF_EACH - 1
    return {
        "name": _name(last),
        "creation_timestamp": _at(number * VERSIONS_OF_EACH),
        "last_updated_timestamp": _at(last),
        "description": "Probability of default within a year.",
        "tags": [{"key": "domain", "value": "credit"}],
        "aliases": [{"alias": "champion", "version": str(VERSIONS_OF_EACH)}],
        "latest_versions": [_version(last)],
    }


def _version(number: int) -> Document:
    return {
        "name": _name(number),
        "version": str(_number(number)),
        "creation_timestamp": _at(number),
        "last_updated_timestamp": _at(number),
        "current_stage": "None",
        "source": f"models:/m-{_run_id(number)}",
        "run_id": _run_id(number),
        "status": "READY",
        "tags": [{"key": "reviewed", "value": "yes"}],
    }


def _run(number: int) -> Document:
    metrics = [{"key": f"m{one}", "value": 0.5 + one / 100, "timestamp": _at(number), "step": 0} for one in range(10)]
    tags = {
        "mlflow.runName": f"nightly-{number}",
        "mlflow.source.git.commit": f"{number:040x}",
        "mlflow.source.git.repoURL": "https://github.com/acme/credit",
    }
    tables = [
        {
            "dataset": {"name": name, "digest": f"{number:08x}", "source_type": "s3", "source": f'{{"uri": "{uri}"}}'},
            "tags": [{"key": "mlflow.data.context", "value": "training"}],
        }
        for name, uri in (("loans", "s3://lake/loans"), ("bureau", "s3://lake/bureau"))
    ]
    return {
        "info": {
            "run_id": _run_id(number),
            "experiment_id": "1",
            "run_name": f"nightly-{number}",
            "status": "FINISHED",
            "start_time": _at(number) - 1_800_000,
            "end_time": _at(number),
            "artifact_uri": f"s3://runs/1/{_run_id(number)}/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {
            "metrics": metrics,
            "params": [{"key": f"p{one}", "value": str(one)} for one in range(10)],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
        "inputs": {"dataset_inputs": tables},
        "outputs": {"model_outputs": [{"model_id": f"m-{_run_id(number)}", "step": 0}]},
    }


def _logged(number: int) -> Document:
    registered = json.dumps([{"name": _name(number), "version": _number(number)}])
    return {
        "info": {
            "model_id": f"m-{_run_id(number)}",
            "experiment_id": "1",
            "name": "model",
            "creation_timestamp_ms": _at(number),
            "last_updated_timestamp_ms": _at(number),
            "artifact_uri": f"s3://runs/1/models/m-{_run_id(number)}/artifacts",
            "status": "LOGGED_MODEL_READY",
            "source_run_id": _run_id(number),
            "tags": [{"key": "mlflow.modelVersions", "value": registered}],
        },
        "data": {"metrics": [{"key": "m0", "value": 0.5, "timestamp": _at(number), "step": 0}]},
    }


@contextmanager
def answering(registry: Registry) -> Iterator[str]:
    """The address at which the registry answers while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A reply is two writes, of which the second would wait for the acknowledgement of the first.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(parts.path, dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            self._answer(urlsplit(self.path).path, asked)

        def _answer(self, path: str, asked: Mapping[str, Any]) -> None:
            body = json.dumps(registry.answer(path.removeprefix(API), asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Its log would stand between the progress of the bench."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect(service: Service, address: str) -> None:
    """A team, and its connection to the registry, which is polled from now on."""
    service.call("POST", "/teams", {"slug": "bench", "name": "Bench"})
    service.call(
        "POST",
        "/connections",
        {
            "slug": "registry",
            "team": "bench",
            "system": "mlflow",
            "title": "MLflow",
            "namespace": "mlflow://bench.example",
            "address": address,
            "poll_interval_s": 3_600,
        },
    )


def read(service: Service, *, after: int) -> tuple[float, int]:
    """Seconds of the readings after that one, once there is no more to be read, and how many events they told.

    A reading that takes longer than one may goes on in the next.
    """
    if after:
        service.call("POST", "/connections/registry/pause", {})
        service.call("DELETE", "/connections/registry/pause")
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(service.database_url, autocommit=True) as database:
        while True:
            row = database.execute(_READ, [after]).fetchone()
            if row and row[1]:
                raise BenchError(f"The registry could not be read: {row[1]}")
            if row and row[0] is not None:
                return float(row[0]), int(row[2])
            if time.monotonic() > deadline:
                raise BenchError(f"The registry was not read within {PATIENCE_S:.0f} s.")
            time.sleep(0.05)


_READ = """
SELECT CASE WHEN bool_and(ended_at IS NOT NULL) AND max(poll_at) > now() + interval '1 minute'
            THEN extract(epoch FROM max(ended_at) - min(started_at)) END,
       max(error), sum(events)
FROM integrations_reading JOIN integrations_connection AS c ON c.id = connection_id
WHERE integrations_reading.id > %s AND c.slug = 'registry'
HAVING count(*) > 0
"""
