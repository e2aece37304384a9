"""What is worked out of a whole snapshot in the database. Snapshots never change, so it is remembered by the digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection

from assessments import documents, scoring
from assessments.models import Snapshot
from assessments.scoring import Action, Plan
from governance import selectors
from governance.models import Team

TREND = timedelta(days=365)
REMEMBERED = 24
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Every next step of a team, the best first, and how much of each level, as a target, is done in percent."""

    actions: Sequence[Action]
    percents: Sequence[float]


def thin(snapshot: Snapshot) -> Mapping[int | None, list[Document]]:
    """The results of all teams without their misses and counts."""
    return _thin(snapshot.pk, snapshot.digest)


@lru_cache(maxsize=REMEMBERED)
def _thin(pk: int, digest: str) -> Mapping[int | None, list[Document]]:
    return {
        team: msgspec.json.decode(results)
        for team, results in _rows(
            """
            SELECT s.team_id, jsonb_agg(jsonb_build_object(
                'criterion', r -> 'criterion', 'status', r -> 'status', 'credit', r -> 'credit',
                'proof', r -> 'proof', 'missing', r -> 'missing', 'needs_a_source', r -> 'needs_a_source',
                'is_exempted', r -> 'is_exempted') ORDER BY place)
            FROM assessments_scorecard s, jsonb_array_elements(s.results) WITH ORDINALITY AS e(r, place)
            WHERE s.snapshot_id = %(snapshot)s AND s.model IS NULL GROUP BY 1
            """,
            snapshot=pk,
        )
    }


def outlooks(snapshot: Snapshot, plan: Plan) -> Mapping[int | None, Outlook]:
    """What each team may do next by a framework of levels; of a team that is not rated it says nothing of use."""
    return _outlooks(snapshot.pk, snapshot.digest, plan)


@lru_cache(maxsize=REMEMBERED)
def _outlooks(pk: int, digest: str, plan: Plan) -> Mapping[int | None, Outlook]:
    found = {}
    for team, said in _thin(pk, digest).items():
        results = documents.read_results(said)
        found[team] = Outlook(
            actions=scoring.next_actions(plan, results, limit=None),
            percents=[scoring.percent_to_target(plan, results, level) for level in range(plan.top + 1)],
        )
    return found


def blocking(snapshot: Snapshot, plan: Plan) -> tuple[tuple[int | None, str, int, int], ...]:
    """By team and criterion, how many models it keeps from their next level, failing and unknown."""
    return _blocking(snapshot.pk, snapshot.digest, plan)


@lru_cache(maxsize=REMEMBERED)
def _blocking(pk: int, digest: str, plan: Plan) -> tuple[tuple[int | None, str, int, int], ...]:
    return tuple(
        _rows(
            """
            SELECT s.team_id, r.criterion, count(*) FILTER (WHERE r.status = 'fail'),
                   count(*) FILTER (WHERE r.status <> 'fail')
            FROM assessments_scorecard s
            CROSS JOIN LATERAL jsonb_to_recordset(s.results) AS r(criterion text, status text)
            JOIN unnest(%(criteria)s::text[], %(levels)s::int[]) AS c(id, level)
              ON c.id = r.criterion AND c.level = COALESCE(s.level, 0) + 1
            WHERE s.snapshot_id = %(snapshot)s AND s.model IS NOT NULL
              AND r.status NOT IN ('pass', 'not_applicable')
            GROUP BY 1, 2
            """,
            snapshot=pk,
            criteria=[criterion.id for criterion in plan.gating],
            levels=[criterion.level for criterion in plan.gating],
        )
    )


def results_of(snapshot: Snapshot, criterion: str) -> list[tuple[Team | None, Document]]:
    """Every team's result of one criterion, by slug, what nobody owns last. By a rubric there are none of teams."""
    rows = _rows(
        """
        SELECT s.team_id, r FROM assessments_scorecard s, jsonb_array_elements(s.results) AS e(r)
        WHERE s.snapshot_id = %(snapshot)s AND s.model IS NULL AND r ->> 'criterion' = %(criterion)s
        """,
        snapshot=snapshot.pk,
        criterion=criterion,
    )
    teams = selectors.teams().in_bulk([team for team, _ in rows if team is not None])
    found = [(teams.get(team), msgspec.json.decode(result)) for team, result in rows]
    return sorted(found, key=lambda entry: (entry[0] is None, entry[0].slug if entry[0] else ""))


def points_of(snapshot: Snapshot, test: str) -> list[tuple[int | None, str, Document]]:
    """Team, model and result of one test of a rubric, for every model."""
    rows = _rows(
        """
        SELECT s.team_id, s.model::text, r FROM assessments_scorecard s, jsonb_array_elements(s.results) AS e(r)
        WHERE s.snapshot_id = %(snapshot)s AND s.model IS NOT NULL AND r ->> 'criterion' = %(test)s
        ORDER BY s.team_id, s.model
        """,
        snapshot=snapshot.pk,
        test=test,
    )
    return [(team, model, msgspec.json.decode(result)) for team, model, result in rows]


def not_holding(snapshot: Snapshot, criterion: str, level: int) -> list[tuple[int | None, str, str, bool]]:
    """Team, model, status and whether it is kept from its next level, of each model that does not hold a criterion.

    Those that are kept from a level first, then what fails. `level` is the criterion's.
    """
    return _rows(
        """
        SELECT s.team_id, s.model::text, r.status, COALESCE(s.level, 0) + 1 = %(level)s AS is_kept
        FROM assessments_scorecard s
        CROSS JOIN LATERAL jsonb_to_recordset(s.results) AS r(criterion text, status text)
        WHERE s.snapshot_id = %(snapshot)s AND s.model IS NOT NULL AND r.criterion = %(criterion)s
          AND r.status NOT IN ('pass', 'not_applicable')
        ORDER BY is_kept DESC, r.status <> 'fail', s.team_id, s.model
        """,
        snapshot=snapshot.pk,
        criterion=criterion,
        level=level,
    )


def history_of(framework: str, team: int | None, criterion: str) -> list[tuple[datetime, int, str, Document]]:
    """One criterion of a team in each published snapshot: time, number, catalogue version, result; the oldest first."""
    rows = _rows(
        """
        SELECT n.as_of, n.number, n.catalogue_version, r - 'misses'
        FROM assessments_snapshot n
        JOIN assessments_scorecard s ON s.snapshot_id = n.id AND s.model IS NULL
          AND s.team_id IS NOT DISTINCT FROM %(team)s
        CROSS JOIN LATERAL jsonb_array_elements(s.results) AS e(r)
        WHERE n.framework = %(framework)s AND n.kind <> 'computed' AND r ->> 'criterion' = %(criterion)s
        ORDER BY n.as_of, n.number
        """,
        framework=framework,
        team=team,
        criterion=criterion,
    )
    return [(at, number, version, msgspec.json.decode(result)) for at, number, version, result in rows]


def sections(snapshot: Snapshot) -> Mapping[int | None, Mapping[str, float | None]]:
    """For each team and section of a rubric, the middle of its models' scores, of an even number the lower."""
    return _sections(snapshot.pk, snapshot.digest)


@lru_cache(maxsize=REMEMBERED)
def _sections(pk: int, digest: str) -> Mapping[int | None, Mapping[str, float | None]]:
    found: dict[int | None, dict[str, float | None]] = {}
    for team, section, score in _rows(
        """
        SELECT s.team_id, x.section, percentile_disc(0.5) WITHIN GROUP (ORDER BY x.score)
        FROM assessments_scorecard s
        CROSS JOIN LATERAL jsonb_to_recordset(s.rating -> 'sections') AS x(section text, score float)
        WHERE s.snapshot_id = %(snapshot)s AND s.model IS NOT NULL GROUP BY 1, 2
        """,
        snapshot=pk,
    ):
        found.setdefault(team, {})[section] = score
    return found


def model_scores(snapshot: Snapshot) -> tuple[tuple[int | None, str, float | None, list[str]], ...]:
    """Team, model, score and deciding sections of every model by a rubric."""
    return _model_scores(snapshot.pk, snapshot.digest)


@lru_cache(maxsize=REMEMBERED)
def _model_scores(pk: int, digest: str) -> tuple[tuple[int | None, str, float | None, list[str]], ...]:
    return tuple(
        (team, model, score, msgspec.json.decode(deciding))
        for team, model, score, deciding in _rows(
            """
            SELECT team_id, model::text, score, rating -> 'deciding' FROM assessments_scorecard
            WHERE snapshot_id = %(snapshot)s AND model IS NOT NULL ORDER BY model
            """,
            snapshot=pk,
        )
    )


def trends(snapshot: Snapshot | None) -> dict[int | None, list[tuple[datetime, float, str]]]:
    """The last published ladder score of each month of a year with its catalogue version, by team, the oldest first."""
    found: dict[int | None, list[tuple[datetime, float, str]]] = {}
    if snapshot is None:
        return found
    for team, at, score, version in _rows(
        """
        SELECT DISTINCT ON (s.team_id, date_trunc('month', n.as_of))
               s.team_id, n.as_of, s.score, n.catalogue_version
        FROM assessments_snapshot n JOIN assessments_scorecard s ON s.snapshot_id = n.id
        WHERE n.framework = %(framework)s AND n.kind <> 'computed' AND s.model IS NULL AND s.score IS NOT NULL
          AND n.as_of <= %(until)s AND n.as_of > %(since)s
        ORDER BY s.team_id, date_trunc('month', n.as_of), n.as_of DESC, n.number DESC
        """,
        framework=snapshot.framework,
        since=snapshot.as_of - TREND,
        until=snapshot.as_of,
    ):
        found.setdefault(team, []).append((at, score, version))
    return found


def medians(snapshot: Snapshot, *, of_models: bool) -> list[tuple[datetime, float, str]]:
    """The middle score of all teams, or of all models, in each published snapshot of a year, and its catalogue version.

    Of an even number the lower; of a time that two catalogues scored, or that was restated, the newest word.
    """
    return _rows(
        """
        SELECT DISTINCT ON (as_of) as_of, score, catalogue_version FROM (
            SELECT n.as_of, n.number, n.catalogue_version,
                   percentile_disc(0.5) WITHIN GROUP (ORDER BY s.score) AS score
            FROM assessments_snapshot n JOIN assessments_scorecard s ON s.snapshot_id = n.id
            WHERE n.framework = %(framework)s AND n.kind <> 'computed' AND s.score IS NOT NULL
              AND (s.model IS NOT NULL) = %(of_models)s AND n.as_of <= %(until)s AND n.as_of > %(since)s
            GROUP BY n.id
        ) AS each ORDER BY as_of, number DESC
        """,
        framework=snapshot.framework,
        of_models=of_models,
        since=snapshot.as_of - TREND,
        until=snapshot.as_of,
    )


def model_levels(snapshot: Snapshot) -> Mapping[int | None, list[int | None]]:
    """By team, the level of each of its models; None for one that is not rated."""
    found: dict[int | None, list[int | None]] = {}
    for team, level in _rows(
        "SELECT team_id, level FROM assessments_scorecard WHERE snapshot_id = %(snapshot)s AND model IS NOT NULL",
        snapshot=snapshot.pk,
    ):
        found.setdefault(team, []).append(level)
    return found


def _rows(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
