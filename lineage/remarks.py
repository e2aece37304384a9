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
    """One facet as it was said. `run` is the run that said it, None for an event about the dataset itself.

    Contradicted: of another name of the same thing something else was said at the same instant.
    """

    key: str
    body: dict[str, Any]
    said_at: datetime
    run: UUID | None
    scope: Scope
    is_contradicted: bool = False


# The asset by all of its names, and the version by those that it is known by.
_BY_ANY_NAME = f"""
    WITH said AS MATERIALIZED (SELECT id, asset_id, key FROM lineage_assetversion WHERE uuid = %(version)s),
    name AS MATERIALIZED (SELECT same.id FROM said CROSS JOIN {inputs.same("said.asset_id", NOW)} AS same),
    v AS MATERIALIZED (
        SELECT id, asset_id FROM said
        UNION ALL
        SELECT v.id, v.asset_id FROM said JOIN name ON name.id <> said.asset_id CROSS JOIN LATERAL (
            SELECT id, asset_id FROM lineage_assetversion WHERE asset_id = name.id AND key = said.key OFFSET 0
        ) AS v
    )"""
_OF_VERSION = f"""
    {_BY_ANY_NAME}
    SELECT r.key, r.body::text, r.said_at, r.run, scope, name FROM (
        SELECT r.*, 'version' AS scope, v.asset_id AS name FROM v JOIN lineage_remark r ON r.version_id = v.id
        UNION ALL
        SELECT r.*, 'asset', name.id FROM name JOIN lineage_remark r ON r.asset_id = name.id WHERE r.version_id IS NULL
        UNION ALL
        -- What a run says of itself it says of what it read or wrote.
        SELECT r.*, 'version', v.asset_id FROM v JOIN lineage_runio io ON io.version_id = v.id
        JOIN lineage_remark r ON r.run = io.run_id AND r.asset_id IS NULL
        WHERE NOT %(of_testers)s OR io.direction = 'input' AND NOT EXISTS (
            SELECT FROM lineage_runio written WHERE written.run_id = io.run_id AND written.direction = 'output')
    ) AS r WHERE r.key = ANY(%(keys)s)
    ORDER BY r.said_at DESC, r.digest DESC, r.key LIMIT %(most)s
"""
_INFERRED = f"""
    {_BY_ANY_NAME},
    -- Only runs that say something are worth finding out what they read.
    spoken AS MATERIALIZED (
        SELECT DISTINCT r.*, io.asset_id AS named_id FROM name
        JOIN lineage_runio io ON io.asset_id = name.id AND io.direction = 'input' AND io.version_id IS NULL
        JOIN lineage_remark r ON r.run = io.run_id AND r.key = ANY(%(keys)s)
             AND (r.asset_id IS NULL OR r.asset_id = io.asset_id AND r.version_id IS NULL)
        WHERE r.asset_id IS NOT NULL OR NOT %(of_testers)s OR NOT EXISTS (
            SELECT FROM lineage_runio written WHERE written.run_id = io.run_id AND written.direction = 'output')
    )
    SELECT spoken.key, spoken.body::text, spoken.said_at, spoken.run, 'inferred', spoken.named_id
    FROM spoken
    JOIN {inputs.resolved(NOW)} AS input ON input.run_id = spoken.run AND input.named_id = spoken.named_id
         AND NOT input.is_pinned
    JOIN v ON v.id = input.version_id AND v.asset_id = input.asset_id
    ORDER BY spoken.said_at DESC, spoken.digest DESC, spoken.key LIMIT %(most)s
"""


def of_version(
    version: UUID, keys: Sequence[str], *, of_testers: bool = False, with_inferred: bool = False
) -> list[Remark]:
    """What was said of the version, of its asset without naming a version, and of the runs that read or wrote it.

    By whichever name: of what has several, each is looked up. Said of two names in one event, it is told once.
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
        SELECT key, body::text, said_at, run, 'version', NULL FROM lineage_remark
        WHERE run = ANY(%(runs)s) AND asset_id IS NULL AND key = ANY(%(keys)s) ORDER BY said_at DESC, digest DESC, key
    """
    return _read(sql, {"runs": list(runs), "keys": list(keys)})


def _read(sql: str, parameters: dict[str, Any]) -> list[Remark]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    said: dict[tuple[str, str, datetime, UUID | None, str], set[int]] = {}
    at_once: dict[tuple[str, datetime, str], tuple[set[str], set[int]]] = {}
    for key, text, said_at, run, scope, name in rows:
        said.setdefault((key, text, said_at, run, scope), set()).add(name)
        texts, names = at_once.setdefault((key, said_at, scope), (set(), set()))
        texts.add(text)
        names.add(name)
    contradicted = {place for place, (texts, names) in at_once.items() if len(texts) > 1 and len(names) > 1}
    return [
        Remark(
            key=key,
            body=body,
            said_at=said_at,
            run=run,
            scope=Scope(scope),
            is_contradicted=(key, said_at, scope) in contradicted,
        )
        for key, text, said_at, run, scope in said
        if isinstance(body := json.loads(text), dict) and body.get("_deleted") is not True
    ]


def of_dataset(asset: UUID, keys: Sequence[str], *, limit: int = 20) -> list[Remark]:
    """What was said of any version of the dataset by any of its names, or of it as a whole."""
    sql = f"""
        SELECT r.key, r.body::text, r.said_at, r.run,
               CASE WHEN r.version_id IS NULL THEN 'asset' ELSE 'version' END, r.asset_id
        FROM lineage_asset a CROSS JOIN {inputs.same("a.id", NOW)} AS same
        JOIN lineage_remark r ON r.asset_id = same.id
        WHERE a.uuid = %(asset)s AND r.key = ANY(%(keys)s)
        ORDER BY r.said_at DESC, r.digest DESC, r.key LIMIT %(limit)s
    """
    return _read(sql, {"asset": asset, "keys": list(keys), "limit": limit})
