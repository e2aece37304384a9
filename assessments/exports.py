"""A snapshot's head and its scorecards as documents: what the API sends and what goes along with a report."""

from typing import Any

from assessments.models import Scorecard, Snapshot

Document = dict[str, Any]


def head(snapshot: Snapshot) -> Document:
    """What a snapshot is of, with the digests that chain it."""
    return {
        "framework": snapshot.framework,
        "number": snapshot.number,
        "kind": snapshot.kind,
        "catalogue_version": snapshot.catalogue_version,
        "catalogue_digest": snapshot.catalogue_digest,
        "as_of": snapshot.as_of,
        "made_at": snapshot.made_at,
        "watermark": snapshot.watermark,
        "restates": snapshot.restates.number if snapshot.restates else None,
        "reason": snapshot.reason,
        "previous_digest": snapshot.previous_digest,
        "digest": snapshot.digest,
    }


def row(card: Scorecard) -> Document:
    """A scorecard without its results."""
    return {
        "id": card.pk,
        "team": card.team.slug if card.team else None,
        "model": card.model,
        "framework": card.snapshot.framework,
        "snapshot": card.snapshot.number,
        "as_of": card.snapshot.as_of,
        "level": card.level,
        "published_level": card.published_level,
        "score": card.score,
        "rating": card.rating,
        "digest": card.digest,
    }


def whole(card: Scorecard) -> Document:
    """A scorecard with its results."""
    return row(card) | {"results": card.results}
