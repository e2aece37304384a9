"""The test suite against Debian's servers: all of it on PostgreSQL 15 and Redis, what uses the broker on RabbitMQ."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = {"redis-server": "redis-server", "rabbitmq-server": "rabbitmq-server"}
START_TIMEOUT_S = 90


def run(arguments: list[str], environment: dict[str, str], pytest: Callable[[], list[str]]) -> int:
    """Start the servers on free ports, run the tests, stop the servers. Needs root on a Debian."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("--services installs and starts Debian packages, which needs root on Debian or Ubuntu.")
    install()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-services-")))
        folder.chmod(0o755)
        environment["DATABASE_URL"] = stack.enter_context(postgresql(folder / "postgresql"))
        with redis(folder / "redis") as url:
            failed = subprocess.run(
                [*pytest(), *arguments], env=environment | {"BROKER_URL": url}, check=False
            ).returncode
        with rabbitmq(folder / "rabbitmq") as url:
            command = [*pytest(), "-m", "broker or faults", *arguments]
            failed |= subprocess.run(command, env=environment | {"BROKER_URL": url}, check=False).returncode
    return failed


def install() -> None:
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        missing.append("postgresql")
    if not missing:
        return
    # The packages would start servers of their own; policy-rc.d keeps them from it.
    policy = Path("/usr/sbin/policy-rc.d")
    had_policy = policy.exists()
    if not had_policy:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], env=environment, check=True, stdout=sys.stderr)
        subprocess.run(["apt-get", "install", "--yes", *missing], env=environment, check=True, stdout=sys.stderr)
    finally:
        if not had_policy:
            policy.unlink()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    folder.mkdir()
    shutil.chown(folder, "postgres", "postgres")
    port = free_port()
    as_postgres = ["runuser", "-u", "postgres", "--"]
    subprocess.run(
        [
            *as_postgres,
            str(binaries / "initdb"),
            "-D",
            str(folder / "data"),
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    server = subprocess.Popen(
        [
            *(*as_postgres, str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port)),
            *("-k", str(folder), "-c", "max_connections=200", "-c", "fsync=off"),
        ],
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    with stopping(server, signal.SIGINT):
        wait_for(port, server)
        psql = [*as_postgres, "psql", "-h", str(folder), "-p", str(port), "-qc"]
        subprocess.run([*psql, "CREATE ROLE assay_owner LOGIN CREATEROLE CREATEDB"], check=True, cwd="/")
        subprocess.run([*psql, "CREATE DATABASE assay OWNER assay_owner"], check=True, cwd="/")
        yield f"postgresql://assay_owner@127.0.0.1:{port}/assay"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    folder.mkdir()
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    with stopping(server, signal.SIGTERM):
        wait_for(port, server)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    folder.mkdir()
    shutil.chown(folder, "rabbitmq", "rabbitmq")
    port, distribution, names = free_port(), free_port(), free_port()
    environment = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"assay{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    server = subprocess.Popen(
        ["runuser", "-u", "rabbitmq", "--preserve-environment", "--", "/usr/lib/rabbitmq/bin/rabbitmq-server"],
        env=environment,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,
    )
    try:
        with stopping(server, signal.SIGTERM):
            wait_for(port, server)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        subprocess.run(["epmd", "-port", str(names), "-kill"], check=False, stdout=subprocess.DEVNULL)


@contextmanager
def stopping(server: subprocess.Popen[bytes], sign: signal.Signals) -> Iterator[None]:
    try:
        yield
    finally:
        server.send_signal(sign)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"{server.args} ended with {server.returncode}.")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{server.args} did not listen on {port} in {START_TIMEOUT_S} s.")
