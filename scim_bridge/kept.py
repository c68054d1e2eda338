"""Connections that stay with us between uses, and whether they still live.

To take one from SQLAlchemy's pool and to give it back costs as much as a look-up. And nothing is asked of a
connection that was used a moment ago: a ping before every use would double the trips to the server. Once one was
found to be lost, all are asked.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_FRESH_S = 5.0
"""Seconds for which a connection that was used is taken to live."""


class Lost:
    """When a connection was last found to be lost, on any of the engines watched."""

    def __init__(self) -> None:
        self._at_s = float("-inf")

    def watch(self, engine: sa.Engine) -> None:
        """Look after the connections of ``engine``."""

        @sa.event.listens_for(engine, "invalidate")
        def on_invalidate(*_: Any) -> None:
            self._at_s = time.monotonic()

        @sa.event.listens_for(engine, "connect")
        def on_connect(_connection: Any, record: Any) -> None:
            record.info["used_s"] = time.monotonic()

        @sa.event.listens_for(engine, "checkin")
        def on_checkin(_connection: Any, record: Any) -> None:
            record.info["used_s"] = time.monotonic()

        @sa.event.listens_for(engine, "checkout")
        def on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
            if self.lives(record.info["used_s"]):
                return
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa.exc.DisconnectionError from error

    def lives(self, used_s: float) -> bool:
        """Whether a connection last used then is taken to live."""
        return used_s > self._at_s and time.monotonic() - used_s < _FRESH_S


class Kept:
    """Open connections of one engine, the one used last on top. ``lost`` None: they do not get lost (SQLite)."""

    def __init__(self, engine: sa.Engine, lost: Lost | None) -> None:
        self._engine = engine
        self._lost = lost
        self._free: deque[tuple[Connection, float]] = deque()
        self._is_closed = False

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """A connection outside of any transaction; what is left open on it is rolled back."""
        connection = self._take()
        try:
            yield connection
            if connection.in_transaction():
                connection.rollback()
        except BaseException:
            connection.close()  # the pool sees to it that the next one to have it finds it sound
            raise
        if self._is_closed or connection.invalidated:
            connection.close()
        else:
            self._free.append((connection, time.monotonic()))

    @property
    def idle(self) -> int:
        """How many nobody uses now."""
        return len(self._free)

    def close(self) -> None:
        """Give all of them back to the pool, now or when they are no longer used."""
        self._is_closed = True
        while self._free:
            self._free.pop()[0].close()

    def _take(self) -> Connection:
        while self._free:
            try:
                connection, used_s = self._free.pop()
            except IndexError:  # another thread had the last one
                break
            if self._lost is None or self._lost.lives(used_s) or self._answers(connection):
                return connection
        return self._engine.connect()

    def _answers(self, connection: Connection) -> bool:
        dialect: Any = self._engine.dialect
        try:
            dialect.do_ping(connection.connection.dbapi_connection)
        except dialect.loaded_dbapi.Error as error:
            connection.invalidate(error)
            connection.close()
            return False
        return True
