"""The fields of an asset over HTTP: what they are, what feeds them, which tags they have and which arrive."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, rest
from governance import selectors as governance_selectors
from governance.errors import Invalid
from governance.tokens import Scope
from lineage import columns, fieldgraph, fields, fieldtags, identity, retelling, selectors, tags
from lineage.api.documents import OnADay, OwnerOut, ReadView, of_today, owner_out
from lineage.fieldgraph import FieldNeighbourhood, Flow
from lineage.fields import Hop, Place, TagPath
from lineage.models import Asset
from lineage.tags import Tag


class FieldsQuery(OnADay, frozen=True, kw_only=True):
    """A page of the fields, in the order of the schema: from `cursor` on, at most `limit`."""

    cursor: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=rest.MAX_PAGE_SIZE)] = rest.PAGE_SIZE


class TagOut(rest.Body, frozen=True, kw_only=True):
    """A tag; `source` is the sender's word, or the name of the person who set it."""

    key: str
    value: str
    source: str
    by_person: bool


class PlaceOut(rest.Body, frozen=True, kw_only=True):
    """A field on the way of a tag; null stands for all of the asset."""

    asset: UUID
    kind: str
    namespace: str
    name: str
    field: str | None


class HopOut(rest.Body, frozen=True, kw_only=True):
    """How a place is made of the one before: in a `run` (evidence), or as a `job` says (map).

    `assumed`: the run said nothing of fields. `current`: the job has not said otherwise since.
    """

    run: UUID | None
    job: UUID | None
    direct: bool
    masking: bool
    assumed: bool
    current: bool
    transformations: list[str]


class TagPathOut(TagOut, frozen=True, kw_only=True):
    """A tag and one way by which it arrives, from where it was given on."""

    masked: bool
    direct: bool
    assumed: bool
    current: bool
    path: list[PlaceOut]
    hops: list[HopOut]


class TransformationOut(rest.Body, frozen=True, kw_only=True):
    """How a value is made of another, in the sender's words."""

    type: str
    subtype: str
    description: str
    masking: bool


class SourceOut(rest.Body, frozen=True, kw_only=True):
    """What a field is made of (direct), or what decides which rows there are, as a job says."""

    asset: UUID
    namespace: str
    name: str
    field: str | None
    direct: bool
    masking: bool
    current: bool
    job: UUID | None
    transformations: list[TransformationOut]


class FieldOut(rest.Body, frozen=True, kw_only=True):
    """A field, by its path. `tags` are its own, `arriving` those that come along the fields it is made of."""

    id: UUID
    name: str
    type: str
    description: str
    depth: int
    tags: list[TagOut]
    arriving: list[TagPathOut]
    sources: list[SourceOut]


class FieldsOut(rest.Body, frozen=True, kw_only=True):
    """The fields of an asset; `tags` are those of the whole. `truncated`: some tags may arrive that are not told.

    `of_today`: the fields of the answer that are not of the day asked for. `unsure`: of these facets it cannot be told
    what had been said last by `known_at`.
    """

    results: list[FieldOut]
    next: str | None
    count: int
    tags: list[TagOut]
    truncated: bool
    unsure: list[str]
    of_today: list[str]


class FieldNodeOut(rest.Body, frozen=True, kw_only=True):
    """A field in the neighbourhood, with its own tags; `asset` is what it is a field of."""

    id: UUID
    asset: UUID
    kind: str
    namespace: str
    name: str
    field: str | None
    type: str
    tags: list[TagOut]
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int
    owners: list[OwnerOut]


class FieldEdgeOut(rest.Body, frozen=True, kw_only=True):
    """One field feeds another: `direct` when values are made of values, else it decides which rows there are."""

    source: UUID
    target: UUID
    relation: Literal["direct", "indirect", "same"]
    direct: bool
    masking: bool
    current: bool
    transformations: list[TransformationOut]
    jobs: list[UUID]
    valid_from: datetime
    last_seen_at: datetime


class FieldGraphOut(rest.Body, frozen=True, kw_only=True):
    """A neighbourhood of fields. `root` is the field asked for, or the asset.

    `of_today`: the fields of the answer that are not of the day asked for.
    """

    graph: Literal["fields"]
    root: UUID
    direction: str
    depth: int
    budget: int
    as_of: datetime | None
    known_at: datetime | None
    nodes: list[FieldNodeOut]
    edges: list[FieldEdgeOut]
    truncated: bool
    exact_counts: bool
    reason: str
    of_today: list[str]


class TagIn(rest.Body, frozen=True, kw_only=True):
    """A tag for an asset, or for one of its fields."""

    key: str
    value: str = ""
    field: str = ""


class TagQuery(rest.Body, frozen=True, kw_only=True):
    """Which tag of a person to take away."""

    key: str
    field: str = ""


class UpstreamQuery(OnADay, frozen=True, kw_only=True):
    """Names of tags with commas between them, `key` or `key=value`; of which version (the newest when absent)."""

    tags: str
    version: str | None = None


class UpstreamOut(rest.Body, frozen=True, kw_only=True):
    """The tags that reach a version by the evidence, unmasked ones first.

    `of_today`: what of the answer is not of the day asked for; `tags` stands for those of senders.
    """

    results: list[TagPathOut]
    of_today: list[str]
    next: None = None


def graph_out(found: FieldNeighbourhood) -> FieldGraphOut:
    moment = found.moment
    owners = governance_selectors.owner_names_of({node.asset for node in found.nodes}, moment.as_of, moment.known_at)
    return FieldGraphOut(
        graph="fields",
        root=found.root,
        direction=found.direction,
        depth=found.depth,
        budget=found.budget,
        as_of=found.moment.as_of,
        known_at=found.moment.known_at,
        nodes=[
            FieldNodeOut(
                id=node.uuid,
                asset=node.asset,
                kind=node.kind,
                namespace=node.namespace,
                name=node.name,
                field=node.field,
                type=node.type,
                tags=[_tag(tag) for tag in node.tags],
                depth=node.depth,
                rank=node.rank,
                more_upstream=node.more_upstream,
                more_downstream=node.more_downstream,
                owners=[owner_out(owner) for owner in owners[node.asset]],
            )
            for node in found.nodes
        ],
        edges=[
            FieldEdgeOut(
                source=edge.source,
                target=edge.target,
                relation=edge.relation,
                direct=edge.is_direct,
                masking=edge.is_masking,
                current=edge.is_current,
                transformations=[_transformation(one) for one in edge.transformations],
                jobs=list(edge.jobs),
                valid_from=edge.valid_from,
                last_seen_at=edge.last_seen_at,
            )
            for edge in found.edges
        ],
        truncated=found.is_truncated,
        exact_counts=found.are_counts_exact,
        reason=found.reason,
        of_today=of_today(moment, ["nodes.kind", "edges.last_seen_at"], ["nodes.type", "nodes.tags", "edges.current"]),
    )


def _tag(tag: Tag) -> TagOut:
    return TagOut(key=tag.key, value=tag.value, source=tag.source, by_person=tag.is_by_person)


def _transformation(said: tuple[str, str, str, bool]) -> TransformationOut:
    kind, subtype, description, is_masking = said
    return TransformationOut(type=kind, subtype=subtype, description=description, masking=is_masking)


def _place(place: Place) -> PlaceOut:
    return PlaceOut(asset=place.asset, kind=place.kind, namespace=place.namespace, name=place.name, field=place.field)


def _hop(hop: Hop) -> HopOut:
    return HopOut(
        run=hop.run,
        job=hop.job,
        direct=hop.is_direct,
        masking=hop.is_masking,
        assumed=hop.is_assumed,
        current=hop.is_current,
        transformations=list(hop.transformations),
    )


def _path(path: TagPath) -> TagPathOut:
    return TagPathOut(
        key=path.key,
        value=path.value,
        source=path.source,
        by_person=path.is_by_person,
        masked=path.is_masked,
        direct=path.is_direct,
        assumed=path.is_assumed,
        current=path.is_current,
        path=[_place(place) for place in path.places],
        hops=[_hop(hop) for hop in path.hops],
    )


def _source(flow: Flow, assets: Mapping[int, Asset]) -> SourceOut:
    asset = assets[flow.source.asset]
    return SourceOut(
        asset=asset.uuid,
        namespace=asset.namespace,
        name=asset.name,
        field=flow.source.field or None,
        direct=flow.is_direct,
        masking=flow.is_masking,
        current=flow.is_current,
        job=None if flow.job is None else assets[flow.job].uuid,
        transformations=[_transformation(one) for one in flow.transformations],
    )


class FieldsView(ReadView):
    @extend_schema(
        operation_id="asset_fields",
        summary="The fields of an asset, what feeds them, and the tags they have and that arrive at them",
        parameters=openapi.query_parameters(FieldsQuery),
        responses={200: rest.schema_of(FieldsOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        asked = rest.query(request, FieldsQuery)
        asset, moment = selectors.asset(uuid), asked.moment
        told = retelling.facets(asset, moment) if moment.known_at else None
        said = None if told is None else {facet.key: facet.value for facet in told.facets}
        listed = fieldgraph.listed(asset, moment, said=said)
        page = listed.names[asked.cursor : asked.cursor + asked.limit]
        found = fieldtags.arriving(asset, page, moment=moment)
        end = asked.cursor + len(page)
        return rest.answer(
            FieldsOut(
                results=[_field(asset, name, listed.schema.get(name), listed.tags, found) for name in page],
                next=str(end) if end < len(listed.names) else None,
                count=len(listed.names),
                tags=[_tag(tag) for tag in listed.tags if not tag.field],
                truncated=found.is_truncated,
                unsure=[] if told is None else [key for key in told.doubtful if key in {"schema", "tags"}],
                of_today=of_today(moment, [], ["results.arriving"]),
            )
        )


def _field(
    asset: Asset, name: str, said: columns.Field | None, own: Sequence[Tag], found: fieldtags.Arrivals
) -> FieldOut:
    return FieldOut(
        id=identity.field(asset.uuid, name),
        name=name,
        type=said.type if said else "",
        description=said.description if said else "",
        depth=said.depth if said else 0,
        tags=[_tag(tag) for tag in own if tag.field == name],
        arriving=[_path(path) for path in found.paths.get(name, ())],
        sources=[_source(flow, found.assets) for flow in found.flows.get(name, ()) if not flow.is_same],
    )


class TagsView(APIView):
    scopes = {"PUT": Scope.GOVERNANCE_WRITE, "DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="asset_tag_put",
        summary="Tag an asset or one of its fields; another value of the same key is replaced",
        request={"application/json": rest.schema_of(TagIn)},
        responses={200: rest.schema_of(TagOut), 201: rest.schema_of(TagOut)},
    )
    def put(self, request: Request, uuid: UUID) -> Response:
        asked, asset = rest.read(request, TagIn), selectors.asset(uuid)
        tag, is_new = tags.put(
            actor=rest.actor(request), asset=asset.uuid, key=asked.key, value=asked.value, field=asked.field
        )
        said = TagOut(key=tag.key, value=tag.value, source=tag.set_by.username, by_person=True)
        return rest.answer(said, status=201 if is_new else 200)

    @extend_schema(
        operation_id="asset_tag_delete",
        summary="Take away a tag that a person set",
        parameters=openapi.query_parameters(TagQuery),
        responses={204: None},
    )
    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        asked, asset = rest.query(request, TagQuery), selectors.asset(uuid)
        tags.remove(actor=rest.actor(request), asset=asset.uuid, key=asked.key, field=asked.field)
        return HttpResponse(status=204)


class UpstreamTagsView(ReadView):
    @extend_schema(
        operation_id="asset_tags_upstream",
        summary="Tags that reach a version of the asset along fields, by the evidence, with the way of each",
        parameters=openapi.query_parameters(UpstreamQuery),
        responses={200: rest.schema_of(UpstreamOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        asked = rest.query(request, UpstreamQuery)
        wanted = [name.strip() for name in asked.tags.split(",") if name.strip()]
        if not wanted:
            raise Invalid("tags: Empty.", fields={"tags": "Empty."})
        moment = asked.moment
        found = fields.tags_upstream(uuid, tags=wanted, moment=moment, version=asked.version)
        return rest.answer(
            UpstreamOut(results=[_path(path) for path in found], of_today=of_today(moment, [], ["tags"]))
        )
