"""Plan, why, going live, timers of `leave`, and settling."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE, WEB, MemoryAdapter

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.apply import apply_hub
from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.planned import reasons, words
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.engine.why import why
from scim_bridge.errors import Conflict, NotFound, Permanent
from scim_bridge.hubs import operate

DATABASES = ("sqlite",)
ANA = "ana@acme.example"
WEEK = "leave: {lost_access: [{after: 7d, do: remove}], disabled: [{after: 1d, do: remove}]}"
IN_STEPS = "leave: {lost_access: [{after: 1d, do: remove_assets}, {after: 14d, do: remove}]}"


def apply(world: World, *, is_released: bool = False) -> None:
    planned = world.plan().changes
    with world.db.write() as tx:
        people = {change.person_id for change in planned}
        apply_hub(tx, "acme", release=is_released, actor="cli:ops", now=world.now, people=people)


@pytest.fixture
def company(world: World) -> World:
    """A hub in plan mode with something of everything."""
    world.app.member("raised", "raised@acme.example", role="owner")
    world.app.member("low", "low@acme.example", role="guest", holds={CORE: "maintainer"})
    world.app.member("hand", "hand@acme.example")
    world.publish(mapping(start="plan"))
    world.push("raised", "Staff")
    world.push("low", "Staff", "Core")
    world.push("hand", "Nobody")
    world.push("new", "Staff", "Web")
    world.run()
    return world


# Plan


def test_a_plan_writes_nothing(company: World) -> None:
    company.push("later", "Staff")  # fan-out has not seen it
    before = company.dump()
    company.plan()
    assert (company.dump(), company.calls()) == (before, [])


def test_a_plan_holds_every_step_also_of_pushes_that_fan_out_has_not_seen(company: World) -> None:
    company.push("later", "Guests")
    assert company.planned() == [
        ("raised", "change_role", "member", False),
        ("low", "change_role", "member", False),
        ("low", "change_asset", "member", False),
        ("new", "invite", "member", False),
        ("later", "invite", "guest", False),
    ]
    assert company.plan().pending > 0


def test_in_plan_mode_nothing_is_written_to_the_app(company: World) -> None:
    company.later(hours=30)
    assert company.calls() == []


def test_what_is_applied_is_what_was_planned(company: World) -> None:
    planned = [step for step in company.planned() if step[1] != "adopt"]
    apply(company)
    company.run()
    tasks = company.rows(sa.select(Task.action, Task.after).order_by(Task.person_id, Task.id))
    assert sorted((row.action, row.after) for row in tasks) == sorted(
        (action, after) for _, action, after, _ in planned
    )
    assert company.hub().mode == "live"
    assert company.planned() == []


def test_going_live_is_recorded_with_who(company: World) -> None:
    apply(company)
    (row,) = company.rows(sa.select(AuditRow.actor, AuditRow.detail).where(AuditRow.action == "hub.applied"))
    assert (row.actor, row.detail["made_live"], company.hub().live_by) == ("cli:ops", True, "cli:ops")


def test_a_plan_names_those_whom_the_brake_would_hold(live: World) -> None:
    names = [f"p{number}" for number in range(10)]
    for name in names:
        live.push(name, "Staff")
    live.run()
    for name in names[:5]:
        live.push(name)
    live.push(names[9], "Staff", active=False)
    live.fan_out()
    planned = {(name, action) for name, action, _, is_held in live.planned() if not is_held}
    assert planned == {("p9", "cancel_invitation"), ("p0", "cancel_invitation")}
    live.calls()
    live.run()
    assert live.calls() == [("cancel", "p9@acme.example"), ("cancel", "p0@acme.example")]


def test_apply_of_a_live_hub_lowers_nobody_by_adoption(live: World) -> None:
    live.app.member("raised", "raised@acme.example", role="owner")
    live.clock.advance(minutes=1)
    live.read()
    live.push("raised", "Staff")
    live.fan_out()
    apply(live)
    live.run()
    assert live.calls() == []


def test_apply_tries_again_what_failed(live: World) -> None:
    live.app.failures["invite"] = [Permanent("the app forbids it")]
    live.push("ana", "Staff")
    live.run()
    assert (live.planned(), live.task().state) == ([("ana", "invite", "member", False)], "failed")
    apply(live)
    live.run()
    assert (live.planned(), live.tasks()) == ([], [("invite", "seat", "done")])


def test_apply_carries_out_planned_changes_of_people_with_nothing_left_to_do(live: World) -> None:
    for name in ("ana", "bo"):
        live.push(name, "Staff")
    live.fan_out()
    with live.db.write() as tx:
        tx.execute(sa.delete(Pair).where(Pair.person_id == sa.select(sa.func.min(Pair.person_id)).scalar_subquery()))
        tx.execute(sa.update(Pair).values(done=Pair.want, due_at=None))
    apply(live)
    live.run()
    assert (live.planned(), len(live.calls())) == ([], 2)


def test_apply_leaves_out_whoever_is_no_more(live: World) -> None:
    with live.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=live.now, people={4711})
    assert live.rows(sa.select(Pair)) == []


def test_what_is_left_of_a_plan_after_apply_is_held_or_failed_with_its_reason(live: World) -> None:
    seated(live, "Staff")
    bo = live.push("bo", "Staff")
    live.run()
    live.app.drop(live.app.invitation("bo@acme.example").ref)  # type: ignore[union-attr]
    live.later(minutes=10)
    live.publish(mapping(safety="protect: [ana]"))
    live.push("ana")
    live.fan_out()
    apply(live, is_released=True)
    live.run()
    ana_left, bo_left = live.plan().changes
    assert ana_left.held is not None
    assert (ana_left.action, ana_left.failed, "`safety.protect`" in ana_left.held) == ("remove", None, True)
    assert (bo_left.person_id, bo_left.action, bo_left.held) == (bo, "invite", None)
    assert bo_left.failed == "the invitation was cancelled in the app; `scim-bridge tasks retry` invites again"


def test_a_plan_of_a_hub_never_read_says_so(world: World) -> None:
    world.publish(mapping(start="plan"))
    world.push("ana", "Staff")
    plan = world.plan()
    assert (plan.observed_at, plan.to_json()["observed_at"], plan.to_json()["mode"]) == (None, None, "plan")
    assert "never read" in plan.warnings[0]


def test_a_plan_of_a_paused_hub_says_so(company: World) -> None:
    with company.db.write() as tx:
        operate.pause(tx, "acme", actor="cli:ops", now=company.now)
    assert "the hub was paused by cli:ops: `scim-bridge resume acme` goes on" in company.plan().warnings


def test_a_warning_about_people_names_the_first_and_counts_the_rest(live: World) -> None:
    ana, bo = live.push("ana", "Staff"), live.push("bo", "Staff")
    live.run()
    live.push("ana", "Staff", "Readers")
    live.push("bo", "Staff", "Readers")
    text = "board/roadmap follows when the invitation is accepted"
    assert [each for each in live.plan().warnings if text in each] == [f"ana@acme.example (p{ana}) and 1 more: {text}"]
    live.push("ana", "Staff")
    assert [each for each in live.plan().warnings if text in each] == [f"bo@acme.example (p{bo}): {text}"]


def test_a_seat_names_the_rules_of_what_comes_along_with_it(company: World) -> None:
    invite = next(step for step in company.plan().changes if step.action == "invite")
    assert (words(invite), reasons(invite)) == (
        "+ invite as member, with team/web member",
        ["staff (mappings/acme.yaml:7)", "web (mappings/acme.yaml:11)"],
    )


def test_the_shape_of_a_plan(company: World) -> None:
    step = company.plan().to_json()["changes"][2]
    assert step == {
        "person": {"id": step["person"]["id"], "user_name": "low@acme.example"},
        "action": "change_asset",
        "asset": "team/core",
        "from": "maintainer",
        "to": "member",
        "because": [{"rule": "core", "file": "mappings/acme.yaml", "line": 9}],
        "held": None,
        "failed": None,
    }


def test_a_renewed_invitation_is_planned_as_cancel_and_invite(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.push("ana", "Guests")
    live.fan_out()
    assert live.planned() == [("ana", "cancel_invitation", None, False), ("ana", "invite", "guest", False)]


def test_trap_an_assets_only_grant_leaves_a_hand_made_member_alone(live: World) -> None:
    """Neither added to nor taken from, in the group and out of it again: she holds nothing that is ours."""
    by_hand = live.app.member("ana", "ana@acme.example", holds={WEB: "member"})
    live.read()
    ana = live.push("ana", "Core")
    live.run()
    assert (live.planned(), live.calls(), live.ours(ana)) == ([], [], set())
    live.push("ana")
    live.run()
    assert (live.calls(), live.app.held(by_hand)) == ([], {WEB.key: {"member"}})


def test_a_plan_of_an_unknown_or_detached_hub_is_refused(live: World) -> None:
    live.publish(mapping(app="direct"), hubs=("other",))
    with pytest.raises(Conflict, match="no mapping file"):
        live.plan()
    with live.db.read() as tx, pytest.raises(NotFound):
        plan_hub(tx, "nowhere", live.rules.in_force(tx).mappings, live.registry, now=live.now)


def test_a_plan_counts_the_people_of_each_rule_zero_included(company: World) -> None:
    counts = {rule.rule: rule.people for rule in company.plan().rules}
    assert counts == {
        **dict.fromkeys(["owners", "guests", "leads", "readers", "writers"], 0),
        "staff": 3,
        "core": 1,
        "web": 1,
    }


def test_a_plan_shows_what_people_may_do_to_the_hub_by_rules_to_come(live: World) -> None:
    ana = live.push("ana", "Staff")
    live.run()
    assert live.plan().hub_roles == ()
    live.publish(mapping(grants="  - {name: staff, group: Staff, role: member, hub_role: manager}"))
    (change,) = live.plan().hub_roles
    assert (change.person_id, change.before, change.after) == (ana, None, "manager")
    assert change.to_json()["because"] == [{"rule": "staff", "file": "mappings/acme.yaml", "line": 6}]
    live.run()
    assert live.plan().hub_roles == ()


def test_a_plan_names_partners_and_counts_no_people_for_them(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryAdapter, "abilities", replace(MemoryAdapter.abilities, partners=True))
    agency = "{id: '66', name: Bright Agency, owner: jo@acme.example}"
    rule = f"  - {{name: agency, partner: {agency}, assets: {{team/core: member}}, until: 2030-01-31}}"
    live.publish(mapping(grants=rule))
    plan = live.plan()
    assert (plan.rules, [each.to_json() for each in plan.partners]) == (
        (),
        [
            {
                "rule": "agency",
                "file": "mappings/acme.yaml",
                "line": 6,
                "partner": {"id": "66", "name": "Bright Agency", "owner": "jo@acme.example"},
                "until": "2030-01-31",
                "assets": {"team/core": "member"},
            }
        ],
    )


def test_a_removal_is_planned_as_held_where_somebody_with_a_seat_to_come_bears_the_address(live: World) -> None:
    ana = seated(live, "Staff")
    (ref,) = (account.ref for account in live.app.accounts.values() if account.login == "ana")
    live.app.accounts[ref] = replace(live.app.accounts[ref], emails=(ANA, "bo@acme.example"))
    live.clock.advance(minutes=1)
    live.read()
    live.push("bo", "Staff")  # fan-out has not seen it
    live.push("ana")
    held = [(change.person_id, change.held is not None) for change in live.plan().changes if change.action == "remove"]
    assert held == [(ana, True)]


# Why


def test_why_shows_all_states_and_the_rules(live: World) -> None:
    ana = seated(live, "Staff", "Core")
    with live.db.read() as tx:
        found = why(tx, ana, None, live.rules.in_force(tx), live.registry, now=live.now).to_json()
    (hub,) = found["hubs"]
    who = {name: found["person"][name] for name in ("id", "user_name", "disabled", "attention")}
    assert who == {"id": f"p{ana}", "user_name": ANA, "disabled": False, "attention": None}
    assert (
        hub["desired"] == hub["applied"] == hub["observed"]["things"] == {"seat": ["member"], "team/core": ["member"]}
    )
    assert [(one["thing"], one["rule"]) for one in hub["grants"]] == [("seat", "staff"), ("team/core", "core")]
    assert [one["state"] for one in hub["tasks"]] == ["done"]


def test_why_names_the_nearest_rules_where_somebody_gets_nothing(live: World) -> None:
    dan = live.push("dan", "Core")
    live.run()
    found = live.why(dan)
    assert (found.desired, found.observed) == ({}, {})
    assert found.near


def test_why_of_an_unknown_hub_is_refused(live: World) -> None:
    with live.db.read() as tx, pytest.raises(NotFound, match="known hubs: acme"):
        why(tx, 1, "nowhere", live.rules.in_force(tx), live.registry, now=live.now)


# Leave


def test_while_the_timer_runs_role_and_assets_stay(world: World) -> None:
    world.begin(more=WEEK)
    ana = seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    assert (world.calls(), world.pair(ana).due_at) == ([], world.now + timedelta(days=7))
    world.later(days=6, hours=23)
    assert world.calls() == []
    world.later(hours=1)
    assert world.calls() == [("remove", "ana")]


def test_a_timer_survives_a_restart(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.start_engine()
    world.later(days=7)
    assert world.calls() == [("remove", "ana")]


def test_assets_first_the_seat_later(world: World) -> None:
    world.begin(more=IN_STEPS)
    seated(world, "Staff", "Core")
    world.push("ana")
    world.run()
    world.later(days=1)
    assert world.calls() == [("unset_asset", "ana", "core", "member")]
    world.later(days=13)
    assert world.calls() == [("remove", "ana")]


def test_back_in_time_drops_the_steps(world: World) -> None:
    world.begin(more=WEEK)
    ana = seated(world, "Staff")
    world.push("ana")
    world.run()
    world.push("ana", "Staff")
    world.later(days=30)
    assert (world.calls(), world.access(ana).lost_at) == ([], None)


def test_disabled_has_steps_of_its_own(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.clock.advance(hours=1)
    world.push("ana", active=False)
    world.run()
    world.later(days=1)
    assert world.calls() == [("remove", "ana")]


def test_enabled_again_without_access_goes_by_lost_access(world: World) -> None:
    world.begin(more="leave: {lost_access: [{after: 0d, do: remove}], disabled: [{after: 30d, do: remove}]}")
    seated(world, "Staff")
    world.push("ana", "Staff", active=False)
    world.run()
    assert world.calls() == []
    world.push("ana", active=True)
    world.run()
    assert world.calls() == [("remove", "ana")]


def test_changed_steps_hold_for_timers_that_run(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.publish(mapping())
    world.run()
    assert world.calls() == [("remove", "ana")]


def test_a_timer_outlives_a_detached_hub(world: World) -> None:
    world.begin(more=WEEK)
    seated(world, "Staff")
    world.push("ana")
    world.run()
    world.publish(mapping(app="direct"), hubs=("other",))
    world.run()
    world.publish(mapping(more=WEEK))
    world.run()
    world.later(days=7)
    assert world.calls() == [("remove", "ana")]


# Settle


def test_a_mover_in_either_order_never_drops_the_seat(world: World) -> None:
    world.begin(settle="60s")
    seated_id = world.push("ana", "Staff")
    world.run()
    world.later(seconds=60)
    world.app.accept(ANA)
    world.later(minutes=10)
    world.calls()
    world.push("ana")
    world.run()
    world.clock.advance(seconds=30)
    world.read()  # a reading in between wakes nobody in mid-move
    world.run()
    world.push("ana", "Guests")
    world.run()
    world.later(seconds=60)
    assert world.calls() == [("change_role", "ana", "guest")]
    assert world.ours(seated_id) == {("seat", "guest")}


def test_added_and_removed_within_settle_calls_nothing(world: World) -> None:
    world.begin(settle="60s")
    world.push("ana", "Staff")
    world.run()
    world.push("ana")
    world.later(minutes=10)
    assert (world.calls(), world.tasks()) == ([], [])
