"""A hub's rules, arranged so that a person's groups find them instead of the other way round. Pure.

50 hubs of 20 rules are looked at for every person that changed; most rules are about groups the person is not
in. Plain names and ids are looked up; patterns are found by how they begin. Rules of another
identity source, of a partner, or that have ended are not in what is looked through, so nothing is asked of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from scim_bridge.filters import And, Condition, Not, Traits, condition
from scim_bridge.folding import name_key
from scim_bridge.mapping.model import HUB_ROLES, AssetGrant, Grant, GroupId, GroupName, HubMapping
from scim_bridge.mapping.patterns import Pattern, Template, parse_template

_LONGEST: Final = 32  # letters of a pattern's beginning that are looked up


Captures = tuple[tuple[str, str], ...]
Hit = tuple[int, Captures]
"""A rule that a user's groups select, and what its pattern captured."""


@dataclass(frozen=True, slots=True)
class CompiledAsset:
    """One ``assets`` entry. ``name`` is the asset's and ``key`` folds it, unless a ``template`` makes them."""

    type: str
    name: str
    key: str
    template: Template | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Because:
    """The rule that gave something, and where it stands."""

    rule: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its templates and conditions read; ``rank`` of its role, ``hub_rank`` of its hub role: 0 is highest.

    ``holds``: what must be true of a user beside the group; None: nothing.
    """

    grant: Grant
    rank: int | None
    hub_rank: int | None
    assets: tuple[CompiledAsset, ...]
    holds: Condition | None
    because: Because


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some rules of a hub by what selects them; numbers are positions in ``CompiledHub.rules``.

    Beside each table stand its keys as a set: most people meet none of them, and two sets know that soonest.
    """

    names: Mapping[str, tuple[Hit, ...]]  # name key -> rules
    name_keys: frozenset[str]
    ids: Mapping[str, tuple[Hit, ...]]  # scim_id or externalId -> rules
    id_keys: frozenset[str]
    patterns: Mapping[str, tuple[tuple[Pattern, int], ...]]  # how names begin -> patterns that they may match
    beginnings: frozenset[str]
    lengths: tuple[int, ...]  # of the beginnings
    without_group: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledHub:
    """A hub on one day. ``by_source`` has those sources that rules name, ``general`` is for all others."""

    hub: HubMapping
    rules: tuple[CompiledRule, ...]
    by_source: Mapping[str, Selection]
    general: Selection
    every: Selection  # rules for people whatever their source and day: for explaining why one does not hold
    scope: Condition | None
    ranks: Mapping[str, Mapping[str, int]]  # asset type -> role -> rank
    sums: dict[frozenset[Hit], Any] = field(default_factory=dict)  # kept by ``evaluate``: hits -> what they add up to

    def selection(self, source: str) -> Selection:
        """The rules that count today for users of ``source``."""
        return self.by_source.get(source, self.general)


@lru_cache(maxsize=2048)
def compile_hub(hub: HubMapping, today: date) -> CompiledHub:
    """Arrange a hub once a day (UTC); kept by the mapping's identity."""
    ranks = {role: rank for rank, role in enumerate(hub.roles)}
    people = [(number, grant) for number, grant in enumerate(hub.grants) if grant.partner is None]
    today_s = [(number, grant) for number, grant in people if grant.until is None or grant.until >= today]
    sources = {grant.source for _, grant in today_s if grant.source is not None}
    return CompiledHub(
        hub=hub,
        rules=tuple(_compile_rule(grant, ranks, hub.traits) for grant in hub.grants),
        by_source={
            source: _select((number, grant) for number, grant in today_s if grant.source in (None, source))
            for source in sources
        },
        general=_select((number, grant) for number, grant in today_s if grant.source is None),
        every=_select(people),
        scope=None if hub.scope is None else condition(hub.scope, hub.traits),
        ranks={kind: {role: rank for rank, role in enumerate(roles)} for kind, roles in hub.asset_roles.items()},
    )


def _select(numbered: Iterable[tuple[int, Grant]]) -> Selection:
    names: dict[str, list[Hit]] = {}
    ids: dict[str, list[Hit]] = {}
    patterns: dict[str, list[tuple[Pattern, int]]] = {}
    without_group: list[Hit] = []
    for number, grant in numbered:
        if not grant.groups:
            without_group.append((number, ()))
        for ref in dict.fromkeys(grant.groups):
            match ref:
                case GroupName(key=key):
                    names.setdefault(key, []).append((number, ()))
                case GroupId(id=id_):
                    ids.setdefault(id_, []).append((number, ()))
                case _:
                    patterns.setdefault(ref.pattern.prefix[:_LONGEST], []).append((ref.pattern, number))
    return Selection(
        names={key: tuple(hits) for key, hits in names.items()},
        name_keys=frozenset(names),
        ids={id_: tuple(hits) for id_, hits in ids.items()},
        id_keys=frozenset(ids),
        patterns={beginning: tuple(filed) for beginning, filed in patterns.items()},
        beginnings=frozenset(patterns),
        lengths=tuple(sorted({len(beginning) for beginning in patterns})),
        without_group=tuple(without_group),
    )


def _compile_rule(grant: Grant, ranks: Mapping[str, int], traits: Traits) -> CompiledRule:
    terms = [term for term in (grant.where, grant.exclude and Not(grant.exclude)) if term is not None]
    return CompiledRule(
        grant,
        None if grant.role is None else ranks[grant.role],
        None if grant.hub_role is None else HUB_ROLES.index(grant.hub_role),
        tuple(_compile_asset(asset) for asset in grant.assets),
        condition(And(tuple(terms)) if len(terms) > 1 else terms[0], traits) if terms else None,
        Because(grant.name, grant.place.file, grant.place.line),
    )


def _compile_asset(asset: AssetGrant) -> CompiledAsset:
    template = parse_template(asset.name)
    name = asset.name.strip()
    return CompiledAsset(asset.type, name, name_key(name), template if template.names else None, asset.roles)
