"""What holds for a document as a whole, whichever request made it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim_bridge.moments import moment
from scim_bridge.scim.model import Attribute, ResourceType
from scim_bridge.scim.refusals import invalid_value, mutability


def completed(document: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """``document`` with ``schemas`` set to what it really uses.

    Raises Refused invalidValue where something required is missing. What an extension requires is required
    of those resources only that have the extension.
    """
    urns = [kind.core.urn]
    _check_required(document, kind.core.demanding, "")
    for extension in kind.extensions:
        part = document.get(extension.urn)
        if part is not None:
            urns.append(extension.urn)
            _check_required(part, extension.demanding, f"{extension.urn}.")
    return {**document, "schemas": urns}


def _check_required(holder: Mapping[str, Any], demanding: tuple[Attribute, ...], place: str) -> None:
    for attribute in demanding:
        value = holder.get(attribute.name)
        if value is None:
            if attribute.required:
                raise invalid_value(f"{place}{attribute.name}: it is required")
            continue
        for element in value if isinstance(value, list) else (value,):
            for sub in attribute.subs:
                if sub.required and sub.name not in element:
                    raise invalid_value(f"{place}{attribute.name}.{sub.name}: it is required")


def keep_immutable(document: dict[str, Any], stored: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """``document``, which replaces ``stored`` (RFC 7644 section 3.5.1): immutable values stay where they are left out.

    Raises Refused mutability where one would change.
    """
    for urn, name in kind.immutable:
        old = (stored if urn is None else stored.get(urn, {})).get(name)
        if old is None:
            continue
        if urn is not None and urn not in document:
            document["schemas"] = [*document["schemas"], urn]
        holder = document if urn is None else document.setdefault(urn, {})
        if _differs(holder.setdefault(name, old), old, urn, name, kind):
            raise cannot_change(name)
        holder[name] = old
    return document


def check_immutable(document: Mapping[str, Any], stored: Mapping[str, Any], kind: ResourceType) -> None:
    """Raise Refused mutability where ``document`` differs from ``stored`` in what may be set once."""
    for urn, name in kind.immutable:
        old = (stored if urn is None else stored.get(urn, {})).get(name)
        new = (document if urn is None else document.get(urn, {})).get(name)
        if old is not None and _differs(new, old, urn, name, kind):
            raise cannot_change(name)


def _differs(new: Any, old: Any, urn: str | None, name: str, kind: ResourceType) -> bool:
    """Whether ``new`` says something else; clients write one moment in several ways."""
    if new == old:
        return False
    schema = kind.core if urn is None else kind.extension(urn)
    attribute = schema.find(name) if schema else None
    if new is None or attribute is None or attribute.kind != "dateTime":
        return True
    return _moments(new) != _moments(old)


def _moments(value: Any) -> list[int | None]:
    return [moment(text) for text in (value if isinstance(value, list) else (value,))]


def cannot_change(name: str) -> Exception:
    """The refusal of another value for what may be set once."""
    return mutability(f"{name} may be set once and has a value", advice="leave it out, or delete the resource")
