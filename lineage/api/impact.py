"""What a change of an asset touches, over HTTP and as a table."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from governance import openapi, rest
from lineage import impact, selectors
from lineage.api.documents import AssetOut, OnADay, OwnerOut, ReadView, asset_out, of_today, owner_out
from lineage.impact import Impact


class ImpactQuery(OnADay, frozen=True, kw_only=True):
    """How many days back use is counted, how many assets are listed at most. `field`: the change is of that alone."""

    field: str = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 30
    limit: Annotated[int, msgspec.Meta(ge=1, le=impact.MAX_ASSETS)] = 10_000


class TouchedOut(rest.Body, frozen=True, kw_only=True):
    """An asset downstream, with its owners on the day asked for.

    Of the change of a field: `fields` are made of it. `assumed`: it reads what is touched, or comes of that, and nobody
    said of which fields.
    """

    id: UUID
    kind: str
    namespace: str
    name: str
    owners: list[OwnerOut]
    fields: tuple[str, ...]
    assumed: bool


class DeployedModelOut(rest.Body, frozen=True, kw_only=True):
    """A model that a deployment reads; `version` is the newest it said it reads, null when it never said."""

    model: UUID
    name: str
    deployment: UUID
    version: str | None


class DeploymentUseOut(rest.Body, frozen=True, kw_only=True):
    """A deployment downstream, with its runs of the days asked for, those still running included."""

    id: UUID
    name: str
    runs: int
    last_run_at: datetime | None


class ImpactOut(rest.Body, frozen=True, kw_only=True):
    """All that lies downstream of an asset, by kind, namespace and name.

    `truncated`: there are more than `limit` assets, and every figure is of the listed ones. `decisions` is how many
    decisions the deployments made in these days; null because nobody tells us yet. `of_today`: the fields that are not
    of the day asked for.
    """

    asset: AssetOut
    field: str | None
    as_of: datetime | None
    known_at: datetime | None
    days: int
    limit: int
    truncated: bool
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    models_deployed: list[DeployedModelOut]
    deployments: list[DeploymentUseOut]
    decisions: int | None
    assets: list[TouchedOut]
    of_today: list[str]


def _impact(found: Impact) -> ImpactOut:
    return ImpactOut(
        asset=asset_out(found.asset),
        field=found.field or None,
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        days=found.days,
        limit=found.limit,
        truncated=found.is_truncated,
        kinds=found.kinds,
        teams=found.teams,
        without_owner=found.without_owner,
        models_deployed=[
            DeployedModelOut(model=row.model, name=row.name, deployment=row.deployment, version=row.version)
            for row in found.deployed
        ],
        deployments=[
            DeploymentUseOut(id=row.deployment, name=row.name, runs=row.runs, last_run_at=row.last_run_at)
            for row in found.deployments
        ],
        decisions=None,
        assets=[
            TouchedOut(
                id=row.uuid,
                kind=row.kind,
                namespace=row.namespace,
                name=row.name,
                owners=[owner_out(owner) for owner in row.owners],
                fields=row.fields,
                assumed=row.is_assumed,
            )
            for row in found.assets
        ],
        of_today=of_today(found.moment, ["asset", "assets.kind"], ["deployments", "models_deployed.version"]),
    )


class ImpactView(ReadView):
    @extend_schema(
        operation_id="asset_impact",
        summary="What a change of an asset touches, and who owns that",
        parameters=openapi.query_parameters(ImpactQuery),
        responses={200: rest.schema_of(ImpactOut)},
    )
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        return rest.encoded(_impact(self.found(request, uuid)))

    @staticmethod
    def found(request: Request, uuid: UUID) -> Impact:
        asked = rest.query(request, ImpactQuery)
        moment = asked.moment
        return impact.of(
            asset=selectors.asset(uuid), field=asked.field, days=asked.days, limit=asked.limit, moment=moment
        )


class ImpactTableView(ImpactView):
    @extend_schema(
        operation_id="asset_impact_csv",
        summary="What a change of an asset touches, as a table",
        parameters=openapi.query_parameters(ImpactQuery),
        responses={(200, "text/csv"): {"type": "string"}},
    )
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        return HttpResponse(
            impact.as_csv(self.found(request, uuid)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="impact-{uuid}.csv"'},
        )
