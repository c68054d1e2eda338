"""What the definitions say of attributes, in the form that filters and sorting ask for. Pure.

Made once for each resource type, which never changes while the bridge runs; an extension that a resource type
has, shipped or declared, is found at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from scim_bridge.filters import Trait, Traits
from scim_bridge.scim.definitions import COMMON, Attribute, ResourceType


@lru_cache(maxsize=64)
def traits_of(kind: ResourceType) -> Traits:
    """The attributes of ``kind``, those of every resource and of its extensions."""
    extensions = {
        schema.urn.lower(): Trait(schema.urn, "complex", subs=_by_name(schema.attributes)) for schema in kind.extensions
    }
    attributes = _by_name((*COMMON.values(), *kind.core.attributes))
    return Traits(kind.name, frozenset({kind.core.urn.lower()}), attributes, MappingProxyType(extensions))


@lru_cache(maxsize=1024)
def inside_of(attribute: Attribute) -> Traits:
    """The parts of one element of ``attribute``, as brackets see them."""
    return trait_of(attribute).inside()


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


def _by_name(attributes: Iterable[Attribute]) -> Mapping[str, Trait]:
    return MappingProxyType({attribute.name.lower(): trait_of(attribute) for attribute in attributes})
