"""A graph of any size put straight into the tables, for benches that only read.

The projector would take hours for it, and what it writes is measured elsewhere. Assets, map and owners are those of
the generated company; there are no runs, versions or facets. Ids follow the layers, as in a graph that has grown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import psycopg

from bench import vocabulary
from bench.company import Company, Dataset, Layer
from lineage import identity, words

BEGINNING = datetime(2025, 3, 1, tzinfo=UTC)
SECONDS = 365 * 86_400
STEP = 7_919_317
CALENDAR = ("snowflake://acme-eu1", "REFERENCE.CALENDAR")
OWNED_OF_TEN = 8
ROLES = ("business_owner", "technical_owner", "steward")


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """What is added to the edges of the company: so many more reads of each job, a calendar that feeds this share of
    all assets, and of this share of the edges an earlier one that was closed."""

    reads: int = 0
    fed_by_calendar: float = 0.0
    closed: float = 0.0


SPARSE = Density()
# About five current edges an asset, one hub, and a history.
DENSE = Density(reads=6, fed_by_calendar=0.8, closed=0.2)


def fill(database_url: str, *, assets: int, seed: int, density: Density = SPARSE) -> int:
    """Fill an installation's empty graph with about `assets` assets, jobs included, and say how many edges stand."""
    company = Company(seed=seed, assets=assets * 54 // 100)
    ids: dict[UUID, int] = {}
    with psycopg.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(
            "INSERT INTO governance_team (slug, name) SELECT slug, initcap(slug) FROM unnest(%s::text[]) AS slug "
            "ON CONFLICT (slug) DO NOTHING",
            [list(vocabulary.TEAMS)],
        )
        cursor.execute("SELECT slug, id FROM governance_team")
        teams: dict[str, int] = dict(cursor.fetchall())
        known: set[str] = set()
        owners = []
        with cursor.copy(
            "COPY lineage_asset (id, uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at) "
            "FROM STDIN"
        ) as copy:
            for family, kind, processing, namespace, name, team, draw in chain(_calendar(density), _assets(company)):
                uuid = identity.asset.__wrapped__(family, namespace, name)
                if uuid in ids:
                    continue
                ids[uuid] = len(ids) + 1
                known |= words.of(name)
                first = BEGINNING + timedelta(seconds=draw % SECONDS)
                last = first + timedelta(seconds=draw // 7 % SECONDS)
                copy.write_row((ids[uuid], uuid, family, kind, processing, namespace, name, first, last))
                if draw % 10 < OWNED_OF_TEN:
                    owners.append((uuid, ROLES[draw % 3], teams[team]))
        cursor.execute("SELECT setval('lineage_asset_id_seq', %s)", [len(ids)])
        cursor.execute("INSERT INTO lineage_word (word) SELECT unnest(%s::text[])", [sorted(known)])
        with cursor.copy("COPY governance_ownership (asset, role, team_id, period) FROM STDIN") as copy:
            for uuid, role, team_id in owners:
                copy.write_row((uuid, role, team_id, f"[{BEGINNING.isoformat()},)"))
        edges = 0
        with cursor.copy(
            "COPY lineage_edge (source_id, target_id, relation, is_declared, valid_from, valid_to, last_seen_at, "
            "known_at) FROM STDIN"
        ) as copy:
            for number, (source, target, relation) in enumerate(_all_edges(company, ids, density)):
                # A step that shares no factor with the year spreads them over all of it.
                at = BEGINNING + timedelta(seconds=number * STEP % SECONDS)
                copy.write_row((source, target, relation, False, at, None, at, at))
                edges += 1
                if number % 100 < density.closed * 100:
                    before = at - timedelta(days=90)
                    copy.write_row((source, target, relation, True, before, at - timedelta(days=30), before, None))
    with psycopg.connect(database_url, autocommit=True) as database:
        for table in ("lineage_asset", "lineage_word", "lineage_edge", "governance_ownership"):
            database.execute(f"VACUUM ANALYZE {table}")
    return edges


def _assets(company: Company) -> Iterator[tuple[str, str, str, str, str, str, int]]:
    """Family, kind, processing, namespace, name, team and a number that belongs to it."""
    for layer in Layer:
        for index in range(company.width[layer]):
            draw = company.draws("landscape", layer, index)[0]
            team = company.team_of(layer, index)
            if layer is not Layer.DEPLOYMENTS:
                kind = "model" if layer is Layer.MODELS else "dataset"
                yield "dataset", kind, "", *company.identity(Dataset(layer, index)), team, draw
            if layer is not Layer.SOURCES:
                job = company.job(layer, index)
                service = layer is Layer.DEPLOYMENTS
                kind, processing = ("deployment", "service") if service else ("job", "batch")
                yield "job", kind, processing, *company.job_name(job), team, draw + 1
                for extra in job.outputs[1:]:
                    yield "dataset", "dataset", "", *company.identity(extra), team, draw + 2


def _calendar(density: Density) -> Iterator[tuple[str, str, str, str, str, str, int]]:
    if density.fed_by_calendar:
        yield "dataset", "dataset", "", *CALENDAR, vocabulary.TEAMS[0], 0


def _all_edges(company: Company, ids: dict[UUID, int], density: Density) -> Iterator[tuple[int, int, str]]:
    yield from _edges(company, ids)
    if density.reads:
        yield from _further_reads(company, ids, density.reads)
    if density.fed_by_calendar:
        own = _id(ids, "dataset", *CALENDAR)
        for other in ids.values():
            if other != own and other % 100 < density.fed_by_calendar * 100:
                yield own, other, "feeds"


def _further_reads(company: Company, ids: dict[UUID, int], reads: int) -> Iterator[tuple[int, int, str]]:
    """Reads of layers below that the company does not have, hubs more likely as there."""
    for job in company.jobs():
        if job.layer is Layer.DEPLOYMENTS or job.layer is Layer.SOURCES:
            continue
        own = _id(ids, "job", *company.job_name(job))
        known = set(_of(company, ids, job.inputs))
        below = Layer(job.layer - 1)
        for pick in company.draws("further", job.layer, job.index)[:reads]:
            chosen = Dataset(below, (company.width[below] * pick**2) >> 64)
            source = _id(ids, "dataset", *company.identity(chosen))
            if source not in known:
                known.add(source)
                yield source, own, "consumed"


def _edges(company: Company, ids: dict[UUID, int]) -> Iterator[tuple[int, int, str]]:
    """The edges of the map, each once."""
    for job in company.jobs():
        own = _id(ids, "job", *company.job_name(job))
        for source in dict.fromkeys(_of(company, ids, job.inputs)):
            yield source, own, "consumed"
        for target in dict.fromkeys(_of(company, ids, job.outputs)):
            yield own, target, "produced"


def _of(company: Company, ids: dict[UUID, int], datasets: tuple[Dataset, ...]) -> Iterator[int]:
    for dataset in datasets:
        yield _id(ids, "dataset", *company.identity(dataset))


def _id(ids: dict[UUID, int], family: str, namespace: str, name: str) -> int:
    return ids[identity.asset.__wrapped__(family, namespace, name)]
