"""What identity providers send, brought to one form before anything looks at it. Pure.

    sent                                                   | by            | read as
    -------------------------------------------------------+---------------+---------------------------------
    ``"op": "Replace"``                                    | Entra         | replace
    ``"active": "False"``                                  | Entra, legacy | false                 (values.py)
    no path, ``{"name.givenName": ..., "urn:...:x": ...}`` | Entra, flag   | one operation for each key
    ``{"op": "replace", "value": {"active": false}}``      | Okta          | the same
    manager ``"42"`` instead of ``{"value": "42"}``        | Entra         | ``{"value": "42"}``   (values.py)
    ``roles`` with a text as value, in PATCH               | Entra, legacy | ``{"value": "Admin"}`` (values.py)
    a role whose ``value`` is JSON text                    | Entra, legacy | its parts             (values.py)
    ``null``, ``""``, ``[]``                               | all           | unassigned: not there

A PATCH need not say that it is one (``schemas``); one that says it is something else is refused. Values are
otherwise kept as sent; nothing is dropped without a word but what the RFC says to ignore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.scim.messages import by_lower_name
from scim_bridge.scim.model import ResourceType
from scim_bridge.scim.refusals import Refused, invalid_syntax, invalid_value
from scim_bridge.scim.values import is_unassigned, stands_twice

MAX_OPERATIONS = 5_000
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_OPS = ("add", "remove", "replace")


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a PATCH. ``path`` None only where nothing can be said about the target (noTarget)."""

    op: str
    path: str | None
    value: Any = None
    named: bool = True  # False: the path was a key of a value without path


def operations(body: Mapping[str, Any]) -> list[Operation]:
    """The operations of a PatchOp body, each with a path; none at all are taken (an old validator of Entra's).

    Raises Refused invalidSyntax.
    """
    folded = by_lower_name(body)
    urns = folded.get("schemas")
    if not is_unassigned(urns):
        texts = urns if isinstance(urns, list) else [urns]
        if not any(isinstance(urn, str) and urn.lower() == PATCH_OP.lower() for urn in texts):
            raise invalid_syntax("the body says that it is no PATCH", advice=f"schemas is [{PATCH_OP}]")
    found = folded.get("operations")
    if not isinstance(found, list) or not all(isinstance(operation, Mapping) for operation in found):
        raise invalid_syntax("Operations is no list of objects", advice="see RFC 7644 section 3.5.2")
    if len(found) > MAX_OPERATIONS:
        raise invalid_syntax(f"a PATCH has {MAX_OPERATIONS} operations at most", advice="send several requests")
    return [step for operation in found for step in _steps(operation)]


def _steps(operation: Mapping[str, Any]) -> Iterator[Operation]:
    folded = by_lower_name(operation)
    op, path, value = folded.get("op"), folded.get("path"), folded.get("value")
    if not isinstance(op, str) or op.lower() not in _OPS:
        raise invalid_syntax("an operation has no known op", advice=f"use one of {', '.join(_OPS)}")
    if path is not None and not isinstance(path, str):
        raise invalid_syntax("a path is no text")
    if path:
        if op.lower() == "add" and "value" not in folded:
            raise invalid_value(f"an operation adds no value to {path}", advice="give it a value")
        yield Operation(op.lower(), path, value)
    elif op.lower() == "remove":
        yield Operation("remove", None)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield Operation(op.lower(), key, part, named=False)
    else:
        raise invalid_value("an operation without a path needs an object as value")


def normalise(body: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """``body`` of a POST or PUT under canonical names and URNs; what is unassigned or not known is left out.

    A value may be of any type yet. Raises Refused invalidValue for schemas that are not known.
    """
    found: dict[str, Any] = {}
    for key, value in body.items():
        attribute = kind.find(key)
        if attribute is not None:
            if attribute.name == "schemas":
                check_schemas(value, kind)
            elif not is_unassigned(value):
                if attribute.name in found:
                    raise stands_twice(attribute.name)
                found[attribute.name] = value
        elif ":" in key:
            _put_under_urn(found, key, value, kind)
    return found


def _put_under_urn(found: dict[str, Any], key: str, value: Any, kind: ResourceType) -> None:
    """An extension, or one attribute with its schema's URN before it."""
    extension = kind.extension(key)
    if extension is not None:
        if is_unassigned(value):
            return
        if not isinstance(value, Mapping):
            raise invalid_value(f"{extension.urn}: it takes an object")
        found[extension.urn] = {**found.get(extension.urn, {}), **value}
        return
    urn, _, name = key.rpartition(":")
    if urn.lower() == kind.core.urn.lower():
        attribute = kind.core.find(name)
        if attribute is not None and not is_unassigned(value):
            if attribute.name in found:
                raise stands_twice(attribute.name)
            found[attribute.name] = value
    elif (holder := kind.extension(urn)) is not None:
        found.setdefault(holder.urn, {})[name] = value
    else:
        raise unknown_schema(key)


def check_schemas(urns: Any, kind: ResourceType) -> None:
    """Refuse schema names that are not known; none at all are taken as the resource's own."""
    if urns is None:
        return
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        raise invalid_value("schemas: it takes a list of texts")
    for urn in urns:
        if not kind.knows(urn):
            raise unknown_schema(urn)


def unknown_schema(urn: str) -> Refused:
    """The refusal of a schema that nobody declared."""
    return invalid_value(
        f"the schema {urn} is not known",
        advice="GET /Schemas lists those that are; the operator declares more with the setting `schemas`",
    )
