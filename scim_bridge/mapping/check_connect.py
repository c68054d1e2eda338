"""``connect`` against what the adapter asks for. Pure: secrets are references here and are read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from scim_bridge.contract.protocol import Abilities, ConnectKey
from scim_bridge.mapping.model import Place
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.reader import Reader

_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")
_FALLBACK: Final = "fallback"


def read_connect(reader: Reader, node: Node | None, place: Place, abilities: Abilities | None) -> dict[str, str]:
    """The settings as written. ``place`` is blamed where the whole key is missing; ``abilities`` None: app unknown."""
    if node is None:
        _check_complete(reader, {}, place, abilities)
        return {}
    if abilities is None:
        reader.table(node, "connect")
        return {}
    keys = {key.name: key for key in abilities.connect}
    given = dict(reader.fields(node, "connect", (*keys, _FALLBACK)))
    if _FALLBACK not in keys:
        given.pop(_FALLBACK, None)
    _check_complete(reader, given, node.place, abilities)
    connect = {}
    for name, value in given.items():
        text = reader.text(value, f"connect.{name}")
        if text is not None and _is_proper(reader, keys[name], text, value.place):
            connect[name] = text
    return connect


def read_fallback(reader: Reader, node: Node | None, abilities: Abilities | None) -> bool:
    """Whether people do by hand what the app cannot: ``connect.fallback: manual``, unless the adapter means its own."""
    if not isinstance(node, Table) or (abilities and any(key.name == _FALLBACK for key in abilities.connect)):
        return False
    value = next((value for key, value in node.entries if key.text == _FALLBACK), None)
    if value is None or reader.word(value, "connect.fallback", ("manual",)) is None:
        return False
    advice = "until a version that makes them, look to it yourself"
    reader.warn(value.place, "`fallback: manual` is noted only: what the app cannot do waits for manual tasks", advice)
    return True


def _is_proper(reader: Reader, key: ConnectKey, text: str, place: Place) -> bool:
    """A secret only by reference, anything else never by one. A literal secret is not repeated in the message."""
    if key.secret and not _REFERENCE.fullmatch(text):
        reader.error(
            place,
            f"`connect.{key.name}` is a secret and must not stand in a mapping",
            "write env:NAME or file:/path, and change the secret if it was ever committed",
        )
        return False
    if not key.secret and text.startswith(("env:", "file:")):
        reader.error(place, f"`connect.{key.name}` is no secret", "write the value itself")
        return False
    return True


def _check_complete(reader: Reader, given: Mapping[str, Node], place: Place, abilities: Abilities | None) -> None:
    if abilities is None:
        return
    for key in abilities.connect:
        if key.required and key.name not in given:
            reader.error(place, f"`connect` needs `{key.name}`", key.help)
    choices = abilities.connect_one_of
    if not choices:
        return
    used = given.keys() & {name for names in choices for name in names}
    if not any(used == set(names) for names in choices):
        ways = ", or ".join(" and ".join(f"`{name}`" for name in names) for names in choices)
        reader.error(place, f"`connect` needs exactly one of: {ways}", "give one of them, whole")
