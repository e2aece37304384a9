"""Bodies of deliveries as documents, which headers are kept, and what makes two deliveries the same. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from governance.errors import Invalid

FORM = "application/x-www-form-urlencoded"
# DataRobot, GitHub and Slack put their JSON into this field of a form.
FORM_FIELD = "payload"
MAX_DEPTH = 100
MAX_KEY_CHARS = 200
MAX_HEADER_CHARS = 2_000
# Headers that say what a delivery is. None of them proves anything, and no other is kept.
KEPT = frozenset(
    {
        "aeg-event-type",
        "circleci-event-type",
        "content-type",
        "date",
        "idempotency-key",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
    }
)
KEPT_PREFIXES = (
    "ce-",
    "x-amz-sns-",
    "x-attempt-",
    "x-event-",
    "x-github-",
    "x-gitlab-",
    "x-hook-",
    "x-mlflow-",
    "x-request-",
)
# Within these names something is a credential, whatever they begin with.
SECRET_WORDS = ("auth", "cookie", "key", "pass", "secret", "sign", "token")
# But these only sound like it.
HARMLESS = frozenset({"idempotency-key", "x-event-key"})

_DECODER = msgspec.json.Decoder()
_CANONICAL = msgspec.json.Encoder(order="sorted")


class Unparsable(Invalid):
    """The body is neither JSON nor a form that holds JSON; sending it again does not help."""

    code = "malformed"


def parse(body: bytes, content_type: str) -> Any:
    """The document in a body. Raises Unparsable that says where it is wrong.

    NaN and infinities become None, as some Python programs write them.
    """
    if content_type.partition(";")[0].strip().lower() == FORM:
        body = _in_form(body)
    if not body.strip():
        raise Unparsable("The body is empty; JSON is expected.")
    try:
        document = _DECODER.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        document = _leniently(body, error)
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(document)
    return document


def document_of(body: bytes, content_type: str) -> Any:
    """The document in a body; None when there is none."""
    try:
        return parse(body, content_type)
    except Unparsable:
        return None


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are stored with a delivery: allow-listed, without credentials, bounded."""
    return {
        name: storable(value[:MAX_HEADER_CHARS])
        for name, value in headers.items()
        if (name in KEPT or name.startswith(KEPT_PREFIXES))
        and (name in HARMLESS or not any(word in name for word in SECRET_WORDS))
    }


def key(named: str, body: bytes, document: Any) -> str:
    """What makes a delivery the same as one before: the sender's name of it, else the digest of what it says."""
    if named:
        clean = storable(named)
        return clean if len(clean) <= MAX_KEY_CHARS else f"sha256:{hashlib.sha256(clean.encode()).hexdigest()}"
    return f"sha256:{hashlib.sha256(_canonical(body, document)).hexdigest()}"


def storable(text: str) -> str:
    """The text as PostgreSQL can hold it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _canonical(body: bytes, document: Any) -> bytes:
    if document is None:
        return body
    try:
        return _CANONICAL.encode(document)
    except (UnicodeEncodeError, OverflowError, msgspec.EncodeError):
        return body  # Lone surrogates and the like: then equal bytes are the same.


def _in_form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=100, strict_parsing=True)
    except (ValueError, UnicodeDecodeError):
        raise Unparsable(f"The body is no form; one with JSON in the field {FORM_FIELD} is expected.") from None
    if len(fields.get(FORM_FIELD, ())) != 1:
        raise Unparsable(f"The form has no field {FORM_FIELD} with JSON, or several.")
    return fields[FORM_FIELD][0].encode("utf-8", "surrogatepass")


def _leniently(body: bytes, strict_error: Exception) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=lambda _: None)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # The strict parser says more about what is wrong, and where.
        raise Unparsable(f"The body is not JSON in UTF-8: {strict_error}.") from None


def _check_depth(document: Any) -> None:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Unparsable:
    return Unparsable(f"The body is nested deeper than {MAX_DEPTH} levels.")
