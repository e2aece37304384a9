"""Outside systems, each installed in a virtual environment of its own, beside a server that hears of them."""

import io
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command

from governance.models import Team
from integrations import connections, doors, systems, translating
from integrations.models import Connection, Delivery
from integrations.systems.base import Scheme
from lineage import identity
from lineage.identity import Family
from lineage.models import Asset
from tests.integrations import connecting
from tests.lineage import growing

ROOT = Path(__file__).resolve().parents[2]
PLACES = ROOT / "var" / "systems"
TIMEOUT_S = 900
STOP_TIMEOUT_S = 60


def place(name: str) -> Path:
    return PLACES / name


def requires(name: str, *, serves: bool = False) -> list[pytest.MarkDecorator]:
    """The marks of a test of a system: it is skipped, with the reason, where that is not to be started.

    `serves`: the system itself sends to us, over HTTP.
    """
    is_here = bool(os.environ.get("TEST_SYSTEMS")) and (place(name) / "installed.txt").is_file()
    reason = f"SYSTEMS={name} script/test-systems installs {name} and runs this"
    return [
        pytest.mark.systems,
        pytest.mark.django_db(transaction=serves),
        pytest.mark.skipif(not is_here, reason=reason),
    ]


@dataclass(frozen=True, slots=True)
class Tool:
    """An installed system."""

    name: str

    @property
    def python(self) -> str:
        return str(place(self.name) / "bin" / "python")

    def environment(self, folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
        path = f"{place(self.name) / 'bin'}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", **(more or {})}

    def run(self, *command: str, cwd: Path, environment: Mapping[str, str] | None = None, fails: bool = False) -> str:
        """Run one of its programs, without anything of ours around it; gives what it printed."""
        whole = self.environment(cwd, environment)
        done = subprocess.run(command, cwd=cwd, env=whole, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert fails or done.returncode == 0, f"{command}: {done.stdout[-3_000:]} {done.stderr[-3_000:]}"
        return done.stdout

    def script(self, text: str, *, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
        return self.run(self.python, "-c", text, cwd=cwd, environment=environment)

    @contextmanager
    def serving(
        self, *command: str, health: str, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """One of its servers, from when it answers at `health` until the end, when nothing of it is left."""
        log = cwd / f"{self.name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.environment(cwd, environment),
                stdout=output,
                stderr=output,
                # Its workers are ended with it.
                start_new_session=True,
            )
        try:
            ends = time.monotonic() + TIMEOUT_S
            while not answers(health):
                is_lost = process.poll() is not None or time.monotonic() > ends
                assert not is_lost, log.read_text(errors="replace")[-3_000:]
                time.sleep(0.5)
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_TIMEOUT_S)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.RequestException:
        return False


def connect(team: Team, system: str, namespace: str, options: Mapping[str, Any] | None = None) -> Connection:
    """A connection of the system, which takes deliveries with the tests' secret."""
    made = connecting.connection(team, slug=system.replace("_", "-"), system=system, scheme=Scheme.BEARER)
    made.namespace, made.options = namespace, dict(options or {})
    made.save(update_fields=["namespace", "options"])
    connections.options_of(made)
    doors.forget()
    return made


def take(connection: Connection, path: Path) -> str:
    """Import files as the command does, and say what came of it."""
    out = io.StringIO()
    call_command("import_from", connection.system, str(path), "--no-progress", stdout=out)
    growing.project()
    assert systems.BY_SLUG[connection.system].read_files is not None
    return out.getvalue()


def translate() -> None:
    """Have all that was delivered stand in the graph."""
    while translating.translate_due():
        pass
    growing.project()
    wrong = Delivery.objects.exclude(state__in=["translated", "ignored"]).values_list("type", "state", "error")
    assert not wrong, list(wrong)


def asset(namespace: str, name: str, family: Family = Family.DATASET) -> Asset:
    return Asset.objects.get(uuid=identity.asset(family, namespace, name))


def upstream(client: Any, namespace: str, name: str, family: Family = Family.DATASET) -> set[str]:
    """The names of all that an asset comes from, as a client sees them."""
    asked = {"asset": str(asset(namespace, name, family).uuid), "direction": "upstream", "depth": "20"}
    answer = client.get("/api/v1/graph", asked)
    assert answer.status_code == 200, answer.content
    return {node["name"] for node in answer.json()["nodes"]}
