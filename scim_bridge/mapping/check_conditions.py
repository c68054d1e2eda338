"""``scope``, ``where``, ``except``: SCIM filters, with the doubts that their grammar alone cannot have. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scim_bridge.filters import (
    AttributePath,
    Filter,
    InvalidFilter,
    Traits,
    attribute_paths,
    check_types,
    parse_filter,
)
from scim_bridge.filters.tree import And, Compare, Not, Or
from scim_bridge.mapping.model import Place
from scim_bridge.mapping.nodes import Node, Scalar
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

# RFC 7643 section 4.1.2
MULTI_VALUED: Final = (
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
)

# RFC 7643 sections 3.1 and 4.1, without what is never kept (password) or only of the bridge (id, meta)
ATTRIBUTES: Final = (
    "userName",
    "externalId",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "active",
    "schemas",
    *MULTI_VALUED,
)

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_ENTERPRISE_ATTRIBUTES: Final = ("employeeNumber", "costCenter", "organization", "division", "department", "manager")


def read_condition(reader: Reader, node: Node, what: str) -> Filter | None:
    """A filter, or None where it cannot be read (said so)."""
    text = reader.text(node, what)
    if text is None:
        return None
    try:
        condition = parse_filter(text)
        check_types(condition, reader.traits)
    except InvalidFilter as error:
        reader.refuse(_place(node, error.position), what, error)
        return None
    for compare in _comparisons(condition):
        if compare.op == "ne" and compare.value is not None and _is(compare.path.name, MULTI_VALUED):
            reader.warn(
                node.place,
                f"`{what}`: {compare} holds as soon as any value differs",
                f'for "none is" write not ({Compare(compare.path, "eq", compare.value)})',
            )
    _doubt_attributes(reader, node.place, what, condition)
    return condition


def _place(node: Node, position: int | None) -> Place:
    if position is None or not (isinstance(node, Scalar) and node.is_plain):
        return node.place
    return Place(node.place.file, node.place.line, node.place.column + position - 1)


def _comparisons(condition: Filter) -> Iterator[Compare]:
    """Those on the user itself; inside brackets each element is looked at alone, so there is no doubt."""
    match condition:
        case Compare():
            yield condition
        case Not(filter=inner):
            yield from _comparisons(inner)
        case And(terms=terms) | Or(terms=terms):
            for term in terms:
                yield from _comparisons(term)
        case _:
            return


def _doubt_attributes(reader: Reader, place: Place, what: str, condition: Filter) -> None:
    for path in attribute_paths(condition):
        parent = AttributePath(path.urn, path.name)
        if not is_known(reader.traits, parent):
            reader.warn(place, f"`{what}`: users have no attribute {parent}", _advice(reader.traits, parent))


def is_known(traits: Traits, path: AttributePath) -> bool:
    """Whether users have such an attribute; where ``traits`` hold no extensions, those are not doubted."""
    if traits.find(path) is not None:
        return True
    return not traits.extensions and (path.urn is not None or _is(path.name, ATTRIBUTES))


def _advice(traits: Traits, path: AttributePath) -> str:
    if traits.extensions:
        try:
            traits.get(path)
        except InvalidFilter as error:
            return error.advice
    if _is(path.name, _ENTERPRISE_ATTRIBUTES):
        return f"an attribute of an extension needs its schema in front: {ENTERPRISE}:{path.name}"
    return did_you_mean(path.name, ATTRIBUTES)


def _is(name: str, names: tuple[str, ...]) -> bool:
    return name.lower() in map(str.lower, names)
