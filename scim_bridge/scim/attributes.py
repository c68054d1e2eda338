"""Which attributes a response shows (RFC 7644 section 3.9). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.filters import find_key
from scim_bridge.scim.definitions import ResourceType

_ALWAYS = ("schemas", "id")


@dataclass(frozen=True, slots=True)
class Projection:
    """What to keep (``only``) or leave out; paths are folded ``(urn or "", name or "", sub or "")``."""

    only: frozenset[tuple[str, str, str]] = frozenset()
    without: frozenset[tuple[str, str, str]] = frozenset()

    def shows(self, name: str) -> bool:
        """Whether the core attribute ``name`` can appear at all: whoever loads it may save the work."""
        folded = name.lower()
        if self.only:
            return any(path[0] == "" and path[1] == folded for path in self.only)
        return ("", folded, "") not in self.without

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The part of ``resource`` to show; ``id`` and ``schemas`` always."""
        if self.only:
            return self._kept(resource)
        if self.without:
            return self._left(resource)
        return dict(resource)

    def _kept(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: resource[name] for name in _ALWAYS if name in resource}
        for urn, name, sub in sorted(self.only):
            holder = _inside(resource, urn)
            key = find_key(holder, name) if name else None
            if urn and not name:
                shown[str(find_key(resource, urn))] = holder
            elif key is not None and (key not in _ALWAYS or urn):
                into = shown.setdefault(str(find_key(resource, urn)), {}) if urn else shown
                into[key] = _merged(into.get(key), _only_sub(holder[key], sub)) if sub else holder[key]
        return {key: value for key, value in shown.items() if value not in ({}, [])}

    def _left(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        shown = dict(resource)
        for urn, name, sub in sorted(self.without):
            urn_key = find_key(shown, urn) if urn else None
            if urn and urn_key is None:
                continue
            if urn_key is not None and not name:
                del shown[urn_key]
                continue
            holder = shown if urn_key is None else dict(shown[urn_key])
            key = find_key(holder, name)
            if key is None or (urn_key is None and key in _ALWAYS):
                continue
            if sub:
                holder[key] = _without_sub(holder[key], sub)
            else:
                del holder[key]
            if urn_key is not None:
                shown[urn_key] = holder
        return shown


def read_projection(attributes: str | None, excluded: str | None, kind: ResourceType) -> Projection:
    """The query parameters ``attributes`` and ``excludedAttributes``; the first wins where both are given.

    Names that are not known choose nothing (RFC 7644 does not ask for an error).
    """
    return Projection(_paths(attributes, kind), _paths(excluded, kind))


def _paths(text: str | None, kind: ResourceType) -> frozenset[tuple[str, str, str]]:
    names = [name.strip() for name in (text or "").split(",")]
    return frozenset(_path(name, kind) for name in names if name)


def _path(text: str, kind: ResourceType) -> tuple[str, str, str]:
    for schema in (kind.core, *kind.extensions):
        urn = schema.urn.lower()
        if text.lower() == urn:
            return urn, "", ""
        if text.lower().startswith(urn + ":"):
            name, _, sub = text[len(urn) + 1 :].lower().partition(".")
            return ("" if schema is kind.core else urn), name, sub
    name, _, sub = text.lower().partition(".")
    return "", name, sub


def _inside(resource: Mapping[str, Any], urn: str) -> Mapping[str, Any]:
    key = find_key(resource, urn) if urn else None
    if key is None:
        return {} if urn else resource
    inside: Mapping[str, Any] = resource[key]
    return inside


def _only_sub(value: Any, sub: str) -> Any:
    if isinstance(value, list):
        return [_only_sub(element, sub) for element in value]
    key = find_key(value, sub) if isinstance(value, Mapping) else None
    return {} if key is None else {key: value[key]}


def _without_sub(value: Any, sub: str) -> Any:
    if isinstance(value, list):
        return [_without_sub(element, sub) for element in value]
    if not isinstance(value, Mapping):
        return value
    return {key: part for key, part in value.items() if key.lower() != sub}


def _merged(old: Any, new: Any) -> Any:
    """Two sub-attributes of one attribute: ``emails.value,emails.type``."""
    if isinstance(old, list) and isinstance(new, list):
        return [{**left, **right} for left, right in zip(old, new, strict=True)]
    return {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new
