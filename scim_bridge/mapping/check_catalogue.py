"""``roles`` and ``asset_roles`` against what the app has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scim_bridge.contract.protocol import Abilities
from scim_bridge.mapping.nodes import Node
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a rule may give: the roles in use, and what the app has (None: the app is unknown).

    ``is_manual_fallback``: people do what the app cannot.
    """

    roles: tuple[str, ...]
    asset_roles: Mapping[str, tuple[str, ...]]
    abilities: Abilities | None
    is_manual_fallback: bool = False


def read_catalogue(
    reader: Reader,
    roles: Node | None,
    asset_roles: Node | None,
    app: Abilities | None,
    *,
    is_manual_fallback: bool,
) -> Catalogue:
    """``roles`` and ``asset_roles`` in the operator's order."""
    return Catalogue(
        _read_roles(reader, roles, app) if roles else (),
        _read_asset_roles(reader, asset_roles, app) if asset_roles else {},
        app,
        is_manual_fallback,
    )


def _read_roles(reader: Reader, node: Node, app: Abilities | None) -> tuple[str, ...]:
    given = reader.texts(node, "roles", may_be_empty=True)
    if not given and app and len(app.roles) == 1:
        return app.roles
    if not given and app:
        reader.error(node.place, "`roles` is empty", f"list the roles in use, highest first: {', '.join(app.roles)}")
    for role, place in given:
        if app and role not in app.roles:
            reader.error(place, f'the app has no role "{role}"', did_you_mean(role, app.roles))
    return tuple(role for role, _ in given)


def _read_asset_roles(reader: Reader, node: Node, app: Abilities | None) -> dict[str, tuple[str, ...]]:
    found = {}
    for kind, (key, value) in reader.table(node, "asset_roles").items():
        given = reader.texts(value, f"asset_roles.{kind}")
        found[kind] = tuple(role for role, _ in given)
        if app is None:
            continue
        if kind not in app.asset_types:
            reader.error(key.place, f'the app has no assets of type "{kind}"', did_you_mean(kind, app.asset_types))
            continue
        known = app.asset_types[kind].roles
        for role, place in given:
            if role not in known:
                reader.error(place, f'"{kind}" has no role "{role}"', did_you_mean(role, known))
    return found
