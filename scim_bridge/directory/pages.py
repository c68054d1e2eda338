"""Lists of users and groups, a page at a time: a row is read only if it is shown.

    asked for            | what is read
    ---------------------+------------------------------------------------------------------------------
    the first page       | its rows and one more; they are counted only where that one is there
    a page by its number | a count; ids of a narrow index, from the nearer end or mark, up to it; its rows
    a page by a cursor   | its rows, after or before an id: a deep one costs what the first costs

Lists are in the order of creation (the id inside), so that new rows come at the end and no page moves
while others write. Lists of everything use statements that are built once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.groups import GROUP_COLUMNS, StoredGroup
from scim_bridge.directory.lookups import GROUP_LOOKUPS, USER_LOOKUPS, Lookup, find_lookup
from scim_bridge.directory.marks import Ladder
from scim_bridge.directory.tables import Group, Membership, User
from scim_bridge.directory.users import USER_COLUMNS, StoredUser
from scim_bridge.filters import Filter
from scim_bridge.prepared import Prepared

Condition = sa.ColumnElement[bool]
R = TypeVar("R", StoredUser, StoredGroup)
_SOURCE: sa.BindParameter[int] = sa.bindparam("source", type_=sa.Integer())
_ID: sa.BindParameter[int] = sa.bindparam("id", type_=sa.Integer())
_LIMIT: sa.BindParameter[int] = sa.bindparam("limit", type_=sa.Integer())
_OFFSET: sa.BindParameter[int] = sa.bindparam("offset", type_=sa.Integer())


@dataclass(frozen=True, slots=True)
class Scope:
    """What is listed: the rows of a source that meet ``where``; None: all of them, with a ladder if there is one."""

    source_id: int
    where: Condition | None = None
    ladder: Ladder | None = None


class Shelf(Generic[R]):
    """A table as lists read it: ``make`` turns its ``columns`` into a row of ours."""

    def __init__(
        self,
        table: type[User] | type[Group],
        columns: tuple[Any, ...],
        make: Callable[..., R],
        lookups: Mapping[str, Condition],
        *more: Any,
    ) -> None:
        """``lookups``: conditions by which rows are found at once, with the columns ``more`` beside the others."""
        self._table = table
        self._columns = columns
        self._make: Callable[..., R] = make
        of_source = table.source_id == _SOURCE
        self._lookups = lookups
        self._found = {name: Prepared(self._finding(where, more)) for name, where in lookups.items()}
        self._count = Prepared(lambda _: self._counted(of_source))
        self._after = Prepared(lambda _: self._following(of_source, _ID, _LIMIT))
        self._before = Prepared(lambda _: self._leading(of_source, _ID, _LIMIT))
        self._skip = Prepared(lambda _: self._skipping(of_source, _ID, _OFFSET, _LIMIT))
        self._skip_back = Prepared(lambda _: self._skipping_back(of_source, _OFFSET, _LIMIT))

    def lookup(self, filter: Filter) -> Lookup | None:
        """What ``find`` needs to answer ``filter`` at once; None: only a condition can."""
        return find_lookup(filter, self._lookups)

    def find(self, tx: Tx, source_id: int, lookup: Lookup, *, limit: int) -> list[R]:
        """At most ``limit`` rows of the source with this key, oldest first: one statement that is always the same."""
        return self._made(self._found[lookup.name].all(tx, {"source": source_id, "limit": limit, **lookup.bound}))

    def count(self, tx: Tx, scope: Scope) -> int:
        """How many rows there are."""
        if scope.where is not None:
            return int(tx.execute(self._counted(scope.where)).scalar_one())
        ((total,),) = self._count.all(tx, {"source": scope.source_id})
        return int(total)

    def after(self, tx: Tx, scope: Scope, *, id: int, limit: int) -> list[R]:
        """At most ``limit`` rows after the row ``id`` (0: from the first), oldest first; that row may be gone."""
        if scope.where is None:
            return self._made(self._after.all(tx, {"source": scope.source_id, "id": id, "limit": limit}))
        return self._made(tx.execute(self._following(scope.where, id, limit)))

    def before(self, tx: Tx, scope: Scope, *, id: int, limit: int) -> list[R]:
        """The last ``limit`` rows before the row ``id``, oldest first."""
        if scope.where is None:
            return self._made(self._before.all(tx, {"source": scope.source_id, "id": id, "limit": limit}))[::-1]
        return self._made(tx.execute(self._leading(scope.where, id, limit)))[::-1]

    def at(self, tx: Tx, scope: Scope, *, offset: int, limit: int, total: int) -> list[R]:
        """At most ``limit`` rows after the first ``offset`` of ``total``, oldest first."""
        count = min(limit, total - offset)
        if count <= 0:
            return []
        start, skipped = scope.ladder.before(offset) if scope.ladder else (0, offset)
        left = total - offset - count
        if scope.where is not None:
            if left < skipped:
                return self._made(tx.execute(self._skipping_back(scope.where, left, count)))
            return self._made(tx.execute(self._skipping(scope.where, start, skipped, count)))
        values = {"source": scope.source_id, "limit": count}
        if left < skipped:
            return self._made(self._skip_back.all(tx, {**values, "offset": left}))
        return self._made(self._skip.all(tx, {**values, "id": start, "offset": skipped}))

    def _made(self, rows: Any) -> list[R]:
        return [self._make(*row) for row in rows]

    def _finding(self, where: Condition, more: tuple[Any, ...]) -> Callable[[str], sa.Select[Any]]:
        chosen = sa.select(*self._columns, *more).where(where).order_by(self._table.id).limit(_LIMIT)
        return lambda _: chosen

    def _counted(self, where: Condition) -> sa.Select[Any]:
        return sa.select(sa.func.count()).select_from(self._table).where(where)

    def _following(self, where: Condition, id: Any, limit: Any) -> sa.Select[Any]:
        key = self._table.id
        return sa.select(*self._columns).where(where, key > id).order_by(key).limit(limit)

    def _leading(self, where: Condition, id: Any, limit: Any) -> sa.Select[Any]:
        key = self._table.id
        return sa.select(*self._columns).where(where, key < id).order_by(key.desc()).limit(limit)

    def _skipping(self, where: Condition, id: Any, offset: Any, limit: Any) -> sa.Select[Any]:
        key = self._table.id
        return self._of(sa.select(key).where(where, key > id).order_by(key).offset(offset).limit(limit))

    def _skipping_back(self, where: Condition, offset: Any, limit: Any) -> sa.Select[Any]:
        key = self._table.id
        return self._of(sa.select(key).where(where).order_by(key.desc()).offset(offset).limit(limit))

    def _of(self, chosen: sa.Select[Any]) -> sa.Select[Any]:
        """The rows of the chosen ids: what was skipped was read from the index alone."""
        ids = chosen.subquery()
        return sa.select(*self._columns).join(ids, ids.c.id == self._table.id).order_by(self._table.id)


_HAS_GROUPS = sa.exists().where(Membership.user_id == User.id)
USER_SHELF = Shelf(User, USER_COLUMNS, StoredUser, USER_LOOKUPS, _HAS_GROUPS)
GROUP_SHELF = Shelf(Group, GROUP_COLUMNS, StoredGroup, GROUP_LOOKUPS)
