"""Which attributes a response shows (RFC 7644 section 3.9, ``returned`` of RFC 7643 section 7). Pure.

returned | nothing asked | attributes= names it | attributes= without it | excludedAttributes= names it
---------+---------------+----------------------+------------------------+-----------------------------
always   | shown         | shown                | shown                  | shown
default  | shown         | shown                | left out               | left out
request  | left out      | shown                | left out               | left out
never    | left out      | left out             | left out               | left out
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scim_bridge.scim.model import Attribute, ResourceType
from scim_bridge.scim.values import is_unassigned

_Paths = Mapping[tuple[str, str], frozenset[str]]
"""Folded ``(urn or "", name or "")`` to the sub-attributes that are meant; none: the whole of it."""


_NONE = frozenset[str]()


@dataclass(frozen=True, slots=True)
class _Parts:
    """Which sub-attributes are shown: those ``asked`` for, else all but those ``left`` out."""

    attribute: Attribute | None
    asked: frozenset[str] = _NONE
    left: frozenset[str] = _NONE

    def of(self, value: Any) -> Any:
        """The shown parts of a complex value, or of each of several."""
        if isinstance(value, list):
            return [part for one in value if (part := self.of(one))]
        return {name: part for name, part in value.items() if self._shows(name)}

    def _shows(self, name: str) -> bool:
        sub = self.attribute.sub(name) if self.attribute else None
        match sub.returned if sub else "default":
            case "always":
                return True
            case "never":
                return False
            case "request":
                return name.lower() in self.asked
            case _:
                return name.lower() in self.asked if self.asked else name.lower() not in self.left


_ALL = _Parts(None)


@dataclass(frozen=True, slots=True)
class Projection:
    """What to keep (``only``) or leave out (``without``) of resources of ``kind``."""

    kind: ResourceType
    only: _Paths
    without: _Paths
    _plans: dict[tuple[str, str], _Parts | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether resources are shown as they are."""
        return not (self.only or self.without or self.kind.hides)

    def shows(self, name: str) -> bool:
        """Whether the core attribute ``name`` can appear at all: whoever loads it may save the work."""
        place = ("", name.lower())
        if self.only:
            return place in self.only
        return place not in self.without or bool(self.without[place])

    def apply(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The part of ``resource`` to show; without a wish ``resource`` itself."""
        if self.is_whole:
            return resource
        shown: dict[str, Any] = {}
        for key, value in resource.items():
            schema = self.kind.extension(key)
            if schema is None:
                part = self._shown("", key, value)
            else:
                urn = schema.urn.lower()
                parts = {inside: self._shown(urn, inside, one) for inside, one in value.items()}
                part = {inside: one for inside, one in parts.items() if not is_unassigned(one)}
            if not is_unassigned(part):
                shown[key] = part
        return shown

    def _shown(self, urn: str, name: str, value: Any) -> Any:
        """What is shown of one attribute; None: nothing."""
        place = (urn, name)
        if place not in self._plans:  # a page of users asks for the same names again and again
            self._plans[place] = self._plan(urn, name)
        plan = self._plans[place]
        if plan is None or plan is _ALL:
            return None if plan is None else value
        return plan.of(value)

    def _plan(self, urn: str, name: str) -> _Parts | None:
        schema = self.kind.extension(urn) if urn else None
        attribute = schema.find(name) if schema else self.kind.find(name)
        returned = attribute.returned if attribute else "default"
        place = (urn, name.lower())
        asked = self.only.get(place, _NONE if urn and (urn, "") in self.only else None)
        left = self.without.get(place, _NONE if urn and (urn, "") in self.without else None)
        if returned == "always":
            asked, left = asked or _NONE, None
        elif returned == "never" or left == _NONE or (asked is None and (self.only or returned == "request")):
            return None
        if attribute is None or not attribute.subs:
            return None if asked else _ALL
        return _Parts(attribute, asked or _NONE, left or _NONE)


def read_projection(attributes: str | None, excluded: str | None, kind: ResourceType) -> Projection:
    """The query parameters ``attributes`` and ``excludedAttributes``; the first wins where both are given.

    Names that are not known choose nothing (RFC 7644 does not ask for an error).
    """
    only = _paths(attributes, kind) if attributes else {}
    return Projection(kind, only, _paths(excluded, kind) if excluded and not only else {})


def _paths(text: str, kind: ResourceType) -> _Paths:
    found: dict[tuple[str, str], frozenset[str]] = {}
    for name in filter(None, (name.strip() for name in text.split(","))):
        urn, attribute, sub = _path(name.lower(), kind)
        subs = frozenset({sub}) if sub else frozenset[str]()
        known = found.get((urn, attribute))
        found[urn, attribute] = subs if known is None else known | subs if known and subs else frozenset()
    return found


def _path(text: str, kind: ResourceType) -> tuple[str, str, str]:
    for schema in kind.schemas:
        urn = schema.urn.lower()
        if text == urn:
            return urn, "", ""
        if text.startswith(urn + ":"):
            name, _, sub = text[len(urn) + 1 :].partition(".")
            return ("" if schema is kind.core else urn), name, sub
    name, _, sub = text.partition(".")
    return "", name, sub
