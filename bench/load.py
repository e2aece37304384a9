"""A load generator on raw sockets: one process, one loop, requests made beforehand.

It costs about 40 microseconds of one core a request, so it does not become the bottleneck where load and
service share two cores. `cpu_share` says what it took.
"""

import gc
import resource
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

PATIENCE_S = 60.0


class LoadError(Exception):
    """The service closed a connection, answered what is not HTTP, or did not answer."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


@dataclass(slots=True, kw_only=True)
class Result:
    """What came back, in seconds. `acknowledged_at` has the `time.perf_counter` of each reply by number."""

    seconds: float = 0.0
    cpu_share: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    acknowledged_at: dict[int, float] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    refusal: bytes = b""

    @property
    def completed(self) -> int:
        return self.statuses.total()

    @property
    def per_second(self) -> float:
        return self.completed / self.seconds

    def expect(self, status: int) -> "Result":
        """Itself, when every reply had this status."""
        if set(self.statuses) - {status}:
            raise LoadError(f"Expected {status} only, got {dict(self.statuses)}: {self.refusal[:500]!r}")
        if not self.completed:
            raise LoadError("Nothing was answered.")
        return self


def request(
    address: Address,
    path: str,
    *,
    body: bytes | None = None,
    token: str = "",
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of one request on a connection that is kept."""
    verb = "GET" if body is None else "POST"
    head = f"{verb} {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
    for name, value in (headers or {}).items():
        head += f"{name}: {value}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    if body is not None:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + (body or b"")


class _Connection:
    """One socket with at most one request on its way."""

    __slots__ = ("begun_at", "number", "pending", "received", "socket")

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection((address.host, address.port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = b""
        self.pending = memoryview(b"")
        self.begun_at = 0.0
        self.number = -1

    def begin(self, number: int, payload: bytes, at: float) -> None:
        self.number, self.begun_at, self.received = number, at, b""
        self.pending = memoryview(payload)
        self.push()

    def push(self) -> None:
        """Write what the socket takes now."""
        try:
            while self.pending:
                self.pending = self.pending[self.socket.send(self.pending) :]
        except BlockingIOError:
            return

    def pull(self) -> int | None:
        """Read what there is; the status once the reply is whole."""
        try:
            data = self.socket.recv(262_144)
        except BlockingIOError:
            return None
        if not data:
            raise LoadError(f"The service closed a connection after {self.received[:200]!r}.")
        self.received = self.received + data if self.received else data
        return _status_of_whole(self.received)


def _status_of_whole(reply: bytes) -> int | None:
    """The status when head and body are all there; None while more has to come."""
    end = reply.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not reply.startswith(b"HTTP/1.1 "):
        raise LoadError(f"Not a reply of HTTP/1.1: {reply[:100]!r}")
    status, head = int(reply[9:12]), reply[:end].lower()
    mark = head.find(b"\r\ncontent-length:")
    if mark >= 0:
        length = int(head[mark + 17 : (head + b"\r\n").find(b"\r\n", mark + 17)])
        return status if len(reply) >= end + 4 + length else None
    if b"\r\ntransfer-encoding: chunked" in head:
        return status if reply.endswith(b"\r\n0\r\n\r\n") else None
    if status in (204, 304):
        return status
    raise LoadError(f"A reply without a length: {reply[:end]!r}")


def closed(
    address: Address,
    requests: Iterator[bytes] | Sequence[bytes],
    *,
    connections: int,
    seconds: float | None = None,
    keep_bodies: bool = False,
) -> Result:
    """Each connection sends its next request when its reply is there, until requests or time run out."""
    return _Loop(address, iter(requests), connections, keep_bodies=keep_bodies).run(seconds=seconds, per_second=None)


def paced(
    address: Address, requests: Iterator[bytes] | Sequence[bytes], *, connections: int, per_second: float
) -> Result:
    """Requests begin when they are due, however slow the replies. Latency counts from the due time."""
    return _Loop(address, iter(requests), connections).run(seconds=None, per_second=per_second)


class _Loop:
    def __init__(
        self, address: Address, requests: Iterator[bytes], connections: int, *, keep_bodies: bool = False
    ) -> None:
        self.requests = requests
        self.keep_bodies = keep_bodies
        self.idle = deque(_Connection(address) for _ in range(connections))
        self.busy = 0
        self.result = Result()
        self.selector = selectors.DefaultSelector()
        for connection in self.idle:
            self.selector.register(connection.socket, selectors.EVENT_READ, connection)

    def run(self, *, seconds: float | None, per_second: float | None) -> Result:
        collecting = gc.isenabled()
        gc.disable()  # A pause of ours would be told as the service's.
        used = resource.getrusage(resource.RUSAGE_SELF)
        begun = time.perf_counter()
        try:
            self._run(begun, begun + seconds if seconds else None, per_second)
        finally:
            if collecting:
                gc.enable()
            self.result.seconds = time.perf_counter() - begun
            self._close()
        now_used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = now_used.ru_utime + now_used.ru_stime - used.ru_utime - used.ru_stime
        self.result.cpu_share = cpu_s / self.result.seconds
        return self.result

    def _run(self, begun: float, until: float | None, per_second: float | None) -> None:
        number, last_reply = 0, begun
        following = next(self.requests, None)
        while following is not None or self.busy:
            now = time.perf_counter()
            if until is not None and now >= until:
                following = None
                if not self.busy:
                    return
            while following is not None and self.idle:
                due = begun + number / per_second if per_second else now
                if due > now:
                    break
                self._begin(self.idle.popleft(), number, following, due)
                number += 1
                following = next(self.requests, None)
            pause = 1.0
            if per_second and following is not None and self.idle:
                pause = max(0.0, begun + number / per_second - time.perf_counter())
            if self._take(pause):
                last_reply = time.perf_counter()
            elif self.busy and time.perf_counter() - last_reply > PATIENCE_S:
                raise LoadError(f"No reply for {PATIENCE_S:.0f} s; {self.busy} requests are on their way.")

    def _begin(self, connection: _Connection, number: int, payload: bytes, at: float) -> None:
        self.busy += 1
        connection.begin(number, payload, at)
        if connection.pending:
            self.selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)

    def _take(self, pause: float) -> bool:
        """Serve the sockets that are ready within the pause; whether a reply was completed."""
        any_reply = False
        for key, mask in self.selector.select(pause):
            connection: _Connection = key.data
            if mask & selectors.EVENT_WRITE:
                connection.push()
                if not connection.pending:
                    self.selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if mask & selectors.EVENT_READ and (status := connection.pull()) is not None:
                self._finish(connection, status)
                any_reply = True
        return any_reply

    def _finish(self, connection: _Connection, status: int) -> None:
        now = time.perf_counter()
        result = self.result
        result.statuses[status] += 1
        result.latencies.append(now - connection.begun_at)
        result.acknowledged_at[connection.number] = now
        if self.keep_bodies:
            result.bodies.append(connection.received.partition(b"\r\n\r\n")[2])
        if status >= 300 and not result.refusal:
            result.refusal = connection.received
        self.busy -= 1
        self.idle.append(connection)

    def _close(self) -> None:
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self.selector.close()
