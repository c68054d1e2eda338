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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.groups import GROUP_COLUMNS, StoredGroup
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.lookups import GROUP_LOOKUPS, USER_LOOKUPS, Lookup, find_lookup
from scim_bridge.directory.marks import Ladder
from scim_bridge.directory.ordering import Order
from scim_bridge.directory.spots import Condition, Expression
from scim_bridge.directory.tables import Group, User
from scim_bridge.directory.user_groups import GROUPS
from scim_bridge.directory.users import USER_COLUMNS, StoredUser
from scim_bridge.filters import Filter
from scim_bridge.prepared import Prepared

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


@dataclass(frozen=True, slots=True)
class Sorting:
    """An order by ``key``, rows without one last (first if descending); None: no row has one. Ties go by age."""

    key: Expression | None
    descending: bool

    @classmethod
    def of(cls, order: Order, *, descending: bool) -> Sorting:
        """The sorting whose ascending ``Order`` this is."""
        key: Any = order[0]
        while isinstance(key, sa.UnaryExpression) and key.modifier is not None:
            key = key.element
        return cls(key, descending)

    def order(self, id: Any, *, back: bool = False) -> tuple[Expression, ...]:
        """For ORDER BY; ``back``: from the end to the beginning."""
        if self.key is None:
            return (id.desc() if self.descending != back else id.asc(),)
        if self.descending != back:
            return self.key.desc().nulls_first(), id.desc()
        return self.key.asc().nulls_last(), id.asc()

    def beyond(self, id_column: Any, key: Any, id: int, *, back: bool) -> Condition:
        """Rows that come after (``back``: before) the row ``id`` that has ``key``."""
        if self.key is None:
            raise AssertionError("a list of one type is sorted by what it has")
        is_down = self.descending != back
        later = id_column < id if is_down else id_column > id
        if key is None:
            tied = sa.and_(self.key.is_(None), later)
            return sa.or_(self.key.is_not(None), tied) if is_down else tied
        value = sa.literal(key, self.key.type)
        tied = sa.and_(self.key == value, later)
        return sa.or_(self.key < value, tied) if is_down else sa.or_(self.key > value, self.key.is_(None), tied)


class Shelf(Generic[R]):
    """A table as lists read it: ``make`` turns its ``columns`` into a row of ours.

    ``lookups`` are conditions that find a row by a key; ``more`` are columns that only such rows are worth.
    """

    def __init__(
        self,
        table: type[User] | type[Group],
        columns: tuple[Any, ...],
        make: Callable[..., R],
        lookups: Mapping[str, Condition],
        *more: Any,
    ) -> None:
        self._table = table
        self._columns = columns
        self._make: Callable[..., R] = make
        of_source = table.source_id == _SOURCE
        self._count = Prepared(lambda _: self._counted(of_source))
        self._after = Prepared(lambda _: self._following(of_source, _ID, _LIMIT))
        self._before = Prepared(lambda _: self._leading(of_source, _ID, _LIMIT))
        self._skip = Prepared(lambda _: self._skipping(of_source, _ID, _OFFSET, _LIMIT))
        self._skip_back = Prepared(lambda _: self._skipping_back(of_source, _OFFSET, _LIMIT))
        self._lookups = lookups
        found = sa.select(*columns, *more).order_by(table.id).limit(_LIMIT)
        self._found = {name: _prepared(found.where(condition)) for name, condition in lookups.items()}

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

    def lookup(self, filter: Filter) -> Lookup | None:
        """What ``find`` needs to answer ``filter`` at once; None: only a condition can."""
        return find_lookup(filter, self._lookups)

    def find(self, tx: Tx, source_id: int, lookup: Lookup, *, limit: int) -> list[R]:
        """At most ``limit`` rows of the source with this key, oldest first: one statement that is always the same."""
        return self._made(self._found[lookup.name].all(tx, {"source": source_id, "limit": limit, **lookup.bound}))

    def of_ids(self, tx: Tx, ids: Sequence[int]) -> list[R]:
        """The rows of these ids, in no order."""
        if not ids:
            return []
        return self._made(tx.execute(sa.select(*self._columns).where(self._table.id.in_(numbers(tx, ids)))))

    def sorted_from(
        self, tx: Tx, scope: Scope, sorting: Sorting, *, id: int | None, back: bool, limit: int
    ) -> list[R] | None:
        """At most ``limit`` rows after (``back``: before) the row ``id`` in this order; id None: the first ones.

        None: there is no such row any more.
        """
        key = self._table.id
        query = sa.select(*self._columns).where(self._within(scope)).limit(limit)
        if id is not None and sorting.key is not None:
            of_source = self._table.source_id == scope.source_id
            place = tx.execute(sa.select(sorting.key).where(key == id, of_source)).one_or_none()
            if place is None:
                return None
            query = query.where(sorting.beyond(key, place[0], id, back=back))
        rows = self._made(tx.execute(query.order_by(*sorting.order(key, back=back))))
        return rows[::-1] if back else rows

    def branch(self, scope: Scope, sorting: Sorting, number: int) -> sa.Select[Any]:
        """``part, id, key`` of every row, for an order over several tables."""
        key = sa.cast(sa.null(), sa.Text()) if sorting.key is None else sorting.key
        columns = sa.literal(number, sa.Integer()).label("part"), self._table.id.label("id"), key.label("key")
        return sa.select(*columns).where(self._within(scope))

    def _within(self, scope: Scope) -> Condition:
        return self._table.source_id == scope.source_id if scope.where is None else scope.where

    def _made(self, rows: Any) -> list[R]:
        return [self._make(*row) for row in rows]

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


@dataclass(frozen=True, slots=True)
class Branch:
    """One table of an order over several."""

    shelf: Shelf[Any]
    scope: Scope
    sorting: Sorting


def sorted_ids(tx: Tx, branches: Sequence[Branch], *, offset: int, limit: int) -> list[tuple[int, int]]:
    """``(branch, id)`` of at most ``limit`` rows after the first ``offset``, in the order of all branches."""
    parts = [one.shelf.branch(one.scope, one.sorting, number) for number, one in enumerate(branches)]
    every = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    order = Sorting(every.c.key, branches[0].sorting.descending).order(every.c.id)
    is_down = branches[0].sorting.descending
    by_part = every.c.part.desc() if is_down else every.c.part.asc()
    query = sa.select(every.c.part, every.c.id).order_by(order[0], by_part, order[1]).limit(limit).offset(offset)
    return [(row.part, row.id) for row in tx.execute(query)]


def _prepared(statement: Any) -> Prepared:
    return Prepared(lambda _: statement)


USER_SHELF = Shelf(User, USER_COLUMNS, StoredUser, USER_LOOKUPS, GROUPS)
GROUP_SHELF = Shelf(Group, GROUP_COLUMNS, StoredGroup, GROUP_LOOKUPS)
