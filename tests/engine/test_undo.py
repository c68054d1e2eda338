"""Undo: the before-states come back, are kept against the rules, and stay until the rules want something else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.apply import apply_hub
from scim_bridge.engine.chosen import choose, choose_between
from scim_bridge.engine.tables import Run, Task, UndoneRow
from scim_bridge.engine.tasks import list_tasks, retry
from scim_bridge.engine.undo import UndoPlan, carry_out, plan_undo
from scim_bridge.errors import Conflict, InvalidInput, NotFound, Permanent, Transient
from scim_bridge.hubs.operate import pause, resume
from scim_bridge.hubs.tables import Hub


def planned(world: World, what: str) -> UndoPlan:
    with world.db.read() as tx:
        mappings = world.rules.in_force(tx).mappings
        return plan_undo(tx, choose(tx, what), mappings, world.registry, actor="cli:ops", now=world.now)


def undo(world: World, what: str) -> str:
    """Plan it, carry it out, and let the engine do what is due."""
    plan = planned(world, what)
    with world.db.write() as tx:
        run = carry_out(tx, plan, actor="cli:ops", now=world.now)
    world.run()
    return run


def steps(plan: UndoPlan) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(step.action, step.thing, step.before, step.after) for step in plan.steps]


def stays(plan: UndoPlan) -> list[tuple[str, str]]:
    return [(each.thing, each.why) for each in plan.stays]


def last_run(world: World) -> str:
    return f"r{world.task().run_id}"


def removed(world: World, *groups: str) -> int:
    """Ana had a seat by these groups, and lost it."""
    ana = seated(world, *groups)
    world.push("ana")
    world.run()
    assert world.calls() == [("remove", "ana")]
    return ana


def accept(world: World) -> None:
    world.app.accept("ana@acme.example")
    world.later(minutes=10)


def test_a_removal_is_undone_by_a_new_invitation(live: World) -> None:
    removed(live, "Staff")
    assert steps(planned(live, last_run(live))) == [("invite", "seat", (), ("member",))]
    undo(live, last_run(live))
    assert live.calls() == [("invite", "ana@acme.example", "member")]


def test_what_came_back_is_not_removed_in_the_next_minute_nor_the_next_day(live: World) -> None:
    ana = removed(live, "Staff")
    undo(live, last_run(live))
    accept(live)
    live.later(minutes=1)
    live.read()
    live.later(days=1)
    assert live.app.seats()["ana@acme.example"] == "member"
    assert live.ours(ana) == {("seat", "member")}


def test_what_the_rules_would_do_is_held_with_who_undid_it(live: World) -> None:
    removed(live, "Staff")
    run = undo(live, last_run(live))
    accept(live)
    held = live.rows(sa.select(Task).where(Task.state == "held"))
    assert [(task.action, task.thing) for task in held] == [("remove", "seat")]
    assert held[0].cause == f"undone by cli:ops on 2026-11-22 12:10 UTC ({run}); the rules still say nothing"
    assert ("ana", "remove", None, True) in live.planned()


def test_the_advice_names_the_task_that_is_to_be_retried(live: World) -> None:
    removed(live, "Staff")
    undo(live, last_run(live))
    with live.db.read() as tx:
        (held,) = list_tasks(tx, state="held")
    assert held.advice == f"`scim-bridge tasks retry {held.id}` lets the rules have their way"


def test_assets_that_went_with_the_seat_come_back_with_it(live: World) -> None:
    ana = removed(live, "Staff", "Leads")
    removal = str(live.task().id)
    plan = planned(live, removal)
    assert [(each.thing, each.why) for each in plan.follows] == [
        ("team/core", "maintainer follows when the invitation is accepted")
    ]
    undo(live, removal)
    accept(live)
    assert live.ours(ana) == {("seat", "member"), ("team/7", "maintainer")}
    assert ("set_asset", "ana", "core", "maintainer") in live.calls()


def test_a_role_change_is_undone(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("ana", "Guests")
    live.run()
    live.calls()
    assert steps(planned(live, str(live.task().id))) == [("change_role", "seat", ("guest",), ("member",))]
    undo(live, str(live.task().id))
    live.later(days=1)
    assert live.calls() == [("change_role", "ana", "member")]
    assert live.ours(ana) == {("seat", "member")}


def test_a_way_back_that_is_tried_again_and_what_is_held_are_two_tasks(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Guests")
    live.run()
    live.app.failures["change_role"] = [Transient("busy"), Transient("busy")]
    undo(live, last_run(live))
    live.later(seconds=5)
    assert live.tasks()[-2:] == [("change_role", "seat", "retrying"), ("change_role", "seat", "held")]
    live.later(hours=1)
    assert live.tasks()[-2:] == [("change_role", "seat", "done"), ("change_role", "seat", "held")]


def test_an_asset_that_was_taken_comes_back(live: World) -> None:
    seated(live, "Staff", "Core")
    live.push("ana", "Staff")
    live.run()
    live.calls()
    undo(live, last_run(live))
    live.later(days=1)
    assert live.calls() == [("set_asset", "ana", "core", "member")]


def test_an_asset_that_was_given_is_taken_again(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.run()
    live.calls()
    undo(live, last_run(live))
    live.later(days=1)
    assert live.calls() == [("unset_asset", "ana", "core", "member")]
    assert live.ours(ana) == {("seat", "member")}


def test_roles_that_add_up_lose_only_what_the_task_gave(live: World) -> None:
    seated(live, "Staff", "Readers")
    live.push("ana", "Staff", "Readers", "Writers")
    live.run()
    live.calls()
    undo(live, last_run(live))
    assert live.calls() == [("unset_asset", "ana", "roadmap", "edit")]


def test_an_invitation_is_undone_by_cancelling_it(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.calls()
    undo(live, last_run(live))
    live.later(days=1)
    assert live.calls() == [("cancel", "ana@acme.example")]
    assert ("invite", "seat", "held") in live.tasks()


def test_an_accepted_invitation_is_undone_by_removing_the_seat(live: World) -> None:
    seated(live, "Staff", "Core")
    undo(live, last_run(live))
    live.later(days=1)
    assert live.calls() == [("remove", "ana")]


def test_undone_twice_changes_nothing(live: World) -> None:
    removed(live, "Staff", "Core")
    run = last_run(live)
    undone = undo(live, run)
    again = planned(live, run)
    assert (again.is_empty, stays(again)) == (True, [("seat", f"undone already ({undone})")])
    accept(live)
    live.calls()
    assert planned(live, run).is_empty


def test_the_undo_of_an_undo_lets_the_rules_have_their_way(live: World) -> None:
    ana = removed(live, "Staff", "Core")
    run = undo(live, last_run(live))
    accept(live)
    live.calls()
    assert steps(planned(live, run)) == [("remove", "seat", ("member",), ())]
    undo(live, run)
    assert (live.calls(), live.ours(ana)) == ([("remove", "ana")], set())
    assert live.rows(sa.select(UndoneRow)) == []
    with pytest.raises(Conflict, match="keeps nothing against the rules any more"):
        planned(live, run)


def test_a_task_that_is_retried_by_its_number_lets_the_rules_have_their_way(live: World) -> None:
    removed(live, "Staff")
    undo(live, last_run(live))
    accept(live)
    live.calls()
    (held,) = live.rows(sa.select(Task.id).where(Task.state == "held"))
    with live.db.write() as tx:
        retry(tx, task_id=held.id, actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == [("remove", "ana")]


def test_trying_everything_again_or_a_release_ends_no_undo(live: World) -> None:
    removed(live, "Staff")
    undo(live, last_run(live))
    accept(live)
    live.calls()
    with live.db.write() as tx:
        retry(tx, actor="cli:ops", now=live.now)
        apply_hub(tx, "acme", release=True, actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == []


def test_it_is_over_when_the_rules_want_something_else(live: World) -> None:
    ana = removed(live, "Staff")
    undo(live, last_run(live))
    accept(live)
    live.push("ana", "Guests")
    live.run()
    live.calls()
    assert live.ours(ana) == {("seat", "guest")}
    live.push("ana")
    live.run()
    assert live.calls() == [("remove", "ana")]
    (ended,) = live.rows(sa.select(AuditRow).where(AuditRow.action == "undo.ended"))
    assert ended.detail == {"things": ["seat"], "why": "the rules want something else"}


def test_what_changes_elsewhere_leaves_it_alone(live: World) -> None:
    seated(live, "Staff", "Core")
    live.push("ana", "Staff")
    live.run()
    undo(live, last_run(live))
    live.calls()
    live.push("ana", "Staff", "Web")
    live.run()
    live.later(days=1)
    assert live.calls() == [("set_asset", "ana", "web", "member")]


def test_nobody_who_leaves_is_kept_by_an_undo(live: World) -> None:
    ana = removed(live, "Staff")
    undo(live, last_run(live))
    accept(live)
    live.calls()
    live.push("ana", active=False)
    live.run()
    assert (live.calls(), live.ours(ana)) == ([("remove", "ana")], set())
    (ended,) = live.rows(sa.select(AuditRow).where(AuditRow.action == "undo.ended"))
    assert ended.detail["why"] == "the person has left"


def test_a_leaver_is_not_brought_back(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", active=False)
    live.run()
    plan = planned(live, last_run(live))
    assert plan.is_empty
    assert stays(plan) == [("seat", "they have left: every user of this person is inactive or deleted")]


def test_an_asset_that_is_gone_is_named_and_the_rest_comes_back(live: World) -> None:
    removed(live, "Staff", "Core")
    live.app.assets.remove(CORE)
    live.clock.advance(minutes=1)
    live.read()
    plan = planned(live, last_run(live))
    assert stays(plan) == [("team/core", "it is not in the app any more")]
    assert steps(plan) == [("invite", "seat", (), ("member",))]


def test_what_was_changed_again_since_is_left_alone(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Guests")
    live.run()
    first = live.task().id
    live.push("ana", "Owners")
    live.run()
    last = live.task()
    plan = planned(live, str(first))
    assert stays(plan) == [("seat", f"changed since by task {last.id} (r{last.run_id})")]
    assert plan.is_empty


def test_several_changes_of_one_thing_in_a_run_go_back_to_the_first(live: World) -> None:
    seated(live, "Staff")
    for group in ("Guests", "Owners"):
        live.push("ana", group)
        live.run()
    run = last_run(live)
    with live.db.write() as tx:
        chosen = choose_between(tx, "acme", live.now, live.now)
        plan = plan_undo(tx, chosen, live.rules.in_force(tx).mappings, live.registry, actor="cli:ops", now=live.now)
    assert (len(chosen.deeds), steps(plan)) == (2, [("change_role", "seat", ("owner",), ("member",))])
    assert steps(planned(live, run)) == steps(plan)


def test_what_the_rules_want_again_needs_no_undo(live: World) -> None:
    removed(live, "Staff")
    live.push("ana", "Staff")
    live.fan_out()
    plan = planned(live, last_run(live))
    assert (plan.is_empty, stays(plan)) == (True, [("seat", "the rules want it so themselves")])


def test_a_whole_run_of_fifty_is_undone(world: World) -> None:
    world.begin(safety="max_removals: {count: 100}")
    names = [f"p{number}" for number in range(50)]
    for name in names:
        world.push(name, "Staff")
    world.run()
    for name in names:
        world.app.accept(f"{name}@acme.example")
    world.later(minutes=10)
    world.publish(mapping(grants="  - {name: owners, group: Owners, role: owner}", safety="max_removals: {count: 100}"))
    world.run()
    assert len(world.app.seats()) == 1
    world.calls()
    run = world.rows(sa.select(Run).where(Run.kind == "revision").order_by(Run.id.desc()))[0]
    plan = planned(world, f"r{run.id}")
    assert len(plan.steps) == 50
    undo(world, f"r{run.id}")
    assert len(world.calls()) == 50
    for name in names:
        world.app.accept(f"{name}@acme.example")
    world.later(days=1)
    assert len(world.app.seats()) == 51


def test_the_brake_holds_what_an_undo_takes_away(world: World) -> None:
    world.begin(safety="keep_at_least: {owner: 1}")
    ana = seated(world, "Staff")
    world.push("ana", "Owners")
    world.run()
    world.app.drop(next(iter(world.app.accounts)))
    world.clock.advance(minutes=1)
    world.read()
    (step,) = planned(world, str(world.task().id)).steps
    assert step.held is not None
    undo(world, str(world.task().id))
    assert world.ours(ana) == {("seat", "owner")}


def test_in_plan_mode_it_waits_for_apply(live: World) -> None:
    removed(live, "Staff")
    with live.db.write() as tx:
        tx.execute(sa.update(Hub).values(mode="plan"))
    assert planned(live, last_run(live)).remarks[0] == "acme is in plan mode: `scim-bridge apply acme` carries it out"
    undo(live, last_run(live))
    assert live.calls() == []
    with live.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == [("invite", "ana@acme.example", "member")]


def test_a_paused_hub_carries_it_out_later(live: World) -> None:
    removed(live, "Staff")
    with live.db.write() as tx:
        pause(tx, "acme", actor="cli:ops", now=live.now)
    assert planned(live, last_run(live)).remarks[0] == "acme is paused: it goes on after `scim-bridge resume acme`"
    run = undo(live, last_run(live))
    assert live.calls() == []
    with live.db.write() as tx:
        resume(tx, "acme", actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == [("invite", "ana@acme.example", "member")]
    assert last_run(live) == run


def test_an_undo_that_was_not_carried_out_yet_can_be_taken_back(live: World) -> None:
    removed(live, "Staff")
    with live.db.write() as tx:
        pause(tx, "acme", actor="cli:ops", now=live.now)
    undo(live, undo(live, last_run(live)))
    with live.db.write() as tx:
        resume(tx, "acme", actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == []


def test_a_detached_hub_takes_nothing_back(live: World) -> None:
    removed(live, "Staff")
    run = last_run(live)
    live.publish(mapping(), hubs=("other",))
    plan = planned(live, run)
    assert (plan.is_empty, set(stays(plan))) == (True, {("seat", "the hub is detached: put its file back")})


def test_a_role_that_the_app_has_no_more_is_named(live: World) -> None:
    removed(live, "Staff")
    with live.db.write() as tx:
        tx.execute(sa.update(Task).where(Task.action == "remove").values(had={"seat": ["boss"]}))
    assert stays(planned(live, str(live.task().id))) == [("seat", "the app has no role boss any more")]


def test_why_tells_what_is_kept_against_the_rules(live: World) -> None:
    ana = removed(live, "Staff")
    run = undo(live, last_run(live))
    found = live.why(ana)
    assert found.undone == [
        {"thing": "seat", "roles": ["member"], "by": "cli:ops", "at": "2026-11-22T12:10:00+00:00", "run": run}
    ]
    assert (found.desired, found.grants) == ({"seat": ["member"]}, [])


def test_a_retry_stays_in_the_run_that_began_the_task(live: World) -> None:
    live.app.failures["invite"] = [Transient("busy")]
    live.push("ana", "Staff")
    live.run()
    began = last_run(live)
    live.later(hours=1)
    assert (live.task().state, last_run(live)) == ("done", began)


def test_what_nobody_ordered_belongs_to_ten_minutes_of_its_hub(live: World) -> None:
    runs = []
    for name, minutes in (("ana", 0), ("bob", 9), ("cho", 2)):
        live.clock.advance(minutes=minutes)
        live.push(name, "Staff")
        live.run()
        runs.append(last_run(live))
    assert runs[0] == runs[1] != runs[2]


def test_what_an_apply_sets_going_belongs_to_it(world: World) -> None:
    world.begin(start="plan")
    ana = world.push("ana", "Staff")
    world.run()
    with world.db.write() as tx:
        applied = apply_hub(tx, "acme", release=False, actor="cli:ops", now=world.now, people=[ana])
    world.run()
    assert last_run(world) == applied.run


def test_what_an_apply_sees_before_fan_out_does_belongs_to_it_too(world: World) -> None:
    world.publish(mapping(start="plan"))
    world.run()
    ana = world.push("ana", "Staff")
    with world.db.write() as tx:
        applied = apply_hub(tx, "acme", release=False, actor="cli:ops", now=world.now, people=[ana])
    world.work()
    world.run()
    assert (world.task().action, last_run(world)) == ("invite", applied.run)


def test_what_a_revision_changes_belongs_to_it_and_a_push_after_it_does_not(live: World) -> None:
    seated(live, "Staff")
    live.publish(mapping(grants="  - {name: staff, group: Staff, role: guest}"))
    live.run()
    revision = live.rows(sa.select(Run.id).where(Run.kind == "revision").order_by(Run.id.desc()))[0].id
    assert live.task().run_id == revision
    live.push("bob", "Staff")
    live.run()
    assert live.task().run_id != revision


def test_a_role_that_must_be_approved_is_asked_for_by_an_undo_too(world: World) -> None:
    world.begin()
    seated(world, "Owners")
    world.push("ana", "Staff")
    world.run()
    world.calls()
    world.publish(mapping(safety="approve_roles: [owner]"))
    world.run()
    demotion = str(next(task.id for task in world.rows(sa.select(Task)) if task.after == "member"))
    undo(world, demotion)
    assert world.calls() == []
    held = [task for task in world.rows(sa.select(Task).where(Task.state == "held")) if task.after == "owner"]
    assert "somebody must agree before anyone becomes owner" in held[0].cause


def test_an_undo_is_recorded_with_who_ordered_it(live: World) -> None:
    removed(live, "Staff")
    before = last_run(live)
    run = undo(live, before)
    (order,) = live.rows(sa.select(AuditRow).where(AuditRow.action == "undo.ordered"))
    assert (order.actor, order.detail) == ("cli:ops", {"run": run, "undoes": before, "people": 1})
    invited = live.rows(sa.select(AuditRow).where(AuditRow.action == "seat.invited"))[-1]
    assert invited.detail["run"] == run


def test_a_plan_of_undo_writes_nothing(live: World) -> None:
    removed(live, "Staff", "Core")
    before = live.dump()
    planned(live, last_run(live))
    assert live.dump() == before


def test_what_was_not_done_cannot_be_undone(live: World) -> None:
    live.app.failures["invite"] = [Permanent("no seats left")]
    live.push("ana", "Staff")
    live.run()
    task = live.task()
    with pytest.raises(Conflict, match=f"task {task.id} is failed, not done: there is nothing to take back"):
        planned(live, str(task.id))
    with pytest.raises(Conflict, match=f"nothing was done in run r{task.run_id}: its tasks are failed"):
        planned(live, f"r{task.run_id}")


@pytest.mark.parametrize(
    ("what", "family", "words"),
    [
        pytest.param("r999999999", NotFound, "no run r999999999", id="unknown-run"),
        pytest.param("999999999", NotFound, "no task 999999999", id="unknown-task"),
        pytest.param("everything", InvalidInput, '"everything" is neither a run nor a task', id="no-number"),
        pytest.param("-1", InvalidInput, "neither a run nor a task", id="negative"),
        pytest.param("r99999999999999", InvalidInput, "neither a run nor a task", id="too-long"),
    ],
)
def test_bad_input_is_told(live: World, what: str, family: type[Exception], words: str) -> None:
    with pytest.raises(family, match=words):
        planned(live, what)


def test_a_task_from_before_runs_is_named_as_such(live: World) -> None:
    removed(live, "Staff")
    with live.db.write() as tx:
        tx.execute(sa.update(Task).values(key=None, had=None, gave=None, run_id=None))
    assert stays(planned(live, str(live.task().id))) == [
        ("seat", "it was done before the bridge wrote down what undo needs")
    ]
