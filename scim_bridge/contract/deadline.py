"""The end of a call, whatever the other side does: a watchdog that shuts the sockets of calls that are over.

``requests`` hides the socket until the headers are in, so our connections hand a copy of its descriptor to
the ``Deadline`` of their thread: a copy, because TLS takes the original away during the handshake, and
``Connection: close`` closes it before the body is read. One thread looks five times a second, and only
while calls run: a timer a call would cost a thread each.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LOOK_EVERY_S = 0.2


class Deadline:
    """``with Deadline(30.0) as deadline``: every connection this thread uses inside is cut after 30 s."""

    def __init__(self, total_s: float) -> None:
        self._ends_at_s = time.monotonic() + total_s
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends_at_s

    def cover(self, connection: socket.socket) -> None:
        """Cut this connection too when the time is up."""
        copy = socket.socket(connection.family, connection.type, fileno=os.dup(connection.fileno()))
        with self._lock:
            self._release()
            self._handle = copy

    def cut_if_over(self) -> None:
        """Shut the covered connection down if the time is up; asked again and again, so none slips through."""
        if self.is_over:
            with self._lock, contextlib.suppress(OSError):
                if self._handle is not None:
                    self._handle.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        _current.deadline = self
        _watchdog.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.deadline = None
        _watchdog.drop(self)
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class _Watchdog:
    """The thread that looks; started with the first call, and anew in a forked process."""

    def __init__(self) -> None:
        self._running: set[Deadline] = set()
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._lock:
            self._running.add(deadline)
            self._busy.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="http-watchdog", daemon=True)
                self._thread.start()

    def drop(self, deadline: Deadline) -> None:
        with self._lock:
            self._running.discard(deadline)

    def _look(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(LOOK_EVERY_S)
            with self._lock:
                running = list(self._running)
                if not running:
                    self._busy.clear()
            for deadline in running:
                deadline.cut_if_over()


class _Current(threading.local):
    deadline: Deadline | None = None


_current = _Current()
_watchdog = _Watchdog()


def _cover(connection: socket.socket | None) -> None:
    if _current.deadline is not None and connection is not None:
        _current.deadline.cover(connection)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _cover(made)
        return made

    def request(self, *args: Any, **kwargs: Any) -> None:
        _cover(self.sock)
        super().request(*args, **kwargs)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _cover(made)
        return made

    def request(self, *args: Any, **kwargs: Any) -> None:
        _cover(self.sock)
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class DeadlineAdapter(HTTPAdapter):
    """The transport of ``requests`` whose connections obey the thread's ``Deadline``; it repeats nothing."""

    def __init__(self, pool_size: int) -> None:
        super().__init__(pool_connections=4, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
