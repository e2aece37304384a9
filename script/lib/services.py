"""The test suite against Debian's servers: all of it on PostgreSQL 15 and Redis, what uses the broker on RabbitMQ."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import signals  # beside this file

# A program that only this package brings, and the package.
PACKAGES = {
    "/usr/lib/postgresql/*/bin/postgres": "postgresql",
    "/usr/bin/redis-server": "redis-server",
    "/usr/lib/rabbitmq/bin/rabbitmq-server": "rabbitmq-server",
}
OLDEST_POSTGRESQL = 15
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 60
# pytest's exit code when the arguments chose no test.
NO_TESTS = 5


def run(pytest: Sequence[str], *, cwd: Path, environment: dict[str, str]) -> int:
    """Start the servers on free ports, run the tests, stop the servers. Needs root on Debian or Ubuntu."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("--services installs and starts Debian packages, which needs root on Debian or Ubuntu.")
    install()
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-services-")))
        folder.chmod(0o755)
        environment = environment | {"DATABASE_URL": stack.enter_context(postgresql(folder / "postgresql"))}
        with redis(folder / "redis") as url:
            say(f"All tests on {version(environment['DATABASE_URL'])} and Redis …")
            failed = signals.call(pytest, cwd=cwd, environment=environment | {"BROKER_URL": url})
        with rabbitmq(folder / "rabbitmq") as url:
            say("The tests that use a broker on RabbitMQ …")
            # In one process: they share the broker.
            command = [*pytest, "-n", "0", "-m", "broker or faults"]
            with_broker = signals.call(command, cwd=cwd, environment=environment | {"BROKER_URL": url})
    say(f"Servers stopped; {time.monotonic() - begun:.0f} s in all.")
    return failed or (0 if with_broker == NO_TESTS else with_broker)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def install() -> None:
    missing = [package for program, package in PACKAGES.items() if not list(Path("/").glob(program[1:]))]
    if not missing:
        return
    say(f"Installing {', '.join(missing)} …")
    # The packages would start servers of their own; policy-rc.d keeps them from it.
    policy = Path("/usr/sbin/policy-rc.d")
    had_policy = policy.exists()
    if not had_policy:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", *missing]):
            finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if finished.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{finished.stdout}{finished.stderr}")
    finally:
        if not had_policy:
            policy.unlink()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The oldest PostgreSQL installed that the service supports. Gives the URL of an owner who may make databases."""
    found = {int(path.parent.name): path for path in Path("/usr/lib/postgresql").glob("*/bin")}
    supported = [number for number in found if number >= OLDEST_POSTGRESQL]
    if not supported:
        sys.exit(f"Debian brings PostgreSQL {max(found)}; the service needs {OLDEST_POSTGRESQL} or newer.")
    binaries = found[min(supported)]
    (port,) = free_ports(1)
    own_folder(folder, "postgres")
    log = folder / "server.log"
    made = ["-D", str(folder / "data"), "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
    with program([str(binaries / "initdb"), *made], "postgres", log, signal.SIGTERM) as making:
        if making.wait() != 0:
            raise failure(making, log)
    settings = ["-c", "max_connections=200", "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]
    command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder), *settings]
    with program(command, "postgres", log, signal.SIGINT) as running:
        superuser = f"postgresql://postgres@/postgres?host={folder}&port={port}"
        until(lambda: is_up(superuser), running, log)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("CREATE ROLE assay_owner LOGIN CREATEROLE CREATEDB")
            connection.execute("CREATE DATABASE assay OWNER assay_owner")
        yield f"postgresql://assay_owner@127.0.0.1:{port}/assay"


def is_up(url: str) -> bool:
    """It listens before it lets anyone in."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def version(url: str) -> str:
    with psycopg.connect(url) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    own_folder(folder, "redis")
    log = folder / "server.log"
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with program(command, "redis", log, signal.SIGTERM) as running:
        until(lambda: listens(port), running, log)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    port, distribution, names = free_ports(3)
    own_folder(folder, "rabbitmq")
    log = folder / "server.log"
    environment = {
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"assay{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    # The directory of node names; a node without one would start it, and leave it running.
    with program(["epmd"], "rabbitmq", folder / "names.log", signal.SIGTERM, environment) as directory:
        until(lambda: listens(names), directory, folder / "names.log")
        command = ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
        with program(command, "rabbitmq", log, signal.SIGTERM, environment) as node:
            until(lambda: listens(port), node, log)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"


def own_folder(folder: Path, user: str) -> None:
    folder.mkdir()
    shutil.chown(folder, user, user)


@contextmanager
def program(
    command: list[str], user: str, log: Path, sign: signal.Signals, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs inside the block, as its package's account. `sign` asks it to stop."""
    account = pwd.getpwnam(user)
    with log.open("wb") as output:
        running = subprocess.Popen(
            command,
            env=os.environ | (environment or {}),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the whole terminal group; servers stop after the tests that use them.
            start_new_session=True,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
        )
    try:
        yield running
    finally:
        family = psutil.Process(running.pid).children(recursive=True) if running.poll() is None else []
        running.send_signal(sign)
        try:
            running.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        for survivor in psutil.wait_procs(family, timeout=5)[1]:
            survivor.kill()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, each another one."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(is_ready: Callable[[], bool], running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_ready():
        if running.poll() is not None or time.monotonic() > deadline:
            raise failure(running, log)
        time.sleep(0.2)


def failure(ended: subprocess.Popen[bytes], log: Path) -> SystemExit:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    return SystemExit(f"{ended.args!r} failed:\n{tail}")
