"""The live secrets of a connection, and how requests of ours prove themselves with them."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Literal

import msgspec

from governance.errors import Invalid
from integrations import sealing
from integrations.models import Connection, ConnectionSecret, Purpose
from integrations.systems.base import Scheme

RANDOM_BYTES = 32


class Auth(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How requests of ours prove themselves with the connection's outgoing secret.

    `bearer`, `token`: in the header Authorization behind that word. `basic`: as the password of `username`. `header`:
    alone in the header of that name. `signed`: Standard Webhooks. `aws`: Signature Version 4; the secret is the access
    key's id, a colon and the key, `region` and `service` are named. `headers`: sent along with each request.
    """

    kind: Literal["none", "bearer", "token", "basic", "header", "signed", "aws"] = "none"
    username: str = ""
    header: str = ""
    region: str = ""
    service: str = ""
    headers: dict[str, str] = {}


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


def fresh(scheme: Scheme | None) -> str:
    """A new random secret in the form that the scheme asks for."""
    if scheme is Scheme.STANDARD_WEBHOOKS:
        return f"whsec_{base64.b64encode(secrets.token_bytes(RANDOM_BYTES)).decode()}"
    return secrets.token_urlsafe(RANDOM_BYTES)


def digest(token: str) -> bytes:
    """What is kept of the secret part of an address, and what one that comes is compared by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def check_auth(auth: Auth, *, has_secret: bool) -> Mapping[str, str]:
    """What is wrong with it, by field."""
    wrong: dict[str, str] = {}
    if auth.kind != "none" and not has_secret:
        wrong["outgoing_secret"] = f"Authentication by {auth.kind} needs a secret."
    if auth.kind == "basic" and (not auth.username or ":" in auth.username):
        wrong["auth.username"] = "Basic authentication needs a user name, without a colon."
    if auth.kind == "header" and not auth.header:
        wrong["auth.header"] = "Name the header."
    if auth.kind == "aws" and not (auth.region and auth.service):
        wrong["auth.region"] = "Signature Version 4 needs region and service."
    for name, value in {auth.header or "x": "x", **auth.headers}.items():
        if not _is_header(name, value):
            wrong["auth.headers"] = f"{name[:50]!r} and its value cannot be sent as a header."
        elif name.lower() in {"authorization", "host", "content-length", "transfer-encoding"} and auth.headers:
            wrong["auth.headers"] = f"{name} is set otherwise."
    return wrong


def _is_header(name: str, value: str) -> bool:
    marks = "!#$%&'*+-.^_`|~"
    return (
        0 < len(name) <= 100
        and all(letter.isascii() and (letter.isalnum() or letter in marks) for letter in name)
        and len(value) <= 2_000
        and value.isprintable()
        and value.isascii()
    )


def parse_auth(document: object) -> Auth:
    """Raises Invalid, naming the field."""
    try:
        return msgspec.convert(document, Auth)
    except msgspec.ValidationError as error:
        raise Invalid(f"auth: {error}", fields={"auth": str(error)}) from None
