"""Questions to a person, their answers, and what time does to both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from test_brake import TEN, leave, release, seat, states

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.answering import answer
from scim_bridge.engine.apply import go_on
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.tables import Task
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.hubs import operate


@pytest.fixture
def held(live: World) -> World:
    """Ten members; five left, two of them may go, three wait."""
    seat(live, TEN)
    leave(live, TEN[:5])
    live.calls()
    return live


def audited(world: World, action: str) -> list[Any]:
    return world.rows(sa.select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id))


def kinds(world: World, *states: str) -> list[tuple[str, str]]:
    return [(kind, state) for _, _, _, _, kind, state in world.approvals(*states)]


def pause(world: World, *, removals_only: bool = False) -> None:
    with world.db.write() as tx:
        operate.pause(tx, "acme", removals_only=removals_only, actor="cli:ops", now=world.now)


def resume(world: World) -> None:
    with world.db.write() as tx:
        operate.resume(tx, None, actor="cli:ops", now=world.now)
        go_on(tx, "acme", now=world.now)
    world.run()


def test_each_held_removal_is_a_question(held: World) -> None:
    assert [row[1:] for row in held.approvals()] == [("remove", "member", "", "limit", "pending")] * 3
    asked = audited(held, "approval.asked")
    assert [(row.actor, row.hub_id, row.detail["thing"]) for row in asked] == [("engine", "acme", "seat")] * 3


def test_a_yes_lets_exactly_that_change_go_on(held: World) -> None:
    first = held.approvals()[0][0]
    held.say("approved", first)
    assert held.calls() == [("remove", TEN[2])]
    assert sorted(states(held)) == ["done"] * 3 + ["held"] * 2
    assert kinds(held, "used", "pending") == [("limit", "used"), ("limit", "pending"), ("limit", "pending")]


def test_who_said_yes_and_why_is_kept(held: World) -> None:
    held.say("approved", held.approvals()[0][0])
    (said,) = audited(held, "approval.approved")
    assert (said.actor, said.detail["reason"]) == ("cli:ops", "asked around")
    (used,) = audited(held, "approval.used")
    assert used.detail == {"answer": "approved", "by": "cli:ops"}


def test_a_no_holds_it_and_is_not_asked_again(held: World) -> None:
    held.say("rejected")
    held.later(hours=30)
    held.keeper._ask_again(held.now)
    assert kinds(held) == [("limit", "rejected")] * 3
    causes = {row.cause for row in held.rows(sa.select(Task.cause).where(Task.state == "held"))}
    assert all(cause.startswith("rejected by cli:ops: asked around") for cause in causes)
    assert held.calls() == []


def test_a_no_may_become_a_yes(held: World) -> None:
    first = held.approvals()[0][0]
    held.say("rejected", first)
    held.say("approved", first)
    assert held.calls() == [("remove", TEN[2])]


def test_an_answer_ends_when_something_else_is_wanted(held: World) -> None:
    held.say("rejected", held.approvals()[0][0])
    held.push(TEN[2], "Staff")
    held.run()
    assert kinds(held) == [("limit", "pending")] * 2
    leave(held, [TEN[2]])
    assert kinds(held) == [("limit", "pending")] * 3


def test_a_yes_to_one_loss_is_no_yes_to_a_greater_one(held: World) -> None:
    asked = held.approvals()[0][0]
    pause(held)
    held.say("approved", asked)
    ref = next(ref for ref, one in held.app.accounts.items() if one.login == TEN[2])
    held.app.accounts[ref] = replace(held.app.accounts[ref], role="owner")
    held.clock.advance(minutes=1)
    held.read()
    resume(held)
    assert ("remove", TEN[2]) not in held.calls()
    assert [row[1:] for row in held.approvals() if row[2] == "owner"] == [("remove", "owner", "", "limit", "pending")]
    assert kinds(held, "withdrawn") == [("limit", "withdrawn")]


def test_a_yes_that_is_not_used_in_seven_days_is_void_and_asked_anew(held: World) -> None:
    pause(held)
    held.say("approved")
    held.clock.advance(days=7)
    held.keeper._ask_again(held.now)
    assert kinds(held, "void") == [("limit", "void")] * 3
    resume(held)
    assert held.calls() == []
    assert kinds(held) == [("limit", "pending")] * 3


def test_a_yes_that_is_void_while_removals_are_paused_does_not_free_them(held: World) -> None:
    pause(held, removals_only=True)
    held.say("approved")
    held.run()
    held.clock.advance(days=7)
    held.keeper._ask_again(held.now)
    held.run()
    resume(held)
    assert held.calls() == []
    assert kinds(held) == [("limit", "pending")] * 3


def test_within_seven_days_it_is_used(held: World) -> None:
    pause(held)
    held.say("approved")
    held.clock.advance(days=6)
    held.keeper._ask_again(held.now)
    resume(held)
    assert sorted(held.calls()) == [("remove", name) for name in TEN[2:5]]


def test_what_nobody_answers_is_asked_again_and_never_dropped(held: World, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        held.clock.advance(hours=24)
        held.keeper._ask_again(held.now)
    rows = held.rows(sa.select(ApprovalRow.state, ApprovalRow.asked))
    assert [tuple(row) for row in rows] == [("pending", 3)] * 3
    assert len(audited(held, "approval.asked_again")) == 6
    assert [record.message for record in caplog.records].count("approval.unanswered") == 6


def test_nothing_is_asked_again_before_its_time(held: World) -> None:
    held.clock.advance(hours=23)
    held.keeper._ask_again(held.now)
    assert audited(held, "approval.asked_again") == []


def test_a_release_approves_what_the_limit_holds_and_nothing_else(world: World) -> None:
    world.begin(safety="approve_roles: [owner]")
    seat(world, TEN)
    world.push(TEN[9], "Staff", "Owners")
    leave(world, TEN[:5])
    world.calls()
    release(world)
    assert sorted(world.calls()) == [("remove", name) for name in TEN[2:5]]
    assert kinds(world) == [("role", "pending")]
    assert {row.detail["reason"] for row in audited(world, "approval.approved")} == {"apply --release"}


def test_an_approval_lifts_neither_protect_nor_keep_at_least(world: World) -> None:
    world.begin(safety="max_removals: {count: 1}")
    seat(world, TEN)
    leave(world, TEN[:3])
    world.publish(mapping(safety=f"max_removals: {{count: 1}}, protect: [{TEN[1]}]"))
    world.run()
    world.calls()
    world.say("approved")
    assert world.calls() == [("remove", TEN[2])]
    assert [row.cause for row in world.rows(sa.select(Task.cause).where(Task.state == "held"))] == [
        "the account is under `safety.protect`: it may gain, never lose"
    ]


def test_another_limit_makes_the_question_go(held: World) -> None:
    held.publish(mapping(safety="max_removals: {count: 500}"))
    held.run()
    assert sorted(held.calls()) == [("remove", name) for name in TEN[2:5]]
    assert kinds(held) == []


def test_a_detached_hub_asks_nothing(held: World) -> None:
    held.publish(mapping(app="direct"), hubs=("other",))
    assert kinds(held) == []


def test_unknown_questions_and_those_that_are_over_are_refused(held: World) -> None:
    first = held.approvals()[0][0]
    held.say("approved", first)
    with held.db.write() as tx, pytest.raises(NotFound, match="no approval 999"):
        answer(tx, [999], "approved", actor="cli:ops", reason="x", now=held.now)
    with held.db.write() as tx, pytest.raises(Conflict, match=rf"approval {first} is over \(used\)"):
        answer(tx, [first], "rejected", actor="cli:ops", reason="x", now=held.now)


# Removals paused alone


def test_while_removals_are_paused_additions_go_on(live: World) -> None:
    ana = seated(live, "Staff", "Core")
    pause(live, removals_only=True)
    live.push("ana")
    live.push("bo", "Staff")
    live.run()
    assert live.calls() == [("invite", "bo@acme.example", "member")]
    (task,) = live.rows(sa.select(Task).where(Task.person_id == ana, Task.state == "held"))
    assert (task.cause, task.advice) == (
        "removals are paused in this hub",
        "`scim-bridge resume acme` lets them go on",
    )
    assert live.approvals() == []  # it asks for `resume`, not for an approval
    resume(live)
    assert ("remove", "ana") in live.calls()


def test_a_pause_of_removals_holds_lower_roles_and_assets_too(live: World) -> None:
    seated(live, "Staff", "Core")
    pause(live, removals_only=True)
    live.push("ana", "Guests", "Web")
    live.run()
    assert live.calls() == [("set_asset", "ana", "web", "member")]
    assert sorted(states(live, "change_role") + states(live, "remove_asset")) == ["held", "held"]


def test_what_a_limit_held_stays_held_after_a_pause(held: World) -> None:
    pause(held, removals_only=True)
    held.later(hours=30)
    resume(held)
    assert held.calls() == []
    assert kinds(held) == [("limit", "pending")] * 3


# `approve_roles`


@pytest.fixture
def careful(world: World) -> World:
    world.begin(safety="approve_roles: [owner]")
    return world


def test_until_somebody_agrees_the_next_lower_role_is_given(careful: World) -> None:
    ana = careful.push("ana", "Owners", "Staff", "Guests", "Core")
    careful.run()
    assert careful.calls() == [("invite", "ana@acme.example", "member", "core")]
    assert careful.tasks() == [("invite", "seat", "done"), ("change_role", "seat", "held")]
    assert careful.task().cause == (
        "`safety.approve_roles`: somebody must agree before anyone becomes owner; member until then"
    )
    (invited,) = careful.rows(sa.select(Task.because).where(Task.person_id == ana, Task.action == "invite"))
    assert [why["rule"] for why in invited.because] == ["staff"]


def test_what_waits_names_the_rules_that_give_it(world: World) -> None:
    world.begin(safety="approve_roles: [owner, member]")
    world.push("ana", "Owners", "Staff", "Guests")
    world.fan_out()
    assert [(step.after, [why["rule"] for why in step.because]) for step in world.plan().changes] == [
        ("guest", ["guests"]),
        ("owner", ["owners"]),
        ("member", ["staff"]),
    ]


def test_who_keeps_a_role_that_no_rule_gives_learns_which_rule_wants_another(careful: World) -> None:
    seated(careful, "Staff")
    careful.push("ana", "Owners")
    careful.run()
    assert (careful.task().action, careful.task().state) == ("change_role", "held")
    assert [why["rule"] for why in careful.task().because] == ["owners"]


def test_once_somebody_agreed_the_role_is_given(careful: World) -> None:
    seated(careful, "Owners", "Staff")
    careful.say("approved")
    assert careful.calls() == [("change_role", "ana", "owner")]
    assert kinds(careful, "used") == [("role", "used")]
    careful.later(days=30)
    assert (careful.calls(), kinds(careful)) == ([], [])


def test_a_yes_to_an_invited_person_waits_for_the_acceptance(careful: World) -> None:
    careful.push("ana", "Owners", "Staff")
    careful.run()
    careful.say("approved")
    assert kinds(careful) == [("role", "approved")]
    careful.app.accept("ana@acme.example")
    careful.calls()
    careful.later(minutes=10)
    assert careful.calls() == [("change_role", "ana", "owner")]


def test_without_a_lower_role_nobody_is_invited(careful: World) -> None:
    careful.push("ana", "Owners", "Core")
    careful.run()
    assert careful.calls() == []
    assert careful.tasks() == [("invite", "seat", "held")]
    careful.say("approved")
    assert careful.calls() == [("invite", "ana@acme.example", "owner", "core")]
    assert careful.tasks() == [("invite", "seat", "done")]


def test_a_no_leaves_the_lower_role(careful: World) -> None:
    seated(careful, "Owners", "Staff")
    careful.say("rejected")
    careful.later(hours=30)
    assert careful.calls() == []
    assert careful.app.seats()["ana@acme.example"] == "member"
    assert kinds(careful) == [("role", "rejected")]


def test_nobody_is_lowered_while_the_higher_role_waits(careful: World) -> None:
    seated(careful, "Staff")
    careful.push("ana", "Owners", "Guests")
    careful.run()
    assert careful.calls() == []
    assert [row[1:5] for row in careful.approvals()] == [("change_role", "member", "owner", "role")]


def test_a_lower_and_a_waiting_raise_are_two_tasks(careful: World) -> None:
    seated(careful, "Guests")
    careful.push("ana", "Owners", "Staff", "Guests")
    for _ in range(2):
        careful.run()
        careful.clock.advance(minutes=1)
        careful.read()
    assert careful.calls() == [("change_role", "ana", "member")]
    assert careful.tasks()[1:] == [("change_role", "seat", "done"), ("change_role", "seat", "held")]


def test_who_has_the_role_already_is_not_asked_about(careful: World) -> None:
    careful.app.member("ana", "ana@acme.example", role="owner")
    careful.clock.advance(minutes=1)
    careful.read()
    ana = careful.push("ana", "Owners")
    careful.run()
    assert (careful.calls(), kinds(careful)) == ([], [])
    assert careful.ours(ana) == {("seat", "owner")}


def test_a_raise_that_is_wanted_no_longer_is_withdrawn(careful: World) -> None:
    seated(careful, "Owners", "Staff")
    careful.push("ana", "Staff")
    careful.run()
    assert (careful.calls(), kinds(careful), kinds(careful, "withdrawn")) == ([], [], [("role", "withdrawn")])


def test_a_lower_role_that_rules_give_meanwhile_is_given(careful: World) -> None:
    careful.push("ana", "Owners")
    careful.run()
    careful.push("ana", "Owners", "Guests")
    careful.run()
    assert careful.calls() == [("invite", "ana@acme.example", "guest")]


def test_taking_an_approved_role_counts_as_a_removal(world: World) -> None:
    world.begin(safety="approve_roles: [owner], max_removals: {count: 1}")
    for name in TEN[4:7]:
        world.app.member(name, f"{name}@acme.example", role="owner")
        world.push(name, "Owners")
    seat(world, TEN[:4], "Staff")
    leave(world, TEN[4:6], "Staff")
    assert sorted(states(world, "change_role")) == ["done", "held"]
    assert [row[1:5] for row in world.approvals()] == [("change_role", "owner", "member", "limit")]
    leave(world, TEN[:1])
    assert states(world) == ["held"]


def test_the_plan_shows_what_waits(careful: World) -> None:
    careful.push("ana", "Owners", "Staff")
    careful.fan_out()
    assert careful.planned() == [("ana", "invite", "member", False), ("ana", "change_role", "owner", True)]
