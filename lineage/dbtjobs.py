"""Jobs that may be one because they make the same table for the same model of dbt.

Each tool names them in its own way: dbt's artifacts, and `dbt-ol` when it reads structured logs, by the node
(`model.loans.stg`); `dbt-ol run` by where the table lies and the node (`lake.main.loans.stg`), `dbt-ol build` and
snapshots with the command behind (`….build.run`, `….snapshot`); Cosmos by the DAG and its task (`daily.stg.run`,
`daily.stg_run`). Whether two of them are one job, or a model that is built in two ways, only people know.
"""

# Jobs that are surely of dbt, by their names; with these the others are compared.
_OF_DBT = r"'^(model|snapshot|seed)[.][^.]+[.].|[.]build[.](run|snapshot)$|[^.][.]snapshot$'"


def _node(job: str, table: str) -> str:
    """The node that a job is named by, as far as its table tells: what stands behind the table's own place."""
    place = f"regexp_replace({table}.name, '[^.]*$', '')"
    rest = f"substr({job}.name, length({place}) + 1)"
    return f"""CASE
        WHEN {job}.name ~ '^(model|snapshot|seed)[.]' THEN {job}.name
        WHEN {place} <> '' AND starts_with(lower({job}.name), lower({place})) THEN
            CASE WHEN {rest} ~ '[.]snapshot$' THEN 'snapshot.' ELSE 'model.' END
            || regexp_replace({rest}, '([.]build)?[.](snapshot)$|[.]build[.]run$', '')
        END"""


def _task(job: str, node: str) -> str:
    """Whether a job is called as a task that runs the node: model and command at its end."""
    named = f"lower(regexp_replace({node}, '^[^.]+[.][^.]+[.]', ''))"
    command = f"CASE split_part({node}, '.', 1) WHEN 'model' THEN 'run' ELSE split_part({node}, '.', 1) END"
    ends = (f"'.' || {named} || '{mark}' || {command}" for mark in "._")
    return " OR ".join(f"right(lower({job}.name), length({end})) = {end}" for end in ends)


def pairs(condition: str) -> str:
    """A query of the ids of such pairs of which one job, `a`, and the other, `b`, meet the condition."""
    return f"""
        SELECT DISTINCT LEAST(a.id, b.id) AS one, GREATEST(a.id, b.id) AS other
        FROM lineage_asset a
        JOIN lineage_edge makes ON makes.source_id = a.id AND makes.relation = 'produced' AND makes.valid_to IS NULL
        JOIN lineage_asset t ON t.id = makes.target_id
        JOIN lineage_edge too ON too.target_id = t.id AND too.relation = 'produced' AND too.valid_to IS NULL
             AND too.source_id <> a.id
        JOIN lineage_asset b ON b.id = too.source_id
        CROSS JOIN LATERAL (SELECT {_node("a", "t")} AS of_a, {_node("b", "t")} AS of_b OFFSET 0) AS node
        WHERE a.family = 'job' AND a.name ~ {_OF_DBT} AND ({condition})
          AND (lower(node.of_a) = lower(node.of_b) OR node.of_a = a.name AND ({_task("b", "node.of_a")}))"""
