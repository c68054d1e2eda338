"""Statements over a group's members: every push runs them.

They take lists of any length as one value: ``chosen`` (ids, or values as pushed), beside ``group``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from scim_bridge.db import insert_for
from scim_bridge.directory.keys import bound_numbers, bound_texts
from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User
from scim_bridge.prepared import Prepared

MemberTable = type[Membership] | type[NestedGroup] | type[PendingMember]
_COLUMN = {Membership: "user_id", NestedGroup: "child_id", PendingMember: "value"}
_GROUP: sa.BindParameter[int] = sa.bindparam("group", type_=sa.Integer())


@Prepared
def people_of(dialect: str) -> Any:
    """The people of the users ``chosen``, each once."""
    return sa.select(User.person_id).where(User.id.in_(bound_numbers(dialect, "chosen"))).distinct()


@Prepared
def users_by_scim_id(dialect: str) -> Any:
    """``scim_id, id, source_id, person_id`` of the users whose public id is ``chosen``.

    scim_id is unique by itself; naming the source too would tempt the planner into its index.
    """
    chosen = bound_texts(dialect, "chosen")
    return sa.select(User.scim_id, User.id, User.source_id, User.person_id).where(User.scim_id.in_(chosen))


@Prepared
def groups_by_scim_id(dialect: str) -> Any:
    """``scim_id, id, source_id`` of the groups whose public id is ``chosen``."""
    chosen = bound_texts(dialect, "chosen")
    return sa.select(Group.scim_id, Group.id, Group.source_id).where(Group.scim_id.in_(chosen))


@cache
def by_external_id(table: type[User] | type[Group]) -> Prepared:
    """``external_id, id`` of those of ``source`` whose externalId is ``chosen``."""

    def build(dialect: str) -> Any:
        chosen = bound_texts(dialect, "chosen")
        return sa.select(table.external_id, table.id).where(
            table.source_id == sa.bindparam("source"), table.external_id.in_(chosen)
        )

    return Prepared(build)


@Prepared
def users_in(dialect: str) -> Any:
    """``group_id, scim_id`` of the users in the groups ``chosen``."""
    members = sa.select(Membership.group_id, User.scim_id).join(User, User.id == Membership.user_id)
    return members.where(Membership.group_id.in_(bound_numbers(dialect, "chosen"))).order_by(Membership.user_id)


@Prepared
def groups_in(dialect: str) -> Any:
    """``group_id, scim_id`` of the groups in the groups ``chosen``."""
    members = sa.select(NestedGroup.group_id, Group.scim_id).join(Group, Group.id == NestedGroup.child_id)
    return members.where(NestedGroup.group_id.in_(bound_numbers(dialect, "chosen"))).order_by(NestedGroup.child_id)


@Prepared
def waiting(dialect: str) -> Any:
    """``group_id, value`` of those for whom the groups ``chosen`` wait."""
    members = sa.select(PendingMember.group_id, PendingMember.value)
    return members.where(PendingMember.group_id.in_(bound_numbers(dialect, "chosen"))).order_by(PendingMember.value)


@Prepared
def how_many(_: str) -> Any:
    """A count for each kind of member of the group."""
    tables = (Membership, NestedGroup, PendingMember)
    return sa.union_all(*(sa.select(sa.func.count()).where(table.group_id == _GROUP) for table in tables))


@Prepared
def groups_of(dialect: str) -> Any:
    """``user_id, scim_id, display_name`` of the groups in which the users ``chosen`` are."""
    groups = sa.select(Membership.user_id, Group.scim_id, Group.display_name)
    mine = Membership.user_id.in_(bound_numbers(dialect, "chosen"))
    return groups.join(Group, Group.id == Membership.group_id).where(mine).order_by(Group.id)


@cache
def put(table: type[Membership] | type[NestedGroup]) -> Prepared:
    """Insert the ids ``chosen`` that are not there; answers what was new."""
    column = _COLUMN[table]

    def build(dialect: str) -> Any:
        chosen = bound_numbers(dialect, "chosen").subquery()
        rows = sa.select(_GROUP, chosen.c.value).where(sa.true())
        statement = insert_for(dialect, table).from_select(["group_id", column], rows).on_conflict_do_nothing()
        return statement.returning(getattr(table, column))

    return Prepared(build)


@Prepared
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


@cache
def delete(table: MemberTable, *, spare: bool) -> Prepared:
    """Delete the members ``chosen`` of the group, or with ``spare`` all others; answers who went."""
    column = getattr(table, _COLUMN[table])

    def build(dialect: str) -> Any:
        chosen = (bound_texts if table is PendingMember else bound_numbers)(dialect, "chosen")
        condition = column.not_in(chosen) if spare else column.in_(chosen)
        return sa.delete(table).where(table.group_id == _GROUP, condition).returning(column)

    return Prepared(build)


@cache
def waited_for(table: type[User] | type[Group]) -> Prepared:
    """``source_id, value, id`` of those who are there and waited for all the same, by an externalId of one alone."""
    other = aliased(table)
    twin = sa.exists().where(
        other.source_id == table.source_id, other.external_id == table.external_id, other.id != table.id
    )
    is_meant = sa.or_(
        PendingMember.value == table.scim_id, sa.and_(PendingMember.value == table.external_id, sa.not_(twin))
    )
    chosen = (
        sa.select(PendingMember.source_id, PendingMember.value, table.id)
        .join(table, sa.and_(table.source_id == PendingMember.source_id, is_meant))
        .where(PendingMember.group_id != table.id if table is Group else sa.true())
        .distinct()
    )
    return Prepared(lambda _: chosen)


@Prepared
def bump(dialect: str) -> Any:
    """Raise the versions of the groups ``chosen``, in one order: two who do so for the same groups take turns."""
    chosen: Any = bound_numbers(dialect, "chosen")
    if dialect != "sqlite":
        mine = sa.select(Group.id).where(Group.id.in_(chosen)).order_by(Group.id).with_for_update(key_share=True)
        chosen = sa.select(mine.cte("mine").c.id)
    return sa.update(Group).where(Group.id.in_(chosen)).values(version=Group.version + 1)


@Prepared
def take_waiting(dialect: str) -> Any:
    """Delete who waits in ``source`` under one of the names ``chosen``; answers for which groups."""
    chosen = bound_texts(dialect, "chosen")
    mine = sa.and_(PendingMember.source_id == sa.bindparam("source"), PendingMember.value.in_(chosen))
    return sa.delete(PendingMember).where(mine).returning(PendingMember.group_id)
