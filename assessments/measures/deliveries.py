"""Counting how changes of models reach production, for all teams at once; see `assessments.delivery`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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


RELEASES = f"""
    WITH judged AS (
        SELECT p.model, p.model_id, p.deployment_id, p.at, split_part({FAILED.state}, ':', 1) AS word,
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
    SELECT GROUPING(o.team_id) = 1, o.team_id, count(*), count(*) FILTER (WHERE word = 'true'),
           count(*) FILTER (WHERE word IN ('true', 'false')), count(*) FILTER (WHERE is_rework),
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY lead_days)
               FILTER (WHERE lead_days >= 0), count(*) FILTER (WHERE lead_days >= 0),
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY recovery_hours), count(recovery_hours)
    FROM mended m LEFT JOIN m_owner o ON o.model = m.model AND o.window_days = 180
    GROUP BY GROUPING SETS ((o.team_id), ())
"""
FREQUENCY = """
    SELECT GROUPING(o.team_id) = 1, o.team_id,
           percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY r.releases), count(*)
    FROM production_models p LEFT JOIN m_owner o ON o.model = p.model AND o.window_days = 0
    CROSS JOIN LATERAL (
        SELECT count(*) * 365.0 / extract(epoch FROM %(window)s::interval) * 86400 AS releases
        FROM deployments_started d WHERE d.model_id = p.model_id AND d.at > %(as_of)s - %(window)s
    ) r
    GROUP BY GROUPING SETS ((o.team_id), ())
"""


def count(cursor: CursorWrapper, *, as_of: datetime, window: timedelta = WINDOW) -> Deliveries:
    """Over the populations that the cursor's transaction holds."""
    parameters: dict[str, Any] = {"as_of": as_of, "since": as_of - timedelta(days=365), "window": window}
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
