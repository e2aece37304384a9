"""Who made a version of a model, as far as events tell: who sent the events of its runs, and whom those name.

Senders name people in a run facet of ours, since no facet of the standard says who ran or committed something:
`"assay_makers": {"committer": ["member@example.com"], "runner": ["member"]}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func, IntegerField, Value
from django.db.models.expressions import RawSQL

from lineage import events, evidence
from lineage.models import Event

FACET = "assay_makers"
RUNNER = "runner"
# Those that a sender may name.
ROLES = ("committer", "author", "runner", "ci_actor", "registrant")
MAX_NAMES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Somebody with their part in it: the id of an account here, or a name as another system wrote it."""

    role: str
    user: int | None = None
    name: str = ""


def of(version: UUID) -> list[Maker]:
    """The makers of a version by whichever of its names they made it, each once."""
    # As an array: for a list of which it knows nothing the planner would rather read all events.
    theirs = f"lineage_event.run = ANY(ARRAY({evidence.WRITERS}))"
    told = Event.objects.filter(RawSQL(theirs, [version], BooleanField()))  # noqa: S611 - the text is ours
    senders = told.filter(sender__isnull=False).order_by().values_list("sender_id", flat=True).distinct()
    found = {Maker(role=RUNNER, user=sender): None for sender in senders}
    # Bodies are bytes, and only the few that hold the facet are read.
    place = Func(
        Value(FACET.encode()),
        F("body"),
        template="position(%(expressions)s)",
        arg_joiner=" IN ",
        output_field=IntegerField(),
    )
    naming = told.annotate(place=place).filter(place__gt=0)
    for body in naming.order_by("-id").values_list("body", flat=True)[:MAX_NAMES]:
        found |= dict.fromkeys(_named(events.decode(bytes(body))))
    return list(found)


def _named(event: dict[str, Any]) -> Iterator[Maker]:
    """Whom the facet of one event names. What is not of its form names nobody."""
    facet: Any = event
    for step in ("run", "facets", FACET):
        facet = facet.get(step) if isinstance(facet, dict) else None
    if not isinstance(facet, dict):
        return
    for role in ROLES:
        names = facet.get(role)
        for name in (names if isinstance(names, list) else [names])[:MAX_NAMES]:
            if isinstance(name, str) and name.strip():
                yield Maker(role=role, name=name)
