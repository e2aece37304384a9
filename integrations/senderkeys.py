"""The public keys of senders that sign with their own: fetched from where they lie, remembered for an hour."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from governance.errors import Unavailable
from integrations import edge, signers
from integrations.doors import Door
from integrations.edge import Unreachable
from integrations.proofs import Delivery
from integrations.systems.base import Refused, Scheme

Kept = TypeVar("Kept")

KEPT_S = 3_600.0
# A token that names a key we do not know makes us ask again, but not more often than this.
RENEWED_S = 60.0
MAX_REMEMBERED = 1_000
MAX_BYTES = 1_000_000
_DISCOVERY = "/.well-known/openid-configuration"


class KeysUnavailable(Unavailable):
    """The keys of a sender cannot be had now, so nothing of it can be believed yet."""

    code = "keys_unavailable"


class _Remembered:
    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Any]] = {}

    def get(self, url: str, load: Callable[[str], Kept]) -> Kept:
        now = time.monotonic()
        known_at, value = self._known.get(url, (0.0, None))
        if value is not None and now - known_at < KEPT_S:
            return value  # type: ignore[no-any-return]
        try:
            value = load(url)
        except (Unreachable, Refused) as error:
            raise KeysUnavailable(f"The sender's keys cannot be fetched: {error.message}") from None
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[url] = (now, value)
        return value

    def forget(self, url: str) -> bool:
        """Whether they are old enough to be asked for again, and then they are."""
        known_at, _ = self._known.get(url, (0.0, None))
        if time.monotonic() - known_at < RENEWED_S:
            return False
        self._known.pop(url, None)
        return True


_remembered = _Remembered()


def with_keys(door: Door, delivery: Delivery) -> Delivery:
    """The delivery with what its proof is held against. Raises KeysUnavailable, Untrusted."""
    if door.scheme is Scheme.OIDC:
        return replace(delivery, keys=_remembered.get(door.options.issuer, _key_set))
    if door.scheme is Scheme.SNS:
        return replace(delivery, certificate=_remembered.get(signers.certificate_url(delivery.body), _fetch))
    return delivery


def renew(door: Door) -> bool:
    """Ask the issuer again, unless that was just done; whether it is worth another try."""
    return door.scheme is Scheme.OIDC and _remembered.forget(door.options.issuer)


def confirm(url: str) -> None:
    """Fetch an address once, as a sender asks. Raises KeysUnavailable when it does not answer."""
    try:
        _fetch(url)
    except (Unreachable, Refused) as error:
        raise KeysUnavailable(f"The subscription could not be confirmed: {error.message}") from None


def _fetch(url: str) -> bytes:
    return edge.fetch(url, max_bytes=MAX_BYTES)


def _key_set(issuer: str) -> dict[str, Any]:
    """The issuer's keys, from the address that its own description names (OpenID Connect Discovery 1.0)."""
    try:
        where = msgspec.json.decode(_fetch(issuer.rstrip("/") + _DISCOVERY), type=dict[str, Any]).get("jwks_uri")
        if not isinstance(where, str) or not where.startswith("https://"):
            raise Refused("jwks_uri", "The issuer's description names no https address of its keys.")
        return msgspec.json.decode(_fetch(where), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Refused("issuer", "The issuer answers with something that is no JSON object.") from None
