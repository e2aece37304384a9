"""What a sender of each scheme adds to a delivery, worked out here from the schemes' own descriptions."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations import proofs
from integrations.proofs import Delivery, SchemeOptions
from integrations.systems.base import Scheme

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
BODY = b'{"a": 1, "name": "\xc3\xa4"}'
SECRET = "whsec_" + base64.b64encode(b"a key of 24 bytes, long.").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of 24 bytes.").decode()
ISSUER, AUDIENCE = "https://issuer.example", "https://assay.example"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:models"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
OPTIONS: Mapping[Scheme, SchemeOptions] = {
    Scheme.GRAFANA: SchemeOptions(timestamp_header="x-signed-at"),
    Scheme.TOKEN_HEADER: SchemeOptions(header="x-gitlab-token"),
    Scheme.BASIC: SchemeOptions(username="assay"),
    Scheme.OIDC: SchemeOptions(issuer=ISSUER, audience=AUDIENCE, claims={"email": ["sender@example.org"]}),
    Scheme.SNS: SchemeOptions(topics=[TOPIC]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A delivery of a scheme, before it is altered."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = BODY
    token: str = ""
    keys: Mapping[str, Any] | None = None
    certificate: bytes = b""

    def delivery(self, **changes: Any) -> Delivery:
        told = {name: getattr(self, name) for name in ("headers", "body", "token", "keys", "certificate")}
        return Delivery(**{**told, "now": NOW, **changes})


def sign(scheme: Scheme, *, secret: str = SECRET, body: bytes = BODY, at: datetime = NOW) -> Signed:
    """A delivery as its sender makes it."""
    key, seconds = secret.encode(), str(int(at.timestamp()))
    match scheme:
        case Scheme.GITHUB:
            headers = {"x-hub-signature-256": f"sha256={_hex(key, body)}"}
        case Scheme.BITBUCKET:
            headers = {"x-hub-signature": f"sha256={_hex(key, body)}"}
        case Scheme.CIRCLECI:
            headers = {"circleci-signature": f"v1={_hex(key, body)},v2=of-tomorrow"}
        case Scheme.DATABRICKS:
            headers = {"x-databricks-signature": _hex(key, body)}
        case Scheme.MLFLOW:
            headers = {
                "x-mlflow-delivery-id": "d-1",
                "x-mlflow-timestamp": seconds,
                "x-mlflow-signature": "v1," + _base64(key, f"d-1.{seconds}.".encode() + body),
            }
        case Scheme.STANDARD_WEBHOOKS:
            raw = base64.b64decode(secret.removeprefix("whsec_"))
            headers = {
                "webhook-id": "m-1",
                "webhook-timestamp": seconds,
                "webhook-signature": "v1a,bm90IG91cnM= v1," + _base64(raw, f"m-1.{seconds}.".encode() + body),
            }
        case Scheme.GRAFANA:
            headers = {
                "x-signed-at": seconds,
                proofs.GRAFANA_HEADER: _hex(key, f"{seconds}:".encode() + body),
            }
        case Scheme.TOKEN_HEADER:
            headers = {"x-gitlab-token": secret}
        case Scheme.BEARER:
            headers = {"authorization": f"Bearer {secret}"}
        case Scheme.BASIC:
            headers = {"authorization": "Basic " + base64.b64encode(f"assay:{secret}".encode()).decode()}
        case Scheme.SECRET_PATH:
            return Signed(body=body, token=secret)
        case Scheme.OIDC:
            return Signed(headers={"authorization": f"Bearer {token(at=at)}"}, body=body, keys=key_set())
        case Scheme.SNS:
            return Signed(body=notification(at=at), certificate=certificate())
    return Signed(headers=headers, body=body)


def _hex(key: bytes, told: bytes) -> str:
    return hmac.new(key, told, hashlib.sha256).hexdigest()


def _base64(key: bytes, told: bytes) -> str:
    return base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()


@cache
def private_key(name: str = "ours") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(kid: str = "k-1") -> dict[str, Any]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key().public_key()))
    return {"keys": [public | {"kid": kid, "use": "sig", "alg": "RS256"}]}


def token(*, at: datetime = NOW, key: Any = None, algorithm: str = "RS256", kid: str = "k-1", **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "email": "sender@example.org",
        "iat": int(at.timestamp()),
        "exp": int((at + timedelta(minutes=10)).timestamp()),
    }
    told = {name: value for name, value in (claims | changes).items() if value is not None}
    signer: Any = None if algorithm == "none" else key or private_key()
    return jwt.encode(told, signer, algorithm=algorithm, headers={"kid": kid})


@cache
def certificate(common_name: str = "sns.amazonaws.com", *, key: str = "ours") -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key(key).public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=30))
        .sign(private_key(key), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def notification(*, at: datetime = NOW, version: str = "2", key: str = "ours", **changes: Any) -> bytes:
    """A message of Amazon SNS. What `changes` holds is changed before it is signed."""
    document = {
        "Type": "Notification",
        "MessageId": "0f0e1c1a-0000-4000-8000-000000000001",
        "TopicArn": TOPIC,
        "Message": "two\nlines",
        "Timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **changes,
    }
    signed = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if document["Type"] != "Notification":
        signed = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    told = "".join(f"{name}\n{document[name]}\n" for name in signed if name in document).encode()
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    document["Signature"] = base64.b64encode(private_key(key).sign(told, padding.PKCS1v15(), digest)).decode()
    return json.dumps(document).encode()
