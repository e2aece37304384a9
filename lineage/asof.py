"""The graph on another day: what held then (`as_of`), and what had been told by then (`known_at`).

Gives the SQL of what a read may see. Statements that use it take the named parameters of `Moment.parameters`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`as_of`: what held at that instant, inclusive; without it what holds now. `known_at`: going by no event that was
    received later; without it by all."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return {"as_of": self.as_of, "known_at": self.known_at}

    @property
    def is_now(self) -> bool:
        return self.as_of is None and self.known_at is None

    def edges(self) -> str:
        """A FROM item with the rows of `lineage_edge` that stand, to be given an alias."""
        if self.is_now:
            return "(SELECT * FROM lineage_edge WHERE valid_to IS NULL)"
        if self.known_at is None:
            # Two branches, since each of the partial indexes serves one.
            return """(
                SELECT * FROM lineage_edge WHERE valid_to IS NULL AND valid_from <= %(as_of)s
                UNION ALL
                SELECT * FROM lineage_edge WHERE valid_to > %(as_of)s AND valid_from <= %(as_of)s)"""
        return AS_KNOWN

    def began(self, row: str, column: str) -> str:
        """Since when the fact of a row with tellings holds, as far as it was known; null when it was not known."""
        if self.known_at is None:
            return f"{row}.{column}"
        return f"lineage_as_known({row}.{column}, {row}.known_at, {row}.also_told, %(known_at)s)"

    def stands(self, row: str, column: str) -> str:
        """A condition: the fact of a row with tellings had begun, and was known."""
        if self.is_now:
            return "true"
        if self.as_of is None:
            return f"{self.began(row, column)} IS NOT NULL"
        return f"{self.began(row, column)} <= %(as_of)s"

    def version_time(self) -> str:
        """When a row `v` of versions came to be, as far as known: when a run wrote it, else when it was first named."""
        if self.is_now:
            return "COALESCE(v.produced_at, v.seen_at)"  # The expression of the index.
        if self.known_at is None:
            return "CASE WHEN v.produced_at <= %(as_of)s THEN v.produced_at ELSE v.seen_at END"
        return f"""COALESCE((
            SELECT min({self.began("written", "first_seen_at")}) FROM lineage_runio written
            WHERE written.version_id = v.id AND written.direction = 'output'
              AND {self.stands("written", "first_seen_at")}), {self.began("v", "seen_at")})"""


NOW = Moment()

# What people said by then of the two assets of an edge `e`: a row `d` of declarations, that they are apart. Of two of
# the same time the one with the greater digest has the last word.
_APART = """
    d.job_id IN (e.source_id, e.target_id) AND d.direction = 'apart' AND d.known_at <= %(known_at)s
    AND d.assets @> to_jsonb(CASE d.job_id WHEN e.source_id THEN e.target_id ELSE e.source_id END)
    AND NOT EXISTS (
        SELECT FROM lineage_declaration later
        WHERE later.job_id = d.job_id AND later.direction = 'apart' AND later.known_at <= %(known_at)s
          AND later.event_time = d.event_time AND later.digest > d.digest)"""

# Observed edges by their tellings. What is told of names holds until people say the contrary, and again after that (see
# `lineage.declarations`). Declared edges by the newest declaration of the job that was known: the rows of
# `lineage_edge` only say which pairs to look at, since they are made of all declarations.
AS_KNOWN = f"""(
    SELECT e.id, e.source_id, e.target_id, e.relation, false AS is_declared,
           lineage_as_known(e.valid_from, e.known_at, e.also_told, %(known_at)s) AS valid_from,
           NULL::timestamptz AS valid_to, e.last_seen_at
    FROM lineage_edge e
    WHERE NOT e.is_declared AND e.relation NOT IN ('alias', 'alias_of')
      AND lineage_as_known(e.valid_from, e.known_at, e.also_told, %(known_at)s)
          <= COALESCE(%(as_of)s::timestamptz, 'infinity')
    UNION ALL
    SELECT e.id, e.source_id, e.target_id,
           CASE WHEN (told.at >= again.at) IS NOT FALSE THEN e.relation
                WHEN apart.asset = e.source_id THEN 'alias' ELSE 'alias_of' END,
           (told.at >= again.at) IS FALSE, GREATEST(told.at, again.at),
           (SELECT min(d.event_time) FROM lineage_declaration d
            WHERE {_APART} AND d.event_time > %(as_of)s::timestamptz), e.last_seen_at
    FROM lineage_edge e
    CROSS JOIN LATERAL (SELECT lineage_as_known(e.valid_from, e.known_at, e.also_told, %(known_at)s) AS at) AS told
    LEFT JOIN LATERAL (
        SELECT d.job_id AS asset, d.event_time AS at FROM lineage_declaration d
        WHERE {_APART} AND d.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')
        ORDER BY d.event_time DESC LIMIT 1
    ) AS apart ON true
    LEFT JOIN LATERAL (
        SELECT min(d.event_time) AS at FROM lineage_declaration d
        WHERE d.job_id = apart.asset AND d.direction = 'apart' AND d.known_at <= %(known_at)s
          AND d.event_time > apart.at AND d.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')
    ) AS again ON true
    WHERE NOT e.is_declared AND e.relation IN ('alias', 'alias_of')
      AND told.at <= COALESCE(%(as_of)s::timestamptz, 'infinity') AND (apart.at IS NULL OR again.at IS NOT NULL)
    UNION ALL
    SELECT e.id, e.source_id, e.target_id, e.relation, true, said.valid_from, dropped.valid_to, said.last_seen_at
    FROM lineage_edge e
    CROSS JOIN LATERAL (
        SELECT CASE WHEN e.relation IN ('consumed', 'alias_of') THEN e.target_id ELSE e.source_id END AS job,
               CASE WHEN e.relation IN ('consumed', 'alias_of') THEN e.source_id ELSE e.target_id END AS asset,
               CASE e.relation WHEN 'consumed' THEN 'input' WHEN 'produced' THEN 'output' ELSE 'alias' END AS direction
    ) AS declared
    CROSS JOIN LATERAL (
        SELECT min(d.event_time) AS valid_from, max(d.event_time) AS last_seen_at
        FROM lineage_declaration d
        WHERE d.job_id = declared.job AND d.direction = declared.direction AND d.known_at <= %(known_at)s
          AND d.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity') AND d.assets @> to_jsonb(declared.asset)
          AND NOT EXISTS (
              SELECT FROM lineage_declaration later
              WHERE later.job_id = d.job_id AND later.direction = d.direction AND later.known_at <= %(known_at)s
                AND later.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')
                AND (later.event_time, later.digest) > (d.event_time, d.digest)
                AND NOT later.assets @> to_jsonb(declared.asset))
    ) AS said
    CROSS JOIN LATERAL (
        SELECT min(d.event_time) AS valid_to
        FROM lineage_declaration d
        WHERE d.job_id = declared.job AND d.direction = declared.direction AND d.known_at <= %(known_at)s
          AND d.event_time > %(as_of)s::timestamptz AND NOT d.assets @> to_jsonb(declared.asset)
    ) AS dropped
    WHERE e.is_declared AND said.valid_from IS NOT NULL
      -- One row of the pair stands for all of them.
      AND NOT EXISTS (
          SELECT FROM lineage_edge other
          WHERE other.is_declared AND other.source_id = e.source_id AND other.target_id = e.target_id
            AND other.relation = e.relation AND other.valid_from < e.valid_from))"""
