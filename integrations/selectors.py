"""Reads of connections for pages, commands and the API. Everyone who is signed in may see which there are.

What deliveries hold may be personal or secret to others, so bodies are for those who may change the connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.utils import timezone

from governance import permissions
from governance.errors import NotFound
from governance.models import User
from governance.permissions import Permission
from integrations.connections import Made
from integrations.models import Connection, Delivery, DeliveryState, Join, Reading
from integrations.systems.base import Scheme

# What came lately tells how a connection is doing.
RECENT = timedelta(days=7)


class Health(StrEnum):
    """How a connection is doing. Silent: nothing came lately, or ever."""

    RETIRED = "retired"
    PAUSED = "paused"
    FAILING = "failing"
    SILENT = "silent"
    WELL = "well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a connection is doing, and why. `states`: how many of its recent deliveries came to what."""

    health: Health
    says: str
    last_delivery_at: datetime | None
    states: dict[str, int]


def listed(*, team: str = "", system: str = "", with_retired: bool = False) -> QuerySet[Connection]:
    found = Connection.objects.select_related("team", "user")
    if not with_retired:
        found = found.filter(retired_at=None)
    if team:
        found = found.filter(team__slug=team)
    return found.filter(system=system) if system else found


def connection(slug: str) -> Connection:
    """Raises NotFound."""
    found = Connection.objects.select_related("team", "user").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no connection {slug}.", fields={"connection": "Unknown."})
    return found


def may_manage(user: User, connection: Connection) -> bool:
    return permissions.may(user, Permission.MANAGE_CONNECTIONS, team=connection.team)


def standing(connection: Connection) -> Standing:
    """How the connection is doing. Two queries."""
    return standings([connection])[connection.pk]


def standings(connections: Sequence[Connection]) -> dict[int, Standing]:
    """How these connections are doing, by their ids. Two queries, however many there are."""
    pks = [one.pk for one in connections]
    recent = Delivery.objects.filter(connection__in=pks, received_at__gte=timezone.now() - RECENT).order_by()
    states: dict[int, dict[str, int]] = {pk: {} for pk in pks}
    for pk, state, count in recent.values_list("connection", "state").annotate(Count("id")):
        states[pk][state] = count
    newest = Delivery.objects.filter(connection=OuterRef("pk")).order_by("-id").values("received_at")[:1]
    last = dict(Connection.objects.filter(pk__in=pks).order_by().values_list("pk", Subquery(newest)))
    found = {}
    for one in connections:
        health, says = _health(one, last[one.pk], states[one.pk])
        found[one.pk] = Standing(health=health, says=says, last_delivery_at=last[one.pk], states=states[one.pk])
    return found


def _health(connection: Connection, last: datetime | None, states: dict[str, int]) -> tuple[Health, str]:
    if connection.retired_at is not None:
        return Health.RETIRED, "It was ended for good."
    if not connection.is_active:
        return Health.PAUSED, "It takes and asks nothing until it is resumed."
    failed, succeeded = connection.last_failure_at, connection.last_success_at
    if failed is not None and (succeeded is None or failed >= succeeded):
        return Health.FAILING, connection.last_error
    untrusted = connection.last_untrusted_at
    if untrusted is not None and (last is None or untrusted > last):
        return Health.FAILING, f"The last delivery was not believed. {connection.last_untrusted}"
    if succeeded is None or (not states and succeeded < timezone.now() - RECENT):
        return Health.SILENT, "Nothing came lately." if succeeded else "Nothing came yet."
    return Health.WELL, "What comes is understood."


def deliveries(connection: Connection, *, state: str = "", type: str = "") -> QuerySet[Delivery]:
    """The newest first, without their bodies, which may be large."""
    found = Delivery.objects.filter(connection=connection).defer("body").order_by("-id")
    if state:
        found = found.filter(state=state)
    return found.filter(type=type) if type else found


def delivery(pk: int, *, user: User) -> Delivery:
    """With its body, for those who may change the connection. Raises NotFound, Denied."""
    found = Delivery.objects.select_related("connection__team").filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no delivery {pk}; old ones are deleted.", fields={"delivery": "Unknown."})
    permissions.require(user, Permission.MANAGE_CONNECTIONS, team=found.connection.team)
    return found


def readings(connection: Connection) -> QuerySet[Reading]:
    return Reading.objects.filter(connection=connection).order_by("-id")


def joins(*, connection: str = "", state: str = "", rule: str = "", model: UUID | None = None) -> QuerySet[Join]:
    """The newest first."""
    found = Join.objects.select_related("connection__team", "decided_by").order_by("-id")
    if connection:
        found = found.filter(connection__slug=connection)
    if rule:
        found = found.filter(rule=rule)
    if model is not None:
        found = found.filter(asset=model)
    return found.filter(state=state) if state else found


def counted_joins() -> dict[str, dict[str, int]]:
    """How many joins there are, by rule and state."""
    found: dict[str, dict[str, int]] = {}
    for rule, state, count in Join.objects.order_by().values_list("rule", "state").annotate(Count("id")):
        found.setdefault(rule, {})[state] = count
    return found


def join(pk: int) -> Join:
    """Raises NotFound."""
    found = joins().filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no join {pk}.", fields={"join": "Unknown."})
    return found


def unknown_types(connection: Connection) -> list[tuple[str, int, datetime]]:
    """Types that its system's module does not know, with how often and when they came last."""
    found = Delivery.objects.filter(connection=connection, state=DeliveryState.UNKNOWN).order_by()
    return list(found.values_list("type").annotate(Count("id"), Max("received_at")).order_by("type")[:100])


def hook_url(made: Made) -> str:
    """Where its system sends, with the secret part if there is one; empty when it takes no deliveries."""
    connection = made.connection
    if not connection.scheme:
        return ""
    address = f"{settings.PUBLIC_URL}/api/v1/hooks/{connection.slug}"
    if connection.scheme == Scheme.SECRET_PATH:
        return f"{address}/{made.secret or '<secret>'}"
    return address
