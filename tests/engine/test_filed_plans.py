"""A plan in a file: exactly that is done, also while pushes arrive; what the world changed since is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE, WEB
from test_undo import planned, undo

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.answering import answer_all
from scim_bridge.engine.apply import apply_filed, apply_hub
from scim_bridge.engine.compare import Comparison
from scim_bridge.engine.filed import examine
from scim_bridge.engine.link import unlink_account
from scim_bridge.engine.plan_file import PlanFile, read_text, to_text
from scim_bridge.errors import Conflict, InvalidInput, NotFound, Transient
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping.load import MappingSet

NOT_IN_PLAN = "it is not in the plan that was applied"


def filed(world: World) -> str:
    """The file of the plan of this moment."""
    return to_text([world.plan()], made_by="cli:ops", made_at=world.now)


def look(world: World, text: str, *, release: bool = False) -> Comparison:
    (plan,) = read_text(text, "plan.json").plans
    with world.db.read() as tx:
        mappings = world.rules.in_force(tx).mappings
        return examine(tx, plan, mappings, world.registry, is_released=release, now=world.now)


def apply_file(world: World, text: str, *, release: bool = False) -> Comparison:
    """What ``apply --from`` does with ``--rest``: all that still holds."""
    found, (plan,) = look(world, text, release=release), read_text(text, "plan.json").plans
    with world.db.write() as tx:
        apply_filed(
            tx,
            "acme",
            found.holds,
            mode=plan.mode,
            release=release,
            actor="cli:ops",
            digest="sha256:0",
            now=world.now,
        )
    return found


def moved(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(one.user_name.partition("@")[0], one.thing, one.was, one.now) for one in found.moved]


def held(world: World) -> list[tuple[str, str, str | None]]:
    return [(task.action, task.thing, task.cause) for task in world.rows(_HELD)]


_HELD = sa.text("SELECT action, thing, cause FROM tasks WHERE state = 'held' ORDER BY id")


@pytest.fixture
def company(world: World) -> World:
    """A hub in plan mode with something of everything."""
    world.app.member("raised", "raised@acme.example", role="owner")
    world.app.member("low", "low@acme.example", role="guest", holds={CORE: "maintainer"})
    world.app.member("fits", "fits@acme.example")
    world.publish(mapping(start="plan"))
    world.push("raised", "Staff")
    world.push("low", "Staff", "Core")
    world.push("fits", "Staff")
    world.push("new", "Staff", "Web")
    world.run()
    return world


# Exactly the plan


def test_a_filed_plan_is_carried_out_and_the_next_plan_is_empty(company: World) -> None:
    found = apply_file(company, filed(company))
    company.run()
    assert (found.steps, found.moved, found.new) == (5, [], 0)
    assert company.calls() == [
        ("change_role", "raised", "member"),
        ("change_role", "low", "member"),
        ("set_asset", "low", "core", "member"),
        ("invite", "new@acme.example", "member", "web"),
    ]
    assert company.planned() == []


def test_applying_it_twice_changes_nothing_more(company: World) -> None:
    text = filed(company)
    apply_file(company, text)
    company.run()
    company.calls()
    again = apply_file(company, text)
    company.run()
    assert (again.done, again.steps, again.moved) == (5, 0, [])
    assert (company.calls(), company.planned()) == ([], [])


def test_a_hub_in_plan_mode_stays_there_and_new_pushes_stay_planned(company: World) -> None:
    apply_file(company, filed(company))
    company.push("later", "Staff")
    company.run()
    assert "later@acme.example" not in company.app.seats()
    assert (company.hub().mode, company.planned()) == ("plan", [("later", "invite", "member", False)])


def test_going_live_afterwards_does_the_rest(company: World) -> None:
    apply_file(company, filed(company))
    company.push("later", "Staff")
    company.run()
    company.calls()
    with company.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=company.now)
    company.run()
    assert company.calls() == [("invite", "later@acme.example", "member")]


def test_it_is_recorded_with_who_and_which_plan(company: World) -> None:
    apply_file(company, filed(company))
    (row,) = company.rows(sa.select(AuditRow.actor, AuditRow.detail).where(AuditRow.action == "hub.plan_applied"))
    assert (row.actor, row.detail["plan"], row.detail["people"]) == ("cli:ops", "sha256:0", 4)


def test_a_push_after_apply_that_wants_more_is_held_and_the_plan_goes_on(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.fan_out()
    apply_file(live, filed(live))
    live.push("ana", "Staff", "Core", "Web")
    live.run()
    assert live.calls() == [("set_asset", "ana", "core", "member")]
    assert held(live) == [("add_asset", "team/web", NOT_IN_PLAN)]


def test_what_a_plan_held_stays_held_through_readings_until_the_hub_is_applied(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.fan_out()
    apply_file(live, filed(live))
    live.push("ana", "Staff", "Core", "Web")
    live.run()
    live.calls()
    live.clock.advance(hours=1)
    live.read()
    live.run()
    assert (live.calls(), held(live)) == ([], [("add_asset", "team/web", NOT_IN_PLAN)])
    with live.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=live.now)
    live.run()
    assert (live.calls(), live.planned()) == ([("set_asset", "ana", "web", "member")], [])


def test_what_a_plan_held_goes_on_by_the_next_plan_that_names_it(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.fan_out()
    apply_file(live, filed(live))
    live.push("ana", "Staff", "Core", "Web")
    live.run()
    live.calls()
    apply_file(live, filed(live))
    live.run()
    assert (live.calls(), live.planned()) == ([("set_asset", "ana", "web", "member")], [])


def test_what_is_so_already_becomes_ours_only_if_the_plan_says_so(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.fan_out()
    text = filed(live)
    (ref,) = (account.ref for account in live.app.accounts.values() if account.login == "ana")
    live.app.holdings[ref, WEB.key] = {"member"}
    live.clock.advance(minutes=1)
    live.read()
    apply_file(live, text)
    live.push("ana", "Staff", "Core", "Web")
    live.run()
    assert live.ours(ana) == {("seat", "member"), ("team/7", "member")}
    assert NOT_IN_PLAN in live.pair(ana).waits


def test_an_invitation_carries_only_the_assets_of_the_plan(company: World) -> None:
    apply_file(company, filed(company))
    company.push("new", "Staff", "Web", "Core")
    company.run()
    assert ("invite", "new@acme.example", "member", "web") in company.calls()


def test_assets_follow_a_seat_that_is_there_at_once(world: World) -> None:
    world.publish(mapping(app="direct", start="plan"))
    world.push("ana", "Staff", "Core")
    world.run()
    apply_file(world, filed(world))
    world.run()
    assert world.calls() == [("invite", "ana@acme.example", "member"), ("set_asset", "ana", "core", "member")]
    assert world.planned() == []


def test_somebody_who_left_meanwhile_gets_nothing_of_the_plan(company: World) -> None:
    apply_file(company, filed(company))
    company.push("new", active=False)
    company.run()
    assert not [call for call in company.calls() if "new@acme.example" in call]


def test_a_leaver_of_a_live_hub_waits_for_no_plan(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", "Core")
    live.fan_out()
    apply_file(live, filed(live))
    live.push("ana", active=False)
    live.run()
    assert live.calls() == [("remove", "ana")]


def test_a_renewed_invitation_is_one_step_of_the_plan(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.push("ana", "Guests")
    live.fan_out()
    live.calls()
    assert apply_file(live, filed(live)).steps == 1
    live.run()
    assert live.calls() == [("cancel", "ana@acme.example"), ("invite", "ana@acme.example", "guest")]


def test_drift_is_brought_back_by_a_plan_that_says_so(live: World) -> None:
    live.publish(mapping(safety="drift: fix"))
    seated(live, "Staff", "Core")
    (ref,) = (account.ref for account in live.app.accounts.values() if account.login == "ana")
    live.app.holdings.pop((ref, CORE.key))
    live.clock.advance(minutes=1)
    live.read()
    assert apply_file(live, filed(live)).steps == 1
    live.run()
    assert (live.calls(), held(live)) == ([("set_asset", "ana", "core", "member")], [])


def test_what_fails_in_passing_is_tried_again_within_the_plan(company: World) -> None:
    company.app.failures["invite"] = [Transient("busy")]
    apply_file(company, filed(company))
    company.run()
    company.later(minutes=1)
    assert ("invite", "new@acme.example", "member", "web") in company.calls()
    assert (company.planned(), company.hub().mode) == ([], "plan")


def test_a_plan_made_before_the_app_was_read_invites_nobody_who_is_there(world: World) -> None:
    world.publish(mapping(start="plan"))
    ana = world.push("ana", "Staff")
    world.fan_out()
    text = filed(world)
    world.app.member("ana", "ana@acme.example")
    apply_file(world, text)
    world.run()
    assert (world.calls(), world.ours(ana)) == ([], {("seat", "member")})


# What is held in the plan


@pytest.fixture
def brake(live: World) -> World:
    """Ten have seats; five lose them, and `max_removals` lets two go."""
    for number in range(10):
        live.push(f"p{number}", "Staff")
    live.run()
    for number in range(5):
        live.push(f"p{number}")
    live.fan_out()
    live.calls()
    return live


def test_what_is_held_in_the_plan_is_not_done_by_it(brake: World) -> None:
    found = apply_file(brake, filed(brake))
    brake.run()
    assert (found.steps, found.left_out, len(brake.calls())) == (2, 3, 2)


def test_release_lets_go_on_what_the_plan_holds(brake: World) -> None:
    found = apply_file(brake, filed(brake), release=True)
    brake.run()
    assert (found.steps, found.left_out, len(brake.calls())) == (5, 0, 5)


def test_release_leaves_a_no_a_no(brake: World) -> None:
    brake.run()
    text = filed(brake)
    with brake.db.write() as tx:
        answer_all(tx, "rejected", hub_id="acme", actor="cli:ceo", reason="they only move", now=brake.now)
    brake.calls()
    apply_file(brake, text, release=True)
    brake.run()
    assert brake.calls() == []
    assert {(cause or "").partition(":")[0] for _, _, cause in held(brake)} == {"rejected by cli"}


# What moved since


def test_a_change_that_is_wanted_no_longer_is_named(company: World) -> None:
    text = filed(company)
    company.push("new")
    assert moved(look(company, text)) == [("new", "seat", "+ invite as member, with team/web member", "nothing to do")]


def test_another_role_is_named_with_both(company: World) -> None:
    text = filed(company)
    company.push("new", "Owners", "Web")
    assert moved(look(company, text)) == [
        ("new", "seat", "+ invite as member, with team/web member", "+ invite as owner, with team/web member")
    ]


def test_other_assets_of_an_invitation_are_named(company: World) -> None:
    text = filed(company)
    company.push("new", "Staff")
    assert moved(look(company, text)) == [
        ("new", "seat", "+ invite as member, with team/web member", "+ invite as member")
    ]


def test_a_change_made_by_hand_in_the_app_is_named(company: World) -> None:
    text = filed(company)
    company.app.holdings.clear()
    company.clock.advance(minutes=1)
    company.read()
    assert moved(look(company, text)) == [
        ("low", "team/core", "~ team/core maintainer -> member", "+ team/core member")
    ]


def test_a_removal_of_an_account_that_was_unlinked_is_named_and_not_done_before(live: World) -> None:
    seated(live, "Staff")
    live.push("ana")
    live.fan_out()
    text = filed(live)
    with live.db.write() as tx:
        unlink_account(tx, "acme", "ana", actor="cli:ops", now=live.now)
    found = look(live, text)
    assert moved(found) == [("ana", "seat", "- seat member", "the account ana is theirs no more")]
    assert found.done == 0


def test_the_same_step_on_another_account_is_named(live: World) -> None:
    ana = seated(live, "Staff", "Core")
    live.app.member("zoe", "zoe@acme.example", holds={CORE: "member"})
    live.clock.advance(minutes=1)
    live.read()
    live.push("ana", "Core")
    live.fan_out()
    text = filed(live)
    with live.db.write() as tx:
        tx.execute(sa.update(AccountRow).where(AccountRow.login == "ana").values(person_id=None))
        tx.execute(sa.update(AccountRow).where(AccountRow.login == "zoe").values(person_id=ana))
    assert moved(look(live, text)) == [
        ("ana", "seat", "- seat member, with team/core member", "their account is zoe, not ana")
    ]


def test_a_removal_that_somebody_made_in_the_app_is_done_before(live: World) -> None:
    seated(live, "Staff")
    live.push("ana")
    live.fan_out()
    text = filed(live)
    live.app.accounts.clear()
    live.clock.advance(minutes=1)
    live.read()
    live.run()
    found = look(live, text)
    assert (found.done, found.moved) == (1, [])


def test_a_plan_of_removals_is_done_before_the_second_time(brake: World) -> None:
    text = filed(brake)
    apply_file(brake, text, release=True)
    brake.run()
    again = look(brake, text)
    assert (again.done, again.steps, again.moved) == (5, 0, [])


def test_a_new_brake_is_named(live: World) -> None:
    seated(live, "Staff")
    live.push("ana")
    live.fan_out()
    text = filed(live)
    live.publish(mapping(safety="protect: [ana]"))
    ((name, thing, was, now),) = moved(look(live, text))
    assert (name, thing, was, now.partition(":")[0]) == ("ana", "seat", "- seat member", "held")


def test_what_came_up_since_is_counted_and_not_done(company: World) -> None:
    text = filed(company)
    company.push("later", "Staff")
    found = apply_file(company, text)
    company.run()
    assert (found.new, found.moved) == (1, [])
    assert "later@acme.example" not in company.app.seats()


def test_the_rest_is_done_where_something_moved(company: World) -> None:
    text = filed(company)
    company.push("new")
    apply_file(company, text)
    company.run()
    assert [call[0] for call in company.calls()] == ["change_role", "change_role", "set_asset"]


def test_other_rules_that_come_to_the_same_are_no_move(company: World) -> None:
    text = filed(company)
    company.publish(mapping(start="plan", more="check: 12h"))
    assert look(company, text).moved == []


def test_a_hub_that_became_live_is_refused(company: World) -> None:
    text = filed(company)
    with company.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=company.now)
    with pytest.raises(Conflict, match="was in mode plan and is live now"):
        look(company, text)
    with company.db.write() as tx, pytest.raises(Conflict, match="was in mode plan"):
        apply_filed(tx, "acme", {}, mode="plan", release=False, actor="cli:ops", digest="", now=company.now)


def test_a_detached_hub_is_refused(company: World) -> None:
    text = filed(company)
    company.publish(mapping(app="direct"), hubs=("other",))
    with pytest.raises(Conflict, match="hub acme is detached"):
        look(company, text)


def test_a_plan_of_another_bridge_is_refused(company: World) -> None:
    text = filed(company)
    with company.db.write() as tx:
        tx.execute(sa.update(Hub).values(tenant="other"))
    with pytest.raises(InvalidInput, match="another hub that is called acme"):
        look(company, text)


def test_a_plan_of_an_unknown_hub_is_refused(company: World) -> None:
    (plan,) = read_text(filed(company), "plan.json").plans
    other = replace(plan, hub_id="nowhere")
    with company.db.read() as tx, pytest.raises(NotFound, match="nowhere, which is not here"):
        examine(tx, other, MappingSet({}), company.registry, is_released=False, now=company.now)


# Files that are none


def changed(how: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def change(text: str) -> str:
        whole = json.loads(text)
        how(whole)
        return json.dumps(whole)

    return change


def signed(how: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def change(text: str) -> str:
        whole = json.loads(changed(how)(text))
        del whole["hash"]
        plain = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        return json.dumps({**whole, "hash": f"sha256:{hashlib.sha256(plain.encode()).hexdigest()}"})

    return change


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda text: text[: len(text) // 2], "or it was cut off", id="truncated"),
        pytest.param(lambda text: "", "or it was cut off", id="empty"),
        pytest.param(lambda text: "[]", "no plan of scim-bridge", id="a-list"),
        pytest.param(lambda text: '{"format": "other"}', "no plan of scim-bridge", id="another-format"),
        pytest.param(changed(lambda whole: whole.update(version=2)), "in version 2", id="another-version"),
        pytest.param(
            changed(lambda whole: whole["plans"][0]["changes"].pop()), "changed after it was made", id="edited"
        ),
        pytest.param(changed(lambda whole: whole.pop("hash")), "changed after it was made", id="no-hash"),
        pytest.param(
            signed(lambda whole: whole["plans"][0]["changes"][0].update(steps=[])),
            "no plan that `scim-bridge plan` made",
            id="made-by-hand",
        ),
    ],
)
def test_a_file_that_is_no_whole_plan_is_refused(company: World, spoil: Callable[[str], str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        read_text(spoil(filed(company)), "plan.json")
    assert "plan.json" in str(error.value)


def test_reformatted_json_is_the_same_plan(company: World) -> None:
    text = filed(company)
    assert read_text(changed(lambda whole: None)(text), "plan.json") == read_text(text, "plan.json")


def test_a_file_says_when_and_by_whom_it_was_made(company: World) -> None:
    file: PlanFile = read_text(filed(company), "plan.json")
    assert (file.made_at, file.made_by, file.digest[:7]) == (company.now, "cli:ops", "sha256:")


def test_an_undo_of_whom_a_plan_still_holds_says_so_and_the_way_out(live: World) -> None:
    """Ana is kept to the plan's changes until they are done, and the app does not answer."""
    seated(live, "Staff", "Core")
    live.push("ana", "Staff")
    live.run()
    undone = f"r{live.task().run_id}"
    live.push("ana", "Staff", "Web")
    live.fan_out()
    live.app.failures["set_asset"] = [Transient("503")]
    apply_file(live, filed(live))
    live.work()
    (step,) = planned(live, undone).steps
    way_out = "`scim-bridge plan HUB` shows it, `apply HUB` lets it go on".replace("HUB", "acme")
    assert (step.action, step.held) == ("add_asset", f"{NOT_IN_PLAN}; {way_out}")
    live.calls()
    undo(live, undone)
    live.later(minutes=1)
    assert (live.calls(), held(live)[0]) == (
        [("set_asset", "ana", "web", "member")],
        ("add_asset", "team/core", NOT_IN_PLAN),
    )
    with live.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=live.now)
    live.run()
    assert live.calls() == [("set_asset", "ana", "core", "member")]


def test_an_undo_of_whom_no_plan_holds_any_more_goes_on(live: World) -> None:
    seated(live, "Staff", "Core")
    live.push("ana", "Staff")
    live.run()
    undone = f"r{live.task().run_id}"
    live.push("ana", "Staff", "Web")
    live.fan_out()
    apply_file(live, filed(live))
    live.work()
    assert [step.held for step in planned(live, undone).steps] == [None]
