"""Carry out PATCH operations on a resource: resource in, resource' out (RFC 7644 section 3.5.2). Pure.

Where the RFC and the identity providers differ, the providers' way is taken, because a silent no-op or a
refused deprovisioning is worse than leniency:

    case                                         | RFC          | here
    ---------------------------------------------+--------------+---------------------------------------------
    add, replace through a filter without match  | noTarget     | the element is made, from the filter
    remove with a list of values                 | all go       | those values go
    remove of what is not there                  | not said     | fine: it is as it should be
    add or replace with null or ""               | not said     | unassigned, as by remove
    ``active`` null or ""                        | not said     | stays: no leaver returns by an empty value
    ``active`` removed                           | unassigned   | no longer shown; who is inactive stays so
    read-only parts in a value without path      | mutability   | ignored; but another ``id`` is refused
    an attribute of an extension without its URN | invalidPath  | found, where the core has none of its name

A name that is not known is always an error: an operation that was not understood must not look done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim_bridge.scim.dialects import Operation, check_schemas
from scim_bridge.scim.documents import check_immutable, completed
from scim_bridge.scim.elements import remove_elements, set_elements
from scim_bridge.scim.model import Attribute, ResourceType
from scim_bridge.scim.paths import Target, find_target, unknown_attribute
from scim_bridge.scim.refusals import invalid_value, mutability, no_target
from scim_bridge.scim.values import is_unassigned, read_value

_MOST_COMPARED = 100_000
"""Values that the filters of one PATCH may look at: other writers of the resource wait meanwhile."""


def apply(
    resource: Mapping[str, Any], steps: Sequence[Operation], kind: ResourceType, *, own_id: str
) -> dict[str, Any]:
    """``resource`` (a stored document) after all ``steps``; raises Refused, and then nothing has happened."""
    changed = dict(resource)  # what a step changes it puts in anew, so the rest can be shared
    compared = 0
    for step in steps:
        if step.path is not None and "[" in step.path:
            compared += max((len(value) for value in changed.values() if isinstance(value, list)), default=0)
            may_compare(compared)
        _apply(changed, step, kind, own_id)
    if kind.immutable:
        check_immutable(changed, resource, kind)
    return completed(changed, kind)


def may_compare(values: int) -> None:
    """Raise Refused where the filters of one PATCH look at more ``values`` than they may."""
    if values > _MOST_COMPARED:
        raise invalid_value(
            f"the filters in its paths look at more than {_MOST_COMPARED:,} values", advice="send it in parts"
        )


def _apply(resource: dict[str, Any], step: Operation, kind: ResourceType, own_id: str) -> None:
    if step.path is None:
        raise no_target("a remove operation has no path", advice="name the attribute to remove")
    target = find_target(step.path, kind)
    attribute = target.attribute
    if attribute is None:
        _whole_extension(resource, step, target, kind, own_id)
        return
    if _is_settled(attribute, target, step, kind, own_id):
        return
    holder = resource if target.urn is None else dict(resource.get(target.urn, ()))
    _change(holder, step, target, attribute, kind)
    if is_unassigned(holder.get(attribute.name)):
        holder.pop(attribute.name, None)
    if target.urn is not None:
        if holder:
            resource[target.urn] = holder
        else:
            resource.pop(target.urn, None)


def _change(holder: dict[str, Any], step: Operation, target: Target, attribute: Attribute, kind: ResourceType) -> None:
    """Change ``attribute`` of ``holder``, the resource or one of its extensions."""
    name = attribute.name
    current = holder.get(name)
    if step.op == "remove" or _clears(step.value):
        if attribute.required and target.sub is None and target.where is None:
            raise mutability(f"{name} is required and cannot be removed", advice="replace it")
        if target.sub is not None and target.sub.required and current is not None:
            raise mutability(f"{name}.{target.sub.name} is required and cannot be removed", advice="replace it")
        if current is not None:
            holder[name] = _without(current, step, target, attribute)
    elif attribute.multi:
        holder[name] = set_elements(current or [], target, attribute, step.op, step.value)
    elif target.sub is not None:
        if step.value == {}:
            raise invalid_value(f"{name}.{target.sub.name}: it takes no object")
        value = read_value(target.sub, step.value, f"{name}.{target.sub.name}")
        holder[name] = _joined(current or {}, {target.sub.name: value})
    elif attribute.subs:
        holder[name] = _merged(current or {}, attribute, step.value, kind)
    elif step.value == {}:
        raise invalid_value(f"{name}: it takes no object")
    else:
        holder[name] = read_value(attribute, step.value, name)


def _clears(value: Any) -> bool:
    """Whether a value unassigns; an empty object sets nothing, so it clears nothing."""
    return value is None or value in ("", [])


def _without(current: Any, step: Operation, target: Target, attribute: Attribute) -> Any:
    if attribute.multi:
        return remove_elements(current, target, attribute, step.value if step.op == "remove" else None)
    if target.sub is not None:
        return {key: part for key, part in current.items() if key != target.sub.name}
    return None


def _merged(current: Mapping[str, Any], attribute: Attribute, sent: Any, kind: ResourceType) -> dict[str, Any]:
    """A complex value takes the parts that are sent, gives up those that are sent empty, and keeps the rest."""
    read = read_value(attribute, sent, attribute.name) or {}
    cleared: set[str] = set()
    if isinstance(sent, Mapping):
        for key, part in sent.items():
            sub = attribute.sub(key)
            if sub is None:
                raise unknown_attribute(f"{attribute.name}.{key}", kind)
            if is_unassigned(part):
                cleared.add(sub.name)
    return {name: part for name, part in _joined(current, read).items() if name not in cleared}


def _joined(current: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """``parts`` over ``current``; the address of an old manager does not outlive its id."""
    joined = {**current, **parts}
    if "value" in parts and parts["value"] != current.get("value") and "$ref" not in parts:
        joined.pop("$ref", None)
    return joined


def _is_settled(attribute: Attribute, target: Target, step: Operation, kind: ResourceType, own_id: str) -> bool:
    """Whether nothing is left to do: parts that only the server writes, and what is taken but not stored."""
    if attribute.name == "schemas":
        if step.op == "remove" or target.where is not None:
            raise mutability("schemas follow from the attributes", advice="remove the attributes of the extension")
        check_schemas(step.value, kind)
        return True
    if attribute.name == "id" and step.op != "remove" and step.value == own_id:
        return True
    if attribute.mutability == "readOnly" or (target.sub is not None and target.sub.mutability == "readOnly"):
        if step.named or attribute.name == "id":
            raise mutability(f"{step.path} is read-only", advice="leave it out")
        return True
    if attribute.name == "active":
        return step.op != "remove" and _clears(step.value)
    if not attribute.stored:
        read_value(attribute, step.value, attribute.name)
        return True
    return False


def _whole_extension(
    resource: dict[str, Any], step: Operation, target: Target, kind: ResourceType, own_id: str
) -> None:
    if step.op == "remove" or _clears(step.value):
        resource.pop(str(target.urn), None)
        return
    if not isinstance(step.value, Mapping):
        raise invalid_value(f"{target.urn}: it takes an object")
    for key, value in step.value.items():
        if key.lower() == "schemas":  # libraries write it into an extension, too; it says nothing that the URN does not
            continue
        _apply(resource, Operation(step.op, f"{target.urn}:{key}", value, named=False), kind, own_id)
