"""HTTP/1.1 as far as a simulator needs it: keep-alive, a thread a connection, one ``send`` an answer.

Written by hand because a simulator shares its machine with the bridge that is being measured: the standard
library's handler parses headers as e-mail and costs three times as much.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

log = logging.getLogger(__name__)

MAX_LINE = 65536
MAX_BODY = 32 * 1024 * 1024


@dataclass(slots=True)
class Request:
    """A request as it arrived. ``path`` has no query; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)  # of the route's template, set by ``Routes``

    def json(self) -> Any:
        """The body as JSON, ``{}`` for an empty one. Raises ValueError."""
        return json.loads(self.body) if self.body else {}


class Reply(NamedTuple):
    """An answer; ``body`` is JSON data, or bytes that are sent as they are; None for no body at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


Handler = Callable[[Request], Reply]


class Routes:
    """Templates (``/orgs/{org}/teams``) to handlers; found by method and number of segments."""

    def __init__(self, table: Mapping[str, Handler]) -> None:
        """``table``: ``{"GET /orgs/{org}": handler}``."""
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], Handler]]] = {}
        for route, handler in table.items():
            method, _, template = route.partition(" ")
            parts = template.split("/")
            self._by_shape.setdefault((method, len(parts)), []).append((parts, handler))

    def find(self, request: Request) -> Handler | None:
        """The handler for a request, whose ``params`` are set; None where there is none."""
        parts = request.path.split("/")
        for template, handler in self._by_shape.get((request.method, len(parts)), ()):
            pairs = list(zip(template, parts, strict=True))
            if all(name == part or (name[:1] == "{" and part) for name, part in pairs):
                request.params = {name[1:-1]: unquote(part) for name, part in pairs if name[:1] == "{"}
                return handler
        return None


class Server:
    """Listens on the loopback; ``port`` 0 takes a free one. ``answer`` is called from many threads."""

    def __init__(self, answer: Handler, port: int = 0) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"simulator-{self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
                while (request := _read(stream)) is not None:
                    connection.sendall(_wire(self._reply(request)))
                    if request.headers.get("connection", "").lower() == "close":
                        return
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _reply(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except Exception:
            log.exception("simulator.failed")
            return Reply(500, {"message": "the simulator itself failed; see its log"})


def _read(stream: BufferedReader) -> Request | None:
    """The next request of a connection; None when it ends, or says what we do not speak (chunked bodies)."""
    first = stream.readline(MAX_LINE).decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline(MAX_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY:
        return None
    path, _, query = first[1].partition("?")
    return Request(
        method=first[0],
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        headers=headers,
        body=stream.read(int(length)) if length != "0" else b"",
    )


def _wire(reply: Reply) -> bytes:
    if reply.body is None:
        body = b""
    elif isinstance(reply.body, bytes):
        body = reply.body
    else:
        body = json.dumps(reply.body, separators=(",", ":")).encode()
    head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    head += [f"{name}: {value}" for name, value in reply.headers.items()]
    if body:
        head.append("Content-Type: application/json; charset=utf-8")
    if reply.status != 204:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body
