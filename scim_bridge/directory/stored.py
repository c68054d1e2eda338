"""Where users and groups keep what can be asked for: columns and rows first, the document for all the rest.

attribute                        | kept in
---------------------------------+-----------------------------------------------------
id, externalId, userName, active | columns
displayName                      | the document; equality finds it by a column
manager                          | a column
emails                           | the document; an equality of values finds it by ``user_emails``
groups of a user, members        | membership rows
meta                             | columns; addresses are put together
all others, all extensions       | the document
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from scim_bridge.directory.joining import ENTERPRISE
from scim_bridge.directory.lookups import has_address
from scim_bridge.directory.spots import (
    AddressSpot,
    Condition,
    Expression,
    Holds,
    MomentSpot,
    Spot,
    TextSpot,
    TruthSpot,
    compared,
    document_spot,
)
from scim_bridge.directory.tables import Group, Membership, NestedGroup, PendingMember, User
from scim_bridge.filters import Trait
from scim_bridge.filters.values import Key
from scim_bridge.folding import fold, name_key

_DIGEST = re.compile(r'\.[^."]*"$')
_NOTHING = TextSpot(sa.cast(sa.null(), sa.Text()))


@dataclass(frozen=True, slots=True)
class Stored:
    """One kind of resource. ``narrow`` names what finds few of them by an index of its own, not by source;
    ``finders`` the attributes whose values have an index beside the document.
    """

    source: InstrumentedAttribute[int]
    id: InstrumentedAttribute[int]
    spot: Spot
    narrow: frozenset[tuple[str, ...]]
    finders: Mapping[str, Callable[[str], Condition]]


@dataclass(frozen=True, slots=True)
class PartsSpot(Spot):
    """A complex value of which some parts are kept apart from the rest."""

    parts: Mapping[str, Spot]
    rest: Spot | None = None

    def at(self, trait: Trait) -> Spot:
        part = self.parts.get(trait.name)
        if part is not None:
            return part
        return _NOTHING if self.rest is None else self.rest.at(trait)

    def key(self, trait: Trait) -> Expression:
        raise AssertionError("a complex value is compared by its parts")

    def present(self) -> Condition:
        return sa.true() if self.rest is None else self.rest.present()


@dataclass(frozen=True, slots=True)
class NameSpot(Spot):
    """A displayName: ``column`` (NFC, folded) finds by equality, the name itself decides."""

    name: Spot
    column: Expression

    def key(self, trait: Trait) -> Expression:
        return self.name.key(trait)

    def present(self) -> Condition:
        return self.name.present()

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        decided = compared(op, self.key(trait), wanted)
        return sa.and_(self.column == name_key(str(wanted)), decided) if op == "eq" else decided


@dataclass(frozen=True, slots=True)
class VersionSpot(Spot):
    """``W/"7"``; what is shown may have a digest of other rows behind it (``W/"7.1f0c66a2"``), which is passed over."""

    version: Expression

    def key(self, trait: Trait) -> Expression:
        text = sa.cast(self.version, sa.Text())
        return sa.literal('W/"', sa.Text()) + text + sa.literal('"', sa.Text())

    def present(self) -> Condition:
        return sa.true()

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        return compared(op, self.key(trait), _DIGEST.sub('"', str(wanted)) if op == "eq" else wanted)


@dataclass(frozen=True, slots=True)
class Rows:
    """Elements that are rows of their own. ``found`` selects ``owner``, whose key it is, and joins what is needed."""

    owner: Expression
    found: sa.Select[Any]
    parts: Mapping[str, Spot]
    order: Expression


@dataclass(frozen=True, slots=True)
class RowsSpot(Spot):
    """Several elements out of rows, one kind after the other."""

    id: InstrumentedAttribute[int]
    kinds: tuple[Rows, ...]

    def key(self, trait: Trait) -> Expression:
        raise AssertionError("elements are compared one by one")

    def present(self) -> Condition:
        return sa.or_(*(self._of_this(rows).exists() for rows in self.kinds))

    def elements(self, trait: Trait, holds: Holds, *, narrow: bool) -> Condition:
        if narrow:
            found = [rows.found.where(holds(PartsSpot(rows.parts))) for rows in self.kinds]
            return self.id.in_(sa.union_all(*found) if len(found) > 1 else found[0])
        return sa.or_(*(self._of_this(rows).where(holds(PartsSpot(rows.parts))).exists() for rows in self.kinds))

    def preferred(self, trait: Trait, key: Callable[[Spot], Expression]) -> Expression:
        first = [
            self._of_this(rows)
            .with_only_columns(key(PartsSpot(rows.parts)), maintain_column_froms=True)
            .order_by(rows.order)
            .limit(1)
            .scalar_subquery()
            for rows in self.kinds
        ]
        return sa.func.coalesce(*first) if len(first) > 1 else first[0]

    def _of_this(self, rows: Rows) -> sa.Select[Any]:
        return rows.found.where(rows.owner == self.id).correlate(self.id.class_)


@lru_cache(maxsize=64)
def stored_users(dialect: str, root: str) -> Stored:
    """Users; ``root`` is the address of the SCIM entrance, under which locations lie."""
    document = document_spot(dialect, User.document.expression)
    enterprise = document.at(Trait(ENTERPRISE))
    manager = PartsSpot({"value": TextSpot(User.manager_id.expression)}, enterprise.at(Trait("manager")))
    parts: dict[str, Spot] = {
        "id": TextSpot(User.scim_id.expression),
        "externalId": TextSpot(User.external_id.expression),
        "userName": TextSpot(User.user_name_key.expression, folded=True),
        "displayName": NameSpot(document.at(Trait("displayName")), User.display_name_key.expression),
        "active": TruthSpot(User.active.expression),
        "groups": RowsSpot(User.id, (_groups(root),)),
        "meta": _meta("User", User, f"{root}/Users/"),
        ENTERPRISE: PartsSpot({"manager": manager}, enterprise),
    }
    narrow = {("id",), ("groups", "value"), ("emails", "value"), (ENTERPRISE, "manager", "value")}
    return Stored(
        User.source_id,
        User.id,
        PartsSpot(parts, document),
        frozenset(narrow),
        {"emails": lambda value: has_address(fold(value))},
    )


@lru_cache(maxsize=64)
def stored_groups(dialect: str, root: str, source_id: int | None = None) -> Stored:
    """Groups, likewise; with ``source_id`` its members that nobody knows yet are found by an index."""
    document = document_spot(dialect, Group.document.expression)
    parts: dict[str, Spot] = {
        "id": TextSpot(Group.scim_id.expression),
        "externalId": TextSpot(Group.external_id.expression),
        "displayName": NameSpot(TextSpot(Group.display_name.expression), Group.display_name_key.expression),
        "members": RowsSpot(Group.id, _members(dialect, root, source_id)),
        "meta": _meta("Group", Group, f"{root}/Groups/"),
    }
    narrow = {("id",), ("members", "value")}
    return Stored(Group.source_id, Group.id, PartsSpot(parts, document), frozenset(narrow), {})


def _meta(kind: str, table: type[User] | type[Group], root: str) -> Spot:
    return PartsSpot(
        {
            "resourceType": TextSpot(sa.literal(kind, sa.Text())),
            "created": MomentSpot(table.created_at.expression),
            "lastModified": MomentSpot(table.changed_at.expression),
            "location": AddressSpot(root, table.scim_id.expression),
            "version": VersionSpot(table.version.expression),
        }
    )


def _groups(root: str) -> Rows:
    parts: dict[str, Spot] = {
        "value": TextSpot(Group.scim_id.expression),
        "display": TextSpot(Group.display_name.expression),
        "type": TextSpot(sa.literal("direct", sa.Text())),
        "$ref": AddressSpot(f"{root}/Groups/", Group.scim_id.expression),
    }
    found = sa.select(Membership.user_id).join(Group, Group.id == Membership.group_id)
    return Rows(Membership.user_id.expression, found, parts, Group.id.expression)


def _members(dialect: str, root: str, source_id: int | None) -> tuple[Rows, Rows, Rows]:
    """Users, nested groups, and ids that nobody has yet, in the order in which they are shown."""
    child = aliased(Group)
    waiting = sa.select(PendingMember.group_id)
    if source_id is not None:
        waiting = waiting.where(PendingMember.source_id == source_id)
    name = document_spot(dialect, User.document.expression).at(Trait("displayName"))
    return (
        Rows(
            Membership.group_id.expression,
            sa.select(Membership.group_id).join(User, User.id == Membership.user_id),
            _member("User", f"{root}/Users/", User.scim_id.expression, name),
            Membership.user_id.expression,
        ),
        Rows(
            NestedGroup.group_id.expression,
            sa.select(NestedGroup.group_id).join(child, child.id == NestedGroup.child_id),
            _member("Group", f"{root}/Groups/", child.scim_id.expression, TextSpot(child.display_name.expression)),
            NestedGroup.child_id.expression,
        ),
        Rows(
            PendingMember.group_id.expression,
            waiting,
            {"value": TextSpot(PendingMember.value.expression)},
            PendingMember.value.expression,
        ),
    )


def _member(kind: str, root: str, scim_id: Expression, name: Spot) -> dict[str, Spot]:
    return {
        "value": TextSpot(scim_id),
        "type": TextSpot(sa.literal(kind, sa.Text())),
        "$ref": AddressSpot(root, scim_id),
        "display": name,
    }
