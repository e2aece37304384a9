"""What the selectors of policies see of a promotion: who owns the model, how critical it is, how it is tagged."""

from collections.abc import Collection
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from governance import selectors as governance_selectors
from governance.errors import NotFound
from lineage import selectors as lineage_selectors
from lineage import tags
from lineage.asof import NOW, Moment
from policies.selection import Candidate


class Known(TypedDict):
    """Of a model, whatever the stage."""

    teams: frozenset[str]
    tier: str
    tags: frozenset[str]
    data_classes: frozenset[str]


# So many models are asked for in one question.
CHUNK = 1_000


def candidate(*, model: UUID, namespace: str, name: str, stage: str, at: datetime | None = None) -> Candidate:
    """As it stands now, or stood at an instant. Raises NotFound."""
    found = known([model], at).get(model)
    if found is None:
        raise NotFound(f"There is no asset {model}.", fields={"asset": "unknown"})
    return Candidate(stage=stage, namespace=namespace, model=name, **found)


def known(models: Collection[UUID], at: datetime | None = None) -> dict[UUID, Known]:
    """What is known of each model now, or was at an instant; one that is not in the graph is left out.

    A tag counts as its key, and as key=value where it has a value.
    """
    moment = NOW if at is None else Moment(as_of=at)
    found: dict[UUID, Known] = {}
    every = list(models)
    for start in range(0, len(every), CHUNK):
        some = every[start : start + CHUNK]
        numbers = lineage_selectors.numbers(some)
        classified = governance_selectors.classifications(some, at)
        owners = governance_selectors.owners_of(some, at)
        tagged = tags.of([(number, model) for model, number in numbers.items()], moment=moment)
        for model, number in numbers.items():
            given = [tag for tag in tagged.get(number, []) if not tag.field]
            said = classified.get(model)
            found[model] = Known(
                teams=frozenset(owner.team.slug for owner in owners[model]),
                tier=said.tier if said else "",
                tags=frozenset(tag.key for tag in given) | {f"{tag.key}={tag.value}" for tag in given if tag.value},
                data_classes=frozenset(said.data_classes if said else ()),
            )
    return found
