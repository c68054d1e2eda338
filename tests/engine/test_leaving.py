"""Whoever loses access or leaves the company, through the whole engine: timers, steps, and coming back in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from engine_kit import World, mapping, seated
from memory_app import CORE

from scim_bridge.contract.state import Status
from scim_bridge.errors import Transient
from scim_bridge.ops.status import HubStatus, read_hubs

WEEK = "leave: {lost_access: [{after: 7d, do: remove}]}"
RESTS = "leave: {lost_access: [{after: 0d, do: suspend}, {after: 30d, do: remove}]}"
OWNER_IS_APPROVED = "approve_roles: [owner]"


def status(world: World) -> HubStatus:
    with world.db.read() as tx:
        return read_hubs(tx, world.rules.in_force(tx).mappings, world.now)["acme"]


def app_status(world: World, login: str = "ana") -> Status | None:
    return next((one.status for one in world.app.accounts.values() if one.login == login), None)


def read(world: World) -> None:
    world.clock.advance(minutes=1)
    world.read()
    world.run()


# Traps


def test_trap_a_seat_that_is_lost_while_its_asset_grant_is_kept_stays_whole_until_the_timer_ends(world: World) -> None:
    """An assets-only grant is not a seat: nothing of it is given or taken while the timer runs."""
    world.begin(more=WEEK)
    ana = seated(world, "Staff", "Core")
    world.push("ana", "Core", "Web")
    world.run()
    assert (world.calls(), world.access(ana).role, world.access(ana).assets) == ([], None, {})
    world.push("ana", "Web")
    world.later(days=6)
    assert (world.calls(), world.ours(ana)) == ([], {("seat", "member"), ("team/7", "member")})
    world.later(days=1)
    assert (world.calls(), world.ours(ana)) == ([("remove", "ana")], set())


def test_back_in_time_it_holds_what_the_rules_give_now(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff", "Core")
    world.push("ana", "Core")
    world.later(days=6)
    world.push("ana", "Staff", "Web")
    world.run()
    assert world.calls() == [("set_asset", "ana", "web", "member"), ("unset_asset", "ana", "core", "member")]
    world.later(days=30)
    assert world.calls() == []


def test_a_disabled_person_leaves_though_the_scope_says_nothing_of_it(world: World) -> None:
    """`scope` without `active` does not keep an inactive user in."""
    world.begin(more='scope: userName co "@acme.example"')
    seated(world, "Staff")
    world.push("ana", "Staff", active=False)
    world.run()
    assert world.calls() == [("remove", "ana")]


def test_a_lower_role_is_a_change_and_no_leave(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    world.push("ana", "Guests")
    world.run()
    assert (world.calls(), status(world).leaving) == ([("change_role", "ana", "guest")], 0)


# Disabled


def test_a_disabled_person_never_waits_for_settle(world: World) -> None:
    world.begin(settle="1h")
    world.push("ana", "Staff")
    world.run()
    world.later(hours=1)
    world.app.accept("ana@acme.example")
    world.later(minutes=10)
    world.calls()
    world.push("ana", active=False)
    world.run()
    assert world.calls() == [("remove", "ana")]


def test_lost_access_goes_on_counting_for_who_is_disabled_later(world: World) -> None:
    world.begin(more="leave: {lost_access: [{after: 7d, do: remove}], disabled: [{after: 14d, do: remove}]}")
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.later(days=6)
    world.push("ana", active=False)
    world.run()
    assert world.calls() == []
    world.later(days=1)
    assert world.calls() == [("remove", "ana")]


def test_who_is_disabled_within_the_same_burst_has_the_steps_of_disabled_only(world: World) -> None:
    more = "leave: {lost_access: [{after: 0d, do: remove}], disabled: [{after: 14d, do: remove}]}"
    world.begin(more=more, settle="60s")
    world.push("ana", "Staff")
    world.run()
    world.later(minutes=1)
    world.app.accept("ana@acme.example")
    world.later(minutes=10)
    world.calls()
    world.push("ana")
    world.run()
    world.clock.advance(seconds=20)
    world.push("ana", active=False)
    world.run()
    world.later(days=13)
    assert world.calls() == []
    world.later(days=2)
    assert world.calls() == [("remove", "ana")]


# Approved roles


def test_a_role_that_needs_approval_falls_to_the_lowest_at_once(world: World) -> None:
    world.begin(more=WEEK, safety=OWNER_IS_APPROVED, start="apply")
    world.app.member("ana", "ana@acme.example", role="owner", holds={CORE: "member"})
    read(world)
    ana = world.push("ana", "Owners", "Core")
    world.run()
    world.push("ana", "Core")
    world.run()
    assert (world.calls(), world.ours(ana)) == (
        [("change_role", "ana", "guest")],
        {("seat", "guest"), ("team/7", "member")},
    )
    world.later(days=7)
    assert world.calls() == [("remove", "ana")]


# Suspend


def test_the_step_suspends_and_the_next_one_removes(world: World) -> None:
    world.begin(more=RESTS)
    ana = seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    assert (world.calls(), app_status(world)) == ([("suspend", "ana")], Status.SUSPENDED)
    assert world.ours(ana) == {("seat", "member"), ("team/7", "member"), ("suspension", "suspended")}
    read(world)
    world.later(days=29)
    assert world.calls() == []
    world.later(days=1)
    assert (world.calls(), world.ours(ana)) == ([("remove", "ana")], set())


def test_wanted_again_it_is_resumed(world: World) -> None:
    world.begin(more=RESTS)
    ana = seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    world.calls()
    world.push("ana", "Staff", "Web")
    world.run()
    assert world.calls() == [
        ("resume", "ana"),
        ("set_asset", "ana", "web", "member"),
        ("unset_asset", "ana", "core", "member"),
    ]
    assert (app_status(world), world.ours(ana)) == (Status.ACTIVE, {("seat", "member"), ("team/8", "member")})


def test_an_invitation_is_cancelled_where_an_account_would_be_suspended(world: World) -> None:
    world.begin(more=RESTS)
    world.push("ana", "Staff")
    world.run()
    world.calls()
    world.push("ana")
    world.run()
    assert world.calls() == [("cancel", "ana@acme.example")]
    world.later(days=31)
    assert world.calls() == []


def test_a_suspension_whose_answer_got_lost_is_found_done(world: World) -> None:
    world.begin(more=RESTS)
    seated(world, "Staff")
    world.app.after["suspend"] = [Transient("no answer", maybe_done=True)]
    world.push("ana")
    world.run()
    world.later(minutes=1)
    assert [call for call in world.calls() if call[0] == "suspend"] == [("suspend", "ana")]
    assert (world.tasks()[-1], world.reservations()[-1]) == (("suspend", "suspension", "done"), ("suspension", False))


def test_suspensions_count_as_ended_seats_once(world: World) -> None:
    names = [f"p{number}" for number in range(10)]
    world.begin(more=RESTS)
    for name in names:
        world.push(name, "Staff")
    world.run()
    for name in names:
        world.app.accept(f"{name}@acme.example")
    world.later(minutes=10)
    for name in names[:5]:
        world.push(name)
        world.run()
    assert sorted(state for action, _, state in world.tasks() if action == "suspend") == [
        "done",
        "done",
        "held",
        "held",
        "held",
    ]


def test_the_last_owner_is_not_suspended(world: World) -> None:
    world.begin(more=RESTS)
    seated(world, "Owners")
    world.app.drop(next(ref for ref, one in world.app.accounts.items() if one.login == "root"))
    read(world)
    world.push("ana")
    world.run()
    assert (world.calls(), world.tasks()[-1]) == ([], ("suspend", "suspension", "held"))


def test_who_was_suspended_by_us_and_resumed_by_hand_is_drift(world: World) -> None:
    world.begin(more=RESTS)
    ana = seated(world, "Staff")
    world.push("ana")
    world.run()
    world.calls()
    ref = next(ref for ref, one in world.app.accounts.items() if one.login == "ana")
    world.app.accounts[ref] = replace(world.app.accounts[ref], status=Status.ACTIVE)
    read(world)
    assert world.calls() == []
    assert world.why(ana).drift[0].startswith("suspension: the app shows nothing, ours is suspended, since")


# What can be seen


def test_status_counts_timers_and_names_the_next(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    assert (status(world).leaving, status(world).next_leave_at) == (0, None)
    world.push("ana")
    world.run()
    due_at = world.now + timedelta(days=7)
    world.later(days=1)
    assert (status(world).leaving, status(world).next_leave_at) == (1, due_at)
    world.push("ana", "Staff")
    world.run()
    assert (status(world).leaving, status(world).next_leave_at) == (0, None)


def test_why_says_when_the_next_step_is(world: World) -> None:
    world.begin(more=WEEK)
    ana = seated(world, "Staff")
    world.push("ana")
    world.run()
    (leaves,) = [wait for wait in world.why(ana).waits if wait["kind"] == "leave"]
    assert leaves["until"] == (world.now + timedelta(days=7)).isoformat(timespec="seconds")


@pytest.mark.parametrize("more", [WEEK, RESTS], ids=["a-week", "suspended"])
def test_timers_survive_a_restart(world: World, more: str) -> None:
    world.begin(more=more)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.start_engine()
    world.later(days=30)
    assert world.calls()[-1] == ("remove", "ana")


def test_a_leaver_is_given_nothing_by_a_fix(world: World) -> None:
    world.begin(more=WEEK, safety="drift: fix")
    seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    world.app.drop(next(ref for ref, one in world.app.accounts.items() if one.login == "ana"))
    read(world)
    world.later(days=8)
    assert world.calls() == []


def test_other_steps_hold_for_who_is_suspended_already(world: World) -> None:
    world.begin(more=RESTS)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.calls()
    world.publish(mapping(more=WEEK))
    world.run()
    assert world.calls() == [("resume", "ana")]
