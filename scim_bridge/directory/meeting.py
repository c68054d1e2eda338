"""What a user who is being created meets, asked in one statement: every create pays for it.

Who was here under the same externalId, whom other sources know under the same address, which groups wait for
them; and the keys that the new rows will have, so that all of them can be sent together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from scim_bridge.db import Tx
from scim_bridge.directory.keys import bound_texts
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import DeletedEmail, DeletedUser, PendingMember, Person, Source, User
from scim_bridge.prepared import Prepared


class Gone(NamedTuple):
    """A deleted user with the same externalId. ``is_same``: userName or an address is the same, too."""

    id: int
    person_id: int
    is_same: bool


class Known(NamedTuple):
    """A person whom other joining sources know under the address. ``is_taken``: this source has a user of theirs."""

    person_id: int
    is_taken: bool


@dataclass(frozen=True, slots=True)
class Meeting:
    """``gone``: the last deleted first. ``waiting``: groups that wait for the externalId."""

    person_key: int
    user_key: int
    gone: Sequence[Gone]
    known: Sequence[Known]
    waiting: Sequence[int]


def meet(
    tx: Tx,
    source: SourceRef,
    *,
    external_id: str | None,
    user_name_key: str,
    addresses: Sequence[str],
    join_key: str | None,
) -> Meeting:
    """Ask for everything that a new user of ``source`` meets. Values are folded but ``external_id``.

    Whether another source joins people is a second old at most: of two that push one new human within the first
    second of the second source's life, neither sees the other.
    """
    if join_key is not None and source.joins and source.has_peers and tx.dialect.name == "postgresql":
        lock_address(tx, join_key)
    rows = _MEET.all(
        tx,
        {
            "source": source.id,
            "external": external_id,
            "name": user_name_key,
            "addresses": list(addresses),
            "key": join_key if source.joins else None,
        },
    )
    found: dict[str, list[tuple[int, int, int]]] = {"keys": [], "gone": [], "known": [], "waits": []}
    for kind, *numbers in rows:
        found[kind].append(tuple(numbers))
    ((person_key, user_key, _),) = found["keys"]
    return Meeting(
        person_key,
        user_key,
        [Gone(one, person, bool(same)) for one, person, same in sorted(found["gone"], reverse=True)],
        [Known(person, bool(taken)) for person, taken, _ in sorted(found["known"])],
        [group for group, _, _ in found["waits"]],
    )


def lock_address(tx: Tx, join_key: str) -> None:
    """Two sources that push one new human at once must see each other (PostgreSQL; SQLite has one writer)."""
    _LOCK.all(tx, {"key": join_key})


@Prepared
def _LOCK(_: str) -> Any:  # noqa: N802
    return sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("key", type_=sa.Text()), 0)))


@Prepared
def _MEET(dialect: str) -> Any:  # noqa: N802
    source: sa.BindParameter[int] = sa.bindparam("source", type_=sa.Integer())
    external: sa.BindParameter[str] = sa.bindparam("external", type_=sa.Text())
    nothing = sa.literal_column("0", sa.Integer())
    same_address = sa.exists().where(
        DeletedEmail.deleted_user_id == DeletedUser.id, DeletedEmail.value_key.in_(bound_texts(dialect, "addresses"))
    )
    is_same = sa.or_(DeletedUser.user_name_key == sa.bindparam("name", type_=sa.Text()), same_address)
    gone = sa.select(_kind("gone"), DeletedUser.id, DeletedUser.person_id, sa.case((is_same, 1), else_=0)).where(
        DeletedUser.source_id == source, DeletedUser.external_id == external
    )
    mine = aliased(User)
    taken = sa.exists().where(mine.person_id == User.person_id, mine.source_id == source)
    known = (
        sa.select(_kind("known"), User.person_id, sa.case((taken, 1), else_=0), nothing)
        .join(Source, Source.id == User.source_id)
        .where(User.join_key == sa.bindparam("key", type_=sa.Text()), User.source_id != source, Source.joins)
        .distinct()
    )
    waits = sa.select(_kind("waits"), PendingMember.group_id, nothing, nothing).where(
        PendingMember.source_id == source, PendingMember.value == external
    )
    keys = sa.select(_kind("keys"), _next_key(dialect, Person), _next_key(dialect, User), nothing)
    return sa.union_all(keys, gone, known, waits)


def _kind(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.Text()).label("kind")


def _next_key(dialect: str, table: type[Person] | type[User]) -> Any:
    """The next key: of the sequence, or under SQLite's one write lock the one that it would choose itself."""
    if dialect == "postgresql":
        return sa.func.nextval(sa.literal_column(f"'{table.__tablename__}_id_seq'"), type_=sa.Integer())
    return sa.select(sa.func.coalesce(sa.func.max(table.id), 0) + 1).scalar_subquery()
