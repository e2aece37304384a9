"""Catalogue versions through time: which one teams are rated by, and for how long its predecessor is scored beside it.

After a change both are scored for 90 days, so that nobody mistakes a change of the yardstick for one of the team. A
trend breaks where the yardstick changed, and the break lists what did.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from assessments import catalogue
from assessments.framework import Criterion, Framework, Ladder, Rubric, ScoredTest
from assessments.models import CatalogueVersion, Snapshot

SIDE_BY_SIDE = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """That another catalogue version was used from a time on, and what differs."""

    since: datetime
    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def scored_beside_until(self) -> datetime:
        return self.since + SIDE_BY_SIDE


def remember(*, framework: Framework, at: datetime) -> None:
    """Keep what a framework says when it is used for the first time."""
    CatalogueVersion.objects.get_or_create(
        digest=catalogue.digest(framework),
        defaults={
            "framework": framework.framework,
            "version": framework.version,
            "document": msgspec.to_builtins(framework),
            "first_used_at": at,
        },
    )


def beside(frameworks: Iterable[Framework], at: datetime) -> list[Framework]:
    """The predecessors that are still scored at that time, as they were."""
    found = []
    for framework in frameworks:
        current = CatalogueVersion.objects.filter(digest=catalogue.digest(framework)).first()
        since = current.first_used_at if current is not None else at
        if at > since + SIDE_BY_SIDE:
            continue
        before = _before(framework.framework, since)
        if before is not None and before.version != framework.version:
            found.append(_read(before.document))
    return found


def breaks(framework: str) -> list[Break]:
    """Every change of the yardstick, the oldest first."""
    known = CatalogueVersion.objects.filter(framework=framework)
    if known.count() < 2:
        return []
    return [
        _break(_read(before.document), _read(after.document), after.first_used_at)
        for before, after in pairwise(known.order_by("first_used_at", "id"))
    ]


def is_current(snapshot: Snapshot) -> bool:
    """Whether no newer catalogue version had been used when the snapshot was made."""
    newest = (
        CatalogueVersion.objects.filter(framework=snapshot.framework, first_used_at__lte=snapshot.made_at)
        .order_by("-first_used_at", "-id")
        .first()
    )
    return newest is None or newest.digest == snapshot.catalogue_digest


def _before(framework: str, since: datetime) -> CatalogueVersion | None:
    return (
        CatalogueVersion.objects.filter(framework=framework, first_used_at__lt=since)
        .order_by("-first_used_at", "-id")
        .first()
    )


def _read(document: dict[str, Any]) -> Framework:
    if "tests" in document:
        return msgspec.convert(document, Rubric)
    return msgspec.convert(document, Ladder)


def _break(before: Framework, after: Framework, since: datetime) -> Break:
    was, now = _listed(before), _listed(after)
    return Break(
        since=since,
        before=before.version,
        after=after.version,
        added=tuple(name for name in now if name not in was),
        removed=tuple(name for name in was if name not in now),
        changed=tuple(name for name in now if name in was and now[name] != was[name]),
    )


def _listed(framework: Framework) -> dict[str, Criterion | ScoredTest]:
    return {one.id: one for one in (framework.criteria if isinstance(framework, Ladder) else framework.tests)}
