"""What becomes of a hub (paused, detached, forgotten, back again, under new rules) and of what is pushed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from engine_kit import GRANTS, World, mapping, seated

from scim_bridge.directory import groups, users
from scim_bridge.directory.tables import GroupChange, PersonChange, User
from scim_bridge.engine.fanout import Fanout
from scim_bridge.engine.forget import forget_hub
from scim_bridge.engine.tables import AccessRow, Pair, Task
from scim_bridge.errors import BridgeError, Conflict, Held, Permanent
from scim_bridge.hubs.bindings import confirm, list_bindings
from scim_bridge.hubs.operate import pause, resume
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping.findings import MappingError

DATABASES = ("sqlite",)
ANA = "ana@acme.example"


# Pause, detach, forget, publish


def test_a_paused_hub_takes_pushes_and_writes_nothing(live: World) -> None:
    with live.db.write() as tx:
        pause(tx, "acme", actor="cli:ops", now=live.now)
    live.push("ana", "Staff")
    live.run()
    assert live.calls() == []
    with live.db.write() as tx:
        resume(tx, None, actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == [("invite", ANA, "member")]


def test_a_detached_hub_is_left_alone_until_its_file_returns(live: World) -> None:
    seated(live, "Staff")
    live.push("bo", "Staff")
    live.fan_out()
    live.publish(mapping(app="direct"), hubs=("other",))
    live.push("ana")
    live.run()
    assert (live.calls(), live.app.seats()[ANA]) == ([], "member")
    assert live.hub().detached_at == live.now
    live.publish(mapping())
    live.run()
    assert sorted(live.calls()) == [("invite", "bo@acme.example", "member"), ("remove", "ana")]


def test_tasks_of_a_detached_hub_are_cancelled(world: World) -> None:
    world.begin(safety="protect: [ana]")
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.publish(mapping(app="direct"), hubs=("other",))
    assert (world.task().state, "detached" in world.task().cause) == ("cancelled", True)


def detach_and_return(world: World) -> None:
    world.publish(mapping(app="direct"), hubs=("other",))
    world.later(hours=1)
    world.publish(mapping())
    world.run()


def test_what_failed_before_a_hub_was_detached_is_done_when_it_returns(live: World) -> None:
    live.app.failures["invite"] = [Permanent("the app forbids it", advice="ask the app")]
    live.push("ana", "Staff")
    live.run()
    live.publish(mapping(app="direct"), hubs=("other",))
    assert (live.task().state, live.task().advice) == ("cancelled", None)
    detach_and_return(live)
    assert live.tasks() == [("invite", "seat", "cancelled"), ("invite", "seat", "done")]


@pytest.mark.parametrize(
    ("groups", "call"),
    [
        pytest.param((), ("remove", "ana"), id="removal"),
        pytest.param(("Guests",), ("change_role", "ana", "guest"), id="demotion"),
    ],
)
@pytest.mark.parametrize("error", [Held("the app's last owner"), Permanent("no")], ids=["held", "failed"])
def test_a_loss_that_stuck_before_a_hub_was_detached_is_carried_out_when_it_returns(
    live: World, error: BridgeError, groups: tuple[str, ...], call: tuple[str, ...]
) -> None:
    seated(live, "Staff")
    live.app.failures[call[0]] = [error]
    live.push("ana", *groups)
    live.run()
    assert live.calls() == [call]
    detach_and_return(live)
    assert [made for made in live.calls() if made != ("close",)] == [call]
    assert live.task().state == "done"


def test_a_call_under_way_while_its_hub_is_detached_is_looked_for_before_anything_is_done(live: World) -> None:
    ana = seated(live, "Staff")
    live.app.during["remove"] = lambda: live.publish(mapping(app="direct"), hubs=("other",))
    live.push("ana")
    live.run()
    assert live.pair(ana).look_after is not None
    live.publish(mapping())
    live.run()
    assert [call for call in live.calls() if call[0] == "remove"] == [("remove", "ana")]
    assert live.ours(ana) == set()


def test_a_hub_is_forgotten_only_without_its_file(live: World) -> None:
    seated(live, "Staff")
    with live.db.write() as tx, pytest.raises(Conflict, match="still has its mapping file"):
        forget_hub(tx, "acme", actor="cli:ops", now=live.now)
    live.publish(mapping(app="direct"), hubs=("other",))
    with live.db.write() as tx:
        forget_hub(tx, "acme", actor="cli:ops", now=live.now)
    assert [live.rows(sa.select(table)) for table in (AccountRow, Task, Pair, AccessRow)] == [[], [], [], []]
    assert [row.id for row in live.rows(sa.select(Hub.id))] == ["other"]


def test_the_same_files_again_change_nothing(live: World) -> None:
    before = live.dump()
    live.publish()
    assert live.dump() == before


def test_an_invalid_set_changes_nothing(live: World) -> None:
    before = live.dump()
    with pytest.raises(MappingError):
        live.publish("app: nowhere\n")
    assert live.dump() == before


def test_new_rules_reach_everybody(live: World) -> None:
    seated(live, "Staff", "Sales")
    live.publish(mapping(grants=GRANTS + "  - {name: sales, group: Sales, assets: {team/web: member}}\n"))
    live.run()
    assert live.calls() == [("set_asset", "ana", "web", "member")]


# Fan-out


def test_a_push_that_changes_nothing_wants_nothing(live: World) -> None:
    ana = seated(live, "Staff")
    wanted = live.pair(ana).want
    live.push("ana", "Staff", "Choir")
    live.run()
    assert (live.pair(ana).want, live.calls()) == (wanted, [])


def test_an_address_pushed_later_sends_the_invitation_that_failed_for_want_of_one(live: World) -> None:
    with live.db.write() as tx:
        user = users.create_user(tx, live.source, {"userName": "ana", "active": True}, now=live.now)
        groups.create_group(tx, live.source, {"displayName": "Staff"}, (user.scim_id,), now=live.now)
    live.run()
    assert (live.task().state, live.task().advice) == ("failed", "push an e-mail address from the identity provider")
    document = {"userName": "ana", "active": True, "emails": [{"value": ANA, "primary": True}]}
    with live.db.write() as tx:
        known = users.get_user(tx, live.source.id, user.scim_id)
        users.change_user(tx, live.source, known, document, now=live.now, is_linked=lambda _tx, _person: False)
    live.run()
    assert (live.calls(), live.tasks()) == ([("invite", ANA, "member")], [("invite", "seat", "done")])


def test_a_push_about_somebody_else_tries_nothing_again(live: World) -> None:
    live.app.failures["invite"] = [Permanent("no")]
    live.push("ana", "Staff")
    live.run()
    live.push("bo", "Choir")
    live.run()
    assert (len(live.calls()), live.task().state) == (1, "failed")


def test_change_rows_go_only_where_they_are_still_the_ones_that_were_read(live: World) -> None:
    ana = live.push("ana", "Staff")
    live.fan_out()
    live.push("ana", "Staff", active=False)
    with live.db.write() as tx:
        tx.execute(sa.update(PersonChange).values(generation=PersonChange.generation - 1))
    Fanout(live.db, live.rules)
    live.fan_out()
    assert live.rows(sa.select(PersonChange)) == []
    assert live.access(ana).role is None


def test_an_older_answer_never_wins(live: World) -> None:
    ana = live.push("ana", "Staff")
    live.fan_out()
    with live.db.write() as tx:
        tx.execute(sa.update(AccessRow).values(generation=10_000))
    live.push("ana", "Owners")
    live.fan_out()
    assert live.access(ana).role == "member"


def test_a_large_group_is_expanded_in_slices(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.engine.expand._SLICE", 2)
    for number in range(5):
        live.push(f"p{number}", "Staff")
    live.fan_out()
    live.publish(mapping(more="check: 1h"))
    live.run()
    assert (len(live.calls()), live.rows(sa.select(GroupChange))) == (5, [])


def test_a_group_of_the_same_name_gets_nothing_until_confirmed(live: World) -> None:
    seated(live, "Staff")
    bo = live.push("bo")
    with live.db.write() as tx:
        scim_id = tx.execute(sa.select(User.scim_id).where(User.person_id == bo)).scalar_one()
        groups.create_group(tx, live.source, {"displayName": "STAFF"}, (scim_id,), now=live.now)
    live.run()
    assert live.calls() == []
    with live.db.read() as tx:
        (binding,) = [one for one in list_bindings(tx, "acme") if one.candidate_id]
    with live.db.write() as tx:
        confirm(tx, binding.id, actor="cli:ops", now=live.now)
        with pytest.raises(Conflict, match="nothing to confirm"):
            confirm(tx, binding.id, actor="cli:ops", now=live.now)
    live.run()
    assert ("invite", "bo@acme.example", "member") in live.calls()
