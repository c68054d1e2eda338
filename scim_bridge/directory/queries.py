"""A filter tree as an SQL condition over everything that users and groups have (RFC 7644 section 3.4.2.2).

The answer is the one that ``filters.matches`` gives for the resource as it is shown; tests hold both together on
both databases. What a condition reads is told by ``stored``, how it reads it by ``spots``. Names come from the
schemas, values are bound: no text of a filter becomes SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from scim_bridge.directory.spots import Condition, Holds, Spot, negated
from scim_bridge.directory.stored import Stored, stored_groups, stored_users
from scim_bridge.filters import (
    And,
    AttributePath,
    Chain,
    Compare,
    Filter,
    InvalidFilter,
    Not,
    Or,
    Present,
    Traits,
    Value,
    ValuePath,
    value_of,
)
from scim_bridge.filters.values import check_comparison, wanted_key


def user_condition(
    dialect: str, source_id: int, filter: Filter | None, traits: Traits, *, root: str = "", lenient: bool = False
) -> Condition:
    """The users of a source that meet ``filter``.

    ``root`` is the address of the SCIM entrance (``https://host/scim/v2``), for locations. Raises InvalidFilter
    for unknown attributes, with the nearest known name, and for comparisons that no value can meet. ``lenient``:
    an attribute that is not known has no value, as a search over several kinds wants it (RFC 7644 section 3.4.2.1).
    """
    return _condition(stored_users(dialect, root), source_id, filter, traits, lenient)


def group_condition(
    dialect: str, source_id: int, filter: Filter | None, traits: Traits, *, root: str = "", lenient: bool = False
) -> Condition:
    """The groups of a source that meet ``filter``, likewise."""
    return _condition(stored_groups(dialect, root, source_id), source_id, filter, traits, lenient)


def _condition(stored: Stored, source_id: int, filter: Filter | None, traits: Traits, lenient: bool) -> Condition:
    if filter is None:
        return stored.source == source_id
    query = _Query(stored, lenient)
    tree = query.tree(filter, stored.spot, traits)
    if query.is_narrow(filter, traits):
        # SQLite would rather walk the whole source than use the narrow index that was asked for
        return sa.and_(stored.source + 0 == source_id, tree)
    return sa.and_(stored.source == source_id, tree)


@dataclass(frozen=True, slots=True)
class _Query:
    stored: Stored
    lenient: bool

    def tree(self, filter: Filter, spot: Spot, traits: Traits) -> Condition:
        match filter:
            case And(terms=terms):
                return sa.and_(*(self.tree(term, spot, traits) for term in terms))
            case Or(terms=terms):
                return sa.or_(*(self.tree(term, spot, traits) for term in terms))
            case Not(filter=inner):
                return self._opposite(inner, spot, traits)
            case Present(path=path):
                chain = self._chain(path, traits)
                return sa.false() if chain is None else _over(spot, chain, _present)
            case ValuePath():
                return self._value_path(filter, spot, traits)
            case _:
                return self._compare(filter, spot, traits)

    def _opposite(self, filter: Filter, spot: Spot, traits: Traits) -> Condition:
        """``not (filter)``, said of each comparison: SQLite's parser has no room for negations in negations."""
        match filter:
            case And(terms=terms):
                return sa.or_(*(self._opposite(term, spot, traits) for term in terms))
            case Or(terms=terms):
                return sa.and_(*(self._opposite(term, spot, traits) for term in terms))
            case Not(filter=inner):
                return self.tree(inner, spot, traits)
            case _:
                return negated(self.tree(filter, spot, traits))

    def is_narrow(self, filter: Filter, traits: Traits) -> bool:
        """Whether an index that is not by source finds the few that can meet ``filter``."""
        match filter:
            case And(terms=terms):
                return any(self.is_narrow(term, traits) for term in terms)
            case Or(terms=terms):
                return all(self.is_narrow(term, traits) for term in terms)
            case Compare(path=path, op="eq", value=str()):
                chain = traits.find(path)
                return chain is not None and self._finds_few(value_of(chain))
            case ValuePath(path=path):
                chain = traits.find(path)
                return chain is not None and "value" in _equalities(filter) and self._finds_few(value_of(chain))
            case _:
                return False

    def _chain(self, path: AttributePath, traits: Traits) -> Chain | None:
        return traits.find(path) if self.lenient and traits.find(path) is None else traits.get(path)

    def _finds_few(self, chain: Chain | None) -> bool:
        return chain is not None and tuple(trait.name for trait in chain) in self.stored.narrow

    def _value_path(self, filter: ValuePath, spot: Spot, traits: Traits) -> Condition:
        chain = self._chain(filter.path, traits)
        if chain is None:
            return sa.false()
        if not chain[-1].multi:
            raise InvalidFilter(f"{filter.path} has no elements to choose from", advice="leave out the brackets")
        inside = chain[-1].inside()
        where: Filter = filter.where if filter.test is None else And((filter.where, filter.test))
        value = _equalities(filter).get("value")
        is_narrow = isinstance(value, str) and self._finds_few(value_of(chain))
        holds = _over(spot, chain, lambda element: self.tree(where, element, inside), narrow=is_narrow)
        finder = self.stored.finders.get(chain[0].name) if is_narrow else None
        return holds if finder is None else sa.and_(finder(str(value)), holds)

    def _compare(self, compare: Compare, spot: Spot, traits: Traits) -> Condition:
        chain, op = self._chain(compare.path, traits), compare.op
        if chain is None:
            return sa.true() if op == ("eq" if compare.value is None else "ne") else sa.false()
        if compare.value is None:
            present = _over(spot, chain, _present)
            return present if op == "ne" else negated(present)
        chain = value_of(chain) or chain
        trait = chain[-1]
        check_comparison(str(compare.path), trait, op, compare.value)
        wanted = wanted_key(trait, trait.kind, compare.value)
        if wanted is None:
            raise AssertionError("a comparison was checked and has no key")
        if op == "ne":
            return _differs(spot, chain, lambda one: one.holds("eq", trait, wanted))
        is_narrow = op == "eq" and self._finds_few(chain)
        if is_narrow and chain[0].name in self.stored.finders:
            return self.stored.finders[chain[0].name](str(wanted))
        return _over(spot, chain, lambda one: one.holds(op, trait, wanted), narrow=is_narrow)


def _over(spot: Spot, chain: Chain, holds: Holds, *, narrow: bool = False) -> Condition:
    """Whether the value at the end of ``chain`` holds; of several, one of them."""
    if not chain:
        return holds(spot)
    trait, rest = chain[0], chain[1:]
    spot = spot.at(trait)
    if trait.multi:
        return spot.elements(trait, lambda element: _over(element, rest, holds), narrow=narrow)
    return _over(spot, rest, holds, narrow=narrow)


def _differs(spot: Spot, chain: Chain, equal: Holds) -> Condition:
    """``ne``: there is no value, or one of them is not equal."""
    if not any(trait.multi for trait in chain):
        return negated(_over(spot, chain, equal))
    nothing = negated(_over(spot, chain, _present))
    return sa.or_(nothing, _over(spot, chain, lambda one: sa.and_(one.present(), negated(equal(one)))))


def _equalities(filter: ValuePath) -> Mapping[str, Value]:
    """What an element must equal, by lower-case name."""
    terms = [*(filter.where.terms if isinstance(filter.where, And) else (filter.where,)), filter.test]
    return {term.path.name.lower(): term.value for term in terms if isinstance(term, Compare) and term.op == "eq"}


def _present(spot: Spot) -> Condition:
    return spot.present()
