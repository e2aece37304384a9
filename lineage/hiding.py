"""Assets that someone took from the lists: test tables, ghosts of dropped ones. Nothing of them is deleted.

The graph still walks through what is hidden, since a hole in it would cut what lies behind. What is seen again after it
was hidden stays hidden and is listed, for whoever hid it to look at.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from governance import audit, database, ownership, permissions
from governance import selectors as governance_selectors
from governance.actions import Action
from governance.errors import Conflict, Invalid, NotFound
from governance.models import User
from governance.permissions import Permission
from lineage import decided
from lineage.asof import NOW, Moment
from lineage.fieldmodels import Hiding
from lineage.models import Asset

MAX_REASON_CHARS = 2_000


@transaction.atomic
def hide(*, actor: User, asset: UUID, reason: str) -> Hiding:
    """Take an asset from the lists. Raises Denied, Invalid without a reason, Conflict when it is hidden."""
    permissions.require(actor, Permission.MANAGE_ASSETS, asset=asset)
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON_CHARS:
        says = f"Longer than {MAX_REASON_CHARS} characters." if reason else "Say why, for those who look for it."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    if Hiding.objects.select_for_update().filter(asset=asset, shown_at=None).exists():
        raise Conflict("The asset is hidden already.")
    hiding = Hiding.objects.create(asset=asset, reason=reason, hidden_by=actor, hidden_at=timezone.now())
    audit.record(actor=actor, action=Action.ASSET_HIDDEN, subject=ownership.subject(asset), detail={"reason": reason})
    return hiding


@transaction.atomic
def show(*, actor: User, asset: UUID) -> Hiding:
    """Put a hidden asset back into the lists. Raises Denied, or NotFound when it is not hidden."""
    permissions.require(actor, Permission.MANAGE_ASSETS, asset=asset)
    hiding = Hiding.objects.select_for_update().filter(asset=asset, shown_at=None).first()
    if hiding is None:
        raise NotFound("The asset is not hidden.", fields={"asset": "Not hidden."})
    hiding.shown_at, hiding.shown_by = timezone.now(), actor
    hiding.save(update_fields=["shown_at", "shown_by"])
    audit.record(
        actor=actor, action=Action.ASSET_SHOWN, subject=ownership.subject(asset), detail={"reason": hiding.reason}
    )
    return hiding


def of(assets: Collection[UUID], *, moment: Moment = NOW) -> dict[UUID, Hiding]:
    """Of those that were hidden at the moment, how. One query."""
    found = Hiding.objects.filter(asset__in=governance_selectors.among(assets)).select_related("hidden_by")
    return {row.asset: row for row in at(found, moment)}


def among(assets: Collection[UUID], *, moment: Moment = NOW) -> set[UUID]:
    """Those that were hidden at the moment. One query, the one of `at`, which takes longer to build than to answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asset FROM lineage_hiding WHERE asset IN (SELECT unnest(%(assets)s::uuid[]))
              AND (shown_at IS NULL OR shown_at > %(until)s)
              AND hidden_at <= COALESCE(%(until)s::timestamptz, 'infinity')
            """,
            {"assets": database.array(assets), "until": decided.until(moment)},
        )
        return {asset for (asset,) in cursor.fetchall()}


def hidden(*, seen_again: bool = False) -> QuerySet[Hiding]:
    """What is hidden now, the latest first, each with `last_seen_at` of its asset; or what was seen since alone."""
    seen = Asset.objects.filter(uuid=OuterRef("asset")).values("last_seen_at")
    found = Hiding.objects.filter(shown_at=None).select_related("hidden_by").annotate(last_seen_at=Subquery(seen))
    found = found.filter(last_seen_at__isnull=False)  # Its asset is in the graph.
    return (found.filter(last_seen_at__gt=F("hidden_at")) if seen_again else found).order_by("-id")


def history(asset: UUID) -> QuerySet[Hiding]:
    """Every time it was hidden, the latest first."""
    return Hiding.objects.filter(asset=asset).select_related("hidden_by", "shown_by").order_by("-id")


def at(rows: QuerySet[Hiding], moment: Moment) -> QuerySet[Hiding]:
    """Those of the rows that held at the moment."""
    until = decided.until(moment)
    if until is None:
        return rows.filter(shown_at=None)
    return rows.filter(Q(shown_at=None) | Q(shown_at__gt=until), hidden_at__lte=until)
