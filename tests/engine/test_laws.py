"""What holds for every company: generated people, groups, rules, accounts made by hand, earlier states, drift.

Each example is a bridge of its own on a real database: rules in force, people provisioned and moved on, rights
changed by hand in the app. The laws are asked of the public functions, ``plan_hub`` and ``apply_hub``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from databases import NOON, empty
from engine_kit import World, mapping
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_app import CORE, ROADMAP, WEB

from scim_bridge.clock import FrozenClock
from scim_bridge.contract.state import SEAT, Asset, Status
from scim_bridge.db import Database
from scim_bridge.engine.apply import apply_filed, apply_hub
from scim_bridge.engine.compare import Comparison
from scim_bridge.engine.diff import Roles
from scim_bridge.engine.filed import examine
from scim_bridge.engine.plan_file import read_text, to_text

PEOPLE = ("ana", "bo", "cy")
GROUPS = ("Red", "Green", "Blue")
SEATS = ("owner", "member", "guest")
ASSETS: Mapping[str, Asset] = {"team/core": CORE, "team/web": WEB, "board/roadmap": ROADMAP}
ROLES = Roles({SEAT: SEATS, "team": ("maintainer", "member"), "board": ("edit", "view")}, frozenset(["team"]))
EXAMPLES = {"sqlite": 6, "postgresql": 2}


@dataclass(frozen=True)
class Company:
    """``hand_made``: accounts that were there first. ``moves``: rights that somebody changes in the app later."""

    rules: tuple[str, ...]
    more: str
    start: str
    drift: str
    hand_made: Mapping[str, tuple[str, Mapping[str, str]]]
    before: Mapping[str, frozenset[str]]
    after: Mapping[str, frozenset[str]]
    leavers: frozenset[str]
    moves: Sequence[tuple[str, str, str | None]]


def rules() -> st.SearchStrategy[str]:
    """One entry of `grants`, without its name."""
    asset = st.sampled_from([f"{{{key}: {role}}}" for key in ASSETS for role in ROLES.order[key.partition("/")[0]]])
    seat = st.one_of(st.none(), st.sampled_from(SEATS))
    gives = st.tuples(seat, st.one_of(st.none(), asset)).filter(any)
    return st.tuples(st.sampled_from(GROUPS), gives).map(_rule)


def _rule(parts: tuple[str, tuple[str | None, str | None]]) -> str:
    group, (seat, asset) = parts
    return f"group: {group}" + (f", role: {seat}" if seat else "") + (f", assets: {asset}" if asset else "")


def _held() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(_roles_of(key)) for key in ASSETS})


def _roles_of(thing: str) -> tuple[str, ...]:
    return ROLES.order[thing.partition("/")[0]]


@st.composite
def companies(draw: st.DrawFn) -> Company:
    members = st.fixed_dictionaries({name: st.frozensets(st.sampled_from(GROUPS)) for name in PEOPLE})
    thing = st.sampled_from([SEAT, *ASSETS])
    move = st.tuples(st.sampled_from(PEOPLE), thing).flatmap(
        lambda both: st.tuples(st.just(both[0]), st.just(both[1]), st.sampled_from([None, *_roles_of(both[1])]))
    )
    return Company(
        tuple(draw(st.lists(rules(), min_size=2, max_size=5, unique=True))),
        draw(rules()),
        draw(st.sampled_from(["apply", "plan"])),
        draw(st.sampled_from(["report", "fix"])),
        draw(st.fixed_dictionaries({}, optional={name: st.tuples(st.sampled_from(SEATS), _held()) for name in PEOPLE})),
        draw(members),
        draw(members),
        draw(st.frozensets(st.sampled_from(PEOPLE), max_size=1)),
        tuple(draw(st.lists(move, max_size=3))),
    )


def text(company: Company, rules: Sequence[str]) -> str:
    """The mapping file; a rule's name stays with it, wherever it stands."""
    names = {rule: f"r{number}" for number, rule in enumerate(company.rules)}
    grants = "\n".join(f"  - {{name: {names.get(rule, 'more')}, {rule}}}" for rule in rules)
    safety = f"max_removals: {{count: 500}}, drift: {company.drift}"
    return mapping(grants=grants, start=company.start, safety=safety)


@contextmanager
def bridge(db: Database, folder: Path, company: Company) -> Iterator[World]:
    """The company as it was before, at rest; closed and emptied at the end."""
    assert isinstance(db.clock, FrozenClock)
    world = World(db, folder)
    try:
        for name, (role, held) in company.hand_made.items():
            world.app.member(name, address(name), role=role, holds={ASSETS[key]: one for key, one in held.items()})
        world.publish(text(company, company.rules))
        world.run()
        if company.start == "plan":
            go(world)
        for name in PEOPLE:
            world.push(name, *company.before[name])
        to_rest(world)
        yield world
    finally:
        world.stop()
        empty(db)


def address(name: str) -> str:
    return f"{name}@acme.example"


def go(world: World) -> None:
    """What `apply` does with the plan as it is."""
    people = {change.person_id for change in world.plan().changes}
    with world.db.write() as tx:
        apply_hub(tx, "acme", release=False, actor="cli:ops", now=world.now, people=people)


def go_by_file(world: World, text: str) -> Comparison:
    """What `apply --from` does with a plan in a file; the comparison that it stands on."""
    (plan,) = read_text(text, "plan.json").plans
    with world.db.read() as tx:
        mappings = world.rules.in_force(tx).mappings
        found = examine(tx, plan, mappings, world.registry, is_released=False, now=world.now)
    with world.db.write() as tx:
        apply_filed(
            tx, "acme", found.holds, mode=plan.mode, release=False, actor="cli:ops", digest="sha256:0", now=world.now
        )
    return found


def to_rest(world: World) -> None:
    """Everybody accepts, everything is read, nothing more is due."""
    while True:
        world.run()
        invited = [address(name) for name in PEOPLE if world.app.invitation(address(name))]
        for email in invited:
            world.app.accept(email)
        world.clock.advance(minutes=1)
        world.read()
        if not invited:
            return world.run()


def move_on(world: World, company: Company) -> None:
    """Hands and pushes: what the next plan is about."""
    for name, thing, role in company.moves:
        by_hand(world, name, thing, role)
    world.clock.advance(minutes=1)
    world.read()
    for name in PEOPLE:
        world.push(name, *company.after[name], active=name not in company.leavers)


def by_hand(world: World, name: str, thing: str, role: str | None) -> None:
    """Give, change or (None) take a right inside the app."""
    ref = next((ref for ref, one in world.app.accounts.items() if one.login == name), None)
    if ref is None:
        return
    if thing != SEAT:
        world.app.holdings[ref, ASSETS[thing].key] = {role} if role else set()
    elif role is None:
        world.app.drop(ref)
    else:
        world.app.accounts[ref] = replace(world.app.accounts[ref], role=role)


Rights = dict[str, dict[str, frozenset[str]]]


def shown(world: World) -> Rights:
    """Who holds what in the app: by login or address, by thing."""
    rights: Rights = {}
    for ref, account in world.app.accounts.items():
        if account.status is not Status.EXPIRED:
            held = {key: frozenset(roles) for key, roles in world.app.held(ref).items()}
            name = account.login or account.emails[0].partition("@")[0]
            rights[name] = {SEAT: frozenset([account.role or ""]), **held}
    return rights


def open_changes(world: World) -> list[tuple[str, str, str | None]]:
    """The plan, without what waits for a person (the last owner, say)."""
    plan = world.plan()
    return [(one.user_name, one.action, one.after) for one in plan.changes if not (one.held or one.failed)]


def law(examples: Mapping[str, int] = EXAMPLES) -> Any:
    """Run on generated companies, fewer on PostgreSQL; on a database of the run, emptied after each example."""

    def decorate(check: Any) -> Any:
        @pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in examples])
        def test(kind: str, opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
            db = opened(kind)

            @settings(
                max_examples=examples[kind],
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            )
            @given(companies())
            def run(company: Company) -> None:
                db.clock = FrozenClock(NOON)
                monkeypatch.setattr(db, "now", db.clock.now)
                with bridge(db, tmp_path, company) as world:
                    check(world, company)

            run()

        test.__name__ = check.__name__
        test.__doc__ = check.__doc__
        return test

    return decorate


@law()
def test_after_a_plan_is_applied_the_next_plan_is_empty_and_applying_again_changes_nothing(
    world: World, company: Company
) -> None:
    move_on(world, company)
    go(world)
    to_rest(world)
    assert open_changes(world) == []
    rights = shown(world)
    world.calls()
    go(world)
    to_rest(world)
    assert (world.calls(), shown(world)) == ([], rights)


@law()
def test_a_filed_plan_does_all_that_it_names_and_is_done_before_the_second_time(world: World, company: Company) -> None:
    move_on(world, company)
    text = to_text([world.plan()], made_by="cli:ops", made_at=world.now)
    assert go_by_file(world, text).moved == []
    to_rest(world)
    assert open_changes(world) == []
    world.calls()
    again = go_by_file(world, text)
    to_rest(world)
    assert (again.steps, again.moved, world.calls()) == (0, [], [])


@law()
def test_a_plan_writes_nothing(world: World, company: Company) -> None:
    move_on(world, company)
    before, readings = world.dump(), world.app.readings
    world.calls()
    world.plan()
    assert (world.dump(), world.calls(), world.app.readings) == (before, [], readings)


@law()
def test_a_further_rule_takes_nothing_from_anybody(world: World, company: Company) -> None:
    move_on(world, company)
    to_rest(world)
    before = shown(world)
    world.publish(text(company, tuple(dict.fromkeys((*company.rules, company.more)))))
    to_rest(world)
    after = shown(world)
    lost = [
        (name, thing)
        for name, things in before.items()
        for thing, roles in things.items()
        if not ROLES.covers(thing, after.get(name, {}).get(thing, frozenset()), roles)
    ]
    assert lost == []


@law()
def test_the_order_of_rules_does_not_matter(world: World, company: Company) -> None:
    move_on(world, company)
    to_rest(world)
    world.calls()
    world.publish(text(company, company.rules[::-1]))
    to_rest(world)
    assert world.calls() == []
