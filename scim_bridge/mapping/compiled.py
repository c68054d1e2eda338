"""A hub's rules, arranged so that a person's groups find them instead of the other way round. Pure.

50 hubs of 20 rules are looked at for every person that changed; most rules are about groups the person is not
in. Plain names and ids are looked up; patterns are filed under the first letters of their prefix. Rules of another
identity source, of a partner, or that have ended are not in what is looked through, so nothing is asked of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, get_args

from scim_bridge.mapping.model import Grant, GroupId, GroupName, HubMapping, HubRole
from scim_bridge.mapping.patterns import Pattern, Template, parse_template

_FILED_LETTERS: Final = 4
HUB_ROLES: Final[tuple[HubRole, ...]] = get_args(HubRole)


FiledPatterns = Mapping[str, tuple[tuple[Pattern, int], ...]]
"""First letters of a name key -> patterns that such names may match, and their rules."""


@dataclass(frozen=True, slots=True)
class CompiledAsset:
    """One ``assets`` entry; ``template`` None: every asset of the type."""

    type: str
    template: Template | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its templates read; ``rank`` of its role and ``hub_rank`` of its hub role, 0 the highest."""

    grant: Grant
    rank: int | None
    hub_rank: int | None
    assets: tuple[CompiledAsset, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some rules of a hub by what selects them; numbers are positions in ``CompiledHub.rules``."""

    names: Mapping[str, tuple[int, ...]]  # name key -> rules
    ids: Mapping[str, tuple[int, ...]]  # scim_id or externalId -> rules
    patterns: tuple[tuple[int, FiledPatterns], ...]  # number of letters -> first letters -> patterns
    without_group: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledHub:
    """A hub on one day. ``by_source`` has those sources that rules name, ``general`` is for all others."""

    hub: HubMapping
    rules: tuple[CompiledRule, ...]
    by_source: Mapping[str, Selection]
    general: Selection
    every: Selection  # rules for people whatever their source and day: for explaining why one does not hold
    reads_user: bool  # has any filter
    ranks: Mapping[str, Mapping[str, int]]  # asset type -> role -> rank

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
    conditions = (hub.scope, *(c for grant in hub.grants for c in (grant.where, grant.exclude)))
    return CompiledHub(
        hub=hub,
        rules=tuple(_compile_rule(grant, ranks) for grant in hub.grants),
        by_source={
            source: _select((number, grant) for number, grant in today_s if grant.source in (None, source))
            for source in sources
        },
        general=_select((number, grant) for number, grant in today_s if grant.source is None),
        every=_select(people),
        reads_user=any(condition is not None for condition in conditions),
        ranks={kind: {role: rank for rank, role in enumerate(roles)} for kind, roles in hub.asset_roles.items()},
    )


def _select(numbered: Iterable[tuple[int, Grant]]) -> Selection:
    names: dict[str, list[int]] = {}
    ids: dict[str, list[int]] = {}
    filed: dict[int, dict[str, list[tuple[Pattern, int]]]] = {}
    without_group = []
    for number, grant in numbered:
        if not grant.groups:
            without_group.append(number)
        for ref in dict.fromkeys(grant.groups):
            match ref:
                case GroupName(key=key):
                    names.setdefault(key, []).append(number)
                case GroupId(id=id_):
                    ids.setdefault(id_, []).append(number)
                case _:
                    letters = ref.pattern.prefix[:_FILED_LETTERS]
                    filed.setdefault(len(letters), {}).setdefault(letters, []).append((ref.pattern, number))
    return Selection(
        names={key: tuple(numbers) for key, numbers in names.items()},
        ids={id_: tuple(numbers) for id_, numbers in ids.items()},
        patterns=tuple(
            (length, {letters: tuple(found) for letters, found in file.items()})
            for length, file in sorted(filed.items())
        ),
        without_group=tuple(without_group),
    )


def _compile_rule(grant: Grant, ranks: Mapping[str, int]) -> CompiledRule:
    assets = (
        CompiledAsset(asset.type, None if asset.name == "*" else parse_template(asset.name), asset.roles)
        for asset in grant.assets
    )
    return CompiledRule(
        grant,
        None if grant.role is None else ranks[grant.role],
        None if grant.hub_role is None else HUB_ROLES.index(grant.hub_role),
        tuple(assets),
    )
