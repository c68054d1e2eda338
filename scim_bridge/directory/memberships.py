"""Who is in a group, changed by statements over sets: the cost follows the change, never the group.

A member is a user, a nested group, or an id that nobody has yet. The last is kept as *pending* and
joins when a user or group with it as id or externalId appears in the same source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx, insert
from scim_bridge.directory.changes import mark_group
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.keys import bound_numbers, checked, numbers, texts
from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User


@dataclass(frozen=True, slots=True)
class Changed:
    """What a delta changed: users in and out, nested groups in or out, ids kept as pending or dropped."""

    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    pending: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.children or self.pending)


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is shown. ``kind``: User, Group, or None for an id that nobody has yet."""

    value: str
    kind: str | None


@dataclass(slots=True)
class _Resolved:
    users: set[int] = field(default_factory=set)
    groups: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def change_members(tx: Tx, source_id: int, group_id: int, delta: MemberDelta, *, now: datetime) -> Changed:
    """Apply ``delta``; the answer names only what really moved. Marking and audit are the caller's."""
    new = _resolve(tx, source_id, delta.add)
    removed: Sequence[int] = ()
    out: Sequence[int] = ()
    pending = 0
    if delta.replace:
        keep = numbers(tx, sorted(new.users))
        removed = _delete(tx, Membership.user_id, Membership.group_id == group_id, Membership.user_id.not_in(keep))
        kept = numbers(tx, sorted(new.groups))
        in_group = NestedGroup.group_id == group_id
        out = _delete(tx, NestedGroup.child_id, in_group, NestedGroup.child_id.not_in(kept))
        waiting = PendingMember.value.not_in(texts(tx, sorted(new.unknown)))
        pending = len(_delete(tx, PendingMember.value, PendingMember.group_id == group_id, waiting))
    elif delta.remove:
        removed, out, pending = _remove(tx, group_id, _resolve(tx, source_id, delta.remove))
    added = _put(tx, Membership, group_id, "user_id", new.users)
    into = _put(tx, NestedGroup, group_id, "child_id", new.groups)
    pending += _keep_pending(tx, source_id, group_id, new.unknown, now=now)
    return Changed(tuple(added), tuple(removed), (*into, *out), pending)


def people_of(tx: Tx, user_ids: Sequence[int]) -> list[int]:
    """The people of these users, each once."""
    if not user_ids:
        return []
    return sorted(tx.execute(_people_of(tx.dialect.name), {"users": list(user_ids)}).scalars())


@lru_cache
def _people_of(dialect: str) -> sa.Select[int]:
    return sa.select(User.person_id).where(User.id.in_(bound_numbers(dialect, "users"))).distinct()


def people_in(tx: Tx, group_id: int) -> list[int]:
    """Everybody in the group or in groups nested in it, each once; cycles are harmless."""
    within = sa.select(sa.literal(group_id).label("id")).cte("within", recursive=True)
    within = within.union(sa.select(NestedGroup.child_id).join(within, within.c.id == NestedGroup.group_id))
    query = (
        sa.select(User.person_id)
        .join(Membership, Membership.user_id == User.id)
        .join(within, within.c.id == Membership.group_id)
        .distinct()
    )
    return sorted(tx.execute(query).scalars())


def members_of(tx: Tx, group_ids: Sequence[int]) -> dict[int, list[Member]]:
    """Members of these groups, users first, in a stable order: three statements for any number."""
    found: dict[int, list[Member]] = {group_id: [] for group_id in group_ids}
    if not group_ids:
        return found
    ids = numbers(tx, group_ids)
    users = sa.select(Membership.group_id, User.scim_id).join(User, User.id == Membership.user_id)
    for row in tx.execute(users.where(Membership.group_id.in_(ids)).order_by(Membership.user_id)):
        found[row.group_id].append(Member(row.scim_id, "User"))
    nested = sa.select(NestedGroup.group_id, Group.scim_id).join(Group, Group.id == NestedGroup.child_id)
    for row in tx.execute(nested.where(NestedGroup.group_id.in_(ids)).order_by(NestedGroup.child_id)):
        found[row.group_id].append(Member(row.scim_id, "Group"))
    waiting = sa.select(PendingMember.group_id, PendingMember.value)
    for row in tx.execute(waiting.where(PendingMember.group_id.in_(ids)).order_by(PendingMember.value)):
        found[row.group_id].append(Member(row.value, None))
    return found


def groups_of(tx: Tx, user_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """``{user: [(group's scim id, display name)]}`` of direct memberships."""
    found: dict[int, list[tuple[str, str]]] = {user_id: [] for user_id in user_ids}
    if not user_ids:
        return found
    query = sa.select(Membership.user_id, Group.scim_id, Group.display_name).join(
        Group, Group.id == Membership.group_id
    )
    for row in tx.execute(query.where(Membership.user_id.in_(numbers(tx, user_ids))).order_by(Group.id)):
        found[row.user_id].append((row.scim_id, row.display_name))
    return found


def take_in_waiting(
    tx: Tx, source_id: int, names: Iterable[str | None], *, user_id: int | None = None, child_id: int | None = None
) -> list[int]:
    """Let a user or group that appeared into the groups that waited for one of its ``names``; those groups."""
    values = sorted({name for name in names if name})
    group_ids = sorted(
        set(
            tx.execute(
                sa.delete(PendingMember)
                .where(PendingMember.source_id == source_id, PendingMember.value.in_(values))
                .returning(PendingMember.group_id)
            ).scalars()
        )
    )
    if not group_ids:
        return []
    if user_id is not None:
        _put_many(tx, Membership, [{"group_id": group_id, "user_id": user_id} for group_id in group_ids])
    if child_id is not None:
        _put_many(tx, NestedGroup, [{"group_id": group_id, "child_id": child_id} for group_id in group_ids])
    bump(tx, group_ids)
    return group_ids


def bump(tx: Tx, group_ids: Sequence[int]) -> None:
    """Raise the groups' versions: their members moved though nobody wrote to the groups."""
    if group_ids:
        tx.execute(sa.update(Group).where(Group.id.in_(numbers(tx, group_ids))).values(version=Group.version + 1))


def mark_changed(tx: Tx, group_id: int, changed: Changed, *, now: datetime) -> None:
    """One change row for the users that came or went, one more for each nested group."""
    users = (*changed.added, *changed.removed)
    if users:
        mark_group(tx, group_id, person_ids=people_of(tx, users), now=now)
    for child_id in changed.children:
        mark_group(tx, child_id, person_ids=None, now=now)


def drop_old_pending(tx: Tx, before: datetime) -> int:
    """Forget member ids that waited since before ``before``; how many."""
    rows = tx.execute(
        sa.delete(PendingMember).where(PendingMember.created_at < before).returning(PendingMember.group_id)
    ).scalars()
    group_ids = list(rows)
    bump(tx, sorted(set(group_ids)))
    return len(group_ids)


def _resolve(tx: Tx, source_id: int, values: Sequence[str]) -> _Resolved:
    """Ids first, then externalIds; an externalId that several bear stands for nobody."""
    found = _Resolved()
    rest = {checked(value, "members.value") for value in values}
    for table, ids in ((User, found.users), (Group, found.groups)):
        if not rest:
            return found
        # scim_id is unique by itself; naming the source too would tempt the planner into its index
        by_id = sa.select(table.scim_id, table.id, table.source_id).where(table.scim_id.in_(texts(tx, sorted(rest))))
        for row in tx.execute(by_id):
            if row.source_id == source_id:
                ids.add(row.id)
                rest.discard(row.scim_id)
    if rest:
        _resolve_external(tx, source_id, found, rest)
    found.unknown = rest
    return found


def _resolve_external(tx: Tx, source_id: int, found: _Resolved, rest: set[str]) -> None:
    bearers: dict[str, list[tuple[set[int], int]]] = {}
    for table, ids in ((User, found.users), (Group, found.groups)):
        query = sa.select(table.external_id, table.id).where(
            table.source_id == source_id, table.external_id.in_(texts(tx, sorted(rest)))
        )
        for row in tx.execute(query):
            bearers.setdefault(str(row.external_id), []).append((ids, row.id))
    for value, owners in bearers.items():
        if len(owners) == 1:
            ids, bearer = owners[0]
            ids.add(bearer)
            rest.discard(value)


def _remove(tx: Tx, group_id: int, gone: _Resolved) -> tuple[Sequence[int], Sequence[int], int]:
    users: Sequence[int] = ()
    children: Sequence[int] = ()
    pending: Sequence[str] = ()
    if gone.users:
        chosen = Membership.user_id.in_(numbers(tx, sorted(gone.users)))
        users = _delete(tx, Membership.user_id, Membership.group_id == group_id, chosen)
    if gone.groups:
        chosen = NestedGroup.child_id.in_(numbers(tx, sorted(gone.groups)))
        children = _delete(tx, NestedGroup.child_id, NestedGroup.group_id == group_id, chosen)
    if gone.unknown:
        chosen = PendingMember.value.in_(texts(tx, sorted(gone.unknown)))
        pending = _delete(tx, PendingMember.value, PendingMember.group_id == group_id, chosen)
    return users, children, len(pending)


def _delete(tx: Tx, column: Any, *where: sa.ColumnElement[bool]) -> list[Any]:
    return list(tx.execute(sa.delete(column.class_).where(*where).returning(column)).scalars())


def _put(tx: Tx, table: type[Membership] | type[NestedGroup], group_id: int, column: str, ids: set[int]) -> list[int]:
    """Insert what is not there; the answer is what was new. One statement, however many."""
    if not ids:
        return []
    chosen = numbers(tx, sorted(ids)).subquery()
    rows = sa.select(sa.literal(group_id), chosen.c.value).where(sa.true())
    statement = insert(tx, table).from_select(["group_id", column], rows).on_conflict_do_nothing()
    return list(tx.execute(statement.returning(getattr(table, column))).scalars())


def _put_many(tx: Tx, table: type[Membership] | type[NestedGroup], rows: list[Mapping[str, int]]) -> None:
    tx.execute(insert(tx, table).on_conflict_do_nothing(), rows)


def _keep_pending(tx: Tx, source_id: int, group_id: int, values: set[str], *, now: datetime) -> int:
    if not values:
        return 0
    chosen = texts(tx, sorted(values)).subquery()
    stamp = sa.literal(now, PendingMember.created_at.type)
    rows = sa.select(sa.literal(group_id), chosen.c.value, sa.literal(source_id), stamp).where(sa.true())
    statement = (
        insert(tx, PendingMember)
        .from_select(["group_id", "value", "source_id", "created_at"], rows)
        .on_conflict_do_nothing()
        .returning(PendingMember.value)
    )
    return len(tx.execute(statement).scalars().all())
