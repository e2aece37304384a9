"""Senders that sign with a key of their own: tokens of OpenID Connect issuers, and topics of Amazon SNS. Pure.

Whoever calls fetches the keys and certificates, from the addresses that are named here and no others.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations import proofs
from integrations.proofs import Delivery, Proof, Reason, Untrusted

# Only what is signed with a private key: with a public key as the secret of an HMAC anybody could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# By how much clocks may differ.
LEEWAY = timedelta(seconds=60)
MAX_TOKEN_CHARS = 16_000

# Amazon's other hosts hold what anybody stores there. Nothing but a plain name follows.
_SNS_HOST = r"https://sns\.[a-z0-9-]{1,30}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"{_SNS_HOST}/SimpleNotificationService-[A-Za-z0-9]{{1,80}}\.pem", re.ASCII)
_CONFIRMATION = re.compile(rf"{_SNS_HOST}/\?[A-Za-z0-9=&%:._~-]{{1,2000}}", re.ASCII)
_SNS_NAME = re.compile(r"sns(\.[a-z0-9-]{1,30})?\.amazonaws\.com(\.cn)?", re.ASCII)
_SIGNED_OF_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_OF_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_AUTHORIZATION = "authorization"


def verify_token(proof: Proof) -> None:
    """The bearer token is of the issuer, for us, not over, and of one of those who may send. Raises Untrusted."""
    options, delivery = proof.options, proof.delivery
    if not (options.issuer and options.audience and options.claims and delivery.keys):
        raise Untrusted(Reason.UNSET, "", "The connection lacks issuer, its keys, audience or claims.")
    token = proofs.credentials(delivery, "bearer")
    if len(token) > MAX_TOKEN_CHARS:
        raise Untrusted(Reason.MALFORMED, _AUTHORIZATION, f"is longer than {MAX_TOKEN_CHARS:,} characters.")
    key = _key_of(token, delivery.keys)
    try:
        # The times are checked below, against the time of the delivery.
        claims = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=options.issuer,
            audience=options.audience,
            options={"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError:
        raise Untrusted(Reason.WRONG, _AUTHORIZATION, "the token is not signed with a key of its issuer.") from None
    except jwt.InvalidIssuerError:
        raise Untrusted(Reason.WRONG, "iss", f"the token is not of {options.issuer}.") from None
    except jwt.InvalidAudienceError:
        raise Untrusted(Reason.WRONG, "aud", f"the token is not for {options.audience}.") from None
    except jwt.MissingRequiredClaimError as error:
        raise Untrusted(Reason.MISSING, error.claim, "the token does not say it.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise Untrusted(Reason.MALFORMED, _AUTHORIZATION, "is no token that can be read.") from None
    _check_times(claims, delivery.now)
    for name, allowed in sorted(options.claims.items()):
        value = claims.get(name)
        if not isinstance(value, str | int | bool) or _spelt(value) not in allowed:
            raise Untrusted(Reason.WRONG, name, "the token is of somebody else than the connection allows.")


def _key_of(token: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    try:
        header = jwt.get_unverified_header(token)
        known = jwt.PyJWKSet.from_dict(dict(keys))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        raise Untrusted(Reason.MALFORMED, _AUTHORIZATION, "is no token, or the issuer has no keys.") from None
    if header.get("alg") not in ALGORITHMS:
        raise Untrusted(Reason.MALFORMED, "alg", f"is not one of {', '.join(ALGORITHMS)}.")
    named = [one for one in known.keys if one.key_id == header.get("kid") and one.public_key_use in (None, "sig")]
    if not named:
        raise Untrusted(Reason.UNKNOWN_KEY, "kid", "the issuer's keys, as far as we know them, have no such key.")
    return named[0]


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """The token is not over and has begun. What is no number is never within."""
    at, leeway = now.timestamp(), int(LEEWAY.total_seconds())
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is None and name != "exp":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Untrusted(Reason.MALFORMED, name, "is no time.")
        if not (value + leeway > at if name == "exp" else value - leeway <= at):
            raise Untrusted(Reason.OLD, name, "the token is over, or not yet good.")


def _spelt(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def topic_message(body: bytes) -> dict[str, Any]:
    """What Amazon SNS says. Raises Untrusted when it is not a message of a topic."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Untrusted(Reason.MALFORMED, "", "The body is not JSON.") from None
    if not isinstance(document, dict) or not isinstance(document.get("Type"), str):
        raise Untrusted(Reason.MALFORMED, "Type", "is missing.")
    return document


def certificate_url(body: bytes) -> str:
    """Where the certificate of a message of Amazon SNS lies. Raises Untrusted when it is not at SNS itself."""
    url = topic_message(body).get("SigningCertURL")
    if not isinstance(url, str) or not _CERTIFICATE.fullmatch(url):
        raise Untrusted(Reason.WRONG, "SigningCertURL", "is not an address of Amazon SNS (sns.<region>.amazonaws.com).")
    return url


def confirmation_url(body: bytes) -> str:
    """What to fetch once to subscribe. Raises Untrusted when it is not at SNS itself."""
    url = topic_message(body).get("SubscribeURL")
    if not isinstance(url, str) or not _CONFIRMATION.fullmatch(url):
        raise Untrusted(Reason.WRONG, "SubscribeURL", "is not an address of Amazon SNS (sns.<region>.amazonaws.com).")
    return url


def verify_topic(proof: Proof) -> None:
    """The message is signed by Amazon SNS, and of a topic that may speak. Raises Untrusted."""
    delivery = proof.delivery
    document = topic_message(delivery.body)
    certificate_url(delivery.body)
    if document.get("TopicArn") not in proof.options.topics:
        raise Untrusted(Reason.WRONG, "TopicArn", "is not one of the connection's topics.")
    versions: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - Amazon's
    algorithm = versions.get(str(document.get("SignatureVersion")))
    if algorithm is None:
        raise Untrusted(Reason.MALFORMED, "SignatureVersion", "is neither 1 nor 2.")
    given = document.get("Signature")
    signature = proofs.from_base64(given) if isinstance(given, str) else None
    if not signature:
        raise Untrusted(Reason.MALFORMED, "Signature", "is missing or is not base64.")
    try:
        _topic_key(delivery).verify(signature, _canonical(document), padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        raise Untrusted(Reason.WRONG, "Signature", "is not of this message.") from None
    proofs.in_window(proof, _signed_at(document), "Timestamp")


def _topic_key(delivery: Delivery) -> rsa.RSAPublicKey:
    if not delivery.certificate:
        raise Untrusted(Reason.UNKNOWN_KEY, "SigningCertURL", "the certificate could not be fetched.")
    try:
        certificate = x509.load_pem_x509_certificate(delivery.certificate)
        names = [one.value for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
        key = certificate.public_key()
    except ValueError:
        raise Untrusted(Reason.MALFORMED, "SigningCertURL", "does not lead to a certificate.") from None
    if not any(isinstance(name, str) and _SNS_NAME.fullmatch(name) for name in names):
        raise Untrusted(Reason.WRONG, "SigningCertURL", "leads to a certificate that is not of Amazon SNS.")
    if not certificate.not_valid_before_utc <= delivery.now <= certificate.not_valid_after_utc:
        raise Untrusted(Reason.OLD, "SigningCertURL", "leads to a certificate that is over, or not yet good.")
    if not isinstance(key, rsa.RSAPublicKey):
        raise Untrusted(Reason.MALFORMED, "SigningCertURL", "leads to a certificate without an RSA key.")
    return key


def _canonical(document: Mapping[str, Any]) -> bytes:
    """Names and values, each on a line. A name whose value is absent is left out, which only Subject may be."""
    names: Sequence[str] = _SIGNED_OF_NOTIFICATION
    if document["Type"] != "Notification":
        names = _SIGNED_OF_SUBSCRIPTION
    lines: list[str] = []
    for name in names:
        value = document.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise Untrusted(Reason.MISSING, name, "is missing or is not text.")
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _signed_at(document: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(str(document["Timestamp"]))
    except ValueError:
        raise Untrusted(Reason.MALFORMED, "Timestamp", "is no time.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
