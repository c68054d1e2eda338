"""``grants``: who gets what, against the roles and asset types in use. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date
from typing import Final, cast

from scim_bridge.errors import InvalidInput
from scim_bridge.folding import name_key
from scim_bridge.mapping.check_catalogue import Catalogue
from scim_bridge.mapping.check_conditions import read_condition
from scim_bridge.mapping.check_partner import read_partner
from scim_bridge.mapping.model import (
    HUB_ROLES,
    AssetGrant,
    Grant,
    GroupId,
    GroupName,
    GroupPattern,
    GroupRef,
    HubRole,
    Place,
)
from scim_bridge.mapping.nodes import Node, Scalar, Table
from scim_bridge.mapping.patterns import parse_pattern, parse_template
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

_KEYS: Final = (
    "name",
    "group",
    "where",
    "partner",
    "except",
    "source",
    "until",
    "role",
    "assets",
    "hub_role",
)
_LONGEST_NAME: Final = 200


def read_grants(reader: Reader, node: Node, catalogue: Catalogue) -> tuple[Grant, ...]:
    """Every rule that could be read; two of one name are refused."""
    grants: dict[str, Grant] = {}
    for item in reader.items(node, "grants", may_be_empty=True):
        grant = _read_grant(reader, item, catalogue)
        if grant is None:
            continue
        twin = grants.setdefault(name_key(grant.name), grant)
        if twin is not grant:
            reader.error(
                grant.place,
                f'two rules are called "{grant.name}", the other in line {twin.place.line}',
                "name them apart",
            )
    return tuple(grants.values())


def _read_grant(reader: Reader, node: Node, catalogue: Catalogue) -> Grant | None:
    given = reader.fields(node, "grants", _KEYS)
    if not isinstance(node, Table):
        return None
    name = _read_name(reader, given.get("name"), node.place)
    if all(key.text in _KEYS for key, _ in node.entries):
        _check_purpose(reader, node, name, given.keys())
    groups = _read_groups(reader, given["group"]) if "group" in given else ()
    hub_role = reader.word(given["hub_role"], "hub_role", HUB_ROLES) if "hub_role" in given else None
    return Grant(
        name=name,
        place=node.place,
        groups=groups,
        where=read_condition(reader, given["where"], "where") if "where" in given else None,
        exclude=read_condition(reader, given["except"], "except") if "except" in given else None,
        role=_read_role(reader, given["role"], catalogue) if "role" in given else None,
        assets=_read_assets(reader, given["assets"], groups, catalogue) if "assets" in given else (),
        hub_role=cast(HubRole | None, hub_role),
        source=reader.text(given["source"], "source") if "source" in given else None,
        source_place=given["source"].place if "source" in given else None,
        until=_read_until(reader, given["until"], name) if "until" in given else None,
        partner=read_partner(reader, node, given, catalogue),
    )


def _check_purpose(reader: Reader, node: Node, name: str, given: Set[str]) -> None:
    if not given & {"group", "where", "partner"}:
        reader.error(node.place, f'rule "{name}" says nobody', "give `group`, `where` or `partner`")
    if not given & {"role", "assets", "hub_role"}:
        reader.error(node.place, f'rule "{name}" gives nothing', "give `role`, `assets` or `hub_role`")


def _read_until(reader: Reader, node: Node, name: str) -> date | None:
    until = reader.day(node, "until")
    if until is not None and reader.today is not None and until < reader.today:
        advice = "remove the rule, or give a later day"
        reader.warn(node.place, f'`until`: {until} is over, so rule "{name}" gives nothing any more', advice)
    return until


def _read_name(reader: Reader, node: Node | None, place: Place) -> str:
    if node is None:
        reader.error(place, "a rule without `name`", "name it: plans and answers refer to it")
        return f"line {place.line}"
    name = reader.text(node, "name")
    if name and len(name) > _LONGEST_NAME:
        reader.error(node.place, f"a rule's name has at most {_LONGEST_NAME} characters", "shorten it")
    return name or f"line {place.line}"


def _read_groups(reader: Reader, node: Node) -> tuple[GroupRef, ...]:
    refs = (_read_group(reader, item) for item in reader.items(node, "group"))
    return tuple(ref for ref in refs if ref is not None)


def _read_group(reader: Reader, node: Node) -> GroupRef | None:
    if isinstance(node, Table):
        given = reader.fields(node, "group", ("id",))
        if not node.entries:
            reader.error(node.place, "`group` as a mapping needs `id`", "see `scim-bridge group list`")
        group_id = reader.text(given["id"], "group.id") if "id" in given else None
        return GroupId(group_id) if group_id else None
    text = reader.text(node, "group")
    if text is None:
        return None
    try:
        pattern = parse_pattern(text)
    except InvalidInput as error:
        reader.refuse(node.place, "group", error)
        return None
    if pattern.matches_everything:
        reader.warn(node.place, f'`group`: "{text}" is every group of every source', "is that meant?")
    return GroupName(text, name_key(text)) if pattern.is_plain else GroupPattern(pattern)


def _read_role(reader: Reader, node: Node, catalogue: Catalogue) -> str | None:
    role = reader.text(node, "role")
    if role is None or role in catalogue.roles:
        return role
    if catalogue.abilities and role in catalogue.abilities.roles:
        reader.error(node.place, f'the role "{role}" is not in `roles`', "add it there, at its rank")
    else:
        reader.error(node.place, f'there is no role "{role}" in `roles`', did_you_mean(role, catalogue.roles))
    return None


def _read_assets(
    reader: Reader, node: Node, groups: Sequence[GroupRef], catalogue: Catalogue
) -> tuple[AssetGrant, ...]:
    entries = reader.table(node, "assets")
    if isinstance(node, Table) and not entries:
        reader.error(node.place, "`assets` is empty", "name an asset, or remove the key")
    found = (_read_asset(reader, key, value, groups, catalogue) for key, value in entries.values())
    return tuple(asset for asset in found if asset is not None)


def _read_asset(
    reader: Reader, key: Scalar, value: Node, groups: Sequence[GroupRef], catalogue: Catalogue
) -> AssetGrant | None:
    kind, slash, name = key.text.partition("/")
    if not slash or not name.strip():
        reader.error(key.place, f'"{key.text}" is no asset', "write type/name, type/id or type/*")
        return None
    known = catalogue.asset_roles.get(kind)
    if known is None:
        app = catalogue.abilities
        if app and kind in app.asset_types:
            reader.error(key.place, f'"{kind}" is not in `asset_roles`', "list its roles there, highest first")
        else:
            types = (*catalogue.asset_roles, *(app.asset_types if app else ()))
            reader.error(key.place, f'there are no assets of type "{kind}"', did_you_mean(kind, dict.fromkeys(types)))
    _check_asset_name(reader, key, name, groups)
    return AssetGrant(kind, name, _read_given_roles(reader, key, value, known, catalogue), key.place)


def _read_given_roles(
    reader: Reader, key: Scalar, value: Node, known: tuple[str, ...] | None, catalogue: Catalogue
) -> tuple[str, ...]:
    kind = key.text.partition("/")[0]
    given = reader.texts(value, f"assets.{key.text}")
    for role, place in given:
        if known is not None and role not in known:
            reader.error(place, f'the role "{role}" is not in `asset_roles.{kind}`', did_you_mean(role, known))
    app = catalogue.abilities
    if app and kind in app.asset_types and app.asset_types[kind].exclusive and len(given) > 1:
        reader.error(value.place, f'roles of "{kind}" exclude each other', "give the highest alone")
    return tuple(role for role, _ in given)


def _check_asset_name(reader: Reader, key: Scalar, name: str, groups: Sequence[GroupRef]) -> None:
    if "*" in name and name != "*":
        reader.error(key.place, f'"{key.text}": `*` stands for every asset of the type, and alone', "write type/*")
        return
    try:
        template = parse_template(name)
    except InvalidInput as error:
        reader.refuse(key.place, "assets", error)
        return
    if template.may_be_empty:
        advice = "such groups give no asset; add |default:NAME, or text around it"
        reader.warn(key.place, f'"{key.text}" may come out without a name', advice)
    defined = [ref.pattern.names if isinstance(ref, GroupPattern) else frozenset() for ref in groups] or [frozenset()]
    everywhere = frozenset.intersection(*defined)
    for word in sorted(template.names - everywhere):
        if any(word in names for names in defined):
            reader.error(key.place, f"{{{word}}} is not captured by every entry of `group`", "split the rule in two")
        else:
            advice = did_you_mean(word, sorted(everywhere)) if everywhere else "capture it: group: gh-team-{team}"
            reader.error(key.place, f"no `group` captures {{{word}}}", advice)
