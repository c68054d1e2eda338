"""Groups and members: the cost follows the change, pending ids join later, nobody is forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON, sent

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database, Tx, run_waiting
from scim_bridge.directory import groups, memberships, users
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.memberships import drop_old_pending, members_of, take_in_missed
from scim_bridge.directory.people import load_people
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import GroupChange, PendingMember
from scim_bridge.errors import InvalidInput, NotFound

NOTHING = MemberDelta()


def user(db: Database, source: SourceRef, name: str, **more: Any) -> users.StoredUser:
    with db.write() as tx:
        return users.create_user(tx, source, {"userName": name, "active": True, **more}, now=NOON)


def group(db: Database, source: SourceRef, name: str, *members: str, **more: Any) -> groups.StoredGroup:
    with db.write() as tx:
        return groups.create_group(tx, source, {"displayName": name, **more}, members, now=NOON)


def change(
    db: Database, source: SourceRef, one: groups.StoredGroup, delta: MemberDelta = NOTHING, **body: Any
) -> groups.StoredGroup:
    with db.write() as tx:
        stored = groups.get_group(tx, source.id, one.scim_id, lock=True)
        return groups.change_group(tx, source, stored, {**stored.document, **body}, delta, now=NOON)


def values(db: Database, one: groups.StoredGroup) -> list[tuple[str, str | None]]:
    with db.read() as tx:
        return [(member.value, member.kind) for member in members_of(tx, [one.id])[one.id]]


def take_changes(db: Database) -> list[tuple[int, list[int] | None]]:
    """Change rows so far, removed as fan-out would."""
    with db.write() as tx:
        rows = tx.execute(sa.select(GroupChange.group_id, GroupChange.person_ids).order_by(GroupChange.id)).all()
        tx.execute(sa.delete(GroupChange))
        return [(row.group_id, row.person_ids) for row in rows]


def actions(db: Database) -> list[tuple[str, Any]]:
    with db.read() as tx:
        rows = tx.execute(sa.select(AuditRow.action, AuditRow.detail).order_by(AuditRow.id))
        return [(action, detail) for action, detail in rows if action.startswith("group.")]


def groups_of_person(db: Database, person_id: int) -> list[str]:
    with db.read() as tx:
        return [one.name for fact in load_people(tx, [person_id])[person_id].users for one in fact.groups]


def test_one_member_costs_the_same_in_any_group(db: Database, okta: SourceRef) -> None:
    people = [user(db, okta, f"u{number}") for number in range(60)]
    small = group(db, okta, "small")
    large = group(db, okta, "large", *(one.scim_id for one in people[:-1]))

    def statements(one: groups.StoredGroup) -> list[str]:
        with db.write() as tx, sent(tx) as seen:
            stored = groups.get_group(tx, okta.id, one.scim_id, lock=True)
            delta = MemberDelta(add=(people[-1].scim_id,))
            groups.change_group(tx, okta, stored, stored.document, delta, now=NOON)
            run_waiting(tx)
        return [statement.split()[0] for statement in seen]

    assert statements(small) == statements(large)
    assert set(statements(small)) == {"SELECT", "INSERT"}  # it is in already: nothing more is written
    assert len(statements(small)) == 3


def test_a_change_of_members_leaves_one_change_row_and_one_audit_row(db: Database, okta: SourceRef) -> None:
    ada, bob, cleo = (user(db, okta, name) for name in ("ada", "bob", "cleo"))
    one = group(db, okta, "g", ada.scim_id, bob.scim_id)
    assert take_changes(db) == [(one.id, [ada.person_id, bob.person_id])]
    after = change(db, okta, one, MemberDelta(add=(cleo.scim_id, ada.scim_id), remove=(bob.scim_id,)))
    assert after.version == 2
    assert take_changes(db) == [(one.id, [bob.person_id, cleo.person_id])]
    assert actions(db)[1:] == [("group.members_changed", {"added": 1, "removed": 1, "nested": 0, "pending": 0})]


def test_what_changes_nothing_writes_nothing(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada")
    one = group(db, okta, "g", ada.scim_id, "unknown")
    take_changes(db)
    for delta in (
        MemberDelta(add=(ada.scim_id, "unknown")),
        MemberDelta(replace=True, add=("unknown", ada.scim_id)),
        MemberDelta(remove=("nobody",)),
        MemberDelta(),
    ):
        assert change(db, okta, one, delta).version == 1
    assert take_changes(db) == []
    assert [action for action, _ in actions(db)] == ["group.created"]


def test_whoever_came_while_a_group_began_to_wait_is_let_in(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada", externalId="E1")
    one = group(db, okta, "Engineering")
    with db.write() as tx:  # as two transactions that do not see each other leave it
        tx.execute(sa.insert(PendingMember).values(group_id=one.id, value="E1", source_id=okta.id, created_at=NOON))
    with db.write() as tx:
        assert take_in_missed(tx, now=NOON) == 1
    assert values(db, one) == [(ada.scim_id, "User")]
    with db.write() as tx:
        assert take_in_missed(tx, now=NOON) == 0


def test_replace_takes_the_difference(db: Database, okta: SourceRef) -> None:
    ada, bob, cleo = (user(db, okta, name) for name in ("ada", "bob", "cleo"))
    inner = group(db, okta, "inner")
    one = group(db, okta, "g", ada.scim_id, bob.scim_id, inner.scim_id, "waiting")
    take_changes(db)
    change(db, okta, one, MemberDelta(replace=True, add=(bob.scim_id, cleo.scim_id)))
    assert values(db, one) == [(bob.scim_id, "User"), (cleo.scim_id, "User")]
    assert take_changes(db) == [(one.id, [ada.person_id, cleo.person_id]), (inner.id, None)]
    change(db, okta, one, MemberDelta(replace=True))
    assert values(db, one) == []


def test_more_members_than_a_statement_has_variables(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada")
    many = tuple(f"unknown-{number}" for number in range(70_000))
    one = group(db, okta, "g", ada.scim_id, *many)
    with db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(PendingMember)).scalar_one() == 70_000
    change(db, okta, one, MemberDelta(replace=True, add=(ada.scim_id,)))
    assert values(db, one) == [(ada.scim_id, "User")]


def test_a_rename_leaves_one_row_for_everybody(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "g", user(db, okta, "ada").scim_id)
    take_changes(db)
    change(db, okta, one, displayName="h")
    change(db, okta, one, externalId="E1")
    assert take_changes(db) == [(one.id, None), (one.id, None)]
    assert actions(db)[1:] == [("group.renamed", None), ("group.changed", None)]
    assert len(values(db, one)) == 1


def test_a_deleted_group_marks_everybody_who_was_in_it(db: Database, okta: SourceRef) -> None:
    ada, bob = user(db, okta, "ada"), user(db, okta, "bob")
    inner = group(db, okta, "inner", bob.scim_id)
    outer = group(db, okta, "outer", ada.scim_id, inner.scim_id)
    top = group(db, okta, "top", outer.scim_id)
    take_changes(db)
    with db.write() as tx:
        groups.delete_group(tx, okta, outer.scim_id, now=NOON)
    assert take_changes(db) == [(outer.id, [ada.person_id, bob.person_id])]
    assert values(db, top) == []
    assert groups_of_person(db, bob.person_id) == ["inner"]
    assert actions(db)[-1] == ("group.deleted", {"people": 2})
    with db.write() as tx, pytest.raises(NotFound):
        groups.delete_group(tx, okta, outer.scim_id, now=NOON)


def test_a_deleted_group_of_nobody_marks_nobody(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "empty")
    with db.write() as tx:
        groups.delete_group(tx, okta, one.scim_id, now=NOON)
    assert take_changes(db) == []


def test_a_deleted_user_leaves_its_groups(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada")
    one = group(db, okta, "g", ada.scim_id)
    with db.write() as tx:
        users.delete_user(tx, okta, ada.scim_id, now=NOON)
    assert values(db, one) == []
    with db.read() as tx:
        assert groups.get_group(tx, okta.id, one.scim_id).version == 2


def test_nested_groups_count_and_cycles_are_harmless(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada")
    a = group(db, okta, "a", ada.scim_id)
    b = group(db, okta, "b", a.scim_id)
    take_changes(db)
    change(db, okta, a, MemberDelta(add=(b.scim_id,)))
    assert sorted(take_changes(db)) == [(b.id, None)]
    assert groups_of_person(db, ada.person_id) == ["a", "b"]
    with db.read() as tx:
        assert groups.people_in(tx, b.id) == [ada.person_id]
    change(db, okta, b, MemberDelta(remove=(a.scim_id,)))
    assert groups_of_person(db, ada.person_id) == ["a"]


def test_a_group_is_not_in_itself(db: Database, okta: SourceRef) -> None:
    a = group(db, okta, "a", externalId="G1")
    for own in (a.scim_id, "G1"):
        with pytest.raises(InvalidInput, match="itself"):
            change(db, okta, a, MemberDelta(add=(own,)))
    with pytest.raises(InvalidInput, match="itself"):
        group(db, okta, "b", "G2", externalId="G2")


def test_an_unknown_member_joins_when_a_user_with_its_id_appears(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "g", "E1")
    assert values(db, one) == [("E1", None)]
    ada = user(db, okta, "ada", externalId="E1")
    assert values(db, one) == [(ada.scim_id, "User")]
    assert groups_of_person(db, ada.person_id) == ["g"]


def test_an_unknown_member_joins_when_a_user_takes_the_external_id(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "g", "E1")
    ada = user(db, okta, "ada")

    def is_linked(tx: Tx, person_id: int) -> bool:
        return False

    with db.write() as tx:
        document = {**ada.document, "externalId": "E1"}
        users.change_user(tx, okta, ada, document, now=NOON, is_linked=is_linked)
    assert values(db, one) == [(ada.scim_id, "User")]


def test_an_unknown_member_may_become_a_group(db: Database, okta: SourceRef) -> None:
    outer = group(db, okta, "outer", "G1", "G2")
    inner = group(db, okta, "inner", externalId="G1")
    late = group(db, okta, "late", user(db, okta, "ada").scim_id)
    change(db, okta, late, externalId="G2")
    assert values(db, outer) == [(inner.scim_id, "Group"), (late.scim_id, "Group")]


def test_members_are_taken_by_external_id_unless_several_bear_it(db: Database, okta: SourceRef) -> None:
    ada = user(db, okta, "ada", externalId="E1")
    user(db, okta, "bob", externalId="E2")
    user(db, okta, "cleo", externalId="E2")
    one = group(db, okta, "g", "E1", "E2")
    assert values(db, one) == [(ada.scim_id, "User"), ("E2", None)]


def test_ids_of_other_sources_are_unknown(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    ada = user(db, entra, "ada", externalId="E1")
    one = group(db, okta, "g", ada.scim_id, "E1")
    assert {kind for _, kind in values(db, one)} == {None}


def test_a_pending_member_can_be_removed(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "g", "E1", "E2")
    change(db, okta, one, MemberDelta(remove=("E1",)))
    assert values(db, one) == [("E2", None)]


def test_old_pending_members_are_dropped(db: Database, okta: SourceRef) -> None:
    one = group(db, okta, "g", "E1", "E2")
    with db.write() as tx:
        assert drop_old_pending(tx, NOON) == 0
        assert drop_old_pending(tx, NOON + timedelta(seconds=1)) == 2
    assert values(db, one) == []


def test_groups_are_listed_by_name_with_their_size(db: Database, okta: SourceRef) -> None:
    b = group(db, okta, "Straße_1", user(db, okta, "ada").scim_id)
    a = group(db, okta, "Allee", externalId="E1")
    with db.read() as tx:
        assert groups.list_groups(tx, text=None) == [
            groups.GroupView(a.scim_id, "E1", "Allee", "okta", 0),
            groups.GroupView(b.scim_id, None, "Straße_1", "okta", 1),
        ]
        assert [view.name for view in groups.list_groups(tx, text="STRASSE_")] == ["Straße_1"]
        assert groups.list_groups(tx, text="%") == []


def test_nobody_asked_is_nobody_read(db: Database) -> None:
    with db.read() as tx:
        assert members_of(tx, []) == {}
        assert memberships.groups_of(tx, []) == {}
        assert memberships.people_of(tx, []) == []


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_deletion_waits_for_those_who_change_members_and_locks_nobody_up(db: Database, okta: SourceRef) -> None:
    people = [user(db, okta, f"u{number}") for number in range(6)]
    one = group(db, okta, "Engineering")
    start = threading.Barrier(7)

    def join(person: users.StoredUser) -> None:
        start.wait(10)
        try:
            with db.write() as tx:
                stored = groups.get_group(tx, okta.id, one.scim_id, keep=True)
                groups.change_group(tx, okta, stored, stored.document, MemberDelta(add=(person.scim_id,)), now=NOON)
        except NotFound:
            return

    def delete() -> None:
        start.wait(10)
        with db.write() as tx:
            groups.delete_group(tx, okta, one.scim_id, now=NOON)

    with ThreadPoolExecutor(7) as pool:
        running = [pool.submit(join, person) for person in people] + [pool.submit(delete)]
        for each in running:
            each.result(20)
    with db.read() as tx, pytest.raises(NotFound):
        groups.get_group(tx, okta.id, one.scim_id)
