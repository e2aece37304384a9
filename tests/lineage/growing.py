"""Grow a graph from events, as the service does: through the log, the outbox and the projector."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from lineage import eventlog, events, projection
from lineage.models import Outbox
from tests.lineage import dump

Document = dict[str, Any]


def append(documents: Iterable[Document]) -> None:
    """Put events into the log, one transaction for all."""
    eventlog.append([event(document) for document in documents], sender=None)


def event(document: Document) -> events.NewEvent:
    """As it is received; what people decide of names is no sender's, and made by ourselves."""
    if "names" not in document:
        return events.read(json.dumps(document).encode())
    said = document["names"]
    return events.of_names(
        at=events.parse_time(document["eventTime"]),
        family=said["family"],
        namespace=said["namespace"],
        name=said["name"],
        others=[(one["namespace"], one["name"]) for one in said["others"]],
        apart=[(one["namespace"], one["name"]) for one in said.get("apart", ())],
    )


def project(limit: int = projection.BATCH_EVENTS) -> int:
    """Project all that waits, in batches of `limit`."""
    total = 0
    while done := projection.project(limit=limit):
        total += done
    return total


def graph_of(batches: Iterable[Sequence[Document]], limit: int = projection.BATCH_EVENTS) -> dict[str, list[Any]]:
    """The graph grown from events that arrive in these batches, each projected `limit` events at a time.

    Leaves the database as it was.
    """
    with transaction.atomic():
        for batch in batches:
            append(batch)
            project(limit)
        assert not Outbox.objects.exists(), list(Outbox.objects.values_list("error", flat=True))
        assert dump.dangling() == []
        grown = dump.graph()
        transaction.set_rollback(True)
    return grown
