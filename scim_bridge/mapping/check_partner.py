"""``partner``: a rule whose subject is another business inside the app, not people of ours. Pure.

It gives assets and nothing else, and it ends: an agency that nobody remembers must not keep its access.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scim_bridge.mapping.check_catalogue import Catalogue
from scim_bridge.mapping.model import Partner
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.reader import Reader

_OF_PEOPLE: Final = ("group", "where", "except", "source", "role", "hub_role")


def read_partner(reader: Reader, rule: Node, given: Mapping[str, Node], catalogue: Catalogue) -> Partner | None:
    """The subject of the rule ``given``; None where there is none or where it cannot be read (said so)."""
    node = given.get("partner")
    if node is None:
        return None
    for key in _OF_PEOPLE:
        if key in given:
            message = f"`{key}` does not go with `partner`, whose subject is another business"
            reader.error(given[key].place, message, "remove one of the two, or split the rule")
    if "until" not in given:
        reader.error(rule.place, "a rule for a partner needs `until`", "give the last day of its access: YYYY-MM-DD")
    app = catalogue.abilities
    if app and not app.partners and not catalogue.is_manual_fallback:
        advice = "remove the rule, or let people do it: connect: {fallback: manual}"
        reader.error(node.place, "the app has no partners", advice)
    return _read(reader, node)


def _read(reader: Reader, node: Node) -> Partner | None:
    parts = reader.fields(node, "partner", ("id", "name", "owner"))
    if not isinstance(node, Table):
        return None
    read = {}
    for key in ("id", "name", "owner"):
        if key not in parts:
            reader.error(node.place, f"`partner` needs `{key}`", "write {id: ..., name: ..., owner: jo@acme.example}")
            continue
        read[key] = reader.text(parts[key], f"partner.{key}")
    owner = read.get("owner")
    if owner and not all(owner.rpartition("@")[::2]):
        advice = "write the address of whoever answers for this partner here"
        reader.error(parts["owner"].place, f'`partner.owner`: "{owner[:40]}" is no e-mail address', advice)
    return Partner(read.get("id") or "", read.get("name") or "", owner or "")
