"""Users of a source: one row and one document each; every write marks the person, audits, and nothing more.

The caller has read the resource inside the same transaction (``find_user(..., lock=True)``), so a second
writer waits for the first and no update is lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import JsonText, Tx, new_id, to_json, upsert
from scim_bridge.directory.changes import mark_people
from scim_bridge.directory.departures import note_departure, note_return
from scim_bridge.directory.joining import (
    Facts,
    IsLinked,
    Joined,
    facts_of,
    person_after_change,
    person_for_new,
    settle_attention,
)
from scim_bridge.directory.meeting import meet
from scim_bridge.directory.memberships import keep_groups_of, leave_all, take_in_waiting
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import DeletedEmail, DeletedUser, FormerEmail, User, UserEmail
from scim_bridge.directory.user_groups import GROUPS, NO_GROUPS
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.prepared import Prepared, change_of, insert_of


class UserNameTaken(Conflict):
    """Another user of the source bears this userName (RFC 7643 section 4.1.1: unique)."""


@dataclass(frozen=True)
class StoredUser:
    """A user as stored; the document (``text``, as JSON) has no id, meta or groups.

    ``groups`` are those that it is directly in, as JSON; None: they were not read with it.

    ``is_active`` is the state that counts; the document may leave it out (PATCH can remove it).
    """

    id: int
    scim_id: str
    person_id: int
    text: str
    version: int
    created_at: datetime
    changed_at: datetime
    is_active: bool
    groups: str | None = None

    @cached_property
    def document(self) -> dict[str, Any]:
        """The text, read; most users are shown without anybody reading it."""
        document: dict[str, Any] = json.loads(self.text)
        return document


USER_COLUMNS = (
    User.id,
    User.scim_id,
    User.person_id,
    sa.type_coerce(User.document, sa.Text()),
    User.version,
    User.created_at,
    User.changed_at,
    User.active,
)
_STATED = (
    "person_id",
    "user_name_key",
    "external_id",
    "display_name_key",
    "manager_id",
    "join_key",
    "active",
    "document",
    "version",
    "changed_at",
)
_NEW_USER = insert_of(User, "id", "scim_id", "source_id", "created_at", *_STATED)
_CHANGE_USER = change_of(User, *_STATED)
_CHANGE_DOCUMENT = change_of(User, "active", "document", "version", "changed_at")  # no index is touched
_NEW_EMAIL = insert_of(UserEmail, "user_id", "position", "value_key", "type_key", "is_primary")
_FORMER = ["user_id", "value_key"]
_DROP_EMAILS = Prepared(lambda _: sa.delete(UserEmail).where(UserEmail.user_id == sa.bindparam("user")))
_WITH_ID = sa.select(*USER_COLUMNS, GROUPS).where(
    User.scim_id == sa.bindparam("id"), User.source_id == sa.bindparam("source")
)
_BY_ID = Prepared(lambda _: _WITH_ID)
_BY_ID_LOCKED = Prepared(lambda _: _WITH_ID.with_for_update(key_share=True))
_BY_ID_TO_DELETE = Prepared(lambda _: _WITH_ID.with_for_update())  # nobody may make it a member meanwhile


def get_user(tx: Tx, source_id: int, scim_id: str, *, lock: bool = False) -> StoredUser:
    """The user, or NotFound; ``lock`` keeps other writers away until the commit (PostgreSQL)."""
    return _got(_BY_ID_LOCKED if lock else _BY_ID, tx, source_id, scim_id)


def _got(statement: Prepared, tx: Tx, source_id: int, scim_id: str) -> StoredUser:
    row = statement.first(tx, {"id": scim_id, "source": source_id})
    if row is None:
        raise NotFound(f"there is no user {scim_id}")
    return StoredUser(*row)


def create_user(
    tx: Tx, source: SourceRef, document: dict[str, Any], *, now: datetime, promised_id: str | None = None
) -> StoredUser:
    """Store a new user and find its person. Raises UserNameTaken, at the latest with the commit.

    ``promised_id`` is its public id where that was given away beforehand: groups may wait for it.
    """
    facts = facts_of(document)
    text = JsonText(to_json(document))
    met = meet(
        tx,
        source,
        external_id=facts.external_id,
        user_name_key=facts.user_name_key,
        addresses=[email.value_key for email in facts.emails],
        join_key=facts.join_key,
    )
    joined = person_for_new(tx, source, met, now=now)
    user_id, scim_id = met.user_key, promised_id or new_id()
    values = {
        "id": user_id,
        "scim_id": scim_id,
        "source_id": source.id,
        "person_id": joined.person_id,
        "document": text,
        "version": 1,
        "created_at": now,
        "changed_at": now,
        **facts.columns(),
    }
    _NEW_USER.later(tx, values, conflict=_TAKEN)
    _write_emails(tx, user_id, facts)
    waiting = bool(met.waiting or promised_id)
    if waiting:
        take_in_waiting(tx, source.id, [promised_id, facts.external_id], user_id=user_id)
    record(
        tx,
        at=now,
        actor=source.actor,
        action="user.created",
        person_id=joined.person_id,
        subject=f"user:{scim_id}",
        detail=_with_attention({"person": joined.how, "active": facts.active}, joined),
    )
    return StoredUser(
        user_id, scim_id, joined.person_id, text, 1, now, now, facts.active, None if waiting else NO_GROUPS
    )


def change_user(
    tx: Tx,
    source: SourceRef,
    user: StoredUser,
    document: dict[str, Any],
    *,
    now: datetime,
    is_linked: IsLinked,
) -> StoredUser:
    """Store ``document`` in place of the user's. The same document is no change: no row is written.

    Raises UserNameTaken, at the latest with the commit.
    """
    if document == user.document:
        return user
    old = facts_of(user.document, is_active=user.is_active)
    new = facts_of(document, is_active=user.is_active)
    joined = Joined(user.person_id, "kept")
    if old.join_key != new.join_key:
        joined = person_after_change(tx, source, user.id, user.person_id, new, is_linked=is_linked)
    changed = StoredUser(
        user.id,
        user.scim_id,
        joined.person_id,
        JsonText(to_json(document)),
        user.version + 1,
        user.created_at,
        now,
        new.active,
        user.groups,
    )
    if replace(old, active=new.active) == new:  # it is found by the same values: nothing else hangs on the change
        mark_people(tx, [user.person_id], now=now)
        _CHANGE_DOCUMENT.later(tx, _values(changed, new))
    else:
        _CHANGE_USER.later(tx, _values(changed, new), conflict=_TAKEN)
        _let_others_know(tx, source, user, changed, old, new, now=now)
    if old.active and not new.active:
        note_departure(tx, source, user.scim_id, joined.person_id, now=now)
    elif new.active and not old.active:
        note_return(tx, user.scim_id)
    detail: dict[str, Any] = {"attributes": _differing(user.document, document)}
    record(
        tx,
        at=now,
        actor=source.actor,
        action=_action(old, new),
        person_id=joined.person_id,
        subject=f"user:{user.scim_id}",
        detail=_with_attention(detail, joined),
    )
    return changed


def _values(user: StoredUser, facts: Facts) -> dict[str, Any]:
    return {
        "row": user.id,
        "document": user.text,
        "version": user.version,
        "changed_at": user.changed_at,
        "person_id": user.person_id,
        **facts.columns(),
    }


def _let_others_know(
    tx: Tx, source: SourceRef, before: StoredUser, after: StoredUser, old: Facts, new: Facts, *, now: datetime
) -> None:
    """What hangs on the user's row: its addresses, groups that waited for it, its people."""
    if old.emails != new.emails:
        _DROP_EMAILS.run(tx, {"user": after.id})
        _write_emails(tx, after.id, new)
    former = sorted(_addresses(old) - _addresses(new))
    if former:
        upsert(tx, FormerEmail, [{"user_id": after.id, "value_key": one} for one in former], keys=_FORMER, update=[])
    if old.external_id != new.external_id:
        take_in_waiting(tx, source.id, [new.external_id], user_id=after.id)
    people = sorted({before.person_id, after.person_id})
    if old.join_key != new.join_key:
        settle_attention(tx, old.join_key, people)
    mark_people(tx, people, now=now)


def _differing(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def _with_attention(detail: dict[str, Any], joined: Joined) -> dict[str, Any]:
    return {**detail, "attention": joined.attention} if joined.attention else detail


def delete_user(tx: Tx, source: SourceRef, scim_id: str, *, now: datetime) -> None:
    """Delete the user with its memberships; enough stays to know the same human again. Raises NotFound."""
    keep_groups_of(tx, source.id, scim_id)
    user = _got(_BY_ID_TO_DELETE, tx, source.id, scim_id)
    facts = facts_of(user.document)
    group_ids = leave_all(tx, user.id)
    _remember(tx, source, user, facts, now=now)
    tx.execute(sa.delete(User).where(User.id == user.id))
    settle_attention(tx, facts.join_key, [user.person_id])
    if user.is_active:
        note_departure(tx, source, scim_id, user.person_id, now=now)
    mark_people(tx, [user.person_id], now=now)
    record(
        tx,
        at=now,
        actor=source.actor,
        action="user.deleted",
        person_id=user.person_id,
        subject=f"user:{scim_id}",
        detail={"groups": len(group_ids)},
    )


def _remember(tx: Tx, source: SourceRef, user: StoredUser, facts: Facts, *, now: datetime) -> None:
    """Keep what is needed to know the user again, and to find its person by name."""
    deleted_id = tx.execute(
        sa.insert(DeletedUser)
        .values(
            source_id=source.id,
            person_id=user.person_id,
            scim_id=user.scim_id,
            external_id=facts.external_id,
            user_name_key=facts.user_name_key,
            deleted_at=now,
        )
        .returning(DeletedUser.id)
    ).scalar_one()
    former = sa.select(FormerEmail.value_key).where(FormerEmail.user_id == user.id)
    addresses = sorted({email.value_key for email in facts.emails} | set(tx.execute(former).scalars()))
    if addresses:
        tx.execute(sa.insert(DeletedEmail), [{"deleted_user_id": deleted_id, "value_key": one} for one in addresses])


def _addresses(facts: Facts) -> set[str]:
    """Every address of a user, a userName that is one included."""
    name = {facts.user_name_key} if "@" in facts.user_name_key else set()
    return {email.value_key for email in facts.emails} | name


def _write_emails(tx: Tx, user_id: int, facts: Facts) -> None:
    for position, email in enumerate(facts.emails):
        _NEW_EMAIL.later(
            tx,
            {
                "user_id": user_id,
                "position": position,
                "value_key": email.value_key,
                "type_key": email.type_key,
                "is_primary": email.is_primary,
            },
        )


def _action(old: Facts, new: Facts) -> str:
    if old.active == new.active:
        return "user.changed"
    return "user.reactivated" if new.active else "user.deactivated"


def _taken() -> UserNameTaken:
    return UserNameTaken(
        "a user with this userName exists already",
        advice='find it with GET /Users?filter=userName eq "..." and update it, or delete it first',
    )


_TAKEN = ("user_name_key", _taken)
