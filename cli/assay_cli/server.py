"""Talking to the server: one session, bounded time, retries where a repeat is safe, no redirects."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

Document = dict[str, Any]
# What a proxy or a server under load answers; the same request may pass later.
PASSING = frozenset({502, 503, 504})
CONNECT_TIMEOUT_S = 5.0
# Beyond the longest long-poll the server grants (60 s), so that the server answers first.
READ_TIMEOUT_S = 75.0


class OutOfReach(Exception):
    """No usable answer came in the time given."""


class Refused(Exception):
    """The server refused, and would refuse the same again."""

    def __init__(self, status: int, message: str, fields: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields)


class Server:
    """The API of one server, for one token."""

    def __init__(self, url: str, token: str, *, deadline: float, sleep: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server, such as https://assay.example.")
        self.api = f"{url.rstrip('/')}/api/v1"
        self.deadline = deadline
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["Accept"] = "application/json"

    def left_s(self) -> float:
        """Seconds until the deadline, never less than zero."""
        return max(0.0, self.deadline - time.monotonic())

    def get(self, path: str, **query: str | float) -> Document:
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Document, *, idempotency_key: str) -> Document:
        """A write that may be sent again: the server knows it by its key."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": idempotency_key})

    def ask(self, path: str, body: Document) -> Document:
        """A question that is too long for an address: nothing is written, so it may be sent again."""
        return self._ask("POST", path, json=body)

    def send_file(self, digest: str, path: Path) -> None:
        """Have the server keep the file, unless it does already."""
        try:
            self.get(f"evidence/{digest}")
        except Refused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            return
        self._ask("PUT", f"evidence/{digest}", file=path)

    def _received(self, path: str) -> int:
        """How many bytes of a file the server has of us; 0 when it does not say."""
        try:
            answer = self._session.head(f"{self.api}/{path}", timeout=CONNECT_TIMEOUT_S, allow_redirects=False)
        except requests.exceptions.RequestException:
            return 0
        offset = answer.headers.get("Upload-Offset", "")
        return int(offset) if answer.ok and offset.isdigit() else 0

    def _ask(self, method: str, path: str, *, file: Path | None = None, **arguments: Any) -> Document:
        """One request, again with growing pauses while the trouble may pass and time is left.

        A file is gone on with where it broke off.
        """
        pause, trouble = 0.25, "there was no time"
        size = file.stat().st_size if file else 0
        while True:
            wait = None
            try:
                timeout = (CONNECT_TIMEOUT_S, max(1.0, min(READ_TIMEOUT_S, self.left_s() + 5)))
                with file.open("rb") if file else nullcontext() as body:
                    if body is not None:
                        arguments["headers"] = {"Content-Type": "application/octet-stream"}
                        start = self._received(path)
                        if 0 < start < size:
                            body.seek(start)
                            arguments["headers"]["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
                    answer = self._session.request(
                        method, f"{self.api}/{path}", timeout=timeout, allow_redirects=False, data=body, **arguments
                    )
            except requests.exceptions.SSLError as error:
                raise OutOfReach(f"the certificate of {self.api} is not trusted: {error}") from None
            except requests.exceptions.RequestException as error:
                trouble = f"{self.api} does not answer ({type(error).__name__})"
            else:
                if answer.status_code not in PASSING:
                    return self._document(answer)
                trouble = f"the server answers {answer.status_code}"
                wait = answer.headers.get("Retry-After", "")
            pause_s = float(wait) if wait and wait.isdigit() else pause
            if pause_s >= self.left_s():
                raise OutOfReach(trouble)
            self._sleep(pause_s)
            pause = min(pause * 2, 5.0)

    def _document(self, answer: requests.Response) -> Document:
        if 300 <= answer.status_code < 400:
            # Following it would send the token elsewhere, or turn the POST into a GET.
            place = answer.headers.get("Location", "an unnamed place")
            raise OutOfReach(f"the server sends us on to {place}: set ASSAY_URL to the final address")
        try:
            document = answer.json()
        except requests.exceptions.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise OutOfReach(f"{self.api} answers {answer.status_code} and no JSON: is it an Assay server?")
        if answer.status_code >= 500:
            raise OutOfReach(f"the server failed with {answer.status_code}: {document.get('detail', '')}")
        if answer.status_code >= 400:
            fields = document.get("fields")
            message = str(document.get("detail") or answer.reason)
            raise Refused(answer.status_code, message, fields if isinstance(fields, dict) else {})
        return document
