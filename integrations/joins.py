"""Which model of the graph a system means by a name. What is certain is joined, what is not is for people to say.

1. What people confirmed holds, and what they rejected does not.
2. Otherwise a name is joined to the only model of that name that is not hidden. Models that only exist because a
   monitoring or serving system spoke of them do not count: those of the namespaces of connections whose systems are no
   registries.
3. With several models of that name each is a proposal, and until somebody decides the name stands for none of them.

A registry's own names are its own models and are joined to nothing, unless people confirm it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import User
from governance.permissions import Permission
from integrations import systems
from integrations.models import Connection, Delivery, Join, JoinState
from integrations.systems.base import Fact, System
from lineage import selectors as lineage
from lineage.identity import Kind
from lineage.models import Asset

MAX_REASON_CHARS = 2_000
# More models of one name than anybody would choose from.
MAX_CANDIDATES = 20


class Decision(StrEnum):
    CONFIRM = "confirm"
    REJECT = "reject"
    UNDO = "undo"


DECIDED: Mapping[Decision, JoinState] = {
    Decision.CONFIRM: JoinState.CONFIRMED,
    Decision.REJECT: JoinState.REJECTED,
    Decision.UNDO: JoinState.PROPOSED,
}
ACTIONS: Mapping[Decision, Action] = {
    Decision.CONFIRM: Action.JOIN_CONFIRMED,
    Decision.REJECT: Action.JOIN_REJECTED,
    Decision.UNDO: Action.JOIN_UNDONE,
}


@dataclass(slots=True)
class Sides:
    """What the joins of one connection say of a name: the model that is confirmed, and those that are rejected."""

    confirmed: tuple[str, str] | None = None
    rejected: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The models that a name may stand for."""

    name: str
    assets: Sequence[Asset]


def is_registry(system: System) -> bool:
    """Whether models are registered there, so that its names are its own."""
    return Fact.MODEL in system.brings


def decided(connection: Connection) -> dict[str, Sides]:
    """What people decided of the names of a connection."""
    found: dict[str, Sides] = {}
    states = [JoinState.CONFIRMED.value, JoinState.REJECTED.value]
    for join in Join.objects.filter(connection=connection, state__in=states):
        sides = found.setdefault(join.name, Sides())
        if join.state == JoinState.CONFIRMED:
            sides.confirmed = (join.model_namespace, join.model_name)
        else:
            sides.rejected.add(join.asset)
    return found


def candidates(name: str, *, other_than: Collection[str]) -> list[Asset]:
    """The visible models of that name, outside these namespaces."""
    found = lineage.listed(kind=Kind.MODEL).filter(name=name).exclude(namespace__in=list(other_than))
    return list(found.order_by("namespace")[:MAX_CANDIDATES])


def namespaces_of_hearsay() -> set[str]:
    """The namespaces of connections whose systems only speak of models that are registered elsewhere."""
    of_registries: set[str] = set()
    others: set[str] = set()
    for system, namespace in Connection.objects.values_list("system", "namespace"):
        known = systems.BY_SLUG.get(system)
        (of_registries if known and is_registry(known) else others).add(namespace)
    return others - of_registries


@transaction.atomic
def note(connection: Connection, found: Iterable[Candidates]) -> None:
    """Write down what a name was joined to, or may be. What people decided stays as it is."""
    for one in found:
        state = JoinState.AUTOMATIC if len(one.assets) == 1 else JoinState.PROPOSED
        of_name = Join.objects.filter(connection=connection, name=one.name)
        # What was the only one before is not any more, or is another.
        kept = [one.assets[0].uuid] if state is JoinState.AUTOMATIC else []
        of_name.filter(state=JoinState.AUTOMATIC).exclude(asset__in=kept).update(state=JoinState.PROPOSED)
        for asset in one.assets:
            join, is_new = Join.objects.get_or_create(
                connection=connection,
                name=one.name,
                asset=asset.uuid,
                defaults={"model_namespace": asset.namespace, "model_name": asset.name, "state": state},
            )
            if not is_new and join.state != state:
                of_name.filter(pk=join.pk, state__in=[JoinState.AUTOMATIC, JoinState.PROPOSED]).update(state=state)


@transaction.atomic
def decide(*, actor: User, join: Join, decision: Decision, reason: str = "") -> Join:
    """Say whether a name is a model, or take that back. Deliveries that waited for it are translated again.

    The actor must be allowed to change the connection, and the model too when it is to be the one: what the system
    says flows into it from then on. Raises Denied, Invalid, and Conflict when it stands so already.
    """
    locked = Join.objects.select_for_update(of=("self",)).select_related("connection__team").get(pk=join.pk)
    permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=locked.connection.team)
    if decision is Decision.CONFIRM:
        permissions.require(actor, Permission.MANAGE_ASSETS, asset=locked.asset)
    if len(reason) > MAX_REASON_CHARS:
        says = f"Longer than {MAX_REASON_CHARS:,} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    before, wanted = locked.state, DECIDED[decision]
    if before == wanted:
        raise Conflict(f"It is {before} already.", code="already_decided")
    if decision is Decision.CONFIRM:
        # Of several the others stay proposals, to be looked at when this is undone.
        of_name = Join.objects.filter(connection=locked.connection, name=locked.name).exclude(pk=locked.pk)
        of_name.filter(state__in=[JoinState.AUTOMATIC, JoinState.CONFIRMED]).update(state=JoinState.PROPOSED)
    locked.state, locked.reason = wanted, reason.strip()
    locked.decided_by, locked.decided_at = actor, timezone.now()
    locked.save(update_fields=["state", "reason", "decided_by", "decided_at"])
    waiting = Delivery.objects.filter(
        connection=locked.connection, unresolved__contains=[unresolved_model(locked.name)]
    )
    waiting.update(due_at=timezone.now())
    audit.record(
        actor=actor,
        action=ACTIONS[decision],
        subject=f"connection:{locked.connection.slug}",
        detail={
            "name": locked.name,
            "model": str(locked.asset),
            "model_name": f"{locked.model_namespace} {locked.model_name}",
            "before": before,
            "reason": locked.reason,
        },
    )
    return locked


def unresolved_model(name: str) -> str:
    """How a delivery says that it waits for a model of this name."""
    return f"model {name}"


def unresolved_files(uri: str) -> str:
    """How a delivery says that it waits for the model version whose files lie there."""
    return f"files {uri}"
