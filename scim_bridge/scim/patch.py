"""Carry out PATCH operations on a resource: resource in, resource' out (RFC 7644 section 3.5.2). Pure.

Where the RFC and the identity providers differ, the providers' way is taken, because a silent no-op or a
refused deprovisioning is worse than leniency:

    case                                         | RFC          | here
    ---------------------------------------------+--------------+---------------------------------------
    add, replace through a filter without match  | noTarget     | the element is made, from the filter
    remove with a list of values                 | all go       | those values go
    add or replace with null or ""               | not said     | unassigned, as by remove
    ``active`` unassigned                        | allowed      | stays: no leaver returns by an empty value
    ``id`` in a value without path               | mutability   | fine, if it is the resource's own
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from scim_bridge.filters import And, Compare, Filter, matches
from scim_bridge.scim.definitions import Attribute, ResourceType
from scim_bridge.scim.dialects import Operation, check_schemas, coerce, is_unassigned, plain_value
from scim_bridge.scim.paths import Target, find_target
from scim_bridge.scim.refusals import invalid_value, mutability, no_target

_MARKS = frozenset({"type", "primary"})  # an element that says no more than these says nothing


def apply(
    resource: Mapping[str, Any], steps: Sequence[Operation], kind: ResourceType, *, own_id: str
) -> dict[str, Any]:
    """``resource`` (canonical names) after all ``steps``; raises Refused, and then nothing has happened."""
    changed = copy.deepcopy(dict(resource))
    for step in steps:
        _apply(changed, step, kind, own_id)
    return changed


def one_primary(elements: list[Any], keep: int | None = None) -> None:
    """Leave one element primary: that at ``keep``, or the first (RFC 7643 section 2.4)."""
    for index, element in enumerate(elements):
        if isinstance(element, dict) and element.get("primary") is True:
            if keep is None:
                keep = index
            elif index != keep:
                element["primary"] = False


def _apply(resource: dict[str, Any], step: Operation, kind: ResourceType, own_id: str) -> None:
    if step.path is None:
        raise no_target("a remove operation has no path", advice="name the attribute to remove")
    target = find_target(step.path, kind)
    attribute = target.attribute
    if attribute is None:
        _whole_extension(resource, step, target, kind, own_id)
        return
    if _is_settled(attribute, step, kind, own_id):
        return
    holder = resource if target.urn is None else resource.setdefault(target.urn, {})
    value = _value(target, attribute, step)
    if step.op == "remove" or is_unassigned(value):
        _remove(holder, target, attribute, step)
    elif attribute.multi and attribute.subs:
        _set_elements(holder, target, attribute, step.op, value)
    elif target.sub is not None:
        holder.setdefault(attribute.name, {})[target.sub.name] = value
    elif attribute.subs and isinstance(value, dict):
        merged = {**holder.get(attribute.name, {}), **value}
        holder[attribute.name] = {name: part for name, part in merged.items() if part is not None}
    else:
        holder[attribute.name] = value
    for name in (attribute.name, target.urn):
        place = holder if name == attribute.name else resource
        if name is not None and name in place and is_unassigned(place[name]):
            del place[name]


def _value(target: Target, attribute: Attribute, step: Operation) -> Any:
    if step.op == "remove":
        return None
    if target.sub is not None:
        return plain_value(target.sub, step.value)
    value = coerce(attribute, step.value)
    if attribute.subs and not is_unassigned(value):
        elements = value if attribute.multi else [value]
        if not all(isinstance(element, dict) for element in elements):
            raise invalid_value(f"{attribute.name} takes objects")
    elif not attribute.subs and isinstance(step.value, dict):
        raise invalid_value(f"{attribute.name} takes no object")
    if isinstance(value, dict) and isinstance(step.value, dict):
        cleared = (attribute.sub(key) for key, part in step.value.items() if is_unassigned(part))
        value |= {sub.name: None for sub in cleared if sub is not None}
    return value


def _is_settled(attribute: Attribute, step: Operation, kind: ResourceType, own_id: str) -> bool:
    """Whether nothing is left to do: parts that only the server writes, and the password."""
    if attribute.name == "schemas":
        if step.op == "remove":
            raise mutability("schemas cannot be removed")
        check_schemas(step.value, kind)
        return True
    if attribute.name == "id" and step.op != "remove" and step.value == own_id:
        return True
    if attribute.mutability == "readOnly":
        if step.named or attribute.name == "id":
            raise mutability(f"{attribute.name} is read-only", advice="leave it out")
        return True
    if attribute.name == "active":
        return step.op == "remove" or is_unassigned(step.value)
    return attribute.returned == "never"


def _whole_extension(
    resource: dict[str, Any], step: Operation, target: Target, kind: ResourceType, own_id: str
) -> None:
    if step.op == "remove" or is_unassigned(step.value):
        resource.pop(str(target.urn), None)
        return
    if not isinstance(step.value, Mapping):
        raise invalid_value(f"{target.urn} takes an object")
    for key, value in step.value.items():
        _apply(resource, Operation(step.op, f"{target.urn}:{key}", value, named=False), kind, own_id)


def _remove(holder: dict[str, Any], target: Target, attribute: Attribute, step: Operation) -> None:
    if attribute.required and target.sub is None:
        raise mutability(f"{attribute.name} is required and cannot be removed", advice="replace it")
    current = holder.get(attribute.name)
    if current is None:
        return
    if not (attribute.multi and attribute.subs):
        if target.sub is None:
            del holder[attribute.name]
        else:
            current.pop(target.sub.name, None)
        return
    chosen = _chosen(current, target.where)
    if target.sub is not None:
        for index in chosen:
            current[index].pop(target.sub.name, None)
        gone = {index for index in chosen if current[index].keys() <= _MARKS}
    elif target.where is None and step.op == "remove" and not is_unassigned(step.value):
        values = coerce(attribute, step.value)
        if not all(isinstance(value, dict) for value in values):
            raise invalid_value(f"{attribute.name} takes objects")
        gone = {index for index in chosen if any(_same(current[index], value) for value in values)}
    else:
        gone = set(chosen)
    holder[attribute.name] = [element for index, element in enumerate(current) if index not in gone]


def _same(element: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    return element.get("value") == value["value"] if value.get("value") else element == value


def _set_elements(holder: dict[str, Any], target: Target, attribute: Attribute, op: str, value: Any) -> None:
    current = holder.setdefault(attribute.name, [])
    if target.where is None and target.sub is None:
        if op == "replace":
            holder[attribute.name] = value
            one_primary(value)
            return
        new = [element for element in value if element not in current]
        current.extend(new)
        primaries = [
            index for index, element in enumerate(current) if element in new and element.get("primary") is True
        ]
        one_primary(current, primaries[-1] if primaries else None)
        return
    if target.sub is None and len(value) != 1:
        raise invalid_value(f"{attribute.name}[...] is one element, and several values were given")
    parts = {target.sub.name: value} if target.sub else dict(value[0])
    chosen = _chosen(current, target.where)
    if not chosen:
        current.append(_from_filter(target.where, attribute))
        chosen = [len(current) - 1]
    for index in chosen:
        current[index].update(parts)
    if parts.get("primary") is True:
        one_primary(current, chosen[-1])
    else:
        one_primary(current, next((i for i in chosen if current[i].get("primary") is True), None))


def _chosen(elements: Sequence[Any], where: Filter | None) -> list[int]:
    return [index for index, element in enumerate(elements) if where is None or matches(where, element)]


def _from_filter(where: Filter | None, attribute: Attribute) -> dict[str, Any]:
    """A new element that meets ``where``: its equalities become values."""
    terms = () if where is None else where.terms if isinstance(where, And) else (where,)
    element: dict[str, Any] = {}
    for term in terms:
        sub = attribute.sub(term.path.name) if isinstance(term, Compare) and term.op == "eq" else None
        if sub is None or not isinstance(term, Compare):
            raise no_target(
                f"no element of {attribute.name} meets the filter, and none can be made from it",
                advice='use a filter of equalities, type eq "work"',
            )
        element[sub.name] = term.value
    return element
