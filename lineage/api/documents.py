"""What the answers about the graph share: the day asked for, an asset, an owner, who may read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from rest_framework.views import APIView

from governance import rest
from governance.errors import Invalid
from governance.selectors import OwnerName
from governance.tokens import Scope
from lineage.asof import Moment
from lineage.models import Asset

KindWord = Literal["dataset", "model", "job", "deployment", "repository", "name"]
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class OnADay(rest.Body, frozen=True, kw_only=True):
    """What held at `as_of` (inclusive; now when absent), going by no event received after `known_at`."""

    as_of: Instant | None = None
    known_at: Instant | None = None

    @property
    def moment(self) -> Moment:
        """Raises Invalid for a time at the ends of the calendar."""
        return Moment(as_of=instant("as_of", self.as_of), known_at=instant("known_at", self.known_at))


def of_today(moment: Moment, always: Sequence[str], known: Sequence[str] = ()) -> list[str]:
    """The fields of an answer on another day that say what is known today; those of `known` only for `known_at`."""
    if moment.is_now:
        return []
    return [*always, *(() if moment.known_at is None else known)]


def instant(name: str, given: datetime | None) -> datetime | None:
    """The time in UTC: PostgreSQL refuses offsets that Python takes. Raises Invalid, naming the parameter."""
    try:
        return given and given.astimezone(UTC)
    except OverflowError:
        says = "Not within the years 1 to 9999."
        raise Invalid(f"{name}: {says}", fields={name: says}) from None


class AssetOut(rest.Body, frozen=True, kw_only=True):
    """An asset in a list."""

    id: UUID
    kind: str
    namespace: str
    name: str
    processing: str
    first_seen_at: datetime
    last_seen_at: datetime


class OwnerOut(rest.Body, frozen=True, kw_only=True):
    """Who answers for an asset in one role: a team, and a person when one is named."""

    role: str
    team: str
    user: str | None


def asset_out(asset: Asset) -> AssetOut:
    return AssetOut(
        id=asset.uuid,
        kind=asset.kind,
        namespace=asset.namespace,
        name=asset.name,
        processing=asset.processing,
        first_seen_at=asset.first_seen_at,
        last_seen_at=asset.last_seen_at,
    )


@lru_cache(maxsize=4_096)
def owner_out(owner: OwnerName) -> OwnerOut:
    return OwnerOut(role=owner.role, team=owner.team, user=owner.user)


class ReadView(APIView):
    """A read of the graph: everyone with a token for reading may."""

    scopes = {"GET": Scope.READ}
