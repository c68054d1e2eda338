"""``profile``: what an account is told of its person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scim_bridge.errors import InvalidInput
from scim_bridge.mapping.check_catalogue import Catalogue
from scim_bridge.mapping.check_conditions import ATTRIBUTES, is_known
from scim_bridge.mapping.nodes import Node
from scim_bridge.mapping.profile import paths_of
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

_NONE: Mapping[str, str] = MappingProxyType({})


def read_profile(reader: Reader, node: Node | None, catalogue: Catalogue) -> Mapping[str, str]:
    """Target attribute -> template, as written; every attribute that a template reads is one that users have."""
    if node is None:
        return _NONE
    app = catalogue.abilities
    if app and not app.profile and not catalogue.is_manual_fallback:
        reader.error(node.place, "the app takes no attributes of people", "remove `profile`")
    found = {}
    for target, (_, value) in reader.table(node, "profile").items():
        text = reader.text(value, f"profile.{target}")
        if text is not None:
            _check_template(reader, value, target, text)
            found[target] = text
    return found


def _check_template(reader: Reader, node: Node, target: str, text: str) -> None:
    try:
        paths = paths_of(text)
    except InvalidInput as error:
        reader.refuse(node.place, f"profile.{target}", error)
        return
    for path in paths:
        if not is_known(reader.traits, path):
            advice = did_you_mean(path.name, ATTRIBUTES)
            reader.error(node.place, f"`profile.{target}`: users have no attribute {path}", advice)
