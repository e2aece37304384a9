"""The audit log: one entry for each change of state, in the same transaction as the change."""

from collections.abc import Mapping

from django.db import connections

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


def is_recorded(*, action: Action, subject: str) -> bool:
    """Whether this was ever written down of the subject."""
    return AuditEntry.objects.filter(action=action.value, subject=subject).exists()
