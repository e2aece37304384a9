"""What every API endpoint shares: who asks, whether the token's scope covers it, strict reading, paging, refusals."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.pagination import BasePagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from governance import problems, tokens
from governance.errors import Denied, DomainError, Invalid, TooLarge, Unauthenticated, UnsupportedMedia
from governance.models import ApiToken, User
from governance.tokens import Scope

if TYPE_CHECKING:
    # At run time it would be a circle: the views read the settings, which name classes of this module.
    from rest_framework.views import APIView

Value = TypeVar("Value")
Row = TypeVar("Row", bound=Model)

# Documents of governance are small; receivers of big bodies (events, evidence) state their own bound.
MAX_BODY_BYTES = 1_000_000
PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
SIGN_IN = "Send a token as 'Authorization: Bearer assay_pat_…', or sign in."


# --- Who asks ------------------------------------------------------------------------------------------------------


def bearer(request: HttpRequest | Request) -> ApiToken | None:
    """The live token of the request's Authorization header; None without the header or with another scheme.

    One query. Raises Unauthenticated for a token that is unknown, expired or revoked.
    """
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return tokens.authenticate(secret.strip())


def require_scope(token: ApiToken, scope: Scope) -> None:
    """Raise Denied, naming the scope, unless the token covers it."""
    if not tokens.allows(token, scope):
        raise Denied(
            f"The token lacks the scope {scope.value}: issue one that has it.",
            fields={"scope": scope.value},
            code="scope_missing",
        )


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer assay_pat_…`; the token is `request.auth`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        token = bearer(request)
        return None if token is None else (token.user, token)

    def authenticate_header(self, request: Request) -> str:
        return problems.REALM


class HasScope(BasePermission):
    """The request's token covers the scope that the view states for the method; people signed in need none.

    A view says `scopes = {"GET": Scope.READ, "POST": Scope.PROMOTIONS_WRITE}`; None asks for any valid token. A method
    that the view carries out and does not list is a mistake of the view and stops it.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            raise Unauthenticated(SIGN_IN)
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True  # DRF answers both itself: a description, or 405.
        scopes: Mapping[str, Scope | str | None] = view.scopes  # type: ignore[attr-defined]
        scope = scopes[method]
        if isinstance(request.auth, ApiToken) and scope is not None:
            require_scope(request.auth, Scope(scope))
        return True


def actor(request: Request) -> User:
    """The user who asks, for endpoints that HasScope guards."""
    if not isinstance(request.user, User):
        raise Unauthenticated(SIGN_IN)
    return request.user


# --- Refusals ------------------------------------------------------------------------------------------------------


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Every refusal as a problem document. What is not one (a fault of ours) passes on and becomes a 500 or 503."""
    refusal = _refusal(error)
    if refusal is None:
        return None
    headers = problems.headers_of(refusal)
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(
        problems.document_of(refusal), status=refusal.status, headers=headers, content_type=problems.CONTENT_TYPE
    )


def _refusal(error: Exception) -> DomainError | None:
    match error:
        case DomainError():
            return error
        case RequestDataTooBig():
            return TooLarge("The body is larger than this endpoint reads.")
        case UnreadablePostError():
            return Invalid("The body ended before it was complete.", code="malformed")
        case SuspiciousOperation():
            return Invalid("The request is malformed.", code="malformed")
        case Http404():
            return _with_status(HTTPStatus.NOT_FOUND, "not_found", "There is no such thing.")
        case PermissionDenied() | exceptions.PermissionDenied():
            return Denied(str(error) or "You may not do this.")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated(str(error))
        case exceptions.ValidationError():
            return Invalid("A value is wrong.", fields=_flat(error.detail))
        case exceptions.ParseError():
            return Invalid(str(error), code="malformed")
        case exceptions.APIException():
            code = error.default_code if isinstance(error.default_code, str) else "refused"
            return _with_status(HTTPStatus(error.status_code), code, str(error))
        case _:
            return None


def _with_status(status: HTTPStatus, code: str, message: str) -> DomainError:
    refusal = DomainError(message, code=code)
    refusal.status = status.value
    return refusal


def _flat(detail: Any, path: str = "") -> dict[str, str]:
    """DRF's nested messages as one line per field."""
    if isinstance(detail, Mapping):
        return {name: text for key, inner in detail.items() for name, text in _flat(inner, f"{path}{key}").items()}
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        return {path or "body": " ".join(str(inner) for inner in detail)}
    return {path or "body": str(detail)}


# --- Strict reading ------------------------------------------------------------------------------------------------


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of what requests carry: a field that nobody knows is an error, not a silence."""


def read(request: Request, kind: type[Value], *, limit_bytes: int = MAX_BODY_BYTES) -> Value:
    """The request's JSON body as `kind`. Raises UnsupportedMedia, TooLarge or Invalid."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMedia(f"Send the body as application/json, not as {media_type or 'an unnamed type'}.")
    return parse(request._request.body, kind, limit_bytes=limit_bytes)


def parse(body: bytes, kind: type[Value], *, limit_bytes: int = MAX_BODY_BYTES) -> Value:
    """A JSON document as `kind`, which forbids unknown fields itself (see Body). Raises TooLarge or Invalid.

    Refuses the character U+0000 anywhere: PostgreSQL stores it neither in text nor in jsonb.
    """
    if len(body) > limit_bytes:
        raise TooLarge(f"The body has {len(body)} bytes; at most {limit_bytes} are read here.")
    if not body.strip():
        raise Invalid("The body is empty; a JSON document is expected.", code="malformed")
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not JSON in UTF-8: {error}.", code="malformed") from None
    except RecursionError:
        raise Invalid("The body is nested too deeply.", code="malformed") from None
    if b"\\u0000" in body:
        _refuse_nul(msgspec.to_builtins(value))
    return value


def query(request: Request, kind: type[Value]) -> Value:
    """The request's query parameters as `kind`. Each is given at most once. Raises Invalid, naming the parameter."""
    given = dict(request.query_params.lists())
    if twice := next((name for name, values in given.items() if len(values) > 1), None):
        raise Invalid(f"{twice}: given more than once.", fields={twice: "Given more than once."})
    values = {name: values[0] for name, values in given.items()}
    _refuse_nul(values)
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None


def _invalid(message: str) -> Invalid:
    """msgspec's message, with its path as the field's name."""
    problem, _, path = message.partition(" - at `")
    parent = path.rstrip("`").removeprefix("$").lstrip(".")
    if named := re.match(r"Object (contains unknown|missing required) field `(.*)`$", problem):
        field = f"{parent}.{named[2]}" if parent else named[2]
        says = "Unknown field." if named[1] == "contains unknown" else "Required."
    else:
        field, says = parent or "body", f"{problem}."
    return Invalid(f"{field}: {says}", fields={field: says})


def _refuse_nul(value: Any) -> None:
    for path, text in _texts(value, ""):
        if "\x00" in text:
            raise Invalid(f"{path}: holds the character U+0000.", fields={path: "Holds the character U+0000."})


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a document with its path. The name of a field counts to the object that has it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield path or "body", str(key)
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")


# --- Answers -------------------------------------------------------------------------------------------------------


def answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A msgspec structure (or plain values) as the response."""
    return Response(msgspec.to_builtins(document), status=status, headers=headers)


def encoded(document: Any) -> HttpResponse:
    """As `answer`, in one step: with thousands of rows, plain values in between take a third of the time."""
    return HttpResponse(msgspec.json.encode(document), content_type="application/json")


class Paging(Body, frozen=True):
    """The query parameters of every list; lists with filters extend it."""

    cursor: str = ""
    limit: int = PAGE_SIZE
    count: bool = False


class Cursor(BasePagination):
    """Pages by the place of the last row, so that rows which come meanwhile neither repeat nor hide others.

    `ordering` names fields of the queryset's model that are never null and together unique, such as ("-occurred_at",
    "-id"); a view's own `ordering` goes first. `count=true` counts all rows, which costs a second query.
    """

    ordering: Sequence[str] = ("-id",)

    def paginate_queryset(  # type: ignore[override]  # a plain sequence has no order to continue in
        self, queryset: QuerySet[Row], request: Request, view: "APIView | None" = None
    ) -> list[Row]:
        paging = self._paging(request)
        names: Sequence[str] = getattr(view, "ordering", self.ordering)
        self.count = queryset.count() if paging.count else None
        if paging.cursor:
            queryset = queryset.filter(self._beyond(queryset.model, names, paging.cursor))
        rows = list(queryset.order_by(*names)[: paging.limit + 1])
        page = rows[: paging.limit]
        self.next = self._cursor(page[-1], names) if len(rows) > len(page) else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        body = {"results": msgspec.to_builtins(data), "next": self.next}
        return Response(body if self.count is None else body | {"count": self.count})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)

    @staticmethod
    def _paging(request: Request) -> Paging:
        own = {name: request.query_params[name] for name in Paging.__struct_fields__ if name in request.query_params}
        try:
            paging = msgspec.convert(own, Paging, strict=False)
        except msgspec.ValidationError as error:
            raise _invalid(str(error)) from None
        if not 1 <= paging.limit <= MAX_PAGE_SIZE:
            says = f"Not between 1 and {MAX_PAGE_SIZE}."
            raise Invalid(f"limit: {says}", fields={"limit": says})
        return paging

    @staticmethod
    def _cursor(row: Model, names: Sequence[str]) -> str:
        values = [getattr(row, name.lstrip("-")) for name in names]
        return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")

    @staticmethod
    def _beyond(model: type[Model], names: Sequence[str], cursor: str) -> Q:
        """Rows after the cursor's: beyond in the first field, or equal there and beyond in the second, and so on."""
        refused = Invalid("cursor: not one of this list.", fields={"cursor": "Not one of this list."})
        try:
            raw = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str | int])
            values = [_column(model, name).to_python(value) for name, value in zip(names, raw, strict=True)]
        except (ValueError, binascii.Error, msgspec.MsgspecError, ValidationError, OverflowError):
            raise refused from None
        if any(value is None or (isinstance(value, int) and not -(2**63) <= value < 2**63) for value in values):
            raise refused
        _refuse_nul({"cursor": [value for value in values if isinstance(value, str)]})
        beyond, equal = Q(), Q()
        for name, value in zip(names, values, strict=True):
            field = name.lstrip("-")
            beyond |= equal & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
            equal &= Q(**{field: value})
        # Said once more for the first field alone: an index serves this bound, not the alternatives.
        first = names[0].lstrip("-")
        return beyond & Q(**{f"{first}__{'lte' if names[0].startswith('-') else 'gte'}": values[0]})


def _column(model: type[Model], name: str) -> "Field[Any, Any]":
    field = model._meta.get_field(name.lstrip("-"))
    if not isinstance(field, Field):
        raise TypeError(f"{name} is not a column of {model.__name__}; lists are ordered by columns.")
    return field


# --- The OpenAPI document ------------------------------------------------------------------------------------------


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a msgspec type, without references, for drf-spectacular's extend_schema."""
    schema = msgspec.json.schema(kind)
    definitions = schema.pop("$defs", {})
    resolved: dict[str, Any] = _resolve(schema, definitions)
    return resolved


def _resolve(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, Mapping):
        if "$ref" in node:
            return _resolve(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {key: _resolve(inner, definitions) for key, inner in node.items()}
    if isinstance(node, list):
        return [_resolve(inner, definitions) for inner in node]
    return node


def page_schema(row: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of one page of rows."""
    return {
        "type": "object",
        "required": ["results", "next"],
        "properties": {
            "results": {"type": "array", "items": row},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page; null on the last."},
            "count": {"type": "integer", "description": "All rows, when count=true was asked."},
        },
    }
