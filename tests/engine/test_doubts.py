"""Sources and groups that rules name and nobody knows are warned about, with their place and the nearest name."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.directory import groups, sources
from scim_bridge.directory.probe import make_probe
from scim_bridge.directory.tables import Group
from scim_bridge.engine.doubts import doubts
from scim_bridge.engine.publishing import publish_files
from scim_bridge.ops.status import read_status


def doubted(world: World, grants: str) -> list[str]:
    """What is said of a hub with these rules; they begin in line 6."""
    with world.db.read() as tx:
        hubs = world.rules.load({"mappings/acme.yaml": mapping(grants=grants)}).hubs
        return [str(finding) for finding in doubts(tx, hubs.values())]


@pytest.fixture
def staffed(world: World) -> World:
    """Ana is in the groups Staff and Engineering of source okta."""
    world.push("ana", "Staff", "Engineering")
    return world


def test_a_source_that_is_not_there_is_named_with_its_place_and_the_nearest(staffed: World) -> None:
    rule = "  - name: staff\n    group: Staff\n    source: okat\n    role: member"
    assert doubted(staffed, rule) == [
        'mappings/acme.yaml:8:13: rule "staff": there is no identity source "okat"; did you mean "okta"?'
    ]


def test_a_source_is_doubted_before_any_group_was_pushed(world: World) -> None:
    [line] = doubted(world, "  - {name: staff, group: Staff, source: entra, role: member}")
    assert line.endswith('there is no identity source "entra"; known are okta')


def test_the_sources_of_the_doctor_are_none(staffed: World) -> None:
    with staffed.db.write() as tx:
        probe = make_probe(tx, kind="okta", actor="cli:ops", now=staffed.now)
        ref = sources.SourceRef(probe.source_id, probe.name, "okta", False)
        groups.create_group(tx, ref, {"displayName": "Probed"}, (), now=staffed.now)
    assert len(doubted(staffed, f"  - {{name: staff, group: Staff, source: {probe.name}, role: member}}")) == 1
    assert len(doubted(staffed, "  - {name: staff, group: Probed, role: member}")) == 1


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("group: staff, source: okta", id="by-name-in-any-case"),
        pytest.param('group: "Eng*"', id="by-pattern"),
        pytest.param('group: "nothing-like-*"', id="by-a-pattern-that-matches-nothing"),
        pytest.param("where: active eq true, source: okta", id="without-a-group"),
    ],
)
def test_what_is_known_is_not_doubted(staffed: World, rule: str) -> None:
    assert doubted(staffed, f"  - {{name: staff, {rule}, role: member}}") == []


def test_a_misspelt_group_is_named_with_the_nearest(staffed: World) -> None:
    assert doubted(staffed, "  - {name: eng, group: [Staff, Enginering], role: member}") == [
        'mappings/acme.yaml:6:5: rule "eng": there is no group "Enginering" (yet); did you mean "Engineering"?'
    ]


def test_a_group_of_another_source_does_not_count(staffed: World) -> None:
    with staffed.db.write() as tx:
        sources.add_source(tx, name="entra", kind="entra", joins=True, now=staffed.now)
    [line] = doubted(staffed, "  - {name: staff, group: Staff, source: entra, role: member}")
    assert 'there is no group "Staff" in source entra (yet)' in line


def test_an_id_is_known_by_the_bridges_id_and_by_the_sources(staffed: World) -> None:
    with staffed.db.write() as tx:
        tx.execute(sa.update(Group).where(Group.display_name == "Staff").values(external_id="e-1"))
        known = tx.execute(sa.select(Group.scim_id).where(Group.display_name == "Staff")).scalar()
    assert doubted(staffed, f"  - {{name: staff, group: [{{id: {known}}}, {{id: e-1}}], role: member}}") == []
    assert doubted(staffed, "  - {name: staff, group: {id: e-2}, role: member}") == [
        'mappings/acme.yaml:6:5: rule "staff": no group has the id e-2 (yet); `scim-bridge group list` shows ids'
    ]


def test_a_renamed_group_is_still_what_its_name_is_bound_to(live: World) -> None:
    rule = "  - {name: staff, group: Staff, role: member}"
    live.push("ana", "Staff")
    live.publish(mapping(grants=rule))
    live.run()
    with live.db.write() as tx:
        tx.execute(sa.update(Group).values(display_name="Everybody", display_name_key="everybody"))
    assert doubted(live, rule) == []


def test_before_any_group_was_pushed_groups_are_not_doubted(world: World) -> None:
    assert doubted(world, "  - {name: staff, group: Staff, role: member}") == []


def test_publish_plan_and_status_say_it(live: World) -> None:
    rule = "  - {name: staff, group: Staff, source: okat, role: member}\n"
    said = 'mappings/acme.yaml:6:41: rule "staff": there is no identity source "okat"; did you mean "okta"?'
    files = {"mappings/acme.yaml": mapping(grants=rule)}
    with live.db.write() as tx:
        done = publish_files(tx, live.rules, files, actor="cli:ops", now=live.now, commit=None, is_watched=False)
    assert [str(finding) for finding in done.warnings] == [said]
    assert said in live.plan().warnings
    live.keeper.note_doubts(live.now)
    with live.db.read() as tx:
        status = read_status(tx, mappings=live.rules.in_force(tx).mappings, now=live.now, engine_runs=True)
    rules = status.components["mappings"]
    assert (rules["state"], rules["warnings"], rules["warning"]) == ("ok", 1, said)


def test_status_forgets_a_doubt_once_the_thing_is_there(live: World) -> None:
    live.push("ana", "Staff")
    live.publish(mapping(grants="  - {name: core, group: Core, role: member}\n"))

    def warnings() -> int:
        live.keeper.note_doubts(live.now)
        with live.db.read() as tx:
            found: int = (
                read_status(tx, mappings=live.rules.in_force(tx).mappings, now=live.now, engine_runs=True)
                .components["mappings"]
                .get("warnings", 0)
            )
        return found

    assert warnings() == 1
    live.push("ana", "Staff", "Core")
    assert warnings() == 1
    live.clock.advance(minutes=1)
    assert warnings() == 0
