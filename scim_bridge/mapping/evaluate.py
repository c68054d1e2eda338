"""What the rules of one hub give one person. Pure: the heart of the bridge, and the same answer every time.

    the person's users    each is tested alone, with its own groups and attributes; inactive ones give nothing
    rules that hold       all of them count: grants only add, so their order does not matter
    seat role             the highest in `roles`
    asset role            the highest in `asset_roles` where a type's roles exclude each other, else the union
    no seat               no assets either: a rule with assets only waits for a seat
    hub role              the highest; it needs no seat
    `source`, `until`     a rule of another source, or whose last day (UTC) is over, does not count

A plain group name is taken by the id it is bound to (``bound``); by the name only while nothing is bound, and
``met`` tells the caller what to bind. Whoever else bears a bound name is ``refused``: a stranger who names a
group "Admins" must not become one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import GroupFact, PersonFact
from scim_bridge.folding import name_key
from scim_bridge.mapping.compiled import (
    Because,
    Captures,
    CompiledHub,
    Hit,
    Selection,
    compile_hub,
)
from scim_bridge.mapping.model import HUB_ROLES, HubMapping, HubRole
from scim_bridge.mapping.patterns import MAX_LENGTH, Pattern, Template
from scim_bridge.mapping.views import Bindings, Bound, PersonView, UserView

__all__ = ["Because", "Bound", "Met", "Verdict", "evaluate", "evaluate_view", "group_hits"]

HUB_ROLE: Final = "hub_role"
"""The thing that stands for the hub role, beside the seat and the assets, in ``Verdict.because``."""

_A_DAY: Final = timedelta(days=1)

_SUMS_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class Met:
    """A plain name and a group that bears it in one source."""

    source_id: int
    name: str  # the group's, as it is now
    name_key: str
    scim_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody is to have. ``assets``: ``team/core`` -> roles, highest first, in order of their names.

    ``because``: "seat", "hub_role" or an asset -> the rules that give just this, in file order. ``changes_on``: the
    first day (UTC) on which a rule that holds now does not any more, so that the answer may be another. ``lower``: the
    lower seat roles that rules give too, highest first, with these rules; only under a role of `approve_roles`.
    """

    role: str | None
    assets: Mapping[str, tuple[str, ...]]
    because: Mapping[str, tuple[Because, ...]]
    disabled: bool
    met: tuple[Met, ...] = ()
    refused: tuple[Met, ...] = ()
    hub_role: HubRole | None = None
    changes_on: date | None = None
    matched: tuple[int, ...] = ()  # the rules that hold, by their place in the file, whether or not they give most
    lower: Mapping[str, tuple[Because, ...]] = field(default_factory=dict)


_NOTHING: Final = Verdict(None, {}, {}, disabled=False)
_NOTHING_DISABLED: Final = Verdict(None, {}, {}, disabled=True)


def evaluate(hub: HubMapping, person: PersonFact, bound: Bound, today: date) -> Verdict:
    """Everything that ``hub``'s rules give ``person`` on the day ``today`` (UTC).

    No role means no seat, and then no assets. Assets are named as in the rules, captures filled in; two spellings of
    one name are one asset.
    """
    return evaluate_view(compile_hub(hub, today), PersonView(person), Bindings(bound))


def evaluate_view(compiled: CompiledHub, person: PersonView, bindings: Bindings) -> Verdict:
    """The same, of what many hubs and people have in common arranged once."""
    given: set[Hit] = set()
    met: list[Met] = []
    refused: list[Met] = []
    for user in person.users:
        selection = compiled.selection(user.user.source)
        found = group_hits(selection, user, bindings, met, refused)
        if compiled.scope is not None and not compiled.scope(user.names):
            continue
        for hits in (selection.without_group, found):
            for hit in hits:
                holds = compiled.rules[hit[0]].holds
                if holds is None or holds(user.names):
                    given.add(hit)
    verdict = _sum(compiled, frozenset(given)) if given else _NOTHING_DISABLED if person.is_disabled else _NOTHING
    return replace(verdict, met=tuple(met), refused=tuple(refused)) if met or refused else verdict


def group_hits(
    selection: Selection, user: UserView, bindings: Bindings, met: list[Met], refused: list[Met]
) -> Collection[Hit]:
    """The rules that this user's groups select, by name, id or pattern; conditions are not looked at.

    What becomes of plain names is added to ``met`` and ``refused``.
    """
    found: set[Hit] = set()
    if not selection.id_keys.isdisjoint(user.ids):
        for id_ in selection.id_keys & user.ids:
            found.update(selection.ids[id_])
    if selection.patterns:
        groups = user.beginnings(selection.lengths)
        if not selection.beginnings.isdisjoint(groups):
            for beginning in selection.beginnings & groups.keys():
                found.update(_captured(groups[beginning], selection.patterns[beginning]))
    meanings, keys = bindings.of(user.user.source_id)
    if not selection.name_keys.isdisjoint(user.group_keys):
        for key in selection.name_keys & user.group_keys:
            if key not in meanings:
                found.update(selection.names[key])
            _meet(user, key, meanings.get(key), met, refused)
    if not user.scim_ids.isdisjoint(keys):
        for scim_id in user.scim_ids & keys.keys():
            for key in keys[scim_id]:
                found.update(selection.names.get(key, ()))
    return found


def _captured(groups: list[GroupFact], patterns: tuple[tuple[Pattern, int], ...]) -> Iterator[Hit]:
    for group in groups:
        for pattern, number in patterns:
            captures = pattern.find(group.name, group.name_key)
            if captures is not None:
                yield number, tuple(captures.items())


def _meet(user: UserView, key: str, meant: str | None, met: list[Met], refused: list[Met]) -> None:
    """A group bears a plain name: it is what the name means, or the first to be met, or a stranger."""
    source_id, namesakes = user.user.source_id, user.by_key[key]
    if meant is None:
        first = min(namesakes, key=lambda group: group.id)
        meant = first.scim_id
        met.append(Met(source_id, first.name, key, meant))
    for group in namesakes:
        if group.scim_id != meant:
            refused.append(Met(source_id, group.name, key, group.scim_id))


def _sum(compiled: CompiledHub, given: frozenset[Hit]) -> Verdict:
    """What hits add up to. Many people share the same ones, so sums are kept."""
    known: Verdict | None = compiled.sums.get(given)
    if known is None:
        if len(compiled.sums) >= _SUMS_KEPT:
            compiled.sums.clear()
        known = compiled.sums[given] = _add_up(compiled, sorted(given))
    return known


def _add_up(compiled: CompiledHub, given: list[Hit]) -> Verdict:
    rules, hub = compiled.rules, compiled.hub
    numbers = sorted({number for number, _ in given})
    because: dict[str, tuple[Because, ...]] = {}
    role = hub_role = None
    assets: dict[str, tuple[str, ...]] = {}
    lower: dict[str, tuple[Because, ...]] = {}
    ranks = {number: rank for number in numbers if (rank := rules[number].rank) is not None}
    if ranks:
        best = min(ranks.values())
        role = hub.roles[best]
        because[SEAT] = tuple(rules[number].because for number, rank in ranks.items() if rank == best)
        assets = _assets(compiled, given, because)
        lower = _lower(compiled, ranks, best) if role in hub.safety.approve_roles else {}
    ranks = {number: rank for number in numbers if (rank := rules[number].hub_rank) is not None}
    if ranks:
        best = min(ranks.values())
        hub_role = HUB_ROLES[best]
        because[HUB_ROLE] = tuple(rules[number].because for number, rank in ranks.items() if rank == best)
    last_day = min((day for number in numbers if (day := rules[number].grant.until) is not None), default=date.max)
    changes_on = last_day + _A_DAY if because and last_day < date.max else None
    return Verdict(
        role,
        assets,
        because,
        disabled=False,
        hub_role=hub_role,
        changes_on=changes_on,
        matched=tuple(numbers),
        lower=lower,
    )


def _lower(compiled: CompiledHub, ranks: Mapping[int, int], best: int) -> dict[str, tuple[Because, ...]]:
    """What the rules give whoever may not have the best role yet."""
    return {
        compiled.hub.roles[rank]: tuple(compiled.rules[number].because for number in ranks if ranks[number] == rank)
        for rank in sorted(set(ranks.values()))
        if rank > best
    }


def _assets(
    compiled: CompiledHub, given: list[Hit], because: dict[str, tuple[Because, ...]]
) -> dict[str, tuple[str, ...]]:
    """Roles by asset, in order of the assets' names; ``because`` is added to."""
    names: dict[tuple[str, str], str] = {}  # (type, name key) -> the spelling shown
    roles: dict[tuple[str, str], dict[str, dict[int, None]]] = {}  # ... -> role -> rules, in file order
    for number, captures in given:
        for asset in compiled.rules[number].assets:
            name, key = (asset.name, asset.key) if asset.template is None else _made(asset.template, captures)
            if key:
                thing = (asset.type, key)
                names[thing] = min(names.get(thing, name), name)
                for role in asset.roles:
                    roles.setdefault(thing, {}).setdefault(role, {})[number] = None
    assets: dict[str, tuple[str, ...]] = {}
    for thing, by_role in roles.items():
        kind = thing[0]
        won = sorted(by_role, key=compiled.ranks[kind].__getitem__)
        if kind in compiled.hub.exclusive_types:
            del won[1:]
        shown = f"{kind}/{names[thing]}"
        assets[shown] = tuple(won)
        numbers = by_role[won[0]] if len(won) == 1 else sorted({n for role in won for n in by_role[role]})
        because[shown] = tuple(compiled.rules[number].because for number in numbers)
    return dict(sorted(assets.items()))


def _made(template: Template, captures: Captures) -> tuple[str, str]:
    """An asset's name and its key, empty for no name: a group must never call itself ``*``, every asset there is."""
    name = template.render(dict(captures)).strip()
    return ("", "") if name in ("", "*") or len(name) > MAX_LENGTH else (name, name_key(name))
