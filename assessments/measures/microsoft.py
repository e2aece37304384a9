"""What counts for each measured criterion of the Microsoft framework."""

from collections.abc import Mapping

from assessments.measures.expressions import (
    ANSWERED,
    AUTOMATIC_DELIVERY,
    FEATURES_USED,
    HAS_SAMPLES,
    OF_COMMIT,
    OF_PROMOTED,
    OF_PROMOTED_COMMIT,
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
    endpoints_tested,
    passed,
    told,
)

UNIT = ("app.unit", "feature.unit", "model.unit", "serving.unit")
INTEGRATION = ("app.integration", "pipeline.integration", "serving.contract")


def _in_time(event: str) -> str:
    """Whether an event came by itself and soon. What an archive brought later tells by when its collector had it."""
    return f"""
        SELECT bool_or(COALESCE(y.received_at, e.received_at) <= e.event_time + interval '1 hour') AS in_time
        FROM lineage_event e LEFT JOIN m_relayed y ON y.run = e.run
        WHERE {event} AND e.sender_id IS NOT NULL
          AND (y.received_at IS NOT NULL OR e.received_at <= e.event_time + interval '7 days')
    """


MICROSOFT: Mapping[str, Measure] = {
    "ms-automatic-data-pipeline": Measure(
        population="training_inputs",
        joins="""
            LEFT JOIN m_inputs i ON i.version_id = p.dataset_version_id
            LEFT JOIN m_executed x ON x.run = i.run
        """,
        state="""
            CASE WHEN x.trigger IN ('schedule', 'event', 'ci') THEN 'true' WHEN x.trigger = 'manual' THEN 'false'
                 WHEN i.run IS NOT NULL THEN 'unknown:trigger' ELSE 'unknown:produced,trigger' END
        """,
    ),
    "ms-scoring-code-versioned": Measure(
        population="production_endpoints",
        joins="""
            LEFT JOIN (
                SELECT DISTINCT e.target_id FROM lineage_edge e
                WHERE e.relation = 'built_from' AND e.valid_from <= %(as_of)s
            ) b ON b.target_id = p.deployment_id
        """,
        state="""
            CASE WHEN p.commit_id IS NOT NULL OR b.target_id IS NOT NULL THEN 'true'
                 ELSE 'absent:built_from_commit' END
        """,
    ),
    "ms-automated-builds": Measure(
        population="production_endpoints",
        state=f"""
            CASE WHEN p.commit_id IS NULL THEN 'unknown:built_from_commit,trigger'
                 WHEN EXISTS (SELECT FROM m_ci c WHERE c.commit_id = p.commit_id AND c.is_successful) THEN 'true'
                 WHEN EXISTS (SELECT FROM m_ci c WHERE c.commit_id = p.commit_id) OR {told(OF_COMMIT)} THEN 'false'
                 ELSE 'absent:trigger' END
        """,
    ),
    "ms-app-unit-tests": endpoints_tested(("app.unit",)),
    "ms-basic-integration-tests": Measure(
        population="production_versions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(t.category IN ('app.integration', 'serving.contract')) AS is_tested, count(*) AS results
                FROM m_tested t WHERE t.version_id = p.version_id OR t.version_id = (
                    SELECT b.version_id FROM m_written w JOIN m_written b ON b.model_id = w.model_id
                         AND b.first_seen_at < w.first_seen_at
                    WHERE w.version_id = p.version_id ORDER BY b.first_seen_at DESC LIMIT 1)
            ) t ON true
        """,
        state="""
            CASE WHEN t.is_tested THEN 'true' WHEN t.results > 0 THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "ms-automated-training": Measure(population="producing_runs", joins=ORCHESTRATION, state=ORCHESTRATED),
    "ms-recurring-training": RETRAINED,
    "ms-managed-compute": Measure(
        population="producing_runs",
        joins=f"{ORCHESTRATION} {RECORDED}",
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced' WHEN NOT s.is_orchestrated THEN 'false'
                 WHEN s.is_orchestrated AND x.image IS NOT NULL THEN 'true'
                 WHEN s.is_orchestrated THEN 'absent:run_facets' ELSE 'unknown:orchestrator,run_facets' END
        """,
    ),
    "ms-experiments-tracked": Measure(
        population="all_training_runs",
        joins=RECORDED,
        state="""
            CASE WHEN x.has_parameters AND o.has_metric THEN 'true'
                 WHEN x.has_parameters OR o.has_metric THEN 'false' ELSE 'absent:run_facets' END
        """,
    ),
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
        joins=RECORDED,
        state="""
            CASE WHEN p.run IS NULL THEN 'unknown:produced'
                 WHEN EXISTS (SELECT FROM m_read r WHERE r.run = p.run AND r.version_id IS NULL AND NOT EXISTS (
                                    SELECT FROM m_read pinned WHERE pinned.run = p.run
                                      AND pinned.dataset_id = r.dataset_id
                                      AND pinned.version_id IS NOT NULL)) THEN 'absent:dataset_version'
                 WHEN p.commit_id IS NULL THEN 'absent:built_from_commit'
                 WHEN x.has_parameters AND x.image IS NOT NULL THEN 'true'
                 ELSE 'absent:run_facets' END
        """,
    ),
    "ms-lifecycle-events": Measure(
        population="production_versions",
        joins=f"""
            LEFT JOIN m_written w ON w.version_id = p.version_id
            LEFT JOIN LATERAL ({_in_time("e.run = w.run AND e.event_time = w.ended_at")}) trained ON true
            LEFT JOIN LATERAL (
                SELECT s.first_run, s.began_at FROM m_served s
                WHERE s.model_id = p.model_id AND s.version_id = p.version_id
                ORDER BY s.began_at LIMIT 1
            ) s ON true
            LEFT JOIN LATERAL ({_in_time("e.run = s.first_run AND e.event_time = s.began_at")}) deployed ON true
        """,
        state="""
            CASE WHEN trained.in_time AND deployed.in_time THEN 'true'
                 WHEN NOT trained.in_time OR NOT deployed.in_time THEN 'false'
                 WHEN w.run IS NULL THEN 'unknown:produced' WHEN s.first_run IS NULL THEN 'unknown:deployed_as'
                 ELSE 'unknown:event_detail' END
        """,
    ),
    "ms-managed-feature-store": Measure(
        population="production_versions",
        state=f"CASE WHEN {FEATURES_USED} THEN 'true' ELSE 'absent:feature_view' END",
    ),
    "ms-scoring-code-tested": endpoints_tested(("serving.unit", "serving.contract")),
    "ms-engineering-manages-release": Measure(
        population="promotions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT x.actor AS author FROM m_written w JOIN m_executed x ON x.run = w.run
                WHERE w.version = p.version
            ) w ON true
            LEFT JOIN LATERAL (
                SELECT x.actor, x.actor_kind, x.actor_role FROM m_served s JOIN lineage_assetversion v
                     ON v.id = s.version_id JOIN m_executed x ON x.run = s.first_run
                WHERE v.uuid = p.version AND s.began_at >= p.at ORDER BY s.began_at LIMIT 1
            ) s ON true
        """,
        state="""
            CASE WHEN s.actor_kind = 'service' THEN 'true'
                 WHEN w.author IS NULL THEN 'unknown:actor'
                 WHEN EXISTS (SELECT FROM unnest(p.approvers) name WHERE name <> w.author) THEN 'true'
                 WHEN s.actor <> w.author AND s.actor_role IN ('engineering', 'release') THEN 'true'
                 WHEN s.actor IS NULL AND cardinality(p.approvers) = 0 THEN 'unknown:actor'
                 ELSE 'false' END
        """,
    ),
    "ms-easy-release": Measure(
        population="promotions",
        joins="""
            LEFT JOIN LATERAL (
                SELECT extract(epoch FROM min(s.full_at) - COALESCE(p.approved_at, p.at)) / 86400 AS days
                FROM m_served s JOIN lineage_assetversion v ON v.id = s.version_id
                WHERE v.uuid = p.version AND s.full_at >= p.at
            ) s ON true
        """,
        state="CASE WHEN s.days IS NULL THEN 'unknown:deployed_as' ELSE 'true' END",
        value="s.days::float",
    ),
    "ms-app-unit-tests-most": endpoints_tested(("app.unit",)),
    "ms-inputs-outputs-managed": Measure(
        population="production_endpoints",
        state=f"""
            CASE WHEN NOT EXISTS (SELECT FROM governance_ownership o
                                  WHERE o.asset = p.model AND o.period @> %(as_of)s::timestamptz) THEN 'false'
                 WHEN {passed("serving.contract", of=OF_VERSION, within="180 days")}
                   OR {passed("serving.contract", of=OF_COMMIT, within="180 days")} THEN 'true'
                 WHEN {told(OF_VERSION)} OR {told(OF_COMMIT)} THEN 'false' ELSE 'unknown:test_result,test_detail' END
        """,
    ),
    "ms-full-traceability": Measure(
        population="production_versions",
        joins=f"""
            {PRODUCED}
            LEFT JOIN LATERAL (
                SELECT count(*) FILTER (WHERE r.version_id IS NOT NULL) AS pinned,
                       bool_or(i.run IS NULL AND NOT EXISTS (
                           SELECT FROM lineage_runio o WHERE o.asset_id = r.dataset_id AND o.direction = 'output'
                             AND o.version_id IS NULL AND o.run_id <> w.run AND o.first_seen_at <= %(as_of)s)
                       AND NOT EXISTS (
                           SELECT FROM lineage_facetsighting s JOIN lineage_facetdocument d ON d.uuid = s.document_id
                           WHERE s.asset_id = r.dataset_id AND s.first_seen_at <= %(as_of)s AND d.body ? 'assay_source'
                       )) AS has_orphan
                FROM m_read r LEFT JOIN m_inputs i ON i.version_id = r.version_id WHERE r.run = w.run
            ) r ON true
        """,
        state="""
            CASE WHEN w.run IS NULL THEN 'absent:produced'
                 WHEN COALESCE(r.pinned, 0) = 0 THEN 'absent:dataset_version'
                 WHEN r.has_orphan THEN 'unknown:declared_source'
                 WHEN NOT p.is_deployed THEN 'unknown:deployed_as'
                 ELSE 'true' END
        """,
    ),
    "ms-environment-progression": Measure(
        population="promotions",
        joins=PROMOTED,
        state="""
            CASE WHEN EXISTS (SELECT FROM m_serving s WHERE s.version_id = q.version_id AND s.began_at <= p.at
                                AND s.environment IN ('dev', 'staging'))
                   OR EXISTS (SELECT FROM m_tested t WHERE t.version_id = q.version_id AND t.at <= p.at
                                AND t.environment IN ('dev', 'staging')) THEN 'true'
                 WHEN EXISTS (SELECT FROM m_serving s WHERE s.version_id = q.version_id AND s.environment IS NOT NULL)
                   OR EXISTS (SELECT FROM m_tested t WHERE t.version_id = q.version_id AND t.environment IS NOT NULL)
                      THEN 'false'
                 ELSE 'absent:environment' END
        """,
    ),
    "ms-registry-promotion": REGISTERED,
    "ms-automatic-release": AUTOMATIC_DELIVERY,
    "ms-cicd-managed-release": Measure(
        population="deployments_started",
        joins="""
            LEFT JOIN m_written w ON w.version_id = p.version_id
            LEFT JOIN LATERAL (
                SELECT count(*) AS builds, bool_or(c.is_successful AND EXISTS (
                    SELECT FROM m_passed v WHERE v.version = p.version AND v.at >= c.at AND v.at <= p.at)
                ) AS is_in_order
                FROM m_ci c WHERE c.commit_id IN (w.commit_id, p.commit_id)
            ) c ON true
        """,
        state=f"""
            CASE WHEN NOT {VERDICT_BEFORE} THEN 'false' WHEN c.is_in_order THEN 'true' WHEN c.builds > 0 THEN 'false'
                 ELSE 'absent:trigger' END
        """,
    ),
    "ms-ab-testing": Measure(population="replacing_online_deployments", state=ROLLED_OUT),
    "ms-release-tests": Measure(
        population="promotions",
        joins=PROMOTED,
        state=f"""
            CASE WHEN ({passed(*UNIT, of=OF_PROMOTED, until="q.until")}
                       OR {passed(*UNIT, of=OF_PROMOTED_COMMIT, until="q.until")})
                  AND ({passed(*INTEGRATION, of=OF_PROMOTED, until="q.until")}
                       OR {passed(*INTEGRATION, of=OF_PROMOTED_COMMIT, until="q.until")}) THEN 'true'
                 WHEN {told(OF_PROMOTED)} OR {told(OF_PROMOTED_COMMIT)} THEN 'false'
                 ELSE 'absent:test_result,test_detail' END
        """,
    ),
    "ms-app-integration-tests": endpoints_tested(("app.unit",), ("app.integration",)),
    "ms-all-code-tested": Measure(
        population="production_commits",
        state=f"""
            CASE WHEN EXISTS (SELECT FROM {OF_COMMIT} AND t.passed AND t.automated) THEN 'true'
                 WHEN {told(OF_COMMIT)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    ),
    # People who asked for, approved or carried out releases; a service counts through those who approve what it does.
    "ms-release-not-one-person": Measure(
        population="production_models",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT name) AS people, bool_or(is_told) AS is_told FROM (
                    SELECT unnest(v.approvers) AS name, true AS is_told FROM promotions v WHERE v.model = p.model
                    UNION ALL
                    SELECT v.requested_by, true FROM promotions v WHERE v.model = p.model AND v.is_person
                    UNION ALL
                    SELECT CASE WHEN x.actor_kind = 'person' THEN x.actor END, x.actor IS NOT NULL
                    FROM deployments_started d JOIN m_executed x ON x.run = d.first_run WHERE d.model_id = p.model_id
                ) said
            ) u ON true
        """,
        state="""
            CASE WHEN u.people >= 2 THEN 'true'
                 WHEN u.is_told AND EXISTS (SELECT FROM deployments_started d JOIN m_executed x ON x.run = d.first_run
                                            WHERE d.model_id = p.model_id AND x.actor IS NOT NULL) THEN 'false'
                 ELSE 'unknown:actor' END
        """,
    ),
    "ms-post-deploy-metrics": Measure(
        population="production_endpoints",
        joins=f"{WATCHED} {SAMPLED}",
        state=f"""
            CASE WHEN (o.is_watched OR n.kinds > 0) AND {HAS_SAMPLES} THEN 'true'
                 WHEN o.is_watched OR n.kinds > 0 THEN 'absent:decision_sample'
                 WHEN {HAS_SAMPLES} THEN 'absent:kpi_series' ELSE 'absent:kpi_series,decision_sample' END
        """,
    ),
    "ms-metric-triggered-retraining": Measure(
        population="actionable_alerts",
        state="""
            CASE WHEN p.is_false OR p.kind NOT IN ('drift', 'skew', 'staleness', 'quality') THEN 'not_applicable'
                 WHEN p.triggered_at <= p.at + interval '72 hours' THEN 'true'
                 WHEN p.at > %(as_of)s - interval '72 hours' THEN 'unknown:alert_detail' ELSE 'false' END
        """,
    ),
    "ms-automated-model-testing": Measure(
        population="production_training_runs",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(true) AS is_measured FROM lineage_observation o
                WHERE o.version_id = p.version_id AND o.dataset_id IS NOT NULL
                  AND o.measured_at BETWEEN p.started_at AND p.ended_at + interval '24 hours'
            ) o ON true
            LEFT JOIN LATERAL (
                SELECT count(*) AS results,
                       bool_or(t.automated AND t.at <= p.ended_at + interval '24 hours') AS is_tested
                FROM m_tested t WHERE t.version_id = p.version_id
            ) t ON true
        """,
        state="""
            CASE WHEN p.environment IS NULL THEN 'unknown:environment'
                 WHEN o.is_measured AND (t.is_tested OR EXISTS (
                     SELECT FROM m_verdicts v WHERE v.version = p.version AND v.at <= p.ended_at + interval '24 hours'
                       AND v.is_by_policy)) THEN 'true'
                 WHEN t.results > 0 OR o.is_measured THEN 'false' ELSE 'absent:evaluated_on,test_result' END
        """,
    ),
    "ms-central-metrics": Measure(
        population="production_endpoints",
        joins="""
            LEFT JOIN LATERAL (
                SELECT count(DISTINCT n.kind) FILTER (WHERE n.newest_at > %(as_of)s - interval '7 days') AS kinds,
                       count(*) AS ever
                FROM m_monitors n WHERE n.asset_id = p.model_id
                  AND n.kind IN ('service_health', 'input_data', 'model_quality', 'business_outcome')
            ) n ON true
        """,
        state="CASE WHEN n.kinds >= 3 THEN 'true' WHEN n.ever > 0 THEN 'false' ELSE 'absent:series_kind' END",
    ),
    "ms-feature-freshness": Measure(
        population="production_feature_views",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(n.newest_at > %(as_of)s - interval '24 hours') AS is_fresh FROM m_monitors n
                WHERE n.asset_id = p.dataset_id AND n.kind IN ('freshness', 'materialisation')
            ) n ON true
        """,
        state="""
            CASE WHEN n.is_fresh THEN 'true' WHEN NOT n.is_fresh THEN 'false' ELSE 'absent:kpi_series' END
        """,
    ),
    "ms-policy-promotion": Measure(
        population="promotions",
        is_own_record=True,
        state="CASE WHEN p.is_by_policy THEN 'true' ELSE 'false' END",
        unproven="""
            NOT EXISTS (SELECT FROM m_verdicts b WHERE b.model = p.model AND b.state = 'blocked' AND b.at > %(since)s)
            AND NOT EXISTS (SELECT FROM m_drills d JOIN lineage_asset a ON a.id = d.model_id
                            WHERE a.uuid = p.model AND d.rule = 'gate' AND d.passed)
        """,
    ),
    # A release failed when its predecessor came back or something critical was wrong within a week.
    "ms-low-change-failure": Measure(
        population="deployments_started",
        joins="""
            LEFT JOIN LATERAL (
                SELECT bool_or(a.severity = 'critical' AND NOT a.is_false AND a.at > p.at
                               AND a.at <= p.at + interval '7 days') AS is_critical, count(*) AS alerts
                FROM m_alerts a WHERE a.model_id = p.model_id
            ) a ON true
            LEFT JOIN LATERAL (SELECT count(*) AS monitors FROM m_monitors n WHERE n.asset_id = p.model_id) n ON true
        """,
        state="""
            CASE WHEN a.is_critical OR EXISTS (
                SELECT FROM m_serving s JOIN m_served b ON b.deployment_id = s.deployment_id AND b.model_id = s.model_id
                     AND b.version_id = s.version_id AND b.began_at < p.at
                WHERE s.deployment_id = p.deployment_id AND s.model_id = p.model_id
                  AND s.version_id IS DISTINCT FROM p.version_id
                  AND s.began_at > p.at AND s.began_at <= p.at + interval '7 days'
            ) THEN 'true'
                 WHEN a.alerts = 0 AND n.monitors = 0 THEN 'unknown:drift_alert,alert_detail'
                 WHEN p.at > %(as_of)s - interval '7 days' THEN 'unknown:alert_detail' ELSE 'false' END
        """,
    ),
    "ms-improvement-loop": ANSWERED,
}
