"""Statements over a group's members, each built once for a dialect (see ``db``): every push runs them.

They take lists of any length as one bound value: ``chosen`` (ids, or values as pushed), beside ``group``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import insert_for
from scim_bridge.directory.keys import bound_numbers, bound_texts
from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User

MemberTable = type[Membership] | type[NestedGroup] | type[PendingMember]
_COLUMN = {Membership: "user_id", NestedGroup: "child_id", PendingMember: "value"}
_GROUP: sa.BindParameter[int] = sa.bindparam("group", type_=sa.Integer())


@lru_cache
def people_of(dialect: str) -> sa.Select[int]:
    """The people of the users ``chosen``, each once."""
    return sa.select(User.person_id).where(User.id.in_(bound_numbers(dialect, "chosen"))).distinct()


@lru_cache
def by_scim_id(dialect: str, table: type[User] | type[Group]) -> sa.Select[str, int, int]:
    """``scim_id, id, source_id`` of those whose public id is ``chosen``.

    scim_id is unique by itself; naming the source too would tempt the planner into its index.
    """
    chosen = bound_texts(dialect, "chosen")
    return sa.select(table.scim_id, table.id, table.source_id).where(table.scim_id.in_(chosen))


@lru_cache
def by_external_id(dialect: str, table: type[User] | type[Group]) -> sa.Select[Any, int]:
    """``external_id, id`` of those of ``source`` whose externalId is ``chosen``."""
    chosen = bound_texts(dialect, "chosen")
    return sa.select(table.external_id, table.id).where(
        table.source_id == sa.bindparam("source"), table.external_id.in_(chosen)
    )


@lru_cache
def put(dialect: str, table: type[Membership] | type[NestedGroup]) -> Any:
    """Insert the ids ``chosen`` that are not there; answers what was new."""
    column = _COLUMN[table]
    chosen = bound_numbers(dialect, "chosen").subquery()
    rows = sa.select(_GROUP, chosen.c.value).where(sa.true())
    statement = insert_for(dialect, table).from_select(["group_id", column], rows).on_conflict_do_nothing()
    return statement.returning(getattr(table, column))


@lru_cache
def keep_pending(dialect: str) -> Any:
    """Insert the values ``chosen`` of ``source`` that do not wait yet, at ``now``; answers what was new."""
    chosen = bound_texts(dialect, "chosen").subquery()
    stamp = sa.bindparam("now", type_=PendingMember.created_at.type)
    source = sa.bindparam("source", type_=sa.Integer())
    rows = sa.select(_GROUP, chosen.c.value, source, stamp).where(sa.true())
    return (
        insert_for(dialect, PendingMember)
        .from_select(["group_id", "value", "source_id", "created_at"], rows)
        .on_conflict_do_nothing()
        .returning(PendingMember.value)
    )


@lru_cache
def delete(dialect: str, table: MemberTable, *, spare: bool) -> Any:
    """Delete the members ``chosen`` of the group, or with ``spare`` all others; answers who went."""
    column = getattr(table, _COLUMN[table])
    chosen = (bound_texts if table is PendingMember else bound_numbers)(dialect, "chosen")
    condition = column.not_in(chosen) if spare else column.in_(chosen)
    return sa.delete(table).where(table.group_id == _GROUP, condition).returning(column)
