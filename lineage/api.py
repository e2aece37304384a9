"""The graph over HTTP: assets, their versions and runs, and the neighbourhood of an asset."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest
from governance import selectors as governance_selectors
from governance.errors import Invalid
from governance.models import Ownership
from governance.tokens import Scope
from lineage import impact, search, selectors
from lineage.asof import Moment
from lineage.impact import Impact
from lineage.models import Asset, Run
from lineage.provenance import EvidenceNode, Provenance, Spot
from lineage.search import Filters, Word
from lineage.traversal import MAX_BUDGET, MAX_DEPTH, Direction, Link, Neighbourhood, Node

KindWord = Literal["dataset", "model", "job", "deployment", "repository"]
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class OnADay(rest.Body, frozen=True, kw_only=True):
    """What held at `as_of` (inclusive; now when absent), going by no event received after `known_at`."""

    as_of: Instant | None = None
    known_at: Instant | None = None

    @property
    def moment(self) -> Moment:
        """Raises Invalid for a time at the ends of the calendar."""
        return Moment(as_of=instant("as_of", self.as_of), known_at=instant("known_at", self.known_at))


def instant(name: str, given: datetime | None) -> datetime | None:
    """The time in UTC: PostgreSQL refuses offsets that Python takes. Raises Invalid, naming the parameter."""
    try:
        return given and given.astimezone(UTC)
    except OverflowError:
        says = "Not within the years 1 to 9999."
        raise Invalid(f"{name}: {says}", fields={name: says}) from None


class AssetsQuery(rest.Paging, frozen=True, kw_only=True):
    """Which assets: by words of the name, by kind, owner and change, or by the whole namespace and name.

    `q` forgives slips of the pen and gives the best matches first; `text` wants each of its words in name or namespace
    as it is spelt. `changed_since`: new since then, or with a version or facets that are. `counts=true` counts what
    each choice of kind and team would give.
    """

    q: Annotated[str, msgspec.Meta(max_length=500)] = ""
    text: str = ""
    kind: KindWord | None = None
    team: str | None = None
    owner: str | None = None
    no_owner: bool = False
    changed_since: Instant | None = None
    counts: bool = False
    namespace: str | None = None
    name: str | None = None


class AssetOut(rest.Body, frozen=True, kw_only=True):
    """An asset in a list."""

    id: UUID
    kind: str
    namespace: str
    name: str
    processing: str
    first_seen_at: datetime
    last_seen_at: datetime


class WordOut(rest.Body, frozen=True, kw_only=True):
    """A word of the search, and what was looked for in its place when no name holds it."""

    asked: str
    meant: list[str]


class CountsOut(rest.Body, frozen=True, kw_only=True):
    """How many assets match by kind (whatever kind was asked for) and by team (whatever owner was asked for).

    `minimums`: more match than are counted, so each figure is of the first of them only.
    """

    total: int
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    minimums: bool


class FacetOut(rest.Body, frozen=True, kw_only=True):
    """The value of one facet. Not exact: by the day asked for another value may have been said after it."""

    value: Any
    seen_at: datetime
    exact: bool


class OwnerOut(rest.Body, frozen=True, kw_only=True):
    """Who answers for an asset in one role: a team, and a person when one is named."""

    role: str
    team: str
    user: str | None


class VersionOut(rest.Body, frozen=True, kw_only=True):
    """A version of an asset; one that no sender named is called after its run and is inferred."""

    key: str
    id: UUID | None
    at: datetime
    run: UUID | None
    inferred: bool


class AssetDetail(AssetOut, frozen=True, kw_only=True):
    """An asset with its owners, facets and newest versions on the day asked for."""

    owners: list[OwnerOut]
    facets: dict[str, FacetOut]
    versions: list[VersionOut]


class VersionsQuery(OnADay, frozen=True, kw_only=True):
    """A page of versions: older than `before`, at most `limit`."""

    before: Instant | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=rest.MAX_PAGE_SIZE)] = rest.PAGE_SIZE


class RunOut(rest.Body, frozen=True, kw_only=True):
    """One execution of a job."""

    id: UUID
    external_id: str
    job: UUID
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    parent: UUID | None
    repository: str | None
    commit: str | None


class GraphQuery(OnADay, frozen=True, kw_only=True):
    """Whose neighbourhood (by id, or by kind, namespace and name), how far, how much of it, on which day.

    `graph=map`: which asset feeds which. `graph=evidence`: which run read and wrote which version, around `version` of
    the asset (the newest when absent), around a job's newest run, or around `run`.
    """

    graph: Literal["map", "evidence"] = "map"
    asset: UUID | None = None
    version: str | None = None
    run: UUID | None = None
    kind: KindWord | None = None
    namespace: str = ""
    name: str = ""
    direction: Direction = Direction.BOTH
    depth: Annotated[int, msgspec.Meta(ge=0, le=MAX_DEPTH)] = 1
    budget: Annotated[int, msgspec.Meta(ge=1, le=MAX_BUDGET)] = 200


class NodeOut(rest.Body, frozen=True, kw_only=True):
    """An asset in the neighbourhood. `more_*` counts its neighbours that the answer leaves out.

    `state` is that of the newest run of a job or deployment.
    """

    id: UUID
    kind: str
    namespace: str
    name: str
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int
    state: str | None
    owners: list[OwnerOut]


class EdgeOut(rest.Body, frozen=True, kw_only=True):
    """A relation between two nodes of the answer."""

    source: UUID
    target: UUID
    relation: str
    declared: bool
    valid_from: datetime
    valid_to: datetime | None
    last_seen_at: datetime


class GraphOut(rest.Body, frozen=True, kw_only=True):
    """A neighbourhood on the map. `truncated` when assets within the depth were left out, and `reason` says why."""

    graph: Literal["map"]
    root: UUID
    direction: str
    depth: int
    budget: int
    as_of: datetime | None
    known_at: datetime | None
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    truncated: bool
    reason: str


class EvidenceNodeOut(rest.Body, frozen=True, kw_only=True):
    """A version of an asset (`version` is null when nobody knows it), or a run (`asset` is its job).

    `at` is when the version came to be, or the run began. `more_*` counts neighbours that the answer leaves out.
    """

    id: UUID
    type: Literal["version", "run"]
    asset: UUID
    kind: str
    namespace: str
    name: str
    version: str | None
    at: datetime | None
    ended_at: datetime | None
    state: str | None
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int
    owners: list[OwnerOut]


class EvidenceEdgeOut(rest.Body, frozen=True, kw_only=True):
    """A run consumed or produced a version, or was built from a commit.

    `inferred`: the sender did not say which version it read; it is the newest there was when the run began.
    """

    source: UUID
    target: UUID
    relation: str
    inferred: bool


class EvidenceOut(rest.Body, frozen=True, kw_only=True):
    """A neighbourhood in the evidence. Where `exact_counts` is false, the counts of its nodes are minimums."""

    graph: Literal["evidence"]
    root: UUID
    direction: str
    depth: int
    budget: int
    as_of: datetime | None
    known_at: datetime | None
    nodes: list[EvidenceNodeOut]
    edges: list[EvidenceEdgeOut]
    truncated: bool
    exact_counts: bool
    reason: str


class ImpactQuery(OnADay, frozen=True, kw_only=True):
    """How many days back use is counted, and how many assets are listed at most."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 30
    limit: Annotated[int, msgspec.Meta(ge=1, le=impact.MAX_ASSETS)] = 10_000


class TouchedOut(rest.Body, frozen=True, kw_only=True):
    """An asset downstream, with its owners on the day asked for."""

    id: UUID
    kind: str
    namespace: str
    name: str
    owners: list[OwnerOut]


class DeployedModelOut(rest.Body, frozen=True, kw_only=True):
    """A model that a deployment reads; `version` is the newest it said it reads, null when it never said."""

    model: UUID
    name: str
    deployment: UUID
    version: str | None


class DeploymentUseOut(rest.Body, frozen=True, kw_only=True):
    """A deployment downstream, with its runs of the days asked for, those still running included."""

    id: UUID
    name: str
    runs: int
    last_run_at: datetime | None


class ImpactOut(rest.Body, frozen=True, kw_only=True):
    """All that lies downstream of an asset, by kind, namespace and name.

    `truncated`: there are more than `limit` assets, and every figure is of the listed ones. `decisions` is how many
    decisions the deployments made in these days; null because nobody tells us yet.
    """

    asset: AssetOut
    as_of: datetime | None
    known_at: datetime | None
    days: int
    limit: int
    truncated: bool
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    models_deployed: list[DeployedModelOut]
    deployments: list[DeploymentUseOut]
    decisions: int | None
    assets: list[TouchedOut]


def parameters(kind: type[rest.Body]) -> list[OpenApiParameter]:
    """The query parameters of a list or read, for the OpenAPI document."""
    properties: Mapping[str, Any] = rest.schema_of(kind)["properties"]
    return [OpenApiParameter(name, schema, OpenApiParameter.QUERY) for name, schema in properties.items()]


def _asset(asset: Asset) -> AssetOut:
    return AssetOut(
        id=asset.uuid,
        kind=asset.kind,
        namespace=asset.namespace,
        name=asset.name,
        processing=asset.processing,
        first_seen_at=asset.first_seen_at,
        last_seen_at=asset.last_seen_at,
    )


def _version(version: selectors.Version) -> VersionOut:
    return VersionOut(key=version.key, id=version.uuid, at=version.at, run=version.run, inferred=version.is_inferred)


def _run(run: Run) -> RunOut:
    return RunOut(
        id=run.uuid,
        external_id=run.external_id,
        job=run.job.uuid,
        state=run.state,
        started_at=run.started_at,
        ended_at=run.ended_at,
        last_event_at=run.last_event_at,
        parent=run.parent,
        repository=run.commit.asset.name if run.commit else None,
        commit=run.commit.key if run.commit else None,
    )


def _owner(owner: Ownership) -> OwnerOut:
    return OwnerOut(role=owner.role, team=owner.team.slug, user=owner.user.username if owner.user else None)


def _node(node: Node, owners: list[Ownership]) -> NodeOut:
    return NodeOut(
        id=node.uuid,
        kind=node.kind,
        namespace=node.namespace,
        name=node.name,
        depth=node.depth,
        rank=node.rank,
        more_upstream=node.more_upstream,
        more_downstream=node.more_downstream,
        state=node.state,
        owners=[_owner(owner) for owner in owners],
    )


def _edge(link: Link) -> EdgeOut:
    return EdgeOut(
        source=link.source,
        target=link.target,
        relation=link.relation,
        declared=link.is_declared,
        valid_from=link.valid_from,
        valid_to=link.valid_to,
        last_seen_at=link.last_seen_at,
    )


def _graph(found: Neighbourhood) -> GraphOut:
    owners = governance_selectors.owners_of([node.uuid for node in found.nodes], found.moment.as_of)
    return GraphOut(
        graph="map",
        root=found.root,
        direction=found.direction,
        depth=found.depth,
        budget=found.budget,
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        nodes=[_node(node, owners[node.uuid]) for node in found.nodes],
        edges=[_edge(link) for link in found.links],
        truncated=found.is_truncated,
        reason=found.reason,
    )


def _evidence(found: Provenance) -> EvidenceOut:
    owners = governance_selectors.owners_of({node.asset for node in found.nodes}, found.moment.as_of)
    return EvidenceOut(
        graph="evidence",
        root=found.root,
        direction=found.direction,
        depth=found.depth,
        budget=found.budget,
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        nodes=[_evidence_node(node, owners[node.asset]) for node in found.nodes],
        edges=[
            EvidenceEdgeOut(source=link.source, target=link.target, relation=link.relation, inferred=link.is_inferred)
            for link in found.links
        ],
        truncated=found.is_truncated,
        exact_counts=found.are_counts_exact,
        reason=found.reason,
    )


def _evidence_node(node: EvidenceNode, owners: list[Ownership]) -> EvidenceNodeOut:
    return EvidenceNodeOut(
        id=node.uuid,
        type="run" if node.is_run else "version",
        asset=node.asset,
        kind=node.kind,
        namespace=node.namespace,
        name=node.name,
        version=node.version,
        at=node.at,
        ended_at=node.ended_at,
        state=node.state,
        depth=node.depth,
        rank=node.rank,
        more_upstream=node.more_upstream,
        more_downstream=node.more_downstream,
        owners=[_owner(owner) for owner in owners],
    )


def _impact(found: Impact) -> ImpactOut:
    return ImpactOut(
        asset=_asset(found.asset),
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        days=found.days,
        limit=found.limit,
        truncated=found.is_truncated,
        kinds=found.kinds,
        teams=found.teams,
        without_owner=found.without_owner,
        models_deployed=[
            DeployedModelOut(model=row.model, name=row.name, deployment=row.deployment, version=row.version)
            for row in found.deployed
        ],
        deployments=[
            DeploymentUseOut(id=row.deployment, name=row.name, runs=row.runs, last_run_at=row.last_run_at)
            for row in found.deployments
        ],
        decisions=None,
        assets=[
            TouchedOut(
                id=row.uuid,
                kind=row.kind,
                namespace=row.namespace,
                name=row.name,
                owners=[OwnerOut(role=owner.role, team=owner.team, user=owner.user) for owner in row.owners],
            )
            for row in found.assets
        ],
    )


class ReadView(APIView):
    """A read of the graph: everyone with a token for reading may."""

    scopes = {"GET": Scope.READ}


def _found_schema() -> dict[str, Any]:
    page = rest.page_schema(rest.schema_of(AssetOut))
    page["properties"] |= {
        "words": {"type": "array", "items": rest.schema_of(WordOut), "description": "With q."},
        "truncated": {"type": "boolean", "description": "With q: more match, and not all of them were compared."},
        "counts": rest.schema_of(CountsOut),
    }
    return page


class AssetsView(ReadView):
    @extend_schema(
        operation_id="assets_list",
        summary="Search assets",
        parameters=parameters(AssetsQuery),
        responses={200: _found_schema()},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, AssetsQuery)
        filters = self._filters(asked)
        wanted = search.meant(asked.q)
        answer = self._all(request, asked, filters) if wanted is None else self._best(asked, wanted, filters)
        if asked.counts:
            counted = search.counts(wanted, filters)
            answer.data["counts"] = msgspec.to_builtins(
                CountsOut(
                    total=counted.total,
                    kinds=counted.kinds,
                    teams=counted.teams,
                    without_owner=counted.without_owner,
                    minimums=counted.are_minimums,
                )
            )
        return answer

    @staticmethod
    def _filters(asked: AssetsQuery) -> Filters:
        if asked.text and (asked.q or asked.counts):
            says = "Search either with q or with text; only q is counted."
            raise Invalid(f"text: {says}", fields={"text": says})
        return Filters(
            kind=asked.kind or "",
            team=None if asked.team is None else governance_selectors.team(asked.team),
            owner=None if asked.owner is None else governance_selectors.user(asked.owner),
            has_no_owner=asked.no_owner,
            namespace=asked.namespace,
            name=asked.name,
            changed_since=instant("changed_since", asked.changed_since),
        )

    @staticmethod
    def _all(request: Request, asked: AssetsQuery, filters: Filters) -> Response:
        pages = rest.Cursor()
        pages.ordering = ("id",)
        found = search.matching(None, filters) & selectors.assets(text=asked.text)
        return pages.get_paginated_response([_asset(asset) for asset in pages.paginate_queryset(found, request)])

    @staticmethod
    def _best(asked: AssetsQuery, wanted: Sequence[Word], filters: Filters) -> Response:
        """Pages of a ranking go by place: it is short, and no row tells what comes after it."""
        if not 1 <= asked.limit <= rest.MAX_PAGE_SIZE:
            says = f"Not between 1 and {rest.MAX_PAGE_SIZE}."
            raise Invalid(f"limit: {says}", fields={"limit": says})
        if asked.cursor and not (asked.cursor.isascii() and asked.cursor.isdigit() and len(asked.cursor) < 7):
            raise Invalid("cursor: not one of this list.", fields={"cursor": "Not one of this list."})
        found = search.best(asked.q, wanted, filters)
        begin = int(asked.cursor or 0)
        end = begin + asked.limit
        document: dict[str, Any] = {
            "results": [_asset(asset) for asset in selectors.in_order(found.ids[begin:end])],
            "next": str(end) if end < len(found.ids) else None,
            "words": [WordOut(asked=word.asked, meant=list(word.meant)) for word in wanted],
            "truncated": found.is_cut,
        }
        if asked.count:
            document["count"] = search.counts(wanted, filters).total
        return rest.answer(document)


class AssetView(ReadView):
    @extend_schema(
        operation_id="asset",
        summary="One asset",
        parameters=parameters(OnADay),
        responses={200: rest.schema_of(AssetDetail)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        asked = rest.query(request, OnADay)
        moment = asked.moment
        asset = selectors.asset(uuid)
        detail = AssetDetail(
            **msgspec.structs.asdict(_asset(asset)),
            owners=[_owner(owner) for owner in governance_selectors.owners(asset.uuid, moment.as_of)],
            facets={
                facet.key: FacetOut(value=facet.value, seen_at=facet.seen_at, exact=facet.is_exact)
                for facet in selectors.facets(asset, as_of=moment.as_of)
            },
            versions=[_version(version) for version in selectors.versions(asset, moment=moment)],
        )
        return rest.answer(detail)


class VersionsView(ReadView):
    @extend_schema(
        operation_id="asset_versions",
        summary="Versions of an asset, the newest first",
        parameters=parameters(VersionsQuery),
        responses={200: rest.page_schema(rest.schema_of(VersionOut))},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        asked = rest.query(request, VersionsQuery)
        rows = selectors.versions(
            selectors.asset(uuid),
            limit=asked.limit + 1,
            before=instant("before", asked.before),
            moment=asked.moment,
        )
        page = rows[: asked.limit]
        following = page[-1].at.isoformat() if len(rows) > asked.limit else None
        return rest.answer({"results": [_version(version) for version in page], "next": following})


class RunsView(ReadView):
    @extend_schema(
        operation_id="asset_runs",
        summary="Runs of a job, or runs that read or wrote an asset, the newest first",
        parameters=parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(RunOut))},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        rest.query(request, rest.Paging)
        pages = rest.Cursor()
        pages.ordering = ("-last_event_at", "uuid")
        found = selectors.runs(selectors.asset(uuid))
        return pages.get_paginated_response([_run(run) for run in pages.paginate_queryset(found, request)])


class ImpactView(ReadView):
    @extend_schema(
        operation_id="asset_impact",
        summary="What a change of an asset touches, and who owns that",
        parameters=parameters(ImpactQuery),
        responses={200: rest.schema_of(ImpactOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        return rest.answer(_impact(self.found(request, uuid)))

    @staticmethod
    def found(request: Request, uuid: UUID) -> Impact:
        asked = rest.query(request, ImpactQuery)
        moment = asked.moment
        return impact.of(asset=selectors.asset(uuid), days=asked.days, limit=asked.limit, moment=moment)


class ImpactTableView(ImpactView):
    @extend_schema(
        operation_id="asset_impact_csv",
        summary="What a change of an asset touches, as a table",
        parameters=parameters(ImpactQuery),
        responses={(200, "text/csv"): {"type": "string"}},
    )
    def get(self, request: Request, uuid: UUID) -> HttpResponse:  # type: ignore[override]  # a file, not a document
        return HttpResponse(
            impact.as_csv(self.found(request, uuid)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="impact-{uuid}.csv"'},
        )


class GraphView(ReadView):
    @extend_schema(
        operation_id="graph",
        summary="The neighbourhood of an asset on the map, or of a version or run in the evidence",
        parameters=parameters(GraphQuery),
        responses={200: {"oneOf": [rest.schema_of(GraphOut), rest.schema_of(EvidenceOut)]}},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, GraphQuery)
        if asked.graph == "evidence":
            return rest.answer(
                _evidence(
                    selectors.evidence_graph(
                        root=self._spot(asked),
                        direction=asked.direction,
                        depth=asked.depth,
                        budget=asked.budget,
                        moment=asked.moment,
                    )
                )
            )
        for name in ("version", "run"):
            if getattr(asked, name) is not None:
                says = "The map knows assets only: ask for graph=evidence."
                raise Invalid(f"{name}: {says}", fields={name: says})
        found = selectors.neighbourhood(
            asset=self._asset(asked),
            direction=asked.direction,
            depth=asked.depth,
            budget=asked.budget,
            moment=asked.moment,
        )
        return rest.answer(_graph(found))

    @staticmethod
    def _asset(asked: GraphQuery) -> Asset:
        if asked.asset is not None:
            return selectors.asset(asked.asset)
        if asked.kind is not None and asked.name:
            return selectors.asset_named(kind=asked.kind, namespace=asked.namespace, name=asked.name)
        says = "Name an asset by its id, or by kind, namespace and name."
        raise Invalid(says, fields={"asset": says})

    def _spot(self, asked: GraphQuery) -> Spot:
        if asked.run is None:
            return selectors.spot(self._asset(asked), version=asked.version, moment=asked.moment)
        if asked.asset is not None or asked.version is not None or asked.name:
            says = "Name either a run or an asset."
            raise Invalid(f"run: {says}", fields={"run": says})
        return Spot(None, None, selectors.run(asked.run).uuid)
