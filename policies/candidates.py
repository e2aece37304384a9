"""What the selectors of policies see of a promotion: who owns the model, how critical it is, how it is tagged."""

from datetime import datetime
from uuid import UUID

from governance import selectors as governance_selectors
from lineage import selectors as lineage_selectors
from lineage import tags
from lineage.asof import NOW, Moment
from policies.selection import Candidate


def candidate(*, model: UUID, namespace: str, name: str, stage: str, at: datetime | None = None) -> Candidate:
    """As it stands now, or stood at an instant. A tag counts as its key, and as key=value where it has a value."""
    classified = governance_selectors.classification(model, at)
    asset = lineage_selectors.asset(model)
    moment = NOW if at is None else Moment(as_of=at)
    given = [tag for tag in tags.of([(asset.pk, model)], moment=moment).get(asset.pk, []) if not tag.field]
    return Candidate(
        stage=stage,
        namespace=namespace,
        model=name,
        teams=frozenset(owner.team.slug for owner in governance_selectors.owners(model, at)),
        tier=classified.tier if classified else "",
        tags=frozenset(tag.key for tag in given) | {f"{tag.key}={tag.value}" for tag in given if tag.value},
        data_classes=frozenset(classified.data_classes) if classified else frozenset(),
    )
