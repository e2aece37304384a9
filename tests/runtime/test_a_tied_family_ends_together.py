"""`governance.tied`: nothing that a command started outlives the command, and the command does not outlive us."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from tests import project
from tests.service import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere the command just runs.")

# Starts a child and a grandchild that write their numbers down and wait; the grandchild does not heed SIGTERM.
FAMILY = """
import os, signal, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(600)
"""

Family: TypeAlias = tuple[subprocess.Popen[bytes], psutil.Process, list[psutil.Process]]


def tied(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "governance.tied", *command],
        env={**os.environ, "PYTHONPATH": str(project.ROOT)},
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """The keeper, the command it keeps, and the command's child and grandchild."""
    notes = tmp_path / "notes"
    keeper = tied(sys.executable, "-c", FAMILY, str(notes))
    until(lambda: notes.exists() and notes.read_text().count("\n") == 3, timeout_s=120, what="the family is complete")
    (command,) = psutil.Process(keeper.pid).children()
    return keeper, command, command.children(recursive=True)


def test_a_command_that_is_killed_leaves_nothing(family: Family) -> None:
    keeper, command, below = family

    command.kill()

    assert keeper.wait(120) == 128 + signal.SIGKILL
    assert not any(process.is_running() for process in below)


def test_a_signal_is_the_commands_to_heed(family: Family) -> None:
    keeper, _, below = family

    keeper.terminate()

    assert keeper.wait(120) == 128 + signal.SIGTERM
    assert not any(process.is_running() for process in below)


def test_a_command_hears_that_its_keeper_was_killed(family: Family) -> None:
    keeper, command, below = family

    keeper.kill()

    keeper.wait(120)
    psutil.wait_procs([command], timeout=120)
    assert not command.is_running() or command.status() == psutil.STATUS_ZOMBIE
    for process in below:
        process.kill()


@pytest.mark.parametrize("code", [0, 3])
def test_the_commands_code_is_told(code: int) -> None:
    assert tied(sys.executable, "-c", f"raise SystemExit({code})").wait(120) == code


def test_a_command_that_is_not_there_is_named() -> None:
    keeper = tied("/nonexistent/command")

    assert keeper.wait(120) == 127
    assert keeper.stderr is not None
    assert keeper.stderr.read() == b"/nonexistent/command: No such file or directory\n"
