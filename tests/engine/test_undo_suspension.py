"""Undo of a suspension and of its end: the account works again, or rests again, while `leave` and the rules go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import World, mapping, seated
from memory_app import MemoryAdapter
from test_leaving import RESTS, app_status, read
from test_undo import last_run, planned, stays, steps, undo

from scim_bridge.contract.state import Status
from scim_bridge.engine.chosen import choose
from scim_bridge.engine.tasks import retry
from scim_bridge.errors import Conflict


@pytest.fixture
def resting(world: World) -> World:
    """Ana lost her access and is suspended for 30 days."""
    world.begin(more=RESTS)
    seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    assert (world.calls(), app_status(world)) == ([("suspend", "ana")], Status.SUSPENDED)
    return world


@pytest.fixture
def resumed(resting: World) -> World:
    """She came back in time."""
    resting.push("ana", "Staff", "Core")
    resting.run()
    assert (resting.calls(), app_status(resting)) == ([("resume", "ana")], Status.ACTIVE)
    return resting


def test_a_suspension_is_undone_by_resuming(resting: World) -> None:
    plan = planned(resting, last_run(resting))
    assert (steps(plan), stays(plan)) == ([("resume", "suspension", (), ("member",))], [])
    undo(resting, last_run(resting))
    assert (resting.calls(), app_status(resting)) == ([("resume", "ana")], Status.ACTIVE)


def test_the_plan_says_what_leave_does_next(resting: World) -> None:
    (remark,) = planned(resting, last_run(resting)).remarks
    assert remark == "`leave` goes on: its next step about ana@acme.example is due at 2026-12-22 12:10:00Z"


def test_she_is_not_suspended_again_and_the_seat_goes_in_its_time(resting: World) -> None:
    undo(resting, last_run(resting))
    resting.calls()
    read(resting)
    resting.later(days=29)
    assert (resting.calls(), app_status(resting)) == ([], Status.ACTIVE)
    resting.later(days=1)
    assert resting.calls() == [("remove", "ana")]


def test_what_leave_would_do_is_held_with_who_undid_it(resting: World) -> None:
    run = undo(resting, last_run(resting))
    task = resting.task()
    assert (task.action, task.thing, task.state) == ("suspend", "suspension", "held")
    assert task.cause == f"undone by cli:ops on 2026-11-22 12:10 UTC ({run}); the rules still say suspended"
    with resting.db.write() as tx:
        retry(tx, task_id=task.id, actor="cli:ops", now=resting.now)
    resting.calls()
    resting.run()
    assert (resting.calls(), app_status(resting)) == ([("suspend", "ana")], Status.SUSPENDED)


def test_the_undo_of_the_undo_suspends_again(resting: World) -> None:
    run = undo(resting, last_run(resting))
    resting.calls()
    undo(resting, run)
    assert (resting.calls(), app_status(resting)) == ([("suspend", "ana")], Status.SUSPENDED)


def test_whoever_loses_access_anew_is_suspended_anew(resting: World) -> None:
    undo(resting, last_run(resting))
    resting.push("ana", "Staff")
    resting.run()
    resting.calls()
    resting.push("ana")
    resting.run()
    assert resting.calls() == [("suspend", "ana")]


def test_of_somebody_who_left_nothing_is_resumed(world: World) -> None:
    world.begin(more="leave: {disabled: [{after: 0d, do: suspend}]}")
    seated(world, "Staff")
    world.push("ana", "Staff", active=False)
    world.run()
    why = "they have left: every user of this person is inactive or deleted"
    assert stays(planned(world, last_run(world))) == [("suspension", why)]


def test_who_is_wanted_again_is_resumed_by_the_rules(resting: World) -> None:
    run = last_run(resting)
    resting.push("ana", "Staff", "Core")
    resting.fan_out()
    assert stays(planned(resting, run)) == [("suspension", "the rules want it so themselves")]


def test_the_end_of_a_suspension_is_undone_by_suspending(resumed: World) -> None:
    plan = planned(resumed, str(resumed.task().id))
    assert (steps(plan), stays(plan)) == ([("suspend", "suspension", ("member",), ())], [])
    undo(resumed, str(resumed.task().id))
    assert (resumed.calls(), app_status(resumed)) == ([("suspend", "ana")], Status.SUSPENDED)
    read(resumed)
    resumed.later(days=40)
    assert (resumed.calls(), app_status(resumed)) == ([], Status.SUSPENDED)
    held = resumed.task()
    assert (held.action, held.state) == ("resume", "held")
    assert held.cause.endswith("the rules still say active")


def test_another_wish_of_the_rules_ends_it(resumed: World) -> None:
    undo(resumed, str(resumed.task().id))
    resumed.calls()
    resumed.push("ana", "Owners")
    resumed.run()
    assert resumed.calls()[0] == ("resume", "ana")


def test_the_brake_is_asked_before_an_undo_suspends(world: World) -> None:
    world.begin(more=RESTS)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.push("ana", "Staff")
    world.run()
    world.calls()
    world.publish(mapping(safety="protect: [ana]", more=RESTS))
    (step,) = planned(world, str(world.task().id)).steps
    assert step.held is not None
    assert step.held.startswith("the account is under `safety.protect`")


def test_an_app_that_cannot_suspend_any_more_is_named(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = last_run(resting)
    monkeypatch.setattr(MemoryAdapter, "abilities", replace(MemoryAdapter.abilities, suspend=False))
    assert stays(planned(resting, run)) == [("suspension", "the app cannot suspend any more")]


def test_undone_already_is_said(resting: World) -> None:
    run = last_run(resting)
    second = undo(resting, run)
    assert stays(planned(resting, run)) == [("suspension", f"undone already ({second})")]


def test_a_seat_that_went_since_is_not_resumed(resting: World) -> None:
    task = str(resting.task().id)
    resting.later(days=30)
    with resting.db.read() as tx:
        assert choose(tx, task).deeds
    ((thing, why),) = stays(planned(resting, task))
    assert (thing, why.startswith("changed since by task ")) == ("suspension", True)


def test_a_held_suspension_cannot_be_undone(world: World) -> None:
    world.begin(safety="protect: [ana]", more=RESTS)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    with world.db.read() as tx, pytest.raises(Conflict, match="is held, not done"):
        choose(tx, str(world.task().id))
