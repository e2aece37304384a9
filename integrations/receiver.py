"""The address that outside systems send to: believed on the raw bytes, stored, answered at once, translated later.

Many senders never try again after a 4xx, and some then stop sending for good, so 4xx is kept for what can never be
taken: a proof that does not hold, and a body that cannot be read. What is ignored, unknown or lacks a field is stored
and answered 2xx. 503 with Retry-After is the answer to everything that may pass later.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from governance import problems, streams
from governance.errors import DomainError, TooLarge
from integrations import credentials, doors, handshakes, intake, parsing, schemes, senderkeys
from integrations.doors import Door
from integrations.handshakes import Answer
from integrations.intake import Taken
from integrations.models import DeliveryState
from integrations.parsing import Unparsable
from integrations.proofs import Delivery, Reason, Untrusted
from integrations.systems.base import Scheme
from lineage import bodies

JSON = "application/json"
_ENCODER = msgspec.json.Encoder()
WORDS = {
    DeliveryState.RECEIVED: "received",
    DeliveryState.IGNORED: "ignored",
    DeliveryState.UNKNOWN: "unknown",
    DeliveryState.REFUSED: "incomplete",
}


class Hook(APIView):
    """POST /api/v1/hooks/{connection}, and with a secret last part for senders that can set no header."""

    authentication_classes = []
    permission_classes = []
    # No token of ours: the connection's scheme proves who sends.
    scopes = {"POST": None}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer without REST framework's machinery, which would read the body before it is bounded."""
        slug, token = kwargs["slug"], kwargs.get("token", "")
        try:
            match request.method:
                case "POST" | "PUT":
                    return receive(request, slug, token)
                case "OPTIONS":
                    return willing(request, slug, token)
                case _:
                    return super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            return problems.response(error)
        except UnreadablePostError:
            return problems.response(Unparsable("The body ended before it was complete."))

    @extend_schema(
        operation_id="hooks_deliver",
        summary="What an outside system delivers, proven by the connection's scheme",
        description=(
            "The body as the system sends it: JSON, a form with the field `payload`, or a CloudEvent; gzip and chunked "
            "bodies are read. 202: it is stored and will be translated. 200: it was known, is of an ignored type, or "
            "was a handshake, which is answered. 401: the proof does not hold. PUT does the same."
        ),
        auth=[],
        request={JSON: OpenApiTypes.OBJECT},
        responses={
            202: OpenApiResponse(OpenApiTypes.OBJECT, description="Stored."),
            200: OpenApiResponse(OpenApiTypes.OBJECT, description="Nothing to do."),
        },
    )
    def post(self, request: Request, slug: str, token: str = "") -> HttpResponse:
        """Only described: `dispatch` answers."""
        raise NotImplementedError


def receive(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Believe, parse, store, answer. Raises DomainError for what cannot be taken."""
    intake.refuse_overload()
    door, headers, body = believed(request, slug, token)
    now = timezone.now()
    if (answer := _handshake(door, headers, body)) is not None:
        return _respond(answer)
    kept = parsing.kept(headers)
    document = None
    try:
        document = parsing.parse(body, headers.get("content-type", ""))
    except Unparsable:
        # A CloudEvent may carry anything: its headers say what it is.
        if "ce-type" not in headers:
            raise
    return _taken(intake.take(door, headers=kept, body=body, document=document, now=now))


def believed(request: HttpRequest, slug: str, token: str) -> tuple[Door, dict[str, str], bytes]:
    """The connection, the headers and the body of a request whose sender proved who it is. Raises DomainError."""
    door = doors.find(slug)
    doors.require_network(door, request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))
    raw = _read(request)
    headers = _headers(request)
    try:
        believe(door, Delivery(headers=headers, body=raw, now=timezone.now(), token=_token(door, token)))
    except Untrusted as refusal:
        intake.note_untrusted(door, refusal.message)
        raise
    return door, headers, _expanded(raw, headers.get("content-encoding", ""))


def willing(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The answer to a sender of CloudEvents that asks before it sends."""
    door = doors.find(slug)
    if door.scheme is Scheme.SECRET_PATH:
        believe(door, Delivery(headers={}, body=b"", now=timezone.now(), token=_token(door, token)))
    answer = handshakes.of_options(_headers(request))
    return _respond(answer or Answer(headers={"Allow": "OPTIONS, POST, PUT"}))


def believe(door: Door, delivery: Delivery) -> None:
    """Raises Untrusted unless the proof holds, and Unavailable while the sender's own keys cannot be had."""
    delivery = senderkeys.with_keys(door, delivery)
    try:
        _verify(door, delivery)
    except Untrusted as refusal:
        # The sender may have a new key since we asked.
        if refusal.reason is not Reason.UNKNOWN_KEY or not senderkeys.renew(door):
            raise
        _verify(door, senderkeys.with_keys(door, delivery))


def _verify(door: Door, delivery: Delivery) -> None:
    schemes.verify(door.scheme, secrets=door.secrets, delivery=delivery, window=door.window, options=door.options)


def _token(door: Door, token: str) -> str:
    """Of the secret part of an address only digests are kept, so digests are compared."""
    return credentials.digest(token).hex() if token and door.scheme is Scheme.SECRET_PATH else token


def _read(request: HttpRequest) -> bytes:
    """The body as it was sent. Raises TooLarge before more than the bound is held."""
    limit = settings.DELIVERY_MAX_BYTES
    if streams.declared_bytes(request) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")
    return bodies.expand(streams.chunks(request), encoding="", max_body_bytes=limit, max_expanded_bytes=limit)


def _expanded(raw: bytes, encoding: str) -> bytes:
    limit = settings.DELIVERY_MAX_BYTES
    return bodies.expand([raw], encoding=encoding, max_body_bytes=limit, max_expanded_bytes=limit)


def _headers(request: HttpRequest) -> dict[str, str]:
    """In lower case."""
    found = {
        name[5:].replace("_", "-").lower(): value for name, value in request.META.items() if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := request.META.get(name, ""):
            found[name.replace("_", "-").lower()] = value
    return found


def _handshake(door: Door, headers: Mapping[str, str], body: bytes) -> Answer | None:
    """The answer to a question of a believed sender; None when it is a delivery. Fetches what a topic wants fetched."""
    answer = handshakes.of_event_grid(headers, body)
    if answer is None and door.scheme is Scheme.SNS:
        if handshakes.is_topic_end(body):
            return Answer(document={"status": "ended"})
        answer = handshakes.of_topic(headers, body)
    if answer is not None and answer.fetch:
        senderkeys.confirm(answer.fetch)
        answer = replace(answer, document={"status": "confirmed"})
    return answer


def _taken(taken: Taken) -> HttpResponse:
    if taken.delivery is None:
        return _json({"status": "known"}, 200)
    document: dict[str, Any] = {"status": WORDS[taken.state], "delivery": taken.delivery}
    if taken.error:
        document["message"] = taken.error
    return _json(document, 200 if taken.state is DeliveryState.IGNORED else 202)


def _respond(answer: Answer) -> HttpResponse:
    response = _json(dict(answer.document), answer.status) if answer.document else HttpResponse(status=answer.status)
    for name, value in answer.headers.items():
        response[name] = value
    return response


def _json(document: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(_ENCODER.encode(document), status=status, content_type=JSON)
