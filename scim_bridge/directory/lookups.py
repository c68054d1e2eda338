"""The filters that providers send before each create, as conditions built once.

A condition for each form, with bound values; ``find_lookup`` says which form a filter has and what to bind. Statements
made of them can be built once and kept for the life of the process: nothing in them depends on the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from scim_bridge.directory.spots import Condition
from scim_bridge.directory.tables import Group, User, UserEmail
from scim_bridge.filters import Compare, Filter, ValuePath
from scim_bridge.folding import fold, name_key

_SOURCE: sa.BindParameter[int] = sa.bindparam("source", type_=sa.Integer())
_KEY: sa.BindParameter[str] = sa.bindparam("key", type_=sa.Text())
_TEXT: sa.BindParameter[str] = sa.bindparam("text", type_=sa.Text())

_TYPE: sa.BindParameter[str] = sa.bindparam("type", type_=sa.Text())


def has_address(key: str | sa.BindParameter[str], *conditions: Condition) -> Condition:
    """Users with an e-mail address of this folded ``key`` that meets ``conditions``, found by an index."""
    return User.id.in_(sa.select(UserEmail.user_id).where(UserEmail.value_key == key, *conditions))


# SQLite would rather walk the whole source than use the narrow index that was asked for: hence the + 0
_IN_SOURCE = User.source_id + 0 == _SOURCE

USER_LOOKUPS: Mapping[str, Condition] = {
    "username": sa.and_(User.source_id == _SOURCE, User.user_name_key == _KEY),
    "externalid": sa.and_(User.source_id == _SOURCE, User.external_id == _KEY),
    "id": sa.and_(_IN_SOURCE, User.scim_id == _KEY),
    "emails": sa.and_(_IN_SOURCE, has_address(_KEY)),
    "emails.value": sa.and_(_IN_SOURCE, has_address(_KEY)),
    "emails[type].value": sa.and_(_IN_SOURCE, has_address(_KEY, UserEmail.type_key == _TYPE)),
}
"""By lower-case attribute; bound are ``source`` (a source's id) and ``key``, in the last one ``type`` too."""

GROUP_LOOKUPS: Mapping[str, Condition] = {
    "displayname": sa.and_(
        Group.source_id == _SOURCE,
        Group.display_name_key == _KEY,
        sa.func.scim_fold(Group.display_name) == _TEXT,
    ),
    "externalid": sa.and_(Group.source_id == _SOURCE, Group.external_id == _KEY),
    "id": sa.and_(Group.source_id + 0 == _SOURCE, Group.scim_id == _KEY),
}
"""The same; ``displayname`` binds ``text`` too."""

_KEYS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "username": lambda value: {"key": fold(value)},
    "externalid": lambda value: {"key": value},
    "id": lambda value: {"key": value},
    "emails": lambda value: {"key": fold(value)},
    "emails.value": lambda value: {"key": fold(value)},
    "displayname": lambda value: {"key": name_key(value), "text": fold(value)},
}


@dataclass(frozen=True, slots=True)
class Lookup:
    """``name`` of a condition, and what it binds beside ``source``."""

    name: str
    bound: Mapping[str, str]


def find_lookup(filter: Filter | None, lookups: Mapping[str, Condition]) -> Lookup | None:
    """The one of ``lookups`` that ``filter`` is: a single equality without URN. None for all other filters."""
    if isinstance(filter, ValuePath):
        return _in_element(filter, lookups)
    value = _equal(filter)
    if value is None or not isinstance(filter, Compare):
        return None
    path = filter.path
    name = path.name.lower() if path.sub is None else f"{path.name}.{path.sub}".lower()
    return Lookup(name, _KEYS[name](value)) if name in lookups else None


def _in_element(filter: ValuePath, lookups: Mapping[str, Condition]) -> Lookup | None:
    """``emails[type eq "work"].value eq "a@b.c"``: by this Entra finds users, if told so."""
    kind, value = _equal(filter.where, "type"), _equal(filter.test, "value")
    name = f"{filter.path.name.lower()}[type].value"
    if kind is None or value is None or filter.path.urn is not None or name not in lookups:
        return None
    return Lookup(name, {"key": fold(value), "type": fold(kind)})


def _equal(filter: Filter | None, name: str | None = None) -> str | None:
    """The text that an attribute without URN, or this one, must equal."""
    if not isinstance(filter, Compare) or filter.op != "eq" or not isinstance(filter.value, str):
        return None
    if filter.path.urn is not None or (name is not None and filter.path.name.lower() != name):
        return None
    return filter.value
