"""Proposed removals in a plan: accounts that are not ours, under `safety.unmanaged: hold`."""

from __future__ import annotations

from dataclasses import replace

from engine_kit import World, mapping
from test_brake import seat
from test_unmanaged_hold import HOLD, again

from scim_bridge.contract.state import Status
from scim_bridge.engine.plan import plan_hub


def proposed(world: World) -> list[tuple[str, str | None, str | None]]:
    """``(login, whose, what was said)``."""
    return [(one.account, one.user_name, one.state) for one in world.plan().proposed]


def hub(world: World, safety: str = HOLD, start: str = "apply") -> None:
    """Ana has a seat of ours; Mallory and three accounts that are spared were made by hand."""
    world.begin(safety=safety, start=start)
    world.app.member("mallory", "mallory@elsewhere.example")
    world.app.member("svc-deploy")
    world.app.member("octo-cat")
    if start == "apply":
        seat(world, ["ana"])
    again(world)


def test_what_was_asked_is_in_the_plan_until_it_is_answered(world: World) -> None:
    hub(world)
    assert proposed(world) == [("mallory", None, "pending")]
    assert (world.plan().waits, world.plan().totals.proposed) == (True, 1)
    world.say("rejected")
    assert (proposed(world), world.plan().waits) == ([("mallory", None, "rejected")], False)


def test_a_hub_in_plan_mode_tells_beforehand(world: World) -> None:
    hub(world, start="plan")
    assert (world.approvals(), proposed(world)) == ([], [("mallory", None, None)])


def test_under_report_nothing_is_proposed(world: World) -> None:
    hub(world, safety="unmanaged: report")
    assert proposed(world) == []


def test_what_the_plan_adopts_is_not_proposed(world: World) -> None:
    world.begin(safety=HOLD, start="plan")
    world.app.member("bo", "bo@acme.example")
    world.app.member("dan", "dan@acme.example")
    world.push("bo", "Staff")
    world.push("dan")
    again(world)
    assert proposed(world) == [("dan", "dan@acme.example", None)]


def test_an_account_that_becomes_somebodys_at_the_next_look_is_not_proposed(world: World) -> None:
    world.begin(safety=HOLD)
    world.app.member("bo", "bo@acme.example")
    again(world)
    world.push("bo", "Staff")
    assert proposed(world) == []


def test_rules_that_are_not_in_force_are_planned_by_themselves(world: World) -> None:
    """Under them nobody gives Bo a seat any more: his account, which never became ours, would be proposed."""
    world.begin(start="plan")
    world.app.member("bo", "bo@acme.example")
    world.push("bo", "Staff")
    again(world)
    files = {
        "mappings/acme.yaml": mapping(safety=HOLD, start="plan", grants="  - {name: core, group: Core, role: owner}")
    }
    with world.db.read() as tx:
        plan = plan_hub(tx, "acme", world.rules.load(files), world.registry, now=world.now, in_force=False)
    assert [one.account for one in plan.proposed] == ["bo"]


def test_an_invitation_made_by_hand_is_proposed_to_be_cancelled(world: World) -> None:
    hub(world)
    ref = world.app.new_ref("invitation:")
    mallory = next(one for one in world.app.accounts.values() if one.login == "mallory")
    world.app.accounts[ref] = replace(
        mallory, ref=ref, status=Status.INVITED, login=None, emails=("x@elsewhere.example",)
    )
    again(world)
    assert [(one.account, one.action) for one in world.plan().proposed] == [
        ("mallory", "remove"),
        ("x@elsewhere.example", "cancel_invitation"),
    ]
