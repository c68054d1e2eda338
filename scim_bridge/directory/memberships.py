"""Who is in a group, changed by statements over sets: the cost follows the change, never the group.

A member is a user, a nested group, or an id that nobody has yet. The last is kept as *pending* and
joins when a user or group with it as id or externalId appears in the same source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx, insert
from scim_bridge.directory import member_statements as statements
from scim_bridge.directory.changes import mark_group, mark_people
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.keys import checked, slices
from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User
from scim_bridge.errors import InvalidInput

_RESOLVED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Changed:
    """What a delta changed: users in and out, nested groups in or out, ids kept as pending or dropped."""

    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    pending: int = 0
    people: Mapping[int, int | None] = field(default_factory=dict)  # of users, where they are known

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.children or self.pending)


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is shown. ``kind``: User, Group, or None for an id that nobody has yet."""

    value: str
    kind: str | None


@dataclass(slots=True)
class _Resolved:
    users: dict[int, int | None] = field(default_factory=dict)  # with their people, where those are known
    groups: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def change_members(tx: Tx, source_id: int, group_id: int, delta: MemberDelta, *, now: datetime) -> Changed:
    """Apply ``delta``; the answer names only what really moved. Marking and audit are the caller's.

    Raises InvalidInput for a group that would be in itself.
    """
    new = _resolve(tx, source_id, delta.add)
    if group_id in new.groups:
        raise _in_itself()
    people = new.users
    removed: Sequence[int] = ()
    out: Sequence[int] = ()
    pending = 0
    if delta.replace:
        removed, out, pending = _take(tx, group_id, new, spare=True)
    elif delta.remove:
        old = _resolve(tx, source_id, delta.remove)
        people = new.users | old.users
        removed, out, pending = _take(tx, group_id, old, spare=False)
    added = _put(tx, Membership, group_id, set(new.users))
    into = _put(tx, NestedGroup, group_id, new.groups)
    pending += _keep_pending(tx, source_id, group_id, new.unknown, now=now)
    return Changed(tuple(added), tuple(removed), (*into, *out), pending, people)


def people_of(tx: Tx, user_ids: Sequence[int]) -> list[int]:
    """The people of these users, each once."""
    if not user_ids:
        return []
    return sorted(person_id for (person_id,) in statements.people_of.all(tx, {"chosen": list(user_ids)}))


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
    chosen = {"chosen": list(group_ids)}
    for kind, statement in (("User", statements.users_in), ("Group", statements.groups_in), (None, statements.waiting)):
        for group_id, value in statement.all(tx, chosen):
            found[group_id].append(Member(value, kind))
    return found


def groups_of(tx: Tx, user_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """``{user: [(group's scim id, display name)]}`` of direct memberships."""
    found: dict[int, list[tuple[str, str]]] = {user_id: [] for user_id in user_ids}
    if not user_ids:
        return found
    for user_id, scim_id, name in statements.groups_of.all(tx, {"chosen": list(user_ids)}):
        found[user_id].append((scim_id, name))
    return found


def take_in_waiting(
    tx: Tx, source_id: int, names: Iterable[str | None], *, user_id: int | None = None, child_id: int | None = None
) -> list[int]:
    """Let a user or group that appeared into the groups that waited for one of its ``names``; those groups."""
    values = sorted({name for name in names if name})
    waited = statements.take_waiting.all(tx, {"source": source_id, "chosen": values}) if values else ()
    group_ids = sorted({group_id for (group_id,) in waited})
    if child_id in group_ids:
        raise _in_itself()
    if not group_ids:
        return []
    if user_id is not None:
        _put_many(tx, Membership, [{"group_id": group_id, "user_id": user_id} for group_id in group_ids])
    if child_id is not None:
        _put_many(tx, NestedGroup, [{"group_id": group_id, "child_id": child_id} for group_id in group_ids])
    bump(tx, group_ids)
    return group_ids


def take_in_missed(tx: Tx, *, now: datetime) -> int:
    """Let in whoever came in the very moment in which a group began to wait for them; how many.

    On PostgreSQL two such transactions do not see each other: the one finds nobody waiting, the other nobody there.
    """
    users = statements.waited_for(User).all(tx, {})
    for source_id, value, user_id in users:
        take_in_waiting(tx, source_id, [value], user_id=user_id)
    mark_people(tx, people_of(tx, [user_id for _, _, user_id in users]), now=now)
    children = statements.waited_for(Group).all(tx, {})
    for source_id, value, child_id in children:
        take_in_waiting(tx, source_id, [value], child_id=child_id)
        mark_group(tx, child_id, person_ids=None, now=now)
    return len(users) + len(children)


def bump(tx: Tx, group_ids: Sequence[int]) -> None:
    """Raise the groups' versions: their members moved though nobody wrote to the groups."""
    if group_ids:
        statements.bump.run(tx, {"chosen": list(group_ids)})


def mark_changed(tx: Tx, group_id: int, changed: Changed, *, now: datetime) -> None:
    """One change row for the users that came or went, one more for each nested group."""
    users = (*changed.added, *changed.removed)
    if users:
        people = {changed.people.get(user_id) for user_id in users}
        known = people_of(tx, users) if None in people else sorted(one for one in people if one is not None)
        mark_group(tx, group_id, person_ids=known, now=now)
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


def _in_itself() -> InvalidInput:
    return InvalidInput("a group cannot be a member of itself", advice="leave its own id out of members")


def _resolve(tx: Tx, source_id: int, values: Sequence[str]) -> _Resolved:
    """Ids first, then externalIds; an externalId that several bear stands for nobody."""
    found = _Resolved()
    rest = {checked(value, "members.value") for value in values}
    for some in slices(sorted(rest), _RESOLVED_AT_ONCE):
        for scim_id, user_id, row_source, person_id in statements.users_by_scim_id.all(tx, {"chosen": some}):
            if row_source == source_id:
                found.users[user_id] = person_id
                rest.discard(scim_id)
    if rest:
        for scim_id, child_id, row_source in statements.groups_by_scim_id.all(tx, {"chosen": sorted(rest)}):
            if row_source == source_id:
                found.groups.add(child_id)
                rest.discard(scim_id)
    if rest:
        _resolve_external(tx, source_id, found, rest)
    found.unknown = rest
    return found


def _resolve_external(tx: Tx, source_id: int, found: _Resolved, rest: set[str]) -> None:
    bearers: dict[str, list[tuple[type[User] | type[Group], int]]] = {}
    chosen = {"source": source_id, "chosen": sorted(rest)}
    for table in (User, Group):
        for external_id, row_id in statements.by_external_id(table).all(tx, chosen):
            bearers.setdefault(external_id, []).append((table, row_id))
    for value, owners in bearers.items():
        if len(owners) == 1:
            table, bearer = owners[0]
            if table is User:
                found.users[bearer] = None
            else:
                found.groups.add(bearer)
            rest.discard(value)


def _take(tx: Tx, group_id: int, named: _Resolved, *, spare: bool) -> tuple[Sequence[int], Sequence[int], int]:
    """Delete the members ``named``, or with ``spare`` all others: users, nested groups, how many pending."""
    gone: list[Sequence[Any]] = []
    for table, chosen in (
        (Membership, sorted(named.users)),
        (NestedGroup, sorted(named.groups)),
        (PendingMember, sorted(named.unknown)),
    ):
        is_needed = bool(chosen) or spare
        went = statements.delete(table, spare=spare).all(tx, {"group": group_id, "chosen": chosen}) if is_needed else ()
        gone.append([one for (one,) in went])
    users, children, pending = gone
    return users, children, len(pending)


def _put(tx: Tx, table: type[Membership] | type[NestedGroup], group_id: int, ids: set[int]) -> Sequence[int]:
    """Insert what is not there; the answer is what was new. One statement, however many."""
    if not ids:
        return ()
    return [new for (new,) in statements.put(table).all(tx, {"group": group_id, "chosen": sorted(ids)})]


def _put_many(tx: Tx, table: type[Membership] | type[NestedGroup], rows: list[Mapping[str, int]]) -> None:
    tx.execute(insert(tx, table).on_conflict_do_nothing(), rows)


def _keep_pending(tx: Tx, source_id: int, group_id: int, values: set[str], *, now: datetime) -> int:
    if not values:
        return 0
    chosen = {"group": group_id, "source": source_id, "chosen": sorted(values), "now": now}
    return len(statements.keep_pending.all(tx, chosen))
