"""A real Prometheus measures a KPI and a real Alertmanager tells an alert: both stand in the graph, until it passes.

They come as packages of the operating system (Debian: prometheus, prometheus-alertmanager) and not from `requirements`.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from governance.models import Team
from integrations import doors, polling, translating
from integrations.models import Connection, Delivery
from integrations.systems.base import Scheme
from lineage import live, projection
from lineage.models import Observation
from tests import service
from tests.integrations import connecting
from tests.integrations.polled import Http

PROMETHEUS = shutil.which("prometheus") or ""
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager") or ""
REGISTRY = "registry://models"
WAIT_S = 600.0

pytestmark = [
    pytest.mark.systems,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus and Alertmanager are not installed"),
]


def eventually(found: Callable[[], Any], what: str) -> Any:
    """What is found in the end. Scrapes, rules and groups take their own time."""
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        with suppress(OSError):
            if value := found():
                return value
        time.sleep(0.25)
    raise AssertionError(f"Waited {WAIT_S:.0f} s in vain for {what}.")


@contextmanager
def exporting(values: Mapping[str, float], *, version: str = "7") -> Iterator[int]:
    """An exporter of the values of a model version, as a serving process would be. The port that it listens on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = [f'{name}{{model="loans",version="{version}"}} {value}' for name, value in values.items()]
            body = ("\n".join(lines) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            yield
            assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def written(path: Path, document: Any) -> str:
    path.write_text(yaml.safe_dump(document))
    return str(path)


def prometheus_command(folder: Path, port: int, exporter: int, alertmanager: int) -> list[str]:
    watch = {"alert": "ScoreDriftHigh", "expr": "model_drift_score > 0.2", "labels": {"severity": "critical"}}
    rules = written(folder / "rules.yml", {"groups": [{"name": "models", "rules": [watch]}]})
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [rules],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [{"job_name": "loans", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
    }
    return [
        PROMETHEUS,
        f"--config.file={written(folder / 'prometheus.yml', config)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]


def alertmanager_command(folder: Path, port: int, url: str) -> list[str]:
    hook = {
        "url": url,
        "send_resolved": True,
        "max_alerts": 0,
        "http_config": {"authorization": {"type": "Bearer", "credentials": connecting.SECRET}},
    }
    config = {
        "route": {"receiver": "assay", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"},
        "receivers": [{"name": "assay", "webhook_configs": [hook]}],
    }
    return [
        ALERTMANAGER,
        f"--config.file={written(folder / 'alertmanager.yml', config)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def connected(team: Team, system: str, options: dict[str, Any], **columns: Any) -> Connection:
    made = connecting.connection(team, slug=system, system=system, scheme=Scheme.BEARER, **columns)
    made.options = {"registry": REGISTRY} | options
    made.save(update_fields=["options"])
    doors.forget()
    return made


def polled(connection: Connection, port: int) -> None:
    Connection.objects.filter(pk=connection.pk).update(poll_at=timezone.now())
    reading = polling.poll(connection.pk, client=Http(f"http://127.0.0.1:{port}/"))
    assert reading is not None
    assert (reading.error, reading.errors) == ("", [])
    projection.project()


def alerts() -> list[tuple[str, str]]:
    """Those that stand in the graph, once all that was delivered is translated."""
    while translating.translate_due():
        pass
    projection.project()
    return [(one.job_name, one.severity) for one in live.open_alerts()]


def test_a_kpi_and_an_alert_of_real_servers_stand_in_the_graph(
    live_server: LiveServer, team: Team, tmp_path: Path
) -> None:
    values = {"model_auc": 0.91, "model_requests": 500.0, "model_drift_score": 0.05}
    rules = [
        {"kpi": "auc", "query": "model_auc", "samples": "model_requests", "min_samples": 100},
        {"kpi": "nothing", "query": "model_of_no_series"},
        {"kpi": "ratio", "query": "0 * model_auc / (0 * model_auc)"},
    ]
    kpis = connected(team, "prometheus", {"rules": rules, "alerts": True}, poll_interval_s=60)
    hook = connected(team, "alertmanager", {}, poll_interval_s=60)
    ports = service.free_port(), service.free_port()

    with (
        exporting(values) as exporter,
        running(
            *alertmanager_command(tmp_path, ports[1], f"{live_server.url}/api/v1/hooks/alertmanager"),
            log=tmp_path / "alertmanager.log",
        ),
        running(*prometheus_command(tmp_path, ports[0], exporter, ports[1]), log=tmp_path / "prometheus.log"),
    ):
        ask = Http(f"http://127.0.0.1:{ports[0]}/")
        eventually(lambda: ask.get("api/v1/query", {"query": "model_auc"})["data"]["result"], "the first scrape")
        polled(kpis, ports[0])
        measured = {
            one.metric: (one.value, one.sample_size, one.version.key)
            for one in Observation.objects.select_related("version")
        }
        assert measured == {"auc": (0.91, 500, "7"), "ratio": (None, None, "7")}
        assert alerts() == []

        values["model_drift_score"] = 0.34
        eventually(lambda: Delivery.objects.filter(connection=hook).exists(), "the alert that fires")
        assert alerts() == [("ScoreDriftHigh", "critical")]
        polled(hook, ports[1])
        assert alerts() == [("ScoreDriftHigh", "critical")]

        values["model_drift_score"] = 0.05
        eventually(lambda: Delivery.objects.filter(connection=hook).count() > 1, "the alert that is resolved")
        assert alerts() == []

    assert set(Delivery.objects.values_list("connection", "state")) == {(hook.pk, "translated")}
