"""A hub's rules, arranged so that a person's groups find them instead of the other way round. Pure.

50 hubs of 20 rules are looked at for every person that changed; most rules are about groups the person is not
in. Plain names and ids are looked up; patterns are filed under the first letters of their prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scim_bridge.mapping.model import Grant, GroupId, GroupName, HubMapping
from scim_bridge.mapping.patterns import Pattern, Template, parse_template

_FILED_LETTERS: Final = 4


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
    """A rule with its templates read; ``rank`` of its role, 0 the highest."""

    grant: Grant
    rank: int | None
    assets: tuple[CompiledAsset, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledHub:
    """Rules by what selects them; numbers are positions in ``rules``."""

    hub: HubMapping
    rules: tuple[CompiledRule, ...]
    names: Mapping[str, tuple[int, ...]]  # name key -> rules
    ids: Mapping[str, tuple[int, ...]]  # scim_id or externalId -> rules
    patterns: tuple[tuple[int, FiledPatterns], ...]  # number of letters -> first letters -> patterns
    without_group: tuple[int, ...]
    reads_user: bool  # has any filter
    ranks: Mapping[str, Mapping[str, int]]  # asset type -> role -> rank


@lru_cache(maxsize=2048)
def compile_hub(hub: HubMapping) -> CompiledHub:
    """Arrange a hub once; kept by the mapping's identity."""
    ranks = {role: rank for rank, role in enumerate(hub.roles)}
    names: dict[str, tuple[int, ...]] = {}
    ids: dict[str, tuple[int, ...]] = {}
    filed: dict[int, dict[str, tuple[tuple[Pattern, int], ...]]] = {}
    for number, grant in enumerate(hub.grants):
        for ref in dict.fromkeys(grant.groups):
            match ref:
                case GroupName(key=key):
                    names[key] = (*names.get(key, ()), number)
                case GroupId(id=id_):
                    ids[id_] = (*ids.get(id_, ()), number)
                case _:
                    letters = ref.pattern.prefix[:_FILED_LETTERS]
                    file = filed.setdefault(len(letters), {})
                    file[letters] = (*file.get(letters, ()), (ref.pattern, number))
    conditions = (hub.scope, *(c for grant in hub.grants for c in (grant.where, grant.exclude)))
    return CompiledHub(
        hub=hub,
        rules=tuple(_compile_rule(grant, ranks) for grant in hub.grants),
        names=names,
        ids=ids,
        patterns=tuple(sorted(filed.items())),
        without_group=tuple(number for number, grant in enumerate(hub.grants) if not grant.groups),
        reads_user=any(condition is not None for condition in conditions),
        ranks={kind: {role: rank for rank, role in enumerate(roles)} for kind, roles in hub.asset_roles.items()},
    )


def _compile_rule(grant: Grant, ranks: Mapping[str, int]) -> CompiledRule:
    assets = (
        CompiledAsset(asset.type, None if asset.name == "*" else parse_template(asset.name), asset.roles)
        for asset in grant.assets
    )
    return CompiledRule(grant, None if grant.role is None else ranks[grant.role], tuple(assets))
