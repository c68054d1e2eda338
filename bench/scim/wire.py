"""One keep-alive connection that sends bytes made beforehand and checks every answer.

No HTTP library: the cheapest takes as much time as the answer itself, and on a machine of two cores what the
client takes the server lacks. Both servers answer with Content-Length; anything else is refused aloud.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from types import TracebackType
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_PATIENCE = struct.pack("ll", 60, 0)  # seconds, microseconds
_AT_ONCE = 1 << 18


class WrongAnswer(Exception):
    """A server did not answer what the scenario needs; no figure comes of such a run."""


class Wire:
    """A connection to a port of this machine. ``times_s`` holds how long each kind of request took, in order."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        # the kernel keeps the time: Python's own time-out costs a poll before every call
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.times_s: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def own_port(self) -> int:
        """The port at our end, by which the server's end can be told apart."""
        return int(self._socket.getsockname()[1])

    def ask(self, kind: str, request: bytes, status: int, *telling: bytes) -> bytes:
        """Send ``request``, wait for the whole answer, note its time under ``kind``; returns the body.

        Raises WrongAnswer unless the status is ``status`` and the body holds each of ``telling``.
        """
        started = time.perf_counter()
        self._socket.sendall(request)
        head, body = self._receive()
        self.times_s.setdefault(kind, []).append(time.perf_counter() - started)
        if not head.startswith(b"HTTP/1.1 %d " % status) or any(part not in body for part in telling):
            asked = request.partition(b"\r\n")[0].decode()
            raise WrongAnswer(f"{kind}: {asked}: wanted {status} with {telling!r}, got {(head + body)[:1500]!r}")
        return body

    def _receive(self) -> tuple[bytes, bytes]:
        received = self._socket.recv(_AT_ONCE)
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head, body = received[: end + 2], received[end + 4 :]
        length = _LENGTH.search(head)
        if length is None:
            if head.startswith(b"HTTP/1.1 204 "):
                return head, body
            raise WrongAnswer(f"an answer without Content-Length: {head!r}")
        missing = int(length[1]) - len(body)
        parts = [body]
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return head, b"".join(parts)

    def _more(self) -> bytes:
        if not (received := self._socket.recv(_AT_ONCE)):
            raise WrongAnswer("the server closed the connection in the middle of an answer")
        return received
