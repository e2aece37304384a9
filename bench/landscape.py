"""A graph of any size put straight into the tables, for benches that only read.

The projector would take hours for it, and what it writes is measured elsewhere. Layers, names, teams and the power law
of what is read are those of the generated company (`bench.company`); everything is made by a few statements in the
database, from the number of its row and the seed, so that a million assets take minutes. The UUIDs of assets are not
those that an event would give them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bench import vocabulary
from bench.company import INTEGRATIONS, SHARES, Layer
from lineage import words

BEGINNING = "2025-03-01T00:00:00Z"
SECONDS = 365 * 86_400
CALENDAR_ID = 1
CALENDAR = ("snowflake://acme-eu1", "REFERENCE.CALENDAR")
OWNED_OF_TEN = 8
ROLES = ("business_owner", "technical_owner", "steward")
# Every thing but a source and a deployment is a data set and the job that makes it.
DATASETS_OF_A_HUNDRED = 55
TABLES = (
    "lineage_asset",
    "lineage_assetkind",
    "lineage_word",
    "lineage_edge",
    "lineage_run",
    "lineage_assetversion",
    "lineage_runio",
    "governance_ownership",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """What is added to the edges of the company: so many more reads of each job, a calendar that feeds this share of
    all assets, and of this share of the edges an earlier one that was closed."""

    reads: int = 0
    fed_by_calendar: float = 0.0
    closed: float = 0.0


SPARSE = Density()
# About five current edges an asset, one hub, and a history.
DENSE = Density(reads=7, fed_by_calendar=0.8, closed=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """Where the data sets and the jobs of a layer begin, and how many it has."""

    datasets: int
    jobs: int
    width: int


def fill(database_url: str, *, assets: int, seed: int, density: Density = SPARSE) -> int:
    """Fill an installation's empty graph with about `assets` assets, jobs included, and say how many edges stand."""
    layers = _places(assets)
    with psycopg.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute("SET jit = off")
        # The same as a graph that has grown by and by, in a tenth of the time.
        indexes = _without_indexes(cursor)
        _function(cursor, seed)
        _assets(cursor, layers)
        _edges(cursor, layers, density)
        _runs(cursor, layers)
        _owners(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Or its triggers would stand in the way of the indexes.
        for statement in indexes:
            cursor.execute(statement)
        edges = cursor.execute("SELECT count(*) FROM lineage_edge WHERE valid_to IS NULL").fetchone()
    with psycopg.connect(database_url, autocommit=True) as database:
        for table in TABLES:
            database.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
    assert edges is not None, "an aggregate gives a row"
    return int(edges[0])


def _places(assets: int) -> dict[Layer, Ids]:
    """Ids go by layer, as in a graph that has grown: the calendar, then of each layer its data sets and its jobs."""
    layers, free = {}, 2
    for layer in Layer:
        width = max(1, assets * DATASETS_OF_A_HUNDRED // 100 * SHARES[layer] // 100)
        datasets = 0 if layer is Layer.DEPLOYMENTS else width
        jobs = 0 if layer is Layer.SOURCES else width
        layers[layer] = Ids(datasets=free, jobs=free + datasets, width=width)
        free += datasets + jobs
    return layers


def _without_indexes(cursor: psycopg.Cursor[tuple[str]]) -> list[str]:
    """Drop the indexes that no constraint needs, and say how to make them again."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[]) "
        "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        [list(TABLES)],
    )
    found: list[tuple[str, str]] = cursor.fetchall()  # type: ignore[assignment]  # of two columns
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    return [statement for _, statement in found]


def _function(cursor: psycopg.Cursor[tuple[str]], seed: int) -> None:
    """A number from 0 to 2**31 - 1 that belongs to the n-th draw for a thing."""
    cursor.execute(
        "CREATE FUNCTION pg_temp.draw(thing bigint, nth bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql "
        f"RETURN hashint8extended(thing * 1000 + nth, {seed:d}) & 2147483647"
    )


def _assets(cursor: psycopg.Cursor[tuple[str]], layers: dict[Layer, Ids]) -> None:
    cursor.execute(
        "CREATE TEMPORARY TABLE made (id bigint, place int, family text, kind text, processing text, namespace text, "
        "name text, team text)"
    )
    cursor.execute(
        "INSERT INTO made VALUES (%s, 0, 'dataset', 'dataset', '', %s, %s, %s)",
        [CALENDAR_ID, *CALENDAR, vocabulary.TEAMS[0]],
    )
    for layer, ids in layers.items():
        for is_job in (False, True):
            if (layer is Layer.SOURCES and is_job) or (layer is Layer.DEPLOYMENTS and not is_job):
                continue
            family, kind, processing = _kind(layer, is_job)
            namespace, name = _naming(layer, is_job)
            cursor.execute(
                f"""
                INSERT INTO made
                SELECT %(first)s + i, i, %(family)s, %(kind)s, %(processing)s, {namespace}, {name}, team
                FROM (
                    SELECT i, (%(teams)s::text[])[1 + pg_temp.draw(%(layer)s * 100000000 + i, 1) %% %(teams_count)s]
                               AS team,
                           (%(nouns)s::text[])[1 + pg_temp.draw(%(layer)s * 100000000 + i, 2) %% %(nouns_count)s]
                               AS noun,
                           (%(hosts)s::text[])[1 + pg_temp.draw(%(layer)s * 100000000 + i, 3) %% %(hosts_count)s]
                               AS host,
                           lpad(i::text, greatest(5, length(i::text)), '0') AS number
                    FROM generate_series(0::bigint, %(width)s - 1) AS i
                ) AS drawn ORDER BY i
                """,
                {
                    "first": ids.jobs if is_job else ids.datasets,
                    "family": family,
                    "kind": kind,
                    "processing": processing,
                    "layer": int(layer),
                    "width": ids.width,
                    "teams": list(vocabulary.TEAMS),
                    "teams_count": len(vocabulary.TEAMS),
                    "nouns": list(vocabulary.NOUNS),
                    "nouns_count": len(vocabulary.NOUNS),
                    "hosts": list(vocabulary.SOURCES),
                    "hosts_count": len(vocabulary.SOURCES),
                },
            )
    cursor.execute(
        f"""
        INSERT INTO lineage_asset (id, uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at,
                                   shown_at, known_at, kind_set_at)
        SELECT id, md5(family || E'\\x1f' || namespace || E'\\x1f' || name)::uuid, family, kind, processing, namespace,
               name, seen, seen + pg_temp.draw(id, 5) %% {SECONDS} * interval '1 second', seen, seen,
               CASE WHEN kind <> family OR processing <> '' THEN seen END
        FROM (SELECT *, %s::timestamptz + pg_temp.draw(id, 4) %% {SECONDS} * interval '1 second' AS seen FROM made)
             AS dated ORDER BY id
        """,
        [BEGINNING],
    )
    cursor.execute(
        """
        INSERT INTO lineage_assetkind (asset_id, kind, processing, first_seen_at, known_at, last_seen_at, last_digest)
        SELECT id, kind, processing, kind_set_at, kind_set_at, last_seen_at, sha256(uuid::text::bytea)
        FROM lineage_asset WHERE kind_set_at IS NOT NULL
        """
    )
    cursor.execute("SELECT setval('lineage_asset_id_seq', (SELECT max(id) FROM lineage_asset))")
    cursor.execute("SELECT DISTINCT regexp_replace(name, '[0-9]+', '0', 'g') FROM made")
    known = {word for (name,) in cursor.fetchall() for word in words.of(name)}
    cursor.execute("INSERT INTO lineage_word (word) SELECT unnest(%s::text[])", [sorted(known)])


def _kind(layer: Layer, is_job: bool) -> tuple[str, str, str]:
    if not is_job:
        return "dataset", "model" if layer is Layer.MODELS else "dataset", ""
    return ("job", "deployment", "service") if layer is Layer.DEPLOYMENTS else ("job", "job", "batch")


def _naming(layer: Layer, is_job: bool) -> tuple[str, str]:
    """Namespace and name in SQL, of what is drawn of a thing: `team`, `noun`, `host` and `number`."""
    plain = "noun || '_' || number"
    if is_job and layer is Layer.DEPLOYMENTS:
        return "team || '-serving'", "team || '-endpoint-' || number"
    if is_job:
        verb = vocabulary.VERBS[layer.name.lower()]
        return f"team || '-{INTEGRATIONS[layer]}'", f"'{verb}.' || {plain}"
    match layer:
        case Layer.SOURCES:
            return "replace(host, '{team}', team)", f"team || '.public.' || {plain}"
        case Layer.FEATURES:
            return "'s3://acme-features'", f"team || '/' || {plain}"
        case Layer.TRAINING:
            return "'s3://acme-training'", f"team || '/sets/' || {plain}"
        case Layer.MODELS:
            return "'mlflow://models.acme.example'", "team || '-' || replace(noun, '_', '-') || '-' || number"
        case _:
            return "'snowflake://acme-eu1'", f"upper('{layer.name}.' || team || '.' || {plain})"


def _edges(cursor: psycopg.Cursor[tuple[str]], layers: dict[Layer, Ids], density: Density) -> None:
    cursor.execute("CREATE TEMPORARY TABLE pair (source bigint, target bigint, relation text)")
    for statement in _pairs(layers, density):
        cursor.execute(f"INSERT INTO pair {statement}")
    cursor.execute(
        f"""
        INSERT INTO lineage_edge (source_id, target_id, relation, is_declared, valid_from, last_seen_at, known_at)
        SELECT source, target, relation, false, at, at, at
        FROM (SELECT *, %(beginning)s::timestamptz + pg_temp.draw(source * 1000003 + target, 6) %% {SECONDS}
                        * interval '1 second' AS at FROM pair) AS dated
        """,
        {"beginning": BEGINNING},
    )
    cursor.execute(
        """
        INSERT INTO lineage_edge (source_id, target_id, relation, is_declared, valid_from, valid_to, last_seen_at)
        SELECT source_id, target_id, relation, true, valid_from - interval '90 days', valid_from - interval '30 days',
               valid_from - interval '90 days'
        FROM lineage_edge WHERE pg_temp.draw(id, 7) %% 100 < %(closed)s
        """,
        {"closed": round(density.closed * 100)},
    )


def _pairs(layers: dict[Layer, Ids], density: Density) -> Iterator[str]:
    """Each edge once. Most jobs of the company read one to three data sets, a few many, hubs more often; mostly of the
    layer below, sometimes of the same or of two below."""
    for layer, ids in layers.items():
        if layer is Layer.SOURCES:
            continue
        below = layers[Layer(layer - 1)]
        jobs = f"SELECT i, {ids.jobs} + i AS job FROM generate_series(0::bigint, {ids.width - 1}) AS i"
        if layer is Layer.DEPLOYMENTS:
            yield f"SELECT {below.datasets} + i % {below.width}, job, 'consumed' FROM ({jobs}) AS job"
            continue
        yield f"SELECT job, {ids.datasets} + i, 'produced' FROM ({jobs}) AS job"
        further = layers[Layer(layer - 2)] if layer >= Layer.STAGING else below
        own = "true" if layer in (Layer.STAGING, Layer.MARTS, Layer.FEATURES) else "false"
        yield f"""
            SELECT DISTINCT CASE
                -- The cube and the square make the first of a layer its hubs.
                WHEN nth >= fan THEN {below.datasets} + floor({below.width} * share ^ 2)::bigint
                WHEN turn < 10 THEN {further.datasets} + floor({further.width} * share ^ 3)::bigint
                WHEN turn < 20 AND {own} AND i > 0 THEN {ids.datasets} + floor(i * share ^ 3)::bigint
                ELSE {below.datasets} + floor({below.width} * share ^ 3)::bigint END, job, 'consumed'
            FROM (
                SELECT i, job, fan, nth, pg_temp.draw(job, 20 + nth) / 2147483648.0::float8 AS share,
                       pg_temp.draw(job, 500 + nth) % 100 AS turn
                FROM (SELECT i, job, CASE
                          WHEN dice < 50 THEN 1 WHEN dice < 80 THEN 2 WHEN dice < 93 THEN 3
                          ELSE 4 + 256 / (1 + pg_temp.draw(job, 11) % 256) / 7 END AS fan
                      FROM (SELECT *, pg_temp.draw(job, 10) % 100 AS dice FROM ({jobs}) AS job) AS diced) AS fanned
                CROSS JOIN LATERAL generate_series(0::bigint, fan + {density.reads} - 1) AS nth
            ) AS drawn"""
    if density.fed_by_calendar:
        yield (
            "SELECT 1, id, CASE family WHEN 'job' THEN 'consumed' ELSE 'feeds' END FROM lineage_asset "
            f"WHERE id > 1 AND pg_temp.draw(id, 8) % 100 < {round(density.fed_by_calendar * 100)}"
        )


def _runs(cursor: psycopg.Cursor[tuple[str]], layers: dict[Layer, Ids]) -> None:
    """Two runs of each job, of which some failed and some still run; the second wrote a version that has a name."""
    cursor.execute(
        """
        INSERT INTO lineage_run (uuid, external_id, job_id, state, event_types, started_at, ended_at, first_event_at,
                                 last_event_at, last_digest)
        SELECT uuid, uuid, id, state, 5, at, CASE WHEN state <> 'running' THEN at + interval '5 minutes' END, at,
               at + interval '5 minutes', decode(replace(uuid::text, '-', ''), 'hex')
        FROM (SELECT md5(id || '/' || nth)::uuid AS uuid, id,
                     CASE WHEN pg_temp.draw(id, 30 + nth) % 100 < 5 THEN 'failed'
                          WHEN kind = 'deployment' THEN 'running' ELSE 'complete' END AS state,
                     last_seen_at - (2 - nth) * interval '7 days' AS at
              FROM lineage_asset CROSS JOIN generate_series(1, 2) AS nth WHERE family = 'job') AS ran
        ORDER BY uuid
        """
    )
    for layer, ids in layers.items():
        if layer in (Layer.SOURCES, Layer.DEPLOYMENTS):
            continue
        cursor.execute(
            f"""
            INSERT INTO lineage_assetversion (uuid, key, produced_at, seen_at, known_at, asset_id)
            SELECT md5(uuid::text || '/1')::uuid, pg_temp.draw(id, 40)::text, last_seen_at, last_seen_at, last_seen_at,
                   id
            FROM lineage_asset WHERE id BETWEEN {ids.datasets} AND {ids.datasets + ids.width - 1}
            """
        )
        cursor.execute(
            f"""
            INSERT INTO lineage_runio (run_id, direction, asset_id, version_id, first_seen_at, known_at)
            SELECT md5(({ids.jobs} - {ids.datasets} + asset_id) || '/2')::uuid, 'output', asset_id, id, seen_at, seen_at
            FROM lineage_assetversion WHERE asset_id BETWEEN {ids.datasets} AND {ids.datasets + ids.width - 1}
            """
        )
    served = layers[Layer.DEPLOYMENTS]
    models = layers[Layer.MODELS]
    cursor.execute(
        f"""
        INSERT INTO lineage_runio (run_id, direction, asset_id, version_id, first_seen_at, known_at)
        SELECT md5(({served.jobs} + i) || '/2')::uuid, 'input', v.asset_id, v.id, v.seen_at, v.seen_at
        FROM generate_series(0, {served.width - 1}) AS i
        JOIN lineage_assetversion v ON v.asset_id = {models.datasets} + i % {models.width}
        """
    )


def _owners(cursor: psycopg.Cursor[tuple[str]]) -> None:
    cursor.execute(
        "INSERT INTO governance_team (slug, name) SELECT slug, initcap(slug) FROM unnest(%s::text[]) AS slug "
        "ON CONFLICT (slug) DO NOTHING",
        [list(vocabulary.TEAMS)],
    )
    cursor.execute(
        """
        INSERT INTO governance_ownership (asset, role, team_id, period)
        SELECT a.uuid, (%s::text[])[1 + pg_temp.draw(a.id, 9) %% 3], t.id, tstzrange(%s, NULL)
        FROM made JOIN lineage_asset a USING (id) JOIN governance_team t ON t.slug = made.team
        WHERE pg_temp.draw(a.id, 12) %% 10 < %s ORDER BY a.uuid
        """,
        [list(ROLES), BEGINNING, OWNED_OF_TEN],
    )
