"""A snapshot read back is the same ground for a plan, from either database."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from databases import sent
from engine_kit import World, mapping, seated
from memory_app import CORE

from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.planned import HubPlan
from scim_bridge.engine.snapshot import KEPT, opened, write


def company(world: World) -> None:
    """Something of everything: linked, invited, drifting, held, leaving, not fanned out yet."""
    world.begin(safety="protect: [bo]", more="leave: {lost_access: [{after: 7d, do: remove}]}")
    seated(world, "Staff", "Core")
    bo = world.push("bo", "Staff")
    world.run()
    world.app.accept("bo@acme.example")
    world.later(minutes=10)
    world.push("bo", "Guests")
    world.push("cy", "Owners", "Web")
    world.push("dee", "Staff", active=False)
    world.run()
    world.push("ana")
    world.app.member("low", "low@acme.example", role="guest", holds={CORE: "maintainer"})
    world.clock.advance(minutes=1)
    world.read()
    world.push("low", "Staff", "Core")
    assert world.pair(bo).want


def taken(world: World, folder: Path) -> Path:
    file = folder / "s.json"
    with file.open("w", encoding="utf-8") as out, world.db.moment() as tx:
        write(tx, out.write, schema="0", now=world.now)
    return file


def plan_of(world: World, file: Path) -> HubPlan:
    with world.db.read() as tx:
        mappings = world.rules.in_force(tx).mappings
    with opened(file, mappings, schema="0") as found, found.db.read() as tx:
        return plan_hub(tx, "acme", mappings, world.registry, now=found.taken_at)


def test_the_plan_from_a_snapshot_is_the_plan_at_home(world: World, tmp_path: Path) -> None:
    company(world)
    at_home, away = world.plan().to_json(), plan_of(world, taken(world, tmp_path)).to_json()
    assert at_home["changes"]
    assert {**away, "revision": at_home["revision"]} == at_home


def test_a_snapshot_reads_each_table_once(world: World, tmp_path: Path) -> None:
    company(world)
    with world.db.moment() as tx, sent(tx) as statements:
        write(tx, lambda _text: None, schema="0", now=world.now)
    assert len([each for each in statements if each.lstrip().startswith("SELECT")]) <= len(KEPT) + 1


def test_a_snapshot_is_the_same_twice(world: World, tmp_path: Path) -> None:
    company(world)
    first = taken(world, tmp_path).read_text()
    assert taken(world, tmp_path).read_text() == first


def test_a_hub_in_the_files_alone_is_new_there_and_nowhere_else(world: World, tmp_path: Path) -> None:
    company(world)
    file = taken(world, tmp_path)
    mappings = world.rules.load({"mappings/beta.yaml": mapping(app="direct", start="plan")})
    with opened(file, mappings, schema="0") as found, found.db.read() as tx:
        plan = plan_hub(tx, "beta", mappings, world.registry, now=found.taken_at)
        assert (plan.mode, plan.observed_at, plan.totals.seats.gained) == ("plan", None, 3)
        assert found.notes == ("hub beta is new", "hub acme is detached: it has no file; its seats stay")
    assert [row.id for row in world.rows(sa.text("SELECT id FROM hubs"))] == ["acme"]
