"""Which person is this user? Users of different sources join over one e-mail address; nothing else joins.

    what happens                                     | person
    -------------------------------------------------+----------------------------------------------
    new, externalId and name or address of a deleted | the one it had
      user of its source                             |
    new, externalId alone of a deleted user          | a new one, and *proposed* (``returns``)
    new, one person of other sources has the address | that one
    new, several have it, or that person already has | a new one, and *attention*: a silent merge
      a user of this source                          |   could hand over somebody's accounts
    new, nobody has it                               | a new one
    address changed, one person has it, and this     | that one
      user is alone on its person, nothing linked    |
    address changed, one has it, anything else       | its own, and *attention*

A user keeps its person for life otherwise. *Attention* stands until the addresses no longer meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from scim_bridge.db import Tx
from scim_bridge.directory.changes import NEW_CHANGE, mark_people
from scim_bridge.directory.keys import checked
from scim_bridge.directory.meeting import Gone, Meeting, lock_address
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import DeletedUser, Person, Source, User
from scim_bridge.folding import fold, name_key
from scim_bridge.prepared import Prepared, insert_of

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_NEW_PERSON = insert_of(Person, "id", "generation", "attention", "created_at")
_SAME_ADDRESS = (
    sa.select(User.person_id)
    .join(Source, Source.id == User.source_id)
    .where(User.join_key == sa.bindparam("key"), User.source_id != sa.bindparam("source"), Source.joins)
    .distinct()
)
_OTHERS = Prepared(lambda _: _SAME_ADDRESS.order_by(User.person_id))

IsLinked = Callable[[Tx, int], bool]
"""Whether a person has an account link or applied access in any hub; the directory cannot see hubs."""


@dataclass(frozen=True, slots=True)
class Email:
    """One address of a user, folded."""

    value_key: str
    type_key: str | None
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is looked up often, taken out of a user's document."""

    user_name_key: str
    external_id: str | None
    display_name_key: str | None
    manager_id: str | None
    active: bool
    emails: tuple[Email, ...]
    join_key: str | None

    def columns(self) -> dict[str, Any]:
        """As columns of ``users``."""
        return {
            "user_name_key": self.user_name_key,
            "external_id": self.external_id,
            "display_name_key": self.display_name_key,
            "manager_id": self.manager_id,
            "active": self.active,
            "join_key": self.join_key,
        }


def facts_of(document: dict[str, Any], *, is_active: bool = True) -> Facts:
    """Read a checked SCIM document; raises InvalidInput where a value is too long to be looked up.

    ``is_active`` holds where the document does not say: no leaver returns by an attribute that is not there.
    """
    emails = tuple(
        Email(
            checked(fold(email["value"]), "emails.value"),
            checked(fold(email["type"]), "emails.type", limit=100) if email.get("type") else None,
            email.get("primary") is True,
        )
        for email in document.get("emails", ())
        if email.get("value")
    )
    user_name_key = checked(fold(document["userName"]), "userName")
    external_id, display_name = document.get("externalId"), document.get("displayName")
    manager = document.get(ENTERPRISE, {}).get("manager", {}).get("value")
    addresses = [email.value_key for email in sorted(emails, key=lambda email: not email.is_primary)]
    return Facts(
        user_name_key,
        checked(external_id, "externalId") if external_id else None,
        checked(name_key(display_name), "displayName") if display_name else None,
        checked(manager, "manager") if manager else None,
        bool(document.get("active", is_active)),
        emails,
        addresses[0] if addresses else user_name_key if "@" in user_name_key else None,
    )


@dataclass(frozen=True, slots=True)
class Joined:
    """The person of a user, and how it came to it: new, returned, joined or kept.

    ``attention``: a short code where somebody must look (``same_address``).
    """

    person_id: int
    how: str
    attention: str | None = None


def person_for_new(tx: Tx, source: SourceRef, met: Meeting, *, now: datetime) -> Joined:
    """Find or make the person of a user that is being created, and note the change of that person."""
    known = [one.person_id for one in met.known]
    same = next((gone for gone in met.gone if gone.is_same), None)
    if same is not None:
        tx.execute(sa.delete(DeletedUser).where(DeletedUser.id == same.id))
        mark_people(tx, [same.person_id], now=now)
        return _noted(tx, source, same.person_id, "returned", known)
    if len(met.known) == 1 and not met.known[0].is_taken:
        mark_people(tx, known, now=now)
        return Joined(known[0], "joined")
    attention = _attention(source, met.person_key, known)
    _NEW_PERSON.later(tx, {"id": met.person_key, "generation": 1, "attention": attention, "created_at": now})
    NEW_CHANGE.later(tx, {"person_id": met.person_key, "generation": 1, "changed_at": now})
    if met.gone:
        _propose(tx, met.gone[0], met.person_key)
    return Joined(met.person_key, "new", "same_address" if attention else None)


def _propose(tx: Tx, gone: Gone, person_id: int) -> None:
    """Only the externalId is the same: a person decides (``directory.returns``)."""
    tx.execute(sa.update(DeletedUser).where(DeletedUser.id == gone.id).values(proposed_to=person_id))


def person_after_change(
    tx: Tx, source: SourceRef, user_id: int, person_id: int, facts: Facts, *, is_linked: IsLinked
) -> Joined:
    """The person of a user whose address changed; notes down why it stays where a join was not safe."""
    others = [other for other in _others(tx, source, facts.join_key) if other != person_id]
    if (
        len(others) == 1
        and _is_alone(tx, user_id, person_id)
        and not _has_user_of(tx, others[0], source.id)
        and not is_linked(tx, person_id)
    ):
        return Joined(others[0], "joined")
    return _noted(tx, source, person_id, "kept", others)


def settle_attention(tx: Tx, old_key: str | None, person_ids: Iterable[int]) -> None:
    """Clear ``attention`` where its cause is gone: of these people, and of all who have the address ``old_key``.

    To be called when a user that had that address has another, or is deleted.
    """
    tx.execute(_SETTLE, {"key": old_key, "people": sorted(set(person_ids))})


def _settle() -> sa.Update:
    mine, theirs = aliased(User), aliased(User)
    my_source, their_source = aliased(Source), aliased(Source)
    still_meet = (
        sa.select(mine.id)
        .join(my_source, my_source.id == mine.source_id)
        .join(theirs, theirs.join_key == mine.join_key)
        .join(their_source, their_source.id == theirs.source_id)
        .where(
            mine.person_id == Person.id,
            theirs.person_id != mine.person_id,
            theirs.source_id != mine.source_id,
            my_source.joins,
            their_source.joins,
        )
        .exists()
    )
    shared = sa.select(User.person_id).where(User.join_key == sa.bindparam("key"))
    return (
        sa.update(Person)
        .where(
            Person.attention.is_not(None),
            sa.or_(Person.id.in_(sa.bindparam("people", expanding=True)), Person.id.in_(shared)),
            sa.not_(still_meet),
        )
        .values(attention=None)
    )


_SETTLE = _settle()


def _others(tx: Tx, source: SourceRef, join_key: str | None) -> list[int]:
    """People whom other joining sources know under this address."""
    if join_key is None or not source.joins:
        return []
    if tx.dialect.name == "postgresql":
        lock_address(tx, join_key)
    return [person_id for (person_id,) in _OTHERS.all(tx, {"key": join_key, "source": source.id})]


def _has_user_of(tx: Tx, person_id: int, source_id: int) -> bool:
    query = sa.select(User.id).where(User.person_id == person_id, User.source_id == source_id).limit(1)
    return tx.execute(query).first() is not None


def _is_alone(tx: Tx, user_id: int, person_id: int) -> bool:
    query = sa.select(User.id).where(User.person_id == person_id, User.id != user_id).limit(1)
    return tx.execute(query).first() is None


def _noted(tx: Tx, source: SourceRef, person_id: int, how: str, others: Sequence[int]) -> Joined:
    """The person, with a word of the others who have the same address and are not joined to it."""
    text = _attention(source, person_id, others)
    if text is None:
        return Joined(person_id, how)
    tx.execute(sa.update(Person).where(Person.id == person_id).values(attention=text))
    return Joined(person_id, how, "same_address")


def _attention(source: SourceRef, person_id: int, others: Sequence[int]) -> str | None:
    people = ", ".join(f"p{other}" for other in others if other != person_id)
    if not people:
        return None
    return f"a user of source {source.name} has the e-mail address of {people}, and was not joined to them"
