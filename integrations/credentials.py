"""The live secrets of a connection."""

import base64
import hashlib
import secrets
from collections.abc import Sequence

import msgspec

from integrations import sealing
from integrations.authentication import Auth
from integrations.models import Connection, ConnectionSecret, Purpose
from integrations.systems.base import Scheme

RANDOM_BYTES = 32


def auth_of(connection: Connection) -> Auth:
    return msgspec.convert(connection.auth, Auth)


def incoming(connection: Connection) -> list[str]:
    """What a sender may prove itself with, the newest first. Of the secret part of an address: its digest."""
    return [
        bytes(row.digest).hex() if row.digest is not None else sealing.unseal(bytes(row.sealed or b""))
        for row in live(connection, Purpose.INCOMING)
    ]


def outgoing(connection: Connection) -> str:
    """The newest outgoing secret; empty when there is none."""
    return next((sealing.unseal(bytes(row.sealed or b"")) for row in live(connection, Purpose.OUTGOING)), "")


def live(connection: Connection, purpose: Purpose) -> list[ConnectionSecret]:
    """The newest first."""
    return list(connection.secrets.filter(purpose=purpose.value, retired_at=None).order_by("-id"))


def live_of(connections: Sequence[Connection]) -> dict[int, list[ConnectionSecret]]:
    """The live secrets of these connections by their ids, the newest first. One query."""
    found: dict[int, list[ConnectionSecret]] = {one.pk: [] for one in connections}
    for row in ConnectionSecret.objects.filter(connection__in=list(found), retired_at=None).order_by("-id"):
        found[row.connection_id].append(row)
    return found


def fresh(scheme: Scheme | None) -> str:
    """A new random secret in the form that the scheme asks for."""
    if scheme is Scheme.STANDARD_WEBHOOKS:
        return f"whsec_{base64.b64encode(secrets.token_bytes(RANDOM_BYTES)).decode()}"
    return secrets.token_urlsafe(RANDOM_BYTES)


def digest(token: str) -> bytes:
    """What is kept of the secret part of an address, and what one that comes is compared by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
