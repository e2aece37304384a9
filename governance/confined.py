"""Inside of a confined process: take on its bounds, then run the module that was asked for (see confinement).

`python -m governance.confined ORDER`, where ORDER is a file of JSON. Standard library only: before the bounds hold,
nothing of anybody else's runs.

`python -m governance.confined --standing DESCRIPTOR` waits for orders on a socket and forks a process for each, which
begins with the libraries that were loaded before. The one that waits loads libraries and reads nothing from outside.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

STANDING = "--standing"
OUT_OF_MEMORY = 71
# Of the path that an order comes as.
MAX_PATH_BYTES = 4_096
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# The same numbers on every architecture (include/uapi/asm-generic/unistd.h), since Linux 5.13.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # what a rule about a file may name
# include/uapi/linux/landlock.h: how many kinds of access each version knows.
KINDS = {1: 13, 2: 14, 3: 15, 4: 15}
KINDS_SINCE_5 = 16
BIND_AND_CONNECT, SOCKETS_AND_SIGNALS = 0b11, 0b11
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/opt", "/proc", "/sys", "/dev", "/var/cache/fontconfig")


def main() -> None:
    if sys.argv[1] == STANDING:
        order = _next_order(socket.socket(fileno=int(sys.argv[2])))
    else:
        order = json.loads(Path(sys.argv[1]).read_bytes())
    module: str = order["module"]
    enforced = ["wall time", *_limit(order)]
    if sys.platform == "linux":
        enforced += _isolate(order, module)
    Path(order["enforced"]).write_text(json.dumps(enforced))
    sys.argv = [module, *order["arguments"]]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except MemoryError:
        sys.stderr.write("MemoryError\n")
        sys.stderr.flush()
        # Not by raising: what runs at the exit of Python may need memory as well.
        os._exit(OUT_OF_MEMORY)
    finally:
        gc.unfreeze()
    sys.stdout.flush()
    # Taking libraries apart takes as long as small work does, and leaves nothing that anybody wants.
    os._exit(0)


def _next_order(control: socket.socket) -> dict[str, Any]:
    """The order that a forked process has to do. The process that forks does not come back from here."""
    prepared: set[tuple[str, str]] = set()
    idle_s: float | None = None
    while select.select([control], [], [], idle_s)[0] and (path := control.recv(MAX_PATH_BYTES)):
        order: dict[str, Any] = json.loads(Path(os.fsdecode(path)).read_bytes())
        idle_s = order["idle_s"]
        wanted = (order["prepare"], order["prepare_argument"])
        if wanted not in prepared:
            module, _, function = wanted[0].partition(":")
            getattr(importlib.import_module(module), function)(wanted[1])
            prepared.add(wanted)
            # What is loaded stays: looking through it for garbage would copy its pages into every fork.
            gc.collect()
            gc.freeze()
        parent = os.getpid()
        process = os.fork()
        if not process:
            control.close()
            _settle_in(Path(order["folder"]))
            return order | {"parent": parent}
        answer = _ending(process, control, order["wall_s"])
        control.sendall(json.dumps(answer).encode())
    # Nothing is left to be done, and libraries complain when they are taken apart.
    os._exit(0)


def _settle_in(folder: Path) -> None:
    """Be as a process is that was started in the folder, with a session and output of its own."""
    os.setsid()
    for name, descriptor in ((".printed", 1), (".said", 2)):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))


def _ending(process: int, control: socket.socket, wall_s: float) -> dict[str, Any]:
    """How the process ended: its code as `subprocess` gives it, or None when the time was up. Nothing of it is left."""
    watched = os.pidfd_open(process)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    # Nothing comes before the answer: if there is something, then that the one who asked is gone.
    poll.register(control, select.POLLIN)
    events = poll.poll(wall_s * 1000)
    has_ended = any(descriptor == watched for descriptor, _ in events)
    os.close(watched)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not has_ended and events:
        os._exit(0)
    return {"code": os.waitstatus_to_exitcode(status) if has_ended else None}


def _limit(order: dict[str, Any]) -> Iterator[str]:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_s"], order["cpu_s"] + 1))
    yield "processor time"
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["written_mib"] << 20,) * 2)
    yield "size of files"
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (order["memory_mib"] << 20,) * 2)
        yield "memory"


def _isolate(order: dict[str, Any], module: str) -> Iterator[str]:
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != order["parent"]:
        sys.exit("The one who asked is gone.")
    system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    has_no_network = system.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    version = system.syscall(CREATE_RULESET, None, 0, 1)
    is_bound = version > 0 and _landlock(system, version, order, module)
    if has_no_network:
        yield "network"
    elif is_bound and version >= 4:
        yield "TCP"
    if is_bound:
        yield "files read and written"


def _landlock(system: ctypes.CDLL, version: int, order: dict[str, Any], module: str) -> bool:
    """Whether from here on only the folders that are allowed can be reached."""
    everything = (1 << KINDS.get(version, KINDS_SINCE_5)) - 1
    attributes = struct.pack("=QQQ", everything, BIND_AND_CONNECT, SOCKETS_AND_SIGNALS)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = system.syscall(CREATE_RULESET, attributes, size, 0)
    if rules < 0:
        return False
    for path in _readable(order, module):
        _allow(system, rules, path, READ & everything)
    _allow(system, rules, Path(order["folder"]), everything)
    _allow(system, rules, Path("/dev/null"), everything)
    is_bound: bool = system.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return is_bound


def _readable(order: dict[str, Any], module: str) -> Iterable[Path]:
    root = Path(order["root"])
    packages = {root / "governance", root / module.partition(".")[0]}
    python = {Path(place).resolve() for place in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())}
    return {*packages, *python, *map(Path, SYSTEM), *map(Path, order["readable"])}


def _allow(system: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    """A folder with all below it, or a file. What is not there needs no rule."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = access if path.is_dir() else access & ON_FILES
        if system.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", allowed, place), 0) != 0:
            sys.exit(f"{path} cannot be allowed: {os.strerror(ctypes.get_errno())}.")
    finally:
        os.close(place)


if __name__ == "__main__":
    main()
