"""Fills a database with a made-up organisation for `bench.maturity`, inside the service's own environment.

    python -m bench.organisation --teams 20 --models 2 --versions 4 --runs 50

The history is that of `seed_organisation`, through the event log, and daily runs of data pipelines beside it until
each model has so many runs; those are put straight into the tables (`bench.refreshes`). People are left out: teams and
owners are rows, as nobody looks at how they came.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from django.db import connection  # noqa: E402 - needs the settings
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange  # noqa: E402
from django.utils import timezone  # noqa: E402

from assessments.organisation import practice  # noqa: E402
from assessments.organisation.history import REGISTRY, Teller  # noqa: E402
from assessments.organisation.practice import HISTORY_DAYS, Draws, MadeUpModel  # noqa: E402
from bench import refreshes  # noqa: E402
from bench.refreshes import Feeding  # noqa: E402
from governance.models import OwnerRole, Ownership, Team, User  # noqa: E402
from lineage import identity, intake, projection  # noqa: E402
from lineage.bodies import Piece  # noqa: E402
from lineage.identity import Family  # noqa: E402

SEED = 7
CHUNK = 5_000


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("teams", "models", "versions", "runs"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    until = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    made = [list(_models(number, asked.models, asked.versions)) for number in range(asked.teams)]
    sender, _ = User.objects.get_or_create(username="bench-pipeline", defaults={"is_service": True})
    teams = Team.objects.bulk_create(Team(slug=models[0].team.slug, name=models[0].team.name) for models in made)
    since = DateTimeTZRange(until - timedelta(days=HISTORY_DAYS + 30), None, "[)")
    Ownership.objects.bulk_create(
        [
            Ownership(asset=_asset(model), role=OwnerRole.TECHNICAL_OWNER.value, team=team, period=since)
            for team, models in zip(teams, made, strict=True)
            for model in models
        ],
        batch_size=2_000,
    )
    told: dict[str, int] = {}
    pieces = (Piece(line, 0) for models in made for model in models for line in _lines(model, until, told))
    while chunk := list(islice(pieces, CHUNK)):
        for outcomes in intake.take(chunk, sender=sender, now=timezone.now()):
            assert not any(outcome.error for outcome in outcomes), "generated events are sound"
        while projection.project(limit=CHUNK):
            pass
    connection.ensure_connection()
    refreshes.write(
        connection.connection,
        [Feeding(model=model, runs=max(0, asked.runs - told[model.name])) for models in made for model in models],
        until=until,
        producer=f"urn:assay:generated:{SEED}",
        sender=sender.pk,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _models(number: int, count: int, versions: int) -> Iterator[MadeUpModel]:
    draws = Draws(SEED)
    owner = replace(practice.team(draws, number), models=count, silent_days=0)
    for model in practice.models(draws, owner):
        yield replace(model, every_days=HISTORY_DAYS // (versions + 1), has_owner=True)


def _lines(model: MadeUpModel, until: datetime, told: dict[str, int]) -> Iterator[bytes]:
    """The events of a model's life; how many runs they were is written down in `told`."""
    runs = set()
    for event in Teller(Draws(SEED), model, until).events():
        runs.add(event["run"]["runId"])
        yield json.dumps(event).encode()
    told[model.name] = len(runs)


def _asset(model: MadeUpModel) -> UUID:
    return identity.asset(Family.DATASET, REGISTRY, model.name)


if __name__ == "__main__":
    main()
