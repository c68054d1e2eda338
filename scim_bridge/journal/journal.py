"""Where entries go in: a write's with its commit, all others within a second.

    a request that ...            | its entry                          | after kill -9
    ------------------------------+------------------------------------+------------------------
    wrote                         | is part of the same transaction    | is there if the write is
    read, was refused, failed     | waits here, is flushed each second | the last second is lost
    had no valid token, or was    | none: it belongs to no source, and |
      turned away at the door     |   a flood must fill nothing        |

Reads must not become writes: a flush is one statement for all that wait. While the database is away they wait,
within bounds; what finds no room is counted, and the first entry after the gap says how many there were.
The thread that flushes begins with the first entry that waits: after any fork, in the process that serves.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.journal.entry import Asked, Entry, short_method, subject_of, to_us
from scim_bridge.journal.hidden import NOTHING_HIDDEN, Hidden
from scim_bridge.journal.pack import pack
from scim_bridge.journal.redact import KEPT_BYTES, redact_body, redact_target
from scim_bridge.journal.tables import RequestRow
from scim_bridge.prepared import insert_of

_EVERY_S = 1.0
_AT_ONCE = 2_000  # rows a flush: some 20 ms, and no writer waits longer for it
_MOST_ENTRIES = 20_000
_MOST_BYTES = 16 * 1024 * 1024
_ENTRY_BYTES = 400  # what one takes in memory beside its bodies
log = logging.getLogger(__name__)


class Journal:
    """The journal of one process; ``hidden`` is kept out of it beside passwords and other secrets."""

    def __init__(self, db: Database, hidden: Hidden = NOTHING_HIDDEN) -> None:
        self._db = db
        self._hidden = hidden
        self._pid: int | None = None  # of the process whose thread flushes
        self._begin()

    def body(self, raw: bytes | None) -> bytes | None:
        """The body of a write as it is kept; done before the transaction, so that nobody waits for it."""
        return self._kept(raw, is_json=True) if raw else None

    def enter(
        self,
        tx: Tx,
        asked: Asked,
        *,
        at: datetime,
        source_id: int,
        status: int,
        location: str | None,
        size: int,
        body: bytes | None,
    ) -> None:
        """Add the entry of a write to its transaction; ``location`` is that of what it made."""
        target = asked.target
        entry = Entry(
            to_us(at),
            source_id,
            asked.request_id,
            asked.method,
            redact_target(target, self._hidden),
            status,
            asked.took_us(),
            subject_of(target, location),
            size if body else None,
            body,
            None,
        )
        _ENTER.later(tx, entry._asdict())

    def note(
        self, asked: Asked, *, at: datetime, source_id: int, status: int, raw: bytes | None, answer: str | None
    ) -> None:
        """Keep an entry that is part of no transaction: flushed within a second. ``answer``: an error's body."""
        entry = Entry(
            to_us(at),
            source_id,
            asked.request_id,
            short_method(asked.method),
            redact_target(asked.target, self._hidden),
            status,
            asked.took_us(),
            subject_of(asked.target, None),
            len(raw) if raw else None,
            self._kept(raw, is_json=False) if raw else None,
            self._kept(answer.encode("utf-8", "replace"), is_json=False) if answer else None,
        )
        if self._pid != os.getpid():
            self._start()
        self._keep(entry)

    def flush(self) -> None:
        """Write down what waits; while the database is away it goes on waiting."""
        while batch := self._take():
            try:
                with self._db.write() as tx:
                    _insert_all(tx, batch)
            except Exception as error:
                if self._is_away(error):
                    self._give_back(batch)
                    log.warning("journal.waits", extra={"cause": type(error).__name__, "entries": len(self._waiting)})
                    return
                self._give_up(batch)
                log.exception("journal.flush_broke", extra={"entries": len(batch)})

    def close(self) -> None:
        """Flush for the last time; the thread ends."""
        if self._pid != os.getpid():
            return
        atexit.unregister(self.close)
        self._ended.set()
        self._thread.join(timeout=5.0)
        self._pid = None
        self.flush()

    def _kept(self, raw: bytes, *, is_json: bool) -> bytes:
        return pack(redact_body(raw, is_json=is_json, hidden=self._hidden), is_cut=len(raw) > KEPT_BYTES)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Entry] = deque()
        self._bytes = 0
        self._lost = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def _start(self) -> None:
        """In this process for the first time; what a fork copied is the parent's to write down."""
        with _starting:
            if self._pid != os.getpid():
                self._begin()
                self._thread.start()
                atexit.register(self.close)
                self._pid = os.getpid()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self.flush()

    def _is_away(self, error: Exception) -> bool:
        """Whether the same rows may go in later; COPY's errors come from the driver itself."""
        driver = self._db.engine.dialect.loaded_dbapi
        cause = getattr(error, "orig", error)
        return isinstance(cause, driver.OperationalError | driver.InterfaceError | sa.exc.TimeoutError)

    def _keep(self, entry: Entry) -> None:
        with self._lock:
            self._waiting.append(entry)
            self._bytes += _bytes_of(entry)
            while self._bytes > _MOST_BYTES or len(self._waiting) > _MOST_ENTRIES:
                self._drop()

    def _drop(self) -> None:
        """The oldest goes: what matters is what happens now. Under the lock."""
        oldest = self._waiting.popleft()
        self._bytes -= _bytes_of(oldest)
        if not self._lost:
            log.warning("journal.loses")
        self._lost += 1 + (oldest.lost or 0)

    def _take(self) -> list[Entry]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            self._bytes -= sum(map(_bytes_of, batch))
            if batch and self._lost:
                log.error("journal.lost", extra={"entries": self._lost})
                batch[0] = batch[0]._replace(lost=self._lost + (batch[0].lost or 0))
                self._lost = 0
            return batch

    def _give_back(self, batch: list[Entry]) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(batch))
            self._bytes += sum(map(_bytes_of, batch))
            while self._bytes > _MOST_BYTES or len(self._waiting) > _MOST_ENTRIES:
                self._drop()

    def _give_up(self, batch: list[Entry]) -> None:
        with self._lock:
            self._lost += sum(1 + (entry.lost or 0) for entry in batch)


_starting = threading.Lock()


def _bytes_of(entry: Entry) -> int:
    return _ENTRY_BYTES + len(entry.target) + len(entry.body or b"") + len(entry.answer or b"")


def _insert_all(tx: Tx, entries: Sequence[Entry]) -> None:
    if tx.dialect.name != "postgresql":
        tx.exec_driver_sql(_INSERT, list(entries))
        return
    cursor: Any = tx.connection.cursor()
    with cursor, cursor.copy(_COPY) as copy:  # half the cost of INSERT, on both sides
        for entry in entries:
            copy.write_row(entry)


_COLUMNS = ", ".join(Entry._fields)
_COPY = f"COPY requests ({_COLUMNS}) FROM STDIN"
_ENTER = insert_of(RequestRow, *Entry._fields)
_INSERT = f"INSERT INTO requests ({_COLUMNS}) VALUES ({', '.join('?' * len(Entry._fields))})"  # noqa: S608
