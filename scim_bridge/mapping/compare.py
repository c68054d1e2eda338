"""What another set of mapping files would change, told by hub, rule and key: the summary before it counts. Pure.

Places do not count: a rule that only moved to another line is the same rule. Who gains or loses what by it is the
plan's answer, for it depends on people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from scim_bridge.mapping.model import Grant, HubMapping, Place

_NOWHERE: Final = Place("", 0, 0)
_APART: Final = ("hub_id", "place", "grants")
_KEYS: Final = {
    "tenant": "connect",
    "exclusive_types": "asset_roles",
    "lost_access": "leave",
    "disabled": "leave",
    "check_s": "check",
    "is_manual_fallback": "connect",
}
"""Fields of ``HubMapping`` that are called otherwise in a file."""


@dataclass(frozen=True, slots=True)
class HubChange:
    """One hub. ``added``, ``removed``, ``changed``: names of rules; ``keys``: other keys that say something else."""

    hub_id: str
    what: Literal["added", "detached", "changed"]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def compare(before: Mapping[str, HubMapping], after: Mapping[str, HubMapping]) -> list[HubChange]:
    """What changes by hub, in the order of their ids; hubs that stay as they are are left out."""
    return list(_changes(before, after))


def _changes(before: Mapping[str, HubMapping], after: Mapping[str, HubMapping]) -> Iterator[HubChange]:
    for hub_id in sorted(before.keys() | after.keys()):
        if hub_id not in before:
            yield HubChange(hub_id, "added", added=tuple(grant.name for grant in after[hub_id].grants))
        elif hub_id not in after:
            yield HubChange(hub_id, "detached")
        else:
            change = _compare_hub(before[hub_id], after[hub_id])
            if change.added or change.removed or change.changed or change.keys:
                yield change


def _compare_hub(old: HubMapping, new: HubMapping) -> HubChange:
    had, has = _rules(old), _rules(new)
    keys = {
        _KEYS.get(field.name, field.name): None
        for field in dataclasses.fields(HubMapping)
        if field.name not in _APART and _bare(getattr(old, field.name)) != _bare(getattr(new, field.name))
    }
    return HubChange(
        new.hub_id,
        "changed",
        added=tuple(name for name in has if name not in had),
        removed=tuple(name for name in had if name not in has),
        changed=tuple(name for name in has if name in had and has[name] != had[name]),
        keys=tuple(keys),
    )


def _rules(hub: HubMapping) -> dict[str, Grant]:
    return {grant.name: _bare(grant) for grant in hub.grants}


def _bare(value: Any) -> Any:
    """The same without places."""
    if isinstance(value, Place):
        return _NOWHERE
    if isinstance(value, tuple):
        return tuple(_bare(each) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "place"):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return dataclasses.replace(value, **{name: _bare(inner) for name, inner in fields})
    return value
