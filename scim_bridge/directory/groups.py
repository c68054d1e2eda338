"""Groups of a source. A change of members costs what it changes; a rename leaves one row for fan-out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx, new_id
from scim_bridge.directory.changes import mark_group
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.keys import checked
from scim_bridge.directory.memberships import (
    Changed,
    bump,
    change_members,
    mark_changed,
    people_in,
    take_in_waiting,
    turn,
)
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Group, Membership, NestedGroup, Source
from scim_bridge.errors import NotFound
from scim_bridge.folding import name_key
from scim_bridge.prepared import Prepared, change_of

__all__ = [
    "GROUP_COLUMNS",
    "GroupView",
    "StoredGroup",
    "change_group",
    "create_group",
    "delete_group",
    "get_group",
    "list_groups",
    "people_in",
]


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group as stored; ``document`` has no id, meta or members."""

    id: int
    scim_id: str
    document: dict[str, Any]
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group for lists; ``id`` is the bridge's public id, ``members`` counts direct users."""

    id: str
    external_id: str | None
    name: str
    source: str
    members: int


GROUP_COLUMNS = (Group.id, Group.scim_id, Group.document, Group.version, Group.created_at, Group.changed_at)
_WITH_ID = sa.select(*GROUP_COLUMNS).where(
    Group.scim_id == sa.bindparam("id"), Group.source_id == sa.bindparam("source")
)


def _in_turn(statement: sa.Select[Any], *, alone: bool) -> Prepared:
    """``statement``, in turn with those that change the group's members.

    Whoever adds or removes some keeps the group's row to the end, where its version is raised, and whoever depends on
    all of them keeps it from the beginning: over the same members they would wait for each other.
    """
    return Prepared(
        lambda dialect: statement.add_columns(turn(Group.id, alone=alone)) if dialect != "sqlite" else statement
    )


_BY_ID = Prepared(lambda _: _WITH_ID)
_BY_ID_LOCKED = _in_turn(_WITH_ID.with_for_update(key_share=True), alone=True)
_BY_ID_TO_DELETE = _in_turn(_WITH_ID.with_for_update(), alone=True)  # nobody may keep it meanwhile
_BY_ID_KEPT = _in_turn(_WITH_ID.with_for_update(read=True, key_share=True), alone=False)
_NEW_GROUP = sa.insert(Group).returning(Group.id)
_CHANGE_GROUP = change_of(Group, "document", "display_name", "display_name_key", "external_id", "version", "changed_at")


@Prepared
def _change_members(_: str) -> Any:
    """Raise the version by one, whoever else does so meanwhile; no index is touched."""
    at = sa.bindparam("changed_at", type_=Group.changed_at.type)
    raised = {"version": Group.version + 1, "changed_at": at}
    return sa.update(Group).where(Group.id == sa.bindparam("row")).values(raised)


def list_groups(tx: Tx, *, text: str | None) -> list[GroupView]:
    """Groups of all sources but probes, by name; ``text`` keeps those whose name contains it, in any case."""
    members = sa.select(sa.func.count()).where(Membership.group_id == Group.id).correlate(Group).scalar_subquery()
    query = (
        sa.select(Group.scim_id, Group.external_id, Group.display_name, Source.name, members)
        .join(Source, Source.id == Group.source_id)
        .where(~Source.is_probe)
        .order_by(Group.display_name_key, Group.id)
    )
    if text:
        query = query.where(Group.display_name_key.contains(name_key(text), autoescape=True))
    return [GroupView(*row) for row in tx.execute(query)]


def get_group(tx: Tx, source_id: int, scim_id: str, *, lock: bool = False, keep: bool = False) -> StoredGroup:
    """The group, or NotFound.

    On PostgreSQL ``lock`` keeps other writers away until the commit; ``keep`` lets them write, but not delete it.
    """
    statement = _BY_ID_LOCKED if lock else _BY_ID_KEPT if keep else _BY_ID
    row = statement.first(tx, {"id": scim_id, "source": source_id})
    if row is None:
        raise NotFound(f"there is no group {scim_id}")
    return StoredGroup(*row[: len(GROUP_COLUMNS)])


def create_group(
    tx: Tx,
    source: SourceRef,
    document: dict[str, Any],
    members: tuple[str, ...],
    *,
    now: datetime,
    promised_id: str | None = None,
) -> StoredGroup:
    """Store a new group with ``members`` (ids as pushed); ids that nobody has yet are kept.

    ``promised_id`` is its public id where that was given away beforehand.
    """
    scim_id = promised_id or new_id()
    values = {"scim_id": scim_id, "source_id": source.id, "version": 1, "created_at": now, "changed_at": now}
    group_id = tx.execute(_NEW_GROUP, values | _columns(document)).scalar_one()
    changed = change_members(tx, source.id, group_id, MemberDelta(add=members), now=now) if members else Changed()
    mark_changed(tx, group_id, changed, now=now)
    take_in_waiting(tx, source.id, [scim_id, document.get("externalId")], child_id=group_id)
    _audit(tx, source, "group.created", scim_id, _counts(changed), now=now)
    return StoredGroup(group_id, scim_id, document, 1, now, now)


def change_group(
    tx: Tx, source: SourceRef, group: StoredGroup, document: dict[str, Any], delta: MemberDelta, *, now: datetime
) -> StoredGroup:
    """Store ``document`` and apply ``delta`` to the members; what stays as it was writes no row.

    The version that is returned is right if the group was read with ``lock``; others may raise it meanwhile else.
    """
    changed = change_members(tx, source.id, group.id, delta, now=now) if delta else Changed()
    if document == group.document and not changed:
        return group
    version = group.version + 1
    if document == group.document:
        _change_members.later(tx, {"row": group.id, "changed_at": now})
    else:
        _CHANGE_GROUP.later(tx, {"row": group.id, "version": version, "changed_at": now, **_columns(document)})
    old_name, new_name = group.document["displayName"], document["displayName"]
    external_id = document.get("externalId")
    if external_id != group.document.get("externalId"):
        take_in_waiting(tx, source.id, [external_id], child_id=group.id)
    if (old_name, group.document.get("externalId")) != (new_name, external_id):
        mark_group(tx, group.id, person_ids=None, now=now)  # rules may name it by either
        action = "group.renamed" if old_name != new_name else "group.changed"
        _audit(tx, source, action, group.scim_id, {}, now=now)
    if changed:
        mark_changed(tx, group.id, changed, now=now)
        _audit(tx, source, "group.members_changed", group.scim_id, _counts(changed), now=now)
    return StoredGroup(group.id, group.scim_id, document, version, group.created_at, now)


def delete_group(tx: Tx, source: SourceRef, scim_id: str, *, now: datetime) -> None:
    """Delete the group with its memberships and mark everybody who was in it. Raises NotFound."""
    row = _BY_ID_TO_DELETE.first(tx, {"id": scim_id, "source": source.id})
    if row is None:
        raise NotFound(f"there is no group {scim_id}")
    group = StoredGroup(*row[: len(GROUP_COLUMNS)])
    people = people_in(tx, group.id)
    if people:
        mark_group(tx, group.id, person_ids=people, now=now)
    bump(tx, list(tx.execute(sa.select(NestedGroup.group_id).where(NestedGroup.child_id == group.id)).scalars()))
    tx.execute(sa.delete(Group).where(Group.id == group.id))
    _audit(tx, source, "group.deleted", scim_id, {"people": len(people)}, now=now)


def _columns(document: dict[str, Any]) -> dict[str, Any]:
    name, external_id = document["displayName"], document.get("externalId")
    return {
        "document": document,
        "display_name": checked(name, "displayName"),
        "display_name_key": checked(name_key(name), "displayName"),
        "external_id": checked(external_id, "externalId") if external_id else None,
    }


def _counts(changed: Changed) -> dict[str, int]:
    return {
        "added": len(changed.added),
        "removed": len(changed.removed),
        "nested": len(changed.children),
        "pending": changed.pending,
    }


def _audit(tx: Tx, source: SourceRef, action: str, scim_id: str, detail: dict[str, int], *, now: datetime) -> None:
    record(tx, at=now, actor=source.actor, action=action, subject=f"group:{scim_id}", detail=detail or None)
