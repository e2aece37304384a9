"""What was measured of a model version, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Subquery

from governance.errors import NotFound
from lineage import selectors
from lineage.asof import NOW, Moment
from lineage.models import Asset, AssetVersion, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest value of each metric and segment of one version."""

    version: AssetVersion
    is_newest: bool
    rows: Sequence[Observation]


def version(uuid: UUID, moment: Moment = NOW) -> AssetVersion:
    """Raises NotFound, also for one that was not known then."""
    found = AssetVersion.objects.select_related("asset").filter(uuid=uuid).first()
    if found is None:
        raise NotFound(f"There is no version {uuid}.", fields={"version": "Unknown."})
    if not moment.is_now:
        # Raises NotFound.
        selectors.spot(found.asset, version=found.key, moment=moment)
    return found


def newest(asset: Asset) -> Measured | None:
    """Of the version that was named last; None when there is none yet. One query where anything was measured."""
    versions = asset.versions.select_related("asset").order_by("-seen_at", "-id")
    rows = selectors.observations().filter(version=Subquery(versions.values("pk")[:1])).select_related("version__asset")
    measured = list(rows.distinct("metric", "segment"))
    version = measured[0].version if measured else versions.first()
    return Measured(version=version, is_newest=True, rows=measured) if version else None


def newest_at(asset: Asset, moment: Moment) -> Measured | None:
    """The same of another moment; None when no version had been named by then."""
    named = next((one for one in selectors.versions(asset, moment=moment) if one.uuid), None)
    if named is None or named.uuid is None:
        return None
    return replace(of(version(named.uuid), moment), is_newest=True)


def of(version: AssetVersion, moment: Moment = NOW) -> Measured:
    rows = selectors.observations(moment).filter(version=version).distinct("metric", "segment")
    return Measured(version=version, is_newest=False, rows=list(rows))
