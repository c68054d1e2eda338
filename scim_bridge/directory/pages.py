"""Lists of users and groups, a page at a time: a row is read only if it is shown.

    asked for            | what is read
    ---------------------+---------------------------------------------------------------------------
    the first page       | its rows and one more; they are counted only where that one is there
    a page by its number | a count, the ids up to it from the nearer end of a narrow index, its rows
    a page by a cursor   | its rows, after or before an id: a deep one costs what the first costs

Lists are in the order of creation (the id inside), so that new rows come at the end and no page moves
while others write. A caller that asks for several things in one list opens one transaction: it sees
one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.groups import GROUP_COLUMNS, StoredGroup
from scim_bridge.directory.tables import Group, User
from scim_bridge.directory.users import USER_COLUMNS, StoredUser

Condition = sa.ColumnElement[bool]
R = TypeVar("R", StoredUser, StoredGroup)


@dataclass(frozen=True, slots=True)
class Shelf(Generic[R]):
    """A table as lists read it: ``make`` turns its ``columns`` into a row of ours."""

    table: type[User] | type[Group]
    columns: tuple[Any, ...]
    make: Callable[..., R]

    def count(self, tx: Tx, where: Condition) -> int:
        """How many rows meet ``where``."""
        return tx.execute(sa.select(sa.func.count()).select_from(self.table).where(where)).scalar_one()

    def first(self, tx: Tx, where: Condition, *, limit: int) -> list[R]:
        """At most ``limit`` rows, oldest first."""
        return self._rows(tx, sa.select(*self.columns).where(where).order_by(self.table.id).limit(limit))

    def at(self, tx: Tx, where: Condition, *, offset: int, limit: int, total: int) -> list[R]:
        """At most ``limit`` rows after the first ``offset`` of ``total``, oldest first."""
        count = min(limit, total - offset)
        if count <= 0:
            return []
        key = self.table.id
        left = total - offset - count
        if left < offset:
            ids = sa.select(key).where(where).order_by(key.desc()).limit(count).offset(left).subquery()
        else:
            ids = sa.select(key).where(where).order_by(key).limit(count).offset(offset).subquery()
        return self._rows(tx, sa.select(*self.columns).join(ids, ids.c.id == key).order_by(key))

    def after(self, tx: Tx, where: Condition, *, id: int, limit: int) -> list[R]:
        """At most ``limit`` rows after the row ``id``, oldest first; the row itself may be gone."""
        return self.first(tx, sa.and_(where, self.table.id > id), limit=limit)

    def before(self, tx: Tx, where: Condition, *, id: int | None, limit: int) -> list[R]:
        """The last ``limit`` rows before the row ``id`` (None: of all), oldest first."""
        bound = where if id is None else sa.and_(where, self.table.id < id)
        query = sa.select(*self.columns).where(bound).order_by(self.table.id.desc()).limit(limit)
        return self._rows(tx, query)[::-1]

    def _rows(self, tx: Tx, query: sa.Select[Any]) -> list[R]:
        rows: Sequence[Any] = tx.execute(query).all()
        return [self.make(*row) for row in rows]


USER_SHELF = Shelf(User, USER_COLUMNS, StoredUser)
GROUP_SHELF = Shelf(Group, GROUP_COLUMNS, StoredGroup)
