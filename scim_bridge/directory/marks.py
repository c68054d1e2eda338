"""How many users a large source has, and which is the 50,001st, without counting them all (PostgreSQL).

PostgreSQL counts 100,000 index entries in 6 to 10 ms, for every page of a list, and an OFFSET costs as much;
SQLite needs 3 ms and is left alone. A counter kept in a row would be exact, too, but all writers would queue for it.
So each process remembers *marks*: the id of every thousandth user. Then a list counts what comes after the last
mark, and a page by its number skips less than a thousand ids.

Marks are exact, not likely. New users come after them, because ids rise. What could make them wrong is seen:

    what                               | how it is seen
    -----------------------------------+--------------------------------------------------------------
    a user was deleted since           | each deletion takes a number of the sequence of deleted_users,
                                       | which shows at once, committed or not
    a smaller id commits later, or a   | marks are made only when nobody is left who took a number of
    deletion that had begun            | either sequence before: such a transaction keeps a lock on it

Marks that are wrong are not used: the list is counted in full, and new ones are made, at most every few seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.directory.tables import DeletedUser, User
from scim_bridge.prepared import Prepared

_LOOKS = 20
"""How often one attempt looks whether those who took a number before have ended; each takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Marks of one source: ``ids`` of every ``step``-th user. ``deletions``: where the sequence stood."""

    step: int
    ids: tuple[int, ...]
    deletions: int

    def total(self, tx: Tx, source_id: int) -> int | None:
        """How many users the source has now; None: the marks are wrong."""
        row = _SINCE.first(tx, {"source": source_id, "last": self.ids[-1]})
        if row is None or row[0] != self.deletions:
            return None
        return len(self.ids) * self.step + int(row[1])

    def before(self, offset: int) -> tuple[int, int]:
        """The last mark among the first ``offset`` users, and how many users lie between."""
        marks = min(offset // self.step, len(self.ids))
        return (self.ids[marks - 1] if marks else 0), offset - marks * self.step


class Marks:
    """The ladders of this process. ``least``: smaller sources are counted faster than they are marked."""

    def __init__(self, db: Database, *, step: int = 1000, least: int = 20_000, pause_s: float = 10.0) -> None:
        self._db = db
        self._step = step
        self._least = least
        self._pause_s = pause_s
        self._ladders: dict[int, Ladder] = {}
        self._wanted: dict[int, float] = {}  # source: not before this moment
        self._lock = Lock()

    def find(self, source_id: int) -> Ladder | None:
        """The ladder of a source, which may have to be made. Ask before the statements that use it."""
        if source_id in self._wanted and self._wanted[source_id] <= time.monotonic() and self._lock.acquire(False):
            try:
                self._make(source_id)
            finally:
                self._lock.release()
        return self._ladders.get(source_id)

    def note(self, source_id: int, ladder: Ladder | None, total: int) -> None:
        """``total`` users were counted, with ``ladder`` or (None) in full: whether a new one is worth making."""
        behind = total - len(ladder.ids) * self._step if ladder else total
        if behind >= self._least and not self._db.is_sqlite:
            self._wanted.setdefault(source_id, 0.0)

    def _make(self, source_id: int) -> None:
        self._wanted[source_id] = time.monotonic() + self._pause_s
        with self._db.read() as tx:
            ((newest, deletions),) = _NOW.all(tx, {"source": source_id})
            if not _are_settled(tx):
                return
            rows = _MARKS.all(tx, {"source": source_id, "newest": newest, "step": self._step})
        ids = tuple(row[0] for row in rows)
        if ids and rows[0][1] == deletions:
            self._ladders[source_id] = Ladder(self._step, ids, deletions)
            del self._wanted[source_id]


def _are_settled(tx: Tx) -> bool:
    """Whether all who had taken a number when this was called have ended."""
    before = {row[0] for row in _TAKERS.all(tx, {})}
    for _ in range(_LOOKS):
        if not before:
            return True
        before &= {row[0] for row in _TAKERS.all(tx, {})}
    return False


def _sequence(table: type[User] | type[DeletedUser]) -> str:
    return f"{table.__tablename__}_id_seq"


def _deletions() -> Any:
    numbers = sa.table(_sequence(DeletedUser), sa.column("last_value", sa.BigInteger()), sa.column("is_called"))
    return sa.select(sa.case((numbers.c.is_called, numbers.c.last_value), else_=0)).scalar_subquery()


_OF_SOURCE = User.source_id == sa.bindparam("source", type_=sa.Integer())


@Prepared
def _SINCE(_: str) -> Any:  # noqa: N802
    later = sa.select(sa.func.count()).where(_OF_SOURCE, User.id > sa.bindparam("last", type_=sa.Integer()))
    return sa.select(_deletions(), later.scalar_subquery())


@Prepared
def _NOW(_: str) -> Any:  # noqa: N802
    newest = sa.select(sa.func.coalesce(sa.func.max(User.id), 0)).where(_OF_SOURCE).scalar_subquery()
    return sa.select(newest, _deletions())


@Prepared
def _TAKERS(_: str) -> Any:  # noqa: N802
    locks = sa.table("pg_locks", *map(sa.column, ("virtualtransaction", "mode", "relation", "database")))
    databases = sa.table("pg_database", sa.column("oid"), sa.column("datname"))
    here = sa.select(databases.c.oid).where(databases.c.datname == sa.func.current_database()).scalar_subquery()
    taken = [sa.func.to_regclass(_sequence(table)) for table in (User, DeletedUser)]
    mode = locks.c.mode == "RowExclusiveLock"
    return sa.select(locks.c.virtualtransaction).where(locks.c.database == here, locks.c.relation.in_(taken), mode)


@Prepared
def _MARKS(_: str) -> Any:  # noqa: N802
    number = sa.func.row_number().over(order_by=User.id).label("number")
    settled = User.id <= sa.bindparam("newest", type_=sa.Integer())
    numbered = sa.select(User.id, number).where(_OF_SOURCE, settled).subquery()
    step = sa.bindparam("step", type_=sa.Integer())
    marks = sa.select(numbered.c.id, _deletions()).where(numbered.c.number % step == 0)
    return marks.order_by(numbered.c.id)
