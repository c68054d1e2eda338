"""What the definitions say of attributes, in the form that filters and sorting ask for. Pure.

Made once for each resource type, which never changes while the bridge runs; an extension that a resource type
has, shipped or declared, is found at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from scim_bridge.filters import Trait, Traits
from scim_bridge.scim.definitions import COMMON, Attribute, ResourceType

_made: dict[int, tuple[ResourceType, Traits]] = {}  # by identity: to hash a resource type is to walk all of it


def traits_of(kind: ResourceType) -> Traits:
    """The attributes of ``kind``, those of every resource and of its extensions."""
    made = _made.get(id(kind))
    if made is None:
        made = _made[id(kind)] = (kind, _traits(kind))
    return made[1]


def trait_of(attribute: Attribute) -> Trait:
    """One attribute with its parts."""
    return Trait(
        attribute.name,
        attribute.kind,
        attribute.case_exact,
        attribute.multi,
        attribute.returned == "never",
        _by_name(attribute.subs),
    )


def _traits(kind: ResourceType) -> Traits:
    extensions = {
        schema.urn.lower(): Trait(schema.urn, "complex", subs=_by_name(schema.attributes)) for schema in kind.extensions
    }
    attributes = _by_name((*COMMON.values(), *kind.core.attributes))
    return Traits(kind.name, frozenset({kind.core.urn.lower()}), attributes, MappingProxyType(extensions))


def _by_name(attributes: Iterable[Attribute]) -> Mapping[str, Trait]:
    return MappingProxyType({attribute.name.lower(): trait_of(attribute) for attribute in attributes})
