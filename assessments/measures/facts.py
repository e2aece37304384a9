"""The facts that populations and measures stand on, as temporary tables made once for all teams and all measures.

Each is small beside the graph: what was said of runs that a model's life has to do with. What was said later than the
time of rating is left out. Parameters: `as_of`, and `since` a year before it.
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


# A batch job serves as long as it comes back.
BATCH_RETURNS_WITHIN = "interval '35 days'"

SERVING = (
    # What serving platforms said of a deployment's runs: its kind, its stages with their times, where it is.
    Table(
        name="m_stages",
        query="""
            SELECT d.run, r.job_id AS deployment_id, d.body ->> 'kind' AS kind, d.body ->> 'stage' AS stage,
                   d.body ->> 'environment' AS environment, d.body ? 'rollback' AS is_rollback, d.first_seen_at AS at
            FROM lineage_rundetail d JOIN lineage_run r ON r.uuid = d.run
            WHERE d.name = 'deployment' AND d.first_seen_at <= %(as_of)s
        """,
        keys=("run", "deployment_id"),
    ),
    # Which deployment reads which version of which model in one run, and how far that run got.
    Table(
        name="m_serving",
        query="""
            SELECT r.job_id AS deployment_id, d.uuid AS deployment, d.name AS deployment_name,
                   io.asset_id AS model_id, m.uuid AS model, m.name AS model_name, io.version_id, io.run_id AS run,
                   io.first_seen_at AS began_at, r.ended_at, r.last_event_at, r.commit_id, s.kind, s.environment,
                   s.is_rollback IS TRUE AS is_rollback, s.partial_at,
                   CASE WHEN s.run IS NULL OR s.has_no_stage THEN io.first_seen_at ELSE s.full_at END AS full_at
            FROM lineage_asset d
            JOIN lineage_run r ON r.job_id = d.id
            JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'input' AND io.first_seen_at <= %(as_of)s
            JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
            LEFT JOIN (
                SELECT run, max(kind) AS kind, max(environment) AS environment, bool_or(is_rollback) AS is_rollback,
                       bool_and(stage IS NULL) AS has_no_stage, min(at) FILTER (WHERE stage = 'full') AS full_at,
                       min(at) FILTER (WHERE stage IN ('shadow', 'canary', 'ab')) AS partial_at
                FROM m_stages GROUP BY run
            ) s ON s.run = r.uuid
            WHERE d.kind = 'deployment' OR d.id IN (SELECT deployment_id FROM m_stages WHERE kind = 'batch')
        """,
        keys=("version_id", "model_id", "run"),
    ),
    # Which deployment in production reads which version, since when first and until when last.
    Table(
        name="m_served",
        query=f"""
            SELECT deployment_id, deployment, deployment_name, model_id, model, model_name, version_id,
                   min(began_at) AS began_at, min(full_at) AS full_at, min(partial_at) AS partial_at,
                   max(kind) AS kind, bool_and(is_rollback) AS is_rollback,
                   (array_agg(run ORDER BY began_at, run))[1] AS first_run,
                   (array_agg(run ORDER BY began_at DESC, run))[1] AS last_run,
                   (array_agg(commit_id ORDER BY began_at DESC, run))[1] AS commit_id,
                   CASE WHEN max(kind) = 'batch'
                        THEN CASE WHEN max(began_at) <= %(as_of)s - {BATCH_RETURNS_WITHIN} THEN max(began_at) END
                        ELSE (array_agg(CASE WHEN ended_at <= %(as_of)s THEN ended_at END
                                        ORDER BY began_at DESC, run))[1] END AS ended_at,
                   max(began_at) AS newest_at
            FROM m_serving WHERE COALESCE(environment, '{PRODUCTION}') = '{PRODUCTION}'
            GROUP BY 1, 2, 3, 4, 5, 6, 7
        """,
        keys=("model_id", "deployment_id", "version_id"),
    ),
)

VERDICTS = (
    # Verdicts on promotions to production: of our own gate, and of others that a service account told of.
    Table(
        name="m_verdicts",
        query=f"""
            SELECT p.id, p.uuid AS asset, p.model, p.model_version AS version,
                   p.model_name || ' ' || p.version AS label, p.decided_at AS at, p.state, p.requested_by_id,
                   u.username AS requested_by, NOT u.is_service AS is_person,
                   ARRAY(SELECT DISTINCT b.username FROM policies_approval a JOIN governance_user b ON b.id = a.user_id
                         WHERE a.promotion_id = p.id AND a.decision = 'approve')::text[] AS approvers,
                   (SELECT max(a.decided_at) FROM policies_approval a
                    WHERE a.promotion_id = p.id AND a.decision = 'approve') AS approved_at,
                   EXISTS (SELECT FROM policies_finding f WHERE f.promotion_id = p.id AND f.mode = 'enforce'
                             AND f.policy_version_id IS NOT NULL)
                   -- A waiver is an override, however well approved.
                   AND NOT EXISTS (SELECT FROM policies_waiveruse u WHERE u.promotion_id = p.id) AS is_by_policy
            FROM policies_promotion p JOIN governance_user u ON u.id = p.requested_by_id
            WHERE p.stage = '{PRODUCTION}' AND p.state IN ('passed', 'blocked') AND p.decided_at <= %(as_of)s
            UNION ALL
            SELECT DISTINCT ON (d.id, v.id) -d.id, v.uuid, m.uuid, v.uuid, m.name || ' ' || v.key,
                   COALESCE((d.body ->> 'decided_at')::timestamptz, d.first_seen_at), d.body ->> 'state', NULL,
                   d.body ->> 'requested_by', NULL,
                   ARRAY(SELECT jsonb_array_elements_text(d.body -> 'approved_by')), NULL::timestamptz,
                   d.body ->> 'decided_by' = 'policy' AND d.body ->> 'state' <> 'overridden'
            FROM lineage_rundetail d
            JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
            JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
            JOIN lineage_assetversion v ON v.id = io.version_id
            WHERE d.name = 'promotion' AND d.body ->> 'stage' = '{PRODUCTION}' AND d.first_seen_at <= %(as_of)s
              AND COALESCE((d.body ->> 'decided_at')::timestamptz, d.first_seen_at) <= %(as_of)s
              AND EXISTS (SELECT FROM lineage_event e JOIN governance_user u ON u.id = e.sender_id
                          WHERE e.run = d.run AND u.is_service)
        """,
        keys=("id", "model", "version"),
    ),
    # The rules that those verdicts evaluated.
    Table(
        name="m_rules",
        query="""
            SELECT f.promotion_id, f.check_id, f.outcome, f.mode = 'enforce' AS is_blocking,
                   segment,
                   f.parameters ->> 'minimum' IS NOT NULL OR f.parameters ->> 'maximum' IS NOT NULL AS has_limit,
                   c.is_same AS is_compared, COALESCE(c.is_unnamed, false) AS is_unnamed
            FROM m_verdicts v JOIN policies_finding f ON f.promotion_id = v.id
            LEFT JOIN LATERAL (
                SELECT bool_or(mine ->> 'dataset' = theirs ->> 'dataset') AS is_same,
                       bool_or(mine ->> 'dataset' IS NULL OR theirs ->> 'dataset' IS NULL) AS is_unnamed
                FROM jsonb_array_elements(f.facts -> 'measurements') mine,
                     jsonb_array_elements(f.facts -> 'production_measurements') theirs
                WHERE f.check_id = 'kpi' AND f.outcome IN ('pass', 'fail')
                  AND f.parameters ->> 'not_worse_than_production_by' IS NOT NULL
                  AND mine ->> 'metric' = theirs ->> 'metric' AND mine ->> 'segment' = theirs ->> 'segment'
            ) c ON f.parameters ? 'not_worse_than_production_by'
            CROSS JOIN LATERAL jsonb_array_elements_text(
                CASE WHEN jsonb_typeof(f.parameters -> 'segments') = 'array' THEN f.parameters -> 'segments'
                     ELSE jsonb_build_array(COALESCE(f.parameters ->> 'segment', '')) END
            ) segment
            WHERE v.id > 0
            UNION ALL
            SELECT v.id, 'baseline', f.outcome, f.mode = 'enforce', '', true, NULL, false
            FROM m_verdicts v JOIN policies_finding f ON f.promotion_id = v.id
            WHERE v.id > 0 AND f.check_id = 'kpi' AND jsonb_typeof(f.parameters -> 'baseline') = 'object'
            UNION ALL
            SELECT v.id, e ->> 'check', e ->> 'outcome', (e ->> 'is_blocking')::boolean, COALESCE(e ->> 'segment', ''),
                   (e ->> 'has_limit')::boolean, (e ->> 'is_compared')::boolean, false
            FROM m_verdicts v JOIN lineage_rundetail d ON d.id = -v.id, jsonb_array_elements(d.body -> 'rules') e
            WHERE v.id < 0
        """,
        keys=("promotion_id",),
    ),
    Table(
        name="m_passed",
        query="""
            SELECT p.*, EXISTS (SELECT FROM m_verdicts b WHERE b.model = p.model AND b.state <> 'blocked'
                                  AND b.at < p.at AND b.version <> p.version) AS is_replacing
            FROM m_verdicts p WHERE p.state <> 'blocked'
        """,
        keys=("model", "version"),
    ),
)

RUNS = (
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
    # The runs of the jobs that train models.
    Table(
        name="m_job_runs",
        query="""
            SELECT r.uuid AS run, r.job_id, r.commit_id, r.first_event_at AS at,
                   r.state = 'completed' AND r.ended_at <= %(as_of)s AS is_successful
            FROM (SELECT DISTINCT job_id FROM m_written) j JOIN lineage_run r ON r.job_id = j.job_id
            WHERE r.first_event_at <= %(as_of)s AND r.first_event_at > %(since)s - interval '60 days'
        """,
        keys=("job_id", "run"),
    ),
    # What fed the runs that made a model: the dataset versions that they read, and the runs that wrote those first.
    Table(
        name="m_read",
        query="""
            SELECT w.run, d.id AS dataset_id, d.uuid AS dataset, d.name, io.version_id, v.uuid AS version, v.key,
                   COALESCE(v.produced_at, v.seen_at) AS made_at
            FROM m_written w
            JOIN lineage_runio io ON io.run_id = w.run AND io.direction = 'input'
            JOIN lineage_asset d ON d.id = io.asset_id AND d.kind = 'dataset'
            LEFT JOIN lineage_assetversion v ON v.id = io.version_id
        """,
        keys=("run", "version_id", "dataset_id"),
    ),
    Table(
        name="m_inputs",
        query="""
            SELECT i.dataset_id, i.version_id, o.run_id AS run
            FROM (SELECT DISTINCT dataset_id, version_id FROM m_read WHERE version_id IS NOT NULL) i
            JOIN LATERAL (
                SELECT o.run_id FROM lineage_runio o
                WHERE o.version_id = i.version_id AND o.direction = 'output' AND o.first_seen_at <= %(as_of)s
                ORDER BY o.first_seen_at, o.run_id LIMIT 1
            ) o ON true
        """,
        keys=("version_id",),
    ),
    # A run, its parent and its root: who is asked how it was started.
    Table(
        name="m_kin",
        query="""
            WITH asked AS (
                SELECT run FROM m_written UNION SELECT run FROM m_serving UNION SELECT run FROM m_inputs
                UNION SELECT run FROM m_job_runs
            )
            SELECT a.run, r.job_id, a.run AS kin, 0 AS distance FROM asked a JOIN lineage_run r ON r.uuid = a.run
            UNION ALL
            SELECT a.run, k.job_id, k.uuid, CASE WHEN k.uuid = r.parent THEN 1 ELSE 2 END
            FROM asked a JOIN lineage_run r ON r.uuid = a.run
            JOIN lineage_run k ON k.uuid IN (r.parent, r.root) AND k.uuid <> a.run
        """,
        keys=("kin",),
    ),
    # How runs were started, as the run itself or those above it say. What started it, only service accounts may tell.
    Table(
        name="m_executed",
        query="""
            SELECT k.run,
                   (array_agg(d.body ->> 'trigger' ORDER BY k.distance)
                       FILTER (WHERE d.body ? 'trigger' AND s.is_service))[1] AS trigger,
                   (array_agg(d.body ->> 'environment' ORDER BY k.distance)
                       FILTER (WHERE d.body ? 'environment'))[1] AS environment,
                   (array_agg(d.body ->> 'actor' ORDER BY k.distance) FILTER (WHERE d.body ? 'actor'))[1] AS actor,
                   (array_agg(d.body ->> 'actor_kind' ORDER BY k.distance)
                       FILTER (WHERE d.body ? 'actor'))[1] AS actor_kind,
                   (array_agg(d.body ->> 'actor_role' ORDER BY k.distance)
                       FILTER (WHERE d.body ? 'actor'))[1] AS actor_role,
                   (array_agg(d.body ->> 'image' ORDER BY k.distance) FILTER (WHERE d.body ? 'image'))[1] AS image,
                   bool_or(d.body ? 'parameters' AND k.distance = 0) AS has_parameters,
                   max((d.body ->> 'trials')::int) AS trials
            FROM m_kin k
            JOIN lineage_rundetail d ON d.run = k.kin AND d.name = 'execution' AND d.first_seen_at <= %(as_of)s
            CROSS JOIN LATERAL (
                SELECT d.body ? 'trigger' AND EXISTS (
                    SELECT FROM lineage_event e JOIN governance_user u ON u.id = e.sender_id
                    WHERE e.run = d.run AND u.is_service) AS is_service
            ) s
            GROUP BY k.run
        """,
        keys=("run",),
    ),
    # Whether the job of a run, or one above it, belongs to an orchestrator.
    Table(
        name="m_started_by",
        query=f"""
            WITH jobs AS (
                SELECT j.job_id, upper(f.integration) = ANY('{{{",".join(ORCHESTRATORS)}}}') AS is_orchestrated
                FROM (SELECT DISTINCT job_id FROM m_kin) j JOIN LATERAL (
                    SELECT d.body -> 'jobType' ->> 'integration' AS integration
                    FROM lineage_facetsighting s JOIN lineage_facetdocument d ON d.uuid = s.document_id
                    WHERE s.asset_id = j.job_id AND s.first_seen_at <= %(as_of)s AND d.body ? 'jobType'
                    ORDER BY s.last_seen_at DESC, s.last_digest DESC LIMIT 1
                ) f ON f.integration IS NOT NULL
            )
            SELECT k.run, bool_or(j.is_orchestrated) AS is_orchestrated
            FROM m_kin k JOIN jobs j ON j.job_id = k.job_id GROUP BY k.run
        """,
        keys=("run",),
    ),
)

TOLD = (
    # Results of tests, each with the commit and the model versions that they were of.
    Table(
        name="m_results",
        query="""
            SELECT d.run, r.commit_id, e ->> 'category' AS category, (e ->> 'passed')::boolean AS passed,
                   (e ->> 'automated')::boolean AS automated, (e ->> 'blocking')::boolean AS blocking,
                   e ->> 'read_by' AS read_by, d.first_seen_at AS at, x.trigger, x.environment, x.actor_kind
            FROM lineage_rundetail d
            JOIN lineage_run r ON r.uuid = d.run
            CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'results') e
            LEFT JOIN LATERAL (
                SELECT max(o.body ->> 'trigger') AS trigger, max(o.body ->> 'environment') AS environment,
                       max(o.body ->> 'actor_kind') AS actor_kind
                FROM lineage_rundetail o WHERE o.run = d.run AND o.name = 'execution'
            ) x ON true
            WHERE d.name = 'tests' AND d.last_seen_at > %(since)s AND d.first_seen_at <= %(as_of)s
        """,
        keys=("run", "commit_id"),
    ),
    Table(
        name="m_tested",
        query="""
            SELECT DISTINCT t.*, io.version_id, io.asset_id AS model_id
            FROM m_results t
            JOIN lineage_runio io ON io.run_id = t.run AND io.version_id IS NOT NULL
            JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
        """,
        keys=("version_id", "model_id"),
    ),
    # Runs of CI by the commit that they built.
    Table(
        name="m_ci",
        query="""
            SELECT r.commit_id, r.state = 'completed' AND r.ended_at <= %(as_of)s AS is_successful,
                   COALESCE(r.ended_at, r.first_event_at) AS at, d.body ->> 'actor_kind' AS actor_kind
            FROM lineage_rundetail d JOIN lineage_run r ON r.uuid = d.run
            WHERE d.name = 'execution' AND d.body ->> 'trigger' = 'ci' AND d.first_seen_at <= %(as_of)s
              AND r.commit_id IS NOT NULL
        """,
        keys=("commit_id",),
    ),
    # Checks of data by the dataset version (or the dataset, where none was named).
    Table(
        name="m_checks",
        query="""
            SELECT (e ->> 'asset')::uuid AS dataset, (e ->> 'version')::uuid AS version, e ->> 'kind' AS kind,
                   (e ->> 'passed')::boolean AS passed, (e ->> 'can_block')::boolean AS can_block,
                   (e ->> 'blocks')::boolean AS blocks, d.first_seen_at AS at, d.run
            FROM lineage_rundetail d CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'results') e
            WHERE d.name = 'data_checks' AND d.first_seen_at <= %(as_of)s AND d.last_seen_at > %(since)s
        """,
        keys=("version", "dataset"),
    ),
    # Alerts about a model, as they were last told by then, and the runs that say they answer one.
    Table(
        name="m_alerts",
        query="""
            WITH told AS (
                SELECT DISTINCT ON (io.asset_id, e ->> 'id') io.asset_id AS model_id, m.uuid AS model, io.version_id,
                       e ->> 'id' AS id, e ->> 'kind' AS kind, e ->> 'severity' AS severity, e ? 'is_false' AS is_false,
                       -- Closed without ever having been open is how some senders say that all is well.
                       COALESCE((e ->> 'opened_at')::timestamptz, min(d.first_seen_at) FILTER (
                           WHERE NOT e ? 'closed_at') OVER (PARTITION BY io.asset_id, e ->> 'id')) AS at,
                       (e ->> 'closed_at')::timestamptz AS closed_at,
                       (e ->> 'answered_at')::timestamptz AS answered_at
                FROM lineage_rundetail d CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'alerts') e
                JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
                JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
                WHERE d.name = 'alerts' AND d.first_seen_at <= %(as_of)s AND d.last_seen_at > %(since)s
                ORDER BY io.asset_id, e ->> 'id', d.first_seen_at DESC, d.last_digest DESC
            ), answers AS (
                SELECT d.body ->> 'alert' AS alert, min(d.first_seen_at) AS at,
                       min(d.first_seen_at) FILTER (WHERE d.body ->> 'trigger' = 'event') AS triggered_at
                FROM lineage_rundetail d
                WHERE d.name = 'execution' AND d.body ? 'alert' AND d.first_seen_at <= %(as_of)s
                GROUP BY 1
            )
            SELECT t.model_id, t.model, t.version_id, t.id, t.kind, t.severity, t.is_false, t.at, t.closed_at,
                   LEAST(CASE WHEN t.answered_at <= %(as_of)s THEN t.answered_at END, a.at) AS answered_at,
                   a.triggered_at
            FROM told t LEFT JOIN answers a ON a.alert = t.id WHERE t.at <= %(as_of)s
        """,
        keys=("model_id",),
    ),
    # What watches a model or a feature view now.
    Table(
        name="m_monitors",
        query="""
            SELECT io.asset_id, io.version_id, e ->> 'kind' AS kind, bool_or((e ->> 'has_limit')::boolean) AS has_limit,
                   bool_or((e ->> 'has_recipient')::boolean) AS has_recipient,
                   max(LEAST(d.last_seen_at, %(as_of)s)) AS newest_at
            FROM lineage_rundetail d CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'monitors') e
            JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
            WHERE d.name = 'monitors' AND d.first_seen_at <= %(as_of)s
              AND d.last_seen_at > %(as_of)s - interval '45 days'
            GROUP BY 1, 2, 3
        """,
        keys=("asset_id",),
    ),
    Table(
        name="m_samples",
        query="""
            SELECT r.job_id AS deployment_id, min(d.first_seen_at) AS oldest_at,
                   max(LEAST(d.last_seen_at, %(as_of)s)) AS newest_at
            FROM lineage_rundetail d JOIN lineage_run r ON r.uuid = d.run
            WHERE d.name = 'samples' AND d.first_seen_at <= %(as_of)s GROUP BY 1
        """,
        keys=("deployment_id",),
    ),
    # What the code host says of a commit.
    Table(
        name="m_commits",
        query="""
            SELECT r.commit_id, bool_or((d.body ->> 'is_on_default_branch')::boolean) AS is_on_default_branch,
                   max(d.body ->> 'author') AS author, bool_or(d.body ? 'reviewers') AS has_reviewers,
                   bool_or(EXISTS (
                       SELECT FROM jsonb_array_elements_text(d.body -> 'reviewers') name
                       WHERE name <> COALESCE(d.body ->> 'author', ''))) AS is_reviewed,
                   min((d.body ->> 'merged_at')::timestamptz) AS merged_at
            FROM lineage_rundetail d JOIN lineage_run r ON r.uuid = d.run
            WHERE d.name = 'commit' AND r.commit_id IS NOT NULL AND d.first_seen_at <= %(as_of)s GROUP BY 1
        """,
        keys=("commit_id",),
    ),
    # Drills that were held on a model: of its gate, its checks of data, its alerts, its rollback.
    Table(
        name="m_drills",
        query="""
            SELECT DISTINCT io.asset_id AS model_id, d.body ->> 'rule' AS rule,
                   (d.body ->> 'passed')::boolean AS passed, (d.body ->> 'minutes')::int AS minutes,
                   d.first_seen_at AS at, d.run
            FROM lineage_rundetail d JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
            JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
            WHERE d.name = 'drill' AND d.first_seen_at <= %(as_of)s AND d.last_seen_at > %(since)s
        """,
        keys=("model_id",),
    ),
    # What registries say they hold, by version; that a registry speaks of a model at all makes its silence known.
    Table(
        name="m_registered",
        query="""
            SELECT (e ->> 'asset')::uuid AS model, (e ->> 'version')::uuid AS version,
                   bool_or((e ->> 'is_dropped')::boolean) AS is_dropped
            FROM lineage_rundetail d CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'versions') e
            WHERE d.name = 'registry' AND d.first_seen_at <= %(as_of)s GROUP BY 1, 2
        """,
        keys=("model", "version"),
    ),
    # When another collector first took what was imported later.
    Table(
        name="m_relayed",
        query="""
            SELECT d.run, min((d.body ->> 'received_at')::timestamptz) AS received_at
            FROM lineage_rundetail d
            WHERE d.name = 'relay' AND d.first_seen_at <= %(as_of)s AND EXISTS (
                SELECT FROM lineage_event e JOIN governance_user u ON u.id = e.sender_id
                WHERE e.run = d.run AND u.is_service)
            GROUP BY 1
        """,
        keys=("run",),
    ),
)
