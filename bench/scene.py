"""Where benches run: databases of their own, the service with its own data and port, and a stream of events.

The service is started the way a person starts it, by `script/server`, so what is measured is what ships.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench import generator, load

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_PATIENCE_S = 120.0
WARMING_REQUESTS = 200
SETTLE_PATIENCE_S = 1_800.0
PREFIX = "assay_bench_"
SEED = 20_250_301
DROP_ATTEMPTS = 5


class BenchError(Exception):
    """A bench cannot be run; the message says why."""


@dataclass(slots=True, kw_only=True)
class Service:
    """A running service: where it listens, a token that may do everything, and its database as the owner sees it."""

    address: load.Address
    token: str
    database_url: str
    environment: Mapping[str, str]
    data: Path

    def request(self, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
        """The bytes of one request to the API."""
        return load.request(self.address, f"/api/v1{path}", body=body, token=self.token, content_type=content_type)

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """The answer to one call of the API, for setting a stage; figures are taken with `bench.load`."""
        request = urllib.request.Request(
            f"http://{self.address.host}:{self.address.port}/api/v1{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            raise BenchError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error

    def manage(self, *arguments: str, input_text: str | None = None) -> str:
        """What a management command prints. Raises BenchError with its complaint when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            input=input_text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"manage.py {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def waiting(self, database: psycopg.Connection[Any]) -> int:
        """How many events are taken and not yet in the graph."""
        row = database.execute("SELECT count(*) FROM lineage_outbox WHERE NOT is_dead").fetchone()
        assert row is not None, "an aggregate gives a row"
        return int(row[0])

    def settle(self) -> float:
        """Wait until everything is in the graph; the `time.perf_counter` at which it was."""
        deadline = time.monotonic() + SETTLE_PATIENCE_S
        with psycopg.connect(self.database_url, autocommit=True) as database:
            while self.waiting(database):
                if time.monotonic() > deadline:
                    raise BenchError(f"Events were still waiting after {SETTLE_PATIENCE_S:.0f} s.")
                time.sleep(0.01)
            settled_at = time.perf_counter()
            dead = database.execute("SELECT count(*) FROM lineage_outbox WHERE is_dead").fetchone()
        if dead and dead[0]:
            raise BenchError(f"{dead[0]} events could not be projected.")
        return settled_at

    def post(self, lines: Sequence[bytes], *, batch: int = 500, connections: int = 2) -> None:
        """Put events into the log quickly, for setting a stage."""
        requests = [
            self.request("/lineage", b"[" + b",".join(lines[at : at + batch]) + b"]")
            for at in range(0, len(lines), batch)
        ]
        load.closed(self.address, requests, connections=connections).expect(200)


@dataclass(slots=True, kw_only=True)
class Scene:
    """What all benches of one run share."""

    quick: bool
    data: Path
    cluster_url: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    logs: dict[int, str] = field(default_factory=dict)

    def runs(self, full: int) -> int:
        """How often to repeat a measurement."""
        return 1 if self.quick else full

    def say(self, text: str) -> None:
        """Progress, kept apart from the results."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def database(self, name: str) -> str:
        """The URL of a fresh, empty database."""
        full_name = PREFIX + name
        with psycopg.connect(self.cluster_url, autocommit=True) as cluster:
            drop(cluster, full_name)
            cluster.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(full_name)))
        return urlunsplit(urlsplit(self.cluster_url)._replace(path=f"/{full_name}"))

    def restore(self, url: str) -> None:
        """Put a database back to how it was when it was first restored. Nobody may be connected to it.

        It keeps its name, from which the service derives the name of its role.
        """
        name = urlsplit(url).path.lstrip("/")
        with psycopg.connect(self.cluster_url, autocommit=True) as cluster:
            kept = f"{name}_kept"
            row = cluster.execute("SELECT 1 FROM pg_database WHERE datname = %s", [kept]).fetchone()
            source, target = (kept, name) if row else (name, kept)
            if row:
                drop(cluster, name)
            cluster.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source))
            )

    def clean(self) -> None:
        """Remove the databases that benches made, which may be some gigabytes, and the roles that the service made."""
        with psycopg.connect(self.cluster_url, autocommit=True) as cluster:
            for (name,) in cluster.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
            ).fetchall():
                drop(cluster, name)
            for (name,) in cluster.execute(
                "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [PREFIX]
            ).fetchall():
                cluster.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    @contextmanager
    def service(self, *, database_url: str = "") -> Iterator[Service]:
        """The service on a fresh database, or on one that a bench has filled; stopped and its data gone after."""
        url = database_url or self.database("service")
        port, data = free_port(), self.data / f"service-{secrets.token_hex(4)}"
        environment = dict(self.environment) | {
            "DATABASE_URL": url,
            "ASSAY_DATA": str(data),
            "ASSAY_PUBLIC_URL": f"http://{HOST}:{port}",
        }
        environment.pop("DATABASE_APP_URL", None)
        self.data.mkdir(parents=True, exist_ok=True)
        log = self.data / "service.log"
        command = ["script/server", "--port", str(port), "--data", str(data)]
        with log.open("wb") as output, program(command, environment, output, log) as process:
            address = load.Address(HOST, port)
            wait_until_ready(address, "/readyz", process, log)
            service = Service(address=address, token="", database_url=url, environment=environment, data=data)
            service.token = service.manage("issue_token", "--user", "admin", "--scope", "all")
            # Every process of the web server loads its code with its first request, which is not what is measured.
            warm = [service.request("/assets?limit=1")] * WARMING_REQUESTS
            load.closed(address, warm, connections=16).expect(200)
            yield service
        shutil.rmtree(data, ignore_errors=True)  # Kept when something failed: its logs say what.

    def log_of(self, events: int) -> str:
        """The URL of a database whose log holds this many events, all in the graph. Filled once a run."""
        if events not in self.logs:
            url = self.database(f"log_{events}")
            self.say(f"filling a log with {events:,} events")
            with self.service(database_url=url) as service:
                stream = generator.lines(events=events, seed=SEED)
                while chunk := list(islice(stream, 20_000)):
                    service.post(chunk)
                service.settle()
            self.logs[events] = url
        return self.logs[events]


def drop(cluster: psycopg.Connection[Any], name: str) -> None:
    """Remove a database, if there is one, whoever is connected to it."""
    named = sql.Identifier(name)
    for _ in range(DROP_ATTEMPTS):
        try:
            cluster.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        except psycopg.errors.InsufficientPrivilege:
            # Autovacuum is at work in it, and only a superuser may force that. Without force the server ends it itself.
            with suppress(psycopg.errors.ObjectInUse):
                cluster.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(named))
                return
        else:
            return
    raise BenchError(f"The database {name} could not be removed: something works in it.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    log: Path,
    *,
    cwd: Path = ROOT,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program and its children in a process group of their own, ended with the block."""
    process = subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(environment),
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process, log)


def _end(process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask to stop as Ctrl-C would; what does not stop in time is killed, and that is said."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        print(f"  {process.args!r} did not stop within 30 s (log: {log})", file=sys.stderr)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(address: load.Address, path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when GET `path` answers 200. Raises BenchError with the end of the log otherwise."""
    deadline = time.monotonic() + START_PATIENCE_S
    url = f"http://{address.host}:{address.port}{path}"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                if reply.status == 200:
                    return
        except OSError:
            pass  # Not listening or not ready yet: that is what is waited for.
        time.sleep(0.2)
    tail = log.read_text(encoding="utf-8", errors="replace")[-1500:]
    raise BenchError(f"{process.args!r} was not ready within {START_PATIENCE_S:.0f} s:\n{tail}")
