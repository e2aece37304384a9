"""The neighbourhood of an asset, a version or a run over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from governance import openapi, rest
from governance import selectors as governance_selectors
from governance.errors import Invalid
from governance.selectors import OwnerName
from lineage import fieldgraph, hiding, selectors
from lineage.api import fields
from lineage.api.documents import KindWord, OnADay, OwnerOut, ReadView, of_today, owner_out
from lineage.models import Asset
from lineage.provenance import EvidenceNode, Provenance, Spot
from lineage.traversal import MAX_BUDGET, MAX_DEPTH, Direction, Link, Neighbourhood, Node


class GraphQuery(OnADay, frozen=True, kw_only=True):
    """Whose neighbourhood (by id, or by kind, namespace and name), how far, how much of it, on which day.

    `graph=map`: which asset feeds which. `graph=evidence`: which run read and wrote which version, around `version` of
    the asset (the newest when absent), around a job's newest run, or around `run`. `level=asset` is another name for
    the map, `level=version` for the evidence; `level=field` is the map of fields, around `field` or all of the asset's.
    """

    graph: Literal["map", "evidence"] | None = None
    level: Literal["asset", "version", "field"] | None = None
    asset: UUID | None = None
    field: str = ""
    version: str | None = None
    run: UUID | None = None
    kind: KindWord | None = None
    namespace: str = ""
    name: str = ""
    direction: Direction = Direction.BOTH
    depth: Annotated[int, msgspec.Meta(ge=0, le=MAX_DEPTH)] = 1
    budget: Annotated[int, msgspec.Meta(ge=1, le=MAX_BUDGET)] = 200


class NodeOut(rest.Body, frozen=True, kw_only=True, gc=False):
    """An asset in the neighbourhood. `more_*` counts its neighbours that the answer leaves out.

    Of the root all its edges are counted, of others the first 10,000; where `exact_counts` is false, there may be more.
    `state` is that of the newest run of a job or deployment. `hidden`: a person took it from the lists. `dropped_at`:
    it was dropped then, and nothing has written or read it since.
    """

    id: UUID
    kind: str
    namespace: str
    name: str
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int
    exact_counts: bool
    state: str | None
    hidden: bool
    dropped_at: datetime | None
    owners: list[OwnerOut]


class EdgeOut(rest.Body, frozen=True, kw_only=True, gc=False):
    """A relation between two nodes of the answer."""

    source: UUID
    target: UUID
    relation: str
    declared: bool
    valid_from: datetime
    valid_to: datetime | None
    last_seen_at: datetime


class GraphOut(rest.Body, frozen=True, kw_only=True):
    """A neighbourhood on the map. `truncated` when assets within the depth were left out, and `reason` says why.

    `of_today`: the fields that are not of the day asked for.
    """

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
    of_today: list[str]


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
    """A run consumed or produced a version, or was built from a commit; `alias`: one version by another name.

    `inferred`: the sender did not say which version it read; it is the newest there was when the run began.
    """

    source: UUID
    target: UUID
    relation: str
    inferred: bool


class EvidenceOut(rest.Body, frozen=True, kw_only=True):
    """A neighbourhood in the evidence. Where `exact_counts` is false, the counts of its nodes are minimums.

    `of_today`: the fields that are not of the day asked for; where they say `runs.`, those of the nodes that are runs.
    """

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
    of_today: list[str]


def _node(node: Node, owners: list[OwnerName], is_hidden: bool, dropped_at: datetime | None) -> NodeOut:
    return NodeOut(
        id=node.uuid,
        kind=node.kind,
        namespace=node.namespace,
        name=node.name,
        depth=node.depth,
        rank=node.rank,
        more_upstream=node.more_upstream,
        more_downstream=node.more_downstream,
        exact_counts=node.are_counts_exact,
        state=node.state,
        hidden=is_hidden,
        dropped_at=dropped_at,
        owners=[owner_out(owner) for owner in owners],
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
    moment = found.moment
    uuids = [node.uuid for node in found.nodes]
    owners = governance_selectors.owner_names_of(uuids, moment.as_of, moment.known_at)
    hidden = hiding.among(uuids, moment=moment)
    dropped = selectors.dropped([node.id for node in found.nodes], moment)
    return GraphOut(
        graph="map",
        root=found.root,
        direction=found.direction,
        depth=found.depth,
        budget=found.budget,
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        nodes=[_node(node, owners[node.uuid], node.uuid in hidden, dropped.get(node.id)) for node in found.nodes],
        edges=[_edge(link) for link in found.links],
        truncated=found.is_truncated,
        reason=found.reason,
        of_today=of_today(moment, ["nodes.kind", "edges.last_seen_at"], ["nodes.state"]),
    )


def _evidence(found: Provenance) -> EvidenceOut:
    moment = found.moment
    owners = governance_selectors.owner_names_of({node.asset for node in found.nodes}, moment.as_of, moment.known_at)
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
        of_today=of_today(moment, ["nodes.kind"], ["runs.state", "runs.at", "runs.ended_at"]),
    )


def _evidence_node(node: EvidenceNode, owners: list[OwnerName]) -> EvidenceNodeOut:
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
        owners=[owner_out(owner) for owner in owners],
    )


class GraphView(ReadView):
    @extend_schema(
        operation_id="graph",
        summary="The neighbourhood of an asset or field on the map, or of a version or run in the evidence",
        parameters=openapi.query_parameters(GraphQuery),
        responses={200: {"oneOf": [rest.schema_of(kind) for kind in (GraphOut, EvidenceOut, fields.FieldGraphOut)]}},
    )
    def get(self, request: Request) -> HttpResponse:
        asked = rest.query(request, GraphQuery)
        level = self._level(asked)
        if level == "field":
            return rest.encoded(
                fields.graph_out(
                    fieldgraph.neighbourhood(
                        asset=self._asset(asked),
                        field=asked.field,
                        direction=asked.direction,
                        depth=asked.depth,
                        budget=asked.budget,
                        moment=asked.moment,
                    )
                )
            )
        if level == "version":
            return rest.encoded(
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
        found = selectors.neighbourhood(
            asset=self._asset(asked),
            direction=asked.direction,
            depth=asked.depth,
            budget=asked.budget,
            moment=asked.moment,
        )
        return rest.encoded(_graph(found))

    @staticmethod
    def _level(asked: GraphQuery) -> Literal["asset", "version", "field"]:
        """Which graph is asked for. Raises Invalid for what does not go together."""
        by_graph: Literal["asset", "version"] = "version" if asked.graph == "evidence" else "asset"
        level = asked.level or by_graph
        if asked.graph is not None and level != by_graph:
            says = f"Not a level of graph={asked.graph}."
            raise Invalid(f"level: {says}", fields={"level": says})
        if level != "version":
            for name in ("version", "run"):
                if getattr(asked, name) is not None:
                    says = "The map knows assets and fields only: ask for graph=evidence."
                    raise Invalid(f"{name}: {says}", fields={name: says})
        if asked.field and level != "field":
            says = "Ask for level=field."
            raise Invalid(f"field: {says}", fields={"field": says})
        return level

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
        return Spot(None, None, selectors.run(asked.run, moment=asked.moment).uuid)
