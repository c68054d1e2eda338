"""After an upgrade an adapter refuses what is in force: its hub stands still, the others go on, and it heals."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping
from memory_app import DirectAdapter, MemoryAdapter, MemoryApp

from scim_bridge.audit.tables import AuditRow
from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.registry import Registry
from scim_bridge.engine.chosen import choose
from scim_bridge.engine.expand import expand_revision
from scim_bridge.engine.probe import probe_hub
from scim_bridge.engine.tables import Task
from scim_bridge.engine.undo import plan_undo
from scim_bridge.engine.why import why
from scim_bridge.errors import Conflict
from scim_bridge.hubs.operate import request_check
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.ops.status import read_status

NOT_ANY_MORE = 'mappings/acme.yaml:3:24: the app has no role "guest"'


class NoGuests(MemoryAdapter):
    """The next version of the adapter: its catalogue lost a role."""

    abilities: ClassVar[Abilities] = replace(MemoryAdapter.abilities, roles=("owner", "member"))


def with_adapter(world: World, adapter: type[MemoryAdapter]) -> None:
    """The engine starts again, with this version of the adapter ``memory``."""
    world.stop()
    found: dict[str, Any] = {"memory": adapter, "direct": DirectAdapter}
    packages = {name: (lambda each=each: SimpleNamespace(ADAPTER=each, SIMULATOR=None)) for name, each in found.items()}
    world.registry = Registry(packages)
    world.start_engine()


def sweep(world: World) -> None:
    """The engine does what is due, the look at its rules included."""
    world.keeper.watch_rules(world.now)
    world.run()


def other() -> str:
    return mapping(app="direct").replace("{app: acme}", "{app: beta}")


@pytest.fixture
def upgraded(world: World) -> World:
    """Hubs ``acme`` and ``other`` are live, Bob has a seat in both; since the upgrade ``acme`` is refused."""
    MemoryAdapter.APPS["beta"] = MemoryApp()
    world.publish(mapping(), other(), hubs=("acme", "other"))
    world.run()
    world.check.run("other")
    world.push("bob", "Staff")
    world.run()
    world.app.accept("bob@acme.example")
    world.later(minutes=10)
    world.calls()
    with_adapter(world, NoGuests)
    sweep(world)
    world.calls()
    return world


def seats_of_other() -> set[str]:
    return set(MemoryAdapter.APPS["beta"].seats())


def mend(world: World) -> None:
    """Somebody publishes a set that this version takes."""
    text = mapping(grants="  - {name: staff, group: Staff, role: member}\n")
    world.publish(text.replace("[owner, member, guest]", "[owner, member]"), other(), hubs=("acme", "other"))


def test_nothing_is_written_or_removed_in_the_hub(upgraded: World) -> None:
    upgraded.push("ana", "Staff")
    upgraded.push("bob")
    sweep(upgraded)
    assert upgraded.calls() == []
    assert upgraded.app.seats() == {"root": "owner", "bob@acme.example": "member"}
    assert upgraded.hub().detached_at is None


def test_the_other_hubs_go_on(upgraded: World) -> None:
    upgraded.push("ana", "Staff")
    upgraded.push("bob")
    sweep(upgraded)
    assert seats_of_other() == {"ana@acme.example"}


def test_the_hub_needs_attention_and_says_why(upgraded: World) -> None:
    assert upgraded.hub().attention.startswith(f"the hub stands still: {NOT_ANY_MORE}")
    sweep(upgraded)
    said = upgraded.rows(sa.select(AuditRow.hub_id).where(AuditRow.action == "hub.stands_still"))
    assert [row.hub_id for row in said] == ["acme"]


def test_status_is_degraded_with_the_finding_and_the_way_out(upgraded: World) -> None:
    with upgraded.db.read() as tx:
        found = read_status(
            tx, mappings=upgraded.rules.in_force(tx).mappings, now=upgraded.now, engine_runs=True
        ).to_json()
    rules = found["components"]["mappings"]
    assert (found["state"], rules["state"], rules["revision"], rules["findings"]) == ("degraded", "degraded", 1, 1)
    assert rules["finding"].startswith(NOT_ANY_MORE)
    assert "scim-bridge mapping publish" in rules["way_out"]
    assert {name: hub["state"] for name, hub in found["hubs"].items()} == {"acme": "needs_attention", "other": "live"}


def test_a_valid_set_heals_it_without_a_restart(upgraded: World) -> None:
    upgraded.push("ana", "Staff")
    upgraded.push("bob")
    sweep(upgraded)
    mend(upgraded)
    sweep(upgraded)
    assert upgraded.calls() == []
    sweep(upgraded)
    sweep(upgraded)
    assert sorted(upgraded.calls()) == [("invite", "ana@acme.example", "member"), ("remove", "bob")]
    assert upgraded.hub().attention is None
    with upgraded.db.read() as tx:
        assert (
            read_status(
                tx, mappings=upgraded.rules.in_force(tx).mappings, now=upgraded.now, engine_runs=True
            ).components["mappings"]["state"]
            == "ok"
        )


def test_the_version_that_took_them_heals_it_too(upgraded: World) -> None:
    upgraded.push("ana", "Staff")
    sweep(upgraded)
    with_adapter(upgraded, MemoryAdapter)
    for _ in range(3):
        sweep(upgraded)
    assert upgraded.calls() == [("invite", "ana@acme.example", "member")]


def test_what_was_wanted_before_is_not_done_unseen(world: World) -> None:
    """Ana's seat was wanted before the standstill; she left while the hub stood still."""
    world.begin()
    world.push("ana", "Staff")
    world.fan_out()
    with_adapter(world, NoGuests)
    sweep(world)
    world.push("ana")
    sweep(world)
    with_adapter(world, MemoryAdapter)
    for _ in range(3):
        sweep(world)
    assert [call for call in world.calls() if call[0] == "invite"] == []


def test_nothing_goes_on_before_everybody_was_evaluated(upgraded: World) -> None:
    mend(upgraded)
    for _ in range(3):
        upgraded.keeper.watch_rules(upgraded.now)
    assert upgraded.rows(sa.select(RevisionChange.revision_id)) != []
    assert "everybody is evaluated" in upgraded.hub().attention
    expand_revision(upgraded.db)
    expand_revision(upgraded.db)
    assert upgraded.rows(sa.select(RevisionChange.revision_id)) == []
    upgraded.keeper.watch_rules(upgraded.now)
    assert upgraded.hub().attention is not None
    upgraded.fan_out()
    upgraded.keeper.watch_rules(upgraded.now)
    assert upgraded.hub().attention is None


def test_a_hub_that_is_taken_away_meanwhile_is_detached(upgraded: World) -> None:
    upgraded.publish(other(), hubs=("other",))
    for _ in range(3):
        sweep(upgraded)
    assert upgraded.hub().detached_at is not None
    assert upgraded.hub().check_at is None


def test_a_good_probe_does_not_end_it(upgraded: World) -> None:
    mend(upgraded)
    probe_hub(upgraded.db, upgraded.rules, upgraded.connections, "acme")
    assert upgraded.hub().probe_result["ok"] is True
    assert upgraded.hub().attention is not None


def test_a_probe_and_a_check_say_why_they_are_not_made(upgraded: World) -> None:
    probe_hub(upgraded.db, upgraded.rules, upgraded.connections, "acme")
    assert upgraded.hub().probe_result["error"].startswith(f"hub acme stands still: {NOT_ANY_MORE}")
    with upgraded.db.write() as tx, pytest.raises(Conflict, match="is not read meanwhile: the hub stands still"):
        request_check(tx, "acme", now=upgraded.now)


def test_plan_why_and_undo_say_it(upgraded: World) -> None:
    with upgraded.db.read() as tx:
        in_force = upgraded.rules.in_force(tx)
        with pytest.raises(Conflict, match=r"hub acme stands still: mappings/acme\.yaml:3:24"):
            upgraded.plan()
        with pytest.raises(Conflict, match="hub acme stands still"):
            why(tx, 1, "acme", in_force, upgraded.registry, now=upgraded.now)
        latest = str(tx.execute(sa.select(Task.id).where(Task.hub_id == "acme").order_by(Task.id.desc())).scalar())
        plan = plan_undo(
            tx, choose(tx, latest), in_force.mappings, upgraded.registry, actor="cli:ops", now=upgraded.now
        )
        (left,) = plan.stays
    assert left.why.startswith(f"the hub stands still: {NOT_ANY_MORE}")


def test_fan_out_writes_it_down_before_it_leaves_anybody_out(world: World) -> None:
    """Were it killed now, the next start must know that people were not evaluated for the hub."""
    world.begin()
    with_adapter(world, NoGuests)
    world.push("ana", "Staff")
    world.fan_out()
    assert world.hub().attention.startswith("the hub stands still")


def test_a_hub_that_needed_attention_before_stands_still_as_well(world: World) -> None:
    world.begin()
    with world.db.write() as tx:
        tx.execute(sa.update(Hub).values(attention="401", probe_at=world.now))
    with_adapter(world, NoGuests)
    sweep(world)
    assert world.hub().attention.startswith("the hub stands still")
    assert world.hub().probe_at is None
