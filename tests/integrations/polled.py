"""A small server on the loopback that answers as an outside system's API would, and a client for polls of it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

Answer = Callable[[Mapping[str, Any]], Any]


class Http:
    """Polls ask by this in tests of a system alone; the product's own client is tested with the product's polls."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[str] = []
        self._session = requests.Session()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(path)
        answer = self._session.get(self.address + path, params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, document: Any) -> Any:
        self.asked.append(path)
        answer = self._session.post(self.address + path, json=document, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        self.asked.append(path)
        answer = self._session.post(self.address + path, json=document, stream=True, timeout=30)
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line:
                yield json.loads(line)


@contextmanager
def serving(answers: Mapping[str, Answer]) -> Iterator[Http]:
    """Serves each path with what its function gives for the parameters or the document of the question."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(parts.path, dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._answer(urlsplit(self.path).path, json.loads(self.rfile.read(length) or b"{}"))

        def _answer(self, path: str, asked: Mapping[str, Any]) -> None:
            answer = answers.get(path)
            found = answer(asked) if answer else {"error": f"nothing at {path}"}
            # What streams is one document a line.
            lines = found if isinstance(found, list) else [found]
            body = b"\n".join(json.dumps(line).encode() for line in lines)
            self.send_response(200 if answer else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Http(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
