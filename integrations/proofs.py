"""What a delivery is before anybody believes it, and why it may not be believed. Pure."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from governance.errors import Unauthenticated

GRAFANA_HEADER = "x-grafana-alerting-signature"


class Reason(StrEnum):
    """Why a proof does not hold."""

    MISSING = "missing"
    MALFORMED = "malformed"
    WRONG = "wrong"
    OLD = "old"
    UNKNOWN_KEY = "unknown_key"
    UNSET = "unset"


class Untrusted(Unauthenticated):
    """A delivery without a proof that holds. Says which part of it, and never what would have been right."""

    code = "untrusted"

    def __init__(self, reason: Reason, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message, code=f"signature_{reason.value}")
        self.reason = reason
        self.place = place


class SchemeOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a scheme needs to know beside the secret.

    `signature_header`, `timestamp_header`: Grafana's, whose names can be chosen there; without the second no time is
    signed. `header`: which one carries the token. `username`: of basic authentication; empty allows any. `issuer`,
    `audience`, `claims`: what a token must say, each claim one of the listed values. `topics`: the ARNs of the topics
    that may speak, since anybody can sign as a topic of his own.
    """

    signature_header: str = GRAFANA_HEADER
    timestamp_header: str = ""
    header: str = "x-assay-token"
    username: str = ""
    issuer: str = ""
    audience: str = ""
    claims: dict[str, list[str]] = {}
    topics: list[str] = []


NO_OPTIONS = SchemeOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came, before anybody read it. `headers` in lower case; `token`: the secret part of the path.

    `keys`: the issuer's JSON Web Key Set; `certificate`: what lies at the address that the delivery names, in PEM.
    """

    headers: Mapping[str, str]
    body: bytes
    now: datetime
    token: str = ""
    keys: Mapping[str, Any] | None = None
    certificate: bytes = b""

    def header(self, name: str) -> str:
        """Raises Untrusted when it is absent."""
        if value := self.headers.get(name, ""):
            return value
        raise Untrusted(Reason.MISSING, name, "the header is missing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A delivery with what it is held against."""

    delivery: Delivery
    secrets: tuple[str, ...]
    options: SchemeOptions
    window: timedelta | None


def in_window(proof: Proof, at: datetime, place: str) -> None:
    """Raises Untrusted when the signed time lies further from now than the connection allows."""
    if proof.window is not None and abs(proof.delivery.now - at) > proof.window:
        raise Untrusted(
            Reason.OLD,
            place,
            f"was signed at {at.isoformat()}, more than {int(proof.window.total_seconds())} s from now. "
            "If the sender tries again with its first time, widen the connection's window.",
        )


def from_base64(text: str) -> bytes | None:
    """The bytes; None when it is not base64."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return None


def credentials(delivery: Delivery, word: str) -> str:
    """What stands behind the word in the header `Authorization`. Raises Untrusted."""
    scheme, _, given = delivery.header("authorization").partition(" ")
    if scheme.lower() != word or not given.strip():
        raise Untrusted(Reason.MALFORMED, "authorization", f"is not of the form {word.capitalize()} <value>.")
    return given.strip()
