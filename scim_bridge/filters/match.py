"""Does a resource meet a filter? RFC 7644 section 3.4.2.2 over a SCIM document.

    value of the attribute | eq            | ne    | co sw ew | gt ge lt le | pr
    -----------------------+---------------+-------+----------+-------------+------
    absent, null, "", []   | only eq null  | true  | false    | false       | false
    several                | any of them meets it, for every operator

Types count: the string "x" is no number, and a boolean is never in any order. What two values compare as
is told by the attribute's kind (``values``).

A filter is asked of many resources, a mapping's of everybody: so it is first made into one function, in which all
that does not depend on the resource (the way to the attribute, its kind, the folded text) is worked out already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scim_bridge.filters.traits import ANY, CORE_TRAITS, EXACT, Trait, Traits, value_of
from scim_bridge.filters.tree import And, AttributePath, Compare, Filter, Not, Or, Present, ValuePath
from scim_bridge.filters.values import check_comparison, holds, kind_for, stored_key, wanted_key
from scim_bridge.folding import fold

Names = Mapping[str, Any]
"""A resource or element whose attributes go by lower-case name: see ``by_name``."""

Condition = Callable[[Names], bool]


def matches(filter: Filter, resource: Mapping[str, Any], traits: Traits = CORE_TRAITS) -> bool:
    """Whether ``resource``, a SCIM document with extensions under their URNs, meets ``filter``.

    An attribute that ``traits`` do not know is read from the document as it is named.
    """
    return condition(filter, traits)(by_name(resource))


def by_name(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The resource as conditions take it; of two attributes that differ by case alone, the first."""
    names: dict[str, Any] = {}
    for key, value in resource.items():
        names.setdefault(key.lower(), value)
    return names


def condition(filter: Filter, traits: Traits = CORE_TRAITS) -> Condition:
    """``filter`` as a function; nobody but this file need know how it is made."""
    match filter:
        case And(terms=terms):
            return _every([condition(term, traits) for term in terms])
        case Or(terms=terms):
            return _some([condition(term, traits) for term in terms])
        case Not(filter=inner):
            holds_inside = condition(inner, traits)
            return lambda names: not holds_inside(names)
        case Present(path=path):
            find = _finder(_way(path, traits)[0])
            return lambda names: is_present(find(names))
        case ValuePath():
            return _of_an_element(filter, traits)
        case _:
            return _comparison(filter, traits)


def _every(terms: Sequence[Condition]) -> Condition:
    def hold(names: Names) -> bool:
        for term in terms:  # noqa: SIM110  all() with a generator costs twice as much
            if not term(names):
                return False
        return True

    return hold


def _some(terms: Sequence[Condition]) -> Condition:
    def hold(names: Names) -> bool:
        for term in terms:  # noqa: SIM110
            if term(names):
                return True
        return False

    return hold


def _of_an_element(filter: ValuePath, traits: Traits) -> Condition:
    way, trait = _way(filter.path, traits)
    find, inside = _finder(way), trait.inside()
    terms = [condition(term, inside) for term in (filter.where, filter.test) if term is not None]
    meets = _every(terms)

    def hold(names: Names) -> bool:
        elements = map(_element, find(names))
        return any(meets(by_name(element)) for element in elements if is_present(element))

    return hold


def values_at(resource: Mapping[str, Any], path: AttributePath, traits: Traits = CORE_TRAITS) -> list[Any]:
    """Every value that ``resource`` has at ``path``, those of multi-valued attributes one by one."""
    return _finder(_way(path, traits)[0])(by_name(resource))


def check_types(filter: Filter, traits: Traits = CORE_TRAITS) -> None:
    """Raise InvalidFilter for a comparison that no value can meet; unknown attributes are passed over."""
    match filter:
        case And(terms=terms) | Or(terms=terms):
            for term in terms:
                check_types(term, traits)
        case Not(filter=inner):
            check_types(inner, traits)
        case ValuePath(path=path, where=where, test=test):
            chain = traits.find(path)
            if chain is not None:
                check_types(where, chain[-1].inside())
                if test is not None:
                    check_types(test, chain[-1].inside())
        case Compare(path=path, op=op, value=value):
            chain = traits.find(path)
            if chain is not None and (compared := value_of(chain)) is not None:
                check_comparison(str(path), compared[-1], op, value)


def find_key(resource: Mapping[str, Any], name: str) -> str | None:
    """The key of ``resource`` that is ``name`` in any case, or None."""
    if name in resource:
        return name
    folded = name.lower()
    return next((key for key in resource if key.lower() == folded), None)


def is_present(value: Any) -> bool:
    """Whether there is a value that is not empty, however deep (RFC 7644 table 3, ``pr``)."""
    if isinstance(value, Mapping):
        return any(is_present(part) for part in value.values())
    if isinstance(value, list):
        return any(is_present(part) for part in value)
    return value is not None and value != ""


def _comparison(compare: Compare, traits: Traits) -> Condition:
    way, trait = _way(compare.path, traits)
    find = _finder(way)
    if compare.value is None:
        wants_some = compare.op == "ne"
        return lambda names: is_present(find(names)) == wants_some
    if trait.kind == "complex":
        trait = trait.subs.get("value", ANY)
    kind = kind_for(trait, compare.value)
    wanted = wanted_key(trait, kind, compare.value)
    is_ne = compare.op == "ne"
    op = "eq" if is_ne else compare.op

    def hold(names: Names) -> bool:
        is_absent = True
        for found in find(names):
            value = _plain(found)
            if not is_present(value):
                continue
            is_absent = False
            key = None if wanted is None else stored_key(trait, kind, value)
            if (key is not None and wanted is not None and holds(op, key, wanted)) != is_ne:
                return True
        return is_absent and is_ne

    if kind == "string" and isinstance(wanted, str) and len(way) <= _SHORT_WAY:
        return _of_text(way, op, wanted, is_ne=is_ne, is_exact=trait.case_exact, otherwise=hold)
    return hold


_SHORT_WAY = 2


def _of_text(
    way: Sequence[str], op: str, wanted: str, *, is_ne: bool, is_exact: bool, otherwise: Condition
) -> Condition:
    """What most conditions are: one text against another. ``otherwise`` is asked where it is not as simple as that."""
    first, second = way[0].lower(), way[1] if len(way) > 1 else None

    def hold(names: Names) -> bool:
        value = names.get(first)
        if second is not None and value.__class__ is dict:
            value = value.get(second)
        elif second is not None:
            return otherwise(names)
        if value.__class__ is not str or not value:
            return otherwise(names)
        key = value if is_exact else fold(value)
        return (key == wanted if op == "eq" else holds(op, key, wanted)) != is_ne

    return hold


def _way(path: AttributePath, traits: Traits) -> tuple[Sequence[str], Trait]:
    """The names to follow through the document, and what is known of the last."""
    chain = traits.find(path)
    if chain is not None:
        return [trait.name for trait in chain], chain[-1]
    names = [path.name] if path.sub is None else [path.name, path.sub]
    trait = EXACT if names[-1] == "$ref" else ANY
    return names if path.urn is None or path.urn.lower() in traits.urns else [path.urn, *names], trait


def _finder(way: Sequence[str]) -> Callable[[Names], list[Any]]:
    """All values at the end of ``way``, multi-valued ones one by one."""
    first, rest = way[0].lower(), way[1:]

    def find(names: Names) -> list[Any]:
        value = names.get(first)
        values = value if isinstance(value, list) else [value]
        for name in rest:
            found = [
                holder[key] for holder in values if isinstance(holder, Mapping) and (key := find_key(holder, name))
            ]
            values = [one for value in found for one in (value if isinstance(value, list) else (value,))]
        return values

    return find


def _element(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _plain(value: Any) -> Any:
    """A complex value stands for its ``value`` sub-attribute."""
    if not isinstance(value, Mapping):
        return value
    key = find_key(value, "value")
    return None if key is None else value[key]
