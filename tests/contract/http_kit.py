"""A server that does what a script says, and the client under test in front of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from scim_bridge.clock import FrozenClock
from scim_bridge.contract.http import Http, HttpSettings
from scim_bridge.errors import BridgeError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Script = Callable[[socket.socket, bytes], None]


class Peer:
    """A server that does with each request what its script says; ``requests`` are the heads it read."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[bytes] = []
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while head := self._head(connection):
                self.requests.append(head)
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                try:
                    script(connection, head)
                except OSError:
                    return

    def _head(self, connection: socket.socket) -> bytes:
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                chunk = connection.recv(65536)
                if not chunk:
                    return b""
                data += chunk
        except OSError:
            return b""
        return data


def says(status: str, body: bytes = b"{}", *headers: str) -> Script:
    def script(connection: socket.socket, _head: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)

    return script


def hangs(connection: socket.socket, _head: bytes) -> None:
    connection.recv(1)  # until the caller gives up


def cuts(connection: socket.socket, _head: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def drips(before: bytes, drop: bytes) -> Script:
    def script(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(drop)
            time.sleep(0.02)  # the fault itself: a byte now and then

    return script


def http(url: str, **settings: Any) -> Http:
    classify = settings.pop("classify", lambda _answer: None)
    headers = settings.pop("headers", dict)
    return Http(url, HttpSettings(**settings), headers=headers, clock=FrozenClock(NOW), classify=classify)


def failure(family: type[BridgeError], call: Callable[[], object]) -> Any:
    with pytest.raises(family) as caught:
        call()
    return caught.value
