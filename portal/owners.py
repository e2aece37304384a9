"""Who answers for an asset, as the pages show it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from governance import selectors
from governance.models import OwnerRole, Ownership, Team, User
from governance.permissions import Permission
from lineage.asof import NOW, Moment
from lineage.models import Asset
from portal.forms import OwnerForm
from portal.paging import Page

# The field offers these as one types; any other name can be typed whole.
PEOPLE_OFFERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of an asset and who holds it now."""

    role: str
    label: str
    current: Ownership | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An ownership that has ended."""

    ownership: Ownership
    role_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Who holds an asset's roles now, and who held them before."""

    current: Mapping[OwnerRole, Ownership]
    past: Sequence[Past]

    @property
    def teams(self) -> set[Team]:
        """Those that own the asset now."""
        return {one.team for one in self.current.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Someone who owns an asset in a list, with the roles they hold."""

    who: str
    roles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    asset: Asset
    owners: Sequence[Holder]


def beside(found: Page, moment: Moment = NOW) -> Page:
    """The page of assets with the owners of each beside it. One query."""
    owned = selectors.owners_of([asset.uuid for asset in found.rows], moment.as_of, moment.known_at)
    return replace(found, rows=[Row(asset=asset, owners=_holders(owned[asset.uuid])) for asset in found.rows])


def history(asset: UUID) -> History:
    """One query."""
    now = timezone.now()
    rows = list(selectors.ownership_history(asset))
    return History(
        current={OwnerRole(one.role): one for one in rows if one.period.lower <= now and not _has_ended(one, now)},
        past=[Past(ownership=one, role_label=label(one.role)) for one in rows if _has_ended(one, now)],
    )


def at(asset: UUID, moment: Moment) -> History:
    """Who held the asset's roles at a moment that is not now, as far as it was known. One query."""
    owned = selectors.owners_of([asset], moment.as_of, moment.known_at)[asset]
    return History(current={OwnerRole(one.role): one for one in owned}, past=[])


def context(owned: History, held: Collection[Permission], form: OwnerForm | None = None) -> dict[str, Any]:
    """What the owners' section of an asset's page needs. `held` is what its reader may do with the asset."""
    may_manage = Permission.MANAGE_OWNERSHIP in held
    return {
        "roles": [Role(role=role.value, label=role.label, current=owned.current.get(role)) for role in OwnerRole],
        "history": owned.past,
        "may_manage": may_manage,
        "form": form or OwnerForm(),
        "teams": list(Team.objects.all()) if may_manage else [],
        "people": people() if may_manage else [],
    }


def people() -> list[User]:
    """Accounts of people, to choose from."""
    return list(selectors.users().filter(is_service=False)[:PEOPLE_OFFERED])


def label(role: str) -> str:
    """The role in words. The database holds no other than those of OwnerRole."""
    return str(OwnerRole(role).label)


def _has_ended(ownership: Ownership, now: Any) -> bool:
    return ownership.period.upper is not None and ownership.period.upper <= now


def _holders(owned: Sequence[Ownership]) -> list[Holder]:
    roles: dict[str, list[str]] = {}
    for one in owned:
        roles.setdefault(str(one.user or one.team), []).append(label(one.role))
    return [Holder(who=who, roles=", ".join(held)) for who, held in roles.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One thing that a team owns. No asset: it was assigned before any event named it."""

    ownership: Ownership
    role: str
    asset: Asset | None


def with_assets(found: Page) -> Page:
    """The page of ownerships with the asset of each. One query."""
    assets = {asset.uuid: asset for asset in Asset.objects.filter(uuid__in=[one.asset for one in found.rows])}
    return replace(
        found,
        rows=[Owned(ownership=one, role=label(one.role), asset=assets.get(one.asset)) for one in found.rows],
    )
