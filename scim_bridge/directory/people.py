"""People, read: as the rules see them (``load_people``) and as operators ask for them (``find_people``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import bound_numbers, numbers
from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.directory.tables import (
    DeletedEmail,
    DeletedUser,
    Group,
    Membership,
    NestedGroup,
    Person,
    Source,
    User,
    UserEmail,
)
from scim_bridge.folding import fold
from scim_bridge.prepared import Prepared


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person for lists. ``user_names`` and ``sources`` go together.

    Where every user is deleted they are the deleted ones', case-folded.
    """

    id: int
    user_names: tuple[str, ...]
    sources: tuple[str, ...]
    active: bool


def load_people(tx: Tx, person_ids: Sequence[int]) -> dict[int, PersonFact]:
    """People with users, documents and groups (nested ones included); two statements for any number.

    Ids that nobody has are left out. Cycles of nested groups are harmless. A probe's users are not shown, so that
    its people have none: rules give them nothing.
    """
    if not person_ids:
        return {}
    chosen = {"people": list(person_ids)}
    known: dict[tuple[Any, ...], GroupFact] = {}  # a group of many is one object
    groups: dict[int, list[GroupFact]] = {}
    for user_id, *group in _groups_of.all(tx, chosen):
        key = tuple(group)
        fact = known.get(key)
        if fact is None:
            fact = known[key] = GroupFact(*group)
        groups.setdefault(user_id, []).append(fact)
    users: dict[int, list[UserFact]] = {}
    for person_id, user_id, source_id, source, active, document in _users_of.all(tx, chosen):
        facts = users.setdefault(person_id, [])
        if source is not None:
            facts.append(UserFact(user_id, source_id, source, active, document, tuple(groups.get(user_id, ()))))
    return {person_id: PersonFact(person_id, tuple(facts)) for person_id, facts in users.items()}


@Prepared
def _users_of(dialect: str) -> Any:
    """Users of ``people`` with their sources."""
    return (
        sa.select(Person.id, User.id, User.source_id, Source.name, User.active, User.document)
        .outerjoin(User, User.person_id == Person.id)
        .outerjoin(Source, sa.and_(Source.id == User.source_id, ~Source.is_probe))
        .where(Person.id.in_(bound_numbers(dialect, "people")))
        .order_by(Person.id, User.id)
    )


@Prepared
def _groups_of(dialect: str) -> Any:
    """Groups by user of ``people``, with those that their groups are in."""
    direct = (
        sa.select(Membership.user_id, Membership.group_id)
        .join(User, User.id == Membership.user_id)
        .where(User.person_id.in_(bound_numbers(dialect, "people")))
    )
    holds = direct.cte("holds", recursive=True)
    holds = holds.union(
        sa.select(holds.c.user_id, NestedGroup.group_id).join(NestedGroup, NestedGroup.child_id == holds.c.group_id)
    )
    return (
        sa.select(
            holds.c.user_id,
            Group.id,
            Group.scim_id,
            Group.external_id,
            Group.display_name,
            Group.display_name_key,
        )
        .join(Group, Group.id == holds.c.group_id)
        .order_by(holds.c.user_id, Group.id)
    )


def name_of(person: PersonFact) -> str | None:
    """The same name as ``user_names`` gives, of somebody who was read; None: every user is deleted."""
    first = min(person.users, key=lambda user: (not user.active, user.id), default=None)
    return None if first is None else str(first.document["userName"])


def user_names(tx: Tx, person_ids: Sequence[int]) -> dict[int, str]:
    """A name to show for each person: the userName of an active user if there is one.

    Where every user is deleted: the case-folded userName of the last one.
    """
    rows = tx.execute(
        sa.select(User.person_id, User.document)
        .where(User.person_id.in_(numbers(tx, person_ids)))
        .order_by(User.active, User.id.desc())
    )
    names = {row.person_id: str(row.document["userName"]) for row in rows}
    deleted = _deleted(tx, [person_id for person_id in person_ids if person_id not in names])
    return {person_id: users[-1][0] for person_id, users in deleted.items()} | names


def find_people(tx: Tx, text: str) -> list[PersonView]:
    """Everybody whom ``text`` may mean: ``p<id>``, a user's SCIM id, userName or e-mail address, in any case.

    Deleted users count as well: whoever asks about a leaver has only their old name.
    """
    key = fold(text.strip())
    found = set(tx.execute(_BY_TEXT, {"key": key}).scalars())
    if re.fullmatch(r"p[0-9]{1,9}", key):
        found.add(int(key[1:]))
    found.difference_update(tx.execute(_OF_PROBES).scalars())
    people = load_people(tx, sorted(found))
    deleted = _deleted(tx, [person.id for person in people.values() if not person.users])
    return [_view(person, deleted.get(person.id, [])) for _, person in sorted(people.items())]


_BY_TEXT = sa.union(  # one indexed look-up each
    sa.select(User.person_id).where(User.user_name_key == sa.bindparam("key")),
    sa.select(User.person_id).where(User.scim_id == sa.bindparam("key")),
    sa.select(User.person_id)
    .join(UserEmail, UserEmail.user_id == User.id)
    .where(UserEmail.value_key == sa.bindparam("key")),
    sa.select(DeletedUser.person_id).where(DeletedUser.user_name_key == sa.bindparam("key")),
    sa.select(DeletedUser.person_id).where(DeletedUser.scim_id == sa.bindparam("key")),
    sa.select(DeletedUser.person_id)
    .join(DeletedEmail, DeletedEmail.deleted_user_id == DeletedUser.id)
    .where(DeletedEmail.value_key == sa.bindparam("key")),
)


_OF_PROBES = sa.union(
    sa.select(User.person_id).join(Source, Source.id == User.source_id).where(Source.is_probe),
    sa.select(DeletedUser.person_id).join(Source, Source.id == DeletedUser.source_id).where(Source.is_probe),
)


def _view(person: PersonFact, deleted: list[tuple[str, str]]) -> PersonView:
    users = [(str(user.document["userName"]), user.source) for user in person.users] or deleted
    return PersonView(
        person.id, tuple(name for name, _ in users), tuple(source for _, source in users), not person.is_disabled
    )


def _deleted(tx: Tx, person_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """``{person: [(user name key, source)]}`` of deleted users, the last deleted last."""
    found: dict[int, list[tuple[str, str]]] = {}
    if not person_ids:
        return found
    query = (
        sa.select(DeletedUser.person_id, DeletedUser.user_name_key, Source.name)
        .join(Source, Source.id == DeletedUser.source_id)
        .where(DeletedUser.person_id.in_(numbers(tx, person_ids)))
        .order_by(DeletedUser.id)
    )
    for person_id, name, source in tx.execute(query):
        found.setdefault(person_id, []).append((name, source))
    return found
