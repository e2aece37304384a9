"""Run a command whose whole family ends with it and with us: `python -m governance.tied COMMAND…`.

A web server or a worker that is killed with -9 leaves its own processes behind: they go on answering on the same port,
with the code and settings of their time, and nothing would ever end them. So this process stays, as the one that
orphans below it come to. It passes signals on to the command, ends what is left when the command has ended, and then
ends with its code. The command hears of our own end, and we of our parent's. Only Linux can do this; elsewhere the
command just runs, and the next start of the server ends what it finds left over.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# What a killed command was doing for others is undone or done again, so its orphans get little time for it.
GRACE_S = 3.0
POLL_S = 0.05


def main() -> None:
    command = sys.argv[1:]
    if sys.platform != "linux":
        os.execvp(command[0], command)  # noqa: S606
    end_with(os.getppid())
    _control(PR_SET_CHILD_SUBREAPER, 1)
    # Signals wait until they are asked for, so none comes too early, nor to a process that took the command's number.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
    code = _awaited(_started(command))
    _end_the_rest()
    sys.exit(code)


def end_with(parent: int) -> None:
    """Get SIGTERM when the parent ends."""
    _control(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)  # It ended before we could ask to be told.


def _control(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)


def _started(command: list[str]) -> int:
    us = os.getpid()
    child = os.fork()
    if child == 0:
        end_with(us)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*PASSED_ON, signal.SIGCHLD})
        try:
            os.execvp(command[0], command)  # noqa: S606
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            os._exit(127)
    return child


def _awaited(command: int) -> int:
    """The command's exit code, as a shell would give it. Signals are passed on meanwhile."""
    while True:
        number = signal.sigwait({*PASSED_ON, signal.SIGCHLD})
        if number != signal.SIGCHLD:
            os.kill(command, number)
            continue
        ended = _let_go()
        if command in ended:
            return ended[command] if ended[command] >= 0 else 128 - ended[command]


def _let_go() -> dict[int, int]:
    """The children that ended, with their exit codes."""
    ended = {}
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            ended[one[0]] = os.waitstatus_to_exitcode(one[1])
    return ended


def _end_the_rest() -> None:
    """SIGTERM to whatever the command left below us, and SIGKILL to what does not heed it in time."""
    deadline = time.monotonic() + GRACE_S
    told: set[tuple[int, signal.Signals]] = set()
    while orphans := _children():
        sign = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for orphan in orphans:
            if (orphan, sign) not in told:
                told.add((orphan, sign))
                with suppress(ProcessLookupError):
                    os.kill(orphan, sign)
        time.sleep(POLL_S)
        _let_go()  # Their own children are ours in the next round.


def _children() -> list[int]:
    us, found = str(os.getpid()), []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in brackets may hold anything; behind it come the state and the parent.
            if stat.read_text(errors="replace").rpartition(")")[2].split()[1] == us:
                found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    main()
