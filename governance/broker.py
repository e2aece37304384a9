"""Kombu's transport over a folder, made safe for readers and writers at the same time.

Kombu's own writes a message under its final name, so a worker may take one that is half written and die of it; the
same with its table of queues. It tells the threads of a process that a queue is bound before it is, and what one of
them then sends is lost. And it moves messages through the system's folder for temporary files, which everybody
on the machine shares.
"""

import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

# Files under such a name are being written or read; the rest of Kombu's transport passes over them.
HIDDEN = "."
# What is bound is remembered once for all threads of the process.
_binding = threading.Lock()


class Channel(filesystem.Channel):
    def queue_bind(self, *binding: Any, **options: Any) -> None:
        """Kombu remembers the binding before it writes it: without the lock another thread sends to no queue."""
        with _binding:
            super().queue_bind(*binding, **options)

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        """Kombu makes the file of an exchange empty before it locks it, and whoever reads it then fails."""
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # not in the stubs
        file.parent.mkdir(exist_ok=True)
        draft = file.with_name(f"{HIDDEN}{uuid.uuid4()}")
        draft.write_text("[]", encoding="utf-8")
        with suppress(FileExistsError):
            file.hardlink_to(draft)
        draft.unlink()
        super()._queue_bind(exchange, *binding)

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # its bases disagree
        name = f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f"{HIDDEN}{name}"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message; whoever renames it first has it. Raises Empty."""
        for file in self._files(queue):
            taken = file.with_name(f"{HIDDEN}{file.name}")
            try:
                file.rename(taken)
            except FileNotFoundError:
                continue
            text = taken.read_text(encoding="utf-8")
            taken.unlink()
            return loads(text)
        raise Empty

    def _files(self, queue: str) -> list[Path]:
        return sorted(
            path for path in Path(self.data_folder_in).iterdir() if path.name.partition(".")[2] == f"{queue}.msg"
        )


class Transport(filesystem.Transport):
    Channel = Channel


def clean(folder: Path) -> None:
    """Remove what killed processes left half written or half read."""
    for leftover in folder.glob(f"{HIDDEN}*"):
        leftover.unlink(missing_ok=True)
