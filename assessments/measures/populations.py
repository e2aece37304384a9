"""The populations that measures count, as temporary tables made once for all teams and all measures.

Every row names the model it belongs to, since a model's owner is whom its items are attributed to. `at` is set for
events. They stand on the tables of `facts`; the parameters are the same.
"""

from assessments.measures import facts, rubric
from assessments.measures.facts import PRODUCTION, Table

POPULATIONS = (
    # Versions in production: what open deployments read last, else what was promoted last.
    Table(
        name="production_versions",
        query="""
            WITH open AS (
                SELECT DISTINCT ON (deployment_id, model_id) * FROM m_served WHERE full_at IS NOT NULL
                ORDER BY deployment_id, model_id, newest_at DESC, version_id DESC NULLS LAST
            ), live AS (
                SELECT model_id, version_id, min(began_at) AS since, true AS is_deployed
                FROM open WHERE ended_at IS NULL GROUP BY 1, 2
                UNION ALL
                SELECT m.id, v.id, p.at, false
                FROM (SELECT DISTINCT ON (model) * FROM m_passed ORDER BY model, at DESC, id DESC) p
                JOIN lineage_asset m ON m.uuid = p.model
                JOIN lineage_assetversion v ON v.uuid = p.version
                WHERE NOT EXISTS (SELECT FROM m_served s WHERE s.model_id = m.id)
            )
            SELECT m.uuid AS model, m.id AS model_id, COALESCE(v.uuid, m.uuid) AS asset,
                   m.name || ' ' || COALESCE(v.key, '(no version)') AS label, NULL::timestamptz AS at,
                   v.id AS version_id, v.uuid AS version, l.since, l.is_deployed
            FROM live l JOIN lineage_asset m ON m.id = l.model_id
            LEFT JOIN lineage_assetversion v ON v.id = l.version_id
            WHERE l.since <= %(as_of)s - interval '24 hours'
        """,
        keys=("model", "version_id"),
    ),
    Table(
        name="production_models",
        query="""
            SELECT p.model, p.model_id, p.model AS asset, m.name AS label, NULL::timestamptz AS at,
                   d.retrain_days, d.maximum_age_days, d.label_delay_days
            FROM (SELECT DISTINCT model, model_id FROM production_versions) p
            JOIN lineage_asset m ON m.id = p.model_id
            LEFT JOIN LATERAL (
                SELECT (b ->> 'retrainEveryDays')::float AS retrain_days, (b ->> 'maximumAgeDays')::float
                       AS maximum_age_days, (b ->> 'labelDelayDays')::float AS label_delay_days
                FROM (
                    SELECT f.body -> 'assay_model' AS b
                    FROM lineage_facetsighting s JOIN lineage_facetdocument f ON f.uuid = s.document_id
                    WHERE s.asset_id = p.model_id AND s.first_seen_at <= %(as_of)s AND f.body ? 'assay_model'
                    ORDER BY s.last_seen_at DESC, s.last_digest DESC LIMIT 1
                ) declared
                WHERE COALESCE(jsonb_typeof(b -> 'retrainEveryDays'), 'number') = 'number'
                  AND COALESCE(jsonb_typeof(b -> 'maximumAgeDays'), 'number') = 'number'
                  AND COALESCE(jsonb_typeof(b -> 'labelDelayDays'), 'number') = 'number'
            ) d ON true
        """,
        keys=("model", "model_id"),
    ),
    Table(
        name="production_endpoints",
        query="""
            SELECT DISTINCT ON (s.deployment_id, s.model_id) s.model, s.model_id, s.deployment AS asset,
                   s.deployment_name AS label, NULL::timestamptz AS at, s.deployment_id, s.version_id, s.kind,
                   s.commit_id
            FROM m_served s JOIN production_versions p ON p.model_id = s.model_id AND p.is_deployed
                 AND p.version_id IS NOT DISTINCT FROM s.version_id
            WHERE s.ended_at IS NULL AND s.full_at IS NOT NULL
            ORDER BY s.deployment_id, s.model_id, s.newest_at DESC, s.version_id DESC NULLS LAST
        """,
        keys=("deployment_id", "model_id"),
    ),
    # A service answers requests unless its platform says otherwise.
    Table(
        name="online_endpoints",
        query="SELECT * FROM production_endpoints WHERE COALESCE(kind, 'online') = 'online'",
    ),
    Table(name="batch_endpoints", query="SELECT * FROM production_endpoints WHERE kind = 'batch'"),
    Table(
        name="producing_runs",
        query="""
            SELECT p.model, p.model_id, COALESCE(w.job, p.asset) AS asset, p.label, NULL::timestamptz AS at,
                   p.version_id, w.run, w.job_id, w.commit_id, w.started_at, w.ended_at, w.is_successful
            FROM production_versions p LEFT JOIN (
                SELECT w.*, j.uuid AS job FROM m_written w JOIN lineage_asset j ON j.id = w.job_id
            ) w ON w.version_id = p.version_id
        """,
        keys=("run", "model_id", "job_id"),
    ),
    Table(
        name="all_training_runs",
        query="""
            SELECT w.model, w.model_id, j.uuid AS asset, w.label, w.first_seen_at AS at, w.run, w.version_id, w.version,
                   w.is_successful, w.started_at, w.ended_at, w.commit_id, x.environment
            FROM m_written w JOIN lineage_asset j ON j.id = w.job_id LEFT JOIN m_executed x ON x.run = w.run
            WHERE w.first_seen_at > %(since)s
        """,
        keys=("run", "model_id"),
    ),
    # Where nobody says in which environment, a run may be one of production.
    Table(
        name="production_training_runs",
        query=f"""
            SELECT t.*, b.started_at AS before_started_at, b.version_id AS before_version_id
            FROM all_training_runs t
            LEFT JOIN LATERAL (
                SELECT COALESCE(w.started_at, w.first_seen_at) AS started_at, w.version_id FROM m_written w
                WHERE w.model_id = t.model_id AND w.first_seen_at < t.at AND w.is_successful
                ORDER BY w.first_seen_at DESC LIMIT 1
            ) b ON true
            WHERE t.is_successful AND COALESCE(t.environment, '{PRODUCTION}') = '{PRODUCTION}'
        """,
        keys=("run",),
    ),
    Table(
        name="training_inputs",
        query="""
            SELECT DISTINCT p.model, p.model_id, COALESCE(r.version, r.dataset) AS asset,
                   r.name || ' ' || COALESCE(r.key, '(no version)') AS label, NULL::timestamptz AS at,
                   r.dataset_id, r.version_id AS dataset_version_id, r.dataset, r.version AS dataset_version
            FROM producing_runs p JOIN m_read r ON r.run = p.run
        """,
        keys=("model", "dataset_id"),
    ),
    Table(
        name="deployments_started",
        query="""
            SELECT s.model, s.model_id, s.deployment AS asset,
                   s.deployment_name || ': ' || s.model_name || ' ' || COALESCE(v.key, '(no version)') AS label,
                   s.full_at AS at, s.deployment_id, s.version_id, v.uuid AS version, s.first_run, s.partial_at,
                   s.kind, s.commit_id,
                   EXISTS (SELECT FROM m_served b WHERE b.deployment_id = s.deployment_id AND b.model_id = s.model_id
                             AND b.full_at < s.full_at) AS is_replacing
            FROM m_served s LEFT JOIN lineage_assetversion v ON v.id = s.version_id
            WHERE s.full_at > %(since)s AND NOT s.is_rollback
        """,
        keys=("model", "model_id", "version"),
    ),
    Table(
        name="replacing_online_deployments",
        query="SELECT * FROM deployments_started WHERE is_replacing AND COALESCE(kind, 'online') = 'online'",
    ),
    # Scoring in bulk: one item for each run of a batch deployment that read a model version.
    Table(
        name="batch_scoring_runs",
        query="""
            SELECT b.model, b.model_id, b.asset, b.label, s.began_at AS at, s.run, s.ended_at
            FROM batch_endpoints b JOIN m_serving s ON s.deployment_id = b.deployment_id AND s.model_id = b.model_id
            WHERE s.began_at > %(since)s
        """,
        keys=("run",),
    ),
    Table(
        name="promotions",
        query="SELECT p.* FROM m_passed p WHERE p.at > %(since)s",
        keys=("id", "model", "version"),
    ),
    Table(name="replacing_promotions", query="SELECT * FROM promotions WHERE is_replacing", keys=("id",)),
    Table(
        name="production_commits",
        query="""
            SELECT DISTINCT p.model, c.uuid AS asset, r.name || ' ' || c.key AS label, NULL::timestamptz AS at,
                   c.id AS commit_id
            FROM (SELECT model, commit_id FROM producing_runs UNION SELECT model, commit_id FROM production_endpoints) p
            JOIN lineage_assetversion c ON c.id = p.commit_id
            JOIN lineage_asset r ON r.id = c.asset_id
        """,
    ),
    # The first run in production of each commit of a training job, but for the first commit of all.
    Table(
        name="pipeline_changes",
        query=f"""
            WITH first_runs AS (
                SELECT DISTINCT ON (r.job_id, r.commit_id) r.job_id, r.commit_id, r.at, r.run, x.environment
                FROM m_job_runs r LEFT JOIN m_executed x ON x.run = r.run
                WHERE r.commit_id IS NOT NULL AND COALESCE(x.environment, '{PRODUCTION}') = '{PRODUCTION}'
                ORDER BY r.job_id, r.commit_id, r.at, r.run
            ), changes AS (
                SELECT f.*, row_number() OVER (PARTITION BY f.job_id ORDER BY f.at, f.run) AS place FROM first_runs f
            )
            SELECT DISTINCT p.model, p.model_id, c.uuid AS asset, j.name || ' ' || c.key AS label, f.at, f.job_id,
                   f.commit_id, f.run, f.environment
            FROM changes f JOIN producing_runs p ON p.job_id = f.job_id
            JOIN lineage_assetversion c ON c.id = f.commit_id JOIN lineage_asset j ON j.id = f.job_id
            WHERE f.place > 1 AND f.at > %(since)s
        """,
    ),
    # One cause counts once in 24 hours. A drill stands in where nothing fired.
    Table(
        name="actionable_alerts",
        query="""
            WITH fired AS (
                SELECT a.*, lag(a.at) OVER (PARTITION BY a.model_id, a.kind ORDER BY a.at, a.id) AS before_at
                FROM m_alerts a WHERE a.severity IN ('warning', 'critical')
            )
            SELECT a.model, a.model_id, COALESCE(v.uuid, a.model) AS asset, m.name || ': ' || a.id AS label, a.at, a.id,
                   a.kind, a.severity, a.is_false AND a.closed_at <= a.at + interval '72 hours' AS is_false,
                   a.answered_at, a.triggered_at, false AS is_drill
            FROM fired a JOIN production_models p ON p.model_id = a.model_id
            JOIN lineage_asset m ON m.id = a.model_id LEFT JOIN lineage_assetversion v ON v.id = a.version_id
            WHERE a.before_at IS NULL OR a.at > a.before_at + interval '24 hours'
            UNION ALL
            SELECT p.model, p.model_id, p.model, p.label || ': drill', d.at, NULL, 'drift', 'warning', false,
                   CASE WHEN d.passed THEN d.at END, CASE WHEN d.passed THEN d.at END, true
            FROM m_drills d JOIN production_models p ON p.model_id = d.model_id
            WHERE d.rule = 'alert' AND d.at > %(as_of)s - interval '180 days' AND NOT EXISTS (
                SELECT FROM m_alerts a WHERE a.model_id = d.model_id AND a.severity IN ('warning', 'critical')
                  AND a.at > %(as_of)s - interval '180 days')
        """,
        keys=("model_id",),
    ),
    # Datasets that a feature store manages, as far as runs and endpoints of production read them.
    Table(
        name="m_features",
        query="""
            WITH read AS (
                SELECT p.model, p.model_id, t.dataset_id, true AS is_training
                FROM producing_runs p JOIN m_read t ON t.run = p.run
                UNION
                SELECT e.model, e.model_id, io.asset_id, false
                FROM production_endpoints e JOIN m_serving s ON s.deployment_id = e.deployment_id
                     AND s.model_id = e.model_id AND s.version_id IS NOT DISTINCT FROM e.version_id
                JOIN lineage_runio io ON io.run_id = s.run AND io.direction = 'input' AND io.asset_id <> e.model_id
            ), views AS (
                SELECT r.dataset_id FROM (SELECT DISTINCT dataset_id FROM read) r JOIN LATERAL (
                    SELECT d.body -> 'datasetType' ->> 'datasetType' AS word
                    FROM lineage_facetsighting s JOIN lineage_facetdocument d ON d.uuid = s.document_id
                    WHERE s.asset_id = r.dataset_id AND s.first_seen_at <= %(as_of)s AND d.body ? 'datasetType'
                    ORDER BY s.last_seen_at DESC, s.last_digest DESC LIMIT 1
                ) t ON upper(t.word) IN ('FEATURE_VIEW', 'FEATURE_TABLE', 'FEATURE_GROUP')
            )
            SELECT r.* FROM read r JOIN views v ON v.dataset_id = r.dataset_id
        """,
        keys=("model_id", "dataset_id"),
    ),
    Table(
        name="production_feature_views",
        query="""
            SELECT DISTINCT f.model, f.model_id, a.uuid AS asset, a.name AS label, NULL::timestamptz AS at, f.dataset_id
            FROM m_features f JOIN lineage_asset a ON a.id = f.dataset_id
        """,
    ),
    Table(
        name="setup_parts",
        query="""
            SELECT m.model, md5(part)::uuid AS asset, part AS label, NULL::timestamptz AS at, m.model_id, part
            FROM production_models m, unnest(ARRAY['source control', 'build and test service', 'deployment service',
                'model registry', 'metadata store', 'orchestrator', 'feature store']) AS part
        """,
    ),
)

TABLES = (*facts.SERVING, *facts.VERDICTS, *facts.RUNS, *facts.TOLD, *POPULATIONS, rubric.EARNED)

# What an empty population lacks, when it lacks anything: promotions are our own, so none means that none happened.
EMPTY = {
    "production_versions": "deployment",
    "production_models": "deployment",
    "production_endpoints": "deployment",
    "online_endpoints": "deployment",
    "batch_scoring_runs": "rollout",
    "producing_runs": "deployment",
    "all_training_runs": "produced",
    "production_training_runs": "produced",
    "training_inputs": "consumed",
    "deployments_started": "deployed_as",
    "replacing_online_deployments": "deployed_as",
    "production_commits": "built_from_commit",
    "pipeline_changes": "environment",
    "actionable_alerts": "drift_alert",
    "production_feature_views": "feature_view",
    "setup_parts": "deployment",
}
# What there is none of once the kind of every endpoint is known.
KINDS_OF_ENDPOINTS = frozenset({"online_endpoints", "batch_endpoints"})
# One thing that several of a team's models share counts once for the team, at its best.
SHARED = frozenset({"setup_parts", "production_commits", "production_feature_views", "pipeline_changes"})
