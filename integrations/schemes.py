"""How a delivery proves that its sender made it: every scheme of `Scheme`, on the bytes as they came. Pure.

Nothing here fetches, stores or asks the time. What is compared is compared in constant time, with every secret of the
connection, so that two are good while one replaces the other.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from governance.errors import Invalid
from integrations import proofs, signers
from integrations.proofs import NO_OPTIONS, Delivery, Proof, Reason, SchemeOptions, Untrusted
from integrations.systems.base import Scheme

# How old a signed time may be. Amazon tries again for up to an hour with the time of the first attempt.
WINDOW = timedelta(minutes=5)
WINDOWS: Mapping[Scheme, timedelta] = MappingProxyType({Scheme.SNS: timedelta(hours=1)})
# The schemes whose proof covers when the delivery was made.
SIGN_TIME = frozenset({Scheme.MLFLOW, Scheme.STANDARD_WEBHOOKS, Scheme.GRAFANA, Scheme.SNS, Scheme.OIDC})
# The schemes that prove by the sender's own key, so that the connection holds no secret.
WITHOUT_SECRET = frozenset({Scheme.OIDC, Scheme.SNS})
# Shorter ones can be found by trying.
MIN_SECRET_CHARS = 16

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII | re.I)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_CIRCLECI = "v1"


def verify(
    scheme: Scheme,
    *,
    secrets: Sequence[str],
    delivery: Delivery,
    window: timedelta | None,
    options: SchemeOptions = NO_OPTIONS,
) -> None:
    """Nothing, when the sender of the delivery knows one of the secrets or signed with its own key.

    `window`: how far a signed time may lie from now; None allows any. Raises Untrusted.
    """
    known = tuple(secret for secret in secrets if secret)
    if not known and scheme not in WITHOUT_SECRET:
        raise Untrusted(Reason.UNSET, "", "The connection has no secret, so nothing can be believed. Set one.")
    _SCHEMES[scheme](Proof(delivery=delivery, secrets=known, options=options, window=window))


def check(scheme: Scheme, *, secrets: Sequence[str], options: SchemeOptions = NO_OPTIONS) -> None:
    """Whether a connection can be kept with these settings. Raises Invalid that names the field."""
    wrong: dict[str, str] = {}
    if scheme not in WITHOUT_SECRET:
        if not secrets:
            wrong["secrets"] = "This scheme needs a secret."
        if any(len(secret) < MIN_SECRET_CHARS for secret in secrets):
            wrong["secrets"] = f"A secret has at least {MIN_SECRET_CHARS} characters."
        if scheme is Scheme.STANDARD_WEBHOOKS and any(_standard_key(secret) is None for secret in secrets):
            wrong["secrets"] = "A signing secret is whsec_ with a key in base64 behind it."
    for name in ("signature_header", "timestamp_header", "header"):
        value = getattr(options, name)
        if (value or name != "timestamp_header") and not _HEADER_NAME.fullmatch(value):
            wrong[name] = "Is no name of a header in lower case."
    if ":" in options.username:
        wrong["username"] = "A user name has no colon."
    if scheme is Scheme.OIDC:
        for name in ("issuer", "audience"):
            if not getattr(options, name):
                wrong[name] = "A token is believed only from this issuer and for this audience: say which."
        if not options.issuer.startswith("https://"):
            wrong.setdefault("issuer", "Begins with https://.")
        if not options.claims or not all(options.claims.values()):
            wrong["claims"] = (
                "Say whose tokens are believed, such as email or repository with its values: an issuer "
                "signs for everybody."
            )
    if scheme is Scheme.SNS and not options.topics:
        wrong["topics"] = "Say which topics may speak: Amazon signs for everybody."
    if wrong:
        name, message = next(iter(wrong.items()))
        raise Invalid(f"{name}: {message}", fields=wrong)


# What several schemes share.


def _mac(secret: bytes, *parts: bytes) -> bytes:
    return hmac.new(secret, b"".join(parts), hashlib.sha256).digest()


def _one_of(given: Iterable[bytes], right: Iterable[bytes]) -> bool:
    """Whether any of the given is right. Every pair is compared, so that time tells neither which nor how much."""
    wanted, found = list(right), False
    for one in given:
        for other in wanted:
            found |= hmac.compare_digest(one, other)
    return found


def _signed(proof: Proof, given: Iterable[bytes], right: Iterable[bytes], place: str) -> None:
    if not _one_of(given, right):
        raise Untrusted(Reason.WRONG, place, "the signature is not of this body with a secret of this connection.")


def _from_hex(text: str, place: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise Untrusted(Reason.MALFORMED, place, "is not a signature of 64 hexadecimal digits.")
    return bytes.fromhex(text)


def _header_bytes(value: str) -> bytes:
    """The bytes that a header came as: servers hand them on as Latin-1."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _same_secret(proof: Proof, given: bytes, right: Iterable[bytes], place: str, what: str) -> None:
    """For secrets that are sent as they are. Digests are compared, for they are all of one length."""
    if not _one_of([hashlib.sha256(given).digest()], (hashlib.sha256(one).digest() for one in right)):
        raise Untrusted(Reason.WRONG, place, f"{what} is not one of this connection.")


def _signed_seconds(text: str, place: str) -> datetime:
    if not _SECONDS.fullmatch(text):
        raise Untrusted(Reason.MALFORMED, place, "is not a number of seconds since 1970.")
    try:
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise Untrusted(Reason.MALFORMED, place, "is not a time.") from None


def _prefixed(proof: Proof, name: str) -> None:
    value = proof.delivery.header(name)
    mark, _, digits = value.partition("=")
    if mark.lower() != "sha256":
        raise Untrusted(Reason.MALFORMED, name, "does not begin with sha256=.")
    given = _from_hex(digits, name)
    _signed(proof, [given], (_mac(secret.encode(), proof.delivery.body) for secret in proof.secrets), name)


# The schemes.


def _github(proof: Proof) -> None:
    _prefixed(proof, "x-hub-signature-256")


def _bitbucket(proof: Proof) -> None:
    _prefixed(proof, "x-hub-signature")


def _circleci(proof: Proof) -> None:
    """Of several versions only the newest that we know counts, so that an older, weaker one opens nothing."""
    name = "circleci-signature"
    found = [part.strip().partition("=") for part in proof.delivery.header(name).split(",")]
    newest = [value for version, _, value in found if version == _CIRCLECI]
    if len(newest) != 1:
        raise Untrusted(Reason.MALFORMED, name, f"holds {len(newest)} signatures of version {_CIRCLECI}, not one.")
    given = _from_hex(newest[0], name)
    _signed(proof, [given], (_mac(secret.encode(), proof.delivery.body) for secret in proof.secrets), name)


def _versioned(proof: Proof, prefix: str, *, separator: str | None, keys: Sequence[bytes]) -> None:
    """`id.timestamp.body` signed, with `v1,` and base64: Standard Webhooks, and MLflow with headers of its own."""
    delivery = proof.delivery
    name, stamp_name = f"{prefix}-signature", f"{prefix}-timestamp"
    id_name = f"{prefix}-delivery-id" if prefix == "x-mlflow" else f"{prefix}-id"
    told, stamp, identifier = delivery.header(name), delivery.header(stamp_name), delivery.header(id_name)
    at = _signed_seconds(stamp, stamp_name)
    parts = [part.partition(",") for part in (told.split(separator) if separator else [told])]
    given = [value for version, _, text in parts if version == "v1" and (value := proofs.from_base64(text)) is not None]
    if not given:
        raise Untrusted(Reason.MALFORMED, name, "holds no signature of the form v1,<base64>.")
    told_bytes = (_header_bytes(identifier), b".", _header_bytes(stamp), b".", delivery.body)
    _signed(proof, given, (_mac(key, *told_bytes) for key in keys), name)
    proofs.in_window(proof, at, stamp_name)


def _mlflow(proof: Proof) -> None:
    _versioned(proof, "x-mlflow", separator=None, keys=[secret.encode() for secret in proof.secrets])


def _standard_webhooks(proof: Proof) -> None:
    keys = [key for secret in proof.secrets if (key := _standard_key(secret)) is not None]
    if not keys:
        raise Untrusted(Reason.UNSET, "", "No secret of the connection is whsec_ with a key in base64 behind it.")
    _versioned(proof, "webhook", separator=" ", keys=keys)


def _standard_key(secret: str) -> bytes | None:
    return (proofs.from_base64(secret.removeprefix("whsec_")) or None) if secret.startswith("whsec_") else None


def _databricks(proof: Proof) -> None:
    name = "x-databricks-signature"
    given = _from_hex(proof.delivery.header(name), name)
    _signed(proof, [given], (_mac(secret.encode(), proof.delivery.body) for secret in proof.secrets), name)


def _grafana(proof: Proof) -> None:
    """The time is signed only when the contact point names a header for it; then it must be there."""
    delivery, name, stamp_name = proof.delivery, proof.options.signature_header, proof.options.timestamp_header
    given = _from_hex(delivery.header(name), name)
    stamp = delivery.header(stamp_name) if stamp_name else ""
    at = _signed_seconds(stamp, stamp_name) if stamp_name else None
    told = (_header_bytes(stamp), b":", delivery.body) if stamp_name else (delivery.body,)
    _signed(proof, [given], (_mac(secret.encode(), *told) for secret in proof.secrets), name)
    if at is not None:
        proofs.in_window(proof, at, stamp_name)


def _token_header(proof: Proof) -> None:
    name = proof.options.header
    given = _header_bytes(proof.delivery.header(name))
    _same_secret(proof, given, (secret.encode() for secret in proof.secrets), name, "the token")


def _bearer(proof: Proof) -> None:
    given = _header_bytes(proofs.credentials(proof.delivery, "bearer"))
    _same_secret(proof, given, (secret.encode() for secret in proof.secrets), "authorization", "the key")


def _basic(proof: Proof) -> None:
    given = proofs.from_base64(proofs.credentials(proof.delivery, "basic"))
    user, mark, password = (given or b"").partition(b":")
    if not mark:
        raise Untrusted(Reason.MALFORMED, "authorization", "does not hold a user name and a password in base64.")
    name = proof.options.username.encode() or user
    right = (name + b":" + secret.encode() for secret in proof.secrets)
    _same_secret(proof, user + b":" + password, right, "authorization", "the password")


def _secret_path(proof: Proof) -> None:
    if not proof.delivery.token:
        raise Untrusted(Reason.MISSING, "", "The address lacks its secret part.")
    right = (secret.encode() for secret in proof.secrets)
    _same_secret(proof, proof.delivery.token.encode("utf-8", "surrogatepass"), right, "", "The secret in the address")


_SCHEMES: Mapping[Scheme, Callable[[Proof], None]] = MappingProxyType(
    {
        Scheme.GITHUB: _github,
        Scheme.BITBUCKET: _bitbucket,
        Scheme.CIRCLECI: _circleci,
        Scheme.MLFLOW: _mlflow,
        Scheme.DATABRICKS: _databricks,
        Scheme.STANDARD_WEBHOOKS: _standard_webhooks,
        Scheme.GRAFANA: _grafana,
        Scheme.TOKEN_HEADER: _token_header,
        Scheme.BEARER: _bearer,
        Scheme.BASIC: _basic,
        Scheme.OIDC: signers.verify_token,
        Scheme.SNS: signers.verify_topic,
        Scheme.SECRET_PATH: _secret_path,
    }
)
