"""Connections as pages show them: how each is doing, what came, what went out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q

from governance import permissions
from governance.errors import NotFound
from governance.models import Team, User
from governance.permissions import Permission
from integrations import carriers, systems
from integrations.carriers.base import Carrier
from integrations.models import Connection, Delivery, DeliveryState, Join, JoinState
from integrations.outmodels import DispatchState
from integrations.systems.base import Group, System
from portal import marks

RECENT = timedelta(days=1)
MAX_NAMES = 200
GROUP_WORDS: dict[Group, str] = {
    Group.TRACKING: "Experiments and registries",
    Group.PIPELINES: "Pipelines",
    Group.DATA: "Data",
    Group.SERVING: "Serving",
    Group.MONITORING: "Monitoring",
    Group.CI: "Code and CI",
    Group.RESPONSIBLE: "Responsible AI",
    Group.GENERIC: "Anything else",
    Group.TOLD: "Only told",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A connection in the list. Counts are of the last day."""

    connection: Connection
    system: System
    mark: marks.Mark
    came: int
    unclear: int
    undecided: int
    last_at: datetime | None


def has_facts(connection: Connection) -> bool:
    """Whether anything comes from its system through a connection; some are only told."""
    system = systems.BY_SLUG[connection.system]
    return bool(system.handled)


def health(connection: Connection) -> str:
    """In one word, for its mark."""
    if connection.retired_at:
        return "retired"
    if not connection.is_active:
        return "paused"
    failed, worked = connection.last_failure_at, connection.last_success_at
    if connection.poll_failures or (failed and (worked is None or failed > worked)):
        return "failing"
    if connection.last_untrusted_at and (worked is None or connection.last_untrusted_at > worked):
        return "untrusted"
    return "working" if worked else "silent" if has_facts(connection) else "untold"


def rows(now: datetime, *, retired: bool = False) -> list[Row]:
    """All connections with what came through them in the last day, and names that wait for people. Three queries."""
    found = Connection.objects.filter(retired_at__isnull=not retired).select_related("team")
    unclear = [DeliveryState.UNKNOWN, DeliveryState.REFUSED, DeliveryState.FAILED]
    nothing: dict[str, Any] = {}
    counts: dict[int, dict[str, Any]] = {
        row["connection"]: dict(row)
        for row in Delivery.objects.filter(connection__in=found, received_at__gt=now - RECENT)
        .order_by()
        .values("connection")
        .annotate(came=Count("id"), unclear=Count("id", filter=Q(state__in=unclear)), last_at=Max("received_at"))
    }
    proposed = Join.objects.filter(connection__in=found, state=JoinState.PROPOSED).order_by().values_list("connection")
    undecided = dict(proposed.annotate(Count("name", distinct=True)))
    return [
        Row(
            connection=one,
            system=systems.BY_SLUG[one.system],
            mark=marks.mark(marks.CONNECTION_STATES, health(one)),
            came=counts.get(one.pk, nothing).get("came", 0),
            unclear=counts.get(one.pk, nothing).get("unclear", 0),
            undecided=undecided.get(one.pk, 0),
            last_at=counts.get(one.pk, nothing).get("last_at") or one.last_success_at,
        )
        for one in found
    ]


def find(slug: str) -> Connection:
    """Raises NotFound."""
    found = Connection.objects.select_related("team", "user").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no connection {slug}.", fields={"connection": "Unknown."})
    return found


def delivery(connection: Connection, pk: int) -> Delivery:
    """Raises NotFound."""
    found = Delivery.objects.filter(connection=connection, pk=pk).first()
    if found is None:
        says = f"{connection.slug} has no delivery {pk}: it may have been removed after its time."
        raise NotFound(says, fields={"delivery": "Unknown."})
    return found


def counted(connection: Connection) -> dict[str, int]:
    """How many deliveries are kept in each state."""
    states = Delivery.objects.filter(connection=connection).order_by().values_list("state")
    return dict(states.annotate(Count("id")))


def teams_for(user: User) -> list[Team]:
    """The teams for which the person may connect systems."""
    return permissions.teams_where(user, Permission.MANAGE_CONNECTIONS)


def address(connection: Connection) -> str:
    """Where the system sends its deliveries; the secret part, if there is one, is left to who has it."""
    base = f"{settings.PUBLIC_URL}/api/v1/hooks/{connection.slug}"
    return f"{base}/<secret>" if connection.scheme == "secret_path" else base


def setup(system: System, url: str) -> str:
    """What to do on the other side, as Markdown."""
    return system.setup.replace("{url}", url)


def preparations(system: System) -> str:
    """What to do on the other side of a connection that is still to be made, to be heard by it and to tell it."""
    told = carriers.BY_SLUG.get(system.slug)
    return setup(system, "…/api/v1/hooks/…") + (f"\n\n{told.setup}" if told else "")


def carrier(connection: Connection) -> Carrier | None:
    return carriers.BY_SLUG.get(connection.system)


def catalogue() -> list[tuple[str, list[System]]]:
    """All systems by group, by name."""
    found: dict[Group, list[System]] = {}
    for system in sorted(systems.ALL, key=lambda one: one.title.lower()):
        found.setdefault(system.group, []).append(system)
    return [(words, found[group]) for group, words in GROUP_WORDS.items() if group in found]


def notices(connection: Connection, size: int = 20) -> Sequence[Any]:
    """What was told through its outlet, the newest first, with the requests."""
    outlet = getattr(connection, "outlet", None)
    return list(outlet.notices.prefetch_related("dispatches").order_by("-id")[:size]) if outlet else []


def state_of(dispatches: Sequence[Any]) -> str:
    """Of all requests of a notice together."""
    states = {one.state for one in dispatches}
    if not states:
        return "none"
    for worst in (DispatchState.GIVEN_UP, DispatchState.PENDING):
        if worst in states:
            return str(worst)
    return str(DispatchState.SENT)


def names(connection: Connection) -> list[Join]:
    """What it calls the models of the graph; what people have to say first."""
    found = connection.joins.select_related("decided_by").order_by("name", "model_namespace", "model_name")[:MAX_NAMES]
    return sorted(found, key=lambda one: one.state != JoinState.PROPOSED)
