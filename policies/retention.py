"""How long files of evidence are kept: as long as a promotion names them, and a while for those that none names yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from governance import audit
from governance.actions import Action
from policies import evidence_files, stores
from policies.models import EvidenceFile, EvidencePart

# A pipeline sends its evidence before it asks for the promotion that names it.
SHORTEST = timedelta(hours=1)
# What was begun and not ended in this time is begun anew.
UPLOAD_LIFE = timedelta(days=1)
COPY_LIFE = timedelta(days=7)
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be."""

    files: list[EvidenceFile]
    parts: int
    copies: int

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


def prune(*, older_than: timedelta, is_dry: bool = False) -> Pruned:
    """Remove files that no promotion names and that came longer ago than `older_than`, and parts left behind.

    A verdict's evidence stays, and so does that of a promotion that is being checked or waits; what only a request
    names that was withdrawn does not. The rows stay: that a file was there, and who sent it, is history.
    """
    now = timezone.now()
    before = now - max(older_than, SHORTEST)
    files = [file for batch in _batches() for file in _prune(batch, before, is_dry=is_dry)]
    return Pruned(files=files, parts=_prune_parts(now, is_dry=is_dry), copies=_prune_copies(now, is_dry=is_dry))


def _batches() -> Iterator[list[EvidenceFile]]:
    after = 0
    while batch := list(EvidenceFile.objects.filter(pk__gt=after).order_by("pk")[:BATCH]):
        yield batch
        after = batch[-1].pk


def _prune(batch: list[EvidenceFile], before: datetime, *, is_dry: bool) -> list[EvidenceFile]:
    store = stores.evidence()
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Promotions that come to name one of these wait, and those that did are seen.
            cursor.execute(evidence_files.LOCK.format(""))
        named = _named([file.digest for file in batch])
        pruned = []
        for file in batch:
            place = evidence_files.name(file.digest)
            if file.digest in named or file.stored_at >= before or not store.has(place):
                continue
            # It may have been pruned before and have come again.
            if store.modified_at(place) >= before:
                continue
            pruned.append(file)
            if not is_dry:
                store.remove(place)
                subject = f"evidence:{file.digest}"
                audit.record(actor=None, action=Action.EVIDENCE_PRUNED, subject=subject, detail={"size": file.size})
    return pruned


def _named(digests: list[str]) -> set[str]:
    """Those that a promotion with a verdict names, or one that may still get one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT said.value FROM policies_promotion p, jsonb_each_text(p.evidence) AS said
            WHERE said.value = ANY(%s) AND (
                p.state <> 'withdrawn' OR EXISTS (SELECT FROM policies_verdict v WHERE v.promotion_id = p.id)
            )
            """,
            [digests],
        )
        return {row[0] for row in cursor.fetchall()}


def _prune_parts(now: datetime, *, is_dry: bool) -> int:
    old = EvidencePart.objects.filter(stored_at__lt=now - UPLOAD_LIFE)
    if is_dry:
        return old.count()
    found = 0
    for part in old:
        part.delete()
        stores.evidence().remove(part.name)
        found += 1
    return found


def _prune_copies(now: datetime, *, is_dry: bool) -> int:
    """Copies of a store elsewhere that nobody has read for long, and drafts of processes that were killed."""
    store = stores.evidence()
    folders: list[Path] = [stores.drafts()]
    if isinstance(store, stores.Bucket):
        folders.append(store.copies)
    old = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_mtime < (now - COPY_LIFE).timestamp()
    ]
    if not is_dry:
        for path in old:
            path.unlink(missing_ok=True)
    return len(old)
