"""The whole server from nothing: its own PostgreSQL, one of a kind, a busy port, a clean stop, a kill."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from governance import embedded
from tests import service as services
from tests.service import until

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that the database's own account can reach, as an installation's usually is."""
    folder = Path(tempfile.mkdtemp(prefix="assay-test-"))
    folder.chmod(0o755)
    yield folder
    cluster = embedded.Cluster(folder)
    if cluster.files.exists():
        with cluster.running():
            pass  # Whoever leaves last stops it, also one that a kill left running.
        shutil.rmtree(cluster.files)
    shutil.rmtree(cluster.socket_dir, ignore_errors=True)
    shutil.rmtree(folder)


def alive(data_dir: Path) -> list[str]:
    """Command lines of all processes on the machine that name the folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(data_dir) in command:
            found.append(command)
    return found


def test_it_keeps_its_data_and_leaves_nothing_running(data_dir: Path) -> None:
    content = os.urandom(3_000_000)
    evidence = f"/api/v1/evidence/{hashlib.sha256(content).hexdigest()}"

    def send(service: services.Service, session: requests.Session, start: int, end: int) -> int:
        said = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}", "Content-Type": "application/octet-stream"}
        address = f"{service.url}{evidence}"
        # Piece by piece, as a file comes that is not held in memory.
        pieces = (content[place : min(end, place + 100_000)] for place in range(start, end, 100_000))
        return session.put(address, data=pieces, headers=said, timeout=60).status_code

    with services.running(data_dir) as first:
        session = first.session("all")
        event = {
            "eventTime": "2026-03-01T10:00:00Z",
            "producer": "urn:assay:test",
            "dataset": {"namespace": "n", "name": "kept"},
        }
        assert session.post(f"{first.url}/api/v1/lineage", json=event, timeout=60).status_code == 201
        assert send(first, session, 0, 1_200_000) == 202
        assert send(first, session, 1_300_000, len(content)) == 409
    assert alive(data_dir) == []

    with services.running(data_dir) as second:
        session = second.session("all")
        assert session.head(f"{second.url}{evidence}", timeout=60).headers["Upload-Offset"] == "1200000"
        assert send(second, session, 1_200_000, len(content)) == 201
        assert session.get(f"{second.url}{evidence}", timeout=60).json()["size"] == len(content)
        until(
            lambda: "kept" in session.get(f"{second.url}/api/v1/assets", timeout=60).text,
            timeout_s=120,
            what="the event of the first time is in the graph",
        )
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(120) == 0
    assert alive(data_dir) == []


def test_a_busy_port_is_left_to_who_has_it_and_the_folder_to_one_server(data_dir: Path) -> None:
    with socket.socket() as holder:
        port = services.free_port()
        holder.bind(("127.0.0.1", port))
        holder.listen()

        with services.running(data_dir, port=port) as first:
            assert first.state["port"] != port

            second = subprocess.run(
                [sys.executable, "-m", "governance.server", "--data", str(data_dir)],
                env=first.environment,
                cwd=services.ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert second.returncode == 1
            assert first.url in second.stderr
            assert services.answers(first)


def test_after_kill_9_it_starts_again_with_its_data(data_dir: Path) -> None:
    with services.running(data_dir) as first:
        token = first.manage("issue_token", "--user", "admin", "--scope", "read").strip()
        family = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        first.process.wait()
        # Where the operating system tells children of their parent's end, they go by themselves.
        psutil.wait_procs(family, timeout=120)

    with services.running(data_dir) as second:
        answer = requests.get(f"{second.url}/api/v1/whoami", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert answer.json()["user"] == "admin"
    assert alive(data_dir) == []


def test_commands_use_the_running_database_and_stop_one_of_their_own(data_dir: Path) -> None:
    environment = services.environment(data_dir, "")

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=environment,
            cwd=services.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )

    # Two at once: the second waits, and finds all done.
    with ThreadPoolExecutor() as pool:
        list(pool.map(manage, ["setup_database"] * 2))
    assert alive(data_dir) == []
    token = manage("issue_token", "--user", "admin", "--scope", "all").stdout
    assert token.startswith("assay_pat_")
    assert token.count("\n") == 1
    password = data_dir / "secrets" / "admin_password"
    assert password.stat().st_mode & 0o077 == 0
