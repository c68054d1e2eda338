"""A deleted user's externalId alone proposes a return; a person accepts or dismisses it."""

from __future__ import annotations

from typing import Any

import pytest
from databases import NOON

from scim_bridge.db import Database, Tx
from scim_bridge.directory import returns, users
from scim_bridge.directory.people import load_people
from scim_bridge.directory.returns import Return
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.users import StoredUser
from scim_bridge.errors import Conflict, NotFound


def create(db: Database, source: SourceRef, name: str, **more: Any) -> StoredUser:
    document = {"schemas": [], "userName": name, "active": True, "externalId": "E1", **more}
    with db.write() as tx:
        return users.create_user(tx, source, document, now=NOON)


def gone(db: Database, source: SourceRef, name: str) -> StoredUser:
    user = create(db, source, name)
    with db.write() as tx:
        users.delete_user(tx, source, user.scim_id, now=NOON)
    return user


def revive(db: Database, person_id: int, *, linked: bool = False) -> int:
    def is_linked(tx: Tx, person_id: int) -> bool:
        return linked

    with db.write() as tx:
        return returns.revive(tx, person_id, is_linked=is_linked, actor="cli:ada", now=NOON)


def proposed(db: Database) -> list[Return]:
    with db.read() as tx:
        return returns.list_returns(tx)


def test_the_external_id_alone_proposes(db: Database, okta: SourceRef) -> None:
    ada = gone(db, okta, "Ada")
    bob = create(db, okta, "Bob")
    assert bob.person_id != ada.person_id
    assert proposed(db) == [Return(bob.person_id, "Bob", ada.person_id, "ada", "okta", NOON)]


def test_no_external_id_proposes_nothing(db: Database, okta: SourceRef) -> None:
    gone(db, okta, "Ada")
    create(db, okta, "Bob", externalId="E2")
    assert proposed(db) == []


def test_the_last_deleted_of_several_is_proposed(db: Database, okta: SourceRef) -> None:
    gone(db, okta, "Ada")
    cleo = gone(db, okta, "Cleo")
    create(db, okta, "Bob")
    assert [each.earlier_person_id for each in proposed(db)] == [cleo.person_id]


def test_revived_users_are_the_earlier_person_s(db: Database, okta: SourceRef) -> None:
    ada = gone(db, okta, "Ada")
    bob = create(db, okta, "Bob")
    assert revive(db, bob.person_id) == ada.person_id
    with db.read() as tx:
        people = load_people(tx, [ada.person_id, bob.person_id])
    assert [user.id for user in people[ada.person_id].users] == [bob.id]
    assert people[bob.person_id].users == ()
    assert proposed(db) == []


def test_whoever_holds_access_by_now_is_not_revived(db: Database, okta: SourceRef) -> None:
    gone(db, okta, "Ada")
    bob = create(db, okta, "Bob")
    with pytest.raises(Conflict, match=f"person dismiss p{bob.person_id}"):
        revive(db, bob.person_id, linked=True)


def test_two_users_of_a_source_are_not_one_person(db: Database, okta: SourceRef) -> None:
    ada = gone(db, okta, "Ada")
    bob = create(db, okta, "Bob")
    eve = create(db, okta, "Eve")
    assert revive(db, eve.person_id) == ada.person_id
    assert proposed(db) == []
    with pytest.raises(NotFound, match="person returns"):
        revive(db, bob.person_id)


def test_dismissed_is_not_proposed_again(db: Database, okta: SourceRef) -> None:
    gone(db, okta, "Ada")
    bob = create(db, okta, "Bob")
    with db.write() as tx:
        returns.dismiss(tx, bob.person_id, actor="cli:ada", now=NOON)
    assert proposed(db) == []
    with pytest.raises(NotFound):
        revive(db, bob.person_id)


def test_a_return_by_name_needs_no_word(db: Database, okta: SourceRef) -> None:
    ada = gone(db, okta, "Ada")
    assert create(db, okta, "ADA").person_id == ada.person_id
    assert proposed(db) == []
