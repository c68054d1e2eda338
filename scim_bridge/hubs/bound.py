"""What names in a mapping were found to mean, as values. Pure; ``bindings`` looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scim_bridge.contract.state import Asset


@dataclass(frozen=True, slots=True)
class NewBinding:
    """A name met something for the first time (or, refused, something other than it is bound to)."""

    hub_id: str
    kind: str
    scope: str
    name: str
    target_id: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the names of assets in one hub mean. ``troubles``: name -> why it means nothing now."""

    assets: Mapping[str, tuple[Asset, ...]]
    troubles: Mapping[str, str]
    met: tuple[NewBinding, ...]
    refused: tuple[NewBinding, ...]
