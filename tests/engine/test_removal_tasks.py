"""Removals of accounts that are nobody's, told like tasks: by their questions, from the asking to the end."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping
from memory_app import CORE
from test_unmanaged_hold import HOLD, again, answered

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.chosen import choose
from scim_bridge.engine.removal_tasks import RemovalTask, removal_tasks
from scim_bridge.errors import Conflict, NotFound, Transient
from scim_bridge.hubs.tables import AccountRow


@pytest.fixture
def held(world: World) -> World:
    """Mallory was made by hand and is on the team core; the removal of her account is proposed."""
    world.begin(safety=HOLD)
    world.app.member("mallory", "mallory@elsewhere.example", holds={CORE: "member"})
    again(world)
    return world


def told(world: World, **which: Any) -> list[RemovalTask]:
    with world.db.read() as tx:
        return removal_tasks(tx, **which)


def one(world: World) -> RemovalTask:
    (task,) = told(world)
    return task


def undone(world: World, text: str) -> None:
    with world.db.read() as tx:
        choose(tx, text)


def test_one_that_nobody_answered_is_held_with_why_and_the_way_out(held: World) -> None:
    task = one(held)
    assert (task.account, task.person_id, task.action, task.before) == ("mallory", None, "remove", "member")
    assert (task.state, task.cause and task.cause[:25]) == ("held", "`safety.unmanaged: hold`:")
    assert task.advice == f"`scim-bridge approvals approve {task.id[1:]} --reason WHY`, or reject"


def test_rejected_it_stays_held_with_who_said_so(held: World) -> None:
    answered(held, "rejected")
    assert (one(held).state, one(held).cause) == ("held", "rejected by cli:ops: asked around")


def test_approved_it_is_queued_and_then_done_with_by_whose_word(held: World) -> None:
    held.say("approved")
    assert (one(held).state, one(held).next_try_at) == ("queued", held.now)
    held.keeper._removals.run("acme")
    assert (one(held).state, one(held).cause) == ("done", "approved by cli:ops: asked around")
    assert held.calls() == [("remove", "mallory")]


def test_while_the_call_is_made_it_is_running(held: World) -> None:
    states: list[str] = []
    held.app.during["remove"] = lambda: states.append(one(held).state)
    answered(held)
    assert states == ["running"]


def test_what_failed_is_tried_again_at_a_time(held: World) -> None:
    held.app.failures["remove"] = [Transient("503")]
    answered(held)
    task = one(held)
    assert (task.state, task.cause, task.attempts) == ("retrying", "503", 1)
    assert task.next_try_at is not None
    assert task.next_try_at > held.now


def test_what_the_brake_holds_all_the_same_is_held(world: World) -> None:
    world.begin(safety="unmanaged: hold, keep_at_least: {owner: 1}")
    again(world)
    answered(world)
    task = one(world)
    assert (task.account, task.state) == ("root", "held")
    assert task.cause == "approved, and held: `safety.keep_at_least` wants 1 owner; 1 left"


def test_one_that_is_no_longer_proposed_is_cancelled(held: World) -> None:
    held.publish(mapping(safety="unmanaged: report"))
    assert (one(held).state, one(held).cause) == ("cancelled", "no longer proposed")


def test_a_yes_that_was_not_used_in_time_is_cancelled(held: World) -> None:
    held.say("approved")
    held.clock.advance(days=8)
    held.keeper._ask_again(held.now)
    assert (one(held).state, one(held).cause) == ("cancelled", "the yes of cli:ops was not used in time")


def test_they_are_narrowed_by_hub_state_and_person(held: World) -> None:
    held.app.member("bo", "bo@acme.example")
    bo = held.push("bo", active=False)
    held.run()
    again(held)
    assert [task.account for task in told(held)] == ["bo", "mallory"]
    assert [task.account for task in told(held, person_id=bo)] == ["bo"]
    assert [task.account for task in told(held, state="held", limit=1)] == ["bo"]
    assert told(held, state="done") == told(held, state="running") == told(held, hub_id="elsewhere") == []


def test_what_it_had_is_written_down_and_an_undo_names_it(held: World) -> None:
    answered(held)
    (entry,) = held.rows(sa.select(AuditRow).where(AuditRow.action == "account.removed"))
    assert entry.detail["had"] == {"team/core": ["member"]}
    words = "removed mallory from acme, which was not ours: no undo brings it back; it had member, team/core member"
    with pytest.raises(Conflict, match=words):
        undone(held, one(held).id)


def test_what_was_not_done_cannot_be_undone(held: World) -> None:
    with pytest.raises(Conflict, match=f"task {one(held).id} is held, not done"):
        undone(held, one(held).id)


def test_an_unknown_one_is_told(held: World) -> None:
    with pytest.raises(NotFound, match="no task a999"):
        undone(held, "a999")


def test_an_account_whose_row_is_gone_is_told_as_such(held: World) -> None:
    answered(held)
    with held.db.write() as tx:
        tx.execute(sa.delete(AccountRow))
    assert (one(held).account, one(held).state) == ("an account that is gone", "done")
    with pytest.raises(Conflict, match="it had member; give its person a seat"):
        undone(held, one(held).id)


def test_why_tells_a_leaver_s_question_with_its_number(held: World) -> None:
    held.app.member("bo", "bo@acme.example")
    bo = held.push("bo", active=False)
    held.run()
    again(held)
    (asked,) = [task.id[1:] for task in told(held, person_id=bo)]
    say = f"`scim-bridge approvals approve {asked} --reason WHY`, or reject"
    assert ("approval", f"the account is not ours and its removal is proposed: {say}") in held.waits(bo)
