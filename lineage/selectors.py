"""Reads of the graph for pages and the API. Everyone who is signed in may read the graph."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Count, DateTimeField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from governance.errors import NotFound
from lineage import hiding, identity, inputs, provenance, traces, traversal
from lineage.asof import NOW, Moment
from lineage.details import Detail
from lineage.fieldmodels import Hiding
from lineage.identity import Family, Kind
from lineage.models import Asset, AssetVersion, Event, FacetSighting, Observation, Outbox, Run, RunDetail, RunIO
from lineage.provenance import Provenance, Spot
from lineage.traversal import Direction, Neighbourhood


def listed(*, kind: str = "", with_names: bool = False, moment: Moment = NOW) -> QuerySet[Asset]:
    """What lists show, in no order: nothing hidden, and what is no more than a name only when it is asked for.

    On another day what had been told of by then, and as what: see `traces.told`.
    """
    hidden = hiding.at(Hiding.objects.filter(asset=OuterRef("uuid")), moment)
    found = Asset.objects.order_by().filter(~Exists(hidden))
    if not moment.is_now:
        return found.filter(traces.told_of(moment, kind=kind, with_names=with_names))
    if kind:
        return found.filter(kind=kind)
    return found if with_names else found.exclude(kind=Kind.NAME)


def assets(*, text: str = "", kind: str = "", with_names: bool = False, moment: Moment = NOW) -> QuerySet[Asset]:
    """Assets whose name or namespace contains every word of `text`, in the order of their ids."""
    found = listed(kind=kind, with_names=with_names, moment=moment).order_by("id")
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(namespace__icontains=word))
    return found


def in_order(ids: Sequence[int]) -> list[Asset]:
    """The assets of these ids, in their order."""
    found = Asset.objects.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def kinds(*, text: str = "") -> dict[str, int]:
    """How many assets of each kind match the text."""
    return dict(assets(text=text).order_by().values_list("kind").annotate(Count("id")))


def asset(uuid: UUID) -> Asset:
    """Raises NotFound."""
    found = Asset.objects.filter(uuid=uuid).first()
    if found is None:
        raise NotFound(f"There is no asset {uuid}.", fields={"asset": "unknown"})
    return found


def numbers(uuids: Collection[UUID]) -> dict[UUID, int]:
    """The ids of these assets; one that is not in the graph is left out."""
    return dict(Asset.objects.filter(uuid__in=uuids).values_list("uuid", "pk")) if uuids else {}


@dataclass(frozen=True, slots=True)
class Named:
    """What a UUID of the graph stands for: an asset, a version of one, or a run (named after its job)."""

    what: str
    name: str


def named(uuids: Collection[UUID]) -> dict[UUID, Named]:
    """What these UUIDs stand for; one that is not in the graph is left out. Three queries at most."""
    found = {one.uuid: Named("asset", one.name) for one in Asset.objects.filter(uuid__in=uuids).only("uuid", "name")}
    if left := set(uuids) - found.keys():
        for version in AssetVersion.objects.filter(uuid__in=left).select_related("asset"):
            found[version.uuid] = Named("version", f"{version.asset.name} {version.key}")
    if left := set(uuids) - found.keys():
        for run in Run.objects.filter(uuid__in=left).select_related("job"):
            found[run.uuid] = Named("run", run.job.name)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldThrough:
    """How many runs told something through one join, when first and last, and the last of them."""

    runs: int
    first_at: datetime
    last_at: datetime
    run: UUID


def told_through(pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], ToldThrough]:
    """What runs told of an asset by another name that was joined to it, whether or not that is taken back."""
    if not pairs:
        return {}
    listed = sorted(pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.uuid, p.uuid, count(DISTINCT j.run), min(j.first_seen_at), max(j.last_seen_at),
                   (array_agg(j.run ORDER BY j.last_seen_at DESC, j.run))[1]
            FROM unnest(%s::uuid[], %s::uuid[]) AS pair (asset, place)
            JOIN lineage_asset a ON a.uuid = pair.asset
            JOIN lineage_asset p ON p.uuid = pair.place
            JOIN lineage_joinedio j ON j.asset_id = a.id AND j.place_id = p.id
            GROUP BY a.uuid, p.uuid
            """,
            [[asset for asset, _ in listed], [place for _, place in listed]],
        )
        return {
            (row[0], row[1]): ToldThrough(runs=row[2], first_at=row[3], last_at=row[4], run=row[5])
            for row in cursor.fetchall()
        }


def asset_or_none(uuid: UUID) -> Asset | None:
    return Asset.objects.filter(uuid=uuid).first()


def asset_named(*, kind: str, namespace: str, name: str) -> Asset:
    """Raises NotFound."""
    found = Asset.objects.filter(kind=kind, namespace=namespace, name=name).first()
    if found is None:
        raise NotFound(f"There is no {kind} {name!r} in {namespace!r}.", fields={"name": "unknown"})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of an asset. Without a name from its sender it is called after the run that wrote it."""

    key: str
    uuid: UUID | None
    at: datetime
    run: UUID | None
    is_inferred: bool


def versions(asset: Asset, *, limit: int = 50, before: datetime | None = None, moment: Moment = NOW) -> list[Version]:
    """The versions of an asset, the newest first, older than `before` if given."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT version.key, version.uuid, version.at, version.is_inferred, COALESCE(version.run, made.run_id)
            FROM (
                SELECT * FROM (
                    SELECT v.key, v.uuid, {moment.version_time()} AS at, false AS is_inferred, v.id, NULL::uuid AS run
                    FROM lineage_assetversion v
                    WHERE v.asset_id = %(asset)s AND {moment.stands("v", "seen_at")}
                    UNION ALL
                    SELECT 'run:' || io.run_id, NULL, {moment.began("io", "first_seen_at")}, true, NULL, io.run_id
                    FROM lineage_runio io
                    WHERE io.asset_id = %(asset)s AND io.direction = 'output' AND io.version_id IS NULL
                      AND {moment.stands("io", "first_seen_at")} AND NOT EXISTS (
                        SELECT FROM lineage_runio pinned
                        WHERE pinned.run_id = io.run_id AND pinned.direction = 'output'
                          AND pinned.asset_id = io.asset_id AND pinned.version_id IS NOT NULL
                          AND {moment.stands("pinned", "first_seen_at")})
                ) AS any_version WHERE %(before)s::timestamptz IS NULL OR at < %(before)s
                ORDER BY at DESC, key DESC LIMIT %(limit)s
            ) AS version LEFT JOIN LATERAL (
                SELECT io.run_id FROM lineage_runio io
                WHERE io.version_id = version.id AND io.direction = 'output' AND {moment.stands("io", "first_seen_at")}
                ORDER BY {moment.began("io", "first_seen_at")}, io.run_id LIMIT 1
            ) AS made ON true
            ORDER BY version.at DESC, version.key DESC
            """,
            moment.parameters | {"asset": asset.pk, "before": before, "limit": limit},
        )
        return [
            Version(key=row[0], uuid=row[1], at=row[2], is_inferred=row[3], run=row[4]) for row in cursor.fetchall()
        ]


def runs(asset: Asset, *, moment: Moment = NOW) -> QuerySet[Run]:
    """The runs of a job, or those that read or wrote the asset, the newest first; of a day, those heard of by then.

    In the order of today, and each as it stands today: `lineage.retelling` tells them as they had been told.
    """
    io = standing(asset.io.all(), moment)
    mine = Q(job=asset) if asset.family == Family.JOB else Q(uuid__in=io.values("run"))
    found = Run.objects.filter(mine) if moment.is_now else Run.objects.filter(mine, _heard(moment))
    return found.select_related("job", "commit__asset").order_by("-last_event_at", "uuid")


def _heard(moment: Moment) -> Exists:
    told = Event.objects.filter(run=OuterRef("uuid"))
    if moment.as_of is not None:
        told = told.filter(event_time__lte=moment.as_of)
    if moment.known_at is not None:
        told = told.filter(received_at__lte=moment.known_at)
    return Exists(told)


def io(run: Run, *, moment: Moment = NOW) -> QuerySet[RunIO]:
    """What a run read and wrote, as far as it had been told, by name."""
    rows = standing(run.io.all(), moment)
    return rows.select_related("asset", "version").order_by("direction", "asset__name", "id")


Row = TypeVar("Row", RunIO, FacetSighting)


def standing(rows: QuerySet[Row], moment: Moment) -> QuerySet[Row]:
    """Those of the rows with tellings whose fact had begun, and was known."""
    if moment.known_at is not None:
        until = moment.as_of or traces.NEVER
        told = (F("first_seen_at"), F("known_at"), F("also_told"), Value(moment.known_at))
        began = Func(*told, function="lineage_as_known", output_field=DateTimeField())
        # Most rows have one telling, and need no function.
        once = Q(known_at__lte=moment.known_at, first_seen_at__lte=until)
        return rows.alias(began=began).filter(once | Q(also_told__isnull=False, began__lte=until))
    return rows if moment.as_of is None else rows.filter(first_seen_at__lte=moment.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTag:
    """A tag of a run, in its sender's words."""

    key: str
    value: str
    source: str


def run_tags(runs: Collection[UUID], *, as_of: datetime | None = None) -> dict[UUID, list[RunTag]]:
    """The tags of each run that has some. As every facet of a run, they are those that were said last."""
    said = RunDetail.objects.filter(run__in=runs, name=Detail.TAGS)
    if as_of is not None:
        said = said.filter(first_seen_at__lte=as_of)
    return tags_said_last(
        [
            (detail.run, detail.first_seen_at, (detail.last_seen_at, bytes(detail.last_digest)), detail.body)
            for detail in said
        ],
        as_of,
    )


def tags_said_last(
    said: Iterable[tuple[UUID, datetime, tuple[datetime, bytes], Mapping[str, Any]]], as_of: datetime | None
) -> dict[UUID, list[RunTag]]:
    """Of details that give a run its tags, with the times at which each was said first and last, those that hold.

    Of one that was said before and after the day it is not known whether between.
    """
    newest: dict[UUID, tuple[tuple[datetime, bytes], Mapping[str, Any]]] = {}
    for run, first, (last, digest), body in said:
        if as_of is not None and first > as_of:
            continue
        at = first if as_of is not None and last > as_of else last, digest
        if run not in newest or at > newest[run][0]:
            newest[run] = at, body
    return {run: [RunTag(**tag) for tag in body["tags"]] for run, (_, body) in newest.items()}


def run(uuid: UUID, *, moment: Moment = NOW) -> Run:
    """The run as it stands today. Raises NotFound, also for one that had not been heard of then."""
    found = Run.objects.select_related("job", "commit__asset").filter(uuid=uuid)
    run = (found if moment.is_now else found.filter(_heard(moment))).first()
    if run is None:
        says = f"There is no run {uuid}." if moment.is_now else f"No run {uuid} had been heard of then."
        raise NotFound(says, fields={"run": "unknown"})
    return run


def events_of_run(uuid: UUID, *, moment: Moment = NOW) -> QuerySet[Event]:
    """The events of a run by their own time."""
    found = Event.objects.filter(run=uuid)
    if moment.as_of is not None:
        found = found.filter(event_time__lte=moment.as_of)
    if moment.known_at is not None:
        found = found.filter(received_at__lte=moment.known_at)
    return found.order_by("event_time", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The value of one facet and when it was last said.

    Not exact when the stored sightings leave open which of several values was said last by the day asked for.
    """

    key: str
    value: Any
    seen_at: datetime
    is_exact: bool = True


def facets(asset: Asset, *, as_of: datetime | None = None) -> list[Facet]:
    """The facets on a day (now when absent): for each key the value said last, unless it was a deletion. By key.

    Of a document that was sighted before and after the day it is only known that it was said at some time between; it
    is taken to have been said just before the day, as senders repeat themselves.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT key, value::text, said_at, rival_at IS NULL OR said_at >= rival_at FROM (
                SELECT key, value, said_at, latest_at, digest, row_number() OVER ranked AS place,
                       lead(latest_at) OVER ranked AS rival_at
                FROM (
                    SELECT DISTINCT ON (said.key, said.value) said.key, said.value, sighting.digest,
                           max(sighting.said_at) OVER (PARTITION BY said.key, said.value) AS said_at,
                           sighting.latest_at
                    FROM (
                        SELECT document_id, last_digest AS digest,
                               CASE WHEN last_seen_at > %(as_of)s THEN first_seen_at ELSE last_seen_at END AS said_at,
                               LEAST(last_seen_at, %(as_of)s) AS latest_at
                        FROM lineage_facetsighting
                        WHERE asset_id = %(asset)s AND (%(as_of)s::timestamptz IS NULL OR first_seen_at <= %(as_of)s)
                    ) AS sighting
                    JOIN lineage_facetdocument d ON d.uuid = sighting.document_id
                    CROSS JOIN LATERAL jsonb_each(d.body) AS said
                    ORDER BY said.key, said.value, sighting.latest_at DESC, sighting.digest DESC
                ) AS different
                WINDOW ranked AS (PARTITION BY key ORDER BY latest_at DESC, said_at DESC, digest DESC)
            ) AS newest WHERE place = 1 AND NOT COALESCE(value @> '{"_deleted": true}', false) ORDER BY key
            """,
            {"asset": asset.pk, "as_of": as_of},
        )
        return [
            Facet(key=row[0], value=json.loads(row[1]), seen_at=row[2], is_exact=row[3]) for row in cursor.fetchall()
        ]


def dropped(assets: Sequence[int], moment: Moment = NOW) -> dict[int, datetime]:
    """When each asset was dropped, of those by their ids that were and that nothing wrote or read since."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT gone.asset_id, gone.at FROM (
                SELECT asset_id, max(event_time) AS at FROM lineage_drop
                WHERE asset_id = ANY(%(assets)s) AND event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')
                  AND known_at <= COALESCE(%(known_at)s::timestamptz, 'infinity') GROUP BY asset_id
            ) AS gone JOIN lineage_asset a ON a.id = gone.asset_id
            WHERE NOT EXISTS (
                SELECT FROM lineage_runio io WHERE io.asset_id = gone.asset_id AND io.first_seen_at > gone.at
                  AND {moment.stands("io", "first_seen_at")})
              AND ({"false" if moment.is_now else "true"} OR a.last_seen_at <= gone.at)
            """,
            moment.parameters | {"assets": list(assets)},
        )
        return dict(cursor.fetchall())


def facet_on(assets: Sequence[int], key: str, moment: Moment = NOW) -> dict[int, Any]:
    """One facet of many assets by their ids, as `facets` has it. `known_at` is not asked of facets."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (sighting.asset_id) sighting.asset_id, (d.body -> %(key)s)::text
            FROM (
                SELECT asset_id, document_id, last_digest, LEAST(last_seen_at, %(as_of)s) AS latest_at,
                       CASE WHEN last_seen_at > %(as_of)s THEN first_seen_at ELSE last_seen_at END AS said_at
                FROM lineage_facetsighting
                WHERE asset_id = ANY(%(assets)s)
                  AND (%(as_of)s::timestamptz IS NULL OR first_seen_at <= %(as_of)s)
            ) AS sighting
            JOIN lineage_facetdocument d ON d.uuid = sighting.document_id AND d.body ? %(key)s
            ORDER BY sighting.asset_id, latest_at DESC, said_at DESC, last_digest DESC
            """,
            moment.parameters | {"assets": list(set(assets)), "key": key},
        )
        return {asset: json.loads(value) for asset, value in cursor.fetchall()}


def observations(moment: Moment = NOW) -> QuerySet[Observation]:
    """Every measurement of model versions, by metric and segment, the newest first.

    Of one that was corrected the last value is kept, so `known_at` leaves out what was corrected later.
    """
    found = Observation.objects.all()
    if moment.as_of is not None:
        found = found.filter(measured_at__lte=moment.as_of)
    if moment.known_at is not None:
        found = found.filter(Exists(Event.objects.filter(digest=OuterRef("digest"), received_at__lte=moment.known_at)))
    return found.select_related("dataset__asset").order_by("metric", "segment", "-measured_at")


def newest_observations(versions: Collection[UUID]) -> QuerySet[Observation]:
    """The newest value of each metric and segment of several model versions."""
    found = Observation.objects.filter(version__uuid__in=versions).select_related("version")
    return found.order_by("version", "metric", "segment", "-measured_at").distinct("version", "metric", "segment")


def neighbourhood(
    *, asset: Asset, direction: Direction, depth: int, budget: int = 200, moment: Moment = NOW
) -> Neighbourhood:
    """See `traversal.neighbourhood`."""
    return traversal.neighbourhood(
        root=asset.pk, root_uuid=asset.uuid, direction=direction, depth=depth, budget=budget, moment=moment
    )


def evidence_graph(
    *,
    root: Spot,
    direction: Direction,
    depth: int,
    budget: int = 200,
    moment: Moment = NOW,
) -> Provenance:
    """See `provenance.provenance`."""
    return provenance.provenance(root=root, direction=direction, depth=depth, budget=budget, moment=moment)


def spot(asset: Asset, *, version: str | None = None, moment: Moment = NOW) -> Spot:
    """Where evidence of an asset begins: at the version named, else at its newest; at a job's newest run.

    Without any, at what is not known of it. Raises NotFound for a version that was not known then.
    """
    if version is not None:
        return _spot_of_version(asset, version, moment)
    if asset.family == Family.JOB:
        newest = _newest_run(asset, moment)
        if newest is None:
            raise NotFound(f"{asset} had no run then.", fields={"asset": "No run."})
        return Spot(None, None, newest.uuid)
    newest_version = next(iter(versions(asset, limit=1, moment=moment)), None)
    return _spot_of_version(asset, newest_version.key, moment) if newest_version else Spot(asset.pk, None, None)


def _newest_run(job: Asset, moment: Moment) -> Run | None:
    if moment.known_at is not None:
        return runs(job, moment=moment).first()
    found = job.runs.order_by("-last_event_at", "uuid")
    return (found.filter(first_event_at__lte=moment.as_of) if moment.as_of else found).first()


def _spot_of_version(asset: Asset, key: str, moment: Moment) -> Spot:
    """The version of that key; `run:<id>` is what a run left unnamed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT v.id, NULL::uuid FROM lineage_assetversion v
            WHERE v.uuid = %(uuid)s AND {moment.stands("v", "seen_at")}
            UNION ALL
            SELECT NULL, o.run_id FROM lineage_runio o
            WHERE 'run:' || o.run_id = %(key)s AND o.run_id = %(run)s AND o.asset_id = %(asset)s
              AND {inputs.unnamed_output("o", moment)}
            LIMIT 1
            """,
            moment.parameters
            | {"uuid": identity.version(asset.uuid, key), "key": key, "run": _run_of(key), "asset": asset.pk},
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"There was no version {key!r} of {asset} then.", fields={"version": "unknown"})
    return Spot(asset.pk, row[0], row[1])


def _run_of(key: str) -> UUID | None:
    try:
        return UUID(key.removeprefix("run:")) if key.startswith("run:") else None
    except ValueError:
        return None


def dead_letters() -> QuerySet[Outbox]:
    """Events that could not be projected, the oldest first."""
    return Outbox.objects.filter(is_dead=True).select_related("event").order_by("event_id")
