"""What a probe pushes comes to nothing: no rule gives its people anything, whatever it matches."""

from __future__ import annotations

import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.directory import groups, users
from scim_bridge.directory.authentication import authenticate
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.probe import Probe, changes_left, make_probe
from scim_bridge.directory.tables import Source
from scim_bridge.engine.tables import AccessRow, Pair
from scim_bridge.hubs.tables import Binding

EVERYTHING = """\
  - {name: all, group: "*", role: member}
  - {name: staff, group: Staff, role: owner}
  - {name: teams, group: "{team}", assets: {"team/{team|lower}": member}}
"""


def pushed(world: World) -> tuple[Probe, int]:
    """A probe with somebody in the group Staff."""
    with world.db.write() as tx:
        probe = make_probe(tx, kind="okta", now=world.now, actor="cli:ops")
        ref = authenticate(tx, probe.token, world.now)
        assert ref is not None
        address = f"eve@{probe.domain}"
        user = users.create_user(
            tx, ref, {"userName": address, "active": True, "emails": [{"value": address}]}, now=world.now
        )
        group = groups.create_group(tx, ref, {"displayName": "Staff"}, (user.scim_id,), now=world.now)
        groups.change_group(tx, ref, group, {"displayName": "Core"}, MemberDelta(), now=world.now)
        groups.change_group(
            tx, ref, groups.get_group(tx, ref.id, group.scim_id), {"displayName": "Staff"}, MemberDelta(), now=world.now
        )
    return probe, user.person_id


def test_rules_that_match_everything_give_its_people_nothing(world: World) -> None:
    world.begin(grants=EVERYTHING)
    probe, _ = pushed(world)
    world.run()
    assert world.calls() == []
    for table in (AccessRow, Pair, Binding):
        assert world.rows(sa.select(table)) == []
    with world.db.read() as tx:
        assert changes_left(tx, probe.source_id) == 0


def test_a_new_revision_gives_them_nothing_either(world: World) -> None:
    world.begin()
    pushed(world)
    world.run()
    world.publish(mapping(grants=EVERYTHING))
    world.run()
    assert world.calls() == []
    assert world.rows(sa.select(AccessRow)) == []


def test_a_plan_says_nothing_of_them(world: World) -> None:
    world.begin(grants=EVERYTHING, start="plan")
    pushed(world)
    world.run()
    assert world.plan().changes == ()


def test_a_real_group_of_the_same_name_is_what_the_rule_means(world: World) -> None:
    world.begin(grants=EVERYTHING)
    pushed(world)
    world.run()
    ana = world.push("ana", "Staff")
    world.run()
    assert world.access(ana).role == "owner"
    (binding,) = world.rows(sa.select(Binding.scope).where(Binding.kind == "group"))
    assert binding.scope == str(world.source.id)


def test_the_keeper_removes_one_that_a_killed_doctor_left(world: World) -> None:
    world.settings.mappings.mkdir()
    world.begin()
    pushed(world)
    world.run()
    world.keeper.step()
    assert len(world.rows(sa.select(Source.id))) == 2
    world.clock.advance(hours=2)
    world.keeper.step()
    assert [row.name for row in world.rows(sa.select(Source.name))] == ["okta"]
