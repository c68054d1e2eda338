"""``environments``: what one installation says otherwise, merged over the file before it is read. Pure.

    connect, limits, safety   key by key, each key's value whole
    login, check              whole
    anything else             never: who gets what is the same everywhere

Where an app is connected by one of several sets of keys, an environment that names another set replaces the file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from scim_bridge.contract.protocol import Abilities
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

CHANGEABLE: Final = ("connect", "limits", "login", "safety", "check")
_BY_KEY: Final = ("connect", "limits", "safety")


def read_environments(reader: Reader, node: Node | None, keys: tuple[str, ...]) -> dict[str, Mapping[str, Node]]:
    """What each environment changes, by its name. ``keys`` are all of a mapping's."""
    found: dict[str, Mapping[str, Node]] = {}
    for name, (_, value) in reader.table(node, "environments").items() if node else ():
        changes: dict[str, Node] = {}
        for key, (where, change) in reader.table(value, f"environments.{name}").items():
            if key in CHANGEABLE:
                changes[key] = change
            elif key in keys:
                message = f"an environment cannot change `{key}`: who gets what is the same everywhere"
                reader.error(where.place, message, f"it may change {', '.join(CHANGEABLE)}")
            else:
                reader.error(where.place, f"`environments` has no key `{key}`", did_you_mean(key, CHANGEABLE))
        found[name] = changes
    return found


def merge(given: Mapping[str, Node], changes: Mapping[str, Node], app: Abilities | None) -> dict[str, Node]:
    """The file's keys as they are in one environment."""
    merged = dict(given)
    for key, change in changes.items():
        base = given.get(key)
        if key in _BY_KEY and isinstance(base, Table) and isinstance(change, Table):
            gone = {name.text for name, _ in change.entries}
            if key == "connect" and app:
                gone |= _other_ways(gone, app)
            kept = tuple((name, value) for name, value in base.entries if name.text not in gone)
            change = replace(change, entries=kept + change.entries)
        merged[key] = change
    return merged


def _other_ways(named: set[str], app: Abilities) -> set[str]:
    """Keys of the ways to connect that an environment does not take."""
    every = {key for way in app.connect_one_of for key in way}
    taken = {key for way in app.connect_one_of if named & set(way) for key in way}
    return every - taken if taken else set()
