"""A PATCH path or a bare attribute name, looked up in the definitions. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scim_bridge.filters import (
    AttributePath,
    Compare,
    Filter,
    InvalidFilter,
    Path,
    attribute_paths,
    check_types,
    parse_path,
)
from scim_bridge.scim.model import Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.refusals import invalid_path
from scim_bridge.scim.traits import inside_of

_LONGEST = 1024  # characters of a path that needs no parser
_NAME = r"[A-Za-z$][A-Za-z0-9_$-]*"
_USUAL = re.compile(
    rf"""(?:(urn:[A-Za-z0-9_.:-]+):)?({_NAME})  # with its schema or without
    (?:\.({_NAME})                              # .sub
    |\[({_NAME})[ ][eE][qQ][ ]"([^"\\]*)"\](?:\.({_NAME}))?)?  # [type eq "work"], and its .sub""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What an operation is about, in canonical names.

    ``urn`` None: the core schema. ``attribute`` None: the extension ``urn`` as a whole.
    """

    urn: str | None
    attribute: Attribute | None
    sub: Attribute | None = None
    where: Filter | None = None


def find_target(text: str, kind: ResourceType) -> Target:
    """Read ``text``; raises Refused invalidPath where it cannot be read or names nothing known.

    Raises InvalidFilter where brackets hold a comparison that no value can meet.
    """
    extension = kind.extension(text)
    if extension is not None:
        return Target(extension.urn, None)
    path = _read(text)
    schema = _schema(path, kind)
    name = path.attribute.name
    attribute = schema.find(name) if schema else kind.find(name)
    if attribute is None and path.attribute.urn is None:
        schema, attribute = _in_extensions(name, kind)
    if attribute is None:
        raise unknown_attribute(str(path.attribute), kind)
    sub = _sub(attribute, path, kind)
    where = _where(path.where, attribute, kind) if path.where else None
    return Target(schema.urn if schema else None, attribute, sub, where)


def _read(text: str) -> Path:
    """The path; the usual forms are read without the parser, which takes a hundred times as long."""
    usual = _USUAL.fullmatch(text)
    if usual is not None and len(text) <= _LONGEST:
        urn, name, sub, inner, value, after = usual.groups()
        if inner is None:
            return Path(AttributePath(urn, name, sub))
        return Path(AttributePath(urn, name), Compare(AttributePath(None, inner), "eq", value), after)
    try:
        return parse_path(text)
    except InvalidFilter as error:
        raise invalid_path(f"the path cannot be read: {error.message}", advice=error.advice) from error


def _where(where: Filter, attribute: Attribute, kind: ResourceType) -> Filter:
    for inner in attribute_paths(where):
        if attribute.sub(inner.name) is None and (attribute.subs or inner.name.lower() != "value"):
            raise unknown_attribute(f"{attribute.name}[{inner}]", kind)
    check_types(where, inside_of(attribute))
    return where


def _in_extensions(name: str, kind: ResourceType) -> tuple[SchemaDefinition | None, Attribute | None]:
    """An attribute that one extension alone has: an old sample of Entra's has ``manager`` without its URN."""
    found = [(one, attribute) for one in kind.extensions if (attribute := one.find(name))]
    return found[0] if len(found) == 1 else (None, None)


def _schema(path: Path, kind: ResourceType) -> SchemaDefinition | None:
    """The extension that the path's URN names; None for the core schema."""
    urn = path.attribute.urn
    if urn is None or urn.lower() == kind.core.urn.lower():
        return None
    extension = kind.extension(urn)
    if extension is None:
        raise invalid_path(f"the schema {urn} is not known", advice="GET /Schemas lists the schemas that are supported")
    return extension


def _sub(attribute: Attribute, path: Path, kind: ResourceType) -> Attribute | None:
    name = path.sub or path.attribute.sub
    if path.where is not None and not attribute.multi:
        raise invalid_path(f"{attribute.name} has no elements to choose from", advice="leave out the brackets")
    if name is None:
        return None
    sub = attribute.sub(name)
    if sub is None:
        raise unknown_attribute(f"{attribute.name}.{name}", kind)
    return sub


def unknown_attribute(name: str, kind: ResourceType) -> Exception:
    """The refusal of a name that no schema of the resource has."""
    return invalid_path(
        f"a {kind.name} has no attribute {name}", advice="GET /Schemas lists the attributes that are supported"
    )
