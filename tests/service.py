"""A whole service for tests that kill its processes, with its own database on the test server and its own folder."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psutil
import psycopg
import requests

from bench import scene

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 300
# Below those that the system gives to whoever connects somewhere, which may do so before a server takes its own.
PORTS = range(14_000, 30_000)
# Tests run beside each other in processes whose numbers are neighbours: each begins somewhere else.
_ports = itertools.cycle(itertools.chain(PORTS[os.getpid() * 100 % len(PORTS) :], PORTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service."""

    data_dir: Path
    database_url: str
    process: subprocess.Popen[bytes]

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.data_dir / "run" / "server.json").read_text())
        return state

    @property
    def url(self) -> str:
        return str(self.state["url"])

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.data_dir, self.database_url)

    def processes(self, word: str) -> list[psutil.Process]:
        """Those of the service's processes, at any depth, whose command line has this word."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if word in process.cmdline():
                    found.append(process)
        return found

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def session(self, *scopes: str, user: str = "admin") -> requests.Session:
        given = [argument for scope in scopes for argument in ("--scope", scope)]
        session = requests.Session()
        token = self.manage("issue_token", "--user", user, *given, "--name", "test").strip()
        session.headers["Authorization"] = f"Bearer {token}"
        return session


def environment(data_dir: Path, database_url: str) -> dict[str, str]:
    """Without a database's URL the service runs its own."""
    return {**os.environ, "ASSAY_DATA": str(data_dir), "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}


def free_port() -> int:
    """A port that nobody has, another one each time."""
    for port in itertools.islice(_ports, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("No port is free.")


def until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Wait for a condition; the error says for what."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"After {timeout_s:g} s still not so: {what}")


@contextmanager
def database() -> Iterator[str]:
    """A new database on the test server; gives its owner's URL."""
    given = os.environ["DATABASE_URL"]
    name = f"assay_service_{uuid4().hex[:8]}"
    parts = urlsplit(given)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            scene.drop(connection, name)


@contextmanager
def running(data_dir: Path, database_url: str = "", *, port: int | None = None) -> Iterator[Service]:
    """A service that answers; stopped with SIGTERM at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "governance.server", "--data", str(data_dir), "--port", str(port or free_port())],
        cwd=ROOT,
        env=environment(data_dir, database_url),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    service = Service(data_dir=data_dir, database_url=database_url, process=process)
    try:
        until(lambda: answers(service), timeout_s=START_TIMEOUT_S, what="the service answers")
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(180)


def answers(service: Service) -> bool:
    assert service.process.poll() is None, "The service ended."
    try:
        return requests.get(f"{service.url}/livez", timeout=2).ok
    except (OSError, ValueError, requests.RequestException):
        return False
