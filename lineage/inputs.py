"""Which version a run read: the one its sender pinned, else the one that was valid when the run began.

Decision 0005 says why that is resolved on every read. A version that the run itself wrote is never its own input. What
was read by one name may have been written by another (see `lineage.naming`): then that one's version stands in.
"""

from lineage.asof import Moment

BEGUN = "COALESCE(r.started_at, r.first_event_at)"


def resolved(moment: Moment) -> str:
    """A FROM item: run_id, named_id, asset_id, version_id, writer, is_pinned, begun, first_seen_at.

    A version that nobody named is told by its `writer`, the run that left it. Neither: no version is known. `named_id`
    is the asset by the name that the run gave, `asset_id` that of the version.
    """
    return f"""(
        SELECT io.run_id, io.asset_id AS named_id, COALESCE(inferred.asset_id, io.asset_id) AS asset_id,
               COALESCE(io.version_id, inferred.version_id) AS version_id,
               inferred.writer, io.version_id IS NOT NULL AS is_pinned, {BEGUN} AS begun, io.first_seen_at
        FROM lineage_runio io
        JOIN lineage_run r ON r.uuid = io.run_id
        LEFT JOIN LATERAL (
            SELECT candidate.* FROM {same("io.asset_id", moment)} AS same CROSS JOIN LATERAL (
                (SELECT v.id AS version_id, NULL::uuid AS writer, {moment.version_time()} AS at, v.key, v.asset_id
                 FROM lineage_assetversion v
                 WHERE v.asset_id = same.id AND {moment.stands("v", "seen_at")}
                   AND {moment.version_time()} <= {BEGUN}
                   AND NOT EXISTS (
                       SELECT FROM lineage_runio own
                       WHERE own.run_id = io.run_id AND own.direction = 'output' AND own.asset_id = v.asset_id
                         AND own.version_id = v.id AND own.first_seen_at <= v.produced_at)
                 ORDER BY at DESC, key DESC LIMIT 1)
                UNION ALL
                (SELECT NULL, o.run_id, {moment.began("o", "first_seen_at")}, 'run:' || o.run_id, o.asset_id
                 FROM lineage_runio o
                 WHERE o.asset_id = same.id AND o.run_id <> io.run_id AND {unnamed_output("o", moment)}
                   AND {moment.began("o", "first_seen_at")} <= {BEGUN}
                 ORDER BY 3 DESC, o.run_id DESC LIMIT 1)
            ) AS candidate ORDER BY at DESC, key DESC LIMIT 1
        ) AS inferred ON io.version_id IS NULL
        WHERE io.direction = 'input' AND {moment.stands("io", "first_seen_at")}
          AND (io.version_id IS NOT NULL OR {not_pinned_elsewhere("io", moment)}))"""


def same(asset: str, moment: Moment) -> str:
    """A FROM item: the `id` of an asset (a column of an item before it) and those of the same by other names.

    As an array, since the planner knows that one is short, and not that few assets have other names.
    """
    return f"""LATERAL (
        WITH RECURSIVE one (id) AS (
            SELECT {asset} UNION
            SELECT other.id FROM one CROSS JOIN LATERAL (
                SELECT e.source_id AS id FROM {moment.edges()} AS e
                WHERE e.target_id = one.id AND e.relation IN ('alias', 'alias_of')
                OFFSET 0  -- Look the few edges of each up; a join would read all edges once for every input.
            ) AS other
        ) SELECT unnest(ARRAY(SELECT id FROM one)) AS id)"""


def alike(row: str, moment: Moment) -> str:
    """A FROM item: `id` and `asset_id` of a version (a row before it) and of those of its key by other names."""
    return f"""LATERAL (
        SELECT {row}.id, {row}.asset_id
        UNION ALL
        SELECT v.id, v.asset_id FROM {same(f"{row}.asset_id", moment)} AS same CROSS JOIN LATERAL (
            SELECT id, asset_id FROM lineage_assetversion WHERE asset_id = same.id AND key = {row}.key OFFSET 0
        ) AS v WHERE same.id <> {row}.asset_id)"""


def unnamed_output(row: str, moment: Moment) -> str:
    """A condition: the row of inputs and outputs is an output to which its run gave no version."""
    return (
        f"{row}.direction = 'output' AND {row}.version_id IS NULL AND {moment.stands(row, 'first_seen_at')} "
        f"AND {not_pinned_elsewhere(row, moment)}"
    )


def not_pinned_elsewhere(row: str, moment: Moment) -> str:
    """A condition: no other event of the run said which version of the asset it read or wrote."""
    return f"""NOT EXISTS (
        SELECT FROM lineage_runio pinned
        WHERE pinned.run_id = {row}.run_id AND pinned.direction = {row}.direction AND pinned.asset_id = {row}.asset_id
          AND pinned.version_id IS NOT NULL AND {moment.stands("pinned", "first_seen_at")})"""
