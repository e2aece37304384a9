"""Files that promotions name as evidence: kept once under their SHA-256, so that a name never comes to mean another.

A file is there when its row and its bytes are: it is written beside its place, checked against its digest, moved there,
and only then noted. What has come of a file whose sending broke off is kept as parts for its sender, who goes on from
there; any web process may take the rest, since parts lie in the store as files do.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from governance import audit
from governance.actions import Action
from governance.errors import Conflict, Invalid, NotFound, TooLarge
from governance.models import User
from policies import stores, warehouses
from policies.models import EvidenceFile, EvidencePart

DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_PARTS = 10_000
LOCK = "SELECT pg_advisory_xact_lock{}(hashtextextended('assay evidence', 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a request brought: the whole file and whether it is new, or so many bytes of it so far."""

    bytes: int
    file: EvidenceFile | None = None
    is_new: bool = False


def store(*, actor: User, digest: str, content: Iterable[bytes]) -> tuple[EvidenceFile, bool]:
    """Keep the content under its digest; gives the file and whether it is new.

    Reads nothing of a file that is there already, and forgets parts that the actor sent before. Raises Invalid when the
    content has another digest, and TooLarge beyond EVIDENCE_MAX_BYTES; nothing is kept then. What has come when the
    content itself raises is kept for `go_on`.
    """
    _check(digest)
    if (known := _known(digest)) is not None:
        return known, False
    forget(actor=actor, digest=digest)
    with _draft() as draft:
        found = hashlib.sha256()
        size = _write(draft, content, before=0, found=found, actor=actor, digest=digest)
        return _keep(draft, digest, found.hexdigest(), size, actor)


def go_on(*, actor: User, digest: str, start: int, total: int, content: Iterable[bytes]) -> Received:
    """Add bytes from `start` on to what the actor has sent of a file of `total` bytes; with the last it is stored.

    Raises Conflict when another byte is expected next, Invalid when the content ends beyond the total or the whole has
    another digest (its parts are forgotten then), and TooLarge. What has come when the content itself raises is kept.
    """
    _check(digest)
    if total > settings.EVIDENCE_MAX_BYTES:
        raise TooLarge(f"The file is larger than {settings.EVIDENCE_MAX_BYTES:,} bytes.")
    if (known := _known(digest)) is not None:
        return Received(bytes=known.size, file=known)
    expected = received(actor, digest)
    if start != expected:
        says = f"Byte {expected} is expected next."
        raise Conflict(f"Content-Range: {says}", fields={"Content-Range": says}, code="wrong_offset")
    with _draft() as draft:
        size = _write(draft, content, before=start, found=None, actor=actor, digest=digest)
        if start + size > total:
            says = f"{start + size:,} bytes have come of {total:,}."
            raise Invalid(f"Content-Range: {says}", fields={"Content-Range": says})
        _keep_part(draft, digest, start, size, actor)
    if start + size < total:
        return Received(bytes=start + size)
    file, is_new = _assemble(digest, actor)
    return Received(bytes=file.size, file=file, is_new=is_new)


def received(user: User, digest: str) -> int:
    """How many bytes of the file the user has sent so far, if it is not complete."""
    _check(digest)
    return EvidencePart.objects.filter(digest=digest, user=user).aggregate(sent=Sum("size"))["sent"] or 0


def forget(*, actor: User, digest: str) -> None:
    """Remove the parts that the actor has sent. They are nobody's evidence yet, so the log does not speak of them."""
    for part in EvidencePart.objects.filter(digest=digest, user=actor):
        part.delete()
        stores.evidence().remove(part.name)


def find(digest: str) -> EvidenceFile:
    """Raises NotFound, also for a table by reference, or Invalid for what is no digest."""
    if digest.startswith(warehouses.PREFIX):
        raise NotFound(f"{digest} is a table and no file.", fields={"digest": "is a table"})
    _check(digest)
    file = _known(digest)
    if file is None:
        raise NotFound(f"No file with the SHA-256 {digest} was sent.", fields={"digest": "unknown"})
    return file


def path(digest: str) -> Path:
    """A file on this machine with the bytes; for a store elsewhere a copy, which is made when it is missing."""
    return stores.evidence().local(name(digest))


def name(digest: str) -> str:
    """The name of the file in its store."""
    return f"{digest[:2]}/{digest}"


def hold() -> None:
    """Let nothing be pruned until the transaction ends, in which a promotion comes to name evidence."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK.format("_shared"))


def _known(digest: str) -> EvidenceFile | None:
    file = EvidenceFile.objects.filter(digest=digest).first()
    return file if file is not None and stores.evidence().has(name(digest)) else None


@contextmanager
def _draft() -> Iterator[Path]:
    place = stores.drafts() / uuid.uuid4().hex
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def _write(
    draft: Path,
    content: Iterable[bytes],
    *,
    before: int,
    found: "hashlib._Hash | None",
    actor: User,
    digest: str,
) -> int:
    """The number of bytes written, all of them on the disk. What came before the content raised is kept as a part."""
    size, limit = 0, settings.EVIDENCE_MAX_BYTES
    try:
        with draft.open("wb") as file:
            for chunk in content:
                if before + size + len(chunk) > limit:
                    raise TooLarge(f"The file is larger than {limit:,} bytes.")
                size += len(chunk)
                if found is not None:
                    found.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except TooLarge:
        raise
    except (Invalid, OSError):
        # The connection broke, or the sender said more than came. No other error leaves bytes that we know to be good.
        if size:
            _keep_part(draft, digest, before, draft.stat().st_size, actor)
        raise
    return size


def _keep_part(draft: Path, digest: str, start: int, size: int, actor: User) -> None:
    if not size:
        return
    if EvidencePart.objects.filter(digest=digest, user=actor).count() >= MAX_PARTS:
        raise TooLarge(f"A file comes in at most {MAX_PARTS:,} parts: send larger ones.")
    place = f"uploads/{digest}/{uuid.uuid4().hex}"
    stores.evidence().keep(place, draft)
    try:
        with transaction.atomic():
            EvidencePart.objects.create(digest=digest, user=actor, start=start, size=size, name=place)
    except IntegrityError:
        stores.evidence().remove(place)
        says = f"Another request has sent the bytes from {start} on."
        raise Conflict(f"Content-Range: {says}", fields={"Content-Range": says}, code="wrong_offset") from None


def _assemble(digest: str, actor: User) -> tuple[EvidenceFile, bool]:
    parts = list(EvidencePart.objects.filter(digest=digest, user=actor).order_by("start"))
    found = hashlib.sha256()
    try:
        with _draft() as draft:
            with draft.open("wb") as file:
                for part in parts:
                    for chunk in stores.evidence().chunks(part.name):
                        found.update(chunk)
                        file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            size = draft.stat().st_size
            kept = _keep(draft, digest, found.hexdigest(), size, actor)
    except Invalid:
        forget(actor=actor, digest=digest)
        raise
    forget(actor=actor, digest=digest)
    return kept


def _keep(draft: Path, digest: str, found: str, size: int, actor: User) -> tuple[EvidenceFile, bool]:
    if found != digest:
        says = f"The {size:,} bytes received have the SHA-256 {found}."
        raise Invalid(f"digest: {says}", fields={"digest": says})
    stores.evidence().keep(name(digest), draft)
    with transaction.atomic():
        file, is_new = EvidenceFile.objects.get_or_create(digest=digest, defaults={"size": size, "stored_by": actor})
        # Said again for a file that was pruned and has come back.
        audit.record(
            actor=actor, action=Action.EVIDENCE_STORED, subject=f"evidence:{digest}", detail={"size": file.size}
        )
    return file, is_new


def _check(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        says = "A SHA-256 in lower-case hexadecimal has 64 digits."
        raise Invalid(f"digest: {says}", fields={"digest": says})
