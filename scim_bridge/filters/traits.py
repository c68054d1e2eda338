"""What filters and sorting must know of attributes, told by whoever defines them.

A filter is text about names; whether ``externalId`` keeps its case or ``level`` is a number stands in the schemas,
which live above this package and can be declared by operators. They come in as ``Traits``; where none are given,
``CORE_TRAITS`` knows what RFC 7643 makes special, and every other value is taken by its looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from scim_bridge.filters.tree import AttributePath, InvalidFilter
from scim_bridge.spelling import did_you_mean

Kind = Literal["string", "boolean", "integer", "decimal", "dateTime", "reference", "binary", "complex", "any"]
_NONE: Mapping[str, Trait] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Trait:
    """One attribute: its name as stored, its kind, and its parts by lower-case name.

    ``any``: the kind is what the values look like. ``is_secret``: it cannot be asked for (a password).
    """

    name: str
    kind: Kind = "string"
    case_exact: bool = False
    multi: bool = False
    is_secret: bool = False
    subs: Mapping[str, Trait] = field(default_factory=lambda: _NONE, compare=False)

    def inside(self) -> Traits:
        """The attributes of one element, as brackets see them; a simple element is its own ``value``."""
        return Traits(self.name, frozenset(), self.subs or {"value": Trait("value", self.kind, self.case_exact)})


Chain = tuple[Trait, ...]
"""The way down to an attribute: extension (as a complex attribute that its URN names), attribute, sub-attribute."""


@dataclass(frozen=True, slots=True)
class Traits:
    """The attributes of one kind of resource, or of one element.

    ``resource`` is the kind's name for messages, ``urns`` are the core schema's in lower case; ``attributes``
    go by lower-case name and ``extensions`` by lower-case URN.
    """

    resource: str
    urns: frozenset[str]
    attributes: Mapping[str, Trait]
    extensions: Mapping[str, Trait] = field(default_factory=lambda: _NONE)

    def find(self, path: AttributePath) -> Chain | None:
        """The way to ``path``; None where there is no such attribute.

        A name without URN that only an extension has means the extension's: Entra asks for ``manager``.
        """
        if path.urn is not None and path.urn.lower() not in self.urns:
            return self._in_extension(path.urn.lower(), path)
        chain = _down(self.attributes, path)
        if chain is None and path.urn is None and self.extensions:
            chains = (_below(extension, path) for extension in self.extensions.values())
            return next((found for found in chains if found), None)
        return chain

    def get(self, path: AttributePath) -> Chain:
        """The same; raises InvalidFilter with the nearest known name, and for what is secret."""
        chain = self.find(path)
        if chain is None:
            raise InvalidFilter(f"{self.resource} has no attribute {path}", advice=did_you_mean(*self._words(path)))
        if any(trait.is_secret for trait in chain):
            raise InvalidFilter(f"{path} is sensitive and cannot be asked for", advice="leave it out of the filter")
        return chain

    def _in_extension(self, urn: str, path: AttributePath) -> Chain | None:
        if urn in self.extensions:
            return _below(self.extensions[urn], path)
        whole = self.extensions.get(f"{urn}:{path.name}".lower())  # the grammar takes its last part for a name
        return None if whole is None or path.sub else (whole,)

    def _words(self, path: AttributePath) -> tuple[str, list[str]]:
        """The word that is wrong, and those that could stand in its place."""
        urn = path.urn.lower() if path.urn is not None and path.urn.lower() not in self.urns else None
        if urn is not None and urn not in self.extensions:
            return str(path.urn), [*self.urns, *(extension.name for extension in self.extensions.values())]
        parent = self.find(AttributePath(path.urn, path.name)) if path.sub else None
        if parent is not None and parent[-1].subs:
            return str(path.sub), [sub.name for sub in parent[-1].subs.values()]
        own = self.attributes if urn is None else self.extensions[urn].subs
        others = self.extensions.values() if urn is None else ()
        return path.name, [trait.name for names in (own, *(one.subs for one in others)) for trait in names.values()]


def value_of(chain: Chain) -> Chain | None:
    """Where the value is that a comparison means: a complex attribute stands for its ``value`` (RFC 7644 figure 1).

    None: it has parts, and none is called so.
    """
    if chain[-1].kind != "complex":
        return chain
    value = chain[-1].subs.get("value")
    return None if value is None else (*chain, value)


def _below(extension: Trait, path: AttributePath) -> Chain | None:
    chain = _down(extension.subs, path)
    return None if chain is None else (extension, *chain)


def _down(attributes: Mapping[str, Trait], path: AttributePath) -> Chain | None:
    trait = attributes.get(path.name.lower())
    if trait is None or path.sub is None:
        return None if trait is None else (trait,)
    sub = trait.subs.get(path.sub.lower())
    return None if sub is None else (trait, sub)


def _by_name(*traits: Trait) -> Mapping[str, Trait]:
    return MappingProxyType({trait.name.lower(): trait for trait in traits})


ANY = Trait("", "any")
EXACT = Trait("", "any", case_exact=True)
_REF = Trait("$ref", "reference", case_exact=True)
_ID = Trait("value", case_exact=True)
_PRIMARY = Trait("primary", "boolean")


def _elements(name: str, *subs: Trait) -> Trait:
    return Trait(name, "complex", multi=True, subs=_by_name(*subs))


CORE_TRAITS = Traits(
    "resource",
    frozenset(
        {
            "urn:ietf:params:scim:schemas:core:2.0:user",
            "urn:ietf:params:scim:schemas:core:2.0:group",
        }
    ),
    _by_name(
        Trait("id", case_exact=True),
        Trait("externalId", case_exact=True),
        Trait("profileUrl", "reference", case_exact=True),
        Trait("active", "boolean"),
        _elements("photos", Trait("value", "reference", case_exact=True), _PRIMARY),
        _elements("x509Certificates", Trait("value", "binary", case_exact=True), _PRIMARY),
        *(
            _elements(name, _PRIMARY)
            for name in ("emails", "phoneNumbers", "ims", "addresses", "entitlements", "roles")
        ),
        _elements("groups", _ID, _REF),
        _elements("members", _ID, _REF),
        Trait("manager", "complex", subs=_by_name(_ID, _REF)),
        Trait(
            "meta",
            "complex",
            subs=_by_name(
                Trait("resourceType", case_exact=True),
                Trait("created", "dateTime"),
                Trait("lastModified", "dateTime"),
                Trait("location", "reference", case_exact=True),
                Trait("version", case_exact=True),
            ),
        ),
    ),
)
"""What RFC 7643 makes special; a test holds it to the definitions. Attributes that are not here are ``ANY``."""
