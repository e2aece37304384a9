"""What the receiver has to know of a connection, remembered for a second: looking it up costs more than the rest."""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.conf import settings

from governance.errors import Denied, NotFound, Unavailable
from integrations import connections, credentials, schemes, systems
from integrations.models import Connection
from integrations.proofs import SchemeOptions
from integrations.systems.base import Scheme, System

REMEMBERED_S = 1.0
MAX_REMEMBERED = 10_000
Network = IPv4Network | IPv6Network


class Paused(Unavailable):
    """The connection takes nothing for now; senders that try again later lose nothing."""

    code = "paused"
    retry_after_s = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A connection as deliveries come to it."""

    connection_id: int
    slug: str
    system: System
    scheme: Scheme
    options: SchemeOptions
    secrets: tuple[str, ...]
    window: timedelta | None
    networks: tuple[Network, ...]
    is_active: bool


class _Doors:
    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Door | None]] = {}

    def find(self, slug: str) -> Door | None:
        now = time.monotonic()
        known_at, door = self._known.get(slug, (0.0, None))
        if known_at and now - known_at <= REMEMBERED_S:
            return door
        door = _load(slug)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[slug] = (now, door)
        return door

    def forget(self) -> None:
        self._known.clear()


_doors = _Doors()
forget = _doors.forget


def find(slug: str) -> Door:
    """The door of an active connection that takes deliveries. Raises NotFound, Paused.

    A change of the connection counts a second later at most, a retired secret too.
    """
    door = _doors.find(slug)
    if door is None:
        raise NotFound("There is no connection of this name that takes deliveries.", fields={"connection": "Unknown."})
    if not door.is_active:
        raise Paused("The connection is paused; send this again later.")
    return door


def require_network(door: Door, peer: str, forwarded: str) -> None:
    """Raises Denied when the delivery comes from outside the connection's networks."""
    if not door.networks:
        return
    source = source_of(peer, forwarded, settings.TRUSTED_PROXIES)
    if source is None or not any(source in network for network in door.networks):
        raise Denied(
            f"Deliveries of this connection come from other networks than {source or 'yours'}.", code="network_refused"
        )


def source_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> IPv4Address | IPv6Address | None:
    """Who sends: the peer, or, when it is a proxy of ours, the nearest address before it that is none."""
    chain = [peer, *reversed([part.strip() for part in forwarded.split(",") if part.strip()])]
    for text in chain:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        address = getattr(address, "ipv4_mapped", None) or address
        if not any(address in network for network in proxies):
            return address
    return address


def _load(slug: str) -> Door | None:
    connection = Connection.objects.filter(slug=slug, retired_at=None).exclude(scheme="").first()
    system = systems.BY_SLUG.get(connection.system) if connection else None
    if connection is None or system is None:
        return None
    scheme = Scheme(connection.scheme)
    window: timedelta | None = schemes.WINDOWS.get(scheme, schemes.WINDOW)
    if connection.window_s is not None:
        window = timedelta(seconds=connection.window_s) if connection.window_s else None
    return Door(
        connection_id=connection.pk,
        slug=slug,
        system=system,
        scheme=scheme,
        options=connections.scheme_options_of(connection),
        secrets=tuple(credentials.incoming(connection)),
        window=window,
        networks=tuple(ipaddress.ip_network(one) for one in connection.networks),
        is_active=connection.is_active,
    )
