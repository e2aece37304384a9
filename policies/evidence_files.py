"""Files that promotions name as evidence: kept once under their SHA-256, so that a name never comes to mean another.

They lie in a folder of the data folder that web and worker processes share. A file is there when its row is: it is
written beside its place, checked against its digest, moved there, and only then noted.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction

from governance import audit
from governance.actions import Action
from governance.errors import Invalid, NotFound, TooLarge
from governance.models import User
from policies.models import EvidenceFile

DIGEST = re.compile(r"[0-9a-f]{64}")


def store(*, actor: User, digest: str, content: Iterable[bytes]) -> tuple[EvidenceFile, bool]:
    """Keep the content under its digest; gives the file and whether it is new.

    Reads nothing of a file that is there already. Raises Invalid when the content has another digest, and TooLarge
    beyond EVIDENCE_MAX_BYTES; nothing is kept then.
    """
    _check(digest)
    known = EvidenceFile.objects.filter(digest=digest).first()
    if known is not None and path(digest).exists():
        return known, False
    place = path(digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{digest}.{uuid.uuid4().hex}")
    try:
        size = _write(draft, digest, content)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        file, is_new = EvidenceFile.objects.get_or_create(digest=digest, defaults={"size": size, "stored_by": actor})
        if is_new:
            detail = {"size": size}
            audit.record(actor=actor, action=Action.EVIDENCE_STORED, subject=f"evidence:{digest}", detail=detail)
    return file, is_new


def _write(draft: Path, digest: str, content: Iterable[bytes]) -> int:
    """The number of bytes written, all of them on the disk."""
    found, size, limit = hashlib.sha256(), 0, settings.EVIDENCE_MAX_BYTES
    with draft.open("wb") as file:
        for chunk in content:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The file is larger than {limit:,} bytes.")
            found.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if found.hexdigest() != digest:
        says = f"The {size:,} bytes received have the SHA-256 {found.hexdigest()}."
        raise Invalid(f"digest: {says}", fields={"digest": says})
    return size


def find(digest: str) -> EvidenceFile:
    """Raises NotFound, or Invalid for what is no digest."""
    _check(digest)
    file = EvidenceFile.objects.filter(digest=digest).first()
    if file is None or not path(digest).exists():
        raise NotFound(f"No file with the SHA-256 {digest} was sent.", fields={"digest": "unknown"})
    return file


def path(digest: str) -> Path:
    """Where the file lies, or would."""
    return Path(settings.DATA_DIR) / "evidence" / digest[:2] / digest


def _check(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        says = "A SHA-256 in lower-case hexadecimal has 64 digits."
        raise Invalid(f"digest: {says}", fields={"digest": says})
