"""A burst of changes is acted on once, by its net effect, whatever order it came in (mapping format, rule 8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from engine_kit import World
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_app import WEB

DATABASES = ("sqlite",)
SETTLE_S = 60
GROUPS = ("Owners", "Staff", "Guests", "Core", "Leads", "Web", "Readers", "Writers")


@pytest.fixture
def settling(world: World) -> World:
    """Live, read once, with a settle of a minute."""
    world.begin(settle=f"{SETTLE_S}s")
    return world


def seat(world: World, name: str, *groups: str) -> int:
    """A member with all that these groups give."""
    person = world.push(name, *groups)
    world.run()
    world.later(seconds=SETTLE_S)
    world.app.accept(f"{name}@acme.example")
    world.later(minutes=10)
    world.later(minutes=10)
    world.calls()
    return person


def due_at(world: World, person: int) -> datetime:
    return world.pair(person).due_at  # type: ignore[no-any-return]


def test_it_is_due_a_settle_after_the_last_change(settling: World) -> None:
    ana = settling.push("ana", "Staff")
    settling.run()
    settling.clock.advance(seconds=40)
    settling.push("ana", "Staff", "Core")
    settling.run()
    assert due_at(settling, ana) == settling.now + timedelta(seconds=SETTLE_S)
    settling.later(seconds=59)
    assert settling.calls() == []
    settling.later(seconds=1)
    assert settling.calls() == [("invite", "ana@acme.example", "member", "core")]


def test_it_is_due_five_settles_after_the_first_change_at_the_latest(settling: World) -> None:
    began = settling.now
    ana = settling.push("ana", "Staff")
    settling.run()
    for number in range(1, 11):
        settling.later(seconds=29)
        settling.push("ana", "Staff", *(["Core"] if number % 2 else []))
        settling.run()
    assert due_at(settling, ana) == began + timedelta(seconds=5 * SETTLE_S)
    settling.later(seconds=10)
    assert settling.calls() == [("invite", "ana@acme.example", "member")]


def test_a_change_that_leaves_the_net_access_as_it_was_does_not_count(settling: World) -> None:
    ana = settling.push("ana", "Staff")
    settling.run()
    due = due_at(settling, ana)
    settling.later(seconds=40)
    settling.push("ana", "Staff", "Guests", "Somewhere else")
    settling.run()
    assert due_at(settling, ana) == due


def test_there_and_back_is_nothing(settling: World) -> None:
    seat(settling, "ana", "Staff", "Core")
    for groups in (["Core"], [], ["Owners"], ["Staff", "Core"]):
        settling.push("ana", *groups)
        settling.run()
        settling.clock.advance(seconds=20)
    settling.later(minutes=10)
    assert settling.calls() == []


def test_all_orders_of_a_move_end_in_the_same_calls(world: World) -> None:
    """One person for each order of leaving two groups and joining two: some are without a seat in between."""
    world.begin(settle=f"{SETTLE_S}s", safety="max_removals: {count: 500}")
    before = frozenset({"Staff", "Web"})
    orders = {f"p{number}": order for number, order in enumerate(permutations(["Staff", "Web", "Guests", "Core"]))}
    for name in orders:
        world.app.member(name, f"{name}@acme.example", holds={WEB: "member"})
    world.clock.advance(minutes=1)
    world.read()
    for name in orders:
        world.push(name, *before)
    world.run()
    world.later(seconds=SETTLE_S)
    assert world.calls() == []
    for moment in range(4):
        for name, order in orders.items():
            world.push(name, *(before ^ frozenset(order[: moment + 1])))
        world.fan_out()
        world.clock.advance(seconds=10)
    world.later(seconds=SETTLE_S)
    made = world.calls()
    for name in orders:
        assert [call for call in made if call[1] == name] == [
            ("set_asset", name, "core", "member"),
            ("change_role", name, "guest"),
            ("unset_asset", name, "web", "member"),
        ]


@st.composite
def bursts(draw: st.DrawFn) -> tuple[frozenset[str], list[str], list[str], list[int]]:
    """Groups before, groups that change (in or out), the same in another order, and the seconds in between."""
    before = draw(st.frozensets(st.sampled_from(GROUPS), max_size=4).map(lambda some: some | {"Staff"}))
    changed = draw(st.lists(st.sampled_from(GROUPS), min_size=2, max_size=5, unique=True))
    at_most = (SETTLE_S - 1) // len(changed)  # all of it within the window of the first
    gaps = draw(st.lists(st.integers(0, at_most), min_size=len(changed), max_size=len(changed)))
    return before, changed, draw(st.permutations(changed)), gaps


@settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(burst=bursts())
def test_any_order_of_the_same_changes_ends_in_the_same_calls(
    settling: World, burst: tuple[frozenset[str], list[str], list[str], list[int]]
) -> None:
    """Two people of the same groups, the same changes, each in an order of their own, over the same window."""
    before, *orders, gaps = burst
    names = [f"p{next(_numbers)}" for _ in orders]
    for name in names:
        seat(settling, name, *before)
    for moment, gap in enumerate(gaps):
        for name, order in zip(names, orders, strict=True):
            settling.push(name, *(before ^ frozenset(order[: moment + 1])))
        settling.run()
        settling.later(seconds=gap)
    assert settling.calls() == []
    settling.later(seconds=SETTLE_S)
    made = settling.calls()
    first, second = ([_without_name(call, name) for call in made if name in _names(call)] for name in names)
    assert first == second
    assert len(first) + len(second) == len(made)


_numbers = iter(range(10_000))


def _names(call: tuple[str, ...]) -> str:
    return call[1].partition("@")[0]


def _without_name(call: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(part for part in call if part.partition("@")[0] != name)
