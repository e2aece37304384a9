"""Which names are of one thing: what senders told, what is proposed because it is spelt alike, and what people decided.

A decision is a row of its own and, since the graph is a function of the event log, an event in the log as well: it says
of the asset with the smaller UUID which others are the same from now on, and which are not, whoever tells it. Edges
come of it, and end by it, as of any other declaration, so a rebuild, a past day and an undo need nothing more. See
docs/decisions/0010-names-are-joined-by-edges.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from governance import audit, ownership, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import User
from governance.permissions import Permission
from lineage import dbtjobs, decided, eventlog, events, names
from lineage.asof import NOW, Moment
from lineage.fieldmodels import Naming
from lineage.identity import Family
from lineage.models import Asset

MAX_REASON_CHARS = 2_000
MAX_ALIKE = 200
# Names that fold to the same.
_ALIKE = """
SELECT a.id AS one, b.id AS other FROM lineage_asset a JOIN lineage_asset b ON b.folding = a.folding AND b.id > a.id
WHERE a.folding IN (
    SELECT folding FROM lineage_asset WHERE folding IS NOT NULL GROUP BY folding HAVING count(*) > 1)"""


class Decision(StrEnum):
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNDONE = "undone"


ACTIONS: dict[Decision, Action] = {
    Decision.CONFIRMED: Action.NAMES_CONFIRMED,
    Decision.REJECTED: Action.NAMES_REJECTED,
    Decision.UNDONE: Action.NAMES_UNDONE,
}


class State(StrEnum):
    """How two names stand to each other. Told: by a sender's symlinks. Renamed: by its lifecycle facet."""

    TOLD = "told"
    RENAMED_FROM = "renamed_from"
    RENAMED_TO = "renamed_to"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


RENAMES = frozenset({State.RENAMED_FROM, State.RENAMED_TO})


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherName:
    """Another name of an asset, or what may be one.

    `since`: when it was told or decided. `told_since`: since when a sender's symlinks say that it is the same, whatever
    was decided.
    """

    asset: Asset
    state: State
    since: datetime | None
    told_since: datetime | None
    differences: tuple[str, ...]
    decided_by: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Two names of one thing. Renamed: to the other. What was rejected and undone since counts as confirmed."""

    id: int
    asset: Asset
    other: Asset
    state: State
    since: datetime
    last_told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two assets whose names differ in spelling, or jobs that dbt's tools name differently; nobody has decided yet."""

    asset: Asset
    other: Asset
    differences: tuple[str, ...]


@transaction.atomic
def decide(*, actor: User, asset: Asset, other: Asset, decision: Decision, reason: str = "") -> Naming:
    """Decide that two assets are one, or not, or take the decision before back.

    The actor must manage both, since what flows into one flows into the other from then on. Raises Denied, Invalid for
    what cannot be one, and Conflict when it stands so already or a sender tells that one was renamed to the other.
    """
    first, second = sorted((asset, other), key=lambda one: one.uuid)
    _wait_for_others(first.uuid)
    for one in (first, second):
        permissions.require(actor, Permission.MANAGE_ASSETS, asset=one.uuid)
    if first == second or first.family != second.family:
        says = "The same asset." if first == second else f"Not a {first.family}, as the other is."
        raise Invalid(f"other: {says}", fields={"other": says})
    if len(reason) > MAX_REASON_CHARS:
        says = f"Longer than {MAX_REASON_CHARS} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    before = _newest(first.uuid, second.uuid)
    stands = before.decision if before is not None and before.decision != Decision.UNDONE else None
    if stands == decision or (decision is Decision.UNDONE and stands is None):
        says = "Nothing was decided of these two." if decision is Decision.UNDONE else f"They are {decision} already."
        raise Conflict(says)
    if decision is Decision.REJECTED and _told(first, NOW).get(second.uuid, {}).keys() & RENAMES:
        # That edge would stand; a rejection that changes nothing would only look like one.
        raise Conflict(
            "A sender tells that one was renamed to the other, which nobody takes back: hide the name that is wrong."
        )
    naming = Naming.objects.create(
        asset=first.uuid,
        other=second.uuid,
        decision=decision.value,
        reason=reason.strip(),
        decided_by=actor,
        decided_at=timezone.now(),
    )
    _declare(first, at=naming.decided_at, actor=actor)
    audit.record(
        actor=actor,
        action=ACTIONS[decision],
        subject=ownership.subject(first.uuid),
        detail={"other": str(second.uuid), "before": stands, "reason": naming.reason},
    )
    return naming


@transaction.atomic
def part(*, actor: User, asset: Asset, other: Asset, is_apart: bool, reason: str) -> None:
    """That an asset is not what another name was joined to, or that this is taken back; the caller has asked who may.

    It is a decision like any other and stands in the history of both.
    """
    first, second = sorted((asset, other), key=lambda one: one.uuid)
    if first == second:
        return
    _wait_for_others(first.uuid)
    before = _newest(first.uuid, second.uuid)
    if (before is not None and before.decision == Decision.REJECTED) == is_apart:
        return
    decision = Decision.REJECTED if is_apart else Decision.UNDONE
    naming = Naming.objects.create(
        asset=first.uuid,
        other=second.uuid,
        decision=decision.value,
        reason=reason,
        decided_by=actor,
        decided_at=timezone.now(),
    )
    _declare(first, at=naming.decided_at, actor=actor)


def of(asset: Asset, *, moment: Moment = NOW, decisions: Sequence[Naming] | None = None) -> list[OtherName]:
    """The other names of an asset, and what may be one: told, renamed, confirmed, proposed, rejected.

    One that was renamed is listed as such, and once more if anything else is known of it. `decisions`: its history, if
    that was read already.
    """
    told = _told(asset, moment)
    newest = _newest_of_each(history(asset.uuid) if decisions is None else decisions, moment)
    rulings = {
        row.other if row.asset == asset.uuid else row.asset: row for row in newest if row.decision != Decision.UNDONE
    }
    alike = _alike(asset, moment)
    others = {one.uuid: one for one in Asset.objects.filter(uuid__in=[*told, *rulings])} | alike
    found = []
    for uuid, other in others.items():
        said, row = told.get(uuid, {}), rulings.get(uuid)
        states: dict[State, datetime | None] = {state: since for state, since in said.items() if state in RENAMES}
        if row is not None:
            states[State(row.decision)] = row.decided_at
        elif State.TOLD in said:
            states[State.TOLD] = said[State.TOLD]
        elif not states:
            states[State.PROPOSED] = None
        for state, since in states.items():
            is_decided = row is not None and row.decision == state
            found.append(
                OtherName(
                    asset=other,
                    state=state,
                    since=since,
                    told_since=said.get(State.TOLD),
                    differences=_differences(asset, other),
                    decided_by=row.decided_by.username if row and is_decided else None,
                    reason=row.reason if row and is_decided else "",
                )
            )
    order = list(State)
    return sorted(found, key=lambda one: (order.index(one.state), one.asset.namespace, one.asset.name))


def joined(*, after: int = 0, limit: int = 100) -> list[Joined]:
    """Names that are of one thing now, because a sender told it or somebody confirmed it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.id, e.source_id, e.target_id, e.relation, e.is_declared, e.valid_from, e.last_seen_at
            FROM lineage_edge e
            -- The index of names is for these three; of the two edges of an alias one tells it.
            WHERE e.relation IN ('alias', 'alias_of', 'renamed') AND e.relation <> 'alias_of' AND e.valid_to IS NULL
              AND e.id > %s ORDER BY e.id LIMIT %s
            """,
            [after, limit],
        )
        rows = cursor.fetchall()
    assets = Asset.objects.in_bulk({number for row in rows for number in row[1:3]})
    return [
        Joined(
            id=row[0],
            asset=assets[row[1]],
            other=assets[row[2]],
            state=State.RENAMED_TO if row[3] == "renamed" else State.CONFIRMED if row[4] else State.TOLD,
            since=row[5],
            last_told_at=row[6],
        )
        for row in rows
    ]


def proposals(*, after: tuple[int, int] = (0, 0), limit: int = 100) -> list[Proposal]:
    """Pairs of which nobody decided yet, after these ids and in their order. Looks through all names."""
    found: set[tuple[int, int]] = set()
    with connection.cursor() as cursor:
        for pairs in (_ALIKE, dbtjobs.pairs("true")):
            cursor.execute(
                f"""
                SELECT a.id, b.id FROM ({pairs}) AS pair
                JOIN lineage_asset a ON a.id = pair.one JOIN lineage_asset b ON b.id = pair.other
                WHERE (a.id, b.id) > (%(asset)s, %(other)s)
                  AND COALESCE((
                      SELECT n.decision FROM lineage_naming n
                      WHERE n.asset = LEAST(a.uuid, b.uuid) AND n.other = GREATEST(a.uuid, b.uuid)
                      ORDER BY n.id DESC LIMIT 1), 'undone') = 'undone'
                  AND NOT EXISTS (
                      SELECT FROM lineage_edge e
                      WHERE e.target_id = a.id AND e.source_id = b.id AND e.relation IN ('alias', 'alias_of', 'renamed')
                        AND (e.valid_to IS NULL OR NOT e.is_declared))
                ORDER BY a.id, b.id LIMIT %(limit)s
                """,
                {"asset": after[0], "other": after[1], "limit": limit},
            )
            found.update(cursor.fetchall())
    first = sorted(found)[:limit]
    assets = Asset.objects.in_bulk({number for pair in first for number in pair})
    return [
        Proposal(asset=assets[one], other=assets[other], differences=_differences(assets[one], assets[other]))
        for one, other in first
    ]


def history(asset: UUID) -> list[Naming]:
    """Every decision of the asset's names, the latest first."""
    found = Naming.objects.filter(Q(asset=asset) | Q(other=asset)).select_related("decided_by")
    return list(found.order_by("-id"))


def _newest(first: UUID, second: UUID) -> Naming | None:
    return Naming.objects.filter(asset=first, other=second).order_by("-id").first()


def _declare(asset: Asset, *, at: datetime, actor: User) -> None:
    """Tell the graph which others are the same and which are not: all, as a declaration replaces the one before."""
    newest = dict(Naming.objects.filter(asset=asset.uuid).order_by("id").values_list("other", "decision"))
    listed: dict[str, list[tuple[str, str]]] = {Decision.CONFIRMED: [], Decision.REJECTED: [], Decision.UNDONE: []}
    for other in Asset.objects.filter(uuid__in=newest).order_by("uuid"):
        listed[newest[other.uuid]].append((other.namespace, other.name))
    event = events.of_names(
        at=at,
        family=asset.family,
        namespace=asset.namespace,
        name=asset.name,
        others=listed[Decision.CONFIRMED],
        apart=listed[Decision.REJECTED],
    )
    eventlog.append([event], sender=actor)


def _wait_for_others(asset: UUID) -> None:
    """Decisions of one asset go one after the other, since each declares all that was decided before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"names of {asset}"])


def _told(asset: Asset, moment: Moment) -> dict[UUID, dict[State, datetime]]:
    """What senders told, by the other's UUID, and since when; whatever people decided of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.uuid, e.relation, e.source_id = %(asset)s, {moment.began("e", "valid_from")}
            FROM lineage_edge e
            JOIN lineage_asset a ON a.id = CASE WHEN e.source_id = %(asset)s THEN e.target_id ELSE e.source_id END
            -- What is the same is told both ways.
            WHERE (e.target_id = %(asset)s AND e.relation IN ('alias', 'alias_of', 'renamed')
                   OR e.source_id = %(asset)s AND e.relation = 'renamed')
              AND NOT e.is_declared AND {moment.stands("e", "valid_from")}
            """,
            moment.parameters | {"asset": asset.pk},
        )
        rows = cursor.fetchall()
    found: dict[UUID, dict[State, datetime]] = {}
    for uuid, relation, is_source, since in rows:
        renamed = State.RENAMED_TO if is_source else State.RENAMED_FROM
        told, state = found.setdefault(uuid, {}), renamed if relation == "renamed" else State.TOLD
        told[state] = min(since, told.get(state, since))
    return found


def _newest_of_each(decisions: Sequence[Naming], moment: Moment) -> list[Naming]:
    """The newest decision of each pair, of a history with the latest first."""
    found, until = dict[tuple[UUID, UUID], Naming](), decided.until(moment)
    for row in reversed(decisions):
        if until is None or row.decided_at <= until:
            found[row.asset, row.other] = row
    return list(found.values())


def _alike(asset: Asset, moment: Moment) -> dict[UUID, Asset]:
    alike = Q(pk__in=_by_tables(asset)) if asset.family == Family.JOB else Q()
    if asset.folding is not None:
        alike |= Q(folding=asset.folding, family=asset.family)
    if not alike:
        return {}
    others = Asset.objects.filter(alike).exclude(pk=asset.pk)
    if moment.as_of is not None:
        others = others.filter(first_seen_at__lte=moment.as_of)
    return {one.uuid: one for one in others[:MAX_ALIKE]}


def _by_tables(asset: Asset) -> list[int]:
    """Other jobs that make a table of the job's for the same model of dbt."""
    query = " UNION ".join(dbtjobs.pairs(f"{side}.id = %(job)s") for side in "ab")
    with connection.cursor() as cursor:
        cursor.execute(query, {"job": asset.pk})
        return [other if one == asset.pk else one for one, other in cursor.fetchall()]


def _differences(asset: Asset, other: Asset) -> tuple[str, ...]:
    """None when the names are not spelt alike; jobs of dbt that make one table are named differently."""
    if asset.folding is None or asset.folding != other.folding:
        if asset.family != Family.JOB or other.pk not in _by_tables(asset):
            return ()
        told = (("namespace", asset.namespace, other.namespace), ("naming", asset.name, other.name))
        return tuple(word for word, one, another in told if one != another)
    left, right = (asset.namespace, asset.name), (other.namespace, other.name)
    return tuple(names.differences(left, right, family=asset.family))
