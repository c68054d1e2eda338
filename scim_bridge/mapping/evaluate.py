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

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.filters import Traits, matches
from scim_bridge.folding import name_key
from scim_bridge.mapping.compiled import (
    HUB_ROLES,
    CompiledAsset,
    CompiledHub,
    CompiledRule,
    Selection,
    compile_hub,
)
from scim_bridge.mapping.model import Grant, HubMapping, HubRole
from scim_bridge.mapping.patterns import MAX_LENGTH

HUB_ROLE: Final = "hub_role"
"""The thing that stands for the hub role, beside the seat and the assets, in ``Verdict.because``."""

_A_DAY: Final = timedelta(days=1)

Bound = Mapping[tuple[int, str], str]
"""What plain group names mean in a hub: (source_id, name key) -> ``groups.scim_id``."""


@dataclass(frozen=True, slots=True)
class Because:
    """The rule that gave something, and where it stands."""

    rule: str
    file: str
    line: int


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


@dataclass(slots=True)
class Hits:
    """Which rules a user's groups select: rule -> one dict of captures per group that selects it."""

    captures: dict[int, list[Mapping[str, str]]] = field(default_factory=lambda: defaultdict(list))
    met: dict[Met, None] = field(default_factory=dict)
    refused: dict[Met, None] = field(default_factory=dict)


def evaluate(hub: HubMapping, person: PersonFact, bound: Bound, today: date) -> Verdict:
    """Everything that ``hub``'s rules give ``person`` on the day ``today`` (UTC).

    No role means no seat, and then no assets. Assets are named as in the rules, captures filled in; two spellings of
    one name are one asset.
    """
    compiled = compile_hub(hub, today)
    tally = _Tally(compiled)
    met: dict[Met, None] = {}
    refused: dict[Met, None] = {}
    for user in person.users:
        if not user.active:
            continue
        selection = compiled.selection(user.source)
        hits = group_hits(selection, user, bound)
        met |= hits.met
        refused |= hits.refused
        resource = resource_of(user) if compiled.reads_user else {}
        if hub.scope is not None and not matches(hub.scope, resource, hub.traits):
            continue
        for number in selection.without_group:
            if conditions_hold(hub.grants[number], resource, hub.traits):
                tally.add(number, [{}])
        for number, captures in hits.captures.items():
            if conditions_hold(hub.grants[number], resource, hub.traits):
                tally.add(number, captures)
    return tally.verdict(disabled=person.is_disabled, met=tuple(met), refused=tuple(refused))


def conditions_hold(grant: Grant, resource: Mapping[str, Any], traits: Traits) -> bool:
    """``where`` holds and ``except`` does not."""
    if grant.where is not None and not matches(grant.where, resource, traits):
        return False
    return grant.exclude is None or not matches(grant.exclude, resource, traits)


def resource_of(user: UserFact) -> dict[str, Any]:
    """The user as filters see them: the document, with groups (nested ones too) as RFC 7643 section 4.1.2 has them."""
    groups = [{"value": group.scim_id, "display": group.name} for group in user.groups]
    return {**user.document, "active": user.active, "groups": groups}


def group_hits(selection: Selection, user: UserFact, bound: Bound) -> Hits:
    """The rules that this user's groups select, by name, id or pattern; conditions are not looked at."""
    hits = Hits()
    by_name: dict[str, list[GroupFact]] = {}
    by_id: dict[str, GroupFact] = {}
    for group in user.groups:
        by_name.setdefault(group.name_key, []).append(group)
        by_id[group.scim_id] = group
        for id_ in {group.scim_id, group.external_id} if selection.ids else ():
            for number in selection.ids.get(id_ or "", ()):
                hits.captures[number].append({})
        for letters, filed in selection.patterns:
            for pattern, number in filed.get(group.name_key[:letters], ()):
                captures = pattern.find(group.name, group.name_key)
                if captures is not None:
                    hits.captures[number].append(captures)
    for key, numbers in selection.names.items():
        found = _find_named(user, key, by_name.get(key, ()), by_id, bound, hits)
        if found:
            for number in numbers:
                hits.captures[number].append({})
    return hits


def _find_named(
    user: UserFact,
    key: str,
    namesakes: list[GroupFact] | tuple[()],
    by_id: Mapping[str, GroupFact],
    bound: Bound,
    hits: Hits,
) -> bool:
    """Whether the user is in the group that a plain name means; the first met is the oldest of the name."""
    meant = bound.get((user.source_id, key))
    if meant is None and namesakes:
        first = min(namesakes, key=lambda group: group.id)
        meant = first.scim_id
        hits.met[Met(user.source_id, first.name, key, meant)] = None
    for group in namesakes:
        if group.scim_id != meant:
            hits.refused[Met(user.source_id, group.name, key, group.scim_id)] = None
    return meant in by_id


class _Tally:
    """Adds up what rules give; knows nothing of why they hold."""

    def __init__(self, compiled: CompiledHub) -> None:
        self._compiled = compiled
        self._seat: set[int] = set()  # rules that give a seat role
        self._hub: set[int] = set()  # rules that give a hub role
        self._matched: set[int] = set()
        self._given: dict[str, dict[str, dict[str, set[int]]]] = {}  # type -> name key -> role -> rules
        self._names: dict[tuple[str, str], str] = {}  # (type, name key) -> the spelling shown
        self._last_day: date | None = None

    def add(self, number: int, captures: list[Mapping[str, str]]) -> None:
        rule: CompiledRule = self._compiled.rules[number]
        until = rule.grant.until
        if until is not None:
            self._last_day = until if self._last_day is None else min(self._last_day, until)
        self._matched.add(number)
        if rule.rank is not None:
            self._seat.add(number)
        if rule.hub_rank is not None:
            self._hub.add(number)
        for asset in rule.assets:
            for name in {_asset_name(asset, values) for values in captures}:
                if name is not None:
                    self._add_asset(number, asset, name)

    def _add_asset(self, number: int, asset: CompiledAsset, name: str) -> None:
        key = name_key(name)
        shown = self._names.get((asset.type, key))
        self._names[asset.type, key] = name if shown is None else min(shown, name)
        roles = self._given.setdefault(asset.type, {}).setdefault(key, {})
        for role in asset.roles:
            roles.setdefault(role, set()).add(number)

    def verdict(self, *, disabled: bool, met: tuple[Met, ...], refused: tuple[Met, ...]) -> Verdict:
        rules, hub = self._compiled.rules, self._compiled.hub
        because: dict[str, tuple[Because, ...]] = {}
        hub_role = role = None
        assets: dict[str, tuple[str, ...]] = {}
        lower: dict[str, tuple[Because, ...]] = {}
        if self._seat:
            best = min(rank for number in self._seat if (rank := rules[number].rank) is not None)
            role = hub.roles[best]
            because[SEAT] = self._because({number for number in self._seat if rules[number].rank == best})
            assets = self._assets(because)
            lower = self._lower(best) if role in hub.safety.approve_roles else {}
        if self._hub:
            best = min(rank for number in self._hub if (rank := rules[number].hub_rank) is not None)
            hub_role = HUB_ROLES[best]
            because[HUB_ROLE] = self._because({number for number in self._hub if rules[number].hub_rank == best})
        ends = because and self._last_day not in (None, date.max)
        changes_on = self._last_day + _A_DAY if ends and self._last_day else None
        matched = tuple(sorted(self._matched))
        return Verdict(role, assets, because, disabled, met, refused, hub_role, changes_on, matched, lower)

    def _assets(self, because: dict[str, tuple[Because, ...]]) -> dict[str, tuple[str, ...]]:
        assets: dict[str, tuple[str, ...]] = {}
        for kind, names in self._given.items():
            ranks = self._compiled.ranks[kind]
            for key, roles in names.items():
                won = sorted(roles, key=ranks.__getitem__)
                if kind in self._compiled.hub.exclusive_types:
                    del won[1:]
                asset = f"{kind}/{self._names[kind, key]}"
                assets[asset] = tuple(won)
                because[asset] = self._because({number for role in won for number in roles[role]})
        return dict(sorted(assets.items()))

    def _lower(self, best: int) -> dict[str, tuple[Because, ...]]:
        """What the rules give whoever may not have the best role yet."""
        by_rank: dict[int, set[int]] = {}
        for number in self._seat:
            rank = self._compiled.rules[number].rank
            if rank is not None and rank > best:
                by_rank.setdefault(rank, set()).add(number)
        return {self._compiled.hub.roles[rank]: self._because(by_rank[rank]) for rank in sorted(by_rank)}

    def _because(self, numbers: set[int]) -> tuple[Because, ...]:
        grants = (self._compiled.hub.grants[number] for number in sorted(numbers))
        return tuple(Because(grant.name, grant.place.file, grant.place.line) for grant in grants)


def _asset_name(asset: CompiledAsset, values: Mapping[str, str]) -> str | None:
    """The asset's name, or None for no name: a group's name must never come out as ``*``, every asset there is."""
    if asset.template is None:
        return "*"
    name = asset.template.render(values).strip()
    return None if name in ("", "*") or len(name) > MAX_LENGTH else name
