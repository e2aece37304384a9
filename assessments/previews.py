"""Evaluating one criterion of a team again: now, to see that a fix shows, or at a snapshot's time, to see every miss.

Nothing is stored or published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from assessments import assessing, documents, selectors
from assessments.framework import Criterion
from assessments.items import Miss, Tally
from assessments.measures import counting, definitions
from assessments.measures.counting import Scope
from assessments.measures.deliveries import Whose
from governance.errors import NotFound
from governance.models import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The result as a snapshot of this moment would store it."""

    at: datetime
    result: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Misses of one criterion with their teams, counted again as of a time from all known by now: some of `total`."""

    at: datetime
    total: int
    misses: Sequence[tuple[int | None, Miss]]


def every_miss(
    *,
    of: Whose,
    framework: str,
    criterion: str,
    as_of: datetime,
    state: str = "",
    after: int = 0,
    limit: int | None = None,
) -> Listed:
    """Misses beyond those that a snapshot keeps, from the `after`-th on. Facts that came late may make them others.

    Of one state, or of both when it is empty. Only what the criterion counts is made on the way. Raises NotFound for
    a criterion that nothing measures.
    """
    wanted = next((one for one in selectors.ladder(framework).criteria if one.id == criterion), None)
    if wanted is None or wanted.id not in definitions.MEASURES:
        raise NotFound(f"{framework} measures no criterion {criterion}.", fields={"criterion": "not measured"})
    with counting.population_tables(as_of, of=definitions.MEASURES[wanted.id].text) as cursor:
        total, found = counting.misses(cursor, wanted, of=of, as_of=as_of, state=state, after=after, limit=limit)
    return Listed(at=as_of, total=total, misses=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is measured beside an answer: the share of items of which it is so, and from when on it contradicts."""

    at: datetime
    so: int
    unknown: int
    items: int
    # Nothing was there in the window, so the newest item of a year was taken.
    reached_back: bool
    contradicts_when: str


def corroboration(*, team: Team, criterion: Criterion) -> Beside | None:
    """The measure beside an answer as of now, over 180 days; None where nothing measures it."""
    asked = criterion.attestation.corroborated_by if criterion.attestation else None
    measure = definitions.CORROBORATIONS.get(criterion.id)
    if asked is None or measure is None:
        return None
    at = timezone.now()
    with counting.population_tables(at, of=measure.text, with_heard=True) as cursor:
        tally = counting.tallies(cursor, measure, None, as_of=at).get(Scope(team.pk), Tally())
    limit = asked.contradicts_when
    return Beside(
        at=at,
        so=tally.true,
        unknown=tally.unknown,
        items=tally.items,
        reached_back=tally.reached_back,
        contradicts_when=f"{'above' if limit.op == '>' else 'below'} {100 * limit.value:g} %" if limit else "",
    )


def evaluate(*, team: Team | None, framework: str, criterion: str) -> Preview:
    """Measure one criterion again. Makes the populations of all teams on the way, so it takes seconds on large graphs.

    Raises NotFound for an unknown criterion, and for a team that is not in the graph.
    """
    ladder = selectors.ladder(framework)
    wanted = next((one for one in ladder.criteria if one.id == criterion), None)
    if wanted is None:
        raise NotFound(f"{framework} has no criterion {criterion}.", fields={"criterion": "unknown"})
    # A criterion may apply only when another one is known.
    needed = {criterion, wanted.applies_when.known if wanted.applies_when else None}
    alone = msgspec.structs.replace(ladder, criteria=tuple(one for one in ladder.criteria if one.id in needed))
    at = timezone.now()
    counted = counting.count([alone], as_of=at)
    cards = assessing.cards(alone, counted, assessing.said(at))
    card = cards.get(Scope(team.pk if team else None))
    if card is None:
        raise NotFound("There is nothing to rate for this team.", fields={"team": "unknown"})
    found = documents.results(card, is_whole=True)
    return Preview(at=at, result=next(one for one in found if one["criterion"] == criterion))
