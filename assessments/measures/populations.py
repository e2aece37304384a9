"""The populations that measures count, as temporary tables made once for all teams and all measures.

Every row names the model it belongs to, since a model's owner is whom its items are attributed to. `at` is set for
events.
Parameters: `as_of`, and `since` a year before it.
"""

from dataclasses import dataclass

PRODUCTION = "production"
# Integrations, as OpenLineage's jobType facet names them, that start and chain jobs. Others only run what is started.
ORCHESTRATORS = (
    "AIRFLOW",
    "ARGO",
    "AZUREML",
    "DAGSTER",
    "DATABRICKS",
    "FLYTE",
    "KEDRO",
    "KUBEFLOW",
    "LUIGI",
    "MAGE",
    "METAFLOW",
    "PREFECT",
    "SAGEMAKER",
    "VERTEX",
    "ZENML",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A temporary table: its name, the query that fills it, and the columns it is looked up by."""

    name: str
    query: str
    keys: tuple[str, ...] = ()


TABLES = (
    # Which deployment reads which version of which model, since when first and until when last.
    Table(
        name="m_served",
        query="""
            SELECT r.job_id AS deployment_id, d.uuid AS deployment, d.name AS deployment_name, d.processing,
                   io.asset_id AS model_id, m.uuid AS model, m.name AS model_name, io.version_id,
                   min(io.first_seen_at) AS began_at,
                   (array_agg(io.run_id ORDER BY io.first_seen_at, io.run_id))[1] AS first_run,
                   (array_agg(CASE WHEN r.ended_at <= %(as_of)s THEN r.ended_at END
                              ORDER BY io.first_seen_at DESC, io.run_id))[1] AS ended_at,
                   max(io.first_seen_at) AS newest_at
            FROM lineage_asset d
            JOIN lineage_run r ON r.job_id = d.id
            JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'input' AND io.first_seen_at <= %(as_of)s
            JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
            WHERE d.kind = 'deployment'
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        """,
        keys=("model_id", "deployment_id", "version_id"),
    ),
    Table(
        name="m_passed",
        query=f"""
            SELECT p.id, p.uuid, p.model, p.model_version AS version, p.model_name, p.version AS version_name,
                   p.decided_at AS at, p.requested_by_id,
                   EXISTS (SELECT FROM policies_promotion b WHERE b.model = p.model AND b.stage = p.stage
                             AND b.state = 'passed' AND b.decided_at < p.decided_at
                             AND b.model_version <> p.model_version) AS is_replacing
            FROM policies_promotion p
            WHERE p.stage = '{PRODUCTION}' AND p.state = 'passed' AND p.decided_at <= %(as_of)s
        """,
        keys=("model", "version"),
    ),
    # Versions in production: what open deployments read last, else what was promoted last.
    Table(
        name="production_versions",
        query="""
            WITH open AS (
                SELECT DISTINCT ON (deployment_id, model_id) * FROM m_served
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
            SELECT DISTINCT p.model, p.model_id, p.model AS asset, m.name AS label, NULL::timestamptz AS at
            FROM production_versions p JOIN lineage_asset m ON m.id = p.model_id
        """,
        keys=("model",),
    ),
    Table(
        name="production_endpoints",
        query="""
            SELECT DISTINCT ON (s.deployment_id, s.model_id) s.model, s.model_id, s.deployment AS asset,
                   s.deployment_name AS label, NULL::timestamptz AS at, s.deployment_id, s.version_id
            FROM m_served s JOIN production_versions p ON p.model_id = s.model_id AND p.is_deployed
                 AND p.version_id IS NOT DISTINCT FROM s.version_id
            WHERE s.ended_at IS NULL
            ORDER BY s.deployment_id, s.model_id, s.newest_at DESC, s.version_id DESC NULLS LAST
        """,
        keys=("deployment_id",),
    ),
    # The run that wrote each version of a model first; of every version, so that predecessors are known too.
    Table(
        name="m_written",
        query="""
            SELECT DISTINCT ON (v.id) v.id AS version_id, v.uuid AS version, m.uuid AS model, m.id AS model_id,
                   m.name || ' ' || v.key AS label, r.uuid AS run, r.job_id, r.commit_id, r.started_at,
                   CASE WHEN r.ended_at <= %(as_of)s THEN r.ended_at END AS ended_at,
                   r.state = 'completed' AND r.ended_at <= %(as_of)s AS is_successful, io.first_seen_at
            FROM lineage_asset m
            JOIN lineage_assetversion v ON v.asset_id = m.id
            JOIN lineage_runio io ON io.asset_id = m.id AND io.version_id = v.id AND io.direction = 'output'
                 AND io.first_seen_at <= %(as_of)s
            JOIN lineage_run r ON r.uuid = io.run_id
            WHERE m.kind = 'model'
            ORDER BY v.id, io.first_seen_at, r.uuid
        """,
        keys=("version_id", "version", "model_id", "run"),
    ),
    # What started a run, as far as the facets of its own job, its parent's and its root's say.
    Table(
        name="m_started_by",
        query=f"""
            WITH kin AS (
                SELECT w.run, w.job_id FROM m_written w
                UNION
                SELECT w.run, kin.job_id FROM m_written w JOIN lineage_run r ON r.uuid = w.run
                JOIN lineage_run kin ON kin.uuid IN (r.parent, r.root)
            )
            SELECT kin.run, bool_or(upper(f.integration) = ANY('{{{",".join(ORCHESTRATORS)}}}')) AS is_orchestrated
            FROM kin JOIN LATERAL (
                SELECT d.body -> 'jobType' ->> 'integration' AS integration
                FROM lineage_facetsighting s JOIN lineage_facetdocument d ON d.uuid = s.document_id
                WHERE s.asset_id = kin.job_id AND s.first_seen_at <= %(as_of)s AND d.body ? 'jobType'
                ORDER BY s.last_seen_at DESC, s.last_digest DESC LIMIT 1
            ) f ON f.integration IS NOT NULL
            GROUP BY kin.run
        """,
        keys=("run",),
    ),
    Table(
        name="producing_runs",
        query="""
            SELECT p.model, p.model_id, COALESCE(w.job, p.asset) AS asset, p.label, NULL::timestamptz AS at,
                   p.version_id, w.run, w.job_id, w.commit_id, w.started_at, w.ended_at, w.is_successful
            FROM production_versions p LEFT JOIN (
                SELECT w.*, j.uuid AS job FROM m_written w JOIN lineage_asset j ON j.id = w.job_id
            ) w ON w.version_id = p.version_id
        """,
        keys=("run",),
    ),
    Table(
        name="all_training_runs",
        query="""
            SELECT w.model, w.model_id, j.uuid AS asset, w.label, w.first_seen_at AS at, w.run, w.version_id,
                   w.is_successful, w.ended_at
            FROM m_written w JOIN lineage_asset j ON j.id = w.job_id WHERE w.first_seen_at > %(since)s
        """,
        keys=("run",),
    ),
    Table(
        name="production_training_runs",
        query="SELECT * FROM all_training_runs WHERE is_successful",
        keys=("run",),
    ),
    Table(
        name="training_inputs",
        query="""
            SELECT DISTINCT p.model, p.model_id, COALESCE(v.uuid, d.uuid) AS asset,
                   d.name || ' ' || COALESCE(v.key, '(no version)') AS label, NULL::timestamptz AS at,
                   d.id AS dataset_id, v.id AS dataset_version_id
            FROM producing_runs p
            JOIN lineage_runio io ON io.run_id = p.run AND io.direction = 'input'
            JOIN lineage_asset d ON d.id = io.asset_id AND d.kind = 'dataset'
            LEFT JOIN lineage_assetversion v ON v.id = io.version_id
        """,
        keys=("model",),
    ),
    Table(
        name="deployments_started",
        query="""
            SELECT s.model, s.model_id, s.deployment AS asset,
                   s.deployment_name || ': ' || s.model_name || ' ' || COALESCE(v.key, '(no version)') AS label,
                   s.began_at AS at, s.deployment_id, s.version_id, v.uuid AS version, s.first_run,
                   EXISTS (SELECT FROM m_served b WHERE b.deployment_id = s.deployment_id AND b.model_id = s.model_id
                             AND b.began_at < s.began_at) AS is_replacing
            FROM m_served s LEFT JOIN lineage_assetversion v ON v.id = s.version_id
            WHERE s.began_at > %(since)s
        """,
        keys=("model", "model_id"),
    ),
    Table(
        name="replacing_online_deployments",
        query="SELECT * FROM deployments_started WHERE is_replacing",
    ),
    Table(
        name="promotions",
        query="""
            SELECT p.model, p.uuid AS asset, p.model_name || ' ' || p.version_name AS label, p.at, p.id, p.version,
                   p.is_replacing
            FROM m_passed p WHERE p.at > %(since)s
        """,
        keys=("id", "model"),
    ),
    Table(name="replacing_promotions", query="SELECT * FROM promotions WHERE is_replacing", keys=("id",)),
    Table(
        name="production_commits",
        query="""
            SELECT DISTINCT p.model, c.uuid AS asset, r.name || ' ' || c.key AS label, NULL::timestamptz AS at
            FROM producing_runs p JOIN lineage_assetversion c ON c.id = p.commit_id
            JOIN lineage_asset r ON r.id = c.asset_id
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

# Populations that no source of today can fill, and the fact that would: nothing to count is then unknown.
UNSEEN = {
    "batch_endpoints": "rollout",
    "batch_scoring_runs": "rollout",
    "pipeline_changes": "environment",
    "actionable_alerts": "drift_alert",
    "production_feature_views": "feature_view",
}
# What an empty population lacks, when it lacks anything: promotions are our own, so none means that none happened.
EMPTY = {
    "production_versions": "deployment",
    "production_models": "deployment",
    "production_endpoints": "deployment",
    "online_endpoints": "deployment",
    "producing_runs": "deployment",
    "all_training_runs": "produced",
    "production_training_runs": "produced",
    "training_inputs": "consumed",
    "deployments_started": "deployed_as",
    "replacing_online_deployments": "deployed_as",
    "production_commits": "built_from_commit",
    "setup_parts": "deployment",
}
# One thing that several of a team's models share counts once for the team, at its best.
SHARED = frozenset({"setup_parts", "production_commits"})
# Every endpoint that is seen today is a service that answers requests.
SAME_AS = {"online_endpoints": "production_endpoints"}
