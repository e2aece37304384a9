"""Other names of assets, and hidden assets, over HTTP."""

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
from governance.errors import Invalid
from governance.tokens import Scope
from lineage import decided, hiding, naming, selectors
from lineage.api.documents import AssetOut, OnADay, ReadView, asset_out
from lineage.fieldmodels import Hiding
from lineage.naming import Decision, OtherName


class NameIn(rest.Body, frozen=True, kw_only=True):
    """What is decided of two names: that they are of one asset, that they are not, or that it is open again."""

    other: UUID
    decision: Literal["confirmed", "rejected", "undone"]
    reason: str = ""


class OtherNameOut(rest.Body, frozen=True, kw_only=True):
    """Another name of an asset, or what may be one.

    `told`: by a sender's symlinks. `renamed_from`, `renamed_to`: by a sender's lifecycle facet. `proposed`: the names
    differ only in what `differences` lists. `confirmed`, `rejected`: by a person. `told_since`: since when a sender's
    symlinks say that it is the same, though it may be rejected.
    """

    asset: AssetOut
    state: str
    since: datetime | None
    told_since: datetime | None
    differences: list[str]
    decided_by: str | None
    reason: str


class NameDecisionOut(rest.Body, frozen=True, kw_only=True):
    """A decision, as the history has it."""

    assets: list[UUID]
    decision: str
    reason: str
    decided_by: str
    decided_at: datetime


class NamesOut(rest.Body, frozen=True, kw_only=True):
    """The other names of an asset, and every decision on them by the day asked for, the latest first."""

    results: list[OtherNameOut]
    next: None
    decisions: list[NameDecisionOut]


class ProposalOut(rest.Body, frozen=True, kw_only=True):
    """Two assets whose names differ only in these ways, and of which nobody decided yet."""

    asset: AssetOut
    other: AssetOut
    differences: list[str]


class JoinedOut(rest.Body, frozen=True, kw_only=True):
    """Two names of one thing: `told` by a sender, `renamed_to` the other, or `confirmed` by people."""

    asset: AssetOut
    other: AssetOut
    state: str
    since: datetime
    last_told_at: datetime


class ProposalsQuery(rest.Body, frozen=True, kw_only=True):
    """A page of the proposals."""

    cursor: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=rest.MAX_PAGE_SIZE)] = rest.PAGE_SIZE


class HiddenIn(rest.Body, frozen=True, kw_only=True):
    """Why an asset is not to be seen in lists."""

    reason: str


class HiddenOut(rest.Body, frozen=True, kw_only=True):
    """That an asset is hidden: by whom, since when and why. `seen_again`: an event showed it after that."""

    asset: AssetOut
    reason: str
    by: str
    at: datetime
    seen_again: bool


class HiddenQuery(rest.Paging, frozen=True, kw_only=True):
    """All that is hidden, or only what was seen again."""

    seen_again: bool = False


def _other(found: OtherName) -> OtherNameOut:
    return OtherNameOut(
        asset=asset_out(found.asset),
        state=found.state.value,
        since=found.since,
        told_since=found.told_since,
        differences=list(found.differences),
        decided_by=found.decided_by,
        reason=found.reason,
    )


def _hidden(row: Hiding) -> HiddenOut:
    asset = selectors.asset(row.asset)
    return HiddenOut(
        asset=asset_out(asset),
        reason=row.reason,
        by=row.hidden_by.username,
        at=row.hidden_at,
        seen_again=asset.last_seen_at > row.hidden_at,
    )


class NamesView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="asset_names",
        summary="Other names of an asset, proposed ones too, and what people decided of them",
        parameters=openapi.query_parameters(OnADay),
        responses={200: rest.schema_of(NamesOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        moment = rest.query(request, OnADay).moment
        asset, until = selectors.asset(uuid), decided.until(moment)
        decisions = [row for row in naming.history(asset.uuid) if until is None or row.decided_at <= until]
        return rest.answer(
            NamesOut(
                results=[_other(one) for one in naming.of(asset, moment=moment, decisions=decisions)],
                next=None,
                decisions=[
                    NameDecisionOut(
                        assets=[row.asset, row.other],
                        decision=row.decision,
                        reason=row.reason,
                        decided_by=row.decided_by.username,
                        decided_at=row.decided_at,
                    )
                    for row in decisions
                ],
            )
        )

    @extend_schema(
        operation_id="asset_name_decide",
        summary="Decide whether another name is of the same asset; the graph follows within moments",
        request={"application/json": rest.schema_of(NameIn)},
        responses={201: rest.schema_of(NameDecisionOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        asked = rest.read(request, NameIn)
        row = naming.decide(
            actor=rest.actor(request),
            asset=selectors.asset(uuid),
            other=selectors.asset(asked.other),
            decision=Decision(asked.decision),
            reason=asked.reason,
        )
        decided = NameDecisionOut(
            assets=[row.asset, row.other],
            decision=row.decision,
            reason=row.reason,
            decided_by=row.decided_by.username,
            decided_at=row.decided_at,
        )
        return rest.answer(decided, status=201)


class ProposalsView(ReadView):
    @extend_schema(
        operation_id="names_proposed",
        summary="Pairs of names that may be of one asset, of which nobody decided yet",
        parameters=openapi.query_parameters(ProposalsQuery),
        responses={200: rest.page_schema(rest.schema_of(ProposalOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, ProposalsQuery)
        found = naming.proposals(after=_after(asked.cursor), limit=asked.limit + 1)
        page = found[: asked.limit]
        return rest.answer(
            {
                "results": [
                    ProposalOut(
                        asset=asset_out(one.asset), other=asset_out(one.other), differences=list(one.differences)
                    )
                    for one in page
                ],
                "next": f"{page[-1].asset.pk}-{page[-1].other.pk}" if len(found) > len(page) else None,
            }
        )


class JoinedView(ReadView):
    @extend_schema(
        operation_id="names_joined",
        summary="Pairs of names that are of one asset now, by senders or people",
        parameters=openapi.query_parameters(ProposalsQuery),
        responses={200: rest.page_schema(rest.schema_of(JoinedOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, ProposalsQuery)
        if asked.cursor and not (asked.cursor.isascii() and asked.cursor.isdigit() and len(asked.cursor) < 19):
            raise Invalid("cursor: not one of this list.", fields={"cursor": "Not one of this list."})
        found = naming.joined(after=int(asked.cursor or 0), limit=asked.limit + 1)
        page = found[: asked.limit]
        return rest.answer(
            {
                "results": [
                    JoinedOut(
                        asset=asset_out(one.asset),
                        other=asset_out(one.other),
                        state=one.state.value,
                        since=one.since,
                        last_told_at=one.last_told_at,
                    )
                    for one in page
                ],
                "next": str(page[-1].id) if len(found) > len(page) else None,
            }
        )


def _after(cursor: str) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    asset, _, other = cursor.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (asset, other)):
        raise Invalid("cursor: not one of this list.", fields={"cursor": "Not one of this list."})
    return int(asset), int(other)


class HidingView(APIView):
    scopes = {"PUT": Scope.GOVERNANCE_WRITE, "DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="asset_hide",
        summary="Take an asset from the lists; nothing of it is deleted",
        request={"application/json": rest.schema_of(HiddenIn)},
        responses={201: rest.schema_of(HiddenOut)},
    )
    def put(self, request: Request, uuid: UUID) -> Response:
        asked, asset = rest.read(request, HiddenIn), selectors.asset(uuid)
        row = hiding.hide(actor=rest.actor(request), asset=asset.uuid, reason=asked.reason)
        return rest.answer(_hidden(row), status=201)

    @extend_schema(operation_id="asset_show", summary="Put a hidden asset back into the lists", responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        hiding.show(actor=rest.actor(request), asset=selectors.asset(uuid).uuid)
        return HttpResponse(status=204)


class HiddenView(ReadView):
    @extend_schema(
        operation_id="assets_hidden",
        summary="Hidden assets, the latest first, or those seen again since",
        parameters=openapi.query_parameters(HiddenQuery),
        responses={200: rest.page_schema(rest.schema_of(HiddenOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, HiddenQuery)
        pages = rest.Cursor()
        pages.ordering = ("-id",)
        found = hiding.hidden(seen_again=asked.seen_again)
        return pages.get_paginated_response([_hidden(row) for row in pages.paginate_queryset(found, request)])
