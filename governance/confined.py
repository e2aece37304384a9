"""Inside of a confined process: take on its bounds, then run the module that was asked for (see confinement).

`python -m governance.confined ORDER MODULE ARGUMENT…`, where ORDER is JSON. Standard library only: before the bounds
hold, nothing of anybody else's runs.
"""

import ctypes
import json
import os
import resource
import runpy
import signal
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = 71
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
    order: dict[str, Any] = json.loads(sys.argv[1])
    module = sys.argv[2]
    enforced = ["wall time", *_limit(order)]
    if sys.platform == "linux":
        enforced += _isolate(order, module)
    Path(order["enforced"]).write_text(json.dumps(enforced))
    sys.argv = sys.argv[2:]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except MemoryError:
        sys.stderr.write("MemoryError\n")
        sys.stderr.flush()
        # Not by raising: what runs at the exit of Python may need memory as well.
        os._exit(OUT_OF_MEMORY)


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
