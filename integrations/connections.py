"""Connections: made, changed, given new secrets, paused and retired by those who maintain the team that owns them."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from governance import audit, permissions, users
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import Team, User
from governance.permissions import Permission
from integrations import authentication, credentials, schemes, sealing, systems
from integrations.models import Connection, ConnectionSecret, Purpose
from integrations.proofs import SchemeOptions
from integrations.systems.base import Options, Scheme, System

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG_CHARS = 50
MAX_TITLE_CHARS = 200
MAX_NAMESPACE_CHARS = 500
MAX_ADDRESS_CHARS = 2_000
MAX_NETWORKS = 100
MAX_SECRET_CHARS = 5_000
MAX_REASON_CHARS = 2_000
MAX_WINDOW_S = 7 * 86_400
POLL_INTERVALS_S = (10, 7 * 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set for a connection, now or later. See `models.Connection` for each."""

    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    scheme: str = ""
    scheme_options: Mapping[str, Any] = field(default_factory=dict)
    window_s: int | None = None
    networks: Sequence[str] = ()
    address: str = ""
    auth: Mapping[str, Any] = field(default_factory=dict)
    poll_interval_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A connection with a secret that is told this once: ours, or the one that was given. Empty when it needs none."""

    connection: Connection
    secret: str = ""


def settings_of(connection: Connection) -> Settings:
    """What is set now, to be changed with `dataclasses.replace`."""
    return Settings(
        title=connection.title,
        options=connection.options,
        scheme=connection.scheme,
        scheme_options=connection.scheme_options,
        window_s=connection.window_s,
        networks=tuple(connection.networks),
        address=connection.address,
        auth=connection.auth,
        poll_interval_s=connection.poll_interval_s,
    )


@transaction.atomic
def create(
    *,
    actor: User | None,
    team: Team,
    slug: str,
    system: str,
    namespace: str,
    settings: Settings,
    secret: str = "",
    outgoing_secret: str = "",
) -> Made:
    """Connect an instance of a system. Without `secret` a new one is made if the scheme needs one.

    The operator at the command line has no actor. Raises Denied, Invalid naming the fields, Conflict when the slug is
    taken.
    """
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=team)
    known = systems.BY_SLUG.get(system)
    wrong: dict[str, str] = {}
    if known is None:
        wrong["system"] = f"Not one of {', '.join(sorted(systems.BY_SLUG))}."
    if not SLUG.fullmatch(slug) or len(slug) > MAX_SLUG_CHARS:
        wrong["slug"] = f"Lower-case letters and digits, joined by hyphens, at most {MAX_SLUG_CHARS} characters."
    if not 0 < len(namespace) <= MAX_NAMESPACE_CHARS or not namespace.isprintable() or " " in namespace:
        wrong["namespace"] = f"The instance's name, such as {system}://host; at most {MAX_NAMESPACE_CHARS} characters."
    if known is None or wrong:
        raise _refusal(wrong)
    made = _secret_for(settings.scheme, secret)
    _check(known, settings, incoming=[made] if made else [], has_outgoing=bool(outgoing_secret))
    # The account is the installation's, so that whoever maintains the team need not be allowed to make accounts.
    name = f"connection-{slug}"
    try:
        account = users.create(actor=None, username=name, first_name=settings.title[:150], is_service=True)
        with transaction.atomic():
            connection = Connection.objects.create(
                slug=slug, system=system, namespace=namespace, team=team, user=account, **_columns(settings)
            )
    except (IntegrityError, Conflict):
        raise Conflict(f"There is a connection {slug} already.", fields={"slug": "Taken."}) from None
    if made:
        _keep(connection, Purpose.INCOMING, made, actor)
    if outgoing_secret:
        _keep(connection, Purpose.OUTGOING, outgoing_secret, actor)
    detail = {"system": system, "namespace": namespace, "team": team.slug, **_told(settings)}
    audit.record(actor=actor, action=Action.CONNECTION_CREATED, subject=subject(connection), detail=detail)
    return Made(connection=connection, secret=made)


@transaction.atomic
def change(*, actor: User | None, connection: Connection, settings: Settings, secret: str = "") -> Made:
    """Set all of this anew. With another scheme the incoming secrets are retired and a new one is kept.

    Raises Denied, Invalid naming the fields, Conflict when the connection is retired.
    """
    locked = _locked(actor, connection)
    before = settings_of(locked)
    made = ""
    if settings.scheme != before.scheme:
        _retire_secrets(locked, Purpose.INCOMING)
        made = _secret_for(settings.scheme, secret)
    incoming = [made] if made else credentials.incoming(locked)
    has_outgoing = bool(credentials.live(locked, Purpose.OUTGOING))
    _check(systems.BY_SLUG[locked.system], settings, incoming=incoming, has_outgoing=has_outgoing)
    for name, value in _columns(settings).items():
        setattr(locked, name, value)
    locked.save(update_fields=list(_columns(settings)))
    if made:
        _keep(locked, Purpose.INCOMING, made, actor)
    old, new = _told(before), _told(settings)
    detail = {"before": {key: old[key] for key in old if old[key] != new[key]}}
    detail["after"] = {key: new[key] for key in detail["before"]}
    if detail["after"] or made:
        audit.record(actor=actor, action=Action.CONNECTION_CHANGED, subject=subject(locked), detail=detail)
    return Made(connection=locked, secret=made)


@transaction.atomic
def rotate(*, actor: User | None, connection: Connection, purpose: Purpose, secret: str = "") -> Made:
    """Keep a new secret: ours, or the one given. An incoming one is good beside the one before until that is retired.

    Raises Denied, Invalid, and Conflict when two incoming ones are live already.
    """
    locked = _locked(actor, connection)
    if purpose is Purpose.OUTGOING:
        if not secret:
            raise Invalid("secret: The other system makes it.", fields={"secret": "The other system makes it."})
        _retire_secrets(locked, purpose)
        made = secret
    else:
        if len(credentials.live(locked, purpose)) > 1:
            raise Conflict("Two secrets are live already: retire the older one first.", code="two_secrets_live")
        made = _secret_for(locked.scheme, secret)
        if not made:
            raise Invalid("This connection's scheme has no secret.", fields={"purpose": "Its scheme has no secret."})
    _keep(locked, purpose, made, actor)
    audit.record(
        actor=actor,
        action=Action.CONNECTION_SECRET_ADDED,
        subject=subject(locked),
        detail={"purpose": purpose.value},
    )
    return Made(connection=locked, secret=made)


@transaction.atomic
def retire_secret(*, actor: User | None, connection: Connection, secret: int) -> None:
    """End one secret at once, by its number. Raises Denied, Invalid when it is not a live one of the connection."""
    locked = _locked(actor, connection)
    changed = ConnectionSecret.objects.filter(pk=secret, connection=locked, retired_at=None)
    purpose = changed.values_list("purpose", flat=True).first()
    if purpose is None or not changed.update(retired_at=timezone.now()):
        raise Invalid("secret: Not a live one of this connection.", fields={"secret": "Not live."})
    audit.record(
        actor=actor,
        action=Action.CONNECTION_SECRET_RETIRED,
        subject=subject(locked),
        detail={"purpose": purpose, "secret": secret},
    )


@transaction.atomic
def pause(*, actor: User | None, connection: Connection, reason: str = "") -> Connection:
    """Take and ask nothing until it is resumed. Raises Denied, Conflict when it is paused already."""
    return _switch(actor, connection, is_active=False, action=Action.CONNECTION_PAUSED, reason=reason)


@transaction.atomic
def resume(*, actor: User | None, connection: Connection) -> Connection:
    """Raises Denied, Conflict when it is active already."""
    return _switch(actor, connection, is_active=True, action=Action.CONNECTION_RESUMED, reason="")


@transaction.atomic
def retire(*, actor: User | None, connection: Connection, reason: str = "") -> Connection:
    """End it for good, with its secrets; what it brought stays. Raises Denied, Conflict when it is retired already."""
    locked = _locked(actor, connection)
    for purpose in Purpose:
        _retire_secrets(locked, purpose)
    locked.is_active, locked.retired_at, locked.poll_at = False, timezone.now(), None
    locked.save(update_fields=["is_active", "retired_at", "poll_at"])
    audit.record(
        actor=actor,
        action=Action.CONNECTION_RETIRED,
        subject=subject(locked),
        detail={"reason": reason.strip()[:2_000]},
    )
    return locked


def subject(connection: Connection) -> str:
    """How the audit log names a connection."""
    return f"connection:{connection.slug}"


def options_of(connection: Connection) -> Options:
    """What is set for its system."""
    return msgspec.convert(connection.options, systems.BY_SLUG[connection.system].options)


def scheme_options_of(connection: Connection) -> SchemeOptions:
    return msgspec.convert(connection.scheme_options, SchemeOptions)


def _locked(actor: User | None, connection: Connection) -> Connection:
    """The row, for the actor alone until the transaction ends. Raises Denied, Conflict when it is retired."""
    locked = Connection.objects.select_for_update(of=("self",)).select_related("team").get(pk=connection.pk)
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_CONNECTIONS, team=locked.team)
    if locked.retired_at is not None:
        raise Conflict(f"The connection {locked.slug} is retired: make a new one.", code="retired")
    return locked


def _switch(actor: User | None, connection: Connection, *, is_active: bool, action: Action, reason: str) -> Connection:
    locked = _locked(actor, connection)
    if locked.is_active == is_active:
        raise Conflict(f"The connection {locked.slug} is {'active' if is_active else 'paused'} already.")
    locked.is_active = is_active
    locked.poll_at = timezone.now() if is_active and locked.poll_interval_s else None
    locked.save(update_fields=["is_active", "poll_at"])
    told = {"reason": reason.strip()[:MAX_REASON_CHARS]}
    audit.record(actor=actor, action=action, subject=subject(locked), detail=told)
    return locked


def _secret_for(scheme: str, given: str) -> str:
    """The incoming secret to keep; empty when the scheme has none. Raises Invalid for one that cannot be kept."""
    if not scheme or scheme not in set(Scheme) or Scheme(scheme) in schemes.WITHOUT_SECRET:
        return ""
    if given and Scheme(scheme) is Scheme.SECRET_PATH:
        says = "The secret part of an address is made here."
        raise Invalid(f"secret: {says}", fields={"secret": says})
    return given or credentials.fresh(Scheme(scheme))


def _keep(connection: Connection, purpose: Purpose, secret: str, actor: User | None) -> None:
    if len(secret) > MAX_SECRET_CHARS or not secret.isprintable():
        says = f"At most {MAX_SECRET_CHARS:,} printable characters."
        raise Invalid(f"secret: {says}", fields={"secret": says})
    if purpose is Purpose.INCOMING and connection.scheme != Scheme.SECRET_PATH:
        scheme = Scheme(connection.scheme)
        schemes.check(scheme, secrets=[secret], options=scheme_options_of(connection))
    taken = {row.place for row in credentials.live(connection, purpose)}
    is_path = purpose is Purpose.INCOMING and connection.scheme == Scheme.SECRET_PATH
    ConnectionSecret.objects.create(
        connection=connection,
        purpose=purpose.value,
        place=min({1, 2} - taken),
        sealed=None if is_path else sealing.seal(secret),
        digest=credentials.digest(secret) if is_path else None,
        created_by=actor,
    )


def _retire_secrets(connection: Connection, purpose: Purpose) -> None:
    connection.secrets.filter(Q(purpose=purpose.value), retired_at=None).update(retired_at=timezone.now())


def _columns(settings: Settings) -> dict[str, Any]:
    polled = settings.poll_interval_s is not None
    return {
        "title": settings.title.strip(),
        "options": dict(settings.options),
        "scheme": settings.scheme,
        "scheme_options": dict(settings.scheme_options),
        "window_s": settings.window_s,
        "networks": [str(ipaddress.ip_network(one, strict=False)) for one in settings.networks],
        "address": settings.address.rstrip("/"),
        "auth": dict(settings.auth),
        "poll_interval_s": settings.poll_interval_s,
        "poll_at": timezone.now() if polled else None,
    }


def _told(settings: Settings) -> dict[str, Any]:
    """For the audit log: nothing of it is secret."""
    columns = _columns(settings)
    del columns["poll_at"]
    return columns


def _check(system: System, settings: Settings, *, incoming: Sequence[str], has_outgoing: bool) -> None:
    """Raises Invalid that names every field at fault."""
    wrong: dict[str, str] = {}
    if not 0 < len(settings.title.strip()) <= MAX_TITLE_CHARS or not settings.title.isprintable():
        wrong["title"] = f"A name for people, at most {MAX_TITLE_CHARS} characters."
    try:
        msgspec.convert(dict(settings.options), system.options)
    except msgspec.ValidationError as error:
        wrong["options"] = str(error)
    wrong |= _wrong_scheme(system, settings, incoming)
    if len(settings.networks) > MAX_NETWORKS:
        wrong["networks"] = f"At most {MAX_NETWORKS}."
    for one in settings.networks:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            wrong["networks"] = f"{one[:50]!r} is not a network such as 192.0.2.0/24."
    if settings.address:
        wrong |= _wrong_address(settings.address)
    try:
        wrong |= authentication.check(authentication.parse(dict(settings.auth)), has_secret=has_outgoing)
    except Invalid as error:
        wrong |= error.fields
    if settings.poll_interval_s is not None:
        least, most = POLL_INTERVALS_S
        if system.poll is None:
            wrong["poll_interval_s"] = f"{system.title} is not polled."
        elif not least <= settings.poll_interval_s <= most:
            wrong["poll_interval_s"] = f"From {least} to {most:,} seconds."
        elif not settings.address:
            wrong["address"] = "Say where it is polled."
    if wrong:
        raise _refusal(wrong)


def _wrong_scheme(system: System, settings: Settings, incoming: Sequence[str]) -> dict[str, str]:
    if not settings.scheme:
        return {}
    if settings.scheme not in system.schemes:
        allowed = ", ".join(system.schemes) or "none: it sends no deliveries"
        return {"scheme": f"Not one of {system.title}'s: {allowed}."}
    if settings.window_s is not None and not 0 <= settings.window_s <= MAX_WINDOW_S:
        return {"window_s": f"From 0 (any age) to {MAX_WINDOW_S:,} seconds."}
    try:
        options = msgspec.convert(dict(settings.scheme_options), SchemeOptions)
    except msgspec.ValidationError as error:
        return {"scheme_options": str(error)}
    try:
        schemes.check(Scheme(settings.scheme), secrets=incoming, options=options)
    except Invalid as error:
        own = {"secrets": "secret"}
        return {own.get(name, f"scheme_options.{name}"): says for name, says in error.fields.items()}
    return {}


def _wrong_address(address: str) -> dict[str, str]:
    says = "An address such as https://ml.example, without user name or password."
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return {"address": says}
    if not is_good or "@" in parts.netloc or parts.query or parts.fragment or len(address) > MAX_ADDRESS_CHARS:
        return {"address": says}
    if not address.isprintable() or " " in address or "\\" in address:
        return {"address": says}
    return {}


def _refusal(wrong: Mapping[str, str]) -> Invalid:
    name, says = next(iter(wrong.items()))
    return Invalid(f"{name}: {says}", fields=wrong)
