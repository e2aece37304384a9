"""What requests of ours prove themselves with: a secret in a header, or a signature over what is sent. Pure."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

from integrations.authentication import Auth

_WEBHOOK_ID = "webhook-id"
# Standard Webhooks names deliveries; one without a name of its own is named by what it says.
_NAMES = uuid.UUID("3f8f3f0c-6c5b-5a37-9a55-1f2a3ad4d0f1")


def headers(
    auth: Auth, secret: str, *, method: str, url: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """The headers to send beside the others."""
    match auth.kind:
        case "none" | "path":
            return {}
        case "bearer":
            return {"Authorization": f"Bearer {secret}"}
        case "token":
            return {"Authorization": f"token {secret}"}
        case "basic":
            pair = f"{auth.username}:{secret}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        case "header":
            return {auth.header: secret}
        case "signed":
            return _standard_webhook(secret, body=body, headers=headers, now=now)
        case "aws":
            return _aws(auth, secret, method=method, url=url, body=body, headers=headers, now=now)


def _standard_webhook(secret: str, *, body: bytes, headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    name = headers.get(_WEBHOOK_ID) or str(uuid.uuid5(_NAMES, hashlib.sha256(body).hexdigest()))
    stamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = b".".join((name.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {_WEBHOOK_ID: name, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def _aws(
    auth: Auth, secret: str, *, method: str, url: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Signature Version 4. The secret is the key's id, a colon, and the key."""
    key_id, _, key = secret.partition(":")
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{auth.region}/{auth.service}/aws4_request"
    parts = urlsplit(url)
    digest = hashlib.sha256(body).hexdigest()
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items() if name.lower() != "user-agent"}
    signed |= {"x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(signed))
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
    )
    listed = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    path = quote(parts.path or "/", safe="/-_.~%")
    request = "\n".join((method, path, query, listed, names, digest))
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    step = f"AWS4{key}".encode()
    for part in (*scope.split("/"), text):
        step = hmac.new(step, part.encode(), hashlib.sha256).digest()
    return {
        "X-Amz-Date": stamp,
        "X-Amz-Content-Sha256": digest,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={step.hex()}",
    }
