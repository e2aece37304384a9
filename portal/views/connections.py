"""Connections to outside systems: the list, the catalogue, one connection with what came and went, one delivery."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from governance import permissions
from governance.errors import Conflict, DomainError, Invalid, NotFound
from governance.permissions import Permission
from integrations import carriers, joins, manual, outlets, redelivery, systems
from integrations import connections as services
from integrations.joins import Decision
from integrations.models import Connection, DeliveryState, Join, Purpose
from integrations.outmodels import Dispatch
from integrations.schemes import WITHOUT_SECRET
from integrations.systems.base import Scheme, System
from integrations.systems.mapping import MappingOptions
from portal import connections, marks, paging, queries
from portal.connectionforms import (
    ConnectionForm,
    OutletForm,
    ReplayForm,
    SettingsForm,
    defaults,
    initial,
    outlet_initial,
    proofs,
)
from portal.forms import ReasonForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest

DELIVERIES_SHOWN = 25
# On the page of the connection, which has other things to tell.
DELIVERIES_FIRST = 10
MAX_BODY_SHOWN = 200_000


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    state = queries.choice(request, "state", {"", "retired"})
    context = {
        "rows": connections.rows(timezone.now(), retired=state == "retired"),
        "state": state,
        "may_connect": bool(connections.teams_for(request.user)),
        "may_make_team": permissions.may(request.user, Permission.MANAGE_TEAM),
    }
    return render(request, "connections", "connections/list.html", "connections/_list.html", context)


@page
@require_GET
def choose(request: PortalRequest) -> HttpResponse:
    """The catalogue of systems, from which one is chosen."""
    text = queries.text(request, "q").lower()
    groups = [
        (words, [(one, manual.ways(one)) for one in listed if text in one.title.lower() or text in one.slug])
        for words, listed in connections.catalogue()
    ]
    groups = [(words, listed) for words, listed in groups if listed]
    context = {"groups": groups, "found": sum(len(listed) for _, listed in groups), "q": text}
    return render(request, "connections", "connections/choose.html", "connections/_choose.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PortalRequest, system: str) -> HttpResponse:
    """The form. The answer to a new connection shows its secret: a redirect would have to store it."""
    known = systems.BY_SLUG.get(system)
    if known is None:
        raise NotFound(f"There is no system {system}.", fields={"system": "Unknown."})
    teams = connections.teams_for(request.user)
    begins_with = {"title": known.title, "slug": system.replace("_", "-")}
    form = ConnectionForm(request.POST or None, system=known, teams=teams, initial=begins_with)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.create(
                actor=request.user,
                team=said["team"],
                slug=said["slug"],
                system=system,
                namespace=said["namespace"],
                settings=form.settings(),
                secret=said["secret"],
                outgoing_secret=said["outgoing_secret"],
            )
        except Invalid as error:
            form.refuse(error)
        except Conflict as error:
            refuse(form, error)
        else:
            return _page(request, made.connection, secret=made.secret, is_new=True)
    context = {"form": form, "teams": teams, "setup": connections.preparations(known)} | _form_of(known)
    context["may_make_team"] = permissions.may(request.user, Permission.MANAGE_TEAM)
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "connections", "connections/new.html", "connections/_form.html", context, status=status)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: PortalRequest, slug: str) -> HttpResponse:
    connection = connections.find(slug)
    permissions.require(request.user, Permission.MANAGE_CONNECTIONS, team=connection.team)
    system = systems.BY_SLUG[connection.system]
    form = SettingsForm(request.POST or None, system=system, initial=initial(connection))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.change(
                actor=request.user, connection=connection, settings=form.settings(), secret=said["secret"]
            )
        except Invalid as error:
            form.refuse(error)
        except Conflict as error:
            refuse(form, error)
        else:
            messages.success(request, "The connection is changed.")
            if not made.secret:
                return redirect("connection", slug)
            return _page(request, connections.find(slug), secret=made.secret)
    context = {"connection": connection, "form": form} | _form_of(system)
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "connections", "connections/change.html", "connections/_form.html", context, status=status)


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    return _page(request, connections.find(slug))


@page
@require_GET
def deliveries(request: PortalRequest, slug: str) -> HttpResponse:
    """The deliveries that are kept, by state; a part of the connection's page."""
    connection = connections.find(slug)
    context = {"connection": connection} | _deliveries(request, connection)
    return render(request, "connections", "connections/deliveries.html", "connections/_deliveries.html", context)


@page
@require_GET
def delivery(request: PortalRequest, slug: str, pk: int) -> HttpResponse:
    """What a delivery came to; what it holds may be personal, and is for those who may change the connection."""
    connection = connections.find(slug)
    found = connections.delivery(connection, pk)
    body = bytes(found.body)
    may_change = _may_change(request, connection)
    try:
        shown = json.dumps(json.loads(body), indent=2, ensure_ascii=False) if may_change else ""
    except ValueError:
        shown = body.decode("utf-8", "replace")
    context = {
        "connection": connection,
        "delivery": found,
        "mark": marks.mark(marks.DELIVERY_STATES, found.state),
        "system": systems.BY_SLUG[connection.system],
        "why_ignored": systems.BY_SLUG[connection.system].ignored.get(found.type, ""),
        "body": shown[:MAX_BODY_SHOWN],
        "is_cut": len(shown) > MAX_BODY_SHOWN,
        "size": len(body),
        "may_change": may_change,
    }
    return render(request, "connections", "connections/delivery.html", "connections/_delivery.html", context)


@sent_from("connection", "slug")
@page
@require_POST
def redeliver(request: PortalRequest, slug: str, pk: int) -> HttpResponse:
    found = connections.delivery(connections.find(slug), pk)
    redelivery.redeliver(actor=request.user, delivery=found)
    messages.success(request, "The delivery is being translated again.")
    return redirect("connection-delivery", slug, pk)


@sent_from("connection", "slug")
@page
@require_POST
def replay(request: PortalRequest, slug: str) -> HttpResponse:
    connection = connections.find(slug)
    form = ReplayForm(request.POST)
    if form.is_valid():
        try:
            count = redelivery.replay(actor=request.user, connection=connection, since=form.cleaned_data["since"])
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, f"{count:,} deliveries are being translated again.")
            return redirect("connection", slug)
    return _page(request, connection, replaying=form)


@sent_from("connection", "slug")
@page
@require_POST
def act(request: PortalRequest, slug: str, action: str) -> HttpResponse:
    """Pause, resume, retire; a new secret, or the end of one."""
    connection = connections.find(slug)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    acts: dict[str, tuple[Callable[[], Any], str]] = {
        "pause": (
            lambda: services.pause(actor=request.user, connection=connection, reason=reason),
            "The connection is paused: it takes and asks nothing.",
        ),
        "resume": (lambda: services.resume(actor=request.user, connection=connection), "The connection is active."),
        "retire": (
            lambda: services.retire(actor=request.user, connection=connection, reason=reason),
            "The connection is retired, with its secrets. What it brought stays.",
        ),
    }
    if action not in acts:
        raise NotFound(f"There is nothing to do called {action}.", fields={"action": "Unknown."})
    carry_out, says = acts[action]
    try:
        carry_out()
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, says)
    return redirect("connection", slug)


@sent_from("connection", "slug")
@page
@require_POST
def rotate(request: PortalRequest, slug: str) -> HttpResponse:
    """A new secret. The answer shows an incoming one this once."""
    connection = connections.find(slug)
    purpose = Purpose.OUTGOING if request.POST.get("purpose") == Purpose.OUTGOING else Purpose.INCOMING
    try:
        made = services.rotate(
            actor=request.user, connection=connection, purpose=purpose, secret=request.POST.get("secret", "")
        )
    except (Invalid, Conflict) as error:
        messages.error(request, error.message)
        return redirect("connection", slug)
    if purpose is Purpose.OUTGOING:
        messages.success(request, "The secret is kept, and used from now on.")
        return redirect("connection", slug)
    return _page(request, connection, secret=made.secret)


@sent_from("connection", "slug")
@page
@require_POST
def retire_secret(request: PortalRequest, slug: str, pk: int) -> HttpResponse:
    try:
        services.retire_secret(actor=request.user, connection=connections.find(slug), secret=pk)
    except Invalid as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The secret opens nothing any more.")
    return redirect("connection", slug)


@sent_from("connection", "slug")
@page
@require_POST
def join(request: PortalRequest, slug: str, pk: int) -> HttpResponse:
    """Say whether a name that the system uses is a model of the graph, or take that back."""
    found = Join.objects.filter(connection__slug=slug, pk=pk).first()
    word = request.POST.get("decision", "")
    if found is None or word not in set(Decision):
        raise NotFound("There is no such name, or no such decision.", fields={"join": "Unknown."})
    try:
        joins.decide(actor=request.user, join=found, decision=Decision(word), reason=request.POST.get("reason", ""))
    except DomainError as error:
        if not isinstance(error, Conflict | Invalid):
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "It is so from now on, with your name in the record.")
    return redirect(reverse("connection", args=[slug]) + "#names")


@sent_from("connection", "slug")
@page
@require_POST
def outlet(request: PortalRequest, slug: str) -> HttpResponse:
    connection = connections.find(slug)
    carrier = connections.carrier(connection)
    if carrier is None:
        raise NotFound(f"Nothing can be carried out through {connection.system}.", fields={"system": "No carrier."})
    form = OutletForm(request.POST, carrier=carrier)
    if form.is_valid():
        said = form.cleaned_data
        try:
            outlets.set_up(
                actor=request.user,
                connection=connection,
                kinds=said["kinds"],
                setting=said["setting"],
                is_active=said["is_active"],
            )
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, "What is carried out is set.")
            return redirect(reverse("connection", args=[slug]) + "#out")
    return _page(request, connection, outlet_form=form)


@sent_from("connection", "slug")
@page
@require_POST
def send_again(request: PortalRequest, slug: str, pk: int) -> HttpResponse:
    found = (
        Dispatch.objects.select_related("notice__outlet__connection__team")
        .filter(notice__outlet__connection__slug=slug, pk=pk)
        .first()
    )
    if found is None:
        raise NotFound(f"{slug} has no request {pk}.", fields={"dispatch": "Unknown."})
    try:
        outlets.send_again(actor=request.user, dispatch=found)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The request is sent again.")
    return redirect(reverse("connection", args=[slug]) + "#out")


def _form_of(system: System) -> dict[str, Any]:
    """What the form of any connection of the system shows."""
    return {
        "system": system,
        "defaults": defaults(system.options),
        "proofs": proofs(system),
        "is_asked": system.poll is not None or system.slug in carriers.BY_SLUG,
    }


def _may_change(request: PortalRequest, connection: Connection) -> bool:
    return permissions.may(request.user, Permission.MANAGE_CONNECTIONS, team=connection.team)


def _deliveries(request: PortalRequest, connection: Connection, size: int = DELIVERIES_SHOWN) -> dict[str, Any]:
    state = queries.choice(request, "state", {"", *DeliveryState})
    found = connection.deliveries.defer("body")
    if state:
        found = found.filter(state=state)
    counts = connections.counted(connection)
    after = queries.text(request, "after")
    return {
        "page": paging.by_id(found, after, newest_first=True, size=size),
        "state": state,
        "states": [
            {"state": "", "word": "All", "count": sum(counts.values())},
            *(
                {"state": one.value, "word": marks.DELIVERY_STATES[one].word, "count": counts[one]}
                for one in DeliveryState
                if one in counts
            ),
        ],
        "query": urlencode({"state": state}) if state else "",
    }


def _page(
    request: PortalRequest,
    connection: Connection,
    *,
    secret: str = "",
    is_new: bool = False,
    outlet_form: OutletForm | None = None,
    replaying: ReplayForm | None = None,
) -> HttpResponse:
    system: System = systems.BY_SLUG[connection.system]
    carrier = connections.carrier(connection)
    row = getattr(connection, "outlet", None)
    if carrier and outlet_form is None:
        outlet_form = OutletForm(carrier=carrier, initial=outlet_initial(row))
    may_change = _may_change(request, connection) and connection.retired_at is None
    context: dict[str, Any] = {
        "connection": connection,
        "system": system,
        "mark": marks.mark(marks.CONNECTION_STATES, connections.health(connection)),
        "address": connections.address(connection),
        "setup": connections.setup(system, connections.address(connection)),
        "secret": secret,
        "takes_secret": bool(connection.scheme) and Scheme(connection.scheme) not in WITHOUT_SECRET,
        "brings": sorted(system.brings),
        "comes": connections.has_facts(connection),
        "has_mapping": issubclass(system.options, MappingOptions),
        "full_address": connections.address(connection).replace("<secret>", secret),
        "is_new": is_new,
        "secrets": list(connection.secrets.filter(retired_at=None).order_by("purpose", "-id")),
        "readings": list(connection.readings.order_by("-id")[:5]),
        "joins": connections.names(connection),
        "carrier": carrier,
        "outlet": row,
        "outlet_form": outlet_form,
        "outlet_defaults": defaults(carrier.setting) if carrier else "",
        "notices": [(one, connections.state_of(one.dispatches.all())) for one in connections.notices(connection)],
        "replaying": replaying,
        "may_change": may_change,
        **_deliveries(request, connection, DELIVERIES_FIRST),
    }
    wrong = (outlet_form and outlet_form.errors) or (replaying and replaying.errors)
    status = UNPROCESSABLE if wrong else 200
    template = "connections/connection.html"
    return render(request, "connections", template, "connections/_connection.html", context, status=status)
