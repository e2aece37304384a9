"""By which rules names are joined, and what each rule made of them. What is certain is joined; people say what is not.

*By name.* Which model of the graph a system means:

1. What people confirmed holds, and what they rejected does not.
2. Otherwise a name is joined to the only model of that name that is not hidden. Models that only exist because a
   monitoring or serving system spoke of them do not count: those of the namespaces of connections whose systems are no
   registries.
3. With several models of that name each is a proposal, and until somebody decides the name stands for none of them.

A registry's own names are its own models and are joined to nothing, unless people confirm it.

*By files.* Which model version an address means: the one whose registration told the longest part of it as a place of
its files. With several of them at that place each is a proposal. A decision is about the files and the version,
whoever names them, so it holds for all connections, and the owners of the model take it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from governance import audit, ownership, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import AuditEntry, User
from governance.permissions import Permission
from integrations import systems
from integrations.models import Connection, Delivery, Join, JoinRule, JoinState
from integrations.systems.base import Fact, System
from lineage import identity, naming
from lineage import selectors as lineage
from lineage.identity import Family, Kind
from lineage.models import Asset
from lineage.selectors import ToldThrough

MAX_REASON_CHARS = 2_000
# More models of one name than anybody would choose from.
MAX_CANDIDATES = 20
MAX_HISTORY = 200


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way in which what several systems say becomes one asset, and how people undo what it did."""

    slug: str
    title: str
    says: str
    undone: str


RULES: Sequence[Rule] = (
    Rule(
        slug="equal",
        title="Equal names",
        says="The same namespace and name is the same asset. Addresses are spelt in one way first: s3a and s3n are s3, "
        "a repository is its https address, and no user, password or signature is part of a name.",
        undone="Nothing is joined here: it is one name. Connections that mean two instances have two namespaces.",
    ),
    Rule(
        slug=JoinRule.NAME.value,
        title="Names of models",
        says="A system that registers no models names one: it is the only model of that name that is not hidden. Of "
        "several, each is proposed.",
        undone="Reject the join, by who may change the connection.",
    ),
    Rule(
        slug=JoinRule.FILES.value,
        title="Places of files",
        says="A system names an address: it is the version whose registration told the longest part of it as a place "
        "of its files. Of several versions at that place, each is proposed.",
        undone="Reject the join, by the owners of the model; it holds for all connections.",
    ),
    Rule(
        slug="registry",
        title="The registry of a connection",
        says="Names of models are those of the namespace in the connection's option registry.",
        undone="Change the option, and deliver again what came.",
    ),
    Rule(
        slug="deployment",
        title="What a deployment serves",
        says="An alert that only names a deployment is about the version that the deployment's newest open run reads.",
        undone="Reject the join by which the deployment reads the version.",
    ),
    Rule(
        slug="told",
        title="Other names that a sender tells",
        says="The facet symlinks says that two names are of one thing, lifecycleStateChange that one was renamed.",
        undone="Reject it on the page of either name. What was renamed is not rejected: hide the name that is wrong.",
    ),
    Rule(
        slug="people",
        title="What people confirm",
        says="Names that are spelt alike, and jobs of dbt that make one table by two names, are proposed. Nothing is "
        "joined until somebody confirms it.",
        undone="Undo it on the page of either name.",
    ),
)


@dataclass(slots=True)
class Sides:
    """What the joins of one connection say of a name: the model that is confirmed, and those that are rejected."""

    confirmed: tuple[str, str] | None = None
    rejected: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class FileSides:
    """What people decided of an address: the version that is confirmed, and those that are rejected."""

    confirmed: tuple[str, str, str] | None = None
    rejected: set[tuple[UUID, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that a name may stand for, or the version of it whose files lie at an address."""

    asset: UUID
    namespace: str
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a name may stand for by a rule. `said`: what it is in the graph unless it is joined."""

    rule: JoinRule
    name: str
    said: tuple[str, str]
    found: Sequence[Candidate]
    found_at: str = ""


def is_registry(system: System) -> bool:
    """Whether models are registered there, so that its names are its own."""
    return Fact.MODEL in system.brings


def decided(connection: Connection) -> dict[str, Sides]:
    """What people decided of the names of a connection."""
    found: dict[str, Sides] = {}
    for join in _decided().filter(connection=connection, rule=JoinRule.NAME):
        sides = found.setdefault(join.name, Sides())
        if join.state == JoinState.CONFIRMED:
            sides.confirmed = (join.model_namespace, join.model_name)
        else:
            sides.rejected.add(join.asset)
    return found


def decided_of_files() -> dict[str, FileSides]:
    """What people decided of addresses, whichever connection names them."""
    found: dict[str, FileSides] = {}
    for join in _decided().filter(rule=JoinRule.FILES):
        sides = found.setdefault(join.name, FileSides())
        if join.state == JoinState.CONFIRMED:
            sides.confirmed = (join.model_namespace, join.model_name, join.version)
        else:
            sides.rejected.add((join.asset, join.version))
    return found


def _decided() -> QuerySet[Join]:
    return Join.objects.filter(state__in=[JoinState.CONFIRMED, JoinState.REJECTED])


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
    """Write down what names were joined to, or may be. What people decided stays as it is."""
    told = list(found)
    if not told:
        return
    known: dict[tuple[str, str], list[Join]] = {}
    for join in Join.objects.filter(connection=connection, name__in=[one.name for one in told]):
        known.setdefault((join.rule, join.name), []).append(join)
    new = []
    for one in told:
        state = JoinState.AUTOMATIC if len(one.found) == 1 else JoinState.PROPOSED
        before = {(join.asset, join.version): join for join in known.get((one.rule, one.name), ())}
        wanted = {(each.asset, each.version): each for each in one.found}
        # What was the only one before is not any more, or is another.
        demoted = [
            join.pk
            for key, join in before.items()
            if join.state == JoinState.AUTOMATIC and (key not in wanted or state is JoinState.PROPOSED)
        ]
        if demoted:
            Join.objects.filter(pk__in=demoted, state=JoinState.AUTOMATIC).update(state=JoinState.PROPOSED)
        promoted = [before[key].pk for key in wanted if key in before and before[key].state == JoinState.PROPOSED]
        if promoted and state is JoinState.AUTOMATIC:
            Join.objects.filter(pk__in=promoted, state=JoinState.PROPOSED).update(state=state)
        new += [
            Join(
                connection=connection,
                rule=one.rule,
                name=one.name,
                asset=each.asset,
                model_namespace=each.namespace,
                model_name=each.name,
                version=each.version,
                said_namespace=one.said[0],
                said_name=one.said[1],
                found_at=one.found_at,
                state=state,
                noted_at=timezone.now(),
            )
            for key, each in wanted.items()
            if key not in before
        ]
    # Another translator may have noted the same meanwhile.
    Join.objects.bulk_create(new, ignore_conflicts=True)


@transaction.atomic
def decide(*, actor: User, join: Join, decision: Decision, reason: str = "") -> Join:
    """Say whether a name is a model, or take that back. Deliveries that waited for it are translated again.

    What was told through a join that is rejected is taken back in the graph, and stands again once that is undone. Of a
    name the actor must be allowed to change the connection, and the model too when it is to be the one: what the system
    says flows into it from then on. Whose files lie at an address the owners of the model say, for all connections.
    Raises Denied, Invalid, and Conflict when it stands so already.
    """
    locked = Join.objects.select_for_update(of=("self",)).select_related("connection__team").get(pk=join.pk)
    if locked.rule == JoinRule.NAME:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=locked.connection.team)
    if locked.rule == JoinRule.FILES or decision is Decision.CONFIRM:
        permissions.require(actor, Permission.MANAGE_ASSETS, asset=locked.asset)
    if len(reason) > MAX_REASON_CHARS:
        says = f"Longer than {MAX_REASON_CHARS:,} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    before, wanted = locked.state, DECIDED[decision]
    if before == wanted or (decision is Decision.UNDO and before == JoinState.AUTOMATIC):
        raise Conflict(f"It is {before} already.", code="already_decided")
    rows = _of_all_connections(locked)
    alternatives = _alternatives(locked)
    if decision is Decision.CONFIRM:
        # Of several the others stay proposals, to be looked at when this is undone.
        alternatives.filter(state__in=[JoinState.AUTOMATIC, JoinState.CONFIRMED]).update(state=JoinState.PROPOSED)
    elif decision is Decision.UNDO and before == JoinState.REJECTED and not alternatives.exists():
        wanted = JoinState.AUTOMATIC
    locked.state, locked.reason = wanted, reason.strip()
    locked.decided_by, locked.decided_at = actor, timezone.now()
    rows.update(state=wanted, reason=locked.reason, decided_by=actor, decided_at=locked.decided_at)
    _take_back(actor, locked, is_rejected=decision is Decision.REJECT)
    _translate_again(locked)
    audit.record(
        actor=actor,
        action=ACTIONS[decision],
        subject=_subject(locked),
        detail={
            "rule": locked.rule,
            "name": locked.name,
            "model": str(locked.asset),
            "model_name": f"{locked.model_namespace} {locked.model_name}",
            "version": locked.version,
            "before": before,
            "reason": locked.reason,
        },
    )
    return locked


def why(join: Join) -> str:
    """What the join rests on, in words."""
    if join.rule == JoinRule.FILES:
        told = f"The registration of version {join.version} says that its files lie at {join.found_at}."
    else:
        told = f"A model in {join.model_namespace} is called so."
    match join.state:
        case JoinState.AUTOMATIC:
            return f"{told} It is the only one."
        case JoinState.PROPOSED:
            return f"{told} Nobody has said yet whether it is meant."
        case JoinState.CONFIRMED:
            return f"{told} It was confirmed."
        case _:
            return f"{told} It was rejected: what was told so is taken back."


def told_through(found: Collection[Join]) -> dict[int, ToldThrough]:
    """What runs told through these joins, by their ids; none of them for joins made before that was kept."""
    pairs = {one.pk: (one.asset, identity.asset(Family.DATASET, one.said_namespace, one.said_name)) for one in found}
    told = lineage.told_through(set(pairs.values()))
    return {pk: told[pair] for pk, pair in pairs.items() if pair in told}


def history(join: Join) -> list[AuditEntry]:
    """Every decision on it, the latest first, those that were taken back included."""
    found = audit.of(_subject(join), actions=ACTIONS.values())
    newest = found.filter(detail__name=join.name, detail__model=str(join.asset))[:MAX_HISTORY]
    return [entry for entry in newest if entry.detail.get("version", "") == join.version]


def may_decide(actor: User, join: Join) -> bool:
    """Whether the person may reject it, and undo that."""
    if join.rule == JoinRule.FILES:
        return permissions.may(actor, Permission.MANAGE_ASSETS, asset=join.asset)
    return permissions.may(actor, Permission.MANAGE_CONNECTIONS, team=join.connection.team)


def _subject(join: Join) -> str:
    return ownership.subject(join.asset) if join.rule == JoinRule.FILES else f"connection:{join.connection.slug}"


def _of_all_connections(join: Join) -> QuerySet[Join]:
    """The row, and of files the same in other connections."""
    if join.rule == JoinRule.NAME:
        return Join.objects.filter(pk=join.pk)
    return Join.objects.filter(rule=join.rule, name=join.name, asset=join.asset, version=join.version)


def _alternatives(join: Join) -> QuerySet[Join]:
    """What else the name may stand for."""
    of_name = Join.objects.filter(rule=join.rule, name=join.name)
    if join.rule == JoinRule.NAME:
        return of_name.filter(connection=join.connection).exclude(pk=join.pk)
    return of_name.exclude(asset=join.asset, version=join.version)


def _take_back(actor: User, join: Join, *, is_rejected: bool) -> None:
    """Have the graph forget what was told through the join, or know it again; nothing that it does not know."""
    model = lineage.asset_or_none(join.asset)
    said = lineage.asset_or_none(identity.asset(Family.DATASET, join.said_namespace, join.said_name))
    if model is None or said is None:
        return
    naming.part(actor=actor, asset=model, other=said, is_apart=is_rejected, reason=join.reason)


def _translate_again(join: Join) -> None:
    waiting = Delivery.objects.all()
    wanted = unresolved_files(join.name)
    if join.rule == JoinRule.NAME:
        waiting, wanted = waiting.filter(connection=join.connection), unresolved_model(join.name)
    waiting.filter(unresolved__contains=[wanted]).update(due_at=timezone.now())


def unresolved_model(name: str) -> str:
    """How a delivery says that it waits for a model of this name."""
    return f"model {name}"


def unresolved_files(uri: str) -> str:
    """How a delivery says that it waits for the model version whose files lie there."""
    return f"files {uri}"
