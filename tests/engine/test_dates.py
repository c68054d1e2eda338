"""``until``: the last day counts, in UTC; then the access ends without anybody having pushed anything."""

from __future__ import annotations

from datetime import UTC, datetime

from engine_kit import World, mapping, seated

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)  # twelve hours from the clock's noon

ENDS = """\
  - {name: staff, group: Staff, role: member}
  - {name: summer, group: Summer, role: owner, until: 2026-11-22}
  - {name: hub, group: Staff, hub_role: manager, until: 2026-12-31}
"""


def test_the_row_says_when_its_answer_changes(world: World) -> None:
    world.publish(mapping(grants=ENDS))
    ana = world.push("ana", "Summer")
    world.fan_out()
    row = world.access(ana)
    assert (row.role, row.reevaluate_at) == ("owner", MIDNIGHT)


def test_until_the_last_second_of_the_last_day_nothing_moves(world: World) -> None:
    world.publish(mapping(grants=ENDS))
    ana = world.push("ana", "Staff", "Summer")
    world.fan_out()
    world.clock.advance(hours=11, minutes=59, seconds=59)
    assert world.keeper._judge_anew(world.now) is False
    assert world.access(ana).role == "owner"


def test_at_midnight_the_access_ends_and_the_app_is_told(world: World) -> None:
    world.begin(grants=ENDS)
    ana = seated(world, "Staff", "Summer")
    assert ("seat", "owner") in world.ours(ana)
    world.clock.advance(hours=12)
    assert world.keeper._judge_anew(world.now) is True
    assert world.keeper._judge_anew(world.now) is False
    world.run()
    row = world.access(ana)
    assert (row.role, row.reevaluate_at) == ("member", datetime(2027, 1, 1, tzinfo=UTC))
    assert ("seat", "member") in world.ours(ana)


def test_whoever_has_nothing_else_loses_the_seat(world: World) -> None:
    world.begin(grants=ENDS)
    ana = seated(world, "Summer")
    world.clock.advance(hours=12)
    world.keeper._judge_anew(world.now)
    world.run()
    assert world.ours(ana) == set()
    assert world.access(ana).reevaluate_at is None


def test_a_plan_knows_what_day_it_is(world: World) -> None:
    world.publish(mapping(grants=ENDS, start="plan"))
    world.push("ana", "Summer")
    world.run()
    assert world.planned() == [("ana", "invite", "owner", False)]
    world.clock.advance(hours=12)
    assert world.planned() == []


def test_why_names_the_day(world: World) -> None:
    world.publish(mapping(grants=ENDS))
    ana = world.push("ana", "Summer")
    world.clock.advance(hours=12)
    world.fan_out()
    missing = {near["rule"]: near["missing"] for near in world.why(ana).near}
    assert missing["summer"] == "it ended with 2026-11-22 (`until`)"


def test_a_hub_role_stands_beside_the_seat_and_calls_nobody(world: World) -> None:
    world.begin(grants="  - {name: hub, group: Managers, hub_role: manager}\n")
    ana = world.push("ana", "Managers")
    world.run()
    row = world.access(ana)
    assert (row.role, row.hub_role) == (None, "manager")
    assert world.calls() == []
    world.push("ana")
    world.run()
    assert world.access(ana).hub_role is None
