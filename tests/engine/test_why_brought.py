"""``why`` names the push behind each grant: the membership, and the request that brought it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World

from scim_bridge.directory.tables import Group, NestedGroup, User
from scim_bridge.journal.entry import Asked
from scim_bridge.journal.journal import Journal
from scim_bridge.journal.tables import RequestRow

RULES = """\
  - {name: staff, group: Staff, role: member}
  - {name: named, where: 'userName sw "ana"', role: guest, assets: {team/core: member}}
"""


@dataclass
class Pushes:
    """Requests as the wire would enter them."""

    world: World

    def scim_id(self, table: type[User] | type[Group], number: int = 0) -> str:
        return str(self.world.rows(sa.select(table.scim_id).order_by(table.id))[number][0])

    def enter(self, method: str, target: str, body: Any) -> None:
        journal, raw = Journal(self.world.db), json.dumps(body).encode()
        with self.world.db.write() as tx:
            journal.enter(
                tx,
                Asked("3f2a" * 8, method, target),
                at=self.world.now,
                source_id=1,
                status=200,
                location=None,
                size=len(raw),
                body=journal.body(raw),
            )

    def members(self, group: str, *members: str) -> None:
        value = [{"value": each} for each in members]
        self.enter("PATCH", f"/Groups/{group}", {"Operations": [{"op": "add", "path": "members", "value": value}]})


@pytest.fixture
def pushes(world: World) -> Pushes:
    world.begin(grants=RULES)
    return Pushes(world)


def through(world: World, person_id: int, rule: str = "staff") -> list[dict[str, Any]]:
    (found, *_) = [each["through"] for each in world.why(person_id).grants if each["rule"] == rule]
    return list(found)


def test_a_grant_names_the_group_and_the_request_that_brought_the_member(world: World, pushes: Pushes) -> None:
    bob = world.push("bob", "Staff")
    group = pushes.scim_id(Group)
    pushes.members(group, "somebody", pushes.scim_id(User))
    pushes.members(group, "somebody else")
    (found,) = through(world, bob)
    assert (found["group"], found["group_id"], found["source"], found["missing"]) == ("Staff", group, "okta", None)
    assert found["request"] == {
        "id": found["request"]["id"],
        "request_id": "3f2a" * 8,
        "at": "2026-11-22T12:00:00+00:00",
        "method": "PATCH",
        "path": f"/Groups/{group}",
    }


def test_a_member_pushed_by_external_id_is_found(world: World, pushes: Pushes) -> None:
    bob = world.push("bob", "Staff")
    with world.db.write() as tx:
        tx.execute(sa.update(User).values(document={"userName": "bob@acme.example", "externalId": "00u1"}))
    pushes.members(pushes.scim_id(Group), "00u1")
    assert through(world, bob)[0]["request"] is not None


def test_a_member_by_nesting_came_with_the_request_that_nested_the_group(world: World, pushes: Pushes) -> None:
    bob = world.push("bob", "Berlin")
    world.push("ann", "Staff")
    with world.db.write() as tx:
        numbers = {row.display_name: row.id for row in tx.execute(sa.select(Group.display_name, Group.id))}
        tx.execute(sa.insert(NestedGroup).values(group_id=numbers["Staff"], child_id=numbers["Berlin"]))
    berlin, staff = pushes.scim_id(Group, 0), pushes.scim_id(Group, 1)
    pushes.members(staff, berlin)
    (found,) = through(world, bob)
    assert (found["group"], found["request"]["path"]) == ("Staff", f"/Groups/{staff}")


def test_a_rule_without_groups_names_the_last_write_of_the_user(world: World, pushes: Pushes) -> None:
    ana = world.push("ana")
    user = pushes.scim_id(User)
    pushes.enter("PUT", f"/Users/{user}", {"userName": "ana@acme.example"})
    (found,) = through(world, ana, "named")
    assert (found["group"], found["request"]["method"]) == (None, "PUT")


def test_an_inactive_user_and_one_out_of_scope_are_behind_nothing(world: World) -> None:
    world.begin(grants=RULES, more="scope: title pr")
    assert world.why(world.push("bob", "Staff")).grants == []
    assert world.why(world.push("bob", "Staff", active=False)).grants == []


def test_without_a_journal_a_sentence_says_so(world: World, pushes: Pushes) -> None:
    bob = world.push("bob", "Staff")
    (found,) = through(world, bob)
    assert (found["request"], found["missing"]) == (
        None,
        "the journal is empty, so it has no request that brought this",
    )


def test_what_is_older_than_the_journal_is_a_sentence_with_its_beginning(world: World, pushes: Pushes) -> None:
    bob = world.push("bob", "Staff")
    pushes.members(pushes.scim_id(Group), "somebody")
    assert through(world, bob)[0]["missing"] == (
        "the journal, which begins at 2026-11-22 12:00:00Z, has no request that brought this: "
        "older, or made while it was off"
    )
    assert world.rows(sa.select(sa.func.count()).select_from(RequestRow)) == [(1,)]
