"""Why somebody has something, or not: what selects a rule; the rules that came nearest and what each missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.filters import matches
from scim_bridge.mapping.compiled import compile_hub
from scim_bridge.mapping.evaluate import Bound, Hits, conditions_hold, group_hits, resource_of
from scim_bridge.mapping.model import Grant, GroupId, GroupName, GroupRef, HubMapping, Place

NEAREST: Final = 3


@dataclass(frozen=True, slots=True)
class Near:
    """A rule that almost holds. ``rule`` is empty where no rule is to blame; ``missing`` is a sentence's end."""

    rule: str
    place: Place
    missing: str


def nearest(hub: HubMapping, person: PersonFact, bound: Bound, today: date, *, at_most: int = NEAREST) -> list[Near]:
    """The rules that give ``person`` nothing, those first that lack the least; rules that give something are left out.

    A rule is judged by that user of the person who comes nearest.
    """
    active = [user for user in person.users if user.active]
    if not active:
        return [Near("", hub.place, "every user of this person is inactive or deleted")]
    every = compile_hub(hub, today).every
    tried = [(user, group_hits(every, user, bound), resource_of(user)) for user in active]
    lacks = {
        number: min((_lacking(hub, number, user, hits, resource, today) for user, hits, resource in tried), key=len)
        for number, grant in enumerate(hub.grants)
        if grant.partner is None
    }
    has_seat = any(not lack and hub.grants[number].role for number, lack in lacks.items())
    near: list[tuple[int, Near]] = []
    for number, lack in lacks.items():
        grant = hub.grants[number]
        if not lack and not grant.role and not grant.hub_role and not has_seat:
            lack = ["it gives assets only, and no rule gives a seat"]
        if lack:
            near.append((len(lack), Near(grant.name, grant.place, " and ".join(lack))))
    return [found for _, found in sorted(near, key=lambda pair: pair[0])][:at_most]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rule holds by: a user, and a group of theirs; None: the user's own attributes alone."""

    user: UserFact
    group: GroupFact | None


def grounds(hub: HubMapping, person: PersonFact, bound: Bound, today: date) -> dict[tuple[str, int], list[Ground]]:
    """What each rule that holds for ``person`` holds by; keys are the rule's file and line."""
    compiled = compile_hub(hub, today)
    found: dict[tuple[str, int], list[Ground]] = {}
    for user in person.users:
        resource = resource_of(user)
        if not user.active or (hub.scope is not None and not matches(hub.scope, resource, hub.traits)):
            continue
        selection = compiled.selection(user.source)
        selected = [(number, None) for number in selection.without_group] + [
            (number, group)
            for group in user.groups
            for number in group_hits(selection, replace(user, groups=(group,)), bound).captures
        ]
        for number, group in selected:
            grant = hub.grants[number]
            if conditions_hold(grant, resource, hub.traits):
                found.setdefault((grant.place.file, grant.place.line), []).append(Ground(user, group))
    return found


def _lacking(
    hub: HubMapping, number: int, user: UserFact, hits: Hits, resource: dict[str, Any], today: date
) -> list[str]:
    """What keeps one rule from holding for one user; nothing where it holds."""
    grant, scope = hub.grants[number], hub.scope
    found = []
    if scope is not None and not matches(scope, resource, hub.traits):
        found.append(f"out of scope in source {user.source}: `scope` {scope} does not hold")
    if grant.until is not None and grant.until < today:
        found.append(f"it ended with {grant.until} (`until`)")
    if grant.source not in (None, user.source):
        found.append(f"it holds for users of source {grant.source} only, not {user.source}")
    if grant.groups and number not in hits.captures:
        found += list(_refused(grant, user, hits)) or [f"not in {_any_of(map(_show, grant.groups))}"]
    if grant.where is not None and not matches(grant.where, resource, hub.traits):
        found.append(f"`where` {grant.where} does not hold")
    if grant.exclude is not None and matches(grant.exclude, resource, hub.traits):
        found.append(f"`except` {grant.exclude} holds")
    return found


def _refused(grant: Grant, user: UserFact, hits: Hits) -> Iterator[str]:
    keys = {ref.key for ref in grant.groups if isinstance(ref, GroupName)}
    for met in hits.refused:
        if met.name_key in keys:
            yield (
                f'the group now called "{met.name}" in source {user.source} is not the one that was bound; '
                "if it is meant: `scim-bridge binding list`, then `scim-bridge binding confirm ID`"
            )


def _show(ref: GroupRef) -> str:
    match ref:
        case GroupName(name=name):
            return f'group "{name}"'
        case GroupId(id=id_):
            return f"the group with id {id_}"
        case _:
            return f'a group like "{ref.pattern.text}"'


def _any_of(texts: Iterable[str]) -> str:
    return " or ".join(texts)
