"""Ctrl-C, SIGTERM and a closed terminal end a program in order: what it started is stopped first."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODE = 130
# A terminal, a supervisor and `timeout` may each tell us the same; a second Ctrl-C by hand comes later than this.
SAME_S = 1.0


@contextmanager
def heeded() -> Iterator[None]:
    """A signal leaves the block, once, and then ends the program; what comes while the block is left is ignored."""

    def leave(number: int, frame: FrameType | None) -> None:
        for sign in ENDING:
            signal.signal(sign, signal.SIG_IGN)
        raise KeyboardInterrupt

    for sign in ENDING:
        signal.signal(sign, leave)
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(EXIT_CODE) from None


def call(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> int:
    """Run a command to its end, and give its exit code.

    Tests start servers of their own, so they are never killed: each signal reaches them as one Ctrl-C, they stop what
    they started, and then the signal is heeded here. In a session of their own, so that it comes from us alone.
    """
    told: list[float] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if told and time.monotonic() - told[-1] < SAME_S:
            return
        told.append(time.monotonic())
        if child is not None:
            child.send_signal(signal.SIGINT)

    before = {sign: signal.signal(sign, pass_on) for sign in ENDING}
    try:
        child = subprocess.Popen(command, cwd=cwd, env=environment, start_new_session=True)
        if told:
            child.send_signal(signal.SIGINT)
        code = child.wait()
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if told:
        raise KeyboardInterrupt
    return code
