"""Assets over HTTP: search, one asset, its versions and its runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance import openapi, rest
from governance import selectors as governance_selectors
from governance.criticality import Tier
from governance.errors import Invalid
from lineage import decided, hiding, retelling, search, selectors, stages, traces
from lineage.api.documents import (
    AssetOut,
    Instant,
    KindWord,
    OnADay,
    OwnerOut,
    ReadView,
    asset_out,
    instant,
    of_today,
    owner_out,
)
from lineage.asof import Moment
from lineage.fieldmodels import Hiding
from lineage.models import Asset, Run
from lineage.search import Filters, Word
from lineage.selectors import RunTag
from lineage.traces import Told

# What the graph knows of an asset as it is today alone.
OF_TODAY = ("last_seen_at",)


class AssetsQuery(OnADay, frozen=True, kw_only=True):
    """Which assets, on a day: by words, kind, owner, tag, tier, stage and change, or by the whole namespace and name.

    `q` forgives slips of the pen in words of names, takes words of namespaces as they are, and gives the best matches
    first; `text` wants each of its words in name or namespace as it is spelt. `tag`: with a tag of that key, of its own
    or of a field. `stage`: models of which a version passed to it. `changed_since`: new since then, or with a version
    or facets that are. `counts=true` counts what each choice of kind and team would give.
    """

    cursor: str = ""
    limit: int = rest.PAGE_SIZE
    count: bool = False
    q: Annotated[str, msgspec.Meta(max_length=500)] = ""
    text: str = ""
    kind: KindWord | None = None
    team: str | None = None
    owner: str | None = None
    no_owner: bool = False
    tag: Annotated[str, msgspec.Meta(max_length=200)] = ""
    tier: Tier | None = None
    stage: Annotated[str, msgspec.Meta(max_length=200)] = ""
    changed_since: Instant | None = None
    counts: bool = False
    namespace: str | None = None
    name: str | None = None


class WordOut(rest.Body, frozen=True, kw_only=True):
    """A word of the search, and what was looked for in its place when no name holds it."""

    asked: str
    meant: list[str]


class CountsOut(rest.Body, frozen=True, kw_only=True):
    """How many assets match by kind (whatever kind was asked for), by team (whatever owner was asked for), by tier, and
    by the tags that people set.

    `minimums`: more match than are counted, so each figure is of the first of them only.
    """

    total: int
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    tiers: dict[str, int]
    tags: dict[str, int]
    minimums: bool


class FacetOut(rest.Body, frozen=True, kw_only=True):
    """The value of one facet. Not exact: by the day asked for another value may have been said after it."""

    value: Any
    seen_at: datetime
    exact: bool


class VersionOut(rest.Body, frozen=True, kw_only=True):
    """A version of an asset; one that no sender named is called after its run and is inferred."""

    key: str
    id: UUID | None
    at: datetime
    run: UUID | None
    inferred: bool


class HidingOut(rest.Body, frozen=True, kw_only=True):
    """By whom, since when and why an asset is not seen in lists; and whether an event has shown it since."""

    by: str
    at: datetime
    reason: str
    seen_again: bool


class AssetDetail(AssetOut, frozen=True, kw_only=True):
    """An asset with its owners, facets and newest versions on the day asked for.

    `dropped_at`: it was dropped then, and nothing has written or read it since. `unsure`: the facets of which it cannot
    be told whether they had been said by `known_at`. `kind_exact`: whether it can be told for sure what it had been
    said to be last. `of_today`: the fields that are not of the day asked for.
    """

    kind_exact: bool
    hidden: HidingOut | None
    dropped_at: datetime | None
    owners: list[OwnerOut]
    facets: dict[str, FacetOut]
    unsure: list[str]
    versions: list[VersionOut]
    of_today: list[str]


class VersionsQuery(OnADay, frozen=True, kw_only=True):
    """A page of versions: older than `before`, at most `limit`."""

    before: Instant | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=rest.MAX_PAGE_SIZE)] = rest.PAGE_SIZE


class RunTagOut(rest.Body, frozen=True, kw_only=True):
    """A tag of a run, as its sender said it last."""

    key: str
    value: str
    source: str


class RunsQuery(OnADay, frozen=True, kw_only=True):
    """A page of the runs that were heard of by the day asked for, in the order of today."""

    cursor: str = ""
    limit: int = rest.PAGE_SIZE
    count: bool = False


class RunOut(rest.Body, frozen=True, kw_only=True):
    """One execution of a job, as it stood on the day asked for. `last_event_at` goes by `known_at`, not by `as_of`."""

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
    tags: list[RunTagOut]


def _version(version: selectors.Version) -> VersionOut:
    return VersionOut(key=version.key, id=version.uuid, at=version.at, run=version.run, inferred=version.is_inferred)


def _hiding(row: Hiding, asset: Asset) -> HidingOut:
    return HidingOut(
        by=row.hidden_by.username,
        at=row.hidden_at,
        reason=row.reason,
        seen_again=asset.last_seen_at > row.hidden_at,
    )


def _run(run: Run, tags: Sequence[RunTag]) -> RunOut:
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
        tags=[RunTagOut(key=tag.key, value=tag.value, source=tag.source) for tag in tags],
    )


def _found_schema() -> dict[str, Any]:
    page = rest.page_schema(rest.schema_of(AssetOut))
    page["properties"] |= {
        "words": {"type": "array", "items": rest.schema_of(WordOut), "description": "With q."},
        "truncated": {"type": "boolean", "description": "With q: more match, and not all of them were compared."},
        "counts": rest.schema_of(CountsOut),
        "of_today": {
            "type": "array",
            "items": {"type": "string"},
            "description": "On another day: the fields of results that are not of it.",
        },
        "unsure": {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "description": "On another day: the results that may have been said to be of another kind last.",
        },
    }
    return page


def _with_unsure(answer: Response, told: Told, moment: Moment) -> Response:
    if not moment.is_now:
        answer.data["unsure"] = sorted(map(str, told.unsure))
    return answer


class AssetsView(ReadView):
    @extend_schema(
        operation_id="assets_list",
        summary="Search assets",
        parameters=openapi.query_parameters(AssetsQuery),
        responses={200: _found_schema()},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, AssetsQuery)
        filters = self._filters(asked)
        wanted = search.meant(asked.q)
        answer = self._all(request, asked, filters) if wanted is None else self._best(asked, wanted, filters)
        if not filters.moment.is_now:
            answer.data["of_today"] = of_today(filters.moment, OF_TODAY)
        if asked.counts:
            counted = search.counts(wanted, filters)
            answer.data["counts"] = msgspec.to_builtins(
                CountsOut(
                    total=counted.total,
                    kinds=counted.kinds,
                    teams=counted.teams,
                    without_owner=counted.without_owner,
                    tiers=counted.tiers,
                    tags=counted.tags,
                    minimums=counted.are_minimums,
                )
            )
        return answer

    @staticmethod
    def _filters(asked: AssetsQuery) -> Filters:
        if asked.text and (asked.q or asked.counts):
            says = "Search either with q or with text; only q is counted."
            raise Invalid(f"text: {says}", fields={"text": says})
        moment = asked.moment
        return Filters(
            moment=moment,
            kind=asked.kind or "",
            team=None if asked.team is None else governance_selectors.team(asked.team),
            owner=None if asked.owner is None else governance_selectors.user(asked.owner),
            has_no_owner=asked.no_owner,
            namespace=asked.namespace,
            name=asked.name,
            changed_since=instant("changed_since", asked.changed_since),
            tag=asked.tag,
            tier=asked.tier or "",
            among=stages.passed_to(asked.stage, decided.until(moment)) if asked.stage else None,
        )

    @staticmethod
    def _all(request: Request, asked: AssetsQuery, filters: Filters) -> Response:
        pages = rest.Cursor()
        pages.ordering = ("id",)
        with_names, moment = filters.name is not None, filters.moment
        spelt = selectors.assets(text=asked.text, kind=filters.kind, with_names=with_names, moment=moment)
        found = pages.paginate_queryset(search.matching(None, filters) & spelt, request)
        told = traces.told(found, moment)
        answer: Response = pages.get_paginated_response([asset_out(asset) for asset in found])
        return _with_unsure(answer, told, moment)

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
        assets = selectors.in_order(found.ids[begin:end])
        told = traces.told(assets, filters.moment)
        document: dict[str, Any] = {
            "results": [asset_out(asset) for asset in assets],
            "next": str(end) if end < len(found.ids) else None,
            "words": [WordOut(asked=word.asked, meant=list(word.meant)) for word in wanted],
            "truncated": found.is_cut,
        }
        if asked.count:
            document["count"] = search.counts(wanted, filters).total
        return _with_unsure(rest.answer(document), told, filters.moment)


class AssetView(ReadView):
    @extend_schema(
        operation_id="asset",
        summary="One asset",
        parameters=openapi.query_parameters(OnADay),
        responses={200: rest.schema_of(AssetDetail)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        asked = rest.query(request, OnADay)
        moment = asked.moment
        asset = selectors.asset(uuid)
        hidden = hiding.of([asset.uuid], moment=moment).get(asset.uuid)
        owners = governance_selectors.owner_names_of([asset.uuid], moment.as_of, moment.known_at)[asset.uuid]
        said = retelling.facets(asset, moment)
        told = traces.told([asset], moment)
        of_now = [*OF_TODAY, *(["first_seen_at"] if told.unheard else []), *(["hidden.seen_again"] if hidden else [])]
        detail = AssetDetail(
            **msgspec.structs.asdict(asset_out(asset)),
            kind_exact=not told.unsure,
            hidden=_hiding(hidden, asset) if hidden else None,
            dropped_at=selectors.dropped([asset.pk], moment).get(asset.pk),
            owners=[owner_out(owner) for owner in owners],
            facets={
                facet.key: FacetOut(value=facet.value, seen_at=facet.seen_at, exact=facet.is_exact)
                for facet in said.facets
            },
            unsure=said.unsure,
            versions=[_version(version) for version in selectors.versions(asset, moment=moment)],
            of_today=of_today(moment, of_now),
        )
        return rest.answer(detail)


class VersionsView(ReadView):
    @extend_schema(
        operation_id="asset_versions",
        summary="Versions of an asset, the newest first",
        parameters=openapi.query_parameters(VersionsQuery),
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
        parameters=openapi.query_parameters(RunsQuery),
        responses={200: rest.page_schema(rest.schema_of(RunOut))},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        moment = rest.query(request, RunsQuery).moment
        pages = rest.Cursor()
        pages.ordering = ("-last_event_at", "uuid")
        found = pages.paginate_queryset(selectors.runs(selectors.asset(uuid), moment=moment), request)
        told = retelling.runs(found, moment)
        return pages.get_paginated_response([_run(run, told.tags.get(run.uuid, ())) for run in told.runs])
