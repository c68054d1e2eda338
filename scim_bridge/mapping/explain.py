"""Why somebody has something, or not: what selects a rule; the rules that came nearest and what each missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.filters import Filter, condition
from scim_bridge.mapping.compiled import Selection, compile_hub
from scim_bridge.mapping.evaluate import Met, group_hits
from scim_bridge.mapping.model import Grant, GroupId, GroupName, GroupRef, HubMapping, Place
from scim_bridge.mapping.views import Bindings, Bound, UserView

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
    bindings = Bindings(bound)
    views = [UserView(user) for user in active]
    tried = [(view, _hits(every, view, bindings)) for view in views]
    lacks = {
        number: min((_lacking(hub, number, view, hits, today) for view, hits in tried), key=len)
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
    bindings = Bindings(bound)
    found: dict[tuple[str, int], list[Ground]] = {}
    for user in person.users:
        view = UserView(user)
        if not user.active or (compiled.scope is not None and not compiled.scope(view.names)):
            continue
        selection = compiled.selection(user.source)
        selected: list[tuple[int, GroupFact | None]] = [(number, None) for number, _ in selection.without_group]
        for group in user.groups:
            numbers, _ = _hits(selection, UserView(replace(user, groups=(group,))), bindings)
            selected += [(number, group) for number in sorted(numbers)]
        for number, by in selected:
            rule = compiled.rules[number]
            if rule.holds is None or rule.holds(view.names):
                found.setdefault((rule.grant.place.file, rule.grant.place.line), []).append(Ground(user, by))
    return found


_Hits = tuple[Set[int], Sequence[Met]]
"""The rules that a user's groups select, and groups that bear the name of another."""


def _hits(selection: Selection, view: UserView, bindings: Bindings) -> _Hits:
    refused: list[Met] = []
    return {number for number, _ in group_hits(selection, view, bindings, [], refused)}, refused


def _lacking(hub: HubMapping, number: int, view: UserView, hits: _Hits, today: date) -> list[str]:
    """What keeps one rule from holding for one user; nothing where it holds."""
    grant, source = hub.grants[number], view.user.source
    selected, refused = hits

    def holds(filter: Filter) -> bool:
        return condition(filter, hub.traits)(view.names)

    found = []
    if hub.scope is not None and not holds(hub.scope):
        found.append(f"out of scope in source {source}: `scope` {hub.scope} does not hold")
    if grant.until is not None and grant.until < today:
        found.append(f"it ended with {grant.until} (`until`)")
    if grant.source not in (None, source):
        found.append(f"it holds for users of source {grant.source} only, not {source}")
    if grant.groups and number not in selected:
        found += list(_refused(grant, view.user, refused)) or [f"not in {_any_of(map(_show, grant.groups))}"]
    if grant.where is not None and not holds(grant.where):
        found.append(f"`where` {grant.where} does not hold")
    if grant.exclude is not None and holds(grant.exclude):
        found.append(f"`except` {grant.exclude} holds")
    return found


def _refused(grant: Grant, user: UserFact, refused: Sequence[Met]) -> Iterator[str]:
    keys = {ref.key for ref in grant.groups if isinstance(ref, GroupName)}
    for met in refused:
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
