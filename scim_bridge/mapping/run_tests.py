"""Run what stands under `tests:` through the same `evaluate` that gives people their access. Pure.

A test's person is one user who exists nowhere: attributes as they are written, groups as if each had just been met
under its name. So nothing of the directory counts, and the answer is the same on every machine.

    coverage    rules that hold for nobody in any test: nothing would be noticed if they were wrong
    mutation    rules, and conditions of rules, without which every test comes out the same: tests touch them, and
                do not hold them
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.folding import name_key
from scim_bridge.mapping.evaluate import HUB_ROLE, Verdict, evaluate
from scim_bridge.mapping.explain import nearest
from scim_bridge.mapping.model import Expectation, Grant, GroupId, HubMapping, MappingTest, Place

_SOURCE_ID: Final = 1
_ANOTHER: Final = "(any other)"  # a source that no rule names


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that came out otherwise: texts for people. ``by``: the rules that gave what came out."""

    place: Place
    who: str
    expected: str
    came_out: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that no test holds: ``what`` is ``rule x``, or ``except of rule x``."""

    place: Place
    what: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests of one hub say."""

    hub_id: str
    count: int
    failures: tuple[Failure, ...]


def run_tests(hub: HubMapping, *, today: date) -> Outcome:
    """Each test of ``hub``, as if it were ``today`` (a rule's last day)."""
    failures = tuple(found for test in hub.tests for found in _failures(hub, test, today))
    return Outcome(hub.hub_id, len(hub.tests), failures)


def uncovered(hub: HubMapping, *, today: date) -> list[Gap]:
    """The rules that hold for no test's person. Rules about partners are left out: a person is not their subject."""
    touched = {number for test in hub.tests for number in _holding(hub, test, today)}
    return [
        Gap(grant.place, f"rule {grant.name}")
        for number, grant in enumerate(hub.grants)
        if grant.partner is None and number not in touched
    ]


def unnoticed(hub: HubMapping, *, today: date) -> list[Gap]:
    """What could go without any test noticing: rules, and conditions that narrow them.

    Only tests that pass can notice; a rule that could go whole is told once, not condition by condition.
    """
    return list(_unnoticed(hub, [test for test in hub.tests if _passes(hub, test, today)], today))


def _unnoticed(hub: HubMapping, passing: Sequence[MappingTest], today: date) -> Iterator[Gap]:
    def is_noticed(mutant: HubMapping, tests: Iterable[MappingTest] = passing) -> bool:
        return not all(_passes(mutant, test, today) for test in tests)

    if hub.scope is not None and not is_noticed(replace(hub, scope=None)):
        yield Gap(hub.place, "scope")
    touching: dict[int, list[MappingTest]] = {}  # a rule that goes is missed by those for whom it held alone
    for test in passing:
        for number in _holding(hub, test, today):
            touching.setdefault(number, []).append(test)
    for number, grant in enumerate(hub.grants):
        if grant.partner is not None:
            continue  # about no person
        before, after = hub.grants[:number], hub.grants[number + 1 :]
        if not is_noticed(replace(hub, grants=(*before, *after)), touching.get(number, ())):
            yield Gap(grant.place, f"rule {grant.name}")
            continue
        for what, wider in _wider(grant):
            if not is_noticed(replace(hub, grants=(*before, wider, *after))):
                yield Gap(grant.place, f"{what} of rule {grant.name}")


def _wider(grant: Grant) -> Iterator[tuple[str, Grant]]:
    """The rule without one of its conditions; one of ``group`` and ``where`` stays, or it would be about nobody."""
    if grant.groups and grant.where is not None:
        yield "group", replace(grant, groups=())
        yield "where", replace(grant, where=None)
    if grant.exclude is not None:
        yield "except", replace(grant, exclude=None)
    if grant.source is not None:
        yield "source", replace(grant, source=None)


def _holding(hub: HubMapping, test: MappingTest, today: date) -> tuple[int, ...]:
    """The numbers of the rules that hold for a test's person, whatever comes of them."""
    return evaluate(hub, _person(test), {}, today).matched


def _passes(hub: HubMapping, test: MappingTest, today: date) -> bool:
    return not any(_differences(test.expect, evaluate(hub, _person(test), {}, today)))


def _person(test: MappingTest) -> PersonFact:
    """One user of the source that the test names."""
    document = {"active": True, **test.person}
    groups = tuple(_group(number, group) for number, group in enumerate(test.groups, start=1))
    source = test.source or _ANOTHER
    return PersonFact(0, (UserFact(0, _SOURCE_ID, source, document["active"] is True, document, groups),))


def _group(number: int, group: str | GroupId) -> GroupFact:
    """A group by its name, or by an id that may be ours or the source's; then its name is nobody's."""
    if isinstance(group, GroupId):
        return GroupFact(number, group.id, group.id, "", "")
    return GroupFact(number, f"group {number} of the test", None, group, name_key(group))


def _failures(hub: HubMapping, test: MappingTest, today: date) -> Iterator[Failure]:
    person = _person(test)
    verdict = evaluate(hub, person, {}, today)
    for expected, came_out, given in _differences(test.expect, verdict):
        by = tuple(dict.fromkeys(because.rule for key in given for because in verdict.because.get(key, ())))
        if verdict.role is None:
            came_out = "; ".join([came_out, *_why_not(hub, person, today)])
        yield Failure(test.place, _who(test), expected, came_out, by)


_Difference = tuple[str, str, tuple[str, ...]]
"""What was expected, what came out, and which things of the verdict (seat, hub role, assets) that is."""


def _differences(expect: Expectation | None, verdict: Verdict) -> Iterator[_Difference]:
    if expect is None:
        for what, given, thing in (("role", verdict.role, SEAT), ("hub role", verdict.hub_role, HUB_ROLE)):
            if given is not None:
                yield "nothing", f"{what} {given}", (thing,)
        return
    is_about_hub = expect.role is None and expect.hub_role is not None
    seat = _difference("role", expect.role, "" if is_about_hub else expect.because, verdict.role, verdict, SEAT)
    by = expect.because if is_about_hub else ""
    hub_role = _difference("hub role", expect.hub_role, by, verdict.hub_role, verdict, HUB_ROLE)
    yield from (found for found in (seat, hub_role) if found)
    is_told = seat is not None and verdict.role is None  # no assets without a seat: said once is enough
    if expect.assets is not None and not is_told:
        yield from _asset_differences(expect.assets.items(), verdict)


def _difference(
    what: str, expected: str | None, by: str | None, given: str | None, verdict: Verdict, thing: str
) -> _Difference | None:
    """``expected`` None: whatever it is; empty: none. ``by``: the rule that is to give it, if any is said."""
    is_other = expected is not None and expected != (given or "")
    if not is_other and (not by or by in [because.rule for because in verdict.because.get(thing, ())]):
        return None
    nothing = "nothing" if thing == SEAT else f"no {what}"
    wanted = f"{what} {expected}" if expected else "a seat" if expected is None else f"no {what}"
    return f"{wanted} by {by}" if by else wanted, f"{what} {given}" if given else nothing, (thing,)


def _asset_differences(expected: Iterable[tuple[str, tuple[str, ...]]], verdict: Verdict) -> Iterator[_Difference]:
    """All assets count: one too many is what a test is there to find. Names are the same in any case."""
    held = {_asset_key(asset): asset for asset in verdict.assets}
    wanted = set()
    for asset, roles in expected:
        key = _asset_key(asset)
        wanted.add(key)
        found = held.get(key)
        has = verdict.assets[found] if found else ()
        if set(has) != set(roles):
            yield _show(asset, roles), _show(found, has) if found else f"no {asset}", (found,) if found else ()
    for key, asset in held.items():
        if key not in wanted:
            yield f"no {asset}", _show(asset, verdict.assets[asset]), (asset,)


def _asset_key(asset: str) -> tuple[str, str]:
    kind, _, name = asset.partition("/")
    return kind, name_key(name)


def _show(asset: str, roles: tuple[str, ...]) -> str:
    return f"{asset} {', '.join(roles)}" if roles else f"no {asset}"


def _who(test: MappingTest) -> str:
    person = test.person
    return str(person.get("userName") or person.get("displayName") or person.get("title") or "somebody")


def _why_not(hub: HubMapping, person: PersonFact, today: date) -> list[str]:
    """The nearest rule and what it misses."""
    return [
        f"{near.rule}: {near.missing}" if near.rule else near.missing
        for near in nearest(hub, person, {}, today, at_most=1)
    ]
