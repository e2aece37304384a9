"""How far the change of one field reaches: along what is said of fields, and wherever nothing is said, to everything.

Unknown is never a no: what reads a touched asset and says nothing of fields is assumed to be touched, with all that
lies behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from governance.errors import NotFound
from lineage import fieldgraph, traversal
from lineage.asof import Moment
from lineage.fieldgraph import Column
from lineage.models import Asset
from lineage.traversal import Direction

# Of the fields that are made of the one, so many are followed.
MOST_FIELDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Ids of what is touched; by asset the names of its fields that are made of the one; what is only assumed to be."""

    ids: list[int]
    fields: Mapping[int, tuple[str, ...]]
    assumed: frozenset[int]
    is_truncated: bool


def of(*, asset: Asset, field: str, limit: int, moment: Moment) -> Reach:
    """Raises NotFound for a field that the asset does not have."""
    if field not in fieldgraph.names(asset):  # On any day: before it was there, its change touches nothing.
        raise NotFound(f"{asset} has no field {field}.", fields={"field": "Unknown."})
    # What is said of what a field is part of, or of all of the asset, concerns the field too.
    found, is_whole = fieldgraph.downstream(fieldgraph.within(asset, field, moment), most=MOST_FIELDS, moment=moment)
    made = {column.asset for column in found}
    known = made | _jobs(list(found), moment)
    assumed, is_cut = traversal.reached(
        roots=_silent(list(made), moment), direction=Direction.DOWNSTREAM, limit=limit, moment=moment
    )
    ids = sorted((known | set(assumed)) - {asset.pk})
    return Reach(
        ids=ids[:limit],
        fields=_by_asset(found),
        assumed=frozenset(assumed) - known,
        is_truncated=is_cut or not is_whole or len(ids) > limit,
    )


def _by_asset(found: Mapping[Column, int]) -> dict[int, tuple[str, ...]]:
    names: dict[int, list[str]] = {}
    for column in sorted(found):
        names.setdefault(column.asset, []).append(column.field or "(all)")
    return {asset: tuple(fields) for asset, fields in names.items()}


def _jobs(columns: list[Column], moment: Moment) -> set[int]:
    """The jobs that make other fields of these."""
    return {flow.job for flow in fieldgraph.fed(columns, moment) if flow.job is not None}


def _silent(assets: list[int], moment: Moment) -> list[int]:
    """What reads these assets and says nothing of fields: jobs, what a job writes of which it says nothing, and what an
    asset feeds without a job."""
    rows = _rows(
        f"""
        WITH read AS MATERIALIZED (
            SELECT e.target_id AS reader, a.family FROM {moment.edges()} AS e JOIN lineage_asset a ON a.id = e.target_id
            WHERE e.source_id = ANY(%(assets)s) AND e.relation IN ('consumed', 'feeds')
        ), said AS MATERIALIZED (
            SELECT m.job_id, m.target_id FROM lineage_fieldmapping m
            WHERE (m.job_id IN (SELECT reader FROM read) OR m.target_id IN (SELECT reader FROM read))
              AND {moment.stands("m", "first_seen_at")}
        )
        SELECT reader FROM read
        WHERE reader NOT IN (SELECT job_id FROM said WHERE job_id IS NOT NULL)
          AND (family = 'job' OR reader NOT IN (SELECT target_id FROM said))
        UNION
        SELECT e.target_id FROM {moment.edges()} AS e
        WHERE e.source_id IN (SELECT reader FROM read WHERE family = 'job') AND e.relation = 'produced'
          AND (e.source_id, e.target_id) NOT IN (SELECT job_id, target_id FROM said WHERE job_id IS NOT NULL)
        """,
        moment,
        {"assets": assets},
    )
    return [row[0] for row in rows]


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
