"""How requests of ours prove themselves to another system: what can be set for it, and whether it can be used. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from governance.errors import Invalid


class Auth(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How requests of ours prove themselves with the connection's outgoing secret.

    `bearer`, `token`: in the header Authorization behind that word. `basic`: as the password of `username`. `header`:
    alone in the header of that name. `signed`: Standard Webhooks. `aws`: Signature Version 4; the secret is the access
    key's id, a colon and the key, `region` and `service` are named. `path`: as the part of the address that follows the
    host, as chat has it. `headers`: sent along with each request.
    """

    kind: Literal["none", "bearer", "token", "basic", "header", "signed", "aws", "path"] = "none"
    username: str = ""
    header: str = ""
    region: str = ""
    service: str = ""
    headers: dict[str, str] = {}


def check(auth: Auth, *, has_secret: bool) -> Mapping[str, str]:
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


def parse(document: object) -> Auth:
    """Raises Invalid, naming the field."""
    try:
        return msgspec.convert(document, Auth)
    except msgspec.ValidationError as error:
        raise Invalid(f"auth: {error}", fields={"auth": str(error)}) from None
