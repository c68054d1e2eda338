"""``tests``: a person, and what they must come out with. Pure; running them is another's matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from scim_bridge.filters import AttributePath
from scim_bridge.folding import name_key
from scim_bridge.mapping.check_catalogue import Catalogue
from scim_bridge.mapping.check_conditions import ATTRIBUTES, is_known
from scim_bridge.mapping.model import HUB_ROLES, Expectation, Grant, GroupId, HubRole, MappingTest
from scim_bridge.mapping.nodes import Items, Node, Scalar, Table
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

NOTHING: Final = "nothing"
_SHAPE: Final = "write {userName: ana@acme.example, groups: [Engineering]}"


def read_tests(
    reader: Reader, node: Node | None, grants: Sequence[Grant], catalogue: Catalogue
) -> tuple[MappingTest, ...]:
    """Every test that could be read, in its order."""
    if node is None:
        return ()
    rules = {name_key(grant.name): grant.name for grant in grants}
    items = reader.items(node, "tests", may_be_empty=True)
    found = (_read_test(reader, item, rules, catalogue) for item in items)
    return tuple(test for test in found if test is not None)


def _read_test(reader: Reader, node: Node, rules: Mapping[str, str], catalogue: Catalogue) -> MappingTest | None:
    given = reader.fields(node, "tests", ("person", "source", "expect"))
    if not isinstance(node, Table):
        return None
    for key, advice in (("person", _SHAPE), ("expect", "write what they get: {role: member}, or nothing")):
        if key not in given:
            reader.error(node.place, f"a test needs `{key}`", advice)
    person, groups = _read_person(reader, given["person"]) if "person" in given else ({}, ())
    expect = _read_expect(reader, given["expect"], rules, catalogue) if "expect" in given else None
    source = reader.text(given["source"], "source") if "source" in given else None
    return MappingTest(person, groups, expect, node.place, source)


def _read_person(reader: Reader, node: Node) -> tuple[dict[str, Any], tuple[str | GroupId, ...]]:
    """SCIM attributes as a document has them, and the groups beside them."""
    document: dict[str, Any] = {}
    groups: tuple[str | GroupId, ...] = ()
    for key, (name, value) in reader.table(node, "person").items():
        if key == "groups":
            groups = _read_groups(reader, value)
            continue
        if not key.lower().startswith("urn:") and not is_known(reader.traits, AttributePath(None, key)):
            reader.error(name.place, f"`person`: users have no attribute {key}", did_you_mean(key, ATTRIBUTES))
        document[key] = _plain(value)
    return document, groups


def _read_groups(reader: Reader, node: Node) -> tuple[str | GroupId, ...]:
    groups: list[str | GroupId] = []
    for item in reader.items(node, "person.groups", may_be_empty=True):
        if isinstance(item, Table):
            given = reader.fields(item, "person.groups", ("id",))
            group_id = reader.text(given["id"], "person.groups.id") if "id" in given else None
            if not item.entries:
                reader.error(item.place, "a group as a mapping needs `id`", "write {id: ...}, or the group's name")
            groups += [GroupId(group_id)] if group_id else []
        else:
            text = reader.text(item, "person.groups")
            groups += [text] if text else []
    return tuple(groups)


def _plain(node: Node) -> Any:
    """The value as JSON would have it."""
    match node:
        case Table(entries=entries):
            return {key.text: _plain(value) for key, value in entries}
        case Items(items=items):
            return [_plain(item) for item in items]
        case Scalar(kind="true or false", text=text):
            return text.lower() == "true"
        case Scalar(kind="number", text=text):
            return _number(text)
        case Scalar(kind="nothing"):
            return None
        case _:
            return node.text


def _number(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _read_expect(reader: Reader, node: Node, rules: Mapping[str, str], catalogue: Catalogue) -> Expectation | None:
    if isinstance(node, Scalar) and node.text == NOTHING:
        return None
    given = reader.fields(node, "expect", ("role", "because", "assets", "hub_role"))
    if not isinstance(node, Table):
        return None
    if not node.entries:
        reader.error(node.place, "`expect` says nothing", f"give role, because, assets or hub_role, or write {NOTHING}")
    role = _read_word(reader, given.get("role"), "expect.role", catalogue.roles)
    hub_role = _read_word(reader, given.get("hub_role"), "expect.hub_role", HUB_ROLES)
    because = reader.text(given["because"], "expect.because") if "because" in given else None
    if because is not None and name_key(because) not in rules:
        reader.error(given["because"].place, f'there is no rule "{because}"', did_you_mean(because, rules.values()))
    assets = _read_assets(reader, given["assets"], catalogue) if "assets" in given else None
    return Expectation(role, rules.get(name_key(because or ""), because), assets, cast(HubRole | None, hub_role))


def _read_word(reader: Reader, node: Node | None, what: str, known: Sequence[str]) -> str | None:
    """One of ``known``, or "" where none is expected; None: nothing is said."""
    if node is None:
        return None
    word = reader.word(node, what, (*known, NOTHING))
    return "" if word == NOTHING else word


def _read_assets(reader: Reader, node: Node, catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, (key, value) in reader.table(node, "expect.assets").items():
        kind = name.partition("/")[0]
        known = catalogue.asset_roles.get(kind, ())
        if "/" not in name or not known:
            message = f'`expect.assets`: "{name}" is no asset of a type in `asset_roles`'
            reader.error(key.place, message, f"write {next(iter(catalogue.asset_roles), 'type')}/name")
        roles = reader.texts(value, f"expect.assets.{name}")
        for role, place in roles:
            if known and role not in known:
                reader.error(place, f'"{kind}" has no role "{role}" in `asset_roles`', did_you_mean(role, known))
        found[name] = tuple(role for role, _ in roles)
    return found
