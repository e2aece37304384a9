"""Translating what is kept once more: one delivery, or all of a connection since a time."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Invalid
from governance.models import User
from governance.permissions import Permission
from integrations import connections, nudging
from integrations.models import Connection, Delivery, DeliveryState


@transaction.atomic
def redeliver(*, actor: User | None, delivery: Delivery) -> Delivery:
    """Translate a delivery again, whatever became of it. What it said before is stored once. Raises Denied."""
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=delivery.connection.team)
    _again = {"state": DeliveryState.RECEIVED, "due_at": timezone.now(), "attempts": 0}
    Delivery.objects.filter(pk=delivery.pk).update(**_again)
    audit.record(
        actor=actor,
        action=Action.DELIVERY_REDELIVERED,
        subject=connections.subject(delivery.connection),
        detail={"delivery": delivery.pk, "before": delivery.state},
    )
    transaction.on_commit(nudging.translator)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def replay(*, actor: User | None, connection: Connection, since: datetime, until: datetime | None = None) -> int:
    """Translate again what came since (inclusive) and until (exclusive, now when absent); gives how many these are.

    Raises Denied, Invalid when `until` is not after `since`.
    """
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=connection.team)
    until = until or timezone.now()
    if until <= since:
        raise Invalid("until: Not after since.", fields={"until": "Not after since."})
    found = Delivery.objects.filter(connection=connection, received_at__gte=since, received_at__lt=until)
    count = found.update(state=DeliveryState.RECEIVED, due_at=timezone.now(), attempts=0)
    audit.record(
        actor=actor,
        action=Action.DELIVERIES_REPLAYED,
        subject=connections.subject(connection),
        detail={"since": since.isoformat(), "until": until.isoformat(), "deliveries": count},
    )
    transaction.on_commit(nudging.translator)
    return count
