"""Fills a database with a made-up organisation for `bench.maturity`, inside the service's own environment.

    python -m bench.organisation --teams 20 --models 2 --versions 4 --runs 50

The history is that of `seed_organisation`, through the event log, and daily runs of data pipelines beside it until each
model has so many runs. People are left out: teams and owners are rows, as nobody looks at how they came.
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
from assessments.organisation.history import LAKE, REGISTRY, Teller  # noqa: E402
from assessments.organisation.practice import HISTORY_DAYS, Draws, MadeUpModel  # noqa: E402
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
    lines = (line for models in made for model in models for line in _lines(model, until, asked.runs))
    while chunk := list(islice(lines, CHUNK)):
        for outcomes in intake.take([Piece(line, 0) for line in chunk], sender=sender, now=timezone.now()):
            assert not any(outcome.error for outcome in outcomes), "generated events are sound"
        while projection.project(limit=CHUNK):
            pass
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _models(number: int, count: int, versions: int) -> Iterator[MadeUpModel]:
    draws = Draws(SEED)
    owner = replace(practice.team(draws, number), models=count, silent_days=0)
    for model in practice.models(draws, owner):
        yield replace(model, every_days=HISTORY_DAYS // (versions + 1), has_owner=True)


def _lines(model: MadeUpModel, until: datetime, runs: int) -> Iterator[bytes]:
    teller = Teller(Draws(SEED), model, until)
    told = set()
    for event in teller.events():
        told.add(event["run"]["runId"])
        yield json.dumps(event).encode()
    # The rest are runs of the pipelines that feed the model.
    for number in range(max(0, runs - len(told))):
        at = until - timedelta(days=HISTORY_DAYS * (number + 1) / (runs + 1))
        facets = {"version": {"datasetVersion": f"{at:%Y%m%d%H%M}"}}
        refreshed = {
            "producer": f"urn:assay:generated:{SEED}",
            "eventType": "COMPLETE",
            "eventTime": at.isoformat(),
            "run": {"runId": f"refresh {model.name} {number}"},
            "job": {"namespace": model.team.slug, "name": f"refresh.{model.name}"},
            "inputs": [{"namespace": LAKE, "name": f"{model.team.slug}/events"}],
            "outputs": [{"namespace": LAKE, "name": f"{model.name}/refreshed", "facets": facets}],
        }
        yield json.dumps(refreshed).encode()


def _asset(model: MadeUpModel) -> UUID:
    return identity.asset(Family.DATASET, REGISTRY, model.name)


if __name__ == "__main__":
    main()
