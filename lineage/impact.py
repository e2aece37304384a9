"""What a change of an asset touches: everything downstream of it, who owns that, and which models and deployments.

Set-based: one walk that carries ids only, then a few reads of all the rows it found.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from governance import database
from governance import selectors as governance_selectors
from governance.models import OwnerRole
from governance.selectors import OwnerName
from lineage import impactoffields, traversal
from lineage.asof import NOW, Moment
from lineage.identity import Kind
from lineage.models import Asset
from lineage.traversal import Direction

MAX_ASSETS = 50_000
# Spreadsheets take a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One asset downstream. Of the change of a field: which fields are made of it, and whether it is only assumed to be
    touched, since nobody said which of its fields are."""

    id: int
    uuid: UUID
    kind: str
    namespace: str
    name: str
    owners: Sequence[OwnerName]
    fields: tuple[str, ...] = ()
    is_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedModel:
    """A model that a deployment reads, the changed asset itself included. `version`: the newest it said it reads."""

    model: UUID
    name: str
    deployment: UUID
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentUse:
    """How much a deployment was at work in the days asked for."""

    deployment: UUID
    name: str
    runs: int
    last_run_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """`is_truncated`: there are more assets than `limit`, and every figure is of those that are listed."""

    asset: Asset
    field: str
    moment: Moment
    days: int
    limit: int
    assets: list[Touched]
    is_truncated: bool
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    deployed: list[DeployedModel]
    deployments: list[DeploymentUse]


def of(*, asset: Asset, field: str = "", days: int = 30, limit: int = 10_000, moment: Moment = NOW) -> Impact:
    """Everything downstream of the asset, or of one of its fields, by the map: by kind, namespace and name.

    Raises NotFound for a field that the asset does not have.
    """
    if field:
        reach = impactoffields.of(asset=asset, field=field, limit=limit, moment=moment)
        ids, is_truncated = reach.ids, reach.is_truncated
    else:
        reach = None
        ids, is_truncated = traversal.closure(root=asset.pk, direction=Direction.DOWNSTREAM, limit=limit, moment=moment)
    rows = _rows(
        "SELECT id, uuid, kind, namespace, name FROM lineage_asset WHERE id = ANY(%(ids)s) AND kind <> %(name)s",
        moment,
        # What is only another name is touched with the asset whose name it is, and has no owner of its own.
        {"ids": database.array(ids), "name": Kind.NAME},
    )
    owners = governance_selectors.owner_names_of([row[1] for row in rows], moment.as_of, moment.known_at)
    touched = [
        Touched(
            id=row[0],
            uuid=row[1],
            kind=row[2],
            namespace=row[3],
            name=row[4],
            owners=owners[row[1]],
            fields=reach.fields.get(row[0], ()) if reach else (),
            is_assumed=row[0] in reach.assumed if reach else False,
        )
        for row in rows
    ]
    touched.sort(key=lambda found: (found.kind, found.namespace, found.name))
    deployments = [found for found in touched if found.kind == Kind.DEPLOYMENT]
    models = [found.id for found in touched if found.kind == Kind.MODEL]
    return Impact(
        asset=asset,
        field=field,
        moment=moment,
        days=days,
        limit=limit,
        assets=touched,
        is_truncated=is_truncated,
        kinds=dict(Counter(found.kind for found in touched)),
        teams=dict(Counter(team for found in touched for team in {owner.team for owner in found.owners}).most_common()),
        without_owner=sum(not found.owners for found in touched),
        deployed=_deployed([*models, asset.pk] if asset.kind == Kind.MODEL else models, deployments, moment),
        deployments=_uses(deployments, days, moment),
    )


def _deployed(models: list[int], deployments: Sequence[Touched], moment: Moment) -> list[DeployedModel]:
    """Which of the deployments read which of the models."""
    rows = _rows(
        f"""
        SELECT model.uuid, model.name, job.uuid, (
            SELECT v.key FROM lineage_run r
            JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'input' AND io.asset_id = model.id
            JOIN lineage_assetversion v ON v.id = io.version_id
            WHERE r.job_id = job.id AND {moment.stands("io", "first_seen_at")}
            ORDER BY r.last_event_at DESC, io.first_seen_at DESC, v.key DESC LIMIT 1)
        FROM (SELECT DISTINCT source_id, target_id FROM {moment.edges()} AS e
              WHERE source_id = ANY(%(models)s) AND target_id = ANY(%(deployments)s)) AS edge
        JOIN lineage_asset model ON model.id = edge.source_id
        JOIN lineage_asset job ON job.id = edge.target_id
        ORDER BY model.name, job.name, model.uuid, job.uuid
        """,
        moment,
        {"models": models, "deployments": [found.id for found in deployments]},
    )
    return [DeployedModel(model=row[0], name=row[1], deployment=row[2], version=row[3]) for row in rows]


def _uses(deployments: Sequence[Touched], days: int, moment: Moment) -> list[DeploymentUse]:
    until = moment.as_of or timezone.now()
    rows = _rows(
        """
        SELECT job.id, count(r.uuid), CASE WHEN count(r.uuid) > 0 THEN LEAST(max(r.last_event_at), %(until)s) END
        FROM unnest(%(jobs)s::bigint[]) AS job (id)
        LEFT JOIN lineage_run r ON r.job_id = job.id AND r.first_event_at <= %(until)s
         -- A service may run for months without a word.
         AND (r.last_event_at >= %(since)s OR r.state = 'running')
        GROUP BY job.id
        """,
        moment,
        {"jobs": [found.id for found in deployments], "until": until, "since": until - timedelta(days=days)},
    )
    runs = {row[0]: row[1:] for row in rows}
    return [
        DeploymentUse(deployment=found.uuid, name=found.name, runs=runs[found.id][0], last_run_at=runs[found.id][1])
        for found in deployments
    ]


def as_csv(found: Impact) -> str:
    """One line for each asset, its owner in each role, and for a model what it is deployed as."""
    deployed: dict[UUID, list[str]] = {}
    names = {use.deployment: use.name for use in found.deployments}
    for row in found.deployed:
        version = f" (version {row.version})" if row.version else ""
        deployed.setdefault(row.model, []).append(names[row.deployment] + version)
    text = io.StringIO()
    lines = csv.writer(text)
    roles = [role.value for role in OwnerRole]
    lines.writerow(["kind", "namespace", "name", "id", *roles, "deployed_as", "fields", "assumed"])
    for asset in found.assets:
        owners = {owner.role: str(owner) for owner in asset.owners}
        lines.writerow(
            _cells(
                [asset.kind, asset.namespace, asset.name, str(asset.uuid)]
                + [owners.get(role, "") for role in roles]
                + ["; ".join(deployed.get(asset.uuid, ())), "; ".join(asset.fields), "yes" if asset.is_assumed else ""]
            )
        )
    if found.is_truncated:
        lines.writerow(["(truncated)", "", f"There are more than {found.limit} assets downstream."])
    return text.getvalue()


def _cells(values: Iterable[str]) -> list[str]:
    return [f"'{value}" if value.startswith(FORMULA_STARTS) else value for value in values]


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
