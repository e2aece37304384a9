"""What work that runs confined may try: `python -m tests.governance.greedy WHAT [PATH]`."""

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

GIBIBYTE = 1 << 30
# What was prepared in the process that this one was forked from, whose copy of this module is not the program.
prepared: list[str] = []


def prepare(argument: str) -> None:
    prepared.append(argument)


def lineage() -> None:
    before = sys.modules.get("tests.governance.greedy")
    found = {"prepared": getattr(before, "prepared", []), "parent": os.getppid(), "process": os.getpid()}
    sys.stdout.write(json.dumps(found))


def allocate() -> None:
    sys.stdout.write(str(len(bytearray(4 * GIBIBYTE))))


def allocate_and_talk() -> None:
    """As a library that breaks down, and then says of each of its pieces that it was not given back."""
    sys.stderr.write("bad_alloc\n" + "leaked\n" * 1_000)
    sys.exit(1)


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    sys.stdin.read()
    # Nothing is there to read, so wait for a connection that never comes.
    here = socket.socketpair()
    here[0].recv(1)


def write() -> None:
    Path(sys.argv[2]).write_text("written")


def read() -> None:
    Path(sys.argv[2]).read_text()


def connect() -> None:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=5)


def environment() -> None:
    sys.stdout.write(json.dumps(sorted(os.environ)))


WHAT: Mapping[str, Callable[[], None]] = {
    function.__name__: function
    for function in (allocate, allocate_and_talk, spin, sleep, write, read, connect, environment, lineage)
}

if __name__ == "__main__":
    WHAT[sys.argv[1]]()
