"""Connections over HTTP."""

from collections.abc import Sequence
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any, Literal

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, rest
from governance import selectors as governance
from governance.tokens import Scope
from integrations import connections, credentials, redelivery, selectors
from integrations.connections import Made, Settings
from integrations.models import ConnectionSecret, Purpose
from integrations.selectors import Standing


class SettingsIn(rest.Body, frozen=True, kw_only=True):
    """What can be set for a connection; in a change, what is absent stays."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    options: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    scheme: str | msgspec.UnsetType = msgspec.UNSET
    scheme_options: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    window_s: int | msgspec.UnsetType | None = msgspec.UNSET
    networks: list[str] | msgspec.UnsetType = msgspec.UNSET
    address: str | msgspec.UnsetType = msgspec.UNSET
    auth: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    poll_interval_s: int | msgspec.UnsetType | None = msgspec.UNSET


class CreateIn(SettingsIn, frozen=True, kw_only=True):
    """A new connection. Without `secret` one is made if the scheme needs one; `outgoing_secret` is the other way's."""

    slug: str
    system: str
    namespace: str
    team: str
    secret: str = ""
    outgoing_secret: str = ""


class ChangeIn(SettingsIn, frozen=True, kw_only=True):
    """What changes. `secret`: the new one, with another scheme."""

    secret: str = ""


class SecretIn(rest.Body, frozen=True, kw_only=True):
    """A new secret; an incoming one is made when `secret` is empty."""

    purpose: Literal["incoming", "outgoing"] = "incoming"
    secret: str = ""


class ReasonIn(rest.Body, frozen=True, kw_only=True):
    """Why."""

    reason: str = ""


class ReplayIn(rest.Body, frozen=True, kw_only=True):
    """From when (inclusive) to when (exclusive, now when absent) deliveries are translated again."""

    since: datetime
    until: datetime | None = None


class ReplayOut(rest.Body, frozen=True, kw_only=True):
    """How many deliveries are translated again."""

    deliveries: int


class SecretOut(rest.Body, frozen=True, kw_only=True):
    """A live secret, which itself is never shown."""

    id: int
    purpose: str
    created_at: datetime


class ConnectionOut(rest.Body, frozen=True, kw_only=True):
    """A connection. `url`: where its system sends. `secret`: only in the answer that made it."""

    slug: str
    title: str
    system: str
    namespace: str
    team: str
    sender: str
    url: str
    options: dict[str, Any]
    scheme: str
    scheme_options: dict[str, Any]
    window_s: int | None
    networks: list[str]
    address: str
    auth: dict[str, Any]
    poll_interval_s: int | None
    is_active: bool
    created_at: datetime
    retired_at: datetime | None
    health: str
    says: str
    last_delivery_at: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str
    deliveries: dict[str, int]
    secrets: list[SecretOut]
    secret: str | None = None


class Filter(rest.Paging, frozen=True, kw_only=True):
    team: str = ""
    system: str = ""
    retired: bool = False


class ConnectionsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.GOVERNANCE_WRITE}
    ordering = ("slug",)

    @extend_schema(
        operation_id="connections_list",
        summary="Connections to outside systems, with how they are doing",
        parameters=openapi.query_parameters(Filter),
        responses={200: rest.page_schema(rest.schema_of(ConnectionOut))},
    )
    def get(self, request: Request) -> Response:
        said = rest.query(request, Filter)
        pager = rest.Cursor()
        found = selectors.listed(team=said.team, system=said.system, with_retired=said.retired)
        page = pager.paginate_queryset(found, request, self)
        standings, live = selectors.standings(page), credentials.live_of(page)
        rows = [_out(Made(connection=one), standings[one.pk], live[one.pk]) for one in page]
        return pager.get_paginated_response(rows)

    @extend_schema(
        operation_id="connections_create",
        summary="Connect an outside system; the secret is told this once",
        request={"application/json": rest.schema_of(CreateIn)},
        responses={201: rest.schema_of(ConnectionOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, CreateIn)
        made = connections.create(
            actor=rest.actor(request),
            team=governance.team(said.team),
            slug=said.slug,
            system=said.system,
            namespace=said.namespace,
            settings=_settings(said, Settings(title=said.slug)),
            secret=said.secret,
            outgoing_secret=said.outgoing_secret,
        )
        return rest.answer(_connection(made), status=201)


class ConnectionView(APIView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.GOVERNANCE_WRITE, "DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_read", summary="One connection", responses={200: rest.schema_of(ConnectionOut)}
    )
    def get(self, request: Request, slug: str) -> Response:
        rest.query(request, rest.Body)
        return rest.answer(_connection(Made(connection=selectors.connection(slug))))

    @extend_schema(
        operation_id="connections_change",
        summary="Change a connection; what is absent stays",
        request={"application/json": rest.schema_of(ChangeIn)},
        responses={200: rest.schema_of(ConnectionOut)},
    )
    def patch(self, request: Request, slug: str) -> Response:
        said = rest.read(request, ChangeIn)
        found = selectors.connection(slug)
        settings = _settings(said, connections.settings_of(found))
        made = connections.change(actor=rest.actor(request), connection=found, settings=settings, secret=said.secret)
        return rest.answer(_connection(made))

    @extend_schema(
        operation_id="connections_retire",
        summary="End a connection for good; what it brought stays",
        responses={200: rest.schema_of(ConnectionOut)},
    )
    def delete(self, request: Request, slug: str) -> Response:
        retired = connections.retire(actor=rest.actor(request), connection=selectors.connection(slug))
        return rest.answer(_connection(Made(connection=retired)))


class SecretsView(APIView):
    scopes = {"POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_rotate",
        summary="A new secret, told this once; the one before stays good until it is retired",
        request={"application/json": rest.schema_of(SecretIn)},
        responses={201: rest.schema_of(ConnectionOut)},
    )
    def post(self, request: Request, slug: str) -> Response:
        said = rest.read(request, SecretIn)
        made = connections.rotate(
            actor=rest.actor(request),
            connection=selectors.connection(slug),
            purpose=Purpose(said.purpose),
            secret=said.secret,
        )
        told = Made(connection=made.connection, secret=made.secret if said.purpose == "incoming" else "")
        return rest.answer(_connection(told), status=201)


class SecretView(APIView):
    scopes = {"DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_retire_secret",
        summary="End one secret at once",
        responses={200: rest.schema_of(ConnectionOut)},
    )
    def delete(self, request: Request, slug: str, number: int) -> Response:
        found = selectors.connection(slug)
        connections.retire_secret(actor=rest.actor(request), connection=found, secret=number)
        return rest.answer(_connection(Made(connection=found)))


class PauseView(APIView):
    scopes = {"POST": Scope.GOVERNANCE_WRITE, "DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_pause",
        summary="Take and ask nothing until it is resumed",
        request={"application/json": rest.schema_of(ReasonIn)},
        responses={200: rest.schema_of(ConnectionOut)},
    )
    def post(self, request: Request, slug: str) -> Response:
        said = rest.read(request, ReasonIn)
        found = selectors.connection(slug)
        paused = connections.pause(actor=rest.actor(request), connection=found, reason=said.reason)
        return rest.answer(_connection(Made(connection=paused)))

    @extend_schema(
        operation_id="connections_resume", summary="Take and ask again", responses={200: rest.schema_of(ConnectionOut)}
    )
    def delete(self, request: Request, slug: str) -> Response:
        resumed = connections.resume(actor=rest.actor(request), connection=selectors.connection(slug))
        return rest.answer(_connection(Made(connection=resumed)))


class ReplayView(APIView):
    scopes = {"POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_replay",
        summary="Translate again all that came since a time",
        request={"application/json": rest.schema_of(ReplayIn)},
        responses={202: rest.schema_of(ReplayOut)},
    )
    def post(self, request: Request, slug: str) -> Response:
        said = rest.read(request, ReplayIn)
        count = redelivery.replay(
            actor=rest.actor(request), connection=selectors.connection(slug), since=said.since, until=said.until
        )
        return rest.answer(ReplayOut(deliveries=count), status=202)


def _settings(said: SettingsIn, before: Settings) -> Settings:
    given = {one.name: getattr(said, one.name) for one in dataclass_fields(Settings)}
    kept = {one.name: getattr(before, one.name) for one in dataclass_fields(Settings)}
    return Settings(**kept | {name: value for name, value in given.items() if value is not msgspec.UNSET})


def _connection(made: Made) -> ConnectionOut:
    one = made.connection
    return _out(made, selectors.standing(one), credentials.live_of([one])[one.pk])


def _out(made: Made, standing: Standing, live: Sequence[ConnectionSecret]) -> ConnectionOut:
    one = made.connection
    return ConnectionOut(
        slug=one.slug,
        title=one.title,
        system=one.system,
        namespace=one.namespace,
        team=one.team.slug,
        sender=one.user.username,
        url=selectors.hook_url(made),
        options=one.options,
        scheme=one.scheme,
        scheme_options=one.scheme_options,
        window_s=one.window_s,
        networks=one.networks,
        address=one.address,
        auth=one.auth,
        poll_interval_s=one.poll_interval_s,
        is_active=one.is_active,
        created_at=one.created_at,
        retired_at=one.retired_at,
        health=standing.health.value,
        says=standing.says,
        last_delivery_at=standing.last_delivery_at,
        last_success_at=one.last_success_at,
        last_failure_at=one.last_failure_at,
        last_error=one.last_error,
        deliveries=standing.states,
        secrets=[SecretOut(id=row.pk, purpose=row.purpose, created_at=row.created_at) for row in live],
        secret=made.secret or None,
    )
