"""Outlets: that and how a connection carries out what Assay decides; and sending again what was given up."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import User
from governance.permissions import Permission
from integrations import carriers
from integrations.connections import subject
from integrations.models import Connection
from integrations.notices import Kind
from integrations.outmodels import Dispatch, DispatchState, Outlet


@transaction.atomic
def set_up(
    *,
    actor: User | None,
    connection: Connection,
    kinds: Collection[str],
    setting: Mapping[str, Any],
    is_active: bool = True,
) -> Outlet:
    """Carry these kinds of notices out through the connection from now on, or change how it does.

    What was decided before an outlet became active is not carried out. The operator at the command line has no actor.
    Raises Denied, Invalid naming the fields, Conflict when the connection is retired.
    """
    locked = Connection.objects.select_for_update(of=("self",)).select_related("team").get(pk=connection.pk)
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=locked.team)
    if locked.retired_at is not None:
        raise Conflict(f"The connection {locked.slug} is retired.", code="retired")
    wrong = _problems(locked, kinds, setting)
    if wrong:
        name, says = next(iter(wrong.items()))
        raise Invalid(f"{name}: {says}", fields=wrong)
    outlet = Outlet.objects.filter(connection=locked).first() or Outlet(connection=locked, is_active=False)
    if is_active and not outlet.is_active:
        outlet.since = timezone.now()
    outlet.kinds, outlet.setting, outlet.is_active = sorted(kinds), dict(setting), is_active
    outlet.save()
    audit.record(
        actor=actor,
        action=Action.OUTLET_SET,
        subject=subject(locked),
        detail={"kinds": outlet.kinds, "setting": outlet.setting, "is_active": is_active},
    )
    return outlet


@transaction.atomic
def send_again(*, actor: User, dispatch: Dispatch) -> None:
    """Try a request that was given up once more. Raises Denied, Conflict when it was not given up."""
    permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=dispatch.notice.outlet.connection.team)
    given_up = Dispatch.objects.filter(pk=dispatch.pk, state=DispatchState.GIVEN_UP)
    if not given_up.update(state=DispatchState.PENDING, due_at=timezone.now(), attempts=0, ended_at=None):
        raise Conflict("Only a request that was given up can be sent again.")
    audit.record(
        actor=actor,
        action=Action.DISPATCH_REPEATED,
        subject=subject(dispatch.notice.outlet.connection),
        detail={"dispatch": dispatch.pk},
    )


def _problems(connection: Connection, kinds: Collection[str], setting: Mapping[str, Any]) -> dict[str, str]:
    carrier = carriers.BY_SLUG.get(connection.system)
    if carrier is None:
        return {"system": f"Nothing can be carried out through {connection.system}."}
    wrong: dict[str, str] = {}
    unknown = set(kinds) - set(Kind)
    if unknown or not set(kinds) <= carrier.kinds:
        wrong["kinds"] = f"{carrier.title} carries {', '.join(sorted(carrier.kinds))}."
    if not connection.address:
        wrong["address"] = "The connection has no address to send to."
    try:
        msgspec.convert(dict(setting), carrier.setting)
    except msgspec.ValidationError as error:
        wrong["setting"] = str(error)
    return wrong
