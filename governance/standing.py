"""A process that stands by with libraries loaded, and forks a confined process for each piece of work.

Each process of the service has one of its own at most, started when it is first needed; it ends when the one that asks
does, or when nothing was asked for a while. It takes one order at a time: whoever finds it busy starts a process.
"""

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAG = "--standing"
# Where a process can be waited for together with a socket.
IS_POSSIBLE = sys.platform == "linux" and hasattr(os, "pidfd_open")
# How long libraries may take to load, beside the time of the work.
PATIENCE_S = 60.0
IDLE_S = 600.0
MAX_ANSWER_BYTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What has to be loaded before: a function, as `module:function`, that is called once with the argument."""

    function: str
    argument: str

    def as_order(self) -> dict[str, Any]:
        return {"prepare": self.function, "prepare_argument": self.argument, "idle_s": IDLE_S}


@dataclass(slots=True)
class Standing:
    """The process that stands by, and our end of the socket to it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    asked_by: int


_lock = threading.Lock()
_standing: list[Standing] = []


def run(order: Path, command: Sequence[str], environment: Mapping[str, str], wall_s: float) -> int | None:
    """What the work ended with, or None when no process can stand by here, or is busy, or broke down.

    `command` is completed by the socket that it shall read. Raises TimeoutError when the work took too long.
    """
    if not IS_POSSIBLE or not _lock.acquire(blocking=False):
        return None
    try:
        standing = _current(command, environment)
        try:
            standing.control.sendall(os.fsencode(order))
            has_said = select.select([standing.control], [], [], wall_s + PATIENCE_S)[0]
            answer = standing.control.recv(MAX_ANSWER_BYTES) if has_said else b""
        except OSError:
            answer = b""
        if not answer:
            # Whatever it was doing dies with it.
            end()
            return None
    finally:
        _lock.release()
    code: int | None = json.loads(answer)["code"]
    if code is None:
        raise TimeoutError
    return code


def end() -> None:
    """End the process that stands by for this one, if there is one."""
    for known in _standing:
        known.control.close()
        if known.asked_by == os.getpid():
            known.process.kill()
            known.process.wait()
    _standing.clear()


def _current(command: Sequence[str], environment: Mapping[str, str]) -> Standing:
    """The one that stands by; a new one where there is none, or it was asked for by the process we were forked from."""
    for known in _standing:
        if known.asked_by == os.getpid() and known.process.poll() is None:
            return known
    end()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=dict(environment),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    _standing[:] = [Standing(process=process, control=ours, asked_by=os.getpid())]
    return _standing[0]
