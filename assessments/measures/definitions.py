"""What counts, for each criterion: one SQL expression over its population, from which the query is made.

An expression gives `true`, `false`, `not_applicable`, or `unknown:<facts>` and `absent:<facts>` with the facts that
would make it known. Absent is settled by the team's other items: where they carry the fact, this one lacks it and is
false; where none does, nobody sends it, and it is unknown. Only facts that exist are asked for; a criterion that stands
on others says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How the items of one criterion are judged. `p` is a row of the population.

    `joins` add what the expression needs, one row per item. `unproven` marks a success that could not have failed;
    `value` is what a median is made of.
    """

    population: str
    state: str
    joins: str = ""
    value: str = "NULL::float"
    unproven: str = "false"
    # Where every item is unknown: the facts that would make it known. Such criteria share one query.
    lacks: tuple[str, ...] = ()
    # Facts of our own records are never stale, and as strong as the service itself.
    is_own_record: bool = False


def unknown(population: str, *facts: str) -> Measure:
    """A criterion that stands on facts no source of today brings: every item is unknown."""
    return Measure(population=population, state="'unknown'", lacks=facts)


ORCHESTRATION = "LEFT JOIN m_started_by s ON s.run = p.run"
ORCHESTRATED = """
    CASE WHEN p.run IS NULL THEN 'unknown:produced'
         WHEN s.is_orchestrated AND NOT p.is_successful THEN 'false'
         WHEN s.is_orchestrated THEN 'true'
         WHEN NOT s.is_orchestrated THEN 'false'
         ELSE 'unknown:orchestrator' END
"""
PRODUCED = "LEFT JOIN m_written w ON w.version_id = p.version_id"
# Whether a model was retrained lately is known; what started the run is not.
RETRAINED = Measure(
    population="production_models",
    joins="""
        LEFT JOIN LATERAL (SELECT max(w.ended_at) AS newest_at FROM m_written w
                           WHERE w.model_id = p.model_id AND w.is_successful) w ON true
    """,
    state="""
        CASE WHEN w.newest_at > %(as_of)s - interval '90 days' THEN 'unknown:trigger'
             WHEN w.newest_at > %(as_of)s - interval '365 days' THEN 'unknown:retrain_interval,trigger'
             WHEN w.newest_at IS NOT NULL THEN 'false'
             ELSE 'unknown:produced' END
    """,
)
REGISTERED = Measure(
    population="deployments_started", state="CASE WHEN p.version_id IS NULL THEN 'false' ELSE 'true' END"
)
VERDICT_BEFORE = "EXISTS (SELECT FROM m_passed v WHERE v.version = p.version AND v.at <= p.at)"
# Finding.outcome is what the check said; only a number that was really compared counts.
COMPARED = "f.check_id = 'kpi' AND f.outcome IN ('pass', 'fail')"
# A measurement of the served version in the last week, not by the run that made it.
WATCHED = """
    LEFT JOIN LATERAL (
        SELECT bool_or(o.measured_at > %(as_of)s - interval '7 days') AS is_watched,
               count(*) FILTER (WHERE o.measured_at > %(as_of)s - interval '30 days') > 1
               AND count(DISTINCT (o.metric, o.segment, o.value)) FILTER (
                   WHERE o.measured_at > %(as_of)s - interval '30 days')
                 = count(DISTINCT (o.metric, o.segment)) FILTER (
                   WHERE o.measured_at > %(as_of)s - interval '30 days') AS is_still
        FROM lineage_observation o
        WHERE o.version_id = p.version_id AND o.value IS NOT NULL AND o.measured_at <= %(as_of)s
          AND NOT EXISTS (SELECT FROM m_written w WHERE w.version_id = p.version_id AND w.run = o.run)
    ) o ON true
"""
TESTS_OF_ENDPOINTS = unknown("production_endpoints", "test_result", "test_detail")
TESTS_OF_PROMOTIONS = unknown("promotions", "test_result", "test_detail")
TESTS_OF_DEPLOYMENTS = unknown("deployments_started", "test_result", "test_detail")
TESTS_OF_COMMITS = unknown("production_commits", "test_result", "test_detail")
AUTOMATIC_DELIVERY = unknown("deployments_started", "trigger", "actor")
ALERTS = unknown("actionable_alerts", "drift_alert", "alert_detail")
FEATURES = unknown("production_versions", "feature_view")
ROLLOUTS = unknown("replacing_online_deployments", "rollout")

GOOGLE: Mapping[str, Measure] = {
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
    "google-fresh-training-data": unknown("production_training_runs", "environment", "trigger"),
    "google-dev-prod-symmetry": unknown("producing_runs", "environment"),
    "google-automated-model-delivery": AUTOMATIC_DELIVERY,
    "google-pipeline-in-production": Measure(
        population="production_models",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(*) FILTER (WHERE w.ended_at > %(as_of)s - interval '180 days') AS recent, count(*) AS ever
                FROM m_written w WHERE w.model_id = p.model_id AND w.is_successful AND w.job_id IN (
                    SELECT r.job_id FROM producing_runs r WHERE r.model_id = p.model_id)
            ) w ON true
        """,
        state="""
            CASE WHEN w.recent >= 2 THEN 'unknown:environment'
                 WHEN w.ever = 0 THEN 'unknown:produced'
                 WHEN w.ever = 1 THEN 'false'
                 ELSE 'unknown:retrain_interval,environment' END
        """,
    ),
    "google-data-validation": unknown("production_training_runs", "test_result", "test_detail", "environment"),
    "google-validation-stops-pipeline": TESTS_OF_PROMOTIONS,
    "google-offline-evaluation": Measure(
        population="production_versions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(o.dataset_id IS NOT NULL AND NOT EXISTS (
                           SELECT FROM lineage_runio io JOIN m_written w ON w.run = io.run_id
                           WHERE w.version_id = p.version_id AND io.direction = 'input'
                             AND io.version_id = o.dataset_id)) AS is_held_out,
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
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(mine ->> 'dataset' = theirs ->> 'dataset') AS is_same,
                       bool_or(mine ->> 'dataset' IS NULL OR theirs ->> 'dataset' IS NULL) AS is_unnamed
                FROM policies_finding f,
                     jsonb_array_elements(f.facts -> 'measurements') mine,
                     jsonb_array_elements(f.facts -> 'production_measurements') theirs
                WHERE f.promotion_id = p.id AND f.check_id = 'kpi' AND f.outcome IN ('pass', 'fail')
                  AND f.parameters ->> 'not_worse_than_production_by' IS NOT NULL
                  AND mine ->> 'metric' = theirs ->> 'metric' AND mine ->> 'segment' = theirs ->> 'segment'
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
                SELECT count(DISTINCT f.parameters ->> 'segment') AS limits
                FROM policies_finding f JOIN m_passed v ON v.id = f.promotion_id
                WHERE v.version = p.version AND {COMPARED} AND COALESCE(f.parameters ->> 'segment', '') <> ''
            ) f ON true
        """,
        state="""
            CASE WHEN o.segments >= 2 AND f.limits >= 2 THEN 'true' WHEN o.segments >= 1 THEN 'false'
                 ELSE 'absent:segments' END
        """,
    ),
    "google-deployability-check": TESTS_OF_PROMOTIONS,
    "google-online-validation": ROLLOUTS,
    "google-run-metadata": Measure(
        population="producing_runs",
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced'
                 WHEN p.started_at IS NULL OR p.ended_at IS NULL THEN 'false'
                 WHEN p.commit_id IS NULL THEN 'absent:built_from_commit'
                 ELSE 'unknown:run_facets' END
        """,
    ),
    "google-rollback-target": Measure(
        population="production_endpoints",
        state="""
            CASE WHEN (SELECT count(DISTINCT s.version_id) FROM m_served s
                       WHERE s.deployment_id = p.deployment_id AND s.model_id = p.model_id) > 1
                 THEN 'unknown:registry_state' ELSE 'not_applicable' END
        """,
    ),
    "google-active-monitoring": Measure(
        population="production_endpoints",
        joins=WATCHED,
        state="CASE WHEN o.is_watched THEN 'true' ELSE 'absent:kpi_series' END",
        unproven="COALESCE(o.is_still, false)",
    ),
    "google-prediction-logging": unknown("production_endpoints", "decision_sample"),
    "google-degradation-trigger": unknown("production_models", "drift_alert", "trigger"),
    "google-feature-store": FEATURES,
    "google-source-control": Measure(
        population="production_versions",
        joins=PRODUCED,
        state="""
            CASE WHEN w.commit_id IS NOT NULL THEN 'unknown:commit_detail'
                 ELSE 'unknown:built_from_commit,commit_detail' END
        """,
    ),
    "google-reviewed-change": unknown("production_commits", "commit_detail"),
    "google-ci-per-commit": TESTS_OF_COMMITS,
    "google-ci-test-breadth": TESTS_OF_COMMITS,
    "google-pipeline-cd": unknown("pipeline_changes", "environment", "actor"),
    "google-preprod-rehearsal": unknown("pipeline_changes", "environment"),
    "google-pipeline-lead-time": unknown("pipeline_changes", "environment", "commit_detail"),
    "google-automated-triggering": unknown("production_training_runs", "trigger", "environment"),
    "google-registry-only-deploys": REGISTERED,
    "google-no-gate-bypass": Measure(
        population="deployments_started", state=f"CASE WHEN {VERDICT_BEFORE} THEN 'true' ELSE 'false' END"
    ),
    "google-performance-target": Measure(
        population="promotions",
        is_own_record=True,
        state=f"""
            CASE WHEN EXISTS (
                SELECT FROM policies_finding f WHERE f.promotion_id = p.id AND {COMPARED} AND f.mode = 'enforce'
                  AND (f.parameters ->> 'minimum' IS NOT NULL OR f.parameters ->> 'maximum' IS NOT NULL)
            ) THEN 'true' ELSE 'false' END
        """,
    ),
    "google-infra-compatibility": TESTS_OF_DEPLOYMENTS,
    "google-serving-api-test": TESTS_OF_DEPLOYMENTS,
    "google-load-test": unknown("online_endpoints", "test_result", "rollout"),
    "google-batch-data-validation": unknown("batch_scoring_runs", "rollout", "test_result"),
    "google-monitoring-feeds-back": ALERTS,
    "google-lineage-complete": Measure(
        population="production_versions",
        joins=PRODUCED,
        state="""
            CASE WHEN w.run IS NULL THEN 'absent:produced'
                 WHEN NOT EXISTS (SELECT FROM lineage_runio io WHERE io.run_id = w.run AND io.direction = 'input'
                                    AND io.version_id IS NOT NULL) THEN 'absent:dataset_version'
                 WHEN w.commit_id IS NULL THEN 'absent:built_from_commit'
                 WHEN NOT p.is_deployed THEN 'unknown:deployed_as'
                 ELSE 'true' END
        """,
    ),
    "google-components-present": Measure(
        population="setup_parts",
        joins="""
            LEFT JOIN LATERAL (
                SELECT max(r.last_event_at) AS newest_at, bool_or(r.commit_id IS NOT NULL) AS has_commit,
                       bool_or(s.is_orchestrated) AS is_orchestrated
                FROM m_written w JOIN lineage_run r ON r.uuid = w.run LEFT JOIN m_started_by s ON s.run = w.run
                WHERE w.model_id = p.model_id AND w.first_seen_at > %(as_of)s - interval '30 days'
                  AND EXISTS (SELECT FROM lineage_event e WHERE e.run = r.uuid AND e.sender_id IS NOT NULL)
            ) w ON true
        """,
        state="""
            CASE p.part
                WHEN 'source control' THEN CASE WHEN w.has_commit THEN 'true' ELSE 'unknown:built_from_commit' END
                WHEN 'model registry' THEN CASE WHEN w.newest_at IS NULL THEN 'unknown:model_version' ELSE 'true' END
                WHEN 'metadata store' THEN CASE WHEN w.newest_at IS NULL THEN 'unknown:run' ELSE 'true' END
                WHEN 'orchestrator' THEN CASE WHEN w.is_orchestrated THEN 'true' ELSE 'unknown:orchestrator' END
                WHEN 'deployment service' THEN CASE WHEN EXISTS (
                    SELECT FROM m_served s JOIN lineage_run r ON r.job_id = s.deployment_id
                    JOIN lineage_event e ON e.run = r.uuid AND e.sender_id IS NOT NULL
                    WHERE s.model_id = p.model_id AND e.event_time > %(as_of)s - interval '30 days'
                      AND e.event_time <= %(as_of)s
                ) THEN 'true' ELSE 'unknown:deployment' END
                WHEN 'feature store' THEN 'unknown:feature_view'
                ELSE 'unknown:trigger' END
        """,
    ),
    "google-release-cadence": Measure(
        population="production_models",
        is_own_record=True,
        state="'true'",
        value="(SELECT count(*) FROM promotions v WHERE v.model = p.model)::float",
    ),
}

MICROSOFT: Mapping[str, Measure] = {
    "ms-automatic-data-pipeline": Measure(
        population="training_inputs",
        state="""
            CASE WHEN EXISTS (SELECT FROM lineage_runio io WHERE io.asset_id = p.dataset_id AND io.direction = 'output'
                                AND io.first_seen_at <= %(as_of)s
                                AND (io.version_id = p.dataset_version_id OR io.version_id IS NULL))
                 THEN 'unknown:trigger' ELSE 'unknown:produced,trigger' END
        """,
    ),
    "ms-scoring-code-versioned": Measure(
        population="production_endpoints",
        state="""
            CASE WHEN EXISTS (SELECT FROM lineage_edge e WHERE e.target_id = p.deployment_id
                                AND e.relation = 'built_from' AND e.valid_from <= %(as_of)s)
                 THEN 'true' ELSE 'absent:built_from_commit' END
        """,
    ),
    "ms-automated-builds": unknown("production_endpoints", "trigger", "test_result"),
    "ms-app-unit-tests": TESTS_OF_ENDPOINTS,
    "ms-basic-integration-tests": unknown("production_versions", "test_result", "test_detail"),
    "ms-automated-training": Measure(population="producing_runs", joins=ORCHESTRATION, state=ORCHESTRATED),
    "ms-recurring-training": RETRAINED,
    "ms-managed-compute": Measure(
        population="producing_runs",
        joins=ORCHESTRATION,
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced' WHEN NOT s.is_orchestrated THEN 'false'
                 WHEN s.is_orchestrated THEN 'unknown:run_facets' ELSE 'unknown:orchestrator,run_facets' END
        """,
    ),
    "ms-experiments-tracked": unknown("all_training_runs", "run_facets"),
    "ms-training-code-versioned": Measure(
        population="production_versions",
        joins=PRODUCED,
        state="""
            CASE WHEN p.version_id IS NULL THEN 'false' WHEN w.commit_id IS NOT NULL THEN 'true'
                 ELSE 'absent:built_from_commit' END
        """,
    ),
    "ms-reproducible-inputs": Measure(
        population="producing_runs",
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced'
                 WHEN EXISTS (SELECT FROM lineage_runio io WHERE io.run_id = p.run AND io.direction = 'input'
                                AND io.version_id IS NULL AND NOT EXISTS (
                                    SELECT FROM lineage_runio pinned WHERE pinned.run_id = p.run
                                      AND pinned.direction = 'input' AND pinned.asset_id = io.asset_id
                                      AND pinned.version_id IS NOT NULL)) THEN 'absent:dataset_version'
                 WHEN p.commit_id IS NULL THEN 'absent:built_from_commit'
                 ELSE 'unknown:run_facets' END
        """,
    ),
    "ms-lifecycle-events": Measure(
        population="production_versions",
        joins="""
            LEFT JOIN m_written w ON w.version_id = p.version_id
            LEFT JOIN LATERAL (
                SELECT bool_or(e.sender_id IS NOT NULL AND e.received_at <= e.event_time + interval '1 hour') AS in_time
                FROM lineage_event e WHERE e.run = w.run AND e.event_time = w.ended_at
            ) trained ON true
            LEFT JOIN LATERAL (
                SELECT bool_or(e.sender_id IS NOT NULL AND e.received_at <= e.event_time + interval '1 hour') AS in_time
                FROM deployments_started s JOIN lineage_event e ON e.run = s.first_run AND e.event_time = s.at
                WHERE s.model_id = p.model_id AND s.version_id = p.version_id
            ) deployed ON true
        """,
        state="""
            CASE WHEN trained.in_time AND deployed.in_time THEN 'true'
                 WHEN NOT trained.in_time OR NOT deployed.in_time THEN 'false'
                 WHEN trained.in_time IS NULL THEN 'unknown:produced' ELSE 'unknown:deployed_as' END
        """,
    ),
    "ms-managed-feature-store": FEATURES,
    "ms-scoring-code-tested": TESTS_OF_ENDPOINTS,
    "ms-engineering-manages-release": unknown("promotions", "actor"),
    "ms-easy-release": Measure(
        population="promotions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT extract(epoch FROM min(s.began_at) - COALESCE(
                    (SELECT max(a.decided_at) FROM policies_approval a
                     WHERE a.promotion_id = p.id AND a.decision = 'approve'), p.at)) / 86400 AS days
                FROM m_served s JOIN lineage_assetversion v ON v.id = s.version_id
                WHERE v.uuid = p.version AND s.began_at >= p.at
            ) s ON true
        """,
        state="CASE WHEN s.days IS NULL THEN 'unknown:deployed_as' ELSE 'true' END",
        value="s.days::float",
    ),
    "ms-app-unit-tests-most": TESTS_OF_ENDPOINTS,
    "ms-inputs-outputs-managed": TESTS_OF_ENDPOINTS,
    "ms-full-traceability": Measure(
        population="production_versions",
        joins=PRODUCED,
        state="""
            CASE WHEN w.run IS NULL THEN 'absent:produced'
                 WHEN NOT EXISTS (SELECT FROM lineage_runio io WHERE io.run_id = w.run AND io.direction = 'input'
                                    AND io.version_id IS NOT NULL) THEN 'absent:dataset_version'
                 WHEN EXISTS (SELECT FROM lineage_runio io WHERE io.run_id = w.run AND io.direction = 'input'
                                AND NOT EXISTS (SELECT FROM lineage_runio o WHERE o.asset_id = io.asset_id
                                                  AND o.direction = 'output' AND o.run_id <> io.run_id
                                                  AND (o.version_id = io.version_id OR o.version_id IS NULL)))
                      THEN 'unknown:declared_source'
                 WHEN NOT p.is_deployed THEN 'unknown:deployed_as'
                 ELSE 'true' END
        """,
    ),
    "ms-environment-progression": unknown("promotions", "environment"),
    "ms-registry-promotion": REGISTERED,
    "ms-automatic-release": AUTOMATIC_DELIVERY,
    "ms-cicd-managed-release": Measure(
        population="deployments_started", state=f"CASE WHEN {VERDICT_BEFORE} THEN 'unknown:trigger' ELSE 'false' END"
    ),
    "ms-ab-testing": ROLLOUTS,
    "ms-release-tests": TESTS_OF_PROMOTIONS,
    "ms-app-integration-tests": TESTS_OF_ENDPOINTS,
    "ms-all-code-tested": TESTS_OF_COMMITS,
    "ms-release-not-one-person": Measure(
        population="production_models",
        is_own_record=True,
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT u.id) AS people
                FROM promotions v JOIN policies_promotion q ON q.id = v.id
                LEFT JOIN policies_approval a ON a.promotion_id = q.id AND a.decision = 'approve'
                JOIN governance_user u ON u.id IN (q.requested_by_id, a.user_id) AND NOT u.is_service
                WHERE v.model = p.model
            ) u ON true
        """,
        state="CASE WHEN u.people >= 2 THEN 'true' ELSE 'unknown:actor' END",
    ),
    "ms-post-deploy-metrics": Measure(
        population="production_endpoints",
        joins=WATCHED,
        state="CASE WHEN o.is_watched THEN 'unknown:decision_sample' ELSE 'unknown:kpi_series,decision_sample' END",
    ),
    "ms-metric-triggered-retraining": ALERTS,
    "ms-automated-model-testing": unknown("production_training_runs", "environment", "test_result"),
    "ms-central-metrics": unknown("production_endpoints", "series_kind"),
    "ms-feature-freshness": unknown("production_feature_views", "feature_view", "kpi_series"),
    "ms-policy-promotion": Measure(
        population="promotions",
        is_own_record=True,
        state="""
            CASE WHEN EXISTS (SELECT FROM policies_finding f WHERE f.promotion_id = p.id AND f.mode = 'enforce'
                                AND f.policy_version_id IS NOT NULL) THEN 'true' ELSE 'false' END
        """,
        unproven="""
            NOT EXISTS (SELECT FROM policies_promotion b WHERE b.model = p.model AND b.state = 'blocked'
                          AND b.decided_at > %(since)s AND b.decided_at <= %(as_of)s)
        """,
    ),
    "ms-low-change-failure": Measure(
        population="deployments_started",
        state="""
            CASE WHEN EXISTS (
                SELECT FROM lineage_runio io JOIN lineage_run r ON r.uuid = io.run_id
                JOIN m_served b ON b.deployment_id = p.deployment_id AND b.model_id = p.model_id
                     AND b.version_id = io.version_id AND b.began_at < p.at
                WHERE r.job_id = p.deployment_id AND io.asset_id = p.model_id AND io.direction = 'input'
                  AND io.version_id IS DISTINCT FROM p.version_id
                  AND io.first_seen_at > p.at AND io.first_seen_at <= LEAST(p.at + interval '7 days', %(as_of)s)
            ) THEN 'true' ELSE 'unknown:drift_alert,alert_detail' END
        """,
    ),
    "ms-improvement-loop": ALERTS,
}

MEASURES: Mapping[str, Measure] = {**GOOGLE, **MICROSOFT}

# Measures printed beside an answer: those that can speak against it today.
CORROBORATIONS: Mapping[str, Measure] = {
    "google-shared-operation": Measure(
        population="promotions",
        joins="LEFT JOIN m_written w ON w.version = p.version",
        state="CASE WHEN w.run IS NULL THEN 'true' ELSE 'false' END",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMeasure:
    """Whether a model earned the full point of a test. `p` is a row of production_models."""

    full: str


# The tests whose proof is in the history of the gate. The rest stands on results of tests, which no source brings yet.
TESTS: Mapping[str, TestMeasure] = {
    "mlts-infra-4-validated-before-serving": TestMeasure(
        full=f"""
            CASE WHEN NOT EXISTS (SELECT FROM deployments_started d WHERE d.model = p.model) THEN 'unknown:deployed_as'
                 WHEN EXISTS (SELECT FROM deployments_started d WHERE d.model = p.model AND NOT EXISTS (
                     SELECT FROM m_passed v JOIN policies_finding f ON f.promotion_id = v.id AND {COMPARED}
                     WHERE v.version = d.version AND v.at <= d.at)) THEN 'false' ELSE 'true' END
        """,
    ),
    "mlts-model-6-slices": TestMeasure(
        full=f"""
            CASE WHEN NOT EXISTS (SELECT FROM promotions v WHERE v.model = p.model) THEN 'unknown:promotion'
                 WHEN EXISTS (SELECT FROM promotions v WHERE v.model = p.model AND (
                     SELECT count(DISTINCT f.parameters ->> 'segment') FROM policies_finding f
                     WHERE f.promotion_id = v.id AND {COMPARED} AND COALESCE(f.parameters ->> 'segment', '') <> '') < 2)
                 THEN 'false' ELSE 'true' END
        """,
    ),
}
