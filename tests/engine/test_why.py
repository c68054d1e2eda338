"""``why``: what won and lost, what is behind it, what it waits for; leavers and deleted people included."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from test_why_brought import Pushes

from scim_bridge.directory import users
from scim_bridge.directory.tables import Group, NestedGroup, User
from scim_bridge.engine.tables import Task
from scim_bridge.engine.why import Why, why
from scim_bridge.errors import Conflict, NeedsAttention, Permanent, Transient
from scim_bridge.hubs.operate import pause
from scim_bridge.hubs.tables import Hub


def explained(world: World, person_id: int, hub_id: str | None = None) -> Why:
    with world.db.read() as tx:
        return why(tx, person_id, hub_id, world.rules.in_force(tx), world.registry, now=world.now)


def kinds(world: World, person_id: int) -> list[str]:
    return [kind for kind, _ in world.waits(person_id)]


def test_grants_that_lost_are_named_with_what_outranked_them(live: World) -> None:
    ana = live.push("ana", "Staff", "Owners")
    live.run()
    grants = live.why(ana).grants
    assert [(one["rule"], one["role"], one["won"], one["outranked_by"]) for one in grants] == [
        ("owners", "owner", True, None),
        ("staff", "member", False, "owner"),
    ]
    assert (grants[1]["file"], grants[1]["line"]) == ("mappings/acme.yaml", 7)
    found = explained(live, ana)
    assert grants[1]["revision"] == found.rules["revision"] > 0
    assert (found.rules["published_at"], found.rules["published_by"]) == ("2026-11-22T12:00:00+00:00", "cli:ops")


def test_there_is_a_place_for_shares(live: World) -> None:
    assert live.why(live.push("ana", "Staff")).shares == []


def nest(world: World, *names: str) -> None:
    """Each of these groups is in the next one."""
    with world.db.write() as tx:
        ids = {row.display_name: row.id for row in tx.execute(sa.select(Group.display_name, Group.id))}
        for child, parent in pairwise(names):
            tx.execute(sa.insert(NestedGroup).values(group_id=ids[parent], child_id=ids[child]))


def test_the_path_of_nested_groups_is_told_with_what_brought_each(live: World) -> None:
    pushes = Pushes(live)
    bob = live.push("bob", "Mitte")
    live.push("ann", "Berlin", "Staff")
    nest(live, "Mitte", "Berlin", "Staff")
    berlin = str(live.rows(sa.select(Group.scim_id).where(Group.display_name == "Berlin"))[0].scim_id)
    mitte = str(live.rows(sa.select(Group.scim_id).where(Group.display_name == "Mitte"))[0].scim_id)
    bob_id = str(live.rows(sa.select(User.scim_id).where(User.person_id == bob))[0].scim_id)
    pushes.members(mitte, bob_id)
    pushes.members(berlin, mitte)
    (grant,) = live.why(bob).grants
    (through,) = grant["through"]
    path = [(one["group"], one["request"] and one["request"]["path"]) for one in through["path"]]
    assert path == [("Mitte", f"/Groups/{mitte}"), ("Berlin", f"/Groups/{berlin}"), ("Staff", None)]
    assert through["path"][2]["missing"] is not None
    assert through["request"]["path"] == f"/Groups/{berlin}"


def test_the_shortest_path_is_told_and_a_circle_ends(live: World) -> None:
    bob = live.push("bob", "Mitte", "Berlin")
    live.push("ann", "Staff")
    nest(live, "Mitte", "Berlin", "Staff", "Mitte")
    (grant,) = live.why(bob).grants
    assert [one["group"] for one in grant["through"][0]["path"]] == ["Berlin", "Staff"]


def test_settle_is_told_with_its_end(world: World) -> None:
    world.begin(settle="60s")
    ana = world.push("ana", "Staff")
    world.run()
    (wait,) = world.why(ana).waits
    assert (wait["kind"], wait["until"]) == ("settle", "2026-11-22T12:01:00+00:00")


def test_a_timer_of_leave_is_told_with_its_step_and_end(world: World) -> None:
    world.begin(more="leave: {lost_access: [{after: 7d, do: remove}]}")
    ana = seated(world, "Staff")
    world.push("ana")
    world.run()
    until = (world.now + timedelta(days=7)).isoformat(timespec="seconds")
    (wait,) = world.why(ana).waits
    assert wait == {"kind": "leave", "text": "`leave.lost_access` does remove then", "until": until, "task": None}


def test_a_leaver_by_timer_is_told_by_the_other_steps(world: World) -> None:
    world.begin(more="leave: {disabled: [{after: 1d, do: remove_assets}, {after: 7d, do: remove}]}")
    ana = seated(world, "Staff", "Core")
    world.push("ana", "Staff", active=False)
    world.run()
    assert ("leave", "`leave.disabled` does remove_assets then") in world.waits(ana)


def test_a_hub_in_plan_mode_is_told(world: World) -> None:
    world.begin(start="plan")
    assert kinds(world, world.push("ana", "Staff"))[0] == "plan_mode"


def test_a_paused_hub_is_told_with_who_paused_it(live: World) -> None:
    ana = live.push("ana", "Staff")
    live.fan_out()
    with live.db.write() as tx:
        pause(tx, "acme", actor="cli:ops", now=live.now)
    assert live.waits(ana) == [("paused", "the hub was paused by cli:ops: `scim-bridge resume acme` goes on")]


def test_a_resting_hub_is_told_with_its_end(live: World) -> None:
    live.app.failures["invite"] = [Transient("slow down", retry_after_s=300, whole_hub=True)]
    ana = live.push("ana", "Staff")
    live.run()
    found = {wait["kind"]: wait["until"] for wait in live.why(ana).waits}
    assert found["resting"] == "2026-11-22T12:05:00+00:00"
    assert found["retry"] is not None


def test_a_hub_that_needs_attention_is_told_with_the_next_probe(live: World) -> None:
    live.app.failures["invite"] = [NeedsAttention("the token was refused")]
    ana = live.push("ana", "Staff")
    live.run()
    (wait,) = [wait for wait in live.why(ana).waits if wait["kind"] == "needs_attention"]
    assert "the token was refused" in wait["text"]
    assert wait["until"] is not None


def test_a_held_change_is_told_with_its_task(world: World) -> None:
    world.begin(safety="protect: [ana]")
    ana = seated(world, "Staff")
    world.push("ana")
    world.run()
    (wait,) = world.why(ana).waits
    assert (wait["kind"], wait["task"]) == ("held", world.task().id)
    assert "remove seat: the account is under `safety.protect`" in wait["text"]


def test_a_failed_change_is_told_with_the_apps_answer(live: World) -> None:
    live.app.failures["invite"] = [Permanent("no seats left", advice="buy one")]
    ana = live.push("ana", "Staff")
    live.run()
    assert ("failed", "invite seat: no seats left; buy one") in live.waits(ana)
    answers = live.why(ana).answers
    assert (answers["last_error"], answers["last_error_at"]) == ("no seats left", "2026-11-22T12:00:00+00:00")


def test_an_invitation_is_told_with_its_end(live: World) -> None:
    ana = live.push("ana", "Staff", "Writers")
    live.run()
    (wait,) = [wait for wait in live.why(ana).waits if wait["kind"] == "invitation"]
    assert (wait["text"], wait["until"]) == ("the invitation is to be accepted", "2026-11-29T12:00:00+00:00")


def test_a_push_that_is_not_worked_out_yet_is_told(live: World) -> None:
    ana = live.push("ana", "Staff")
    assert kinds(live, ana) == ["push"]
    live.run()
    assert "push" not in kinds(live, ana)


def test_whoever_lacks_nothing_waits_for_nothing(live: World) -> None:
    assert live.why(seated(live, "Staff")).waits == []


def test_tasks_carry_their_run_and_the_latest_is_first(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("ana", "Guests")
    live.run()
    run = live.rows(sa.select(Task.run_id).order_by(Task.id.desc()))[0].run_id
    first = live.why(ana).tasks[0]
    assert (first["action"], first["from"], first["to"], first["run"]) == ("change_role", "member", "guest", f"r{run}")


def delete(world: World, person_id: int) -> str:
    with world.db.write() as tx:
        scim_id = tx.execute(sa.select(User.scim_id).where(User.person_id == person_id)).scalar_one()
        users.delete_user(tx, world.source, scim_id, now=world.now)
    return str(scim_id)


def test_a_leaver_can_be_asked_for(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("ana", "Staff", active=False)
    live.run()
    found = explained(live, ana)
    assert found.disabled
    assert [(one["user_name"], one["state"]) for one in found.users] == [("ana@acme.example", "inactive")]
    assert found.hubs[0].near[0]["missing"] == "every user of this person is inactive or deleted"


def test_a_deleted_person_can_be_asked_for_with_the_request_that_deleted_them(live: World) -> None:
    ana = seated(live, "Staff")
    scim_id = delete(live, ana)
    Pushes(live).enter("DELETE", f"/Users/{scim_id}", {})
    live.run()
    (user,) = explained(live, ana).users
    assert (user["state"], user["deleted_at"]) == ("deleted", live.now.isoformat(timespec="seconds"))
    assert user["last_request"]["method"] == "DELETE"
    assert live.why(ana).tasks[0]["action"] == "remove"


def test_a_detached_hub_says_so(live: World) -> None:
    ana = live.push("ana", "Staff")
    live.publish(mapping(), hubs=("other",))
    with pytest.raises(Conflict, match="hub acme is detached"):
        explained(live, ana, "acme")


def test_the_shape_of_the_json_is_stable(live: World) -> None:
    found: dict[str, Any] = explained(live, seated(live, "Staff")).to_json()
    assert list(found) == ["person", "rules", "hubs"]
    assert list(found["person"]) == ["id", "user_name", "disabled", "attention", "users"]
    assert list(found["hubs"][0]) == [
        *("hub", "mode", "read_at", "desired", "applied", "observed", "hub_role", "grants", "shares", "undone"),
        *("waits", "drift", "tasks", "answers", "near"),
    ]
    assert live.rows(sa.select(Hub.id)) == [("acme",)]
