"""One engine at a time on one database: a lock that death releases, whatever kind of death it is.

SQLite: ``flock`` on a file beside the database. A forked child shares the lock, so it is free only when
the last process that serves is gone, and the kernel sees to that. PostgreSQL: a session's advisory lock
on a connection of its own; a restart of the server drops it, so ``keep`` takes it anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from scim_bridge.db import Database
from scim_bridge.errors import Conflict, Transient
from scim_bridge.logs import redact

_KEY = 0x5C1B_0002
_PAUSE_S = 0.05


class _Holder(Protocol):
    def take(self) -> bool: ...
    def keep(self) -> bool: ...
    def release(self) -> None: ...
    def told(self) -> str: ...


class EngineLock:
    """The right to run the engine on ``db``."""

    def __init__(self, db: Database) -> None:
        file = lock_file(db)
        self._holder: _Holder = _FileLock(file) if file else _SessionLock(db)

    def acquire(self, wait_s: float = 0.0) -> None:
        """Take the lock, waiting up to ``wait_s`` for one who is just ending; raises ``Conflict``."""
        deadline_s = time.monotonic() + wait_s
        while not self._holder.take():
            if time.monotonic() >= deadline_s:
                raise Conflict(
                    f"another engine already runs on this database ({self._holder.told()})",
                    advice="stop it first, or serve with --no-engine beside it",
                )
            time.sleep(_PAUSE_S)

    def keep(self) -> bool:
        """Whether the lock is still ours; takes it again where the database server lost it. Call it now and then."""
        return self._holder.keep()

    def release(self) -> None:
        """Give the lock back. Only the process that took it, and only when no child of it serves any more."""
        self._holder.release()


def lock_file(db: Database) -> Path | None:
    """``<database file>.engine.lock``, or None on a server."""
    return db.file.with_name(f"{db.file.name}.engine.lock") if db.file else None


def is_held(db: Database) -> bool:
    """Whether an engine runs on ``db``, in this process or another."""
    if file := lock_file(db):
        return _is_file_held(file)
    return _backend_that_holds(db) is not None


class _FileLock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._fd: int | None = None

    def take(self) -> bool:
        fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd
        return True

    def keep(self) -> bool:
        return self._fd is not None

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def told(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return f"{self._file}, process {int(self._file.read_text())}"
        return str(self._file)


def _is_file_held(file: Path) -> bool:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not see each other as an engine
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


class _SessionLock:
    """``backend`` is the server's process for the session: what a forked child knows the lock by.

    A bare driver connection, not a pool's: a pool would close it when a child ends, and with it the parent's lock.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._session: Any = None
        self._backend: int | None = None

    def take(self) -> bool:
        dialect = self._db.engine.dialect
        arguments, options = dialect.create_connect_args(self._db.url)
        try:
            session: Any = dialect.connect(*arguments, **{"connect_timeout": 3, **options})
            session.autocommit = True
            taken, backend = session.execute("SELECT pg_try_advisory_lock(%s), pg_backend_pid()", (_KEY,)).fetchone()
        except dialect.loaded_dbapi.Error as error:
            line = str(redact(str(error))).strip().partition("\n")[0]
            reason = line.rpartition(" failed: ")[2] or type(error).__name__
            raise Transient(
                f"the database at {self._db.url.host or 'the local socket'}:{self._db.url.port or 5432} "
                f"cannot be used: {reason}",
                advice="start it, or mend DATABASE_URL",
            ) from error
        if taken:
            self._session, self._backend = session, backend
        else:
            session.close()
        return bool(taken)

    def keep(self) -> bool:
        return _backend_that_holds(self._db) == self._backend or self.take()

    def release(self) -> None:
        if self._session is not None:
            # The server notices the end of a session a moment later: whoever asks next must not see the lock.
            with contextlib.suppress(self._db.engine.dialect.loaded_dbapi.Error):
                self._session.execute("SELECT pg_advisory_unlock(%s)", (_KEY,))
            self._session.close()
            self._session = None

    def told(self) -> str:
        return f"{self._db.url.host or 'local'}/{self._db.url.database}"


def _backend_that_holds(db: Database) -> int | None:
    with db.read() as tx:
        pid: int | None = tx.scalar(
            sa.text(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :key "
                "AND classid = 0 AND objsubid = 1 "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"key": _KEY},
        )
        return pid
