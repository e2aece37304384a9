"""What earns the points of each test of the ML Test Score, as far as facts can tell.

Most tests go by results of their category: what `assessments.testscore.earned` says of a list of results is repeated in
`m_earned`, and a test compares the two. The others stand on verdicts, deployments, monitors and drills.
"""

from collections.abc import Mapping

from assessments.measures.expressions import COMPARED, TestMeasure
from assessments.measures.facts import Table

# Results of tests on any version of each model in production, and whether they were on the current one or the last.
EARNED = Table(
    name="m_earned",
    query="""
        WITH current AS (
            SELECT p.model, p.model_id, p.version_id, w.commit_id, b.version_id AS before_id,
                   b.commit_id AS before_commit
            FROM production_versions p LEFT JOIN m_written w ON w.version_id = p.version_id
            LEFT JOIN LATERAL (
                SELECT o.version_id, o.commit_id FROM m_written o
                WHERE o.model_id = p.model_id AND o.first_seen_at < w.first_seen_at
                ORDER BY o.first_seen_at DESC LIMIT 1
            ) b ON true
        ), found AS (
            SELECT c.model, t.run, t.category, t.passed, t.automated, t.blocking, t.read_by, t.at, t.trigger,
                   t.version_id = c.version_id AS on_current, t.version_id = c.before_id AS on_before
            FROM current c JOIN m_tested t ON t.model_id = c.model_id
            UNION ALL
            SELECT c.model, t.run, t.category, t.passed, t.automated, t.blocking, t.read_by, t.at, t.trigger,
                   t.commit_id = c.commit_id, t.commit_id = c.before_commit
            FROM current c JOIN (SELECT DISTINCT model_id, commit_id FROM m_written WHERE commit_id IS NOT NULL) w
                 ON w.model_id = c.model_id
            JOIN m_results t ON t.commit_id = w.commit_id
        ), results AS (
            SELECT model, run, category, at, bool_and(passed) AS passed, bool_and(automated) AS automated,
                   bool_and(blocking) AS blocking, max(read_by) AS read_by, max(trigger) AS trigger,
                   bool_or(on_current) IS TRUE AS on_current, bool_or(on_before) IS TRUE AS on_before
            FROM found WHERE at > %(as_of)s - interval '180 days' GROUP BY model, run, category, at
        ), placed AS (
            SELECT *, automated AND trigger IN ('ci', 'schedule', 'event') IS TRUE AS is_repeated,
                   row_number() OVER (
                       PARTITION BY model, category, automated AND trigger IN ('ci', 'schedule', 'event') IS TRUE
                       ORDER BY at DESC, on_current DESC, run) AS place
            FROM results
        )
        SELECT model, category,
               count(*) FILTER (WHERE is_repeated) >= 2 AND bool_or(
                   is_repeated AND place = 1 AND at > %(as_of)s - interval '90 days' AND on_current
                   AND (passed OR blocking)) AS is_full,
               bool_or((on_current OR on_before) AND (automated OR read_by IS NOT NULL)) AS is_half
        FROM placed GROUP BY model, category
    """,
    keys=("model",),
)

TOLD = "EXISTS (SELECT FROM m_earned e WHERE e.model = p.model)"
NOBODY_TELLS = "'unknown:test_result,test_detail'"


def _by_category(category: str) -> TestMeasure:
    return TestMeasure(
        joins=f"LEFT JOIN m_earned r ON r.model = p.model AND r.category = '{category}'",
        full=f"CASE WHEN r.is_full THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
        half=f"CASE WHEN r.is_half THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
    )


def _in_each_promotion(condition: str) -> str:
    """Whether every promotion of the last year did that."""
    return f"""
        CASE WHEN NOT EXISTS (SELECT FROM promotions v WHERE v.model = p.model) THEN 'unknown:promotion'
             WHEN EXISTS (SELECT FROM promotions v WHERE v.model = p.model AND NOT ({condition})) THEN 'false'
             ELSE 'true' END
    """


def _monitor(kind: str, condition: str, category: str) -> TestMeasure:
    """A monitor that keeps coming, by its kind; half a point for a result of the category."""
    by_result = _by_category(category)
    return TestMeasure(
        joins=f"""
            {by_result.joins}
            LEFT JOIN LATERAL (
                SELECT bool_or({condition}) AS is_watched, count(*) AS ever FROM m_monitors n
                WHERE n.asset_id = p.model_id AND n.kind = '{kind}'
            ) n ON true
            LEFT JOIN LATERAL (SELECT count(*) AS monitors FROM m_monitors n WHERE n.asset_id = p.model_id) m ON true
        """,
        full="""
            CASE WHEN n.is_watched THEN 'true' WHEN n.ever > 0 OR m.monitors > 0 THEN 'false'
                 ELSE 'unknown:series_kind' END
        """,
        half=by_result.half,
    )


RECENT = "n.newest_at > %(as_of)s - interval '7 days'"
# Versions that served in the last year, those of today included.
SERVED = """
    SELECT DISTINCT s.version_id FROM m_served s WHERE s.model_id = p.model_id AND s.full_at > %(since)s
    UNION SELECT v.version_id FROM production_versions v WHERE v.model_id = p.model_id
"""

CATEGORIES: Mapping[str, str] = {
    "mlts-data-1-feature-schema": "data.schema",
    "mlts-data-2-feature-benefit": "feature.benefit",
    "mlts-data-3-feature-cost": "feature.cost",
    "mlts-data-5-privacy-controls": "data.privacy",
    "mlts-data-7-feature-code-tested": "feature.unit",
    "mlts-model-7-inclusion": "model.inclusion",
    "mlts-infra-1-reproducible-training": "training.reproducible",
    "mlts-infra-2-model-unit-tests": "model.unit",
    "mlts-infra-3-pipeline-integration": "pipeline.integration",
    "mlts-infra-5-debuggable": "model.debug",
    "mlts-monitor-2-data-invariants": "serving.invariants",
    "mlts-monitor-5-numeric-stability": "serving.numeric",
}

TESTS: Mapping[str, TestMeasure] = {
    **{test: _by_category(category) for test, category in CATEGORIES.items()},
    "mlts-data-4-feature-policy": TestMeasure(
        full=_in_each_promotion(
            """EXISTS (SELECT FROM m_rules f WHERE f.promotion_id = v.id AND f.is_blocking
               AND f.check_id IN ('data-sources', 'feature-policy', 'personal-data', 'licence'))"""
        ),
        joins="LEFT JOIN m_earned r ON r.model = p.model AND r.category = 'feature.policy'",
        half=f"CASE WHEN r.is_half THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
    ),
    "mlts-data-6-feature-speed": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) AS views, count(days) AS additions,
                       percentile_disc(0.5) WITHIN GROUP (ORDER BY days) AS median
                FROM (
                    SELECT f.dataset_id, (
                        SELECT min(extract(epoch FROM w.first_seen_at - c.merged_at) / 86400)
                        FROM m_read r JOIN m_written w ON w.run = r.run AND w.model_id = p.model_id
                        JOIN m_inputs i ON i.version_id = r.version_id
                        JOIN lineage_run o ON o.uuid = i.run JOIN m_commits c ON c.commit_id = o.commit_id
                        WHERE r.dataset_id = f.dataset_id AND c.merged_at > %(since)s AND w.first_seen_at >= c.merged_at
                    ) AS days
                    FROM m_features f WHERE f.model_id = p.model_id AND f.is_training
                ) one
            ) d ON true
        """,
        full="""
            CASE WHEN d.views = 0 THEN 'unknown:feature_view' WHEN d.additions = 0 THEN 'unknown:commit_detail'
                 WHEN d.additions >= 3 AND d.median <= 30 THEN 'true' ELSE 'false' END
        """,
        half="""
            CASE WHEN d.views = 0 OR d.additions = 0 THEN 'unknown' WHEN d.median <= 30 THEN 'true' ELSE 'false' END
        """,
    ),
    "mlts-model-1-spec-reviewed": TestMeasure(
        joins=f"""
            LEFT JOIN LATERAL (
                SELECT bool_and(c.is_on_default_branch AND c.is_reviewed) AS are_reviewed,
                       bool_or(NOT c.is_on_default_branch OR (c.has_reviewers AND NOT c.is_reviewed))
                       AS is_contradicted,
                       bool_or(w.commit_id IS NULL) AS lacks_commit,
                       bool_or(c.is_on_default_branch IS NULL OR NOT c.has_reviewers) AS lacks_detail
                FROM ({SERVED}) s LEFT JOIN m_written w ON w.version_id = s.version_id
                LEFT JOIN m_commits c ON c.commit_id = w.commit_id
            ) s ON true
        """,
        full="""
            CASE WHEN s.is_contradicted THEN 'false' WHEN s.lacks_commit THEN 'unknown:built_from_commit'
                 WHEN s.lacks_detail THEN 'unknown:commit_detail' WHEN s.are_reviewed THEN 'true' ELSE 'false' END
        """,
    ),
    "mlts-model-2-offline-online": TestMeasure(
        joins="""
            LEFT JOIN m_earned r ON r.model = p.model AND r.category = 'model.offline_online'
            LEFT JOIN LATERAL (
                SELECT count(*) AS both FROM (SELECT DISTINCT s.version_id FROM m_served s
                                              WHERE s.model_id = p.model_id AND s.full_at IS NOT NULL) s
                WHERE EXISTS (SELECT FROM lineage_observation o WHERE o.version_id = s.version_id
                                AND o.dataset_id IS NOT NULL AND o.measured_at <= %(as_of)s)
                  AND EXISTS (SELECT FROM lineage_observation o WHERE o.version_id = s.version_id
                                AND o.dataset_id IS NULL AND o.measured_at <= %(as_of)s)
            ) s ON true
        """,
        full=f"""
            CASE WHEN s.both >= 4 AND r.is_full THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END
        """,
        half=f"CASE WHEN s.both >= 2 AND r.is_half THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
    ),
    "mlts-model-3-tuned": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_and(COALESCE(x.trials, 0) >= 10 AND x.has_parameters) AS is_searched, count(x.run) AS told
                FROM producing_runs r LEFT JOIN m_executed x ON x.run = r.run WHERE r.model_id = p.model_id
            ) x ON true
        """,
        full="CASE WHEN x.is_searched THEN 'true' WHEN x.told > 0 THEN 'false' ELSE 'unknown:run_facets' END",
    ),
    # An older version was measured lately on data that the current one's training had not seen begin.
    "mlts-model-4-staleness-known": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(o.measured_at > %(as_of)s - interval '90 days'
                               AND COALESCE(d.produced_at, d.seen_at) > w.first_seen_at) AS is_studied,
                       bool_or(o.dataset_id IS NOT NULL) AS is_named
                FROM m_written w
                JOIN lineage_observation o ON o.version_id = w.version_id AND o.measured_at <= %(as_of)s
                LEFT JOIN lineage_assetversion d ON d.id = o.dataset_id
                WHERE w.model_id = p.model_id AND w.version_id NOT IN (
                    SELECT v.version_id FROM production_versions v
                    WHERE v.model_id = p.model_id AND v.version_id IS NOT NULL)
            ) o ON true
        """,
        full="CASE WHEN o.is_studied THEN 'true' WHEN o.is_named THEN 'false' ELSE 'unknown:evaluated_on' END",
    ),
    "mlts-model-5-baseline": TestMeasure(
        full=_in_each_promotion(
            "EXISTS (SELECT FROM m_rules f WHERE f.promotion_id = v.id AND f.check_id = 'baseline')"
        ),
        joins="LEFT JOIN m_earned r ON r.model = p.model AND r.category = 'model.baseline'",
        half=f"CASE WHEN r.is_half THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
    ),
    "mlts-model-6-slices": TestMeasure(
        full=_in_each_promotion(
            f"""(SELECT count(DISTINCT f.segment) FROM m_rules f
                WHERE f.promotion_id = v.id AND {COMPARED} AND f.segment <> '') >= 2"""
        ),
        joins="LEFT JOIN m_earned r ON r.model = p.model AND r.category = 'model.slices'",
        half=f"CASE WHEN r.is_half THEN 'true' WHEN {TOLD} THEN 'false' ELSE {NOBODY_TELLS} END",
    ),
    "mlts-infra-4-validated-before-serving": TestMeasure(
        full=f"""
            CASE WHEN NOT EXISTS (SELECT FROM deployments_started d WHERE d.model = p.model) THEN 'unknown:deployed_as'
                 WHEN EXISTS (SELECT FROM deployments_started d WHERE d.model = p.model AND NOT EXISTS (
                     SELECT FROM m_passed v JOIN m_rules f ON f.promotion_id = v.id AND {COMPARED}
                     WHERE v.version = d.version AND v.at <= d.at)) THEN 'false' ELSE 'true' END
        """,
    ),
    "mlts-infra-6-canary": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) AS replaced,
                       bool_and(COALESCE(d.partial_at < d.at, false)) AS is_always,
                       (array_agg(d.partial_at < d.at ORDER BY d.at DESC))[1] AS is_last,
                       bool_or(EXISTS (SELECT FROM m_stages s WHERE s.deployment_id = d.deployment_id
                                         AND s.stage IS NOT NULL)) AS is_told
                FROM deployments_started d WHERE d.model_id = p.model_id AND d.is_replacing
            ) d ON true
        """,
        full="""
            CASE WHEN d.replaced = 0 THEN 'unknown:deployed_as' WHEN d.is_always THEN 'true'
                 WHEN d.is_told THEN 'false' ELSE 'unknown:rollout' END
        """,
        half="CASE WHEN d.is_last THEN 'true' WHEN d.is_told THEN 'false' ELSE 'unknown' END",
    ),
    # That no rollback is known proves nothing: none may have been needed.
    "mlts-infra-7-rollback": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT max(at) AS newest_at, max(at) FILTER (WHERE is_quick) AS quick_at FROM (
                    SELECT d.at, d.minutes <= 60 AND x.trigger IN ('ci', 'event', 'schedule') AS is_quick
                    FROM m_drills d LEFT JOIN LATERAL (
                        SELECT max(o.body ->> 'trigger') AS trigger FROM lineage_rundetail o
                        WHERE o.run = d.run AND o.name = 'execution') x ON true
                    WHERE d.model_id = p.model_id AND d.rule = 'rollback' AND d.passed
                    UNION ALL
                    SELECT s.began_at, x.trigger IN ('ci', 'event', 'schedule') AND EXISTS (
                        SELECT FROM m_alerts a WHERE a.model_id = s.model_id
                          AND a.at BETWEEN s.began_at - interval '60 minutes' AND s.began_at)
                    FROM m_serving s LEFT JOIN m_executed x ON x.run = s.run
                    WHERE s.model_id = p.model_id AND s.is_rollback AND s.began_at > %(since)s
                ) one
            ) r ON true
        """,
        full="""
            CASE WHEN r.quick_at > %(as_of)s - interval '180 days' THEN 'true'
                 WHEN r.newest_at IS NOT NULL THEN 'false' ELSE 'unknown:drill' END
        """,
        half="CASE WHEN r.newest_at IS NOT NULL THEN 'true' ELSE 'unknown:drill' END",
    ),
    "mlts-monitor-1-dependency-notice": TestMeasure(
        full="""
            CASE WHEN EXISTS (SELECT FROM m_drills d WHERE d.model_id = p.model_id AND d.rule = 'dependency-notice'
                                AND d.passed AND d.at > %(as_of)s - interval '180 days') THEN 'true'
                 ELSE 'unknown:drill' END
        """,
    ),
    "mlts-monitor-3-skew": _monitor("skew", f"{RECENT} AND n.has_recipient", "serving.skew"),
    "mlts-monitor-4-freshness": TestMeasure(
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_and(w.first_seen_at > %(as_of)s - make_interval(days => p.maximum_age_days::int))
                       AS is_young,
                       bool_or(w.run IS NULL) AS is_unknown
                FROM production_versions v LEFT JOIN m_written w ON w.version_id = v.version_id
                WHERE v.model_id = p.model_id
            ) v ON true
        """,
        full="""
            CASE WHEN p.maximum_age_days IS NULL THEN 'unknown:retrain_interval' WHEN NOT v.is_young THEN 'false'
                 WHEN v.is_unknown THEN 'unknown:produced'
                 WHEN EXISTS (SELECT FROM m_monitors n WHERE n.asset_id = p.model_id AND n.kind = 'staleness'
                                AND n.newest_at > %(as_of)s - interval '7 days') THEN 'true'
                 ELSE 'false' END
        """,
        half="""
            CASE WHEN p.maximum_age_days IS NULL OR v.is_unknown THEN 'unknown:retrain_interval'
                 WHEN v.is_young THEN 'true' ELSE 'false' END
        """,
    ),
    "mlts-monitor-6-compute-performance": _monitor(
        "service_health", f"{RECENT} AND n.has_limit AND n.has_recipient", "serving.performance"
    ),
    "mlts-monitor-7-prediction-quality": _monitor(
        "model_quality",
        """n.has_limit AND n.has_recipient AND n.newest_at > %(as_of)s - make_interval(
               days => GREATEST(7, 2 * COALESCE(p.label_delay_days, 0))::int)""",
        "serving.quality",
    ),
}
