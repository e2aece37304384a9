"""What was measured of a model version, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.errors import NotFound
from lineage import selectors
from lineage.models import Asset, AssetVersion, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest value of each metric and segment of one version."""

    version: AssetVersion
    is_newest: bool
    rows: Sequence[Observation]


def version(uuid: UUID) -> AssetVersion:
    """Raises NotFound."""
    found = AssetVersion.objects.select_related("asset").filter(uuid=uuid).first()
    if found is None:
        raise NotFound(f"There is no version {uuid}.", fields={"version": "Unknown."})
    return found


def newest(asset: Asset) -> Measured | None:
    """Of the version that was named last; None when there is none yet."""
    version = asset.versions.select_related("asset").order_by("-seen_at", "-id").first()
    return of(version, is_newest=True) if version else None


def of(version: AssetVersion, *, is_newest: bool = False) -> Measured:
    rows = selectors.observations(version).distinct("metric", "segment")
    return Measured(version=version, is_newest=is_newest, rows=list(rows))
