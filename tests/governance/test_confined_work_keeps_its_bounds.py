"""Work on what strangers made takes no more than it may, and reaches nothing of ours."""

import json
import socket
import sys
from pathlib import Path

import pytest

from governance import confinement
from governance.confinement import Finished, Limits, Reason, Stopped

LIMITS = Limits(memory_mib=512, cpu_s=2, wall_s=4)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds this")


def run(what: str, *more: str, readable: tuple[Path, ...] = (), wall_s: float = LIMITS.wall_s) -> Finished:
    limits = Limits(memory_mib=LIMITS.memory_mib, cpu_s=LIMITS.cpu_s, wall_s=wall_s)
    with confinement.scratch() as folder:
        return confinement.run(
            "tests.governance.greedy", [what, *more], folder=folder, limits=limits, readable=readable
        )


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param("allocate", Reason.MEMORY, marks=ON_LINUX),
        ("spin", Reason.TIME),
        ("nothing-of-this-name", Reason.FAILED),
    ],
)
def test_work_that_takes_too_much_is_ended_with_the_reason(what: str, reason: Reason) -> None:
    with pytest.raises(Stopped) as stopped:
        run(what)

    assert stopped.value.reason is reason


def test_work_that_waits_for_ever_is_ended() -> None:
    with pytest.raises(Stopped, match="not done after 1 seconds"):
        run("sleep", wall_s=1)


def test_no_secret_of_the_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    found = json.loads(run("environment").output)

    assert "DATABASE_URL" not in found
    assert "DJANGO_SETTINGS_MODULE" not in found


@ON_LINUX
def test_what_is_said_to_be_enforced_is(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of ours")
    enforced = run("environment").enforced

    if "files read and written" in enforced:
        for attempt in (("read", str(secret)), ("write", str(tmp_path / "new"))):
            with pytest.raises(Stopped, match="Permission denied"):
                run(*attempt)
        run("read", str(secret), readable=(secret,))
        run("write", "in-the-scratch-folder")
    if {"network", "TCP"} & set(enforced):
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Stopped):
            run("connect", str(server.getsockname()[1]))
    assert {"memory", "processor time", "wall time", "size of files"} <= set(enforced)
    assert not (tmp_path / "new").exists()
