"""What an attribute, a schema and a resource type are (RFC 7643 sections 2, 6 and 7), as values. Pure.

One set of them serves validation, PATCH, projection, filters and GET /Schemas, so they cannot tell different
stories. Names are looked up in any case; the tables for that are built once, when the value is made. Each is
equal to itself alone, so that what is built for one is found by it quickly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"]
Mutability = Literal["readWrite", "readOnly", "immutable", "writeOnly"]
Returned = Literal["always", "default", "request", "never"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 7).

    ``stored`` False: taken, checked and forgotten (a password). ``takes_text``: providers send a bare text
    where the RFC has ``{"value": text}``. A stored sub-attribute is one plain value.
    """

    name: str
    kind: Kind = "string"
    description: str = ""
    multi: bool = False
    subs: tuple[Attribute, ...] = ()
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Literal["none", "server", "global"] = "none"
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    stored: bool = True
    takes_text: bool = False
    _subs: Mapping[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_subs", _by_name(self.subs))

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of this name, in any case."""
        return self._subs.get(name) or self._subs.get(name.lower())


@dataclass(frozen=True, slots=True, eq=False)
class SchemaDefinition:
    """One schema: its URN, name and attributes; ``demanding`` are those that are required or have required parts."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    demanding: tuple[Attribute, ...] = field(init=False, repr=False)
    _attributes: Mapping[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        demanding = tuple(one for one in self.attributes if one.required or any(sub.required for sub in one.subs))
        object.__setattr__(self, "demanding", demanding)
        object.__setattr__(self, "_attributes", _by_name(self.attributes))

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name, in any case."""
        return self._attributes.get(name) or self._attributes.get(name.lower())


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource: its core schema, extensions, what every resource has, and where it lives.

    ``ignored_urns``: schema names that a client may send and that mean nothing here. ``schemas``: the core
    schema, then the extensions. ``immutable`` holds ``(urn or None, name)`` of what may be set once; ``hides``:
    something that is stored is not shown unless it is asked for.
    """

    name: str
    endpoint: str
    core: SchemaDefinition
    extensions: tuple[SchemaDefinition, ...] = ()
    ignored_urns: tuple[str, ...] = ()
    common: tuple[Attribute, ...] = ()
    schemas: tuple[SchemaDefinition, ...] = field(init=False, repr=False)
    immutable: tuple[tuple[str | None, str], ...] = field(init=False, repr=False)
    hides: bool = field(init=False, repr=False)
    _top: Mapping[str, Attribute] = field(init=False, repr=False)
    _extensions: Mapping[str, SchemaDefinition] = field(init=False, repr=False)
    _urns: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        extensions = {urn: one for one in self.extensions for urn in (one.urn, one.urn.lower())}
        urns = (self.core.urn, *extensions, *self.ignored_urns)
        immutable = tuple(
            (None if schema is self.core else schema.urn, one.name)
            for schema in (self.core, *self.extensions)
            for one in schema.attributes
            if one.mutability == "immutable"
        )
        object.__setattr__(self, "schemas", (self.core, *self.extensions))
        object.__setattr__(self, "_extensions", extensions)
        object.__setattr__(self, "_top", _by_name((*self.common, *self.core.attributes)))
        object.__setattr__(self, "_urns", frozenset(urn.lower() for urn in urns))
        object.__setattr__(self, "immutable", immutable)
        object.__setattr__(self, "hides", any(_hides(one) for schema in self.schemas for one in schema.attributes))

    def find(self, name: str) -> Attribute | None:
        """The attribute of the core schema or of every resource, in any case."""
        return self._top.get(name) or self._top.get(name.lower())

    def extension(self, urn: str) -> SchemaDefinition | None:
        """The extension of this URN, in any case."""
        return self._extensions.get(urn) or self._extensions.get(urn.lower())

    def knows(self, urn: str) -> bool:
        """Whether a resource may name this schema."""
        return urn.lower() in self._urns


def _by_name(attributes: Iterable[Attribute]) -> Mapping[str, Attribute]:
    return {name: one for one in attributes for name in (one.name, one.name.lower())}


def _hides(attribute: Attribute) -> bool:
    if not attribute.stored:
        return False
    return attribute.returned in ("request", "never") or any(_hides(sub) for sub in attribute.subs)
