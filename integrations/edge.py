"""The one way out to other systems: to allowed addresses only, without redirects, bounded, in time, tried again.

Whatever goes wrong comes as Unreachable, which may pass, or as Refused, which will not by itself.
"""

import json
import random
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpcore2
from django.conf import settings
from django.utils import timezone

from governance.errors import Unavailable
from integrations import addresses, credentials, signing
from integrations.authentication import Auth
from integrations.models import Connection
from integrations.notices import Request
from integrations.systems.base import NOTHING, Refused

CONNECT_S = 5.0
READ_S = 30.0
# For one request with its answer, however slowly it drips.
WHOLE_S = 120.0
MAX_ANSWER_BYTES = 64_000_000
MAX_LINE_BYTES = 10_000_000
ATTEMPTS = 4
BACK_OFF_S = 0.5
LONGEST_WAIT_S = 30.0
# At most fifty requests a second for one connection: what others serve their people with is not ours to use up.
SPACING_S = 0.02
RETRIED = frozenset({429, 500, 502, 503, 504})
USER_AGENT = "assay"


class Unreachable(Unavailable):
    """Another system cannot be reached, or cannot answer now."""

    code = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What another system answered. `headers` in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class _Backend(httpcore2.SyncBackend):
    """Connects to addresses that `addresses` allows, the one that was looked at."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        refused = False
        failure: Exception | None = None
        for address in _resolve(host, port):
            if not addresses.may_connect(ip_address(address), settings.OUTGOING_NETWORKS):
                refused = True
                continue
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        if failure is not None:
            raise failure
        if refused:
            raise _Forbidden(host)
        raise httpcore2.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        raise _Forbidden("a Unix socket")


class _Forbidden(Exception):
    """The name means an address inside."""


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} is not known: {error}") from error
    # A scope such as %eth0 belongs to link-local addresses alone.
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


@cache
def _tls() -> ssl.SSLContext:
    """The certificates of the system, or those that SSL_CERT_FILE names."""
    return ssl.create_default_context()


class Edge:
    """Requests to the address of one connection; implements `systems.base.Client`. Close it, or use it as a context."""

    def __init__(self, address: str, *, auth: Auth | None = None, secret: str = "", attempts: int = ATTEMPTS) -> None:
        self._address = address.rstrip("/")
        self._auth = auth or Auth()
        self._secret = secret
        self._attempts = attempts
        self._last_at = 0.0
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(), network_backend=_Backend(), max_connections=4, keepalive_expiry=30.0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._pool.close()

    def get(self, path: str, params: Mapping[str, Any] = NOTHING) -> Any:
        """The JSON document at `path`. Raises Unreachable, Refused."""
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        return _json(self._good("GET", f"{path}{query}"))

    def post(self, path: str, document: Any) -> Any:
        """The JSON answer to a question, which is asked again when no answer comes. Raises Unreachable, Refused."""
        return _json(self._good("POST", path, document))

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        """The JSON documents of an answer, one a line, as they come. Raises Unreachable, Refused."""
        method, body = ("GET", None) if document is None else ("POST", _encoded(document))
        with self._open(method, self._url(path), body, {}) as response:
            if response.status != HTTPStatus.OK:
                raise _refusal(response.status, b"".join(_bounded(response.iter_stream(), MAX_ANSWER_BYTES)))
            held = b""
            for chunk in response.iter_stream():
                *whole, held = (held + chunk).split(b"\n")
                if len(held) > MAX_LINE_BYTES:
                    raise Refused("", f"A line of the answer is longer than {MAX_LINE_BYTES:,} bytes.")
                yield from (_parsed(line) for line in whole if line.strip())
            if held.strip():
                yield _parsed(held)

    def send(self, request: Request) -> Answer:
        """Send once and give the answer, whatever its status. Raises Unreachable when none comes, Refused."""
        body = None if request.document is None else _encoded(request.document)
        return self._once(request.method, self._url(request.path), body, request.headers)

    def fetch(self, max_bytes: int) -> bytes:
        """What lies at the address itself, tried again. Raises Unreachable, Refused."""
        return self._good("GET", "", max_bytes=max_bytes).body

    def _good(self, method: str, path: str, document: Any = None, *, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """The answer when it is 2xx, tried again while that may help."""
        url, body = self._url(path), None if document is None else _encoded(document)
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                answer = self._once(method, url, body, {}, max_bytes=max_bytes)
            except Unreachable:
                if is_last:
                    raise
                time.sleep(_back_off(attempt))
                continue
            if 200 <= answer.status < 300:
                return answer
            if is_last or answer.status not in RETRIED:
                raise _refusal(answer.status, answer.body)
            time.sleep(min(_asked_wait(answer) or _back_off(attempt), LONGEST_WAIT_S))
        raise AssertionError("There is at least one attempt.")

    def _once(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        with self._open(method, url, body, headers) as response:
            content = b"".join(_bounded(response.iter_stream(), max_bytes))
            return Answer(
                status=response.status,
                body=content,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
            )

    @contextmanager
    def _open(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[httpcore2.Response]:
        time.sleep(max(0.0, self._last_at + SPACING_S - time.monotonic()))
        self._last_at = time.monotonic()
        timeouts = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": CONNECT_S}
        host = urlsplit(url).hostname
        try:
            with self._pool.stream(
                method,
                url,
                headers=list(self._headers(method, url, body, headers).items()),
                content=body,
                extensions={"timeout": timeouts},
            ) as response:
                if 300 <= response.status < 400:
                    raise Refused(
                        "address", f"{host} answers with a redirect ({response.status}): give the last address."
                    )
                yield response
        except _Forbidden:
            raise Refused(
                "address",
                f"{host} has no public address; if it is meant, name its network in ASSAY_OUTGOING_NETWORKS.",
            ) from None
        except (httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError) as error:
            raise Refused("address", f"{host} cannot be asked: {error}.") from None
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            says = str(error) or type(error).__name__
            raise Unreachable(f"{host} cannot be reached: {says[:300]}.") from None

    def _headers(self, method: str, url: str, body: bytes | None, more: Mapping[str, str]) -> dict[str, str]:
        found = {"Host": urlsplit(url).netloc, "User-Agent": USER_AGENT, "Accept": "application/json"}
        found |= {"Accept-Encoding": "identity", **self._auth.headers}
        if body is not None:
            found |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        found |= more
        return found | signing.headers(
            self._auth, self._secret, method=method, url=url, body=body or b"", headers=found, now=timezone.now()
        )

    def _url(self, path: str) -> str:
        """The path below the address. A whole address must be of the same origin: it gets our credentials."""
        if "://" in path:
            if _origin(path) != _origin(self._address):
                raise Refused("address", f"{urlsplit(path).hostname} is not where this connection's address is.")
            return path
        if self._auth.kind == "path":
            # Nothing that is shown or kept holds this address: only its host is ever told.
            return f"{self._address}/{self._secret.lstrip('/')}"
        return f"{self._address}/{path.lstrip('/')}" if path and not path.startswith("?") else f"{self._address}{path}"


def of(connection: Connection, *, attempts: int = ATTEMPTS) -> Edge:
    """The way out to a connection, with its credentials. Raises Refused when it has no address."""
    if not connection.address:
        raise Refused("address", "The connection has no address.")
    return Edge(
        connection.address,
        auth=credentials.auth_of(connection),
        secret=credentials.outgoing(connection),
        attempts=attempts,
    )


def fetch(url: str, *, max_bytes: int) -> bytes:
    """What lies at an address that anybody may read. Raises Unreachable, Refused."""
    with Edge(url, attempts=2) as edge:
        return edge.fetch(max_bytes)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _encoded(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _bounded(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    begun, total = time.monotonic(), 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise Refused("", f"The answer is larger than {limit:,} bytes.")
        if time.monotonic() - begun > WHOLE_S:
            raise Unreachable(f"The answer took longer than {WHOLE_S:.0f} s.")
        yield chunk


def _json(answer: Answer) -> Any:
    return _parsed(answer.body) if answer.body.strip() else None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise Refused("", f"The answer is not JSON; it begins with {body[:60]!r}.") from None


def _refusal(status: int, body: bytes) -> Exception:
    said = " ".join(body[:300].decode("utf-8", "replace").split())
    message = f"The answer is {status}{f': {said}' if said else ''}"
    return Unreachable(message) if status in RETRIED else Refused("", message)


def _back_off(attempt: int) -> float:
    """Twice as long each time, by chance between half and the whole, so that many do not come back together."""
    return float(min(BACK_OFF_S * 2**attempt, LONGEST_WAIT_S) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _asked_wait(answer: Answer) -> float | None:
    """How long the other side asks us to wait."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdigit() and len(text) < 8:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - timezone.now()).total_seconds())
    except (ValueError, TypeError):
        return None
