"""Work on what strangers made takes no more than it may, and reaches nothing of ours."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from governance import confinement, standing
from governance.confinement import Finished, Limits, Reason, Stopped
from governance.standing import Prepared

# Much more time by the clock than by the processor: a busy machine may be slow to start the work.
LIMITS = Limits(memory_mib=512, cpu_s=2, wall_s=120)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds this")


STARTED, FORKED = None, Prepared(function="tests.governance.greedy:prepare", argument="once")
HOW = pytest.mark.parametrize(
    "prepared", [pytest.param(STARTED, id="started"), pytest.param(FORKED, id="forked", marks=ON_LINUX)]
)


def run(
    what: str,
    *more: str,
    prepared: Prepared | None = STARTED,
    readable: tuple[Path, ...] = (),
    wall_s: float = LIMITS.wall_s,
) -> Finished:
    limits = Limits(memory_mib=LIMITS.memory_mib, cpu_s=LIMITS.cpu_s, wall_s=wall_s)
    with confinement.scratch() as folder:
        return confinement.run(
            "tests.governance.greedy",
            [what, *more],
            folder=folder,
            limits=limits,
            readable=readable,
            prepared=prepared,
        )


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param("allocate", Reason.MEMORY, marks=ON_LINUX),
        ("allocate_and_talk", Reason.MEMORY),
        ("spin", Reason.TIME),
        ("nothing-of-this-name", Reason.FAILED),
    ],
)
@HOW
def test_work_that_takes_too_much_is_ended_with_the_reason(
    what: str, reason: Reason, prepared: Prepared | None
) -> None:
    with pytest.raises(Stopped) as stopped:
        run(what, prepared=prepared)

    assert stopped.value.reason is reason


@HOW
def test_work_that_waits_for_ever_is_ended(prepared: Prepared | None) -> None:
    with pytest.raises(Stopped, match="not done after 1 seconds"):
        run("sleep", wall_s=1, prepared=prepared)


@HOW
def test_no_secret_of_the_environment_is_handed_on(prepared: Prepared | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    standing.end()

    found = json.loads(run("environment", prepared=prepared).output)

    assert "DATABASE_URL" not in found
    assert "DJANGO_SETTINGS_MODULE" not in found


@ON_LINUX
@HOW
def test_what_is_said_to_be_enforced_is(prepared: Prepared | None, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of ours")
    enforced = run("environment", prepared=prepared).enforced

    if "files read and written" in enforced:
        for attempt in (("read", str(secret)), ("write", str(tmp_path / "new"))):
            with pytest.raises(Stopped, match="Permission denied"):
                run(*attempt, prepared=prepared)
        run("read", str(secret), readable=(secret,), prepared=prepared)
        run("write", "in-the-scratch-folder", prepared=prepared)
    if {"network", "TCP"} & set(enforced):
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Stopped):
            run("connect", str(server.getsockname()[1]), prepared=prepared)
    assert {"memory", "processor time", "wall time", "size of files"} <= set(enforced)
    assert not (tmp_path / "new").exists()


@ON_LINUX
def test_each_piece_of_work_is_a_fork_of_its_own_of_what_was_prepared_once() -> None:
    standing.end()

    first, second = (json.loads(run("lineage", prepared=FORKED).output) for _ in range(2))

    assert first["prepared"] == second["prepared"] == ["once"]
    assert first["parent"] == second["parent"]
    assert first["process"] != second["process"]


@ON_LINUX
def test_without_the_one_that_stood_by_another_takes_its_place() -> None:
    before = json.loads(run("lineage", prepared=FORKED).output)
    os.kill(before["parent"], signal.SIGKILL)

    after = [json.loads(run("lineage", prepared=FORKED).output) for _ in range(2)]

    # The one that was asked may not have been known to be gone: then the work is done all the same.
    assert after[-1]["prepared"] == ["once"]
    assert before["parent"] not in {one["parent"] for one in after}


@ON_LINUX
def test_what_cannot_be_prepared_is_done_without() -> None:
    standing.end()

    found = json.loads(run("lineage", prepared=Prepared(function="tests.nowhere:prepare", argument="")).output)

    assert found["prepared"] == []
