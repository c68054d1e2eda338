"""The order of a list (RFC 7644 section 3.4.2.3), stable on every page.

Text goes by code points, folded where case does not count; numbers and times by value. Of several values the primary
one counts, else the first. What has no value comes last, or first when descending. Ties go by age.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from scim_bridge.directory.spots import Expression, Spot, in_order
from scim_bridge.directory.stored import Stored, stored_groups, stored_users
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import Chain, InvalidFilter, Trait, Traits, parse_path, value_of

Order = tuple[sa.UnaryExpression[Any], ...]
"""Expressions of an ORDER BY; the last is the resource's own key, so that no two are alike."""


def user_order(dialect: str, sort_by: str, traits: Traits, *, descending: bool = False, root: str = "") -> Order:
    """Users by the attribute ``sort_by``; raises InvalidInput for one that is not known or has no order.

    RFC 7644 table 9 keeps invalidPath for PATCH, so this answers invalidValue.
    """
    return _order(stored_users(dialect, root), sort_by, traits, descending)


def group_order(dialect: str, sort_by: str, traits: Traits, *, descending: bool = False, root: str = "") -> Order:
    """Groups, likewise."""
    return _order(stored_groups(dialect, root), sort_by, traits, descending)


def _order(stored: Stored, sort_by: str, traits: Traits, descending: bool) -> Order:
    chain = _chain(sort_by, traits)
    key = in_order(_preferred(stored.spot, chain), chain[-1])
    first = key.desc().nulls_first() if descending else key.asc().nulls_last()
    return first, stored.id.desc() if descending else stored.id.asc()


def _chain(sort_by: str, traits: Traits) -> Chain:
    try:
        path = parse_path(sort_by)
        chain = traits.get(path.attribute)
    except InvalidFilter as error:
        raise InvalidInput(f"sortBy: {error.message}", advice=error.advice) from error
    if path.where is not None:
        raise InvalidInput("sortBy takes an attribute, and this is a filter", advice="write emails.value")
    found = value_of(chain)
    if found is None or found[-1].kind == "complex":
        parts = ", ".join(sub.name for sub in chain[-1].subs.values())
        raise InvalidInput(f"{sort_by} has parts and no order of its own", advice=f"sort by one of {parts}")
    return found


def _preferred(spot: Spot, chain: Chain, last: Trait | None = None) -> Expression:
    """The key at the end of ``chain``; ``last`` is the attribute that led here."""
    if not chain:
        if last is None:
            raise AssertionError("there is nothing to sort by")
        return spot.key(last)
    trait, rest = chain[0], chain[1:]
    spot = spot.at(trait)
    if trait.multi:
        return spot.preferred(trait, lambda element: _preferred(element, rest, trait))
    return _preferred(spot, rest, trait)
