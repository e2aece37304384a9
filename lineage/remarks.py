"""What facets said of versions and runs for checks to read, the newest first; a deletion takes back what was said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from lineage import inputs
from lineage.asof import NOW

# More than any version has; beyond it the oldest are left out.
MOST = 500


class Scope(StrEnum):
    """What was spoken of: the version, the asset as a whole, or the version as inferred from what a run read."""

    VERSION = "version"
    ASSET = "asset"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One facet as it was said. `run` is the run that said it, None for an event about the dataset itself."""

    key: str
    body: dict[str, Any]
    said_at: datetime
    run: UUID | None
    scope: Scope


_OF_VERSION = """
    WITH v AS (SELECT id, asset_id FROM lineage_assetversion WHERE uuid = %(version)s)
    SELECT r.key, r.body::text, r.said_at, r.run, scope FROM (
        SELECT r.*, 'version' AS scope FROM v JOIN lineage_remark r ON r.version_id = v.id
        UNION ALL
        SELECT r.*, 'asset' FROM v JOIN lineage_remark r ON r.asset_id = v.asset_id WHERE r.version_id IS NULL
        UNION ALL
        -- What a run says of itself it says of what it read or wrote.
        SELECT r.*, 'version' FROM v JOIN lineage_runio io ON io.version_id = v.id
        JOIN lineage_remark r ON r.run = io.run_id AND r.asset_id IS NULL
        WHERE NOT %(of_testers)s OR io.direction = 'input' AND NOT EXISTS (
            SELECT FROM lineage_runio written WHERE written.run_id = io.run_id AND written.direction = 'output')
    ) AS r WHERE r.key = ANY(%(keys)s)
    ORDER BY r.said_at DESC, r.digest DESC, r.key LIMIT %(most)s
"""
_INFERRED = f"""
    WITH v AS (SELECT id, asset_id FROM lineage_assetversion WHERE uuid = %(version)s),
    -- Only runs that say something are worth finding out what they read.
    said AS MATERIALIZED (
        SELECT DISTINCT r.* FROM v
        JOIN lineage_runio io ON io.asset_id = v.asset_id AND io.direction = 'input' AND io.version_id IS NULL
        JOIN lineage_remark r ON r.run = io.run_id AND r.key = ANY(%(keys)s)
             AND (r.asset_id IS NULL OR r.asset_id = v.asset_id AND r.version_id IS NULL)
        WHERE r.asset_id IS NOT NULL OR NOT %(of_testers)s OR NOT EXISTS (
            SELECT FROM lineage_runio written WHERE written.run_id = io.run_id AND written.direction = 'output')
    )
    SELECT said.key, said.body::text, said.said_at, said.run, 'inferred'
    FROM v JOIN said ON true
    JOIN {inputs.resolved(NOW)} AS input ON input.run_id = said.run
         AND input.asset_id = v.asset_id AND input.version_id = v.id AND NOT input.is_pinned
    ORDER BY said.said_at DESC, said.digest DESC, said.key LIMIT %(most)s
"""


def of_version(
    version: UUID, keys: Sequence[str], *, of_testers: bool = False, with_inferred: bool = False
) -> list[Remark]:
    """What was said of the version, of its asset without naming a version, and of the runs that read or wrote it.

    `of_testers`: of runs only those that read it and wrote nothing, as tests of data do. `with_inferred`: also by runs
    whose sender did not say which version they read, if it was this one that was valid when they began.
    """
    parameters = {"version": version, "keys": list(keys), "of_testers": of_testers, "most": MOST}
    found = _read(_OF_VERSION, parameters)
    if with_inferred:
        found = sorted([*found, *_read(_INFERRED, parameters)], key=lambda remark: remark.said_at, reverse=True)
    return found


def of_runs(runs: Sequence[UUID], keys: Sequence[str]) -> list[Remark]:
    """What the runs said of themselves."""
    sql = """
        SELECT key, body::text, said_at, run, 'version' FROM lineage_remark
        WHERE run = ANY(%(runs)s) AND asset_id IS NULL AND key = ANY(%(keys)s) ORDER BY said_at DESC, digest DESC, key
    """
    return _read(sql, {"runs": list(runs), "keys": list(keys)})


def _read(sql: str, parameters: dict[str, Any]) -> list[Remark]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    return [
        Remark(key=key, body=body, said_at=said_at, run=run, scope=Scope(scope))
        for key, text, said_at, run, scope in rows
        if isinstance(body := json.loads(text), dict) and body.get("_deleted") is not True
    ]


def of_dataset(asset: UUID, keys: Sequence[str], *, limit: int = 20) -> list[Remark]:
    """What was said of any version of the dataset, or of it as a whole."""
    sql = """
        SELECT r.key, r.body::text, r.said_at, r.run,
               CASE WHEN r.version_id IS NULL THEN 'asset' ELSE 'version' END
        FROM lineage_remark r JOIN lineage_asset a ON a.id = r.asset_id
        WHERE a.uuid = %(asset)s AND r.key = ANY(%(keys)s)
        ORDER BY r.said_at DESC, r.digest DESC, r.key LIMIT %(limit)s
    """
    return _read(sql, {"asset": asset, "keys": list(keys), "limit": limit})
