"""Counting the items of every criterion, for all teams and all models at once: one query for each criterion.

The newest-items rule and the tallies of `assessments.items` are repeated here in SQL; a test compares the two.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from assessments.framework import Criterion, Ladder, Rubric, Statistic
from assessments.items import LONGEST_LOOK_BACK, MAX_MISSES, Miss, State, Tally
from assessments.judging import Age
from assessments.measures import definitions, deliveries, populations
from assessments.measures.deliveries import Deliveries, Whose
from assessments.measures.expressions import Measure, TestMeasure
from assessments.scoring import Standing
from lineage import evidence as lineage_evidence

Parameters = dict[str, Any]

# A hundred statements that each run once: compiling them costs more than it saves, and sorting on disk too. What the
# planner cannot guess of temporary tables must not lead it to loop over all of one for each row of another.
PLANNING = {"jit": "off", "work_mem": "64MB"}

# The windows for which owners are looked up; 0 is the state at the time.
WINDOWS = (0, 90, 180, 365)
# How items of several models that are one thing become one.
SHARED_ITEMS = (
    "DISTINCT ON (i.team_id, s.scope, i.asset)",
    "ORDER BY i.team_id, s.scope, i.asset, i.state = 'true' DESC, i.state = 'unknown' DESC",
)
# Which newest event tells how fresh a fact is. The other facts are our own records, which are never stale.
FRESHNESS = {
    "deployment": frozenset({"deployment", "deployed_as", "rollout"}),
    "observation": frozenset({"evaluated_on", "kpi_series", "monitored_by", "segments"}),
    "run": frozenset(
        {
            "run",
            "job",
            "produced",
            "consumed",
            "trained_from",
            "model",
            "model_version",
            "dataset_version",
            "commit",
            "built_from_commit",
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a number is about: a team (None: what nobody owns), as a whole or one of its models."""

    team: int | None
    model: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How new the newest events about a scope are, and how strong their senders."""

    newest: Mapping[str, datetime]
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Whether a model earned the full and the half point of a test, and what would make it known."""

    full: State
    half: State
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Everything measured at one time. A scope that a measure does not name has no items there."""

    as_of: datetime
    watermark: int
    tallies: Mapping[str, Mapping[Scope, Tally]]
    corroborations: Mapping[str, Mapping[Scope, Tally]]
    points: Mapping[str, Mapping[UUID, Points]]
    standings: Mapping[Scope, Standing]
    heard: Mapping[Scope, Heard]
    # Which scopes have items of the populations that conditions ask for.
    present: Mapping[str, frozenset[Scope]] = field(default_factory=dict)
    # Namespace and name of each model in production, and when its gate last refused something or a drill showed that.
    names: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)
    refused: Mapping[UUID, datetime] = field(default_factory=dict)
    # How changes reach production, where that was asked for.
    deliveries: Deliveries | None = None
    # Scopes that serve only through deployments whose kind their platform tells.
    kinds_known: frozenset[Scope] = frozenset()
    models: Mapping[UUID, str] = field(default_factory=dict)

    def ages(self, scope: Scope) -> dict[str, Age]:
        """How old the newest events about the scope are, by what they tell."""
        heard = self.heard.get(scope)
        if heard is None:
            return {}
        return {kind: Age(fact=kind, days=(self.as_of - at) / timedelta(days=1)) for kind, at in heard.newest.items()}


def ageing(criterion: Criterion) -> tuple[str, ...]:
    """Which newest events tell how fresh the facts are that a criterion stands on; none for our own records."""
    measure = definitions.MEASURES.get(criterion.id)
    if criterion.measure is None or (measure is not None and measure.is_own_record):
        return ()
    needed = set(criterion.measure.facts)
    return tuple(kind for kind, facts in FRESHNESS.items() if needed & facts)


@contextmanager
def population_tables(as_of: datetime, *, of: str | None = None, with_heard: bool = False) -> Iterator[CursorWrapper]:
    """A transaction in which the populations stand as temporary tables, all seen at one instant.

    Of a text of SQL alone: only the tables that it names, with the owners, and what tells how sure they are only on
    demand.
    """
    is_inside = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_inside:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for name, value in PLANNING.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        _make_tables(cursor, as_of, of, with_heard=with_heard)
        yield cursor


def count(frameworks: Iterable[Ladder | Rubric], *, as_of: datetime, with_deliveries: bool = False) -> Counted:
    """Measure every criterion of the frameworks that has a measure, for all teams and models."""
    criteria = {
        criterion.id: criterion
        for framework in frameworks
        if isinstance(framework, Ladder)
        for criterion in framework.criteria
    }
    remembered: dict[tuple[object, ...], dict[Scope, Tally]] = {}
    with population_tables(as_of) as cursor:
        models = dict(_rows(cursor, "SELECT model, label FROM production_models"))
        return Counted(
            as_of=as_of,
            watermark=lineage_evidence.watermark(),
            tallies={
                name: tallies(cursor, measure, criteria[name], as_of=as_of, remembered=remembered)
                for name, measure in definitions.MEASURES.items()
                if name in criteria
            },
            corroborations={
                name: tallies(cursor, measure, None, as_of=as_of)
                for name, measure in definitions.CORROBORATIONS.items()
                if name in criteria
            },
            points={name: _points(cursor, measure, as_of) for name, measure in definitions.TESTS.items()},
            standings=_standings(cursor, as_of),
            heard=_heard(cursor, as_of),
            present=_present(cursor, criteria.values()),
            kinds_known=_kinds_known(cursor),
            deliveries=deliveries.count(cursor, as_of=as_of) if with_deliveries else None,
            names={
                model: (namespace, name)
                for model, namespace, name in _rows(
                    cursor,
                    """
                    SELECT a.uuid, a.namespace, a.name
                    FROM production_models p JOIN lineage_asset a ON a.id = p.model_id
                    """,
                )
            },
            refused=dict(_rows(cursor, REFUSED)),
            models=models,
        )


def tallies(
    cursor: CursorWrapper,
    measure: Measure,
    criterion: Criterion | None,
    *,
    as_of: datetime,
    remembered: dict[tuple[object, ...], dict[Scope, Tally]] | None = None,
) -> dict[Scope, Tally]:
    """The tallies of one measure by scope. Without a criterion: over the last 180 days, false being good.

    What another criterion has counted in the same way, as `remembered`, is not counted again.
    """
    parameters = _parameters(criterion, as_of)
    key = (measure, parameters["window"], parameters["min_items"], parameters["good"])
    counted = None if remembered is None else remembered.get(key)
    if counted is None:
        counted = _queried(cursor, measure, parameters)
        if remembered is not None:
            remembered[key] = counted
    return counted


def _parameters(criterion: Criterion | None, as_of: datetime) -> Parameters:
    said = criterion.measure if criterion else None
    window = 180 if said is None else 0 if said.window_days == "as_of" else said.window_days
    is_median = said is not None and said.statistic is Statistic.MEDIAN
    is_at_least = criterion is not None and criterion.threshold is not None and criterion.threshold.is_at_least
    return {
        "as_of": as_of,
        "since": as_of - LONGEST_LOOK_BACK,
        "window": timedelta(days=window),
        "owner_window": _owner_window(window),
        "min_items": said.min_items if said else 1,
        "good": "true" if is_at_least or is_median else "false",
        "max_misses": MAX_MISSES,
    }


def _queried(cursor: CursorWrapper, measure: Measure, parameters: Parameters) -> dict[Scope, Tally]:
    strength = "1.0" if measure.is_own_record else "COALESCE(h.strength, 0.8)"
    cursor.execute(
        f"""
        {_chosen(measure)}
        SELECT c.team_id, c.scope,
               count(*) FILTER (WHERE state = 'true'), count(*) FILTER (WHERE state = 'false'),
               count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE state = 'not_applicable'),
               count(*) FILTER (WHERE state = 'true' AND unproven),
               array_agg(value ORDER BY value) FILTER (WHERE value IS NOT NULL AND state IN ('true', 'false')),
               COALESCE(avg({strength}) FILTER (WHERE state IN ('true', 'false')), 1.0)::float,
               min(at), COALESCE(bool_or(at <= %(as_of)s - %(window)s), false),
               array_agg(DISTINCT missing) FILTER (WHERE state = 'unknown' AND missing IS NOT NULL),
               (array_agg(ARRAY[asset::text, label, state, missing] ORDER BY state = 'unknown', label, asset)
                   FILTER (WHERE c.scope IS NULL AND state NOT IN (%(good)s, 'not_applicable')))[1:%(max_misses)s]
        FROM chosen c LEFT JOIN m_heard h ON h.model = c.model
        GROUP BY c.team_id, c.scope
        """,
        parameters,
    )
    return {Scope(row[0], row[1]): _tally(row[2:]) for row in cursor.fetchall()}


def _chosen(measure: Measure) -> str:
    """The beginning of a statement: `chosen` has the items that count of every scope, each with its state."""
    distinct, order = SHARED_ITEMS if measure.population in populations.SHARED else ("", "")
    return f"""
        WITH judged AS (
            SELECT p.model, p.asset, p.label, p.at, split_part(j.state, ':', 1) AS word,
                   NULLIF(split_part(j.state, ':', 2), '') AS missing, j.value, j.unproven
            FROM {measure.population} p {measure.joins}
            CROSS JOIN LATERAL (
                SELECT ({measure.state})::text AS state, {measure.value} AS value, ({measure.unproven}) AS unproven
                OFFSET 0  -- Kept apart by the planner, so that each expression is worked out once for an item.
            ) j
        ), attributed AS (
            SELECT j.*, o.team_id, bool_or(j.word IN ('true', 'false')) OVER (PARTITION BY o.team_id) AS is_sent
            FROM judged j LEFT JOIN m_owner o ON o.model = j.model AND o.window_days = %(owner_window)s
        ), items AS (
            SELECT a.*, CASE WHEN word <> 'absent' THEN word WHEN is_sent THEN 'false' ELSE 'unknown' END AS state
            FROM attributed a
        ), scoped AS (
            SELECT {distinct} i.*, s.scope FROM items i CROSS JOIN LATERAL (VALUES (NULL::uuid), (i.model)) AS s(scope)
            {order}
        ), placed AS (
            SELECT i.*,
                   count(*) FILTER (WHERE state <> 'not_applicable' AND (at IS NULL OR at > %(as_of)s - %(window)s))
                       OVER (PARTITION BY team_id, scope) AS inside,
                   row_number() OVER (PARTITION BY team_id, scope
                                      ORDER BY state = 'not_applicable', at DESC NULLS FIRST, asset DESC) AS place
            FROM scoped i
            WHERE at IS NULL OR (at <= %(as_of)s AND at > %(since)s)
        ), chosen AS (
            SELECT * FROM placed
            WHERE at IS NULL OR (state <> 'not_applicable' AND CASE
                WHEN inside >= %(min_items)s THEN at > %(as_of)s - %(window)s ELSE place <= %(min_items)s END)
        )
    """


def misses(
    cursor: CursorWrapper,
    criterion: Criterion,
    *,
    of: Whose,
    as_of: datetime,
    state: str,
    after: int,
    limit: int | None,
) -> tuple[int, list[tuple[int | None, Miss]]]:
    """How many misses there are by a measured criterion, and some of them with their teams.

    Of each team they come in the order in which a result has them. `state` is one of theirs, or empty for all.
    """
    measure = definitions.MEASURES[criterion.id]
    asked = {"team": of.team, "is_one_team": of.is_one_team, "wanted": state, "after": after, "limit": limit}
    parameters = _parameters(criterion, as_of) | asked
    cursor.execute(
        f"""
        {_chosen(measure)}
        SELECT count(*) OVER (), c.team_id, c.asset::text, c.label, c.state, c.missing FROM chosen c
        WHERE c.scope IS NULL AND (NOT %(is_one_team)s OR c.team_id IS NOT DISTINCT FROM %(team)s)
          AND c.state NOT IN (%(good)s, 'not_applicable') AND %(wanted)s IN ('', c.state)
        ORDER BY c.team_id NULLS LAST, c.state = 'unknown', c.label, c.asset OFFSET %(after)s LIMIT %(limit)s
        """,
        parameters,
    )
    rows = cursor.fetchall()
    found = [
        (owner, Miss(asset=asset, label=label, state=State(found_state), missing=_facts(lacks) if lacks else ()))
        for _, owner, asset, label, found_state, lacks in rows
    ]
    return (rows[0][0] if rows else 0), found


def nothing(criterion: Criterion) -> Tally:
    """The tally of a scope without items: what would fill its population, if no source does."""
    measure = definitions.MEASURES.get(criterion.id)
    if measure is None:
        return Tally()
    fact = populations.EMPTY.get(measure.population)
    return Tally(missing=(fact,) if fact else ())


def _tally(row: tuple[Any, ...]) -> Tally:
    true, false, unknown, not_applicable, unproven, values, strength, oldest, reached_back, missing, misses = row
    return Tally(
        true=true,
        false=false,
        unknown=unknown,
        not_applicable=not_applicable,
        unproven=unproven,
        values=tuple(values or ()),
        strength=strength,
        oldest_at=oldest,
        reached_back=reached_back,
        missing=_facts(*missing) if missing else (),
        misses=tuple(
            Miss(asset=asset, label=label, state=State(state), missing=_facts(lacks) if lacks else ())
            for asset, label, state, lacks in misses or ()
        ),
    )


@lru_cache(maxsize=10_000)
def _facts(*joined: str) -> tuple[str, ...]:
    return tuple(sorted({fact for facts in joined for fact in facts.split(",")}))


def _owner_window(window: int) -> int:
    return next(known for known in WINDOWS if known >= window)


def _points(cursor: CursorWrapper, measure: TestMeasure, as_of: datetime) -> dict[UUID, Points]:
    rows = _rows(
        cursor,
        f"SELECT p.model, ({measure.full})::text, ({measure.half})::text FROM production_models p {measure.joins}",
        {"as_of": as_of, "since": as_of - LONGEST_LOOK_BACK},
    )
    found = {}
    for model, full, half in rows:
        (word, _, missing), (other, _, more) = full.partition(":"), half.partition(":")
        lacks = missing if word == State.UNKNOWN else more if word == State.FALSE else ""
        found[model] = Points(full=State(word), half=State(other), missing=_facts(lacks) if lacks else ())
    return found


def _make_tables(cursor: CursorWrapper, as_of: datetime, of: str | None, *, with_heard: bool) -> None:
    parameters: Parameters = {"as_of": as_of, "since": as_of - LONGEST_LOOK_BACK}
    needed = None if of is None else _needed(of + HEARD if with_heard else of)
    for table in populations.TABLES:
        if needed is None or table.name in needed:
            _make(cursor, table.name, table.query, parameters, table.keys)
    _make(cursor, "m_owner", OWNERS, {**parameters, "windows": list(WINDOWS)}, ("model",))
    if needed is None or with_heard:
        _make(cursor, "m_heard", HEARD, parameters, ("model",))


def _needed(text: str) -> set[str]:
    """The tables that a text names, and those that their queries name. Each stands after what it is made from."""
    found: set[str] = set()
    for table in reversed(populations.TABLES):
        if re.search(rf"\b{table.name}\b", text):
            found.add(table.name)
            text += table.query
    return found


def _make(cursor: CursorWrapper, name: str, query: str, parameters: Parameters, keys: tuple[str, ...]) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    cursor.execute(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}", parameters)
    for key in keys:
        cursor.execute(f"CREATE INDEX ON {name} ({key})")
    cursor.execute(f"ANALYZE {name}")


# Who owns each model: at the time the owner by rank of role, over a window the team that owned it longest.
OWNERS = """
    WITH spans AS (
        SELECT o.asset AS model, o.team_id, w.window_days,
               CASE o.role WHEN 'technical_owner' THEN 0 WHEN 'business_owner' THEN 1 ELSE 2 END AS rank,
               CASE WHEN w.window_days > 0 THEN extract(epoch
                   FROM LEAST(COALESCE(upper(o.period), %(as_of)s), %(as_of)s)
                      - GREATEST(lower(o.period), %(as_of)s - make_interval(days => w.window_days)))
                   ELSE 0 END AS seconds,
               o.period @> %(as_of)s::timestamptz AS is_current
        FROM governance_ownership o
        JOIN lineage_asset m ON m.uuid = o.asset AND m.kind = 'model'
        CROSS JOIN unnest(%(windows)s::int[]) AS w(window_days)
        WHERE o.period && tstzrange(%(as_of)s - make_interval(days => w.window_days), %(as_of)s, '[]')
    ), totals AS (
        SELECT model, window_days, team_id, sum(seconds) AS seconds, min(rank) AS rank,
               bool_or(is_current) AS is_current
        FROM spans WHERE window_days > 0 OR is_current GROUP BY 1, 2, 3
    )
    SELECT DISTINCT ON (model, window_days) model, window_days, team_id FROM totals
    ORDER BY model, window_days, seconds DESC, is_current DESC, rank, team_id
"""
# The newest events about each model in production, by what they tell, from senders that were known.
HEARD = """
    WITH told AS (
        SELECT w.model, 'run' AS kind, w.run FROM m_written w
        WHERE w.first_seen_at > %(as_of)s - interval '60 days'
        UNION
        SELECT s.model, 'deployment', r.uuid
        FROM m_served s JOIN lineage_run r ON r.job_id = s.deployment_id
        WHERE r.last_event_at > %(as_of)s - interval '60 days'
    ), events AS (
        SELECT t.model, t.kind, e.event_time, e.sender_id, u.is_service
        FROM told t JOIN lineage_event e ON e.run = t.run AND e.event_time <= %(as_of)s
        LEFT JOIN governance_user u ON u.id = e.sender_id
    )
    SELECT p.model, max(e.event_time) FILTER (WHERE e.sender_id IS NOT NULL) AS heard_at,
           max(e.event_time) FILTER (WHERE e.kind = 'run') AS run,
           max(e.event_time) FILTER (WHERE e.kind = 'deployment') AS deployment,
           (SELECT max(o.measured_at) FROM lineage_observation o
            JOIN production_versions v ON v.version_id = o.version_id
            WHERE v.model = p.model AND o.measured_at <= %(as_of)s) AS observation,
           COALESCE(avg(CASE WHEN e.is_service THEN 1.0 ELSE 0.8 END), 0.8)::float AS strength
    FROM production_models p LEFT JOIN events e ON e.model = p.model
    GROUP BY p.model
"""

# The newest event of a known sender about anything that a team owns, of teams without a model in production.
HEARD_OF_TEAMS = """
    SELECT o.team_id, max(e.event_time) FROM governance_ownership o JOIN lineage_asset a ON a.uuid = o.asset
    JOIN LATERAL (
        SELECT io.run_id AS run FROM lineage_runio io
        WHERE io.asset_id = a.id AND io.first_seen_at > %(as_of)s - interval '60 days'
        UNION
        SELECT r.uuid FROM lineage_run r WHERE r.job_id = a.id AND r.last_event_at > %(as_of)s - interval '60 days'
    ) told ON true
    JOIN lineage_event e ON e.run = told.run AND e.event_time <= %(as_of)s AND e.sender_id IS NOT NULL
    WHERE o.period @> %(as_of)s::timestamptz AND NOT EXISTS (
        SELECT FROM production_models p JOIN m_owner m ON m.model = p.model
        WHERE m.team_id = o.team_id AND m.window_days = 0)
    GROUP BY o.team_id
"""


# What shows that a gate blocks: a refusal, or a drill of it that passed.
REFUSED = """
    SELECT p.model, max(r.at) FROM production_models p JOIN (
        SELECT v.model, v.at FROM m_verdicts v WHERE v.state = 'blocked'
        UNION ALL
        SELECT a.uuid, d.at FROM m_drills d JOIN lineage_asset a ON a.id = d.model_id
        WHERE d.rule = 'gate' AND d.passed
    ) r ON r.model = p.model GROUP BY p.model
"""


def _standings(cursor: CursorWrapper, as_of: datetime) -> dict[Scope, Standing]:
    """Of every team, of every model in production, and of what nobody owns if there is any."""
    rows = _rows(
        cursor,
        """
        SELECT o.team_id, p.model, count(p.version_id), max(h.heard_at)
        FROM production_versions p LEFT JOIN m_owner o ON o.model = p.model AND o.window_days = 0
        LEFT JOIN m_heard h ON h.model = p.model
        GROUP BY GROUPING SETS ((o.team_id), (o.team_id, p.model))
        """,
    )
    heard = dict(_rows(cursor, HEARD_OF_TEAMS, {"as_of": as_of}))
    standings = {
        Scope(team): Standing(production_versions=0, heard_at=heard.get(team))
        for (team,) in _rows(cursor, "SELECT id FROM governance_team WHERE created_at <= %(as_of)s", {"as_of": as_of})
    }
    for team, model, versions, heard_at in rows:
        standings[Scope(team, model)] = Standing(production_versions=versions, heard_at=heard_at)
    return standings


def _present(cursor: CursorWrapper, criteria: Iterable[Criterion]) -> dict[str, frozenset[Scope]]:
    asked = {criterion.applies_when.exists for criterion in criteria if criterion.applies_when is not None}
    found = {}
    for population in sorted(name for name in asked if name is not None):
        rows = _rows(
            cursor,
            f"""
            SELECT DISTINCT o.team_id, p.model FROM {population} p
            LEFT JOIN m_owner o ON o.model = p.model AND o.window_days = 0
            """,
        )
        found[population] = frozenset(scope for team, model in rows for scope in (Scope(team), Scope(team, model)))
    return found


def _kinds_known(cursor: CursorWrapper) -> frozenset[Scope]:
    rows = _rows(
        cursor,
        """
        SELECT o.team_id, p.model
        FROM production_versions p
        LEFT JOIN m_owner o ON o.model = p.model AND o.window_days = 0
        LEFT JOIN production_endpoints e ON e.model_id = p.model_id
        GROUP BY GROUPING SETS ((o.team_id), (o.team_id, p.model))
        HAVING bool_and(p.is_deployed AND e.kind IS NOT NULL)
        """,
    )
    return frozenset(Scope(team, model) for team, model in rows)


def _heard(cursor: CursorWrapper, as_of: datetime) -> dict[Scope, Heard]:
    rows = _rows(
        cursor,
        """
        SELECT o.team_id, h.model, max(h.run), max(h.deployment), max(h.observation), avg(h.strength)::float
        FROM m_heard h LEFT JOIN m_owner o ON o.model = h.model AND o.window_days = 0
        GROUP BY GROUPING SETS ((o.team_id), (o.team_id, h.model))
        """,
    )
    found = {}
    for team, model, run, deployment, observation, strength in rows:
        times = {"run": run, "deployment": deployment, "observation": observation}
        found[Scope(team, model)] = Heard(
            newest={kind: at for kind, at in times.items() if at is not None}, strength=strength
        )
    return found


def _rows(cursor: CursorWrapper, query: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters or {})
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
