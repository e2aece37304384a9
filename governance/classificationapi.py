"""How critical an asset is, over HTTP."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import classification, openapi, rest, selectors
from governance.criticality import Goal
from governance.errors import NotFound
from governance.models import Classification
from governance.tokens import Scope

TierWord = Literal["", "life-threatening", "high", "medium", "low"]
DataClassWord = Literal["public", "internal", "confidential", "personal", "special-category", "payment-card"]


class ClassificationIn(rest.Body, frozen=True, kw_only=True):
    """What an asset is from now on, whole, and why. `tier` may be empty: nobody says."""

    tier: TierWord
    reason: str
    data_classes: list[DataClassWord] = []
    goals: list[Goal] = []
    done_when: str = ""


class ClassificationOut(rest.Body, frozen=True, kw_only=True):
    """What an asset is from a time (inclusive) to another (exclusive; open while it lasts)."""

    asset: UUID
    tier: str
    data_classes: list[str]
    goals: list[Goal]
    done_when: str
    reason: str
    set_by: str
    since: datetime
    until: datetime | None


def _classification(row: Classification) -> ClassificationOut:
    return ClassificationOut(
        asset=row.asset,
        tier=row.tier,
        data_classes=row.data_classes,
        goals=msgspec.convert(row.goals, list[Goal]),
        done_when=row.done_when,
        reason=row.reason,
        set_by=row.set_by.username,
        since=row.period.lower,
        until=row.period.upper,
    )


class ClassificationView(APIView):
    scopes = {"GET": Scope.READ, "PUT": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="classification",
        summary="How critical an asset is, its data classes and goals; 404 while nobody has said",
        responses={200: rest.schema_of(ClassificationOut)},
    )
    def get(self, request: Request, asset: UUID) -> Response:
        found = selectors.classification(asset)
        if found is None:
            raise NotFound("Nobody has classified this asset.", fields={"asset": "Unclassified."})
        return rest.answer(_classification(found))

    @extend_schema(
        operation_id="classification_put",
        summary="Say how critical an asset is; its owners may, and lowering the tier takes who manages policies",
        request={"application/json": rest.schema_of(ClassificationIn)},
        responses={200: rest.schema_of(ClassificationOut), 201: rest.schema_of(ClassificationOut)},
    )
    def put(self, request: Request, asset: UUID) -> Response:
        said = rest.read(request, ClassificationIn)
        classified, is_new = classification.classify(
            actor=rest.actor(request),
            asset=asset,
            tier=said.tier,
            data_classes=said.data_classes,
            goals=said.goals,
            done_when=said.done_when,
            reason=said.reason,
        )
        return rest.answer(_classification(classified), status=201 if is_new else 200)


class HistoryView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="classification_history",
        summary="Every classification an asset had or has, the latest first",
        parameters=openapi.query_parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(ClassificationOut))},
    )
    def get(self, request: Request, asset: UUID) -> Response:
        rest.query(request, rest.Paging)
        pages = rest.Cursor()
        rows = pages.paginate_queryset(selectors.classification_history(asset), request, self)
        return pages.get_paginated_response([_classification(row) for row in rows])
