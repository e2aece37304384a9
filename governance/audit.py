"""The audit log: one entry for each change of state, in the same transaction as the change."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connections
from django.db.models import QuerySet

from governance.actions import Action
from governance.models import AuditEntry, User


def record(
    *,
    actor: User | None,
    action: Action,
    subject: str,
    detail: Mapping[str, object] | None = None,
    using: str = "default",
) -> AuditEntry:
    """Write down what `actor` did to `subject` ("promotion:<uuid>"). No actor means the system or its operator.

    Stands in the transaction of the change, so that neither is kept without the other; outside of one it is an error.
    `detail` holds JSON values, never secrets. `using` is the connection of a change that only the owner may make.
    """
    if not connections[using].in_atomic_block:
        raise RuntimeError(f"The audit entry {action} must be written in the transaction of its change.")
    return AuditEntry.objects.using(using).create(
        actor=actor, action=action.value, subject=subject, detail=dict(detail or {})
    )


def of(subject: str, *, actions: Collection[Action]) -> QuerySet[AuditEntry]:
    """What was done to a thing by these actions, the latest first."""
    names = [action.value for action in actions]
    return AuditEntry.objects.filter(subject=subject, action__in=names).select_related("actor").order_by("-id")


def recorded(*, actions: Collection[Action], since: datetime) -> QuerySet[AuditEntry]:
    """The entries of these actions since then, the oldest first, for what passes them on. People use `selectors`."""
    return AuditEntry.objects.filter(action__in=actions, occurred_at__gte=since).order_by("id")


def is_recorded(*, action: Action, subject: str, since: datetime | None = None) -> bool:
    """Whether this was written down of the subject, ever or since then."""
    written = AuditEntry.objects.filter(action=action.value, subject=subject)
    return (written.filter(occurred_at__gte=since) if since else written).exists()
