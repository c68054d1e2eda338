"""Find a user or group by the one value that a provider asks for: the commonest request of all.

A filter in general becomes a condition that is put together for the request, a count and a page. ``userName eq
"…"`` needs none of that: one statement that is always the same, one row or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.groups import GROUP_COLUMNS, StoredGroup
from scim_bridge.directory.tables import Group, Membership, User
from scim_bridge.directory.users import USER_COLUMNS, StoredUser
from scim_bridge.folding import fold, name_key
from scim_bridge.prepared import Prepared


@dataclass(frozen=True, slots=True)
class _Key:
    statement: Prepared
    fold: Callable[[str], str]


def find_users(tx: Tx, source_id: int, attribute: str, value: str, *, at_most: int) -> list[StoredUser] | None:
    """Users of the source whose ``attribute`` (folded name) is ``value``, oldest first.

    None: there is no such way for this attribute, or more than ``at_most`` are there; ask in general.
    """
    rows = _rows(tx, _USERS, source_id, attribute, value, at_most)
    return None if rows is None else [StoredUser(*row) for row in rows]


def find_groups(tx: Tx, source_id: int, attribute: str, value: str, *, at_most: int) -> list[StoredGroup] | None:
    """The same for groups."""
    rows = _rows(tx, _GROUPS, source_id, attribute, value, at_most)
    return None if rows is None else [StoredGroup(*row) for row in rows]


def _rows(
    tx: Tx, keys: Mapping[str, _Key], source_id: int, attribute: str, value: str, at_most: int
) -> list[tuple[Any, ...]] | None:
    key = keys.get(attribute)
    if key is None or not value:
        return None
    rows = key.statement.all(tx, {"source": source_id, "key": key.fold(value), "limit": at_most + 1})
    return rows if len(rows) <= at_most else None


def _by(table: type[User] | type[Group], columns: tuple[Any, ...], key: Any) -> Prepared:
    mine = sa.and_(table.source_id == sa.bindparam("source"), key == sa.bindparam("key", type_=sa.Text()))
    chosen = sa.select(*columns).where(mine).order_by(table.id).limit(sa.bindparam("limit", type_=sa.Integer()))
    return Prepared(lambda _: chosen)


_HAS_GROUPS = sa.exists().where(Membership.user_id == User.id).label("has_groups")
_USER_COLUMNS = (*USER_COLUMNS, _HAS_GROUPS)
_USERS: Mapping[str, _Key] = {
    "username": _Key(_by(User, _USER_COLUMNS, User.user_name_key), fold),
    "externalid": _Key(_by(User, _USER_COLUMNS, User.external_id), str),
    "id": _Key(_by(User, _USER_COLUMNS, User.scim_id), str),
}
_GROUPS: Mapping[str, _Key] = {
    "displayname": _Key(_by(Group, GROUP_COLUMNS, Group.display_name_key), name_key),
    "externalid": _Key(_by(Group, GROUP_COLUMNS, Group.external_id), str),
    "id": _Key(_by(Group, GROUP_COLUMNS, Group.scim_id), str),
}
