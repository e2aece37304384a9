"""The form in which a criterion says what counts, and the SQL that several criteria share.

An expression gives `true`, `false`, `not_applicable`, or `unknown:<facts>` and `absent:<facts>` with the facts that
would make it known. Absent is settled by the team's other items: where they carry the fact, this one lacks it and is
false; where none does, nobody sends it, and it is unknown. Only facts that exist are asked for; a criterion that stands
on others says so.
"""

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
    # Facts of our own records are never stale, and as strong as the service itself.
    is_own_record: bool = False

    @property
    def text(self) -> str:
        """All its SQL, which names the tables that it reads."""
        return " ".join((self.population, self.joins, self.state, self.value, self.unproven))


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMeasure:
    """Whether a model earned the full and the half point of a test. `p` is a row of production_models."""

    full: str
    half: str = "'unknown'"
    joins: str = ""


ORCHESTRATION = "LEFT JOIN m_started_by s ON s.run = p.run"
ORCHESTRATED = """
    CASE WHEN p.run IS NULL THEN 'unknown:produced'
         WHEN s.is_orchestrated AND NOT p.is_successful THEN 'false'
         WHEN s.is_orchestrated THEN 'true'
         WHEN NOT s.is_orchestrated THEN 'false'
         ELSE 'unknown:orchestrator' END
"""
PRODUCED = "LEFT JOIN m_written w ON w.version_id = p.version_id"
EXECUTED = "LEFT JOIN m_executed x ON x.run = p.run"
# A model is retrained by itself when a schedule or an event did it lately, with other data, code or parameters.
RETRAINED = Measure(
    population="production_models",
    joins="""
        LEFT JOIN LATERAL (
            SELECT max(w.ended_at) AS newest_at,
                   max(w.ended_at) FILTER (WHERE x.trigger IN ('schedule', 'event') AND w.is_new) AS triggered_at,
                   bool_or(x.trigger IS NULL) AS is_silent
            FROM (
                SELECT w.*, w.inputs IS DISTINCT FROM lag(w.inputs) OVER (ORDER BY w.first_seen_at)
                       OR w.commit_id IS DISTINCT FROM lag(w.commit_id) OVER (ORDER BY w.first_seen_at) AS is_new
                FROM (
                    SELECT w.*, ARRAY(SELECT r.version_id FROM m_read r WHERE r.run = w.run ORDER BY 1) AS inputs
                    FROM m_written w
                    WHERE w.model_id = p.model_id AND w.is_successful
                      AND w.first_seen_at > %(as_of)s - interval '400 days'
                ) w
            ) w LEFT JOIN m_executed x ON x.run = w.run
        ) w ON true
    """,
    state="""
        CASE WHEN w.triggered_at > %(as_of)s - make_interval(
                 days => LEAST(365, GREATEST(90, COALESCE(p.retrain_days, 0)))::int) THEN 'true'
             WHEN w.newest_at IS NULL THEN CASE WHEN EXISTS (
                     SELECT FROM m_written v WHERE v.model_id = p.model_id AND v.is_successful)
                 THEN 'false' ELSE 'unknown:produced' END
             WHEN w.newest_at <= %(as_of)s - interval '365 days' THEN 'false'
             WHEN p.retrain_days IS NULL AND w.triggered_at > %(as_of)s - interval '365 days'
                 THEN 'unknown:retrain_interval'
             WHEN NOT w.is_silent THEN 'false'
             WHEN w.newest_at > %(as_of)s - interval '90 days' THEN 'unknown:trigger'
             ELSE 'unknown:retrain_interval,trigger' END
    """,
)
REGISTERED = Measure(
    population="deployments_started", state="CASE WHEN p.version_id IS NULL THEN 'false' ELSE 'true' END"
)
VERDICT_BEFORE = """EXISTS (SELECT FROM m_passed v WHERE v.version = p.version AND v.at <= p.at
    AND (v.state = 'passed' OR cardinality(v.approvers) > 0))"""
# A number that was really compared with a limit; a check that found nothing to compare does not count.
COMPARED = "f.check_id = 'kpi' AND f.outcome IN ('pass', 'fail')"
# A measurement of the served version in the last week, not by the run that made it, or a monitor of its model.
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
          AND o.measured_at > %(as_of)s - interval '60 days'
          AND NOT EXISTS (SELECT FROM m_written w WHERE w.version_id = p.version_id AND w.run = o.run)
    ) o ON true
    LEFT JOIN LATERAL (
        SELECT count(DISTINCT n.kind) AS kinds FROM m_monitors n
        WHERE n.asset_id = p.model_id AND n.newest_at > %(as_of)s - interval '7 days'
    ) n ON true
"""
SAMPLED = "LEFT JOIN m_samples d ON d.deployment_id = p.deployment_id"
HAS_SAMPLES = "d.newest_at > %(as_of)s - interval '7 days'"
# A person or machine that opened a deployment, and what started it.
OPENED = "LEFT JOIN m_executed x ON x.run = p.first_run"
AUTOMATIC_DELIVERY = Measure(
    population="deployments_started",
    joins=OPENED,
    state="""
        CASE WHEN x.trigger IN ('ci', 'event', 'schedule') THEN 'true' WHEN x.trigger = 'manual' THEN 'false'
             WHEN x.actor_kind = 'person' THEN 'false' ELSE 'unknown:trigger,actor' END
    """,
)
ROLLED_OUT = "CASE WHEN p.partial_at < p.at THEN 'true' ELSE 'absent:rollout' END"
ANSWERED = Measure(
    population="actionable_alerts",
    state="""
        CASE WHEN p.answered_at <= p.at + interval '7 days' THEN 'true'
             WHEN p.at > %(as_of)s - interval '7 days' THEN 'unknown:alert_detail' ELSE 'false' END
    """,
)
FEATURES_USED = "EXISTS (SELECT FROM m_features f WHERE f.model_id = p.model_id AND f.is_training)"


def passed(*categories: str, of: str, until: str = "%(as_of)s", within: str = "") -> str:
    """Whether a passed result of one of the categories exists for something by then. `of` says for what."""
    listed = ", ".join(f"'{category}'" for category in categories)
    recent = f" AND t.at > %(as_of)s - interval '{within}'" if within else ""
    return f"EXISTS (SELECT FROM {of} AND t.passed AND t.category IN ({listed}) AND t.at <= {until}{recent})"


OF_COMMIT = "m_results t WHERE t.commit_id = p.commit_id"
OF_VERSION = "m_tested t WHERE t.version_id = p.version_id"


def told(of: str) -> str:
    """Whether any result at all is known of it."""
    return f"EXISTS (SELECT FROM {of})"


def endpoints_tested(*groups: tuple[str, ...]) -> Measure:
    """Endpoints whose commit passed tests of one category of each group."""
    joined = " AND ".join(f"({passed(*group, of=OF_COMMIT)})" for group in groups)
    return Measure(
        population="production_endpoints",
        state=f"""
            CASE WHEN p.commit_id IS NULL THEN 'unknown:built_from_commit,test_result' WHEN {joined} THEN 'true'
                 WHEN {told(OF_COMMIT)} THEN 'false' ELSE 'absent:test_result,test_detail' END
        """,
    )


# Of several categories the earliest deployment of the promoted version sets the time until which results count.
PROMOTED = """
    LEFT JOIN LATERAL (
        SELECT v.id AS version_id, w.commit_id,
               COALESCE((SELECT min(s.full_at) FROM m_served s WHERE s.version_id = v.id AND s.full_at >= p.at),
                        %(as_of)s) AS until
        FROM lineage_assetversion v LEFT JOIN m_written w ON w.version_id = v.id WHERE v.uuid = p.version
    ) q ON true
"""
OF_PROMOTED = "m_tested t WHERE t.version_id = q.version_id"
OF_PROMOTED_COMMIT = "m_results t WHERE t.commit_id = q.commit_id"
# Whether every dataset version that the run of `p` read was looked at in form and in values by a time.
CHECKED = """
    LEFT JOIN LATERAL (
        SELECT count(*) AS inputs, count(*) FILTER (WHERE c.has_schema AND c.has_values) AS whole,
               count(*) FILTER (WHERE c.checks > 0) AS some, bool_or(c.can_block) AS can_block
        FROM (SELECT DISTINCT io.asset_id, io.version_id FROM lineage_runio io
              WHERE io.run_id = p.run AND io.direction = 'input' AND io.asset_id <> p.model_id) io
        JOIN lineage_asset a ON a.id = io.asset_id AND a.kind = 'dataset'
        LEFT JOIN lineage_assetversion v ON v.id = io.version_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS checks, bool_or(c.kind = 'schema') AS has_schema,
                   bool_or(c.kind = 'values') AS has_values, bool_or(c.can_block) AS can_block
            FROM m_checks c
            WHERE c.version = v.uuid AND c.at <= COALESCE(p.ended_at, %(as_of)s)
        ) c
    ) c ON true
"""
# What a run left on record, for `p` with a run and a version.
RECORDED = """
    LEFT JOIN m_executed x ON x.run = p.run
    LEFT JOIN LATERAL (
        SELECT bool_or(true) AS has_metric FROM lineage_observation o
        WHERE o.version_id = p.version_id AND o.measured_at <= %(as_of)s
    ) o ON true
"""
