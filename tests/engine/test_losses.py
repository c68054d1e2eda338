"""A source that suddenly loses many of its people holds the removals that follow from it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping
from memory_app import MemoryAdapter, MemoryApp
from test_brake import TEN, seat, states

from scim_bridge.audit.tables import AuditRow
from scim_bridge.directory import sources, users
from scim_bridge.directory.tables import Departure, User
from scim_bridge.engine.brake_tables import SourceLoss
from scim_bridge.engine.losses import approve_loss, braked_sources, clear_departures
from scim_bridge.engine.tables import Task
from scim_bridge.errors import Conflict, NotFound

LOOSE = "max_removals: {count: 500}"


@pytest.fixture
def staffed(world: World) -> World:
    """Ten members, and no limit that would hold anybody but the source's."""
    world.begin(safety=LOOSE)
    seat(world, TEN)
    return world


def deactivate(world: World, *names: str) -> None:
    for name in names:
        world.push(name, "Staff", active=False)


def delete(world: World, name: str) -> None:
    with world.db.write() as tx:
        scim_id = tx.scalar(sa.select(User.scim_id).where(User.user_name_key == f"{name}@acme.example"))
        assert scim_id is not None
        users.delete_user(tx, world.source, scim_id, now=world.now)


def approve(world: World, source: str = "okta") -> int:
    with world.db.write() as tx:
        gone_on = approve_loss(tx, source, actor="cli:ops", reason="the site closes", now=world.now)
    world.run()
    return gone_on


def braked(world: World) -> list[tuple[str, int, int]]:
    with world.db.read() as tx:
        return [(loss.source, loss.lost, loss.of) for loss in braked_sources(tx)]


def causes(world: World) -> set[Any]:
    return {row.cause for row in world.rows(sa.select(Task.cause).where(Task.state == "held"))}


def test_more_than_a_fifth_at_once_is_held_with_the_source_and_the_numbers(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    assert staffed.calls() == []
    assert causes(staffed) == {"source okta lost 3 of 10 active people within an hour"}
    assert [row[4:] for row in staffed.approvals()] == [("source", "pending")] * 3
    assert braked(staffed) == [("okta", 3, 10)]


def test_a_fifth_is_not_too_many(staffed: World) -> None:
    deactivate(staffed, *TEN[:2])
    staffed.run()
    assert states(staffed) == ["done"] * 2
    assert braked(staffed) == []


def test_one_after_another_within_the_hour_counts(staffed: World) -> None:
    for name in TEN[:4]:
        deactivate(staffed, name)
        staffed.later(minutes=10)
    assert states(staffed) == ["done", "done", "held", "held"]


def test_over_several_hours_nobody_is_held(staffed: World) -> None:
    for name in TEN[:4]:
        deactivate(staffed, name)
        staffed.later(minutes=61)
    assert states(staffed) == ["done"] * 4


def test_deleted_users_count_once(staffed: World) -> None:
    deactivate(staffed, *TEN[:2])
    staffed.run()
    for name in TEN[:2]:
        delete(staffed, name)
    staffed.run()
    assert braked(staffed) == []
    delete(staffed, TEN[2])
    staffed.run()
    assert states(staffed) == ["done", "done", "held"]


def test_below_five_people_there_is_no_brake(world: World) -> None:
    world.begin(safety=LOOSE)
    seat(world, TEN[:4])
    deactivate(world, *TEN[:4])
    world.run()
    assert states(world) == ["done"] * 4


def test_the_setting_says_how_many_are_too_many(staffed: World) -> None:
    staffed.fanout._loss_percent = 50
    deactivate(staffed, *TEN[:5])
    staffed.run()
    assert states(staffed) == ["done"] * 5


def test_it_holds_on_all_hubs(world: World) -> None:
    other = mapping(safety=LOOSE).replace("{app: acme}", "{app: other}")
    world.publish(mapping(safety=LOOSE), other, hubs=("acme", "other"))
    MemoryAdapter.APPS["other"] = MemoryApp()
    world.check.run("other")
    world.run()
    seat(world, TEN)
    deactivate(world, *TEN[:3])
    world.run()
    held = world.rows(sa.select(Task.hub_id, Task.action).where(Task.state == "held"))
    assert sorted(set(map(tuple, held))) == [("acme", "remove"), ("other", "cancel_invitation")]


def test_whoever_left_before_in_the_normal_way_is_not_held(world: World) -> None:
    world.begin(safety=LOOSE, more="leave: {disabled: [{after: 1d, do: remove}]}")
    seat(world, TEN)
    deactivate(world, TEN[9])
    world.run()
    world.later(hours=2)
    deactivate(world, *TEN[:3])
    world.run()
    world.later(hours=25)
    assert world.calls() == [("remove", TEN[9])]
    assert sorted(states(world)) == ["done", "held", "held", "held"]


def test_whoever_leaves_later_in_the_normal_way_is_not_held(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.later(hours=2)
    deactivate(staffed, TEN[9])
    staffed.run()
    assert staffed.calls() == [("remove", TEN[9])]


def test_who_is_active_through_another_source_keeps_the_seat(staffed: World) -> None:
    with staffed.db.write() as tx:
        other = sources.add_source(tx, name="entra", kind="entra", joins=True, now=staffed.now)
        address = f"{TEN[0]}@acme.example"
        document = {"userName": address, "active": True, "emails": [{"value": address, "primary": True}]}
        users.create_user(tx, sources.SourceRef(other, "entra", "entra", True), document, now=staffed.now)
    staffed.publish(mapping(safety=LOOSE, grants="  - {name: all, where: active eq true, role: member}\n"))
    staffed.run()
    deactivate(staffed, *TEN[:3])
    staffed.run()
    assert sorted(states(staffed)) == ["held"] * 2
    approve(staffed)
    assert f"{TEN[0]}@acme.example" in staffed.app.seats()


def test_the_word_of_a_person_lets_them_go_on(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    assert approve(staffed) == 3
    assert sorted(staffed.calls()) == [("remove", name) for name in TEN[:3]]
    assert braked(staffed) == []
    (said,) = staffed.rows(sa.select(AuditRow).where(AuditRow.action == "source.loss_approved"))
    assert (said.actor, said.subject, said.detail) == ("cli:ops", "source:okta", {"reason": "the site closes"})


def test_what_was_approved_does_not_count_against_those_who_follow(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    approve(staffed)
    staffed.clock.advance(minutes=1)
    deactivate(staffed, TEN[3])
    staffed.run()
    assert states(staffed) == ["done"] * 4


def test_one_of_them_may_be_let_go_alone(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    staffed.say("approved", staffed.approvals()[0][0])
    assert staffed.calls() == [("remove", TEN[0])]


def test_when_everybody_is_back_it_is_over(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    for name in TEN[:3]:
        staffed.push(name, "Staff")
    staffed.run()
    staffed.keeper._ask_again(staffed.now)
    assert (staffed.calls(), staffed.approvals(), braked(staffed)) == ([], [], [])


def test_time_alone_frees_nobody(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.run()
    staffed.clock.advance(days=3)
    staffed.keeper.step()
    staffed.run()
    assert sorted(states(staffed)) == ["held"] * 3
    assert braked(staffed) == [("okta", 3, 10)]


def test_a_loss_while_the_engine_was_away_is_noticed_too(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.later(hours=5)
    assert sorted(states(staffed)) == ["held"] * 3


def test_a_leaver_who_returned_is_no_departure(staffed: World) -> None:
    deactivate(staffed, TEN[0])
    staffed.push(TEN[0], "Staff")
    assert staffed.rows(sa.select(Departure)) == []


def test_old_departures_are_cleared_away_but_those_of_a_loss(staffed: World) -> None:
    deactivate(staffed, TEN[9])
    staffed.later(hours=2)
    deactivate(staffed, *TEN[:3])
    staffed.later(days=2)
    with staffed.db.write() as tx:
        clear_departures(tx, now=staffed.now)
    assert len(staffed.rows(sa.select(Departure))) == 3


def test_a_loss_counts_those_who_leave_later_within_the_hour(staffed: World) -> None:
    deactivate(staffed, *TEN[:3])
    staffed.later(minutes=30)
    deactivate(staffed, TEN[3])
    staffed.run()
    assert braked(staffed) == [("okta", 4, 10)]
    assert len(staffed.rows(sa.select(SourceLoss))) == 1


def test_unknown_sources_and_those_that_lost_nobody_are_refused(staffed: World) -> None:
    with pytest.raises(NotFound, match="no source nowhere"):
        approve(staffed, "nowhere")
    with pytest.raises(Conflict, match="source okta has no sudden loss"):
        approve(staffed)
