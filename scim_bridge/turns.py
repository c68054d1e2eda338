"""SQLite's writers: one at a time, in the order in which they came, and one commit for those who came together.

    came together, and the next one, too   hands the open transaction on, waits for its end
    came together, and nobody like it next commits for all who wrote in it
    wants its own transaction              begins and commits it

Most of what a small write costs is its commit, which waits for the disk: pushes that come at the same time need one
between them. Nobody is answered before it. Within it each has a savepoint, so that whoever fails takes back only what
was theirs; where the commit fails, it fails for all.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_MOST = 16
_LONGEST_S = 0.02
"""For so long a transaction takes others in: who came first waits for the last."""


class Turns:
    """The queue of this process's writers, and the one connection that they use in turn.

    While another process keeps the file they give up together: one after the other would each wait for the file
    anew, and the fourth gets its 503 after the client hung up.
    """

    def __init__(self, engine: sa.Engine, *, patience_s: float) -> None:
        """``patience_s``: how long a writer waits for its turn; as long as a connection waits for the file."""
        self._engine = engine
        self._patience_s = patience_s
        self._mutex = Lock()
        self._is_taken = False
        self._queue: deque[_Writer] = deque()
        self._connection: Connection | None = None
        self._batch: _Batch | None = None

    @contextmanager
    def write(self, *, together: bool) -> Iterator[Connection]:
        """A transaction, committed at the end and rolled back on any error; ``together``: perhaps with others'.

        Raises ``sa.exc.TimeoutError`` when its turn does not come.
        """
        me = _Writer(together)
        self._wait(me)
        batch = self._batch or self._begin()
        try:
            batch.enter()
            yield batch.connection
            batch.leave()
        except BaseException:
            batch.take_back()
            raise
        finally:
            self._finish(batch, me)

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _wait(self, me: _Writer) -> None:
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return
            self._queue.append(me)
        try:
            is_called = me.called.acquire(timeout=self._patience_s)
        except BaseException:
            if not self._withdraw(me):
                self._end(self._batch)
            raise
        if not is_called and self._withdraw(me):
            raise sa.exc.TimeoutError("another process is writing the database")

    def _withdraw(self, me: _Writer) -> bool:
        """Whether it left the queue; False: its turn has just come."""
        with self._mutex:
            if me not in self._queue:
                return False
            self._queue.remove(me)
            return True

    def _begin(self) -> _Batch:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            self._batch = _Batch(self._connection)
        except BaseException:
            self.close()
            self._call_next()
            raise
        return self._batch

    def _finish(self, batch: _Batch, me: _Writer) -> None:
        """Let others into the transaction, or end it; either way it has ended after this."""
        if self._hands_on(batch, me):
            me.called.acquire()
        else:
            self._end(batch)
        if batch.error is not None:
            cause = getattr(batch.error, "orig", batch.error)
            raise sa.exc.OperationalError("COMMIT", None, cause, hide_parameters=True) from batch.error

    def _end(self, batch: _Batch | None) -> None:
        """End the transaction, if one is open, and the turn."""
        self._batch = None
        if batch is not None:
            batch.end()
            if not batch.is_sound:  # whatever happened to the connection, the next writer has a sound one
                self.close()
        self._call_next()
        for other in batch.waiting if batch else ():
            other.called.release()

    def _hands_on(self, batch: _Batch, me: _Writer) -> bool:
        if not (me.together and batch.takes_more):
            return False
        with self._mutex:
            if not self._queue or not self._queue[0].together:
                return False
            batch.waiting.append(me)
            self._queue.popleft().called.release()
            return True

    def _call_next(self) -> None:
        with self._mutex:
            if self._queue:
                self._queue.popleft().called.release()
            else:
                self._is_taken = False


class _Writer:
    """Somebody who writes. ``called`` is free when it is their turn, and again when their transaction ended."""

    __slots__ = ("called", "together")

    def __init__(self, together: bool) -> None:
        self.together = together
        self.called = Lock()
        self.called.acquire()


class _Batch:
    """One transaction and those who write in it, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.waiting: list[_Writer] = []
        self.is_sound = True
        self.error: BaseException | None = None
        self._transaction = connection.begin()
        self._began_s = time.monotonic()
        self._inside = 0  # who came, the one at work included

    @property
    def takes_more(self) -> bool:
        """Whether somebody else may still come in."""
        return self.is_sound and self._inside < _MOST and time.monotonic() - self._began_s < _LONGEST_S

    def enter(self) -> None:
        """The next one begins."""
        self._inside += 1
        if self._inside > 1:
            self._raw.execute("SAVEPOINT writer")

    def leave(self) -> None:
        """What the one at work wrote becomes part of the transaction."""
        if self._inside > 1:
            self._raw.execute("RELEASE writer")

    def take_back(self) -> None:
        """Nothing of what the one at work wrote stays."""
        if self._inside == 1:
            self.is_sound = False
            return
        try:
            self._raw.execute("ROLLBACK TO writer")
            self._raw.execute("RELEASE writer")
        except sqlite3.Error as error:  # SQLite gave up the whole transaction: its disk is full, for example
            self.is_sound, self.error = False, error

    def end(self) -> None:
        """Commit, or roll back what is not sound; ``error`` says what came in between."""
        try:
            if self.is_sound:
                self._transaction.commit()
                return
        except BaseException as error:
            self.is_sound, self.error = False, error
        with suppress(sa.exc.DBAPIError):  # the connection is given up anyway
            self._transaction.rollback()

    @property
    def _raw(self) -> Any:
        return self.connection.connection.dbapi_connection
