"""Limits, approvals and protection over real rows: who is held, and what lets them go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.engine.apply import apply_hub
from scim_bridge.engine.dispatch import Dispatch
from scim_bridge.engine.tables import Reservation, Task
from scim_bridge.errors import Conflict, NotFound, Transient
from scim_bridge.hubs.tables import AccountRow

TEN = [f"p{number}" for number in range(10)]


def seat(world: World, names: list[str], *groups: str) -> None:
    """These people are members, accepted and observed."""
    for name in names:
        world.push(name, *(groups or ("Staff",)))
    world.run()
    for name in names:
        world.app.accept(f"{name}@acme.example")
    world.later(minutes=10)
    world.calls()


def leave(world: World, names: list[str], *groups: str) -> None:
    for name in names:
        world.push(name, *groups)
    world.run()


def states(world: World, action: str = "remove") -> list[str]:
    return [state for name, _, state in world.tasks() if name == action]


def release(world: World) -> None:
    with world.db.write() as tx:
        apply_hub(tx, "acme", release=True, actor="cli:ops", now=world.now)
    world.run()


def test_beyond_a_fifth_of_the_accounts_removals_are_held_and_all_else_goes_on(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:5])
    assert sorted(states(live)) == ["done", "done", "held", "held", "held"]
    live.push("new", "Staff")
    live.run()
    assert live.calls()[-1] == ("invite", "new@acme.example", "member")


def test_an_invitation_that_is_cancelled_for_good_counts(live: World) -> None:
    for name in TEN:
        live.push(name, "Staff")
    live.run()
    leave(live, TEN[:3])
    assert states(live, "cancel_invitation") == ["done", "done", "held"]


def test_below_five_accounts_nobody_counts(live: World) -> None:
    seat(live, TEN[:4])
    leave(live, TEN[:4])
    assert states(live) == ["done"] * 4


def test_lower_roles_and_renewed_invitations_do_not_count(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN, "Guests")
    assert states(live, "change_role") == ["done"] * 10


def test_time_frees_no_held_removal(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:3])
    live.later(hours=30)
    assert sorted(states(live)) == ["done", "done", "held"]


def test_the_hour_slides_for_new_removals(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:2])
    live.clock.advance(minutes=61)
    leave(live, TEN[2:4])
    assert states(live) == ["done"] * 4


def test_removals_within_the_hour_add_up(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:1])
    live.clock.advance(minutes=40)
    leave(live, TEN[1:3])
    assert states(live) == ["done", "done", "held"]


def test_a_release_lets_held_removals_go_on_once(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:5])
    release(live)
    assert states(live) == ["done"] * 5
    leave(live, TEN[5:6])
    assert states(live)[-1] == "held"


def test_back_before_the_release_nothing_is_removed(live: World) -> None:
    seat(live, TEN)
    leave(live, TEN[:3])
    live.push(TEN[2], "Staff")
    live.run()
    assert states(live)[-1] == "cancelled"
    release(live)
    assert live.app.seats()[f"{TEN[2]}@acme.example"] == "member"


def test_a_leaver_goes_before_others_under_the_limit(live: World) -> None:
    seat(live, TEN)
    for name in TEN[:3]:
        live.push(name)
    live.push(TEN[9], "Staff", active=False)
    live.run()
    assert live.calls()[0] == ("remove", TEN[9])


def test_the_last_owner_is_kept_though_two_workers_try_at_once(world: World) -> None:
    world.begin(safety="keep_at_least: {owner: 1}")
    world.app.drop(next(iter(world.app.accounts)))
    seat(world, ["ana", "bo"], "Owners")
    for name in ("ana", "bo"):
        world.push(name, active=False)
    world.fan_out()
    second = Dispatch(world.db, world.rules, world.connections, world.settings, on_free=lambda: None)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.step(), (world.dispatch, second)))
    world.settle_lanes(second)
    world.settle_lanes()
    second.stop(5)
    world.run()
    assert [role for role in world.app.seats().values() if role == "owner"] == ["owner"]
    assert sorted(states(world)) == ["done", "held"]


def test_a_removal_under_way_is_no_holder_any_more(world: World) -> None:
    world.begin()
    world.app.drop(next(iter(world.app.accounts)))
    seat(world, ["ana", "bo"], "Owners")
    world.app.failures["remove"] = [Transient("no answer", maybe_done=True)]
    leave(world, ["ana"])
    leave(world, ["bo"])
    assert [state for name, _, state in world.tasks() if name == "remove"] == ["retrying", "held"]


def test_a_lost_removal_that_shows_as_done_does_not_hold_roles_that_nobody_keeps(live: World) -> None:
    seat(live, ["ana", "bo"])
    live.app.after["remove"] = [Transient("no answer", maybe_done=True, retry_after_s=3600)]
    leave(live, ["ana"])
    live.clock.advance(seconds=1)
    live.read()
    leave(live, ["bo"])
    assert ("remove", "bo") in live.calls()


def test_the_count_of_owners_stands_on_a_fresh_reading(world: World) -> None:
    world.begin()
    seat(world, ["ana", "bo"], "Owners")
    readings = world.app.readings
    world.clock.advance(minutes=6)
    leave(world, ["ana"])
    assert world.app.readings == readings + 1
    assert world.calls() == [("remove", "ana")]


def test_a_reading_that_takes_longer_than_look_after_does_not_read_for_ever(world: World) -> None:
    world.begin()
    seat(world, ["ana", "bo"], "Owners")
    world.clock.advance(minutes=6)
    world.app.during["observed"] = lambda: world.clock.advance(minutes=9)
    leave(world, ["ana"])
    assert world.calls() == [("remove", "ana")]


def test_protected_accounts_gain_and_never_lose(world: World) -> None:
    world.begin(safety="protect: [ana]")
    seat(world, ["ana"])
    leave(world, ["ana"], "Owners")
    assert world.calls() == [("change_role", "ana", "owner")]
    leave(world, ["ana"])
    assert (world.calls(), world.task().state) == ([], "held")
    release(world)
    assert (world.calls(), world.task().state) == ([], "held")


def test_a_mapping_that_protects_no_longer_wakes_the_held(world: World) -> None:
    world.begin(safety="protect: [ana]")
    seat(world, ["ana"])
    leave(world, ["ana"])
    world.publish(mapping())
    world.run()
    assert world.calls() == [("remove", "ana")]


def test_ignored_accounts_do_not_exist(world: World) -> None:
    world.begin(safety="ignore: ['svc-*']")
    world.app.member("svc-deploy", "deploy@acme.example")
    world.push("svc-new", "Staff")
    world.push("deploy", "Staff")
    world.clock.advance(minutes=1)
    world.read()
    world.run()
    assert world.calls() == [("invite", "deploy@acme.example", "member")]
    assert world.rows(sa.select(AccountRow.person_id).where(AccountRow.login == "svc-deploy"))[0].person_id is None


def test_another_persons_access_to_the_account_holds_its_removal(live: World) -> None:
    seat(live, ["ana"])
    ref = next(ref for ref, one in live.app.accounts.items() if one.login == "ana")
    live.app.accounts[ref] = replace(live.app.accounts[ref], emails=("ana@acme.example", "bo@acme.example"))
    live.clock.advance(minutes=1)
    live.read()
    live.push("bo", "Staff")
    live.run()
    live.push("ana")
    live.run()
    assert ("remove", "ana") not in live.calls()
    assert "another person's access" in live.rows(sa.select(Task.cause).where(Task.action == "remove"))[0].cause


def test_reservations_are_written_before_the_call(live: World) -> None:
    seat(live, ["ana"])
    seen: list[object] = []
    live.app.during["remove"] = lambda: seen.extend(
        live.rows(sa.select(Reservation.thing, Reservation.role, Reservation.ends_seat, Reservation.is_open))
    )
    leave(live, ["ana"])
    assert [tuple(row) for row in seen] == [("seat", "member", True, True)]  # type: ignore[call-overload]


def test_apply_of_an_unknown_or_detached_hub_is_refused(live: World) -> None:
    live.publish(mapping(app="direct"), hubs=("other",))
    with live.db.write() as tx, pytest.raises(Conflict, match="detached"):
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=live.now)
    with live.db.write() as tx, pytest.raises(NotFound):
        apply_hub(tx, "nowhere", release=False, actor="cli:ops", now=live.now)
