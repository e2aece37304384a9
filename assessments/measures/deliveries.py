"""Counting how changes of models reach production, for all teams at once; see `assessments.delivery`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from assessments.measures.microsoft import MICROSOFT

WINDOW = timedelta(days=180)
# A release so soon after a failed one of the same model mends it.
MENDED_WITHIN = "interval '14 days'"
FAILED = MICROSOFT["ms-low-change-failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The middle of a number of values, with the quarters on both sides. Without values nothing is known."""

    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One team, or everything together, over the window before a time.

    `releases` is what began to serve in full; of the `known` ones it is told whether they `failed`: taken back, or with
    something critical wrong within a week. `reworked` are those that followed a failed one of their model within two
    weeks. `releases_a_year` is over the models in production. `lead_days`: from the merge of the commit, where it is
    told, else from the end of training. `recovery_hours`: from the alert, where there was one, else from the release.
    """

    releases: int = 0
    failed: int = 0
    known: int = 0
    reworked: int = 0
    releases_a_year: Spread = Spread()
    lead_days: Spread = Spread()
    recovery_hours: Spread = Spread()

    @property
    def change_fail_rate(self) -> float | None:
        return self.failed / self.known if self.known else None

    @property
    def rework_rate(self) -> float | None:
        return self.reworked / self.releases if self.releases else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Everything together, and each team with models in production; None is what nobody owns."""

    whole: Delivery
    teams: Mapping[int | None, Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release. `is_failed` is None while nobody tells. `broke_at`: the alert, else the release itself."""

    deployment: UUID
    version: UUID | None
    label: str
    model: UUID
    team: int | None
    at: datetime
    lead_days: float | None
    is_failed: bool | None
    broke_at: datetime | None
    recovery_hours: float | None
    is_rework: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """How often a model in production is released."""

    model: UUID
    name: str
    team: int | None
    releases: int
    releases_a_year: float


# What of the releases a number rests on, by its name.
PARTS: Mapping[str, str] = {
    "releases": "true",
    "lead": "m.lead_days >= 0",
    "known": "m.word IN ('true', 'false')",
    "failed": "m.word = 'true'",
    "recovered": "m.recovery_hours IS NOT NULL",
    "reworked": "m.is_rework",
}
MENDED = f"""
    WITH judged AS (
        SELECT p.model, p.model_id, p.deployment_id, p.at, p.asset, p.version, p.label,
               split_part({FAILED.state}, ':', 1) AS word,
               extract(epoch FROM p.at - COALESCE(g.merged_at, t.ended_at)) / 86400 AS lead_days
        FROM deployments_started p {FAILED.joins}
        LEFT JOIN m_written t ON t.version_id = p.version_id
        LEFT JOIN m_commits g ON g.commit_id = t.commit_id
        WHERE p.at > %(as_of)s - %(window)s
    ), broken AS (
        SELECT j.*, COALESCE((
                   SELECT min(a.at) FROM m_alerts a
                   WHERE a.model_id = j.model_id AND a.severity = 'critical' AND NOT a.is_false
                     AND a.at > j.at AND a.at <= j.at + interval '7 days'), j.at) AS broke_at
        FROM judged j
    ), mended AS (
        SELECT b.*, CASE WHEN b.word = 'true' THEN (
                   SELECT extract(epoch FROM min(s.full_at) - b.broke_at) / 3600 FROM m_serving s
                   WHERE s.deployment_id = b.deployment_id AND s.model_id = b.model_id AND s.full_at > b.broke_at
               ) END AS recovery_hours,
               -- The newest failure before it is soon enough before it.
               COALESCE(max(b.at) FILTER (WHERE b.word = 'true') OVER earlier > b.at - {MENDED_WITHIN}, false)
                   AS is_rework
        FROM broken b
        WINDOW earlier AS (PARTITION BY b.model_id ORDER BY b.at
                           GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
"""
RELEASES = f"""
    {MENDED}
    SELECT GROUPING(o.team_id) = 1, o.team_id, count(*), count(*) FILTER (WHERE word = 'true'),
           count(*) FILTER (WHERE word IN ('true', 'false')), count(*) FILTER (WHERE is_rework),
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY lead_days)
               FILTER (WHERE lead_days >= 0), count(*) FILTER (WHERE lead_days >= 0),
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY recovery_hours), count(recovery_hours)
    FROM mended m LEFT JOIN m_owner o ON o.model = m.model AND o.window_days = 180
    GROUP BY GROUPING SETS ((o.team_id), ())
"""
RELEASED = """
    FROM production_models p LEFT JOIN m_owner o ON o.model = p.model AND o.window_days = 0
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, count(*) * 365.0 / extract(epoch FROM %(window)s::interval) * 86400 AS releases
        FROM deployments_started d WHERE d.model_id = p.model_id AND d.at > %(as_of)s - %(window)s
    ) r
"""
FREQUENCY = f"""
    SELECT GROUPING(o.team_id) = 1, o.team_id,
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY r.releases), count(*)
    {RELEASED}
    GROUP BY GROUPING SETS ((o.team_id), ())
"""
ONE_TEAM = "(NOT %(is_one_team)s OR o.team_id IS NOT DISTINCT FROM %(team)s)"
LISTED = f"""
    {MENDED}
    SELECT count(*) OVER (), m.asset, m.version, m.label, m.model, o.team_id, m.at, m.lead_days::float, m.word,
           m.broke_at, m.recovery_hours::float, m.is_rework
    FROM mended m LEFT JOIN m_owner o ON o.model = m.model AND o.window_days = 180
    WHERE {ONE_TEAM}
"""
# The newest first, and those of one instant in an order that stays.
PAGED = "ORDER BY m.at DESC, m.asset, m.model OFFSET %(after)s LIMIT %(limit)s"
FREQUENCIES = f"""
    SELECT count(*) OVER (), p.model, p.label, o.team_id, r.count, r.releases::float {RELEASED}
    WHERE {ONE_TEAM} ORDER BY r.count DESC, p.label, p.model OFFSET %(after)s LIMIT %(limit)s
"""


def count(cursor: CursorWrapper, *, as_of: datetime, window: timedelta = WINDOW) -> Deliveries:
    """Over the populations that the cursor's transaction holds."""
    parameters = _parameters(as_of, window)
    cursor.execute(FREQUENCY, parameters)
    found: dict[tuple[bool, int | None], dict[str, Any]] = {
        (whole, team): {"releases_a_year": _spread(quarters, items)}
        for whole, team, quarters, items in cursor.fetchall()
    }
    cursor.execute(RELEASES, parameters)
    for whole, team, releases, failed, known, reworked, lead, leads, recovery, recoveries in cursor.fetchall():
        found.setdefault((whole, team), {}).update(
            releases=releases,
            failed=failed,
            known=known,
            reworked=reworked,
            lead_days=_spread(lead, leads),
            recovery_hours=_spread(recovery, recoveries),
        )
    made = {key: Delivery(**values) for key, values in found.items()}
    return Deliveries(
        whole=made.get((True, None), Delivery()),
        teams={team: one for (whole, team), one in made.items() if not whole},
    )


def _spread(quarters: list[Any] | None, items: int) -> Spread:
    if not items or quarters is None:
        return Spread()
    lower, median, upper = (float(value) for value in quarters)
    return Spread(lower=lower, median=median, upper=upper, items=items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Releases of one team (None: what nobody owns), or of all."""

    team: int | None = None
    is_one_team: bool = False


def releases(
    cursor: CursorWrapper, *, as_of: datetime, of: Whose, part: str, after: int, limit: int
) -> tuple[int, list[Release]]:
    """How many releases one of PARTS has in the window, and some of them, the newest first."""
    page = {"team": of.team, "is_one_team": of.is_one_team, "after": after, "limit": limit}
    cursor.execute(f"{LISTED} AND {PARTS[part]} {PAGED}", _parameters(as_of, WINDOW) | page)
    rows = cursor.fetchall()
    found = [
        Release(
            deployment=deployment,
            version=version,
            label=label,
            model=model,
            team=team,
            at=at,
            lead_days=lead if lead is not None and lead >= 0 else None,
            is_failed={"true": True, "false": False}.get(word),
            broke_at=broke_at if word == "true" else None,
            recovery_hours=recovery,
            is_rework=is_rework,
        )
        for _, deployment, version, label, model, team, at, lead, word, broke_at, recovery, is_rework in rows
    ]
    return (rows[0][0] if rows else 0), found


def frequencies(
    cursor: CursorWrapper, *, as_of: datetime, of: Whose, after: int, limit: int
) -> tuple[int, list[Frequency]]:
    """How many models are in production, and how often some of them are released, the most often first."""
    page = {"team": of.team, "is_one_team": of.is_one_team, "after": after, "limit": limit}
    cursor.execute(FREQUENCIES, _parameters(as_of, WINDOW) | page)
    rows = cursor.fetchall()
    found = [
        Frequency(model=model, name=name, team=team, releases=count, releases_a_year=a_year)
        for _, model, name, team, count, a_year in rows
    ]
    return (rows[0][0] if rows else 0), found


def _parameters(as_of: datetime, window: timedelta) -> dict[str, Any]:
    return {"as_of": as_of, "since": as_of - timedelta(days=365), "window": window}
