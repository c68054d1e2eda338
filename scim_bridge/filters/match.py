"""Does a resource meet a filter? RFC 7644 section 3.4.2.2 over a SCIM document.

    value of the attribute | eq            | ne    | co sw ew | gt ge lt le | pr
    -----------------------+---------------+-------+----------+-------------+------
    absent, null, "", []   | only eq null  | true  | false    | false       | false
    several                | any of them meets it, for every operator

Types count: the string "x" is no number, and a boolean is never in any order. What two values compare as
is told by the attribute's kind (``values``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim_bridge.filters.traits import ANY, CORE_TRAITS, EXACT, Trait, Traits, value_of
from scim_bridge.filters.tree import And, AttributePath, Compare, Filter, Not, Or, Present, ValuePath
from scim_bridge.filters.values import check_comparison, holds, kind_for, stored_key, wanted_key


def matches(filter: Filter, resource: Mapping[str, Any], traits: Traits = CORE_TRAITS) -> bool:
    """Whether ``resource``, a SCIM document with extensions under their URNs, meets ``filter``.

    An attribute that ``traits`` do not know is read from the document as it is named.
    """
    match filter:
        case And(terms=terms):
            return all(matches(term, resource, traits) for term in terms)
        case Or(terms=terms):
            return any(matches(term, resource, traits) for term in terms)
        case Not(filter=inner):
            return not matches(inner, resource, traits)
        case Present(path=path):
            return is_present(_values(resource, _way(path, traits)[0]))
        case ValuePath(path=path, where=where, test=test):
            names, trait = _way(path, traits)
            inside = trait.inside()
            return any(
                matches(where, element, inside) and (test is None or matches(test, element, inside))
                for element in map(_element, _values(resource, names))
                if is_present(element)
            )
        case _:
            return _compares(filter, resource, traits)


def values_at(resource: Mapping[str, Any], path: AttributePath, traits: Traits = CORE_TRAITS) -> list[Any]:
    """Every value that ``resource`` has at ``path``, those of multi-valued attributes one by one."""
    return _values(resource, _way(path, traits)[0])


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


def _compares(compare: Compare, resource: Mapping[str, Any], traits: Traits) -> bool:
    names, trait = _way(compare.path, traits)
    found = _values(resource, names)
    if compare.value is None:
        return is_present(found) == (compare.op == "ne")
    plain = [value for value in map(_plain, found) if is_present(value)]
    if not plain:
        return compare.op == "ne"
    if trait.kind == "complex":
        trait = trait.subs.get("value", ANY)
    kind = kind_for(trait, compare.value)
    wanted = wanted_key(trait, kind, compare.value)
    equal = compare.op == "ne"
    for value in plain:
        key = None if wanted is None else stored_key(trait, kind, value)
        met = key is not None and wanted is not None and holds("eq" if equal else compare.op, key, wanted)
        if met != equal:
            return True
    return False


def _way(path: AttributePath, traits: Traits) -> tuple[Sequence[str], Trait]:
    """The names to follow through the document, and what is known of the last."""
    chain = traits.find(path)
    if chain is not None:
        return [trait.name for trait in chain], chain[-1]
    names = [path.name] if path.sub is None else [path.name, path.sub]
    trait = EXACT if names[-1] == "$ref" else ANY
    return names if path.urn is None or path.urn.lower() in traits.urns else [path.urn, *names], trait


def _values(resource: Any, names: Sequence[str]) -> list[Any]:
    """All values at the end of ``names``, multi-valued ones one by one."""
    values = [resource]
    for name in names:
        found = [holder[key] for holder in values if isinstance(holder, Mapping) and (key := find_key(holder, name))]
        values = [one for value in found for one in (value if isinstance(value, list) else (value,))]
    return values


def _element(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _plain(value: Any) -> Any:
    """A complex value stands for its ``value`` sub-attribute."""
    if not isinstance(value, Mapping):
        return value
    key = find_key(value, "value")
    return None if key is None else value[key]
