"""What identity providers send, brought to one form before anything looks at it. Pure.

    sent                                                   | by            | read as
    -------------------------------------------------------+---------------+---------------------------------
    ``"op": "Replace"``                                    | Entra         | replace
    ``"active": "False"``                                  | Entra, legacy | false
    no path, ``{"name.givenName": ..., "urn:...:x": ...}`` | Entra, flag   | one operation for each key
    ``{"op": "replace", "value": {"active": false}}``      | Okta          | the same
    manager ``"42"`` instead of ``{"value": "42"}``        | Entra         | ``{"value": "42"}``
    ``roles`` with a text as value, in PATCH               | Entra, legacy | ``{"value": "Admin"}``
    a role whose ``value`` is JSON text                    | Entra, legacy | ``{"value": "Admin", "display": ...}``
    ``null``, ``""``, ``[]``                               | all           | unassigned: not there

Values are otherwise kept as sent; nothing is dropped without a word but what the RFC says to ignore.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.scim.definitions import COMMON, Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.refusals import invalid_syntax, invalid_value

_TRUTHS = {"true": True, "false": False}
_TAKE_TEXT = ("manager", "roles")
_OPS = ("add", "remove", "replace")


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a PATCH. ``path`` None only where nothing can be said about the target (noTarget)."""

    op: str
    path: str | None
    value: Any = None
    named: bool = True  # False: the path was a key of a value without path


def operations(body: Mapping[str, Any]) -> list[Operation]:
    """The operations of a PatchOp body, each with a path. Raises Refused invalidSyntax."""
    found = next((value for key, value in body.items() if key.lower() == "operations"), None)
    if not isinstance(found, list) or not all(isinstance(operation, Mapping) for operation in found):
        raise invalid_syntax("Operations is no list of objects", advice="see RFC 7644 section 3.5.2")
    return [step for operation in found for step in _steps(operation)]


def _steps(operation: Mapping[str, Any]) -> Iterator[Operation]:
    folded = {key.lower(): value for key, value in operation.items()}
    op, path, value = folded.get("op"), folded.get("path"), folded.get("value")
    if not isinstance(op, str) or op.lower() not in _OPS:
        raise invalid_syntax("an operation has no known op", advice=f"use one of {', '.join(_OPS)}")
    if path is not None and not isinstance(path, str):
        raise invalid_syntax("a path is no text")
    if path:
        yield Operation(op.lower(), path, value)
    elif op.lower() == "remove":
        yield Operation("remove", None)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield Operation(op.lower(), key, part, named=False)
    else:
        raise invalid_value("an operation without a path needs an object as value")


def normalise(body: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """``body`` of a POST or PUT with canonical names and plain values; unknown core attributes are left out.

    Raises Refused (invalidValue, invalidSyntax) for schemas that are not known.
    """
    resource: dict[str, Any] = {}
    for key, value in body.items():
        extension = kind.extension(key)
        if extension is not None:
            part = _extension(value, extension)
            if part:
                resource[extension.urn] = part
        elif ":" in key:
            raise invalid_value(
                f"the schema {key} is not known", advice="GET /Schemas lists the schemas that are supported"
            )
        else:
            attribute = kind.core.find(key) or COMMON.get(key.lower())
            _check_elements(attribute, value)
            if attribute is not None and not is_unassigned(plain := coerce(attribute, value)):
                resource[attribute.name] = plain
    check_schemas(resource.pop("schemas", None), kind)
    return resource


def _check_elements(attribute: Attribute | None, value: Any) -> None:
    """A whole resource lists objects where an attribute has several values; one alone is fine."""
    if attribute is None or not (attribute.multi and attribute.subs):
        return
    for element in value if isinstance(value, list) else [value]:
        if not isinstance(element, Mapping) and not is_unassigned(element):
            raise invalid_value(f"{attribute.name} takes a list of objects", advice='write [{"value": "..."}]')


def _extension(value: Any, schema: SchemaDefinition) -> dict[str, Any]:
    if is_unassigned(value):
        return {}
    if not isinstance(value, Mapping):
        raise invalid_value(f"{schema.urn} is no object")
    found: dict[str, Any] = {}
    for key, part in value.items():
        attribute = schema.find(key)
        if attribute is not None and not is_unassigned(plain := coerce(attribute, part)):
            found[attribute.name] = plain
    return found


def check_schemas(urns: Any, kind: ResourceType) -> None:
    """Refuse schema names that are not known; none at all are taken as the resource's own."""
    if urns is None:
        return
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        raise invalid_value("schemas is no list of texts")
    known = {urn.lower() for urn in (kind.core.urn, *(one.urn for one in kind.extensions), *kind.ignored_urns)}
    for urn in urns:
        if urn.lower() not in known:
            raise invalid_value(
                f"the schema {urn} is not known", advice="GET /Schemas lists the schemas that are supported"
            )


def coerce(attribute: Attribute, value: Any) -> Any:
    """``value`` in the form that ``attribute`` has in the definitions; what fits nothing stays as it is."""
    if attribute.multi and attribute.subs:
        elements = value if isinstance(value, list) else [value]
        coerced = [_element(attribute, element) for element in elements]
        return [element for element in coerced if not is_unassigned(element)]
    if isinstance(value, list) and len(value) == 1 and attribute.subs:
        value = value[0]
    return _element(attribute, value) if attribute.subs else plain_value(attribute, value)


def plain_value(attribute: Attribute, value: Any) -> Any:
    """A simple value: the words true and false in any case are booleans where one is due."""
    if attribute.kind == "boolean" and isinstance(value, str):
        return _TRUTHS.get(value.strip().lower(), value)
    return value


def is_unassigned(value: Any) -> bool:
    """``null``, ``""``, ``[]`` and ``{}`` all mean: no value (RFC 7643 section 2.5)."""
    return value is None or value in ("", [], {})


def _element(attribute: Attribute, value: Any) -> Any:
    """One complex value; where a provider sends one, a bare text stands for its ``value``."""
    if isinstance(value, str) and (not value or attribute.name in _TAKE_TEXT):
        value = {"value": value} if value else None
    if not isinstance(value, Mapping):
        return value
    if attribute.name == "roles":
        value = _role(value)
    found: dict[str, Any] = {}
    for key, part in value.items():
        sub = attribute.sub(key)
        if sub is None or (sub.mutability == "readOnly" and attribute.mutability != "readOnly"):
            continue
        if not is_unassigned(plain := plain_value(sub, part)):
            found[sub.name] = plain
    return found


def _role(role: Mapping[str, Any]) -> Mapping[str, Any]:
    """Entra's role: JSON text in ``value``, ``displayName`` where the RFC says ``display``."""
    folded = {key.lower(): value for key, value in role.items()}
    text = folded.get("value")
    if isinstance(text, str) and text.lstrip().startswith("{"):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict) and isinstance(inner.get("value"), str):
            folded |= {key.lower(): value for key, value in inner.items()}
    if "displayname" in folded:
        folded.setdefault("display", folded["displayname"])
    return folded
