"""The HTTP face of the event log: what OpenLineage's clients post to.

A client that is answered 4xx drops the event for good, and one that is answered a redirect loses it without noticing.
So 4xx is kept for what can never be taken, 503 with Retry-After is the answer to everything that may pass later (429 is
dropped by the asynchronous Python client), and both spellings of each address are routed.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from governance import problems, rest, streams, tokens
from governance.errors import DomainError, TooLarge, Unauthenticated
from governance.models import ApiToken, User
from governance.tokens import Scope
from lineage import bodies, eventlog, intake
from lineage.bodies import Body
from lineage.intake import Outcome, Status

JSON = "application/json"
REMEMBERED_S = 1.0
MAX_REMEMBERED = 10_000
_ENCODER = msgspec.json.Encoder()


class Receiver(APIView):
    """What both addresses share: machines with a token that may write lineage, and a bounded body."""

    # People's sessions are left out: their check against forgery would read the body before it is bounded.
    authentication_classes = [rest.TokenAuthentication]
    scopes = {"POST": Scope.LINEAGE_WRITE}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a POST without REST framework's machinery, which costs as much as reading and masking the event.

        Everything else (OPTIONS, wrong methods) goes the framework's way.
        """
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        try:
            sender = _senders.authenticate(request)
            return self.receive(read_body(request), sender)
        except DomainError as error:
            return problems.response(error)
        except UnreadablePostError:
            return problems.response(bodies.Malformed("The body ended before it was complete."))

    def post(self, request: Request) -> HttpResponse:
        """Only described: `dispatch` answers."""
        raise NotImplementedError

    def receive(self, body: Body, sender: User) -> HttpResponse:
        raise NotImplementedError


class _Senders:
    """Who sends, by token. A token that was good is not looked up again for a second.

    Looking it up takes longer than storing the event. So a token that is revoked can write lineage for a second more;
    one that expires is refused at once.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, ApiToken]] = {}

    def authenticate(self, request: HttpRequest) -> User:
        """The token's user. Raises Unauthenticated, or Denied without the scope lineage:write."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        key = tokens.digest(header)
        now = time.monotonic()
        known_at, token = self._known.get(key, (0.0, None))
        if token is None or now - known_at > REMEMBERED_S or token.expires_at <= timezone.now():
            token = rest.bearer(request)
            if token is None:
                raise Unauthenticated("Send a token as 'Authorization: Bearer assay_pat_…'.")
            rest.require_scope(token, Scope.LINEAGE_WRITE)
            if len(self._known) > MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = (now, token)
        return token.user


_senders = _Senders()


def _outcomes(body: Body, sender: User) -> Iterator[Outcome]:
    """What became of each event. All that has been yielded is committed."""
    for chunk in intake.take(body.pieces, sender=sender, now=timezone.now()):
        yield from chunk


@extend_schema(
    summary="Report what happened",
    description=(
        "One OpenLineage event answers 201, or 200 if it is known already. A JSON array, or NDJSON (by content type or "
        "by its look), answers 200 with a result per event: good ones are kept though others are refused; 400 if none "
        "was good. Content-Encoding gzip and chunked bodies are read. 503 carries Retry-After: send the same again, "
        "which is always safe, since an event is stored once."
    ),
    request={JSON: OpenApiTypes.OBJECT, "application/x-ndjson": OpenApiTypes.STR},
    responses={
        201: OpenApiResponse(OpenApiTypes.OBJECT, description="The event is new and will be in the graph soon."),
        200: OpenApiResponse(OpenApiTypes.OBJECT, description="The event was known; or one result per event."),
    },
    examples=[
        OpenApiExample(
            "one", {"status": "created", "event": 17, "warnings": []}, response_only=True, status_codes=["201"]
        ),
        OpenApiExample(
            "several",
            {
                "received": 2,
                "created": 1,
                "duplicate": 0,
                "rejected": 1,
                "results": [
                    {"index": 0, "status": "created", "event": 18, "warnings": []},
                    {
                        "index": 1,
                        "status": "rejected",
                        "code": "missing",
                        "field": "run.runId",
                        "message": "run.runId is missing.",
                    },
                ],
            },
            response_only=True,
            status_codes=["200"],
        ),
    ],
)
class Lineage(Receiver):
    """POST /api/v1/lineage"""

    def receive(self, body: Body, sender: User) -> HttpResponse:
        if not body.is_single:
            return self._receive_many(body, sender)
        (piece,) = body.pieces
        outcome = intake.take_one(piece, sender=sender, now=timezone.now())
        return _json(_result(outcome), 201 if outcome.status is Status.CREATED else 200)

    def _receive_many(self, body: Body, sender: User) -> HttpResponse:
        counts = dict.fromkeys(Status, 0)
        results = []
        for outcome in _outcomes(body, sender):
            counts[outcome.status] += 1
            results.append({"index": outcome.index} | _result(outcome))
        answer = {"received": len(results)} | {str(status): count for status, count in counts.items()}
        return _answer(answer | {"results": results}, is_all_rejected=0 < len(results) == counts[Status.REJECTED])


@extend_schema(
    summary="Report what happened, many events at once",
    description="A JSON array of events, answered in the shape of the OpenLineage specification; 400 if none was good.",
    request={JSON: OpenApiTypes.OBJECT},
    responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="What became of the batch.")},
    examples=[
        OpenApiExample(
            "partial",
            {
                "status": "partial_success",
                "summary": {"received": 2, "successful": 1, "failed": 1, "retriable": 0, "non_retriable": 1},
                "failed_events": [{"index": 1, "reason": "run.runId is missing.", "retriable": False}],
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
)
class Batch(Receiver):
    """POST /api/v1/lineage/batch"""

    def receive(self, body: Body, sender: User) -> HttpResponse:
        received, failed = 0, []
        for outcome in _outcomes(body, sender):
            received += 1
            if outcome.error is not None:
                failed.append({"index": outcome.index, "reason": outcome.error.message, "retriable": False})
        summary = {
            "received": received,
            "successful": received - len(failed),
            "failed": len(failed),
            "retriable": 0,
            "non_retriable": len(failed),
        }
        answer = {"status": "partial_success" if failed else "success", "summary": summary, "failed_events": failed}
        return _answer(answer, is_all_rejected=0 < received == len(failed))


def read_body(request: HttpRequest) -> Body:
    """The request's body, expanded and cut into events. Raises Overloaded before it reads anything.

    Raises TooLarge, UnsupportedMedia or Malformed for bodies that can never be taken.
    """
    eventlog.refuse_overload()
    limit = settings.LINEAGE_MAX_BODY_BYTES
    if streams.declared_bytes(request) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")
    expanded = bodies.expand(
        streams.chunks(request),
        encoding=request.META.get("HTTP_CONTENT_ENCODING", ""),
        max_body_bytes=limit,
        max_expanded_bytes=settings.LINEAGE_MAX_EXPANDED_BYTES,
    )
    return bodies.split(expanded, content_type=request.META.get("CONTENT_TYPE", ""))


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {
            "status": outcome.status,
            "code": outcome.error.code,
            "field": outcome.error.field,
            "message": outcome.error.message,
        }
    if outcome.event_id is None:
        return {"status": outcome.status}
    return {"status": outcome.status, "event": outcome.event_id, "warnings": outcome.warnings}


def _answer(answer: dict[str, Any], *, is_all_rejected: bool) -> HttpResponse:
    """200 while anything was good. When nothing was, a refusal that no client takes for a success."""
    if not is_all_rejected:
        return _json(answer, 200)
    problem = problems.document(status=400, code="all_rejected", detail="None of the events could be taken.")
    if "status" in answer:
        answer = answer | {"status": 400}
    return _json(problem | answer, 400, content_type=problems.CONTENT_TYPE)


def _json(document: dict[str, Any], status: int, *, content_type: str = JSON) -> HttpResponse:
    return HttpResponse(_ENCODER.encode(document), status=status, content_type=content_type)
