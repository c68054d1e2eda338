"""A filter tree as an SQL condition, for the attributes that have a column or an index of their own.

Every condition here is true or false, never NULL: ``not`` then means the opposite, as SCIM wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User, UserEmail
from scim_bridge.filters import (
    And,
    AttributePath,
    Compare,
    Filter,
    InvalidFilter,
    Not,
    Or,
    Present,
    Value,
    ValuePath,
    attribute_paths,
)
from scim_bridge.folding import fold, name_key

Condition = sa.ColumnElement[bool]
_Column = InstrumentedAttribute[Any]
_Build = Callable[[str, Value], Condition]

_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"
_CORE = {"User": "urn:ietf:params:scim:schemas:core:2.0:user", "Group": "urn:ietf:params:scim:schemas:core:2.0:group"}
_BY_SOURCE = frozenset({"username", "externalid", "displayname"})


def user_condition(source_id: int, filter: Filter | None) -> Condition:
    """The users of a source that meet ``filter``; raises InvalidFilter where it asks for what is not indexed."""
    return _condition("User", User.source_id, source_id, filter, _USER)


def group_condition(source_id: int, filter: Filter | None) -> Condition:
    """The groups of a source that meet ``filter``; raises InvalidFilter likewise."""
    return _condition("Group", Group.source_id, source_id, filter, _GROUP)


def _condition(
    kind: str, column: _Column, source_id: int, filter: Filter | None, known: Mapping[str, _Build]
) -> Condition:
    if filter is None:
        return column == source_id
    names = {path.name.lower() for path in attribute_paths(filter)}
    if not names & _BY_SOURCE:
        # SQLite would rather walk the whole source than use the narrow index that was asked for
        return sa.and_(column + 0 == source_id, _tree(kind, filter, known))
    return sa.and_(column == source_id, _tree(kind, filter, known))


def _tree(kind: str, filter: Filter, known: Mapping[str, _Build]) -> Condition:
    match filter:
        case And(terms=terms):
            return sa.and_(*(_tree(kind, term, known) for term in terms))
        case Or(terms=terms):
            return sa.or_(*(_tree(kind, term, known) for term in terms))
        case Not(filter=inner):
            return sa.not_(_tree(kind, inner, known))
        case ValuePath():
            return _elements(kind, filter, known)
        case Present(path=path):
            return _column(kind, path, known)("pr", None)
        case _:
            return _column(kind, filter.path, known)(filter.op, filter.value)


def _column(kind: str, path: AttributePath, known: Mapping[str, _Build]) -> _Build:
    name = str(AttributePath(None, path.name, path.sub)).lower()
    if path.urn and path.urn.lower() != _CORE[kind]:
        name = f"{path.urn.lower()}:{name}"
    build = known.get(name)
    if build is None:
        raise InvalidFilter(f"{path} cannot be asked for here", advice=f"{kind}s are found by {_NAMES[kind]}")
    return build


def _elements(kind: str, filter: ValuePath, known: Mapping[str, _Build]) -> Condition:
    """``emails[...]`` and ``members[value ...]``."""
    name = filter.path.name.lower()
    where: Filter = And((filter.where, filter.test)) if filter.test else filter.where
    if kind == "User" and name == "emails":
        return User.id.in_(sa.select(UserEmail.user_id).where(_tree("emails", where, _EMAIL)))
    if kind == "Group" and name == "members" and isinstance(where, Compare) and where.op == "eq":
        return _column(kind, AttributePath(None, "members", where.path.name), known)("eq", where.value)
    raise InvalidFilter(f"{filter} cannot be asked for here", advice=f"{kind}s are found by {_NAMES[kind]}")


def _text(column: _Column, key: Callable[[str], str]) -> _Build:
    def build(op: str, value: Value) -> Condition:
        there = sa.and_(column.is_not(None), column != "")
        if op == "pr" or value is None:
            return sa.not_(there) if op == "eq" else there
        _only_equal(op)
        if not isinstance(value, str):
            return sa.true() if op == "ne" else sa.false()
        equal = sa.and_(column.is_not(None), column == key(value))
        return sa.not_(equal) if op == "ne" else equal

    return build


def _truth(column: _Column) -> _Build:
    def build(op: str, value: Value) -> Condition:
        if op == "pr" or value is None:
            return sa.false() if op == "eq" else sa.true()
        _only_equal(op)
        if not isinstance(value, bool):
            return sa.true() if op == "ne" else sa.false()
        return column.is_(value) if op == "eq" else column.is_not(value)

    return build


def _email(sub: str) -> _Build:
    """``emails``, ``emails.value``, ``emails.type``: one of the addresses meets it."""

    def build(op: str, value: Value) -> Condition:
        any_at_all = User.id.in_(sa.select(UserEmail.user_id))
        if op == "pr" or value is None:
            return sa.not_(any_at_all) if op == "eq" else any_at_all
        meets = User.id.in_(sa.select(UserEmail.user_id).where(_EMAIL[sub](op, value)))
        return sa.or_(sa.not_(any_at_all), meets) if op == "ne" else meets

    return build


def _member(op: str, value: Value) -> Condition:
    if op != "eq" or not isinstance(value, str):
        raise InvalidFilter("members are asked for by eq and an id", advice='write members eq "<id>"')
    users = sa.select(Membership.group_id).join(User, User.id == Membership.user_id).where(User.scim_id == value)
    child = aliased(Group)
    nested = sa.select(NestedGroup.group_id).join(child, child.id == NestedGroup.child_id).where(child.scim_id == value)
    waiting = sa.select(PendingMember.group_id).where(PendingMember.value == value)
    return Group.id.in_(sa.union_all(users, nested, waiting))


def _only_equal(op: str) -> None:
    if op not in ("eq", "ne"):
        raise InvalidFilter(f"the operator {op} cannot be used here", advice="lists take eq, ne and pr")


_EMAIL: dict[str, _Build] = {
    "value": _text(UserEmail.value_key, fold),
    "type": _text(UserEmail.type_key, fold),
    "primary": _truth(UserEmail.is_primary),
}
_USER: dict[str, _Build] = {
    "id": _text(User.scim_id, str),
    "externalid": _text(User.external_id, str),
    "username": _text(User.user_name_key, fold),
    "displayname": _text(User.display_name_key, name_key),
    "active": _truth(User.active),
    "emails": _email("value"),
    "emails.value": _email("value"),
    "emails.type": _email("type"),
    "manager": _text(User.manager_id, str),
    "manager.value": _text(User.manager_id, str),
    f"{_ENTERPRISE}:manager": _text(User.manager_id, str),
    f"{_ENTERPRISE}:manager.value": _text(User.manager_id, str),
}
_GROUP: dict[str, _Build] = {
    "id": _text(Group.scim_id, str),
    "externalid": _text(Group.external_id, str),
    "displayname": _text(Group.display_name_key, name_key),
    "members": _member,
    "members.value": _member,
}
_NAMES = {
    "User": "userName, externalId, id, displayName, active, emails (value, type) and manager",
    "Group": "displayName, externalId, id and members (value)",
    "emails": "value, type and primary",
}
