"""What is carried out through a connection, over HTTP."""

from datetime import datetime
from typing import Any

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest
from governance.tokens import Scope
from integrations import outlets, selectors
from integrations.outmodels import Dispatch, DispatchState, Outlet


class OutletIn(rest.Body, frozen=True, kw_only=True):
    """Which notices are carried out (`verdict`, `incident`, `retrain`), and how: see the page of the system."""

    kinds: list[str]
    setting: dict[str, Any] = {}
    is_active: bool = True


class OutletOut(rest.Body, frozen=True, kw_only=True):
    """What is carried out. `since`: what was decided before is not. `requests`: how many are in each state."""

    kinds: list[str]
    setting: dict[str, Any]
    is_active: bool
    since: datetime | None
    requests: dict[str, int]


class OutletView(APIView):
    scopes = {"GET": Scope.READ, "PUT": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="connections_outlet",
        summary="What is carried out through a connection, and how many requests that made",
        responses={200: rest.schema_of(OutletOut)},
    )
    def get(self, request: Request, slug: str) -> Response:
        found = selectors.connection(slug)
        return rest.answer(_out(Outlet.objects.filter(connection=found).first()))

    @extend_schema(
        operation_id="connections_set_outlet",
        summary="Say what is carried out from now on",
        request={"application/json": rest.schema_of(OutletIn)},
        responses={200: rest.schema_of(OutletOut)},
    )
    def put(self, request: Request, slug: str) -> Response:
        said, found = rest.read(request, OutletIn), selectors.connection(slug)
        outlet = outlets.set_up(
            actor=rest.actor(request),
            connection=found,
            kinds=said.kinds,
            setting=said.setting,
            is_active=said.is_active,
        )
        return rest.answer(_out(outlet))


def _out(outlet: Outlet | None) -> OutletOut:
    requests = dict.fromkeys(DispatchState.values, 0)
    if outlet is None:
        return OutletOut(kinds=[], setting={}, is_active=False, since=None, requests=requests)
    states = Dispatch.objects.filter(notice__outlet=outlet).order_by().values_list("state")
    return OutletOut(
        kinds=outlet.kinds,
        setting=outlet.setting,
        is_active=outlet.is_active,
        since=outlet.since,
        requests=requests | dict(states.annotate(Count("id"))),
    )
