"""Facts of personal data upstream, by the tags that reach the model version along fields."""

from collections.abc import Iterable
from typing import Any

from lineage import fields, selectors, tags
from lineage.fields import Place, TagPath
from policies import remarked
from policies.checks.facts import PersonalDataFact, PersonalFact
from policies.checks.personal_data import PersonalDataParameters
from policies.models import Promotion


def gather(promotion: Promotion, parameters: PersonalDataParameters) -> dict[str, Any]:
    """Nothing when no run is known that wrote the version."""
    inputs = remarked.inputs(promotion)
    if not inputs:
        return {}
    paths = fields.tags_upstream(promotion.model, tags=parameters.tags, version=promotion.version)
    by_field: dict[tuple[Place, str], list[TagPath]] = {}
    for path in paths:
        by_field.setdefault((path.origin, path.key), []).append(path)
    assets = {asset.pk: asset for asset in (selectors.asset(one.asset) for one in inputs)}
    tagged = tags.of([(asset.pk, asset.uuid) for asset in assets.values()])
    untagged = [asset.name for asset in assets.values() if not tagged.get(asset.pk)]
    found = [_field(place, tag, ways) for (place, tag), ways in by_field.items()]
    return {"personal_data": PersonalDataFact(fields=found, untagged=sorted(untagged))}


def _field(place: Place, tag: str, ways: Iterable[TagPath]) -> PersonalFact:
    listed = list(ways)
    # The way that is least masked, then most direct, is the one to worry about.
    worst = min(listed, key=lambda way: (way.is_masked, not way.is_direct))
    return PersonalFact(
        dataset=place.name,
        field=place.field or "",
        tag=tag,
        is_masked=all(way.is_masked for way in listed),
        is_indirect=not any(way.is_direct for way in listed),
        way=str(worst),
    )
