"""Running work on what strangers made in a process of its own, with bounds on what it may take and reach.

For parsers of files from outside (models, tables, pages to print): not a jail for code that somebody else wrote, which
this service never runs. What is bounded depends on the machine, so every answer says what was:

- memory, processor time and size of files by resource limits; wall time by ending the process and its group,
- the network by a namespace without any, else by Landlock (TCP only, Linux 6.7 or newer),
- files by Landlock (Linux 5.13 or newer): written only in the scratch folder, read only there, in the folders of
  Python, the system and the modules that run, and in what the caller names; the data folder with its secrets is not.

No environment variable of the service reaches the process. Elsewhere than on Linux only resource limits and wall time
hold, and macOS does not keep the one on memory.

Loading libraries may take longer than the work. On Linux a process can stand by that has loaded them (see standing):
the work is then a fork of it, which takes on the same bounds before it looks at anything from outside.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from governance import standing
from governance.standing import Prepared

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = "governance.confined"
# What the launcher ends with when Python itself ran out of memory.
OUT_OF_MEMORY = 71
MAX_OUTPUT_BYTES = 64 << 20
READ_BYTES = 64 << 10
KEPT_CHARS = 2_000
# Where the dynamic linker and the locale look; nothing else of the service's environment is handed on.
HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "LANG")
# What a library cannot be loaded into, linkers, allocators and Python each call in their own words.
_MEMORY_WORDS = (
    "failed to map segment",
    "bad_alloc",
    "MemoryError",
    "memory allocation",
    "out of memory",
    "Cannot allocate memory",
)


class Reason(StrEnum):
    """Why confined work gave no answer."""

    MEMORY = "memory"
    TIME = "time"
    FAILED = "failed"


class Stopped(Exception):
    """The work was ended or ended itself. `said` has its last words, for logs."""

    def __init__(self, reason: Reason, said: str) -> None:
        super().__init__(f"{reason}: {said}")
        self.reason = reason
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the process may take. Memory is address space, of which libraries reserve more than they use."""

    memory_mib: int
    cpu_s: int
    wall_s: float
    written_mib: int = 256
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What the work printed, and which of the bounds this machine enforces."""

    output: bytes
    enforced: tuple[str, ...]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that the work may write to, gone after the block."""
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        yield Path(folder).resolve()


def run(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    limits: Limits,
    readable: Sequence[Path] = (),
    prepared: Prepared | None = None,
) -> Finished:
    """Run a module of ours as a program and give what it printed. `folder` is its scratch and working folder.

    With `prepared` it is a fork of a process that stands by, where there can be one. Raises Stopped when it takes too
    much or fails.
    """
    order, enforced, printed, said = (folder / name for name in (".order", ".enforced", ".printed", ".said"))
    told = asdict(limits) | {
        "readable": [str(path) for path in readable],
        "folder": str(folder),
        "enforced": str(enforced),
        "root": str(ROOT),
        "parent": os.getpid(),
        "module": module,
        "arguments": list(arguments),
    }
    if prepared is not None:
        told |= prepared.as_order()
    order.write_text(json.dumps(told), encoding="utf-8")
    try:
        code = None
        if prepared is not None:
            code = standing.run(
                order, _command(standing.FLAG), _environment(Path(tempfile.gettempdir()), limits.threads), limits.wall_s
            )
        if code is None:
            code = _started(order, folder, limits, printed, said)
    except TimeoutError as error:
        raise Stopped(Reason.TIME, f"It was not done after {limits.wall_s:g} seconds.") from error
    if code != 0:
        words = _last_words(said)
        raise Stopped(_reason(code, words), words[-KEPT_CHARS:] or f"It ended with {code}.")
    if printed.stat().st_size > MAX_OUTPUT_BYTES:
        raise Stopped(Reason.FAILED, f"It printed more than {MAX_OUTPUT_BYTES >> 20} MiB.")
    return Finished(output=printed.read_bytes(), enforced=tuple(json.loads(enforced.read_text())))


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-s", "-m", LAUNCHER, *arguments]


def _started(order: Path, folder: Path, limits: Limits, printed: Path, said: Path) -> int:
    """What a process of its own ends with. Raises TimeoutError."""
    with printed.open("wb") as out, said.open("wb") as err:
        process = subprocess.Popen(
            _command(str(order)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=_environment(folder, limits.threads),
            start_new_session=True,
        )
        try:
            return process.wait(timeout=limits.wall_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        finally:
            _end(process)


def _environment(folder: Path, threads: int) -> Mapping[str, str]:
    return {
        **{name: os.environ[name] for name in HANDED_ON if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)),
        # Threads that wait do so asleep: where others want the processors, spinning takes them from the work itself.
        "OMP_WAIT_POLICY": "PASSIVE",
        # Each arena reserves address space, which the limit on memory counts.
        "MALLOC_ARENA_MAX": "2",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever of its group is left, and reap it."""
    # Nothing may be left; macOS says so with PermissionError.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(said: Path) -> str:
    """The end of what it said. Libraries may go on for pages, about what they leave behind, after the error itself."""
    with said.open("rb") as words:
        words.seek(max(0, said.stat().st_size - READ_BYTES))
        return words.read().decode(errors="replace").strip()


def _reason(code: int, words: str) -> Reason:
    if -code in {signal.SIGXCPU, signal.SIGKILL}:
        return Reason.TIME
    if code == OUT_OF_MEMORY or any(word.lower() in words.lower() for word in _MEMORY_WORDS):
        return Reason.MEMORY
    return Reason.FAILED
