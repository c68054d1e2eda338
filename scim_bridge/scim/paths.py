"""A PATCH path or a bare attribute name, looked up in the definitions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from scim_bridge.filters import (
    And,
    AttributePath,
    Compare,
    Filter,
    InvalidFilter,
    Not,
    Or,
    Path,
    Present,
    ValuePath,
    parse_path,
)
from scim_bridge.scim.definitions import COMMON, Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.refusals import invalid_path

_TRUTHS = {"true": True, "false": False}


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
    """Read ``text``; raises Refused invalidPath where it cannot be read or names nothing known."""
    extension = kind.extension(text)
    if extension is not None:
        return Target(extension.urn, None)
    try:
        path = parse_path(text)
    except InvalidFilter as error:
        raise invalid_path(f"the path cannot be read: {error.message}", advice=error.advice) from error
    schema = _schema(path, kind)
    attribute = (schema or kind.core).find(path.attribute.name)
    if attribute is None and schema is None:
        attribute = COMMON.get(path.attribute.name.lower())
    if attribute is None:
        raise _unknown(str(path.attribute), kind)
    return Target(
        schema.urn if schema else None,
        attribute,
        _sub(attribute, path, kind),
        with_truths(path.where, attribute, kind) if path.where else None,
    )


def with_truths(filter: Filter, parent: Attribute | None, kind: ResourceType) -> Filter:
    """The same filter with ``"True"`` and ``"false"`` as booleans where the attribute is one.

    Entra asks for ``roles[primary eq "True"]``. Inside brackets ``parent`` is the attribute before them.
    """
    match filter:
        case And(terms=terms):
            return And(tuple(with_truths(term, parent, kind) for term in terms))
        case Or(terms=terms):
            return Or(tuple(with_truths(term, parent, kind) for term in terms))
        case Not(filter=inner):
            return Not(with_truths(inner, parent, kind))
        case ValuePath(path=path, where=where, test=test):
            around = kind.core.find(path.name)
            tested = with_truths(test, around, kind) if test else None
            return ValuePath(path, with_truths(where, around, kind), tested)  # type: ignore[arg-type]
        case Present():
            return filter
        case _:
            return _with_truth(filter, parent, kind)


def _with_truth(compare: Compare, parent: Attribute | None, kind: ResourceType) -> Compare:
    attribute = _compared(compare.path, parent, kind)
    if attribute is None or attribute.kind != "boolean" or not isinstance(compare.value, str):
        return compare
    return Compare(compare.path, compare.op, _TRUTHS.get(compare.value.lower(), compare.value))


def _compared(path: AttributePath, parent: Attribute | None, kind: ResourceType) -> Attribute | None:
    if parent is not None:
        return parent.sub(path.name)
    attribute = kind.core.find(path.name)
    return attribute.sub(path.sub) if attribute and path.sub else attribute


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
    if path.where is not None and not (attribute.multi and attribute.subs):
        raise invalid_path(f"{attribute.name} has no elements to choose from", advice="leave out the brackets")
    if name is None:
        return None
    sub = attribute.sub(name)
    if sub is None:
        raise _unknown(f"{attribute.name}.{name}", kind)
    return sub


def _unknown(name: str, kind: ResourceType) -> Exception:
    return invalid_path(
        f"a {kind.name} has no attribute {name}", advice="GET /Schemas lists the attributes that are supported"
    )
