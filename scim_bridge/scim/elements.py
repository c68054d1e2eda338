"""PATCH on an attribute with several values (RFC 7644 sections 3.5.2.1 to 3.5.2.3): values in, values' out. Pure.

operation                        | what happens
---------------------------------+--------------------------------------------------------------------------
add ``[...]``                    | appended; what is there (the same value and type) is completed, not doubled
replace ``[...]``                | all others go
add, replace ``emails[f]``,      | elements that meet the filter take the parts that are named and keep the others;
  ``emails[f].sub``              |   none: one is made from the filter
remove ``emails[f]``, ``[f].sub``| they go; an element of which only type and primary would be left goes too
remove with a list of values     | those go (Entra ID)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim_bridge.filters import And, Compare, Filter, by_name, condition, matches
from scim_bridge.scim.model import Attribute
from scim_bridge.scim.paths import Target
from scim_bridge.scim.refusals import invalid_value, no_target
from scim_bridge.scim.traits import inside_of
from scim_bridge.scim.values import MAX_VALUES, is_unassigned, read_element, read_value, too_many

_MARKS = frozenset({"type", "primary"})  # an element that says no more than these says nothing


def one_primary(elements: list[Any], keep: int | None = None) -> None:
    """Leave one element primary: that at ``keep``, or the first (RFC 7643 section 2.4)."""
    for index, element in enumerate(elements):
        if element.get("primary") is True:
            if keep is None:
                keep = index
            elif index != keep:
                elements[index] = {**element, "primary": False}  # the element itself may be the stored one


def set_elements(current: list[Any], target: Target, attribute: Attribute, op: str, sent: Any) -> list[Any]:
    """The values after ``op`` (add or replace) with ``sent``, which assigns something. Raises Refused."""
    if sent == {}:
        if target.sub is not None or not attribute.subs:
            raise invalid_value(f"{attribute.name}: it takes no object")
        return current
    if target.sub is not None:
        value = read_value(target.sub, sent, f"{attribute.name}.{target.sub.name}")
        changed = _change_chosen(current, target, attribute, {target.sub.name: value})
    elif target.where is not None:
        changed = _set_chosen(current, target, attribute, sent)
    else:
        values = understood(attribute, sent)
        changed = values if op == "replace" else _added(current, values, attribute)
        if op == "replace" and attribute.subs:
            one_primary(changed)
    if len(changed) > MAX_VALUES:
        raise too_many(attribute.name)
    return changed


def remove_elements(current: Sequence[Any], target: Target, attribute: Attribute, sent: Any) -> list[Any]:
    """The values after a remove; ``sent`` lists those that go where the path does not choose. Raises Refused."""
    chosen = _chosen(current, target, attribute)
    if target.sub is not None:
        return _stripped(current, chosen, target.sub.name)
    if target.where is None and not is_unassigned(sent):
        values = understood(attribute, sent)
        return [element for element in current if not any(_same(element, value) for value in values)]
    return [element for index, element in enumerate(current) if index not in chosen]


def _stripped(current: Sequence[Any], chosen: Sequence[int], name: str) -> list[Any]:
    """Without the part ``name`` in the chosen elements, and without those that say nothing then."""
    stripped = [
        {key: part for key, part in element.items() if key != name} if index in chosen else element
        for index, element in enumerate(current)
    ]
    return [one for index, one in enumerate(stripped) if index not in chosen or not one.keys() <= _MARKS]


def understood(attribute: Attribute, sent: Any) -> list[Any]:
    """The values that a PATCH lists. Raises Refused invalidValue where nothing of an element is known."""
    elements = sent if isinstance(sent, list) else [sent]
    values = read_value(attribute, elements, attribute.name, bare=True) or []
    if attribute.subs and len(values) < sum(not is_unassigned(element) for element in elements):
        _refuse_unknown(attribute, elements)
    return values


def _refuse_unknown(attribute: Attribute, elements: Sequence[Any]) -> None:
    for element in elements:
        if isinstance(element, Mapping) and element and not any(attribute.sub(key) for key in element):
            raise invalid_value(
                f"{attribute.name}: nothing in a value of it is known",
                advice=f"its parts are {', '.join(sub.name for sub in attribute.subs)}",
            )


def _added(current: list[Any], values: Sequence[Any], attribute: Attribute) -> list[Any]:
    changed = list(current)
    primary: int | None = None
    for value in values:
        at = _place(changed, value)
        if at is None:
            at = len(changed)
            changed.append(value)
        elif attribute.subs:
            changed[at] = {**changed[at], **value}
        else:
            continue
        if attribute.subs and value.get("primary") is True:
            primary = at
    if primary is not None:
        one_primary(changed, primary)
    return changed


def _place(elements: Sequence[Any], value: Any) -> int | None:
    """Where ``value`` is already: an equal element, one that says all that it says, or one of its value and type."""
    if not isinstance(value, dict):
        return elements.index(value) if value in elements else None
    for index, element in enumerate(elements):
        if value.items() <= element.items():
            return index
        if "value" in value and value["value"] == element.get("value") and value.get("type") == element.get("type"):
            return index
    return None


def _same(element: Any, value: Any) -> bool:
    """Whether a remove that lists ``value`` means ``element``."""
    if not isinstance(value, dict) or "value" not in value:
        return bool(element == value)
    types = element.get("type"), value.get("type")
    return element.get("value") == value["value"] and (None in types or types[0] == types[1])


def _set_chosen(current: list[Any], target: Target, attribute: Attribute, sent: Any) -> list[Any]:
    if isinstance(sent, list):
        if len(sent) != 1:
            raise invalid_value(f"{attribute.name}[...] is one element, and several values were given")
        sent = sent[0]
    if is_unassigned(sent):
        return current
    if not attribute.subs:
        return _set_plain(current, target, attribute, sent)
    value = read_element(attribute, sent, attribute.name)
    parts = sent.items() if isinstance(sent, Mapping) else ()
    cleared = {sub.name for key, part in parts if is_unassigned(part) and (sub := attribute.sub(key))}
    if value:
        current = _change_chosen(current, target, attribute, value)
    elif not cleared:
        _refuse_unknown(attribute, [sent])
    for name in cleared:
        current = _stripped(current, _chosen(current, target, attribute), name)
    return current


def _set_plain(current: list[Any], target: Target, attribute: Attribute, sent: Any) -> list[Any]:
    """Plain values have no parts: those that meet the filter become the new one."""
    value = read_element(attribute, sent, attribute.name)
    chosen = _chosen(current, target, attribute)
    changed = [value if index in chosen else one for index, one in enumerate(current)] if chosen else [*current, value]
    return list(dict.fromkeys(changed))


def _change_chosen(current: list[Any], target: Target, attribute: Attribute, parts: Mapping[str, Any]) -> list[Any]:
    changed = [dict(element) for element in current]
    chosen = _chosen(current, target, attribute)
    if not chosen:
        changed.append(_from_filter(target.where, attribute))
        chosen = [len(changed) - 1]
    for index in chosen:
        changed[index] |= parts
    primaries = [index for index in chosen if changed[index].get("primary") is True]
    one_primary(changed, primaries[-1] if primaries else None)
    return changed


def _chosen(elements: Sequence[Any], target: Target, attribute: Attribute) -> list[int]:
    where = target.where
    if where is None:
        return list(range(len(elements)))
    meets = condition(where, inside_of(attribute))
    shown = (element if isinstance(element, Mapping) else {"value": element} for element in elements)
    return [index for index, element in enumerate(shown) if meets(by_name(element))]


def _from_filter(where: Filter | None, attribute: Attribute) -> dict[str, Any]:
    """A new element that meets ``where``: its equalities become values. Raises Refused noTarget for any other."""
    terms = () if where is None else where.terms if isinstance(where, And) else (where,)
    element: dict[str, Any] = {}
    for term in terms:
        sub = attribute.sub(term.path.name) if isinstance(term, Compare) and term.op == "eq" else None
        if sub is None or not isinstance(term, Compare):
            raise _nothing_to_make(attribute)
        element[sub.name] = read_value(sub, term.value, f"{attribute.name}.{sub.name}")
    if where is not None and not matches(where, element, inside_of(attribute)):
        raise _nothing_to_make(attribute)
    return {name: part for name, part in element.items() if part is not None}


def _nothing_to_make(attribute: Attribute) -> Exception:
    return no_target(
        f"no element of {attribute.name} meets the filter, and none can be made from it",
        advice='use a filter of equalities, type eq "work"',
    )
