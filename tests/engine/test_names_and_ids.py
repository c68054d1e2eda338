"""Ids are kept, not names: a rename neither loses nor moves access, and a new thing under an old name waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE

from scim_bridge.audit.tables import AuditRow
from scim_bridge.contract.state import Asset
from scim_bridge.directory import groups
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.tables import Group, User
from scim_bridge.engine.names import confirm_binding
from scim_bridge.errors import Conflict
from scim_bridge.hubs.bindings import BindingView, list_bindings
from scim_bridge.ops.status import read_hubs

ANOTHER = Asset("team", "70", "Core", "core")


def reread(world: World) -> None:
    world.clock.advance(minutes=1)
    world.read()
    world.run()


def rename(world: World, old: str, new: str) -> None:
    with world.db.write() as tx:
        row = tx.execute(sa.select(Group.scim_id).where(Group.display_name == old)).one()
        group = groups.get_group(tx, world.source.id, row.scim_id)
        document = {**group.document, "displayName": new}
        groups.change_group(tx, world.source, group, document, MemberDelta(), now=world.now)


def new_group(world: World, name: str, *members: str) -> None:
    with world.db.write() as tx:
        keys = [f"{member}@acme.example" for member in members]
        ids = tuple(tx.execute(sa.select(User.scim_id).where(User.user_name_key.in_(keys))).scalars())
        groups.create_group(tx, world.source, {"displayName": name}, ids, now=world.now)


def waiting(world: World) -> list[BindingView]:
    """Names that something else bears now."""
    with world.db.read() as tx:
        return [one for one in list_bindings(tx, "acme") if one.candidate_id is not None]


def to_confirm(world: World) -> int:
    with world.db.read() as tx:
        return read_hubs(tx, world.rules.in_force(tx).mappings, world.now)["acme"].to_confirm


def confirm(world: World, binding: BindingView) -> None:
    with world.db.write() as tx:
        confirm_binding(tx, binding.id, actor="cli:ops", now=world.now)
    world.run()


# Groups


def test_a_renamed_group_neither_loses_nor_moves_access(live: World) -> None:
    ana = seated(live, "Staff")
    rename(live, "Staff", "Everybody")
    live.run()
    assert (live.calls(), live.ours(ana)) == ([], {("seat", "member")})


def test_a_new_group_under_an_old_name_gives_nothing_until_it_is_confirmed(live: World) -> None:
    ana = seated(live, "Staff")
    rename(live, "Staff", "Everybody")
    bo = live.push("bo")
    new_group(live, "Staff", "bo")
    live.run()
    assert (live.calls(), live.ours(bo)) == ([], set())
    (binding,) = waiting(live)
    assert (binding.name, binding.target_name, binding.candidate_name) == ("Staff", "Everybody", "Staff")
    confirm(live, binding)
    assert sorted(call[0] for call in live.calls()) == ["invite", "remove"]
    assert (live.ours(ana), waiting(live)) == (set(), [])
    (row,) = live.rows(sa.select(AuditRow.actor).where(AuditRow.action == "binding.confirmed"))
    assert row.actor == "cli:ops"


def renamed(world: World) -> tuple[str, ...]:
    """What a plan says about names that another thing bears by now."""
    return tuple(warning for warning in world.plan().warnings if " means " in warning)


def test_a_plan_warns_of_it_and_the_status_counts_it(live: World) -> None:
    seated(live, "Staff")
    assert (renamed(live), to_confirm(live)) == ((), 0)
    rename(live, "Staff", "Everybody")
    new_group(live, "Staff")
    live.push("bo", "Staff")
    live.run()
    (binding,) = waiting(live)
    assert renamed(live) == (
        'group "Staff" in source okta means Everybody; what bears the name now gives nobody anything until '
        f"`scim-bridge binding confirm {binding.id}`",
    )
    assert to_confirm(live) == 1
    confirm(live, binding)
    assert (renamed(live), to_confirm(live)) == ((), 0)


def test_a_plan_warns_of_a_team_that_bears_anothers_name(live: World, core: int) -> None:
    live.app.assets[0] = replace(CORE, slug="kernel", name="Kernel")
    live.app.assets.append(ANOTHER)
    reread(live)
    live.push("bo", "Staff", "Core")
    live.run()
    assert [one.partition(";")[0] for one in renamed(live)] == ["team/core means Kernel"]


def test_a_group_that_is_deleted_and_made_anew_waits_for_a_word(live: World) -> None:
    ana = seated(live, "Staff")
    with live.db.write() as tx:
        row = tx.execute(sa.select(Group.scim_id).where(Group.display_name == "Staff")).one()
        groups.delete_group(tx, live.source, row.scim_id, now=live.now)
    new_group(live, "Staff", "ana")
    live.run()
    assert [one.candidate_name for one in waiting(live)] == ["Staff"]
    assert live.ours(ana) == set()


# Assets


@pytest.fixture
def core(live: World) -> int:
    """Ana is on the team Core."""
    return seated(live, "Staff", "Core")


def test_a_renamed_team_neither_loses_nor_moves_access(live: World, core: int) -> None:
    live.app.assets[0] = replace(CORE, slug="kernel", name="Kernel")
    reread(live)
    assert (live.calls(), live.ours(core)) == ([], {("seat", "member"), ("team/7", "member")})
    live.push("ana", "Staff")
    live.run()
    assert live.calls() == [("unset_asset", "ana", "kernel", "member")]


@pytest.mark.parametrize("is_there", [True, False], ids=["the-old-one-is-renamed", "the-old-one-is-gone"])
def test_a_new_team_under_an_old_name_is_refused_until_it_is_confirmed(live: World, core: int, is_there: bool) -> None:
    live.app.assets[0] = replace(CORE, slug="kernel", name="Kernel")
    if not is_there:
        live.app.assets.pop(0)
        live.app.holdings.clear()
    live.app.assets.append(ANOTHER)
    reread(live)
    live.push("bo", "Staff", "Core")
    live.run()
    assert [call for call in live.calls() if call[0] == "set_asset"] == []
    (binding,) = waiting(live)
    assert (binding.target_id, binding.candidate_id) == ("7", "70")
    confirm(live, binding)
    assert ("set_asset", "ana", "core", "member") in live.calls()
    assert ("team/70", "member") in live.ours(core)


def test_another_team_of_the_same_name_is_no_candidate_while_the_old_one_bears_it(live: World, core: int) -> None:
    live.app.assets.append(replace(ANOTHER, slug="core-2"))
    live.app.assets[0] = replace(CORE, slug="kernel")
    reread(live)
    live.push("bo", "Staff", "Core")
    live.run()
    assert waiting(live) == []


def test_a_candidate_that_went_away_is_not_confirmed(live: World, core: int) -> None:
    live.app.assets[0] = ANOTHER
    reread(live)
    live.push("bo", "Staff", "Core")
    live.run()
    (binding,) = waiting(live)
    live.app.assets.pop(0)
    reread(live)
    with pytest.raises(Conflict, match="is not there any more"):
        confirm(live, binding)


# Logins


def test_a_renamed_login_keeps_its_person_and_what_they_hold(live: World, core: int) -> None:
    ref = next(ref for ref, one in live.app.accounts.items() if one.login == "ana")
    live.app.accounts[ref] = replace(live.app.accounts[ref], login="ana-alba")
    reread(live)
    assert (live.calls(), live.why(core).drift) == ([], [])
    live.push("ana", "Owners", "Core")
    live.run()
    assert live.calls() == [("change_role", "ana-alba", "owner")]


def test_a_stranger_under_a_freed_login_gets_nothing_and_loses_nothing(world: World) -> None:
    world.publish(mapping())
    world.run()
    seated(world, "Staff")
    ref = next(ref for ref, one in world.app.accounts.items() if one.login == "ana")
    world.app.accounts[ref] = replace(world.app.accounts[ref], login="ana-alba")
    stranger = world.app.member("ana", role="guest")
    reread(world)
    world.push("ana", active=False)
    world.run()
    assert world.calls() == [("remove", "ana-alba")]
    assert stranger in world.app.accounts
