"""Where the bytes of evidence lie: in a folder that web and worker processes share, or in an object store.

A store keeps bytes under names and knows nothing of digests. What is kept under a name is whole: it is moved or sent
there when it is complete.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

from governance.errors import NotFound, Unavailable

CHUNK_BYTES = 1 << 20


class Store(Protocol):
    """What both kinds can do."""

    def has(self, name: str) -> bool: ...

    def keep(self, name: str, file: Path) -> None:
        """Take over a file of ours, which is gone from its place afterwards."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes in parts."""

    def modified_at(self, name: str) -> datetime: ...

    def remove(self, name: str) -> None:
        """Nothing happens when it is not there."""

    def local(self, name: str) -> Path:
        """A file on this machine with the bytes, for programs that read files. It may be a copy."""


class Folder:
    """The default: a folder of the data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, name: str) -> bool:
        return self.local(name).is_file()

    def keep(self, name: str, file: Path) -> None:
        place = self.local(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)

    def chunks(self, name: str) -> Iterator[bytes]:
        with self.local(name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def modified_at(self, name: str) -> datetime:
        return datetime.fromtimestamp(self.local(name).stat().st_mtime, UTC)

    def remove(self, name: str) -> None:
        self.local(name).unlink(missing_ok=True)

    def local(self, name: str) -> Path:
        return self.root / name


class Bucket:
    """A storage of Django's, which django-storages makes of an object store. Copies for readers lie in `copies`."""

    def __init__(self, storage: Storage, copies: Path) -> None:
        self.storage = storage
        self.copies = copies

    def has(self, name: str) -> bool:
        with _reached():
            return self.storage.exists(name)

    def keep(self, name: str, file: Path) -> None:
        with _reached(), file.open("rb") as content:
            self.storage.save(name, File(content))
        file.unlink()

    def chunks(self, name: str) -> Iterator[bytes]:
        with _reached(), self.storage.open(name, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def modified_at(self, name: str) -> datetime:
        with _reached():
            return self.storage.get_modified_time(name)

    def remove(self, name: str) -> None:
        with _reached():
            self.storage.delete(name)
        (self.copies / name).unlink(missing_ok=True)

    def local(self, name: str) -> Path:
        place = self.copies / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
            try:
                with draft.open("wb") as file:
                    for chunk in self.chunks(name):
                        file.write(chunk)
                draft.replace(place)
            finally:
                draft.unlink(missing_ok=True)
        # Its time of change says when it was used last, so that old copies can be found.
        os.utime(place)
        return place


@contextmanager
def _reached() -> Iterator[None]:
    """Raises Unavailable when the object store does not answer, or refuses, and NotFound for what it has not."""
    # Installed where a bucket is configured.
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        yield
    except FileNotFoundError:
        raise NotFound("The object store does not have the file any more.") from None
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise Unavailable(f"The object store cannot be used now ({type(error).__name__}): try again later.") from error


def evidence() -> Store:
    """The store that the settings name."""
    if "evidence" in settings.STORAGES:
        return Bucket(storages["evidence"], Path(settings.DATA_DIR) / "evidence-copies")
    return Folder(Path(settings.DATA_DIR) / "evidence")


def drafts() -> Path:
    """The folder of this machine in which files come together before a store has them."""
    return Path(settings.DATA_DIR) / "evidence-drafts"
