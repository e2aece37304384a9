"""Run the whole service on one machine: `python -m governance.server [--host H] [--port N] [--data DIR]`.

Starts the embedded database unless another is named, brings it up to date, and keeps web, worker and schedule running
under supervisord, which starts a process again when it dies. Ctrl-C and SIGTERM stop everything, the database last.
"""

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from governance import broker, embedded, environment

ROOT = Path(__file__).resolve().parent.parent
MARKER = "This folder holds the data of an Assay installation.\n"
WEB_WORKERS = 2
# Long polls hold a thread while they wait, though no connection; so there are more threads than connections.
WEB_THREADS = 64
WEB_CONNECTIONS = 16
CHECK_WORKERS = 3
READY_TIMEOUT_S = 300
STOP_TIMEOUT_S = 40
PORTS_TO_TRY = 100


def main() -> None:
    options = _options()
    data_dir = Path(options.data or environment.text("ASSAY_DATA") or ROOT / "var").resolve()
    with _stopped_by_signals(), _only_one(data_dir):
        os.environ["ASSAY_DATA"] = str(data_dir)
        with embedded.database(data_dir):
            _prepare()
            # Only now: what is free may not be so for long.
            port = free_port(options.host, options.port)
            if port != options.port:
                _say(f"Port {options.port} is busy; taking {port}.")
            address = f"http://{_in_url(options.host)}:{port}"
            _serve(data_dir, options.host, port, address)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server", description="Run web, worker and schedule until stopped.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; the next free one if it is busy")
    parser.add_argument("--data", help="folder of data, logs and secrets (default: ASSAY_DATA or var)")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


class Stopped(Exception):
    """A signal asked us to stop."""


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM leave the block in order, once; what comes while it is left is ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_IGN)
        raise Stopped

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, stop)
    with suppress(Stopped):
        yield


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the folder for this server, and end what a killed one left behind."""
    run_dir = data_dir / "run"
    run_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "ASSAY").write_text(MARKER, encoding="utf-8")
    with (run_dir / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"A server runs on {data_dir} already{_where(run_dir)}.") from None
        _end_leftovers(run_dir)
        yield


def _where(run_dir: Path) -> str:
    state = _state(run_dir)
    return f": {state['url']}, process {state['pid']}" if state else ""


def _state(run_dir: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((run_dir / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _end_leftovers(run_dir: Path) -> None:
    """End the processes of a server that was killed and could not (see governance.tied)."""
    state = _state(run_dir)
    if state is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(state["manager"])
        if process.create_time() == state["manager_created"]:
            _end(process)


def _end(process: psutil.Process) -> None:
    """SIGTERM to a process manager, then whatever it takes for all below it."""
    family = [*process.children(recursive=True), process]
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)
    for survivor in alive:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(alive, timeout=10)


def free_port(host: str, first: int) -> int:
    """The first free port from `first` on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, min(first + PORTS_TO_TRY, 65_536)):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((host, port))
                return port
    raise SystemExit(f"No free port on {host} from {first} on.")


def _in_url(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _prepare() -> None:
    for command in (["setup_database"], ["collectstatic", "--noinput"]):
        finished = subprocess.run(
            [sys.executable, "-m", "django", *command, "--verbosity", "0", "--skip-checks"],
            cwd=ROOT,
            env=_environment(),
            stdout=sys.stderr,
            check=False,
        )
        if finished.returncode != 0:
            raise SystemExit(f"The service cannot start: {command[0]} failed.")


def _environment(**more: str) -> dict[str, str]:
    # Django's checks are of the code, and load all of it: script/check runs them.
    given = {"DJANGO_SETTINGS_MODULE": "governance.settings", "PYTHONPATH": str(ROOT), "CELERY_SKIP_CHECKS": "1"}
    return {**os.environ, **given, **more}


def _serve(data_dir: Path, host: str, port: int, address: str) -> None:
    logs = data_dir / "logs"
    logs.mkdir(exist_ok=True)
    for folder in ("broker", "broker-control"):
        (data_dir / folder).mkdir(exist_ok=True)
        broker.clean(data_dir / folder)
    config = data_dir / "run" / "supervisord.conf"
    config.write_text(_configuration(data_dir, host, port), encoding="utf-8")
    manager = subprocess.Popen(
        [sys.executable, "-m", "governance.tied", sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        cwd=ROOT,
        env=_environment(ASSAY_PUBLIC_URL=environment.text("ASSAY_PUBLIC_URL", address)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Ctrl-C reaches the whole terminal group; the manager is stopped by us, in order.
        start_new_session=True,
    )
    try:
        process = psutil.Process(manager.pid)
        state = {
            "pid": os.getpid(),
            "manager": manager.pid,
            "manager_created": process.create_time(),
            "url": address,
            "port": port,
        }
        (data_dir / "run" / "server.json").write_text(json.dumps(state), encoding="utf-8")
        _await_ready(address, manager, logs)
        _say(f"Assay answers at {address} (logs in {logs}). Ctrl-C stops it.")
        manager.wait()
        raise SystemExit(f"The process manager ended; see {logs}.")
    finally:
        with suppress(psutil.NoSuchProcess):
            _end(psutil.Process(manager.pid))
        manager.wait()
        (data_dir / "run" / "server.json").unlink(missing_ok=True)


def _await_ready(address: str, manager: subprocess.Popen[bytes], logs: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if answers(address):
            return
        if manager.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"The web server did not answer at {address} in {READY_TIMEOUT_S} s; see {logs / 'web.log'}.")


def answers(address: str) -> bool:
    """Whether a server is up at this address of ours."""
    with suppress(OSError), urllib.request.urlopen(f"{address}/livez", timeout=2):  # noqa: S310
        return True
    return False


def _configuration(data_dir: Path, host: str, port: int) -> str:
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "governance.celery"]
    programs = {
        "web": [
            *(python, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
            *("--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)),
            *("--backpressure", str(4 * WEB_THREADS), "--respawn-failed-workers", "--workers-kill-timeout", "10s"),
            "governance.wsgi:application",
        ],
        "worker": [
            *(*celery, "worker", "--pool", "prefork", "--concurrency", str(CHECK_WORKERS), "-O", "fair"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"),
        ],
        "schedule": [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""],
    }
    sections = [
        "[supervisord]\nnodaemon=true\nsilent=true\n"
        f"logfile={_value(data_dir / 'logs' / 'manager.log')}\npidfile={_value(data_dir / 'run' / 'manager.pid')}\n"
        + (f"user={_value(Path(psutil.Process().username()))}\n" if os.geteuid() == 0 else "")
    ]
    for name, command in programs.items():
        tied = [python, "-m", "governance.tied", *command]
        own = f'environment=ASSAY_DATABASE_POOL="{WEB_CONNECTIONS}"\n' if name == "web" else ""
        sections.append(
            f"[program:{name}]\ncommand={' '.join(map(_quoted, tied))}\n{own}"
            "autorestart=true\nstartsecs=1\nstartretries=1000000\nstopasgroup=false\nkillasgroup=true\n"
            f"stopwaitsecs={STOP_TIMEOUT_S - 10}\nredirect_stderr=true\n"
            f"stdout_logfile={_value(data_dir / 'logs' / f'{name}.log')}\n"
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
        )
    return "\n".join(sections)


def _quoted(word: str) -> str:
    return '"' + word.replace("%", "%%").replace('"', '\\"') + '"'


def _value(path: Path) -> str:
    return str(path).replace("%", "%%")


if __name__ == "__main__":
    main()
