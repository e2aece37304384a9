"""Deliveries, and what names they were joined by, over HTTP."""

import base64
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, rest
from governance.tokens import Scope
from integrations import joins, redelivery, selectors
from integrations.joins import Decision
from integrations.models import Delivery, Join, Reading
from lineage.selectors import ToldThrough


class DeliveryOut(rest.Body, frozen=True, kw_only=True):
    """What came, and what became of it. `body` only when one is read: as text, or in base64 when it is none."""

    id: int
    connection: str
    key: str
    via: str
    type: str
    received_at: datetime
    state: str
    attempts: int
    translated_at: datetime | None
    due_at: datetime | None
    events: int
    error: str
    unresolved: list[str]
    headers: dict[str, str]
    body: str | None = None
    encoding: Literal["utf-8", "base64"] | None = None


class ReadingOut(rest.Body, frozen=True, kw_only=True):
    """One poll or import. `ended_at` is null while it runs, or when it was interrupted."""

    id: int
    via: str
    source: str
    started_at: datetime
    ended_at: datetime | None
    messages: int
    events: int
    new: int
    refused: int
    errors: list[dict[str, Any]]
    error: str


class NameOut(rest.Body, frozen=True, kw_only=True):
    """A dataset by its names."""

    namespace: str
    name: str


class JoinDecisionOut(rest.Body, frozen=True, kw_only=True):
    """What somebody decided of a join, as the audit log has it."""

    decision: str
    before: str
    reason: str
    by: str | None
    at: datetime


class RuleOut(rest.Body, frozen=True, kw_only=True):
    """A rule by which assets are joined, how it is undone, and how many joins it made, by state."""

    rule: str
    title: str
    says: str
    undone: str
    joins: dict[str, int]


class RulesOut(rest.Body, frozen=True, kw_only=True):
    results: list[RuleOut]


class JoinOut(rest.Body, frozen=True, kw_only=True):
    """What a connection says for a model or its files, and the model, or version, that it is or may be.

    `why`: what it rests on. `said`: what the name is in the graph unless it is joined. `runs`: how many told something
    through it, the last of them `run`; of joins made before that was kept there are none.
    """

    id: int
    rule: str
    connection: str
    name: str
    version: str
    said: NameOut | None
    found_at: str
    why: str
    runs: int
    run: UUID | None
    last_told_at: datetime | None
    model: UUID
    model_namespace: str
    model_name: str
    state: str
    noted_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    history: list[JoinDecisionOut] | None = None


class DecisionIn(rest.Body, frozen=True, kw_only=True):
    """Confirm that it is, reject it, or take back what was decided: what was told through it stands again then."""

    decision: Literal["confirm", "reject", "undo"]
    reason: str = ""


class DeliveryFilter(rest.Paging, frozen=True, kw_only=True):
    state: str = ""
    type: str = ""


class JoinFilter(rest.Paging, frozen=True, kw_only=True):
    connection: str = ""
    state: str = ""
    rule: Literal["", "name", "files"] = ""
    model: UUID | None = None


class DeliveriesView(APIView):
    scopes = {"GET": Scope.READ}
    ordering = ("-id",)

    @extend_schema(
        operation_id="deliveries_list",
        summary="What came through a connection, the newest first",
        parameters=openapi.query_parameters(DeliveryFilter),
        responses={200: rest.page_schema(rest.schema_of(DeliveryOut))},
    )
    def get(self, request: Request, slug: str) -> Response:
        said = rest.query(request, DeliveryFilter)
        connection = selectors.connection(slug)
        pager = rest.Cursor()
        found = selectors.deliveries(connection, state=said.state, type=said.type)
        page = pager.paginate_queryset(found, request, self)
        return pager.get_paginated_response([_delivery(one, slug) for one in page])


class DeliveryView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="deliveries_read",
        summary="One delivery with its body, for those who may change the connection",
        responses={200: rest.schema_of(DeliveryOut)},
    )
    def get(self, request: Request, number: int) -> Response:
        rest.query(request, rest.Body)
        found = selectors.delivery(number, user=rest.actor(request))
        return rest.answer(_delivery(found, found.connection.slug, with_body=True))


class RedeliverView(APIView):
    scopes = {"POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="deliveries_redeliver",
        summary="Translate a delivery once more",
        request=None,
        responses={202: rest.schema_of(DeliveryOut)},
    )
    def post(self, request: Request, number: int) -> Response:
        actor = rest.actor(request)
        found = redelivery.redeliver(actor=actor, delivery=selectors.delivery(number, user=actor))
        return rest.answer(_delivery(found, found.connection.slug), status=202)


class ReadingsView(APIView):
    scopes = {"GET": Scope.READ}
    ordering = ("-id",)

    @extend_schema(
        operation_id="readings_list",
        summary="Polls and imports of a connection, the newest first",
        parameters=openapi.query_parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(ReadingOut))},
    )
    def get(self, request: Request, slug: str) -> Response:
        rest.query(request, rest.Paging)
        pager = rest.Cursor()
        page = pager.paginate_queryset(selectors.readings(selectors.connection(slug)), request, self)
        return pager.get_paginated_response([_reading(one) for one in page])


class JoinsView(APIView):
    scopes = {"GET": Scope.READ}
    ordering = ("-id",)

    @extend_schema(
        operation_id="joins_list",
        summary="Names and addresses that connections use, and the models and versions that they are or may be",
        parameters=openapi.query_parameters(JoinFilter),
        responses={200: rest.page_schema(rest.schema_of(JoinOut))},
    )
    def get(self, request: Request) -> Response:
        said = rest.query(request, JoinFilter)
        pager = rest.Cursor()
        found = selectors.joins(connection=said.connection, state=said.state, rule=said.rule, model=said.model)
        page = list(pager.paginate_queryset(found, request, self))
        told = joins.told_through(page)
        return pager.get_paginated_response([_join(one, told.get(one.pk)) for one in page])


class JoinRulesView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="joins_rules",
        summary="Every rule by which assets are joined, and how what it did is undone",
        responses={200: rest.schema_of(RulesOut)},
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Body)
        counts = selectors.counted_joins()
        rules = [
            RuleOut(rule=one.slug, title=one.title, says=one.says, undone=one.undone, joins=counts.get(one.slug, {}))
            for one in joins.RULES
        ]
        return rest.answer(RulesOut(results=rules))


class JoinView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="joins_read",
        summary="One join, with every decision on it",
        responses={200: rest.schema_of(JoinOut)},
    )
    def get(self, request: Request, number: int) -> Response:
        rest.query(request, rest.Body)
        return rest.answer(_with_history(selectors.join(number)))

    @extend_schema(
        operation_id="joins_decide",
        summary="Say whether a name is a model, or take that back",
        request={"application/json": rest.schema_of(DecisionIn)},
        responses={200: rest.schema_of(JoinOut)},
    )
    def post(self, request: Request, number: int) -> Response:
        said = rest.read(request, DecisionIn)
        decided = joins.decide(
            actor=rest.actor(request),
            join=selectors.join(number),
            decision=Decision(said.decision),
            reason=said.reason,
        )
        return rest.answer(_with_history(decided))


def _delivery(one: Delivery, slug: str, *, with_body: bool = False) -> DeliveryOut:
    body, encoding = _body(bytes(one.body)) if with_body else (None, None)
    return DeliveryOut(
        id=one.pk,
        connection=slug,
        key=one.key,
        via=one.via,
        type=one.type,
        received_at=one.received_at,
        state=one.state,
        attempts=one.attempts,
        translated_at=one.translated_at,
        due_at=one.due_at,
        events=one.events,
        error=one.error,
        unresolved=one.unresolved or [],
        headers=one.headers,
        body=body,
        encoding=encoding,
    )


def _body(body: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"


def _reading(one: Reading) -> ReadingOut:
    return ReadingOut(
        id=one.pk,
        via=one.via,
        source=one.source,
        started_at=one.started_at,
        ended_at=one.ended_at,
        messages=one.messages,
        events=one.events,
        new=one.new,
        refused=one.refused,
        errors=one.errors,
        error=one.error,
    )


def _with_history(one: Join) -> JoinOut:
    decisions = [
        JoinDecisionOut(
            decision=entry.action.removeprefix("join."),
            before=str(entry.detail.get("before", "")),
            reason=str(entry.detail.get("reason", "")),
            by=entry.actor.username if entry.actor else None,
            at=entry.occurred_at,
        )
        for entry in joins.history(one)
    ]
    return _join(one, joins.told_through([one]).get(one.pk), decisions)


def _join(one: Join, told: ToldThrough | None, history: list[JoinDecisionOut] | None = None) -> JoinOut:
    return JoinOut(
        id=one.pk,
        rule=one.rule,
        connection=one.connection.slug,
        name=one.name,
        version=one.version,
        said=NameOut(namespace=one.said_namespace, name=one.said_name) if one.said_name else None,
        found_at=one.found_at,
        why=joins.why(one),
        runs=told.runs if told else 0,
        run=told.run if told else None,
        last_told_at=told.last_at if told else None,
        history=history,
        model=one.asset,
        model_namespace=one.model_namespace,
        model_name=one.model_name,
        state=one.state,
        noted_at=one.noted_at,
        decided_by=one.decided_by.username if one.decided_by else None,
        decided_at=one.decided_at,
        reason=one.reason,
    )
