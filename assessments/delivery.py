"""How changes of models reach production: kept beside maturity, never inside it.

Lead time, release frequency, change fail rate, time to recover and rework stand next to a level and never change one:
counting releases inside it would invite empty ones. They are counted and kept whenever snapshots are taken.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from assessments.measures import counting, deliveries
from assessments.measures.deliveries import Deliveries, Delivery, Frequency, Release, Whose
from assessments.models import DeliveryRecord
from governance.models import Team

Document = dict[str, Any]


def keep(*, counted: Deliveries, as_of: datetime) -> None:
    """Keep what was counted for a time, once: what is there stays."""
    rows = [DeliveryRecord(as_of=as_of, team=None, is_whole=True, document=document(counted.whole))]
    rows += [
        DeliveryRecord(as_of=as_of, team_id=team, is_whole=False, document=document(one))
        for team, one in counted.teams.items()
    ]
    DeliveryRecord.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)


def document(said: Delivery) -> Document:
    """As kept, and as the API gives it: counts, shares, and each spread with its quarters."""
    return asdict(said) | {
        "change_fail_rate": said.change_fail_rate,
        "rework_rate": said.rework_rate,
        "window_days": deliveries.WINDOW.days,
    }


def of_all(*, as_of: datetime | None = None) -> Document | None:
    """Of everything together, as kept last until that time; None before the first snapshot."""
    newest = _newest(as_of).filter(is_whole=True).first()
    return None if newest is None else newest.document


def of_team(team: Team | None, *, as_of: datetime | None = None) -> Document | None:
    """Of a team (None: what nobody owns), as kept last until that time; None for one without models in production."""
    return of_teams(as_of=as_of).get(team.pk if team else None)


def of_teams(*, as_of: datetime | None = None) -> Mapping[int | None, Document]:
    """Of every team with models in production, by its key, as kept last until that time."""
    return dict(_newest(as_of).filter(is_whole=False).values_list("team_id", "document"))


def newest_at(as_of: datetime | None) -> datetime | None:
    """Of when the numbers are that were kept last until that time; None before the first."""
    return _newest(as_of).values_list("as_of", flat=True).first()


def releases(
    *, as_of: datetime, of: Whose, part: str = "releases", after: int = 0, limit: int
) -> tuple[int, list[Release]]:
    """The releases behind a number, from all that is known now: how many, and some of them from the `after`-th on.

    `part` is one of `deliveries.PARTS`. Makes the populations on the way: seconds where there are very many runs.
    """
    with counting.population_tables(as_of, of=f"{deliveries.FAILED.text} {deliveries.LISTED}") as cursor:
        return deliveries.releases(cursor, as_of=as_of, of=of, part=part, after=after, limit=limit)


def frequencies(*, as_of: datetime, of: Whose, after: int = 0, limit: int) -> tuple[int, list[Frequency]]:
    """How often each model in production is released: how many models, and some of them from the `after`-th on."""
    with counting.population_tables(as_of, of=deliveries.FREQUENCIES) as cursor:
        return deliveries.frequencies(cursor, as_of=as_of, of=of, after=after, limit=limit)


def _newest(as_of: datetime | None) -> QuerySet[DeliveryRecord]:
    """The records of the newest time until then."""
    kept = DeliveryRecord.objects.filter(is_whole=True)
    until = kept.filter(as_of__lte=as_of) if as_of is not None else kept
    return DeliveryRecord.objects.filter(as_of__in=until.order_by("-as_of").values("as_of")[:1])
