"""What counts for each measured criterion of the Google framework."""

from collections.abc import Mapping

from assessments.measures.expressions import (
    ANSWERED,
    AUTOMATIC_DELIVERY,
    CHECKED,
    COMPARED,
    EXECUTED,
    FEATURES_USED,
    HAS_SAMPLES,
    OF_COMMIT,
    OF_PROMOTED,
    OF_VERSION,
    ORCHESTRATED,
    ORCHESTRATION,
    PRODUCED,
    PROMOTED,
    RECORDED,
    REGISTERED,
    RETRAINED,
    ROLLED_OUT,
    SAMPLED,
    VERDICT_BEFORE,
    WATCHED,
    Measure,
    passed,
    told,
)

# A commit's own successful run of CI, or a passed automated test.
BUILT = f"""(EXISTS (SELECT FROM m_ci c WHERE c.commit_id = p.commit_id AND c.is_successful)
             OR EXISTS (SELECT FROM {OF_COMMIT} AND t.passed AND t.automated))"""
SEEN_BY_CI = f"(EXISTS (SELECT FROM m_ci c WHERE c.commit_id = p.commit_id) OR {told(OF_COMMIT)})"

LEVEL_1: Mapping[str, Measure] = {
    "google-named-owner": Measure(
        population="production_models",
        is_own_record=True,
        state="""
            CASE WHEN EXISTS (
                SELECT FROM governance_ownership o JOIN governance_membership m ON m.team_id = o.team_id
                JOIN governance_user u ON u.id = m.user_id
                WHERE o.asset = p.model AND o.period @> %(as_of)s::timestamptz AND u.is_active AND NOT u.is_service
            ) THEN 'true' ELSE 'false' END
        """,
    ),
    "google-orchestrated-training": Measure(population="producing_runs", joins=ORCHESTRATION, state=ORCHESTRATED),
    "google-orchestrated-experiments": Measure(
        population="all_training_runs",
        joins=ORCHESTRATION,
        state="""
            CASE WHEN s.is_orchestrated THEN 'true' WHEN NOT s.is_orchestrated THEN 'false'
                 ELSE 'unknown:orchestrator' END
        """,
    ),
    "google-continuous-training": RETRAINED,
    "google-fresh-training-data": Measure(
        population="production_training_runs",
        joins=EXECUTED,
        state="""
            CASE WHEN p.before_version_id IS NULL OR x.trigger NOT IN ('schedule', 'event') THEN 'not_applicable'
                 WHEN x.trigger IS NULL THEN 'unknown:trigger'
                 WHEN p.environment IS NULL THEN 'unknown:environment'
                 WHEN EXISTS (SELECT FROM m_read r WHERE r.run = p.run AND r.made_at > p.before_started_at
                                AND r.version_id IS NOT NULL) THEN 'true'
                 WHEN EXISTS (SELECT FROM m_read r WHERE r.run = p.run AND r.version_id IS NULL)
                   OR NOT EXISTS (SELECT FROM m_read r WHERE r.run = p.run) THEN 'unknown:dataset_version'
                 ELSE 'false' END
        """,
    ),
    # A commit of the same repository that was first seen in the 30 days before is of the same history.
    "google-dev-prod-symmetry": Measure(
        population="producing_runs",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(x.environment IN ('dev', 'staging') AND r.is_successful AND (
                           r.commit_id = p.commit_id OR (o.asset_id = c.asset_id AND o.seen_at <= c.seen_at
                           AND o.seen_at > c.seen_at - interval '30 days'))) AS is_rehearsed,
                       bool_or(x.environment IS NOT NULL) AS is_told
                FROM m_job_runs r JOIN m_executed x ON x.run = r.run
                LEFT JOIN lineage_assetversion c ON c.id = p.commit_id
                LEFT JOIN lineage_assetversion o ON o.id = r.commit_id
                WHERE r.job_id = p.job_id
            ) r ON true
        """,
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced' WHEN p.commit_id IS NULL THEN 'unknown:built_from_commit'
                 WHEN r.is_rehearsed THEN 'true' WHEN r.is_told THEN 'false' ELSE 'unknown:environment' END
        """,
    ),
    "google-automated-model-delivery": AUTOMATIC_DELIVERY,
    "google-pipeline-in-production": Measure(
        population="production_models",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) FILTER (WHERE w.is_recent AND x.environment = 'production') AS recent,
                       count(*) FILTER (WHERE w.is_recent AND x.environment IS NULL) AS silent,
                       count(*) AS ever
                FROM (SELECT w.*, w.ended_at > %(as_of)s - make_interval(
                          days => GREATEST(180, 2 * COALESCE(p.retrain_days, 0))::int) AS is_recent
                      FROM m_written w WHERE w.model_id = p.model_id) w
                LEFT JOIN m_executed x ON x.run = w.run
                WHERE w.is_successful AND w.job_id IN (
                    SELECT r.job_id FROM producing_runs r WHERE r.model_id = p.model_id)
            ) w ON true
        """,
        state="""
            CASE WHEN w.recent >= 2 THEN 'true'
                 WHEN w.ever = 0 THEN 'unknown:produced'
                 WHEN w.ever = 1 THEN 'false'
                 WHEN w.recent + w.silent >= 2 THEN 'unknown:environment'
                 WHEN p.retrain_days IS NULL THEN 'unknown:retrain_interval'
                 ELSE 'false' END
        """,
    ),
    "google-data-validation": Measure(
        population="production_training_runs",
        joins=CHECKED,
        state="""
            CASE WHEN p.environment IS NULL THEN 'unknown:environment' WHEN c.inputs = 0 THEN 'unknown:consumed'
                 WHEN c.whole = c.inputs THEN 'true' WHEN c.some > 0 THEN 'false' ELSE 'absent:test_result' END
        """,
        unproven="NOT COALESCE(c.can_block, false)",
    ),
    "google-validation-stops-pipeline": Measure(
        population="promotions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) AS checks, bool_or(c.blocks AND c.at <= p.at) AS is_spoilt
                FROM m_written w JOIN m_read r ON r.run = w.run JOIN m_checks c ON c.version = r.version
                WHERE w.version = p.version
            ) c ON true
        """,
        state="""
            CASE WHEN c.is_spoilt THEN 'true'
                 WHEN c.checks = 0 THEN 'unknown:test_result'
                 WHEN EXISTS (SELECT FROM m_drills d JOIN lineage_asset a ON a.id = d.model_id
                              WHERE a.uuid = p.model AND d.rule = 'data-validation' AND d.passed) THEN 'false'
                 ELSE 'unknown:drill' END
        """,
    ),
    "google-offline-evaluation": Measure(
        population="production_versions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(o.dataset_id IS NOT NULL AND NOT EXISTS (
                           SELECT FROM m_written w JOIN m_read r ON r.run = w.run
                           WHERE w.version_id = p.version_id AND r.version_id = o.dataset_id)) AS is_held_out,
                       bool_or(o.dataset_id IS NULL) AS is_unnamed, count(*) AS measured
                FROM lineage_observation o
                WHERE o.version_id = p.version_id AND o.value IS NOT NULL AND o.measured_at <= %(as_of)s
            ) o ON true
        """,
        state="""
            CASE WHEN o.is_held_out THEN 'true' WHEN o.is_unnamed THEN 'unknown:evaluated_on'
                 WHEN o.measured > 0 THEN 'false' ELSE 'absent:evaluated_on' END
        """,
    ),
    "google-champion-comparison": Measure(
        population="replacing_promotions",
        is_own_record=True,
        joins=f"""
            LEFT JOIN LATERAL (
                SELECT bool_or(f.is_compared) AS is_same, bool_or(f.is_unnamed) AS is_unnamed
                FROM m_rules f WHERE f.promotion_id = p.id AND {COMPARED}
            ) f ON true
        """,
        state="""
            CASE WHEN f.is_same THEN 'true' WHEN f.is_unnamed THEN 'unknown:evaluated_on' ELSE 'false' END
        """,
    ),
    "google-slice-consistency": Measure(
        population="production_versions",
        joins=f"""
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT o.segment) AS segments FROM lineage_observation o
                WHERE o.version_id = p.version_id AND o.segment <> '' AND o.value IS NOT NULL
                  AND o.measured_at <= %(as_of)s
            ) o ON true
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT f.segment) AS limits
                FROM m_rules f JOIN m_passed v ON v.id = f.promotion_id
                WHERE v.version = p.version AND {COMPARED} AND f.segment <> '' AND f.has_limit
            ) f ON true
        """,
        state="""
            CASE WHEN o.segments >= 2 AND f.limits >= 2 THEN 'true' WHEN o.segments >= 1 THEN 'false'
                 ELSE 'absent:segments' END
        """,
    ),
    "google-deployability-check": Measure(
        population="promotions",
        joins=PROMOTED,
        state=f"""
            CASE WHEN {passed("serving.contract", "serving.infra", of=OF_PROMOTED, until="q.until")} THEN 'true'
                 WHEN {told(OF_PROMOTED)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "google-online-validation": Measure(
        population="replacing_online_deployments",
        joins=SAMPLED,
        state=f"""
            CASE WHEN p.partial_at < p.at THEN
                      CASE WHEN d.oldest_at <= p.at THEN 'true' ELSE 'unknown:decision_sample' END
                 ELSE {ROLLED_OUT} END
        """,
    ),
    "google-run-metadata": Measure(
        population="producing_runs",
        joins=RECORDED,
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced'
                 WHEN p.started_at IS NULL OR p.ended_at IS NULL THEN 'false'
                 WHEN p.commit_id IS NULL THEN 'absent:built_from_commit'
                 WHEN o.has_metric IS NULL THEN 'absent:run_facets'
                 WHEN NOT COALESCE(x.has_parameters, false) OR x.actor IS NULL THEN 'absent:run_facets'
                 ELSE 'true' END
        """,
    ),
    "google-rollback-target": Measure(
        population="production_endpoints",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) AS earlier, bool_or(NOT r.is_dropped) AS is_kept,
                       EXISTS (SELECT FROM m_registered g WHERE g.model = p.model) AS is_told
                FROM m_served s JOIN lineage_assetversion v ON v.id = s.version_id
                LEFT JOIN m_registered r ON r.version = v.uuid
                WHERE s.deployment_id = p.deployment_id AND s.model_id = p.model_id
                  AND s.version_id IS DISTINCT FROM p.version_id
            ) e ON true
        """,
        state="""
            CASE WHEN e.earlier = 0 THEN 'not_applicable' WHEN NOT e.is_told THEN 'unknown:registry_state'
                 WHEN e.is_kept THEN 'true' ELSE 'false' END
        """,
    ),
    "google-active-monitoring": Measure(
        population="production_endpoints",
        joins=WATCHED,
        state="CASE WHEN o.is_watched OR n.kinds > 0 THEN 'true' ELSE 'absent:kpi_series' END",
        unproven="COALESCE(o.is_still, false) AND n.kinds = 0",
    ),
    "google-prediction-logging": Measure(
        population="production_endpoints",
        joins=SAMPLED,
        state=f"CASE WHEN {HAS_SAMPLES} THEN 'true' ELSE 'absent:decision_sample' END",
    ),
    "google-degradation-trigger": Measure(
        population="production_models",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) AS alerts, bool_or(a.triggered_at IS NOT NULL) AS is_answered
                FROM m_alerts a WHERE a.model_id = p.model_id
            ) a ON true
        """,
        state="""
            CASE WHEN a.is_answered THEN 'true' WHEN a.alerts > 0 THEN 'false' ELSE 'absent:drift_alert' END
        """,
    ),
    "google-feature-store": Measure(
        population="production_versions",
        state=f"""
            CASE WHEN NOT {FEATURES_USED} AND NOT EXISTS (SELECT FROM m_features f WHERE f.model_id = p.model_id)
                 THEN 'unknown:feature_view'
                 WHEN EXISTS (SELECT FROM m_features t JOIN m_features s ON s.model_id = t.model_id
                                AND s.dataset_id = t.dataset_id AND NOT s.is_training
                              WHERE t.model_id = p.model_id AND t.is_training) THEN 'true'
                 ELSE 'false' END
        """,
    ),
}

# A change of the pipeline, with what came before its first run in production.
REHEARSALS = """
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE x.environment = 'staging' AND r.is_successful AND r.at < p.at
                                  AND r.commit_id = p.commit_id) AS rehearsals,
               bool_or(x.environment IS NOT NULL) AS is_told
        FROM m_job_runs r JOIN m_executed x ON x.run = r.run WHERE r.job_id = p.job_id
    ) r ON true
"""

LEVEL_2: Mapping[str, Measure] = {
    "google-source-control": Measure(
        population="production_versions",
        joins=f"{PRODUCED} LEFT JOIN m_commits c ON c.commit_id = w.commit_id",
        state="""
            CASE WHEN w.commit_id IS NULL THEN 'absent:built_from_commit'
                 WHEN c.is_on_default_branch THEN 'true' WHEN NOT c.is_on_default_branch THEN 'false'
                 ELSE 'unknown:commit_detail' END
        """,
    ),
    "google-reviewed-change": Measure(
        population="production_commits",
        joins="LEFT JOIN m_commits c ON c.commit_id = p.commit_id",
        state="""
            CASE WHEN c.is_reviewed THEN 'true' WHEN c.has_reviewers THEN 'false' ELSE 'unknown:commit_detail' END
        """,
    ),
    "google-ci-per-commit": Measure(
        population="production_commits",
        state=f"CASE WHEN {BUILT} THEN 'true' WHEN {SEEN_BY_CI} THEN 'false' ELSE 'absent:test_result,test_detail' END",
    ),
    "google-ci-test-breadth": Measure(
        population="production_commits",
        joins=f"""
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT t.category) AS kinds FROM {OF_COMMIT} AND t.passed AND t.automated
                  AND t.category IN ('feature.unit', 'model.unit', 'training.converges', 'training.numeric',
                                     'pipeline.artifacts', 'pipeline.integration')
            ) t ON true
        """,
        state=f"""
            CASE WHEN t.kinds >= 4 THEN 'true' WHEN {told(OF_COMMIT)} THEN 'false'
                 ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "google-pipeline-cd": Measure(
        population="pipeline_changes",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(c.is_successful AND c.at < p.at) AS is_built,
                       bool_or(c.is_successful AND c.at < p.at AND c.actor_kind = 'service') AS is_by_service,
                       bool_or(c.actor_kind IS NULL) AS is_silent
                FROM m_ci c WHERE c.commit_id = p.commit_id
            ) c ON true
        """,
        state="""
            CASE WHEN p.environment IS NULL THEN 'unknown:environment' WHEN c.is_by_service THEN 'true'
                 WHEN c.is_built AND c.is_silent THEN 'unknown:actor' WHEN c.is_built IS NOT NULL THEN 'false'
                 ELSE 'absent:trigger' END
        """,
    ),
    "google-preprod-rehearsal": Measure(
        population="pipeline_changes",
        joins=REHEARSALS,
        state="""
            CASE WHEN r.rehearsals >= 2 THEN 'true' WHEN r.is_told THEN 'false' ELSE 'unknown:environment' END
        """,
    ),
    "google-pipeline-lead-time": Measure(
        population="pipeline_changes",
        joins="LEFT JOIN m_commits c ON c.commit_id = p.commit_id",
        state="""
            CASE WHEN c.merged_at IS NULL THEN 'unknown:commit_detail' WHEN p.environment IS NULL
                 THEN 'unknown:environment' ELSE 'true' END
        """,
        value="GREATEST(0, extract(epoch FROM p.at - c.merged_at) / 86400)::float",
    ),
    "google-automated-triggering": Measure(
        population="production_training_runs",
        joins=EXECUTED,
        state="""
            CASE WHEN x.trigger = 'ci' THEN 'not_applicable'
                 WHEN p.environment IS NULL THEN CASE WHEN x.trigger IS NULL THEN 'unknown:trigger,environment'
                                                      ELSE 'unknown:environment' END
                 WHEN x.trigger IN ('schedule', 'event') THEN 'true' WHEN x.trigger = 'manual' THEN 'false'
                 ELSE 'unknown:trigger' END
        """,
    ),
    "google-registry-only-deploys": REGISTERED,
    "google-no-gate-bypass": Measure(
        population="deployments_started", state=f"CASE WHEN {VERDICT_BEFORE} THEN 'true' ELSE 'false' END"
    ),
    "google-performance-target": Measure(
        population="promotions",
        is_own_record=True,
        state=f"""
            CASE WHEN EXISTS (
                SELECT FROM m_rules f WHERE f.promotion_id = p.id AND {COMPARED} AND f.is_blocking AND f.has_limit
            ) THEN 'true' ELSE 'false' END
        """,
    ),
    "google-infra-compatibility": Measure(
        population="deployments_started",
        state=f"""
            CASE WHEN {passed("serving.infra", of=OF_VERSION, until="p.at")} THEN 'true'
                 WHEN {told(OF_VERSION)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "google-serving-api-test": Measure(
        population="deployments_started",
        state=f"""
            CASE WHEN {passed("serving.contract", of=OF_VERSION, until="p.at")} THEN 'true'
                 WHEN {told(OF_VERSION)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "google-load-test": Measure(
        population="online_endpoints",
        state=f"""
            CASE WHEN {passed("serving.load", of=OF_VERSION, within="180 days")}
                   OR {passed("serving.load", of=OF_COMMIT, within="180 days")} THEN 'true'
                 WHEN {told(OF_VERSION)} OR {told(OF_COMMIT)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "google-batch-data-validation": Measure(
        population="batch_scoring_runs",
        joins=CHECKED,
        state="""
            CASE WHEN c.inputs = 0 THEN 'unknown:consumed' WHEN c.some = c.inputs THEN 'true'
                 WHEN c.some > 0 THEN 'false' ELSE 'absent:test_result' END
        """,
    ),
    "google-monitoring-feeds-back": ANSWERED,
    "google-lineage-complete": Measure(
        population="production_versions",
        joins=PRODUCED,
        state="""
            CASE WHEN w.run IS NULL THEN 'absent:produced'
                 WHEN NOT EXISTS (SELECT FROM m_read r WHERE r.run = w.run AND r.version_id IS NOT NULL)
                      THEN 'absent:dataset_version'
                 WHEN w.commit_id IS NULL THEN 'absent:built_from_commit'
                 WHEN NOT p.is_deployed THEN 'unknown:deployed_as'
                 ELSE 'true' END
        """,
    ),
    "google-components-present": Measure(
        population="setup_parts",
        joins="""
            LEFT JOIN LATERAL (
                SELECT max(w.first_seen_at) AS newest_at, bool_or(w.commit_id IS NOT NULL) AS has_commit,
                       bool_or(s.is_orchestrated) AS is_orchestrated,
                       bool_or(EXISTS (SELECT FROM m_ci c WHERE c.commit_id = w.commit_id)
                               OR EXISTS (SELECT FROM m_results t WHERE t.commit_id = w.commit_id)) AS is_built
                FROM m_written w LEFT JOIN m_started_by s ON s.run = w.run
                WHERE w.model_id = p.model_id AND w.first_seen_at > %(as_of)s - interval '30 days'
                  AND EXISTS (SELECT FROM lineage_event e WHERE e.run = w.run AND e.sender_id IS NOT NULL)
            ) w ON true
        """,
        state="""
            CASE p.part
                WHEN 'source control' THEN CASE WHEN w.has_commit THEN 'true' ELSE 'unknown:built_from_commit' END
                WHEN 'model registry' THEN CASE WHEN w.newest_at IS NULL THEN 'unknown:model_version' ELSE 'true' END
                WHEN 'metadata store' THEN CASE WHEN w.newest_at IS NULL THEN 'unknown:run' ELSE 'true' END
                WHEN 'orchestrator' THEN CASE WHEN w.is_orchestrated THEN 'true' ELSE 'unknown:orchestrator' END
                WHEN 'build and test service' THEN CASE WHEN w.is_built THEN 'true' ELSE 'unknown:trigger' END
                WHEN 'feature store' THEN CASE WHEN EXISTS (SELECT FROM m_features f WHERE f.model_id = p.model_id)
                                               THEN 'true' ELSE 'unknown:feature_view' END
                ELSE CASE WHEN EXISTS (
                    SELECT FROM m_serving s JOIN lineage_event e ON e.run = s.run AND e.sender_id IS NOT NULL
                    WHERE s.model_id = p.model_id AND e.event_time > %(as_of)s - interval '30 days'
                      AND e.event_time <= %(as_of)s
                ) THEN 'true' ELSE 'unknown:deployment' END
            END
        """,
    ),
    "google-release-cadence": Measure(
        population="production_models",
        is_own_record=True,
        state="'true'",
        value="(SELECT count(*) FROM promotions v WHERE v.model = p.model)::float",
    ),
}

GOOGLE: Mapping[str, Measure] = {**LEVEL_1, **LEVEL_2}
